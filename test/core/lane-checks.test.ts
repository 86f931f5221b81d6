import { describe, expect, it } from "vitest";
import { checkGroups } from "../../src/core/host-checks.ts";
import type { LaneGroup } from "../../src/core/lane-group.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";
import type { Problem } from "../../src/core/problem.ts";
import { exampleFile, smallestFile, withValue } from "../support/lane-file.ts";

const lines = (problems: readonly Problem[]) => problems.map(({ path, message }) => `${path}: ${message}`);

function problems(input: unknown, insecureOrigins = false): string[] {
  const parsed = parseLaneGroup(input, { insecureOrigins });
  return parsed.ok ? [] : lines(parsed.error);
}

function warnings(input: unknown): string[] {
  const parsed = parseLaneGroup(input, { insecureOrigins: false });
  return parsed.ok ? lines(parsed.value.warnings) : ["not valid", ...lines(parsed.error)];
}

function group(input: unknown): LaneGroup {
  const parsed = parseLaneGroup(input, { insecureOrigins: false });
  if (!parsed.ok) throw new Error(lines(parsed.error).join("\n"));
  return parsed.value.group;
}

const REFUSED =
  "a header that baggage may set (not Host, Cookie, Authorization, X-Forwarded-*, CF-*, x-lane*, hop-by-hop, trace and baggage headers)";

describe("names that do not exist", () => {
  const cases: [path: (string | number)[], value: unknown, message: string][] = [
    [["baseline"], "s9", 'baseline: unknown lane "s9"; expected "s1", "s2" or "s3"'],
    [["rules", 0, "lane"], "canary", 'rules[0].lane: unknown lane "canary"; expected "s1", "s2" or "s3"'],
    [["rules", 1, "weights"], { s1: 1, s4: 1 }, 'rules[1].weights.s4: unknown lane "s4"; expected "s1", "s2" or "s3"'],
    [["mirrors", 0, "lane"], "S3", 'mirrors[0].lane: unknown lane "S3"; did you mean "s3"?'],
    [["mirrors", 0, "from"], ["s1", "s4"], 'mirrors[0].from[1]: unknown lane "s4"; expected "s1", "s2" or "s3"'],
    [["mirrors", 0, "services"], ["mokb"], 'mirrors[0].services[0]: unknown service "mokb"; did you mean "mockb"?'],
    [["stubs", 0, "service"], "mockd", 'stubs[0].service: unknown service "mockd"; expected "mocka", "mockb" or "mockc"'],
    [["services", "mockb", "fallback"], "s4", 'services.mockb.fallback: unknown lane "s4"; expected "s1", "s2" or "s3"'],
    [
      ["lanes", "s2", "origins", "checkout"],
      "https://x.example",
      'lanes.s2.origins.checkout: unknown service "checkout"; expected "mocka", "mockb" or "mockc"',
    ],
    [
      ["published"],
      { revision: 1, at: "2027-01-01T00:00:00Z", by: "me", reason: "", slots: [["s4", 10_000]] },
      'published.slots[0]: unknown lane "s4"; expected "s1", "s2" or "s3"',
    ],
  ];
  it.each(cases)("%j = %j", (path, value, message) => {
    expect(problems(withValue(exampleFile(), path, value))).toEqual([message]);
  });
});

