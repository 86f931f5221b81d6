/** Contract section 3: slots, the cookie that keeps them, and what caches may keep of an answer that a slot chose. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { review } from "../../src/core/review.ts";
import { laneAt, rangesTable, slotOf } from "../../src/core/slots.ts";
import { decisionOf, groupOf, NOW } from "../support/decision.ts";
import { headerOf } from "../support/origin.ts";
import { sendRaw } from "../support/raw-client.ts";
import * as reply from "../support/replies.ts";
import { type Router, startRouter } from "../support/router.ts";
import { clientSaw, group, startWorld, type World } from "./world.ts";

let world: World;
/** Another isolate with the same groups. */
let other: Router;

const files = (origins: Pick<World, "s1" | "s2" | "s3">) => {
  const { s1, s2, s3 } = origins;
  const of = (name: string, weights: readonly number[], more = {}) =>
    group(name, origins, {
      lanes: Object.fromEntries(
        [s1, s2, s3].flatMap(({ name: lane, url }, i) =>
          weights[i] === undefined ? [] : [[lane, { weight: weights[i], origins: { web: url } }]],
        ),
      ),
      rules: [],
      fallback: { statuses: [] },
      ...more,
    });
  const published = {
    revision: 1,
    at: "2026-01-01T00:00:00Z",
    by: "ann",
    reason: "",
    slots: [
      ["s1", 6_000],
      ["s2", 2_000],
      ["s3", 2_000],
    ],
  };
  const reordered = of("reordered", [60, 20, 20]);
  return [
    of("shop", [60, 40]),
    of("old", [60, 40], {
      lanes: {
        s1: { weight: 60, origins: { web: s1.url } },
        s2: { weight: 40, expiresAt: "2020-01-01T00:00:00Z", origins: { web: s2.url } },
      },
    }),
    of("epoch", [60, 40], { sticky: { epoch: 2 } }),
    of("wide", [60, 40], { sticky: { domain: "wide.example", maxAgeSeconds: 60 } }),
    of("inner", [60, 40], { services: { web: { entry: false } } }),
    of("single", [1]),
    of("before", [60, 20, 20]),
    of("after", [50, 20, 30], { published }),
    { ...reordered, lanes: Object.fromEntries(Object.entries(reordered.lanes).reverse()) },
    of("rules", [50, 50], { rules: [{ name: "beta", when: { header: { "x-beta": "1" } }, weights: { s1: 50, s2: 50 } }] }),
    of("user", [50, 30, 20], { sticky: { by: { header: "x-user" } } }),
    of("none", [70, 30, 0], { sticky: { by: "none" } }),
    of("framed", [50, 50], { sticky: { sameSite: "none" } }),
    of("uid", [50, 50], { sticky: { by: { cookie: "uid" } } }),
    of("member", [50, 50], { sticky: { by: { baggage: "uid" } } }),
    of("parameter", [50, 50], { sticky: { by: { query: "uid" } } }),
    of("address", [50, 50], { sticky: { by: "ip" } }),
    of("beta", [1, 0], { rules: [{ name: "beta", when: { cookie: { beta: "1" } }, lane: "s2" }], sticky: { by: "ip" } }),
    of("open", [1, 0], { context: "open", sticky: { by: "ip" } }),
    of("paths", [1, 0], { rules: [{ name: "all", when: { any: [{ path: { prefix: "/" } }, { host: "paths.example" }] }, lane: "s2" }] }),
    of("partly", [60, 40], {
      services: { web: {}, same: { path: "/same" }, base: { path: "/base" } },
      lanes: {
        s1: { weight: 60, origins: { web: s1.url, same: s1.url, base: s1.url } },
        s2: { weight: 40, origins: { web: s2.url, same: s1.url } },
      },
    }),
  ];
};

beforeAll(async () => {
  world = await startWorld((origins) => Object.fromEntries(files(origins).map((file) => [file.name, file])));
  other = await startRouter({ groups: Object.fromEntries(files(world).map((file) => [file.name, file])) });
}, 30_000);
afterAll(() => Promise.all([world?.close(), other?.dispose()]));
beforeEach(() => world.reset());

const cookie = (slot: number | string, name = "shop", epoch = 1) => ({ cookie: `lane-${name}=1.${epoch}.${slot}` });

