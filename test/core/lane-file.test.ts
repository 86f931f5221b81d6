import { describe, expect, it } from "vitest";
import { laneFile, NOT_SUPPORTED } from "../../src/core/lane-file.ts";
import { refuseUnsupported } from "../../src/core/not-supported.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";
import { Report } from "../../src/core/problem.ts";
import { validate } from "../../src/core/validate.ts";
import { exampleFile, smallestFile, withValue } from "../support/lane-file.ts";

/** `path: message` of every problem; the file's own are without path. */
function problems(input: unknown): string[] {
  const parsed = parseLaneGroup(input, { insecureOrigins: false });
  return parsed.ok ? [] : parsed.error.map(({ path, message }) => `${path}: ${message}`);
}

const NAME = 'a name of letters, digits, ".", "_" and "-" (at most 40, the first a letter or digit)';
const HOST = 'a host name such as "shop.example.com" or "*.example.com" (no scheme, no port; other letters as xn--…)';
const FOREIGN_KEY = 'a baggage key that does not begin with "laneway." (those carry the lane, and mark copies)';
const PATH = 'a path such as "/" or "/api" (as it stands in a URL: encoded, without ? and #)';
const TIME = 'a time such as "2027-01-31T00:00:00Z"';
const ONE_MATCHER = 'exactly one of "exact", "prefix", "suffix", "in", "regex" and "exists"';
const PERCENT = "a percentage from 0 to 100 in steps of 0.01";