describe("lanes, services and rules that contradict each other", () => {
  const cases: [path: (string | number)[], value: unknown, message: string][] = [
    [
      ["lanes", "s1", "origins"],
      { mocka: "https://a1.example" },
      'lanes.s1.origins: expected an origin for every service, since this is the baseline; "mockb" and "mockc" have none',
    ],
    [
      ["lanes", "s1", "expiresAt"],
      "2027-01-01T00:00:00Z",
      'lanes.s1.expiresAt: expected no expiry, since this is the baseline, got "2027-01-01T00:00:00Z"',
    ],
    [
      ["services", "mockb", "fallback"],
      "s2",
      'services.mockb.fallback: expected a lane with an origin for "mockb", got "s2", which has none',
    ],
    [["rules", 1, "name"], "pr", 'rules[1].name: expected a name of its own, got "pr", which rules[0] has'],
    [
      ["hosts"],
      ["mock.example.com", "*.mock.example.com", "Mock.Example.com"],
      'hosts: expected each only once, got "Mock.Example.com" twice',
    ],
    [["mirrors", 0, "from"], ["s3"], 'mirrors[0].from[0]: expected another lane than "s3", which gets the copies'],
    [["mirrors", 0, "services"], ["mockb", "mockb"], 'mirrors[0].services: expected each only once, got "mockb" twice'],
    [
      ["lanes", "s2", "origins", "mockc", "headers"],
      { "x-env": "a", "X-Env": "b" },
      'lanes.s2.origins.mockc.headers: expected each only once, got "X-Env" twice',
    ],
    [["fallback", "statuses"], ["530-520"], 'fallback.statuses[0]: expected a range from low to high, got "530-520"'],
    [["propagate", "headers"], ["version", "Cookie"], `propagate.headers[1]: expected ${REFUSED}, got "Cookie"`],
    [["propagate", "headers"], ["x-lane-mirror"], `propagate.headers[0]: expected ${REFUSED}, got "x-lane-mirror"`],
    ...["jaeger-baggage", "Jaeger_Baggage", "uberctx-user", "ot_baggage_user", "baggage-user", "baggage"].map(
      (name): [(string | number)[], unknown, string] => [
        ["propagate", "headers"],
        [name],
        `propagate.headers[0]: expected ${REFUSED}, got "${name}"`,
      ],
    ),
    [["propagate", "headers"], [{ prefix: "uberctx-" }], `propagate.headers[0].prefix: expected ${REFUSED}, got "uberctx-"`],
    [["propagate", "header"], "ot-baggage-lane", `propagate.header: expected "x-lane" or ${REFUSED}, got "ot-baggage-lane"`],
    [["propagate", "headers"], [{ prefix: "CF-" }], `propagate.headers[0].prefix: expected ${REFUSED}, got "CF-"`],
    [["propagate", "headers"], [{ prefix: "x-forwarded-" }], `propagate.headers[0].prefix: expected ${REFUSED}, got "x-forwarded-"`],
    [["propagate", "header"], "x-lane-context", `propagate.header: expected "x-lane" or ${REFUSED}, got "x-lane-context"`],
    [
      ["propagate", "headers"],
      ["X-Asm-Prefer-Tag"],
      `propagate.headers[0]: expected another header than propagate.header, which carries the lane's name, got "X-Asm-Prefer-Tag"`,
    ],
    [
      ["published"],
      {
        revision: 1,
        at: "2027-01-01T00:00:00Z",
        by: "me",
        reason: "",
        slots: [
          ["s1", 5000],
          ["s3", 4999],
        ],
      },
      "published.slots: expected 10000 slots in all, got 9999",
    ],
  ];
  it.each(cases)("%j = %j", (path, value, message) => {
    expect(problems(withValue(exampleFile(), path, value))).toEqual([message]);
  });

  it.each([
    ["mock.example.com", "MOCK.example.com."],
    ["[::1]", "[0:0::0:1]"],
    ["*.example.com", "*.Example.com."],
  ])("fault A15: include two spellings of one host, %s and %s", (one, other) => {
    expect(problems({ ...smallestFile(), hosts: [one, other] })).toEqual([`hosts: expected each only once, got "${other}" twice`]);
    const services = { web: { hosts: [one, other] } };
    expect(problems({ ...smallestFile(), hosts: ["*"], services })).toContain(
      `services.web.hosts: expected each only once, got "${other}" twice`,
    );
  });

  it("include a mirror of the same name", () => {
    const file = exampleFile();
    file.mirrors.push({ ...file.mirrors[0] });
    expect(problems(file)).toEqual(['mirrors[1].name: expected a name of its own, got "next", which mirrors[0] has']);
  });

  it("do not include a prefix that some refused header begins with: that header alone is left out", () => {
    expect(problems(withValue(exampleFile(), ["propagate", "headers"], [{ prefix: "x-" }]))).toEqual([]);
  });
});