/** The lanes of many requests, in their order. */
async function lanesOf(name: string, requests: readonly Record<string, string>[], router = world.router): Promise<string[]> {
  const lanes: string[] = [];
  let next = 0;
  const one = async () => {
    for (let i = next++; i < requests.length; i = next++) {
      lanes[i] = String((await router.fetch("/x", { host: `${name}.example`, headers: requests[i]! })).headers["x-lane"]);
    }
  };
  await Promise.all(Array.from({ length: 20 }, one));
  return lanes;
}

const tally = (lanes: readonly string[]) =>
  Object.fromEntries(["s1", "s2", "s3"].map((lane) => [lane, lanes.filter((each) => each === lane).length]));
const everyTwentieth = Array.from({ length: 500 }, (_, i) => i * 20);

describe("a visitor's cookie", () => {
  it("is set for a new visitor, holds the slot alone, and brings back the same lane", async () => {
    const { answer, client, log } = await world.ask("shop");
    const [set] = answer.headers["set-cookie"]!;
    const slot = Number(/^lane-shop=1\.1\.(\d+); Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/.exec(set!)![1]);
    expect([client.lane, log.reason]).toEqual([slot < 6_000 ? "s1" : "s2", "weight"]);
    const again = await world.ask("shop", { headers: cookie(slot) });
    expect([again.client.lane, again.log.reason, again.answer.headers["set-cookie"]]).toEqual([client.lane, "sticky", undefined]);
  });

  it("is bound to the domain and age that the lane file names", async () => {
    const { answer } = await world.ask("wide");
    expect(answer.headers["set-cookie"]![0]).toMatch(
      /^lane-wide=1\.1\.\d+; Max-Age=60; Path=\/; Domain=wide\.example; HttpOnly; SameSite=Lax$/,
    );
  });

  it.each(["1.1.10000", "1.1.-1", "1.1.7000x", "1.1.", "1.1.7000.", "1..7000", "2.1.7000", "x", "", "%", "1.1.0x1B58", "9".repeat(4_000)])(
    "fault 13: that is %j is none: a new visitor with a new cookie, never an error",
    async (value) => {
      const { client, answer, log } = await world.ask("shop", { headers: { cookie: `a=1; lane-shop=${value}; b=2` } });
      expect([client.status, log.reason]).toEqual([200, "weight"]);
      expect(answer.headers["set-cookie"]![0]).toMatch(/^lane-shop=1\.1\.\d+;/);
    },
  );

  it("fault 14: keeps the slot of a lane that expired: the baseline's, and no new draw", async () => {
    const { client, log, answer } = await world.ask("old", { headers: cookie(7_000, "old") });
    expect([client.lane, log.reason, answer.headers["set-cookie"]]).toEqual(["s1", "expired", undefined]);
  });

  it("fault 15: of another group, scheme or epoch is none", async () => {
    for (const [name, headers] of [
      ["shop", cookie(7_000, "old")],
      ["shop", { cookie: "__Host-lane-shop=1.1.7000" }],
      ["epoch", cookie(7_000, "epoch", 1)],
      ["shop", cookie(7_000, "shop", 2)],
    ] as const) {
      expect((await world.ask(name, { headers })).log.reason).toBe("weight");
    }
    expect((await world.ask("epoch", { headers: cookie(7_000, "epoch", 2) })).client.lane).toBe("s2");
  });

  it("fault 18: that comes twice counts the first time, in one line or two", async () => {
    for (const [first, second, lane] of [
      [7_000, 1, "s2"],
      [1, 7_000, "s1"],
    ] as const) {
      const one = await world.ask("shop", { headers: { cookie: `lane-shop=1.1.${first}; lane-shop=1.1.${second}` } });
      expect(one.client.lane).toBe(lane);
      const two = await sendRaw(
        world.router.url,
        `GET /x HTTP/1.1\r\nHost: shop.example\r\nCookie: lane-shop=1.1.${first}\r\nCookie: lane-shop=1.1.${second}\r\n\r\n`,
      );
      expect(two.header("x-lane")).toBe(lane);
    }
  });

  it("fault 19: among 300, or in 16 kB that begin with semicolons, is found or missing in no time", async () => {
    const many = Array.from({ length: 300 }, (_, i) => `c${i}=${"x".repeat(40)}`).join("; ");
    for (const [header, reason] of [
      [`${many}; lane-shop=1.1.7000`, "sticky"],
      [`${";".repeat(16_000)}lane-shop=1.1.7000`, "sticky"],
      [`; ; ;=;a;=b; ${"=".repeat(10_000)}`, "weight"],
      [";".repeat(100_000), "weight"],
    ] as const) {
      const { client, log } = await world.ask("shop", { headers: { cookie: header } });
      expect([client.status, log.reason]).toEqual([200, reason]);
      expect(log.durationMs as number).toBeLessThan(1_000);
    }
  });

  it.each([
    ["a=1; lane-shop=1.1.5; b=2", "a=1; b=2"],
    ["lane-shop=1.1.5", undefined],
    ["a=1; __Host-lane-shop=1.1.5;__Secure-lane-shop=x;b=2", "a=1;b=2"],
    ["lane-old=1.1.5; a=lane-shop=1", "a=lane-shop=1"],
    ["lane-old=blue; a=1", "lane-old=blue; a=1"],
  ])("never reaches an origin: of %j comes %j", async (sent, seen) => {
    for (const slot of [1, 7_000]) {
      const told = await world.ask("shop", { headers: { cookie: sent.replace("1.1.5", `1.1.${slot}`), "x-slot": `${slot}` } });
      expect(headerOf(told.seen[0]!.headers, "cookie")).toBe(seen?.replace("1.1.5", `1.1.${slot}`));
    }
  });

  it("never reaches an origin where it has a line of its own, or where Connection names Cookie", async () => {
    await sendRaw(
      world.router.url,
      "GET /x HTTP/1.1\r\nHost: shop.example\r\nCookie: a=1\r\nCookie: lane-shop=1.1.5\r\nCookie: b=2\r\n\r\n",
    );
    await sendRaw(world.router.url, "GET /x HTTP/1.1\r\nHost: shop.example\r\nCookie: a=1; lane-shop=1.1.5\r\nConnection: cookie\r\n\r\n");
    expect([...world.s1.requests, ...world.s2.requests].map(({ headers }) => headerOf(headers, "cookie")).sort()).toEqual([
      "a=1, b=2",
      undefined,
    ]);
  });

  it("is not set on errors, within a chain, or at a service that is no entry", async () => {
    for (const status of [400, 404, 500, 503]) {
      world.s1.respond(reply.answer(status));
      world.s2.respond(reply.answer(status));
      expect((await world.ask("shop")).answer.headers["set-cookie"]).toBeUndefined();
    }
    world.reset();
    const { seen, answer } = await world.ask("shop");
    expect(answer.headers["set-cookie"]).toHaveLength(1);
    const context = headerOf(seen[0]!.headers, "x-lane-context")!;
    expect(
      (await world.ask("shop", { headers: { "x-lane-context": context, "sec-fetch-dest": "document" } })).answer.headers["set-cookie"],
    ).toBeUndefined();
    const inner = await world.ask("inner", { headers: cookie(7_000, "inner") });
    expect([inner.client.lane, inner.log.reason, inner.answer.headers["set-cookie"]]).toEqual(["s1", "baseline", undefined]);
  });

  it("is renewed on documents", async () => {
    const { answer } = await world.ask("shop", { headers: { ...cookie(7_000), "sec-fetch-dest": "document" } });
    expect(answer.headers["set-cookie"]![0]).toMatch(/^lane-shop=1\.1\.7000;/);
  });
});

