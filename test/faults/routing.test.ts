/** Which group, service and lane a request gets whatever it is spelled like, and that the path that was matched is the path that is sent. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { decide } from "../../src/core/decide.ts";
import { isPathPrefix } from "../../src/core/match.ts";
import { chooseCopies } from "../../src/core/mirror.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";
import { collaborate } from "../../src/core/stub.ts";
import { decisionOf, factsOf, groupOf } from "../support/decision.ts";
import { headerOf } from "../support/origin.ts";
import { connectRaw, sendRaw } from "../support/raw-client.ts";
import * as reply from "../support/replies.ts";
import { clientSaw, group, newTraceId, sleep, startWorld, traceparent, until, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld((origins) => {
    const { s1, s2, s3 } = origins;
    const files = [
      group("shop", origins, {
        services: { web: {}, admin: { path: "/admin" } },
        lanes: {
          s1: { weight: 1, origins: { web: `${s1.url}/pre`, admin: `${s1.url}/adm` } },
          s2: { origins: { web: s2.url, admin: s2.url } },
        },
        rules: [
          { name: "first", when: { path: { prefix: "/both" } }, lane: "s2" },
          { name: "second", when: { path: "/both" }, lane: "s1" },
          { name: "beta", when: { path: { prefix: "/beta" } }, lane: "s2" },
        ],
      }),
      group("bodies", origins, { fallback: { eject: { failures: 1_000, seconds: 1 } } }),
      group("base", origins, { rules: [] }),
      group("hosts", origins, {
        rules: [
          { name: "exact", when: { host: "Beta.hosts.example." }, lane: "s2" },
          { name: "list", when: { host: { in: ["one.hosts.example", "TWO.hosts.example"] } }, lane: "s2" },
          { name: "suffix", when: { host: { suffix: ".PR.hosts.example." } }, lane: "s2" },
          { name: "prefix", when: { host: { prefix: "Canary-" } }, lane: "s2" },
          { name: "regex", when: { host: { regex: "v[0-9]+\\.hosts\\.example" } }, lane: "s2" },
          { name: "nested", when: { any: [{ host: "any.hosts.example" }, { not: { host: { suffix: "hosts.example" } } }] }, lane: "s2" },
          { name: "raw", when: { header: { host: "raw.hosts.example" } }, lane: "s3" },
        ],
      }),
      group("any", { s1: s3, s2: s3, s3 }, { hosts: ["*"], rules: [] }),
    ];
    return Object.fromEntries(files.map((file) => [file.name, file]));
  });
}, 30_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

const everyRequest = () => (["s1", "s2", "s3"] as const).flatMap((name) => world[name].requests.map((seen) => ({ name, seen })));

/** A request line as it stands on the wire, which no client library would send. */
async function line(target: string, host = "shop.example", method = "GET") {
  const traceId = newTraceId();
  const answer = await sendRaw(
    world.router.url,
    `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\ntraceparent: ${traceparent(traceId)}\r\nConnection: close\r\n\r\n`,
  );
  clientSaw(`${answer.status}`);
  const seen = world.seenOf(traceId);
  const logged = await until(() => answer.status === 400 || world.router.logs().some((each) => each.traceId === traceId));
  return { answer, seen, log: logged ? world.router.logs().find((each) => each.traceId === traceId) : undefined };
}