describe("a value that a lane file may not have", () => {
  const cases: [path: (string | number)[], value: unknown, message: string][] = [
    [["lanes", "s2", "weight"], "20%", 'lanes.s2.weight: expected a number ≥ 0, got "20%"'],
    [["lanes", "s2", "weight"], -1, "lanes.s2.weight: expected a number ≥ 0, got -1"],
    [["lanes", "s2", "weight"], Number.NaN, "lanes.s2.weight: expected a number ≥ 0, got NaN"],
    [["lanes", "s2", "weight"], 1e308, "lanes.s2.weight: expected a number ≤ 1000000000, got 1e+308"],
    [["lanes", "s2", "weight"], null, "lanes.s2.weight: expected a number ≥ 0, got null"],
    [["lanes", "s2", "wieght"], 5, 'lanes.s2.wieght: unknown key "wieght"; did you mean "weight"?'],
    [["lanes", "s2"], [], "lanes.s2: expected an object, got an empty list"],
    [["lanes", "my lane"], {}, `lanes["my lane"]: expected the key to be ${NAME}, got "my lane"`],
    [["lanes", "__proto__"], {}, `lanes.__proto__: expected the key to be ${NAME}, got "__proto__"`],
    [["lanes", "s3", "expiresAt"], "2027-02-30T00:00:00Z", `lanes.s3.expiresAt: expected ${TIME}, got "2027-02-30T00:00:00Z"`],
    [["lanes", "s3", "expiresAt"], "2027-01-31", `lanes.s3.expiresAt: expected ${TIME}, got "2027-01-31"`],
    [["lanes", "s2", "origins", "mocka"], 5, 'lanes.s2.origins.mocka: expected a URL, or an object with "url" or "binding", got 5'],
    [["lanes", "s2", "origins", "mocka"], {}, 'lanes.s2.origins.mocka: expected exactly one of "url" and "binding", got {}'],
    [
      ["lanes", "s3", "origins", "mockb", "binding"],
      "LANES",
      'lanes.s3.origins.mockb.binding: expected the name of a service binding such as "MOCKB_V3" (not LANES, GROUP or ROUTER), got "LANES"',
    ],
    [
      ["lanes", "s2", "origins", "mockc", "headers", "x-key", "env"],
      "LANEWAY_SECRET",
      'lanes.s2.origins.mockc.headers.x-key.env: expected the name of a variable or secret such as "C2_KEY" (never LANEWAY_…: those stay in the router), got "LANEWAY_SECRET"',
    ],
    [
      ["lanes", "s2", "origins", "mockc", "headers", "x-key"],
      "secret\r\nx-evil: 1",
      "lanes.s2.origins.mockc.headers.x-key: expected a header value: visible ASCII characters and spaces, got another value",
    ],
    [
      ["lanes", "s2", "origins", "mockc", "headers", "X-Forwarded-For"],
      "1",
      'lanes.s2.origins.mockc.headers.X-Forwarded-For: expected the key to be a header name such as "x-env" (not one that the router or the platform sets: Host, X-Forwarded-*, x-lane*, baggage, …), got "X-Forwarded-For"',
    ],
    [["name"], "Mock", 'name: expected a name of lower-case letters, digits and "-" (at most 40, the first not a "-"), got "Mock"'],
    [["baseline"], undefined, `baseline: expected ${NAME}, but the key is missing`],
    [["hosts"], [], "hosts: expected at least one, got an empty list"],
    [["hosts", 0], "https://mock.example.com", `hosts[0]: expected ${HOST}, got "https://mock.example.com"`],
    [["hosts", 1], "a.*.example.com", `hosts[1]: expected ${HOST}, got "a.*.example.com"`],
    [["hosts", 1], "bücher.example", `hosts[1]: expected ${HOST}, got "bücher.example"`],
    [["mode"], "Strict", 'mode: expected "permissive" or "strict", got "Strict"'],
    [["expose"], "yes", 'expose: expected true or false, got "yes"'],
    [["bogus"], 1, 'bogus: unknown key "bogus"; expected "$schema", "schema", "name", "note", "hosts", "baseline", "mode", "context", …'],
    [["schema"], "1", 'schema: expected the number 1, got "1"'],
    [["services", "mockc", "path"], "/a/../b", `services.mockc.path: expected ${PATH}, got "/a/../b"`],
    [["services", "mockc", "path"], "api", `services.mockc.path: expected ${PATH}, got "api"`],
    [
      ["services", "mockc", "timeoutMs"],
      0.5,
      "services.mockc.timeoutMs: expected a whole number of milliseconds from 1 to 600000, got 0.5",
    ],
    [["services", "mockc", "entry"], "sign", 'services.mockc.entry: expected true, false or "signed", got "sign"'],
    [["services", "mockc", "entry"], null, 'services.mockc.entry: expected true, false or "signed", got null'],
    [["services", "mockc", "mirrored"], "drop", 'services.mockc.mirrored: expected "block", "stub", "synthetic" or "send", got "drop"'],
    [
      ["rules", 0, "when"],
      {},
      'rules[0].when: expected at least one of "baggage", "cookie", "query", "header", "path", "host", "method", "any" and "not", got {}',
    ],
    [["rules", 0, "when", "baggage"], {}, "rules[0].when.baggage: expected at least one key, got {}"],
    [["rules", 0, "when", "baggage", "pr"], {}, `rules[0].when.baggage.pr: expected ${ONE_MATCHER}, got {}`],
    [
      ["rules", 0, "when", "baggage", "pr", "prefix"],
      "1",
      `rules[0].when.baggage.pr: expected ${ONE_MATCHER}, got an object with "regex" and "prefix"`,
    ],
    [
      ["rules", 0, "when", "baggage", "pr"],
      142,
      'rules[0].when.baggage.pr: expected a text, or an object with one of "exact", "prefix", "suffix", "in", "regex" and "exists", got 142',
    ],
    [
      ["rules", 0, "when", "baggage", "pr", "regex"],
      "a".repeat(513),
      `rules[0].when.baggage.pr.regex: expected a pattern of at most 512 characters, got "${"a".repeat(60)}…"`,
    ],
    [
      ["rules", 0, "when", "baggage", "pr", "regex"],
      "abc[",
      'rules[0].when.baggage.pr.regex: expected an RE2 pattern, got "abc[": character 4: "[" is never closed',
    ],
    [["rules", 0, "when", "any"], [], "rules[0].when.any: expected at least one, got an empty list"],
    [
      ["rules", 0, "when", "any"],
      [{ path: "/a" }, { method: "post" }],
      'rules[0].when.any[1].method: expected a method in capitals, such as "GET", got "post"',
    ],
    [["rules", 1, "when", "path", "prefix"], "beta", 'rules[1].when.path.prefix: expected a path that begins with "/", got "beta"'],
    [
      ["rules", 0, "when", "baggage", "pr"],
      { suffix: "" },
      'rules[0].when.baggage.pr.suffix: expected some text ("exists": true is for any value), got ""',
    ],
    [
      ["rules", 0, "weights"],
      { s1: 1 },
      'rules[0]: expected exactly one of "lane" and "weights", got an object with "name", "when", "lane" and "weights"',
    ],
    [["sticky", "by"], "cokie", 'sticky.by: expected "cookie", "ip" or "none", got "cokie"'],
    [
      ["sticky", "by"],
      true,
      'sticky.by: expected "cookie", "ip", "none", or an object with one of "baggage", "header", "cookie" and "query", got true',
    ],
    [
      ["sticky", "by"],
      { header: "x-user", cookie: "user" },
      'sticky.by: expected exactly one of "baggage", "header", "cookie" and "query", got an object with "header" and "cookie"',
    ],
    [["fallback", "statuses", 0], 200, 'fallback.statuses[0]: expected a status from 400 to 599, or a range such as "520-530", got 200'],
    [["fallback", "methods", 0], "get", 'fallback.methods[0]: expected a method in capitals, such as "GET", got "get"'],
    [["mirrors", 0, "percent"], 0.001, `mirrors[0].percent: expected ${PERCENT}, got 0.001`],
    [["mirrors", 0, "percent"], 101, `mirrors[0].percent: expected ${PERCENT}, got 101`],
    [["mirrors", 0, "percent"], undefined, `mirrors[0].percent: expected ${PERCENT}, but the key is missing`],
    [
      ["mirrors", 0, "scrub", "headers"],
      ["Baggage"],
      'mirrors[0].scrub.headers[0]: expected a header name such as "x-api-key" (not baggage and x-lane*, which mark the copy), got "Baggage"',
    ],
    [
      ["mirrors", 0, "scrub", "baggage"],
      ["laneway.mock"],
      'mirrors[0].scrub.baggage[0]: expected a baggage key that does not begin with "laneway." (those carry the lane, and mark copies), got "laneway.mock"',
    ],
    ...["%6caneway.mock", "Laneway.mock", "laneway%2Emock", "+laneway.mock", "%4C%41neway.x"].map(
      (key): [(string | number)[], unknown, string] => [
        ["mirrors", 0, "scrub", "baggage"],
        [key],
        `mirrors[0].scrub.baggage[0]: expected ${FOREIGN_KEY}, got "${key}"`,
      ],
    ),
    [["propagate", "baggage"], "%6caneway.mock", `propagate.baggage: expected ${FOREIGN_KEY}, got "%6caneway.mock"`],
    [["propagate", "baggage"], "laneway.other", `propagate.baggage: expected ${FOREIGN_KEY}, got "laneway.other"`],
    [["log", "baggage"], ["pr", "laneway.mock"], `log.baggage[1]: expected ${FOREIGN_KEY}, got "laneway.mock"`],
    [["log", "baggage"], ["l%61neway.mock"], `log.baggage[0]: expected ${FOREIGN_KEY}, got "l%61neway.mock"`],
    [["sticky", "by"], { baggage: "laneway.mock" }, `sticky.by.baggage: expected ${FOREIGN_KEY}, got "laneway.mock"`],
    [["sticky", "by"], { baggage: "%6Caneway.mock" }, `sticky.by.baggage: expected ${FOREIGN_KEY}, got "%6Caneway.mock"`],
    [
      ["mirrors", 0, "scrub", "headers"],
      ["x_lane_mirror"],
      'mirrors[0].scrub.headers[0]: expected a header name such as "x-api-key" (not baggage and x-lane*, which mark the copy), got "x_lane_mirror"',
    ],
    [
      ["mirrors", 0, "scrub", "json"],
      ["a..b"],
      'mirrors[0].scrub.json[0]: expected a path such as "card.number", "users[].email" or "tags.*.owner", got "a..b"',
    ],
    [
      ["mirrors", 0, "reads"],
      {},
      'mirrors[0].reads: expected at least one of "baggage", "cookie", "query", "header", "path", "host", "method", "any" and "not", got {}',
    ],
    [["mirrors", 0, "reads"], "/graphql", 'mirrors[0].reads: expected an object, got "/graphql"'],
    [
      ["mirrors", 0, "reads"],
      { path: { regex: "(" } },
      'mirrors[0].reads.path.regex: expected an RE2 pattern, got "(": character 1: "(" is never closed',
    ],
    [["mirrors", 0, "secrets"], "token", 'mirrors[0].secrets: expected a list, got "token"'],
    [["mirrors", 0, "secrets"], [""], 'mirrors[0].secrets[0]: expected the key of a query parameter, got ""'],
    [["mirrors", 0, "secrets"], ["token", "Token"], 'mirrors[0].secrets: expected each only once, got "Token" twice'],
    [
      ["mirrors", 0, "compare", "ignore"],
      ["items"],
      'mirrors[0].compare.ignore[0]: expected a path such as "status", "headers.date" or "body.items[].updatedAt", got "items"',
    ],
    [
      ["mirrors", 0, "compare", "key"],
      { items: "id" },
      'mirrors[0].compare.key.items: expected the key to be a path such as "body" or "body.items[].tags", got "items"',
    ],
    [
      ["stubs", 0, "response", "body"],
      "x",
      'stubs[0].response: expected "json" or "body", not both, got an object with "status", "json", "delayMs" and "body"',
    ],
    [
      ["stubs", 0, "response", "status"],
      204,
      'stubs[0].response: expected no "json" and no "body" with the status 204, 205 or 304, got an object with "status", "json" and "delayMs"',
    ],
    [["log", "samplePercent"], "all", `log.samplePercent: expected ${PERCENT}, got "all"`],
    [
      ["published"],
      { revision: 1, at: "2027-01-31T00:00:00Z", by: "me", reason: "", slots: [["s1", "5000"]] },
      'published.slots[0]: expected a run such as ["s1", 5000], got a list of 2',
    ],
  ];

  it.each(cases)("%j = %j is named, with what was expected", (path, value, message) => {
    expect(problems(withValue(exampleFile(), path, value))).toEqual([message]);
  });

  it("is named even if the file is no object at all", () => {
    expect(problems(null)).toEqual([": expected an object, got null"]);
    expect(problems("mock")).toEqual([': expected an object, got "mock"']);
    expect(problems([{}])).toEqual([": expected an object, got a list of 1"]);
  });
});