describe("weights", () => {
  const weighted = (...weights: (number | undefined)[]) => {
    const file = smallestFile();
    weights.forEach((weight, i) => {
      file.lanes[i === 0 ? "main" : `l${i}`] = { origins: { web: `https://web${i}.example` }, ...(weight === undefined ? {} : { weight }) };
    });
    return problems(file);
  };

  it("that are all zero or left out are refused", () => {
    expect(weighted(0, undefined)).toEqual(["lanes: expected at least one lane with a weight above 0, got none"]);
  });

  it("of a rule, too", () => {
    const file = withValue(exampleFile(), ["rules", 1, "weights"], { s1: 0, s3: 0 });
    expect(problems(file)).toEqual(["rules[1].weights: expected at least one lane with a weight above 0, got none"]);
  });

  it("may be in any total, down to a share of one slot", () => {
    expect(weighted(9999, 1)).toEqual([]);
    expect(weighted(99.99, 0.01)).toEqual([]);
    expect(weighted(0.9999, 0.0001)).toEqual([]);
    expect(weighted(1e9, 1e9)).toEqual([]);
    expect(weighted(5e-324)).toEqual([]);
  });

  it("below a share of one slot are refused, with the share", () => {
    expect(weighted(99_999, 1)).toEqual(["lanes.l1.weight: expected 0 or a share of at least 0.01 %, got 1 of 100000 (0.001 %)"]);
    expect(weighted(100, 0, 0.009)).toEqual(["lanes.l2.weight: expected 0 or a share of at least 0.01 %, got 0.009 of 100.009 (0.009 %)"]);
  });
});

describe("the hosts of services", () => {
  const services = (value: unknown) => {
    const file = exampleFile();
    file.services = value;
    file.mirrors = [];
    file.stubs = [];
    file.lanes = { s1: { weight: 1, origins: Object.fromEntries(Object.keys(file.services).map((name) => [name, "https://o.example"])) } };
    file.rules = [];
    return problems(file);
  };

  it("lie within the group's", () => {
    expect(services({ a: { hosts: ["mock.example.com", "x.y.mock.example.com", "*.z.mock.example.com", "*.mock.example.com"] } })).toEqual(
      [],
    );
    expect(services({ a: { hosts: ["other.example.com"] }, b: { hosts: ["*.example.com"] }, c: { hosts: ["*"] } })).toEqual([
      'services.a.hosts: expected hosts within the group\'s ("mock.example.com" and "*.mock.example.com"), got "other.example.com"',
      'services.b.hosts: expected hosts within the group\'s ("mock.example.com" and "*.mock.example.com"), got "*.example.com"',
      'services.c.hosts: expected hosts within the group\'s ("mock.example.com" and "*.mock.example.com"), got "*"',
    ]);
  });

  it("with the same path belong to one service only", () => {
    expect(services({ a: {}, b: { path: "/" } })).toEqual([
      'services.b: expected a host and path of its own ("hosts", "path"), got any host with "/", which "a" has',
    ]);
    expect(services({ a: { hosts: ["x.mock.example.com"], path: "/api" }, b: { hosts: ["X.mock.example.com."], path: "/api/" } })).toEqual([
      'services.b: expected a host and path of its own ("hosts", "path"), got "x.mock.example.com" with "/api", which "a" has',
    ]);
  });

  it("may overlap where one is more exact than the other", () => {
    expect(services({ a: {}, b: { path: "/api" }, c: { hosts: ["*.mock.example.com"] }, d: { hosts: ["x.mock.example.com"] } })).toEqual(
      [],
    );
  });
});