describe("a path", () => {
  it.each([
    ["//evil.example/x", "//evil.example/x"],
    ["///evil.example/x", "///evil.example/x"],
    ["/\\evil.example/x", "//evil.example/x"],
    ["/@evil.example/x", "/@evil.example/x"],
    ["/:80/x", "/:80/x"],
    ["/.evil.example", "/.evil.example"],
    ["http://evil.example/x", "/x"],
    ["http://evil.example:99/x?y=http://evil.example", "/x?y=http://evil.example"],
    ["https://user:pass@evil.example/x", "/x"],
  ])("fault 23: %s goes to the configured origin as %s", async (target, path) => {
    const { answer, seen, log } = await line(target);
    expect([answer.status, seen.map(({ origin }) => origin)]).toEqual([200, ["s1"]]);
    expect([seen[0]!.seen.url, headerOf(seen[0]!.seen.headers, "host")]).toEqual([`/pre${path}`, new URL(world.s1.url).host]);
    expect(headerOf(seen[0]!.seen.headers, "x-forwarded-host")).toBe("shop.example");
    expect(log).toMatchObject({ group: "shop", path: path.split("?")[0] });
  });

  it.each(["@evil.example/x", ":80/x", ".evil.example/x", "evil.example/x", ""])(
    "fault 23: %j is no request target, and gets no further",
    async (target) => {
      const { answer } = await line(target);
      expect([answer.status, everyRequest()]).toEqual([400, []]);
    },
  );

  it.each([
    "/..%2fx",
    "/%2e%2e/x",
    "/a/../b",
    "/a/%2E%2e/b",
    "/a/./b",
    "/a//b",
    "/%00",
    "/a;b=c",
    "/a%3Bb",
    "/%zz",
    "/a|b",
    '/a"b',
    "/a^b",
    "/a\\..\\b",
    "/../../..",
    "/beta/../x",
    "/x/../beta/y",
    "/x/%2e%2e/beta",
    "/x/..%2fbeta",
    "/beta%2fx",
    "/beta;x",
    "/betamax",
    "/beta%00",
    "/BETA",
    "/beta/../admin",
    "/x/../admin/y",
    "/admin/../x",
    "/admin/%2e%2e/x",
    "/admin/..%2fx",
    "/admin%2fx",
    "/admin;x",
    "/administrator",
    "//admin",
    "/./admin",
  ])("fault 24: %s is matched as it is sent", async (target) => {
    const { answer, seen, log } = await line(target);
    const path = String(log!.path);
    const service = isPathPrefix("/admin", path) ? "admin" : "web";
    const lane = isPathPrefix("/beta", path) ? "s2" : "s1";
    expect([answer.status, log!.service, log!.lane]).toEqual([200, service, lane]);
    expect(seen.map(({ origin, seen: { url } }) => [origin, url])).toEqual([
      [lane, `${lane === "s2" ? "" : service === "admin" ? "/adm" : "/pre"}${path}`],
    ]);
  });

  it("and its query go on as they came", async () => {
    for (const query of ["?", "?a", "?a=1&a=2", "?%zz", "?a=b?c", "?a=../..", "?a;b", "?'"]) {
      const { seen } = await line(`/x${query}`);
      expect([query, seen[0]!.seen.url.replaceAll("%27", "'")]).toEqual([query, `/pre/x${query}`]);
    }
  });
});

describe("a host", () => {
  it.each([
    "shop.example",
    "SHOP.Example",
    "shop.example.",
    "shop.example:8443",
    "Shop.Example.:80",
    "www.shop.example",
    "a.b.shop.example",
  ])("fault 28: %s is the group's, whatever its case, port and trailing dot", async (host) => {
    const { answer, log, seen } = await line("/x", host);
    expect([answer.status, log!.group, seen[0]!.origin]).toEqual([200, "shop", "s1"]);
  });

  it.each(["shop.example.evil.test", "xshop.example", "shop-example", "127.1", "[::1]"])("fault 28: %s is not", async (host) => {
    const { answer, log } = await line("/x", host);
    expect([answer.status, log!.group]).toEqual([200, "any"]);
  });

  it.each([
    "a b",
    "%zz",
    "[::1",
    "host:abc",
    ":80",
    "<script>",
    "shop.example:99999",
    "shop.example@other.test",
    "other.test@shop.example",
    "shop.example/admin",
  ])("fault 28: %j is no host and port, and is nobody's", async (host) => {
    for (const path of ["/%78", "/__lanes/../x", "/..%2f"]) {
      const { answer, log } = await line(path, host);
      expect([answer.status, log!.reason, log!.group, log!.host]).toEqual([404, "no-group", null, ""]);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ type: "urn:laneway:no-group", status: 404 });
    }
    expect([everyRequest(), world.router.output()]).toEqual([[], []]);
  });
});