describe("a value at the edge of what a lane file may have", () => {
  const cases: [path: (string | number)[], value: unknown][] = [
    [["lanes", "s2", "weight"], 0],
    [["lanes", "s2", "weight"], 0.01],
    [["lanes", "constructor"], { weight: 1 }],
    [["lanes", "s3", "expiresAt"], "2028-02-29T23:59:59.5+02:00"],
    [["lanes", "s3", "origins", "mockb"], "https://b3.example/@scope/a.b"],
    [["lanes", "s2", "origins", "mockc", "headers", "constructor"], "x"],
    [["rules", 0, "when", "baggage"], { constructor: "x", "a.b": { in: [""] }, pr: "" }],
    [["rules", 0, "when"], { method: { in: ["GET", "M-SEARCH"] }, path: { suffix: ".js" }, query: { "": { exists: false } } }],
    [["rules", 0, "when"], { any: [{ not: { any: [{ path: "/" }] } }] }],
    [["services", "mockc", "path"], "/a/.b/..c/%2F;x=(1)~!$&'*+,@|"],
    [["sticky", "by"], { query: "user" }],
    [["fallback", "statuses"], []],
    [["mirrors", 0, "percent"], 29.57],
    [["mirrors", 0, "percent"], 0.07],
    [
      ["mirrors", 0, "scrub", "json"],
      ["[].a", "*", "a[][].b", "a['b.c']"],
    ],
    [["stubs", 0, "response"], {}],
    [["stubs", 0, "response", "json"], null],
    [["propagate", "header"], "X-Lane"],
  ];
  it.each(cases)("%j = %j is accepted", (path, value) => {
    expect(problems(withValue(exampleFile(), path, value))).toEqual([]);
  });
});