describe("an origin", () => {
  const origin = (value: unknown, insecure = false) =>
    problems(withValue(exampleFile(), ["lanes", "s2", "origins", "mocka"], value), insecure);
  const at = "lanes.s2.origins.mocka: expected";
  const URL_FORM = 'a URL such as "https://a1.example"';
  const SECURE = '(only where INSECURE_ORIGINS is "true")';

  it.each([
    ["a1.example", `${at} ${URL_FORM}, got "a1.example"`],
    ["https://", `${at} ${URL_FORM}, got "https://"`],
    ["https://a b.example", `${at} ${URL_FORM}, got "https://a b.example"`],
    ["https:\\\\a1.example", `${at} ${URL_FORM}, got "https:\\\\\\\\a1.example"`],
    ["https://a1.exa\nmple", `${at} ${URL_FORM}, got "https://a1.exa\\nmple"`],
    ["ftp://a1.example", `${at} a URL with "https://", got "ftp://a1.example"`],
    ["javascript://a1.example", `${at} a URL with "https://", got "javascript://a1.example"`],
    ["https://a1.example?x=1", `${at} a URL without ? and # (the request's own query is passed on), got "https://a1.example?x=1"`],
    ["https://a1.example/#", `${at} a URL without ? and # (the request's own query is passed on), got "https://a1.example/#"`],
    ["http://a1.example", `${at} a URL with "https://" (http only where INSECURE_ORIGINS is "true"), got "http://a1.example"`],
    ["https://127.0.0.1", `${at} a host name, not an IP address ${SECURE}, got "https://127.0.0.1"`],
    ["https://0x7f.1", `${at} a host name, not an IP address ${SECURE}, got "https://0x7f.1"`],
    ["https://2130706433", `${at} a host name, not an IP address ${SECURE}, got "https://2130706433"`],
    ["https://[::1]:8443", `${at} a host name, not an IP address ${SECURE}, got "https://[::1]:8443"`],
    ["https://localhost", `${at} a public host name (private ones only where INSECURE_ORIGINS is "true"), got "https://localhost"`],
    ["https://LocalHost", `${at} a public host name (private ones only where INSECURE_ORIGINS is "true"), got "https://LocalHost"`],
    ["https://db.internal", `${at} a public host name (private ones only where INSECURE_ORIGINS is "true"), got "https://db.internal"`],
  ])("such as %j is refused", (url, message) => {
    expect(origin(url)).toEqual([message]);
  });

  it.each([
    "https://live.example.",
    "https://live.example.:8443/x",
    "https://*.x.example",
    "https://%2a.x.example",
    "https://a.*.example",
    "https://x..example",
    "https://.x.example",
    "https://x.example..",
    "https://x%2e.example",
    "https://a,b.example",
    `https://${"a".repeat(64)}.example`,
  ])("fault A15: such as %s is no one host, in every mode", (url) => {
    const message = `${at} one host such as "a1.example": no "*", no empty part, no dot at its end, got`;
    for (const insecure of [false, true]) expect(origin(url, insecure)).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    "https:///user:hunter2@a1.example",
    "https:////user:hunter2@a1.example/",
    "https:/user:hunter2@a1.example",
    "https:user:hunter2@a1.example",
    "https:///a1.example",
    "https:/a1.example",
    "https:a1.example",
  ])("fault A15: with any number of slashes but two is refused, in every mode, and no password repeated: %s", (url) => {
    for (const insecure of [false, true]) {
      const found = origin(url, insecure);
      expect(found).toEqual([expect.stringContaining(`${at} ${URL_FORM}, got "https:`)]);
      expect(found[0]).not.toMatch(/user|hunter2/);
    }
  });

  it.each([
    ["https://a1.example/b/../c", "https://a1.example/c"],
    ["https://a1.example/%2e%2E/c", "https://a1.example/c"],
    ["https://a1.example/.", "https://a1.example/"],
    ["https://%611.example", "https://a1.example/"],
    ["https://a1.example:", "https://a1.example/"],
    ["https://a1.example:0443/b", "https://a1.example/b"],
    ["https://a1.example/{b}", "https://a1.example/%7Bb%7D"],
  ])("fault A15: that the parser would repair is refused, in every mode, and said as it would be sent: %s", (url, sent) => {
    for (const insecure of [false, true]) expect(origin(url, insecure)).toEqual([`${at} the URL as it is sent, "${sent}", got "${url}"`]);
  });

  it.each(["http://127.1:8787", "http://0x7f000001", "http://[0:0:0:0:0:0:0:1]:3000"])(
    "fault A15: that is an address is written as it is sent: %s",
    (url) => expect(origin(url, true)).toEqual([expect.stringContaining("the URL as it is sent")]),
  );

  it.each(["HTTPS://A1.Example", "https://a1.example:443/", "https://a1.example/%7Eb//c%zz/;d", "https://xn--bcher-kva.example/x@y"])(
    "in any letter case, with the port that is its own anyway and any path, is as it is sent: %s",
    (url) => expect(origin(url)).toEqual([]),
  );

  it.each([
    "home.arpa",
    "nas.home.arpa",
    "1.0.10.in-addr.arpa",
    "x.localdomain",
    "localhost.localdomain",
    "app.localhost",
    "x.local",
    "x.invalid",
    "x.onion",
    "x.alt",
    "x.internal",
    "x.private",
    "X.LAN",
  ])("fault A15: with a name that the public DNS does not have is for INSECURE_ORIGINS: %s", (name) => {
    expect(origin(`https://${name}`)).toEqual([
      `${at} a public host name (private ones only where INSECURE_ORIGINS is "true"), got "https://${name}"`,
    ]);
    expect(origin(`https://${name}`, true)).toEqual([]);
  });

  it.each(["home.example", "localdomain.example", "arpa.example", "x.alternative", "mylocal.net", "a1.test"])(
    "with a name that only looks so is fine: %s",
    (name) => expect(origin(`https://${name}`)).toEqual([]),
  );

  it("with a user name is refused, in every mode, and the message does not repeat the password", () => {
    const message = `${at} a URL without user name and password ("headers" of the origin can carry them), got "https://…@a1.example/x"`;
    expect(origin("https://user:hunter2@a1.example/x")).toEqual([message]);
    expect(origin("https://user:hunter2@a1.example/x", true)).toEqual([message]);
    expect(origin("https://@a1.example/x")).toEqual([message]);
  });

  it.each(["http://a1.example", "http://127.0.0.1:8787", "https://[::1]", "http://localhost:3000/x"])(
    "such as %j is for INSECURE_ORIGINS",
    (url) => {
      expect(origin(url)).not.toEqual([]);
      expect(origin(url, true)).toEqual([]);
    },
  );

  it("that is a host of the group or of a service would loop", () => {
    const loop = (host: string) => `${at} an origin outside Laneway, got "${host}", a host of this group: requests would come back here`;
    expect(origin("https://mock.example.com")).toEqual([loop("mock.example.com")]);
    expect(origin("https://MOCK.example.com:8443/x")).toEqual([loop("mock.example.com")]);
    expect(origin({ url: "https://mockb.mock.example.com" })).toEqual([loop("mockb.mock.example.com")]);
  });

  it.each(["https://admin.example", "https://ADMIN.example:8443/x", { url: "HTTPS://Admin.example:443/" }])(
    "fault A15: that is ADMIN_HOST in any spelling would loop: %j",
    (value) => {
      const file = withValue(exampleFile(), ["lanes", "s2", "origins", "mocka"], value);
      for (const adminHost of ["admin.example", "Admin.Example.", "admin.example:443"]) {
        const parsed = parseLaneGroup(file, { insecureOrigins: false, adminHost });
        expect(parsed.ok ? [] : parsed.error.map(({ path, message }) => `${path}: ${message}`)).toEqual([
          `${at} an origin outside Laneway, got "admin.example", which is ADMIN_HOST: requests would come back here`,
        ]);
      }
      expect(parseLaneGroup(file, { insecureOrigins: false, adminHost: "b.admin.example" }).ok).toBe(true);
    },
  );

  it("that only falls under a wildcard of the group is a warning", () => {
    const file = withValue(exampleFile(), ["lanes", "s2", "origins", "mocka"], "https://a.b.mock.example.com");
    expect(warnings(file)).toEqual([
      'lanes.s2.origins.mocka: "a.b.mock.example.com" falls under "*.mock.example.com" of this group: unless it is routed elsewhere, requests come back here',
    ]);
  });

  it("of a group for all hosts is no hint of a loop", () => {
    expect(warnings({ ...smallestFile(), hosts: ["*"] })).toEqual([]);
  });
});