describe("a rule by host", () => {
  it.each([
    ["beta.hosts.example", "exact"],
    ["BETA.Hosts.example:8443", "exact"],
    ["beta.hosts.example.", "exact"],
    ["Beta.hosts.example.:80", "exact"],
    ["one.hosts.example:1", "list"],
    ["two.HOSTS.example.", "list"],
    ["7.pr.Hosts.Example:8080", "suffix"],
    ["CANARY-1.hosts.example:99", "prefix"],
    ["V12.hosts.example.", "regex"],
    ["any.hosts.example:1", "nested"],
    ["raw.hosts.example", "raw"],
    ["raw.hosts.example:1", null],
    ["RAW.hosts.example", null],
    ["v12x.hosts.example", null],
    ["xbeta.hosts.example", null],
    ["pr.hosts.example", null],
    ["hosts.example", null],
  ])("fault B11: matches the host less port, capitals and trailing dot: %s by %s", async (host, rule) => {
    const { answer, log, seen } = await line("/x", host);
    const lane = rule === null ? "s1" : rule === "raw" ? "s3" : "s2";
    expect([answer.status, log!.reason, log!.lane]).toEqual([200, rule === null ? "weight" : `rule:${rule}`, lane]);
    expect(seen.map(({ origin }) => origin)).toEqual([lane]);
    // An origin is told the host as the client wrote it.
    expect(headerOf(seen[0]!.seen.headers, "x-forwarded-host")).toBe(host);
  });

  it("fault B11: holds for a mirror, and for a stub of its copies", () => {
    const of = groupOf({
      services: { web: { mirrored: "stub" }, api: { hosts: ["api.shop.example"], entry: false } },
      mirrors: [{ name: "m", lane: "s3", percent: 100, when: { host: "Beta.shop.example" } }],
      stubs: [{ service: "web", when: { host: { prefix: "beta." } }, response: { status: 299 } }],
    });
    const asked = (host: string) => ({ url: `https://${host}/x`, headers: { "sec-fetch-dest": "image" } });
    const sent = (host: string) =>
      chooseCopies(decisionOf(of, asked(host)), factsOf(asked(host)), "s1", true).map(({ copy }) => copy !== null);
    expect([sent("beta.shop.example:8443"), sent("shop.example")]).toEqual([[true], [false]]);
    const stubbed = (host: string) => {
      const decision = { ...decisionOf(of, asked(host)), copy: "shop/m" };
      return collaborate(decision, factsOf(asked(host)), { lane: "s1", origin: of.lanes.get("s1")!.origins.get("web")! }, true).kind;
    };
    expect([stubbed("BETA.shop.example"), stubbed("shop.example")]).toEqual(["stub", "send"]);
    clientSaw("the primary's answer");
  });
});

describe("two rules that match", () => {
  it("fault 29: the first of the file decides", async () => {
    const { client, log } = await world.ask("shop", { path: "/both" });
    expect([client.lane, log.reason]).toEqual(["s2", "rule:first"]);
  });
});

describe("a lane file", () => {
  const refused = (changes: object) => {
    const file = {
      schema: 1,
      name: "shop",
      hosts: ["shop.example"],
      baseline: "s1",
      services: { web: {} },
      lanes: { s1: { weight: 1, origins: { web: "https://one.example" } } },
      ...changes,
    };
    const parsed = parseLaneGroup(file, { insecureOrigins: false });
    return parsed.ok ? [] : parsed.error;
  };
  const problems = (changes: object) => refused(changes).map(({ path }) => path);
  const messages = (changes: object) => refused(changes).map(({ message }) => message);
  const lanes = (weight: unknown) => ({ lanes: { s1: { weight, origins: { web: "https://one.example" } } } });

  it.each([{}, { any: [] }, { any: [{}] }, { not: {} }, { header: {} }, { path: { prefix: "/x", not: {} } }])(
    "fault 30: with the empty match %j is refused",
    (when) => {
      expect(problems({ rules: [{ name: "r", when, lane: "s1" }] })).not.toEqual([]);
      clientSaw("nothing: refused when written");
    },
  );

  it.each(["https://beta.shop.example", "beta.shop.example:8443", "*.shop.example", "beta.shop.example/x", "b\u00fccher.example", "", 7])(
    "fault B11: with the host %j in a rule is refused, and told how hosts are written",
    (host) => {
      for (const matcher of [host, { exact: host }, { in: [host] }]) {
        const file = { rules: [{ name: "r", when: { host: matcher }, lane: "s1" }] };
        expect(problems(file)).toHaveLength(1);
        expect(problems(file)[0]).toMatch(/^rules\[0\]\.when\.host/);
      }
      if (host !== 7) expect(messages({ rules: [{ name: "r", when: { host }, lane: "s1" }] })[0]).toContain("no scheme, no port");
      clientSaw("nothing: refused when written");
    },
  );

  it.each([{ prefix: "https://" }, { prefix: "beta:" }, { suffix: ":8443" }, { suffix: "/" }, { suffix: "." }, { prefix: "" }])(
    "fault B11: with %j as a part of a host is refused",
    (host) => {
      expect(problems({ rules: [{ name: "r", when: { host }, lane: "s1" }] })).toHaveLength(1);
      clientSaw("nothing: refused when written");
    },
  );

  it.each([0, -1, "20%", null, 1e308, Number.POSITIVE_INFINITY])("fault 34: with the only weight %j is refused", (weight) => {
    expect(problems(lanes(weight))).not.toEqual([]);
    clientSaw("nothing: refused when written");
  });

  it("fault 34: may have weights in any total, as large as numbers get", () => {
    const two = (a: number, b: number) =>
      groupOf({
        lanes: { s1: { weight: a, origins: { web: "https://a.example", api: "https://b.example" } }, s2: { weight: b, origins: {} } },
      });
    for (const [a, b] of [
      [70, 70],
      [1e9, 1e9],
      [0.001, 0.001],
    ])
      expect(two(a!, b!).slots).toEqual({ ends: [5_000, 10_000], lanes: ["s1", "s2"] });
  });
});