describe("problems", () => {
  it("come all at once, whatever part of the file they are in", () => {
    const file = exampleFile();
    file.mode = "loose";
    file.lanes.s2.weight = "20%";
    file.lanes.s1.origins.mocka = "http://10.0.0.1";
    file.rules[0].when.baggage.pr.regex = "(";
    file.rules[1].weights = { s9: 1 };
    file.mirrors[0].services = ["mockd"];
    file.contex = "open";
    expect(problems(file)).toEqual([
      'mode: expected "permissive" or "strict", got "loose"',
      'lanes.s2.weight: expected a number ≥ 0, got "20%"',
      'contex: unknown key "contex"; did you mean "context"?',
      'rules[1].weights.s9: unknown lane "s9"; expected "s1", "s2" or "s3"',
      'mirrors[0].services[0]: unknown service "mockd"; expected "mocka", "mockb" or "mockc"',
      'rules[0].when.baggage.pr.regex: expected an RE2 pattern, got "(": character 1: "(" is never closed',
      'lanes.s1.origins.mocka: expected a URL with "https://" (http only where INSECURE_ORIGINS is "true"), got "http://10.0.0.1"',
    ]);
  });

  it("name all unknown keys of one object, not only the first", () => {
    const file = { ...smallestFile(), a: 1, b: 2, c: 3 };
    expect(problems(file).map((line) => line.slice(0, 16))).toEqual(['a: unknown key "', 'b: unknown key "', 'c: unknown key "']);
  });

  it("are not made up where a broken part says nothing about another", () => {
    expect(problems({ ...smallestFile(), lanes: 5 })).toEqual(["lanes: expected an object, got 5"]);
    expect(problems({ ...smallestFile(), services: [] })).toEqual(["services: expected an object, got an empty list"]);
    expect(problems(withValue(smallestFile(), ["lanes", "main", "origins"], 5))).toEqual(["lanes.main.origins: expected an object, got 5"]);
  });

  it("are listed up to 100, then counted", () => {
    const lines = problems({
      ...smallestFile(),
      rules: Array.from({ length: 150 }, (_, i) => ({ name: `r${i}`, when: {}, lane: "main" })),
    });
    expect(lines).toHaveLength(101);
    expect(lines[99]).toMatch(/^rules\[99\]\.when: /);
    expect(lines[100]).toBe(": and 50 more problems, not listed");
  });

  it("quote a long text cut, and a long key too", () => {
    const [line] = problems({ ...smallestFile(), ["k".repeat(10_000)]: 1 });
    expect(line!.length).toBeLessThan(400);
  });
});