describe("ADMIN_HOST", () => {
  const found = (file: object, adminHost: string) => {
    const parsed = parseLaneGroup(file, { insecureOrigins: false, adminHost });
    return parsed.ok ? [] : parsed.error.map(({ path, message }) => `${path}: ${message}`);
  };
  const refused = (path: string) => `${path}: expected other hosts than ADMIN_HOST, which proxies nothing, got "admin.example"`;
  const spellings = ["admin.example", "Admin.Example.", "admin.example:8443"];

  it("fault A15: is no group's host, in any spelling", () => {
    for (const adminHost of spellings)
      for (const host of ["admin.example", "ADMIN.example", "admin.example."])
        expect(found({ ...smallestFile(), hosts: ["shop.example", host] }, adminHost)).toEqual([refused("hosts")]);
  });

  it("fault A15: is no service's host, also where a wildcard of the group covers it", () => {
    for (const hosts of [["*"], ["*.example"], ["shop.example", "*.example"]]) {
      const file = { ...smallestFile(), hosts, services: { web: { hosts: ["shop.example", "Admin.Example."] } } };
      for (const adminHost of spellings) expect(found(file, adminHost)).toEqual([refused("services.web.hosts")]);
    }
  });

  it("may fall under a wildcard, which it comes before", () => {
    for (const hosts of [["*"], ["*.example"]]) {
      expect(found({ ...smallestFile(), hosts }, "admin.example")).toEqual([]);
      expect(found({ ...smallestFile(), hosts, services: { web: { hosts: ["*.example"] } } }, "admin.example")).toEqual([]);
    }
    expect(found({ ...smallestFile(), hosts: ["b.admin.example"] }, "admin.example")).toEqual([]);
  });

  it("that is empty is none", () => expect(found(smallestFile(), "")).toEqual([]));
});