/** Without a slot: `now` is drawn and decided at once, `next` has the baseline and a cookie for the next request, null the baseline. */
type Becomes = "now" | "next" | null;
const page = (site: string, dest = "document") => ({ "sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": dest });
const script = (site: string, mode = "cors") => ({ "sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": "empty" });
const part = (dest: string) => ({ "sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors", "sec-fetch-dest": dest });
const preflight = { origin: "https://x.example", "access-control-request-method": "PUT" };
const socket = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

describe("who becomes a visitor", () => {
  it.each<[string, string, Record<string, string>, Becomes]>([
    ["a document", "GET", page("none"), "now"],
    ["a form of the site's own", "POST", page("same-site"), "now"],
    ["a link from another site", "GET", page("cross-site"), "now"],
    ["another site's form, whose visitor's cookie stays at home", "POST", page("cross-site"), null],
    ["a client without Fetch Metadata", "POST", {}, "now"],
    ["OPTIONS that are no preflight", "OPTIONS", { origin: "https://x.example" }, "now"],
    ["a script's request", "POST", script("same-origin"), "next"],
    ["a script's request to a sibling host", "GET", script("same-site"), "next"],
    ["a beacon or a prefetch", "POST", script("same-origin", "no-cors"), "next"],
    ["another site's script", "GET", script("cross-site"), null],
    ["another site's frame", "GET", page("cross-site", "iframe"), null],
    ["a frame of the same site", "GET", page("same-origin", "iframe"), null],
    ["an object in a page", "GET", page("same-origin", "object"), null],
    ["a fenced frame", "GET", page("cross-site", "fencedframe"), null],
    ["an image", "GET", part("image"), null],
    ["a module", "GET", part("script"), null],
    ["a worker's code", "GET", part("worker"), null],
    ["a preflight", "OPTIONS", preflight, null],
    ["a preflight with Fetch Metadata", "OPTIONS", { ...preflight, ...script("same-origin") }, null],
    ["a browser that says half of it", "GET", { "sec-fetch-site": "same-origin" }, null],
    ["what is said empty, which is not said", "GET", { "sec-fetch-dest": "" }, "now"],
  ])("fault B1: %s (%s, %j): %s", async (_, method, headers, becomes) => {
    const { answer, client, asked, log } = await world.ask("shop", { method, headers });
    const set = answer.headers["set-cookie"];
    expect([set !== undefined, log.reason]).toEqual([becomes !== null, becomes === "now" ? "weight" : "baseline"]);
    if (becomes !== "now") expect([client.lane, asked]).toEqual(["s1", ["s1"]]);
    if (set !== undefined) {
      const slot = Number(/^lane-shop=1\.1\.(\d+);/.exec(set[0]!)![1]);
      const next = await world.ask("shop", { method, headers: { ...headers, ...cookie(slot) } });
      expect([next.client.lane, next.log.reason]).toEqual([slot < 6_000 ? "s1" : "s2", "sticky"]);
    }
    const known = await world.ask("shop", { method, headers: { ...headers, ...cookie(7_000) } });
    expect([known.client.lane, known.log.reason]).toEqual(["s2", "sticky"]);
  });

  it("fault B1: a browser's WebSocket, of which it says where it comes from and nothing else, is in the baseline; a program's is drawn", async () => {
    world.s1.respond(reply.webSocketEcho());
    world.s2.respond(reply.webSocketEcho());
    const head = (headers: object) => Object.entries({ Host: "shop.example", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    const open = async (headers: object) => {
      const answer = await sendRaw(world.router.url, `GET /x HTTP/1.1\r\n${head({ ...socket, ...headers }).join("")}\r\n`, { head: true });
      expect(answer.status).toBe(101);
      return [answer.header("x-lane-reason"), answer.header("set-cookie") !== undefined];
    };
    for (let i = 0; i < 10; i++) expect(await open({ origin: "https://shop.example" })).toEqual(["baseline", false]);
    expect(world.s2.requests).toEqual([]);
    expect(await open({})).toEqual(["weight", true]);
    expect((await open({ origin: "https://shop.example", ...cookie(7_000) }))[0]).toBe("sticky");
  });

  it("fault B1: forty requests of a page that keeps no cookie are all in the baseline, and all are given the same slot", async () => {
    const sent = { ...script("same-origin"), "user-agent": "one", "cf-connecting-ip": "2001:db8:1:2:aaaa::1" };
    const slots = async (headers: Record<string, string>, times: number) => {
      const told = await Promise.all(Array.from({ length: times }, () => world.ask("shop", { headers })));
      expect(new Set(told.map(({ client, log }) => `${client.lane} ${log.reason}`))).toEqual(new Set(["s1 baseline"]));
      return new Set(told.map(({ answer }) => answer.headers["set-cookie"]![0]));
    };
    const one = await slots(sent, 40);
    expect(one.size).toBe(1);
    expect(await slots({ ...sent, "cf-connecting-ip": "2001:DB8:1:2:bbbb::2" }, 5)).toEqual(one);
    const others = await Promise.all(["two", "three", "four"].map((agent) => slots({ ...sent, "user-agent": agent }, 2)));
    expect(new Set([one, ...others].flatMap((each) => [...each])).size).toBe(4);
  });

  it("fault B1: shares by a rule's weights wait for the next request, too", async () => {
    const headers = { "x-beta": "1", ...script("same-origin") };
    const first = await world.ask("rules", { headers });
    expect([first.client.lane, first.log.reason]).toEqual(["s1", "baseline"]);
    const [name] = first.answer.headers["set-cookie"]![0]!.split(";");
    expect((await world.ask("rules", { headers: { ...headers, cookie: name! } })).log.reason).toBe("rule:beta");
    const image = await world.ask("rules", { headers: { "x-beta": "1", ...part("image") } });
    expect([image.log.reason, image.answer.headers["set-cookie"]]).toEqual(["baseline", undefined]);
    expect((await world.ask("rules", { headers: { "x-beta": "1", ...page("none") } })).log.reason).toBe("rule:beta");
  });

  it("fault B1: nobody does on errors, at a service that is no entry, or within a chain, by script neither", async () => {
    expect((await world.ask("inner", { headers: script("same-origin") })).answer.headers["set-cookie"]).toBeUndefined();
    const { seen } = await world.ask("shop");
    const chained = { "x-lane-context": headerOf(seen[0]!.headers, "x-lane-context")!, ...script("same-origin") };
    expect((await world.ask("shop", { headers: chained })).answer.headers["set-cookie"]).toBeUndefined();
    world.s1.respond(reply.answer(404));
    expect((await world.ask("shop", { headers: script("same-origin") })).answer.headers["set-cookie"]).toBeUndefined();
  });

  it("on plain http no cookie lives in other sites' frames: it stays Lax there, and their frames make no visitors", async () => {
    const lax = /^lane-framed=1\.1\.\d+; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/;
    expect((await world.ask("framed", { headers: page("none") })).answer.headers["set-cookie"]![0]).toMatch(lax);
    expect((await world.ask("framed", { headers: page("cross-site", "iframe") })).answer.headers["set-cookie"]).toBeUndefined();
  });
});

describe("a visitor who is known by a key", () => {
  const told = async (name: string, headers: Record<string, string>, path = "/x") => {
    const { client, log, answer } = await world.ask(name, { headers, path });
    expect(answer.headers["set-cookie"]).toBeUndefined();
    return `${client.lane} ${log.reason}`;
  };

  it.each<[string, string, Record<string, string>, string?]>([
    ["uid", "uid=", { cookie: "uid=" }],
    ["uid", 'uid=""', { cookie: 'a=1; uid=""' }],
    ["uid", "nothing", {}],
    ["user", "an empty header", { "x-user": "" }],
    ["member", "an empty member", { baggage: "uid=" }],
    ["parameter", "an empty parameter", {}, "/x?uid=&a=1"],
    ["parameter", "a parameter without value", {}, "/x?uid"],
    ["address", "an address that is not told", {}],
  ])("fault B3: by %s: %s is none, and in the baseline with all others who are not known", async (name, _, headers, path) => {
    expect(await told(name, headers, path)).toBe("s1 baseline");
  });

  it("fault B3: by address: forty temporary addresses of one network are one visitor, in two isolates", async () => {
    const addresses = Array.from({ length: 40 }, (_, i) => ({ "cf-connecting-ip": `2001:db8:7:${i % 2}:${i.toString(16)}:ffff:${i}:1` }));
    const [here, there] = await Promise.all([lanesOf("address", addresses), lanesOf("address", addresses, other)]);
    expect(here).toEqual(there);
    expect([0, 1].map((net) => new Set(here.filter((_, i) => i % 2 === net)).size)).toEqual([1, 1]);
    const networks = Array.from({ length: 60 }, (_, i) => ({ "cf-connecting-ip": `2001:db8:7:${i.toString(16)}::1` }));
    expect(new Set(await lanesOf("address", networks)).size).toBe(2);
  });

  it("fault B3: by address: every spelling is the same visitor, and an IPv4 address in IPv6's clothes is itself", async () => {
    for (let i = 0; i < 8; i++) {
      const same = [
        [`2001:db8:0:${i}::1`, `2001:0DB8:0000:000${i}:9:9:9:9`, `2001:db8:0:${i}:0:0:192.0.2.1%eth0`],
        [`192.0.2.${i}`, `::ffff:192.0.2.${i}`, `0:0:0:0:0:FFFF:c000:020${i}`],
      ];
      for (const spellings of same) {
        const headers = spellings.map((ip) => ({ "cf-connecting-ip": ip }));
        expect(new Set(await lanesOf("address", headers)).size).toBe(1);
      }
    }
  });
});

describe("a group with several entry hosts", () => {
  const warnings = (changes: object) => {
    const file = {
      lanes: { s1: { weight: 1, origins: { web: "https://a.test" } }, s2: { weight: 1, origins: {} } },
      services: { web: {} },
      ...changes,
    };
    return review(groupOf(file), null, NOW).warnings.flatMap(({ path, message }) =>
      path.startsWith("sticky") ? [`${path} ${message}`] : [],
    );
  };

  it.each<[string, object, RegExp | null]>([
    [
      "two hosts",
      { hosts: ["a.test.example", "b.test.example"] },
      /^sticky\.domain is missing: .*\("a\.test\.example" and "b\.test\.example"\)/,
    ],
    ["a wildcard", { hosts: ["*.shop.example"] }, /\("\*\.shop\.example"\)/],
    ["any host", { hosts: ["*"] }, /\("\*"\)/],
    [
      "shares by a rule",
      {
        hosts: ["*"],
        lanes: { s1: { weight: 1, origins: { web: "https://a.test" } } },
        rules: [{ name: "r", when: { method: "GET" }, weights: { s1: 1 } }],
      },
      /is missing/,
    ],
    ["one host", { hosts: ["shop.example"] }, null],
    ["a domain above them", { hosts: ["a.shop.example", "b.shop.example"], sticky: { domain: "shop.example" } }, null],
    ["no cookie", { hosts: ["a.shop.example", "b.shop.example"], sticky: { by: "ip" } }, null],
    ["one lane with weight", { lanes: { s1: { weight: 1, origins: { web: "https://a.test" } } } }, null],
    [
      "a second host that is no entry",
      {
        hosts: ["shop.example", "api.shop.example"],
        services: { web: {}, api: { hosts: ["api.shop.example"], entry: false } },
        lanes: { s1: { weight: 1, origins: { web: "https://a.test", api: "https://b.test" } }, s2: { weight: 1, origins: {} } },
      },
      null,
    ],
    [
      "a second host that is an entry on some paths",
      {
        hosts: ["shop.example", "api.shop.example"],
        services: { web: {}, api: { hosts: ["api.shop.example"], path: "/v1", entry: false } },
        lanes: { s1: { weight: 1, origins: { web: "https://a.test", api: "https://b.test" } }, s2: { weight: 1, origins: {} } },
      },
      /"shop\.example" and "api\.shop\.example"/,
    ],
    [
      "a key that has no cookie, but a domain for it",
      { sticky: { by: "none", domain: "shop.example", sameSite: "none" } },
      /^sticky\.domain says nothing/,
    ],
  ])("fault B2: (%s) is warned of where its visitors mix lanes", (_, changes, warning) => {
    const [first = null] = warnings(changes);
    if (warning === null) expect(first).toBeNull();
    else expect(first).toMatch(warning);
    clientSaw("nothing: said when checked");
  });
});

describe("what caches may keep", () => {
  const CDN = {
    "cdn-cache-control": "max-age=60",
    "cloudflare-cdn-cache-control": "max-age=60",
    "surrogate-control": "max-age=60",
    "akamai-cache-control": "max-age=60",
    "x-accel-expires": "600",
    "edge-control": "cache-maxage=600",
  };
  const ask = async (headers: Record<string, string>, sent: Record<string, string>, name = "shop", status = 200, path = "/x") => {
    for (const origin of [world.s1, world.s2]) origin.respond(reply.answer(status, status === 304 ? "" : "x", { ...headers, ...CDN }));
    const { answer } = await world.ask(name, { headers: sent, path });
    expect(answer.status).toBe(status);
    return { control: answer.headers["cache-control"], shared: Object.keys(CDN).filter((name) => name in answer.headers).length };
  };
  const PUBLIC = { "cache-control": "public, s-maxage=600, max-age=60" };
  const UNTOUCHED = { control: "public, s-maxage=600, max-age=60", shared: 6 };
  const PRIVATE = { control: "private, max-age=60", shared: 0 };

  it.each([
    ["public, max-age=60", "private, max-age=60"],
    ["public, s-maxage=60, max-age=5", "private, max-age=5"],
    ["no-store", "no-store"],
    ["no-cache, public", "private, no-cache"],
    ['private="x-a", max-age=1', 'private, private="x-a", max-age=1'],
    [undefined, "private"],
  ])("fault 20: of %j with our cookie is %j, and nothing for other caches", async (before, after) => {
    const headers: Record<string, string> = before === undefined ? {} : { "cache-control": before };
    expect(await ask(headers, {})).toEqual({ control: after, shared: 0 });
    expect(await ask({ ...headers, "content-type": "text/html" }, cookie(7_000))).toEqual({ control: after, shared: 0 });
  });

  it.each<[string, number, Record<string, string>]>([
    ["a page", 200, { "content-type": "Text/HTML; charset=utf-8" }],
    ["JSON", 200, { "content-type": "application/json" }],
    ["XHTML", 200, { "content-type": "application/xhtml+xml" }],
    ["an image", 200, { "content-type": "image/png" }],
    ["no type", 200, {}],
    ["a redirect", 301, { location: "/y" }],
    ["a page that is missing", 404, {}],
    ["what has not changed", 304, {}],
  ])("fault B9: %s (%i) of a lane among several is one visitor's, the baseline's for want of a slot, too", async (_, status, headers) => {
    for (const slot of [1, 7_000]) expect(await ask({ ...PUBLIC, ...headers }, cookie(slot), "shop", status)).toEqual(PRIVATE);
    expect(await ask({ ...PUBLIC, ...headers }, part("image"), "shop", status)).toEqual(PRIVATE);
  });

  it.each<[string, string, Record<string, string>]>([
    ["by a cookie's rule, of a lane without weight", "beta", { cookie: "beta=1" }],
    ["beside a cookie's rule", "beta", {}],
    ["by key", "user", { "x-user": "ann" }],
    ["without its key", "user", {}],
    ["by draw", "none", {}],
    ["by name", "open", { "x-lane": "s2" }],
    ["without a name", "open", {}],
    ["by a lane that has expired", "old", cookie(7_000, "old")],
  ])("fault B9: an answer %s (%s, %j) is one visitor's", async (_, name, sent) => {
    expect(await ask(PUBLIC, sent, name)).toEqual(PRIVATE);
  });

  it("fault B9: is kept from shared caches where a directive of it has bytes that are no UTF-8", async () => {
    const lines = ["HTTP/1.1 200 OK", 'Cache-Control: public, x="\xfc", max-age=5', "Content-Length: 0", "Connection: close", "", ""];
    world.s1.respond(reply.raw(Buffer.from(lines.join("\r\n"), "latin1")));
    const { answer } = await world.ask("shop", { headers: cookie(1) });
    expect(answer.headers["cache-control"]).toBe("private, max-age=5");
  });

  it("fault B9: is all of it where every visitor gets the same under one URL", async () => {
    expect(await ask(PUBLIC, cookie(7_000, "single"), "single")).toEqual(UNTOUCHED);
    // Lane and baseline have one origin for it, or the baseline alone has one.
    expect(await ask(PUBLIC, cookie(7_000, "partly"), "partly", 200, "/same")).toEqual(UNTOUCHED);
    expect(await ask(PUBLIC, cookie(7_000, "partly"), "partly", 200, "/base")).toEqual(UNTOUCHED);
    expect(await ask(PUBLIC, cookie(7_000, "partly"), "partly")).toEqual(PRIVATE);
    // The lane is a matter of the URL, or of the chain.
    expect(await ask(PUBLIC, {}, "paths")).toEqual(UNTOUCHED);
    expect(await ask(PUBLIC, cookie(7_000, "inner"), "inner")).toEqual(UNTOUCHED);
    const { seen } = await world.ask("shop");
    expect(await ask(PUBLIC, { "x-lane-context": headerOf(seen[0]!.headers, "x-lane-context")! })).toEqual(UNTOUCHED);
  });
});

describe("the shares", () => {
  const four = (n: number, percent: number) => 4 * Math.sqrt(n * (percent / 100) * (1 - percent / 100));

  it("fault 21: hold for clients that keep no cookie, by trace or request", async () => {
    for (const name of ["shop", "none"]) {
      const counts = tally(
        await lanesOf(
          name,
          Array.from({ length: 400 }, () => ({})),
        ),
      );
      const percent = name === "shop" ? 40 : 30;
      expect(Math.abs(counts.s2! - 4 * percent)).toBeLessThan(four(400, percent));
      expect(counts.s3).toBe(0);
    }
    clientSaw("200, lanes by their weights");
  });

  it("fault 22: of 10,000 clients at 70/30/0 are within two points, none at 0, and a raise moves nobody out", () => {
    const clients = Array.from({ length: 10_000 }, (_, i) => slotOf("shop", 1, `client-${i}`));
    const lanes = (weights: readonly [string, number][]) => clients.map((slot) => laneAt(rangesTable(weights), slot));
    const counts = tally(
      lanes([
        ["s1", 70],
        ["s2", 30],
        ["s3", 0],
      ]),
    );
    expect([Math.abs(counts.s1! - 7_000) < 200, Math.abs(counts.s2! - 3_000) < 200, counts.s3]).toEqual([true, true, 0]);
    const [ten, twenty] = [
      lanes([
        ["s1", 90],
        ["s2", 10],
      ]),
      lanes([
        ["s1", 80],
        ["s2", 20],
      ]),
    ];
    expect(ten.filter((lane, i) => lane === "s2" && twenty[i] !== "s2")).toEqual([]);
    clientSaw("the same lane as before");
  });

  it("fault 22: are alike in two isolates: nobody changes the lane by changing the machine", async () => {
    const users = Array.from({ length: 300 }, (_, i) => ({ "x-user": `user-${i}` }));
    const [here, there] = await Promise.all([lanesOf("user", users), lanesOf("user", users, other)]);
    expect(here).toEqual(there);
    expect(here).toEqual(
      users.map(
        (headers) =>
          decisionOf(
            groupOf({
              name: "user",
              sticky: { by: { header: "x-user" } },
              lanes: {
                s1: { weight: 50, origins: { web: "https://a.test", api: "https://b.test" } },
                s2: { weight: 30, origins: {} },
                s3: { weight: 20, origins: {} },
              },
            }),
            { headers },
          ).lane,
      ),
    );
    clientSaw("the same lane");
  });

  it("fault 22: from 60/20/20 to 50/20/30, as published, move exactly 10 % of the slots, all from the first lane to the third", async () => {
    const cookies = (name: string) => everyTwentieth.map((slot) => cookie(slot, name));
    const before = await lanesOf("before", cookies("before"));
    const after = await lanesOf("after", cookies("after"));
    expect([tally(before), tally(after)]).toEqual([
      { s1: 300, s2: 100, s3: 100 },
      { s1: 250, s2: 100, s3: 150 },
    ]);
    const moved = before.flatMap((lane, i) => (lane === after[i] ? [] : [`${lane} ${after[i]}`]));
    expect([moved.length, new Set(moved)]).toEqual([50, new Set(["s1 s3"])]);
    clientSaw("nine of ten: the same lane");
  });

  it("in a new order of the file move nobody", async () => {
    const some = everyTwentieth.filter((slot) => slot % 100 === 0);
    expect(
      await lanesOf(
        "reordered",
        some.map((slot) => cookie(slot, "reordered")),
      ),
    ).toEqual(some.map((slot) => (slot < 6_000 ? "s1" : slot < 8_000 ? "s2" : "s3")));
  });

  it("of a rule know nothing of the group's: half and half of each half", async () => {
    const byRule = await lanesOf(
      "rules",
      everyTwentieth.map((slot) => ({ ...cookie(slot, "rules"), "x-beta": "1" })),
    );
    const both = everyTwentieth.filter((slot, i) => slot < 5_000 && byRule[i] === "s1").length;
    expect(Math.abs(byRule.filter((lane) => lane === "s1").length - 250)).toBeLessThan(four(500, 50));
    expect(Math.abs(both - 125)).toBeLessThan(four(500, 25));
    expect(
      await lanesOf(
        "rules",
        everyTwentieth.slice(0, 50).map((slot) => cookie(slot, "rules")),
      ),
    ).toEqual(Array.from({ length: 50 }, () => "s1"));
  });
});