describe("the lane file's defaults", () => {
  it("are those of the contract", () => {
    const file = {
      ...smallestFile(),
      mirrors: [{ name: "m", lane: "main", percent: 1, compare: {} }],
      stubs: [{ service: "web", response: {} }],
    };
    const report = new Report();
    expect(validate(laneFile, file, report)).toEqual({
      ...smallestFile(),
      mode: "permissive",
      context: "signed",
      expose: true,
      services: { web: { path: "/", entry: true, mirrored: "block" } },
      lanes: { main: { weight: 1, origins: { web: "https://web.example" } } },
      rules: [],
      sticky: { by: "cookie", maxAgeSeconds: 2592000, epoch: 1, sameSite: "lax" },
      propagate: { header: "x-lane", headers: [] },
      fallback: exampleFile().fallback,
      mirrors: [
        {
          name: "m",
          lane: "main",
          percent: 1,
          by: "visitor",
          writes: "block",
          timeoutMs: 5000,
          maxBodyBytes: 1048576,
          credentials: "strip",
          scrub: { headers: [], query: [], baggage: [], json: [] },
          compare: {
            noisePercent: 20,
            headers: ["content-type", "location", "cache-control", "vary"],
            ignore: [],
            unordered: [],
            key: {},
            tolerance: {},
          },
        },
      ],
      stubs: [{ service: "web", response: { status: 200, headers: {}, delayMs: 0 } }],
      log: { baggage: [], samplePercent: 100 },
    });
    expect(report.list()).toEqual([]);
  });

  it("leave a weight of 0 to a lane that names none", () => {
    expect(validate(laneFile, withValue(smallestFile(), ["lanes", "other"], {}), new Report()).lanes.other).toEqual({
      weight: 0,
      origins: {},
    });
  });
});

describe("keys whose feature does not exist yet", () => {
  const refused = (patterns: string[]) => {
    const report = new Report();
    refuseUnsupported(exampleFile(), patterns, report);
    return report.list().map(({ path, message }) => `${path}: ${message}`);
  };

  it("are refused wherever they stand, through any key and any index", () => {
    expect(refused(["mirrors.*.compare", "services.*.mirrored", "stubs", "published"])).toEqual([
      "mirrors[0].compare: not supported yet",
      "services.mockc.mirrored: not supported yet",
      "stubs: not supported yet",
    ]);
  });

  it("are no problem while they are absent", () => {
    expect(refused(["services.*.fallback", "mirrors.*.nothing.more", "name.x", "published.slots"])).toEqual([]);
  });

  it("are listed in the code as paths that the schema has", () => {
    for (const pattern of NOT_SUPPORTED) expect(pattern).toMatch(/^[a-zA-Z*]+(\.[a-zA-Z*]+)*$/);
  });
});