describe("what an origin answers, and what it does not know", () => {
  const origin = (value: object) => withValue(exampleFile(), ["lanes", "s2", "origins", "mockc"], { url: "https://c2.example", ...value });
  const at = "lanes.s2.origins.mockc";

  it("may be set and removed", () => {
    const answerHeaders = { "Cache-Control": "no-cache", "x-old": null, "strict-transport-security": "max-age=1" };
    expect(problems(origin({ answerHeaders }))).toEqual([]);
  });

  it.each([
    "set-cookie",
    "Set-Cookie",
    "content-length",
    "content-encoding",
    "Content-Range",
    "transfer-encoding",
    "connection",
    "upgrade",
    "sec-websocket-accept",
    "x-lane",
    "X-Lane-Served-By",
    "baggage",
    "bad name",
    "",
  ])("but not %j", (name) => {
    for (const value of ["x", null])
      expect(problems(origin({ answerHeaders: { [name]: value } }))).toEqual([
        expect.stringMatching(/answerHeaders.*: expected the key to be a header name/),
      ]);
  });

  it.each([1, true, "a\nb", "é", {}, { env: "KEY" }])("nor to %j", (value) => {
    expect(problems(origin({ answerHeaders: { "x-a": value } }))).toEqual([
      expect.stringMatching(`${at}.answerHeaders.x-a: expected a header value`),
    ]);
  });

  it("each only once", () => {
    expect(problems(origin({ answerHeaders: { "X-A": "1", "x-a": null } }))).toEqual([
      `${at}.answerHeaders: expected each only once, got "x-a" twice`,
    ]);
  });

  it.each(["api", "", "//evil.example", "/a/../b", "/a?b", "/a#", "/a b", "/a\\b", 1, null])("no prefix is %j", (strip) => {
    expect(problems(origin({ strip }))).toEqual([expect.stringMatching(/strip: expected a path/)]);
  });

  it("is warned of where requests come with another path", () => {
    expect(warnings(origin({ strip: "/" }))).toEqual([]);
    expect(warnings(origin({ strip: "/api/" }))).toEqual([
      `${at}.strip: "/api" is taken off where a path begins so; requests of "mockc" outside of it (its path is "/") go to the origin with their whole path`,
    ]);
    for (const path of ["/api", "/api/", "/api/v1"]) {
      expect(warnings(withValue(origin({ strip: "/api" }), ["services", "mockc", "path"], path))).toEqual([]);
    }
    expect(warnings(withValue(origin({ strip: "/api" }), ["services", "mockc", "path"], "/apis"))).toHaveLength(1);
  });
});