describe("the clock", () => {
  it("fault 35: may jump: a cookie keeps its slot, and nothing throws", () => {
    const group = groupOf();
    for (const now of [0, -1, 1, 4_000_000_000, 253_402_300_800]) {
      const facts = factsOf({ now, headers: { cookie: "__Host-lane-shop=1.1.7000" } });
      expect(decide(group, facts, { override: null, signer: null })).toMatchObject({ reason: "no-secret" });
      expect(decide(groupOf({ context: "open" }), facts, { override: null, signer: null })).toMatchObject({ lane: "s2", reason: "sticky" });
    }
    clientSaw("the same lane");
  });
});

describe("the content of a GET", () => {
  const send = async (groupName: string, request: string) => {
    const traceId = newTraceId();
    const answer = await sendRaw(
      world.router.url,
      request.replace("\r\n", `\r\nHost: ${groupName}.example\r\ntraceparent: ${traceparent(traceId)}\r\n`),
      { head: request.startsWith("HEAD") },
    );
    await sleep(20);
    clientSaw(`${answer.status}`);
    return { answer, seen: world.seenOf(traceId), log: await world.logOf(traceId) };
  };

  it.each(["GET", "HEAD"])("goes with it (%s), to the baseline and to a lane", async (method) => {
    for (const [name, origin] of [
      ["base", "s1"],
      ["bodies", "s2"],
    ] as const) {
      const { answer, seen, log } = await send(name, `${method} /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nquery`);
      expect([answer.status, log.status, seen.map((each) => [each.origin, each.seen.method, each.seen.body.toString()])]).toEqual([
        200,
        200,
        [[origin, method, "query"]],
      ]);
    }
  });

  it("that is empty is none: the baseline answers for a lane that fails", async () => {
    world.s2.respond(reply.resetBeforeHeaders());
    for (const framing of ["Content-Length: 0\r\n\r\n", "\r\n"]) {
      const { answer, log } = await send("bodies", `GET /x HTTP/1.1\r\n${framing}`);
      expect([answer.status, answer.header("x-lane-fallback"), log.servedBy]).toEqual([200, "connect", "s1"]);
    }
  });

  it("is sent once, because the platform cannot send it again: the lane's failure is the answer", async () => {
    world.s2.respond(reply.resetBeforeHeaders());
    const { answer, seen } = await send("bodies", "GET /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nquery");
    expect([answer.status, seen.map(({ origin }) => origin)]).toEqual([502, ["s2"]]);
  });

  it("blames no lane: six of them, and the lane still serves", async () => {
    for (let i = 0; i < 6; i++) await send("bodies", "GET /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nquery");
    expect((await world.ask("bodies")).client.servedBy).toBe("s2");
  });
});

describe("a request that is none", () => {
  it.each([
    ["an unknown method", "BREW /x HTTP/1.1\r\nHost: shop.example\r\n\r\n", 501],
    ["no host", "GET /x HTTP/1.1\r\n\r\n", 400],
    ["a header without a name", "GET /x HTTP/1.1\r\nHost: shop.example\r\n: x\r\n\r\n", 400],
    ["a NUL in a header", "GET /x HTTP/1.1\r\nHost: shop.example\r\nx-a: \0\r\n\r\n", 400],
    ["two lengths", "POST /x HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400],
    ["rubbish", "\0\u0001\u0002\r\n\r\n", 400],
  ])("(%s) reaches no origin", async (_, bytes, status) => {
    const client = await connectRaw(world.router.url);
    await client.write(bytes);
    const answer = await client.read({ timeoutMs: 1_000 });
    client.close();
    expect([answer.status, everyRequest()]).toEqual([status, []]);
  });
});