describe("a mirror", () => {
  const file = (mockb: unknown, mirror: object) => {
    const input = exampleFile();
    input.lanes.s3.origins.mockb = mockb;
    Object.assign(input.mirrors[0], mirror);
    return input;
  };
  const same =
    'mirrors[0].lane: expected a lane with an origin of its own for "mockb", got "s3", whose origin is also that of "s1": the copy would go where the request went';

  it("must not copy to where the request went", () => {
    expect(problems(file("https://b1.example", {}))).toEqual([same]);
  });

  it.each(["https://B1.example", "https://b1.example:443/", "https://b1.example//", { url: "https://b1.example/api", strip: "/api" }])(
    "fault A15: must not, in any spelling of that place: %j",
    (url) => {
      expect(problems(file(url, {}))).toEqual([same]);
    },
  );

  it("fault A15: must not, by a path with other escapes", () => {
    const input = file("https://b1.example/%7ea/%2f", {});
    input.lanes.s1.origins.mockb = "https://b1.example/~%61/%2F/";
    expect(problems(input)).toEqual([same]);
  });

  it("without `from` and `services` is held against every other lane, not against its own", () => {
    const file = (url: string) => ({
      ...smallestFile(),
      lanes: {
        main: { weight: 1, origins: { web: "https://web.example" } },
        next: { origins: { web: url } },
      },
      mirrors: [{ name: "m", lane: "next", percent: 1 }],
    });
    expect(problems(file("https://next.example"))).toEqual([]);
    expect(problems(file("https://web.example/"))).toEqual([
      'mirrors[0].lane: expected a lane with an origin of its own for "web", got "next", whose origin is also that of "main": the copy would go where the request went',
    ]);
  });

  it.each(["/nothing", "/c%61fe"])("fault A15: must not, with a prefix stripped that no request needs to have: %s", (strip) => {
    expect(problems(file({ url: "https://b1.example", strip }, {}))).toEqual([same]);
    const always = withValue(file({ url: "https://b1.example", strip }, {}), ["services", "mockb", "path"], `${strip}/x`);
    expect(problems(always)).toEqual([]);
    const never = withValue(file({ url: "https://b1.example", strip }, {}), ["services", "mockb", "path"], "/other");
    expect(problems(never)).toEqual([same]);
  });

  it("fault A1: that writes is warned of origins that other lanes have, too", () => {
    const lane = { lanes: { ...exampleFile().lanes } };
    const of = (mirror: object, origins: object) => {
      const input = { ...exampleFile(), ...lane };
      input.lanes = { ...input.lanes, s3: { ...input.lanes.s3, origins: { ...input.lanes.s3.origins, ...origins } } };
      Object.assign(input.mirrors[0], mirror);
      return warnings(input);
    };
    const message = (service: string, twin: string) =>
      `mirrors[0].writes: the origin of "${service}" in "s3" is also one of "${twin}": "services.${service}.mirrored" ("block"), not "writes", says what a copy from another service may write there`;
    expect(of({ writes: "send" }, {})).toEqual([]);
    expect(of({ writes: "send" }, { mockc: "https://c1.example" })).toEqual([message("mockc", "s1")]);
    expect(of({ writes: "synthetic" }, { mockc: "https://A1.example/" })).toEqual([message("mockc", "s1")]);
    expect(of({ writes: "block" }, { mockc: "https://c1.example" })).toEqual([]);
    expect(of({ writes: "send" }, { mockc: { url: "https://c1.example", headers: { "x-env": "dark" } } })).toEqual([]);
    expect(of({ writes: "send", from: ["s1"] }, { mockb: "https://a2.example" })).toEqual([
      `${message("mockb", "s2")}; a request that is copied at "mockb" writes there`,
    ]);
  });

  it("may copy to one URL with other headers, or of a service that it leaves alone", () => {
    expect(problems(file({ url: "https://b1.example", headers: { "x-env": "s3" } }, {}))).toEqual([]);
    expect(problems(file("https://b1.example", { services: ["mocka"] }))).toEqual([]);
    expect(problems(file("https://b1.example", { from: ["s2"] }))).toEqual([]);
  });
});

describe("what works, but hardly as meant,", () => {
  it("is a cookie domain that hosts of the group lie outside of", () => {
    expect(warnings(withValue(exampleFile(), ["sticky", "domain"], "mock.example.com"))).toEqual([]);
    expect(warnings(withValue(exampleFile(), ["sticky", "domain"], "other.example"))).toEqual([
      'sticky.domain: visitors of "mock.example.com" and "*.mock.example.com" get no cookie, since "other.example" is not above it',
    ]);
  });

  it("is no cookie domain beside hosts that are no entries, or where no cookie is set", () => {
    const inner = { ...exampleFile(), hosts: ["mock.example.com", "mockb.other.example"] };
    inner.services = { ...inner.services, mockb: { hosts: ["mockb.other.example"], entry: false } };
    inner.services.mockc = { path: "/c", entry: false };
    expect(warnings(withValue(inner, ["sticky", "domain"], "mock.example.com"))).toEqual([]);
    expect(warnings(withValue(exampleFile(), ["sticky"], { by: "ip", domain: "other.example" }))).toEqual([]);
  });

  it("is a host that no request of the group has, in a rule, a mirror or a stub", () => {
    const file = exampleFile();
    file.rules[0].when = { any: [{ host: { in: ["x.mock.example.com", "Other.example"] } }, { path: "/", host: "mock.example" }] };
    file.mirrors[0].when = { host: "mock.example.com.evil.example" };
    file.stubs[0].when = { host: "mock.example.com", not: { host: "other.example" } };
    expect(warnings(file)).toEqual([
      'rules[0].when.any[0].host: "other.example" is no host of the group: no request has it',
      'rules[0].when.any[1].host: "mock.example" is no host of the group: no request has it',
      'mirrors[0].when.host: "mock.example.com.evil.example" is no host of the group: no request has it',
    ]);
    file.hosts = ["*"];
    expect(warnings(file)).toEqual([]);
  });

  it("is a timeout past the deadline", () => {
    expect(warnings(withValue(exampleFile(), ["fallback", "deadlineMs"], 5000))).toEqual([
      "fallback.timeoutMs: 10000 is longer than fallback.deadlineMs (5000), so a slow lane is given up, but never replaced by the baseline",
    ]);
  });
});

describe("several groups", () => {
  const shop = (changes: object) => group({ ...smallestFile(), ...changes });

  it("have names and hosts of their own", () => {
    const { problems: found } = checkGroups([
      shop({ name: "a", hosts: ["a.example.com", "*.x.example.com"] }),
      shop({ name: "b", hosts: ["b.example.com", "*.X.example.com"] }),
      shop({ name: "a", hosts: ["c.example.com"] }),
    ]);
    expect(lines(found)).toEqual([
      'b.hosts: expected hosts that no other group claims, got "*.x.example.com", which "a" has',
      'a.name: expected a name of its own, got "a" for two groups',
    ]);
  });

  it("may overlap where one host is more exact", () => {
    expect(checkGroups([shop({ name: "a", hosts: ["*"] }), shop({ name: "b", hosts: ["*.example.com"] }), shop({ name: "c" })])).toEqual({
      problems: [],
      warnings: [],
    });
  });

  it("must not send requests to each other's hosts", () => {
    const lanes = (url: string) => ({ main: { weight: 1, origins: { web: url } } });
    const found = checkGroups([
      shop({ name: "a", hosts: ["a.example.com"], lanes: lanes("https://api.b.example.com") }),
      shop({ name: "b", hosts: ["*.b.example.com"], services: { web: { hosts: ["api.b.example.com"] } } }),
      shop({ name: "c", hosts: ["c.example.com"], lanes: lanes("https://x.b.example.com") }),
    ]);
    expect(lines(found.problems)).toEqual([
      'a.lanes.main.origins.web: expected an origin outside Laneway, got "api.b.example.com", a host of the group "b": requests would come back here',
    ]);
    expect(lines(found.warnings)).toEqual([
      'c.lanes.main.origins.web: "x.b.example.com" falls under "*.b.example.com" of the group "b": unless it is routed elsewhere, requests come back here',
    ]);
  });
});
