/** Contract section 3: slots, the cookie that keeps them, and what caches may keep of an answer that a slot chose. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { laneAt, rangesTable, slotOf } from "../../src/core/slots.ts";
import { decisionOf, groupOf } from "../support/decision.ts";
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
    ["lane-old=1.1.5; a=lane-shop=1", "lane-old=1.1.5; a=lane-shop=1"],
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

  it.each<[string, string, Record<string, string>, boolean]>([
    ["a document", "GET", { "sec-fetch-dest": "document", "sec-fetch-mode": "navigate", "sec-fetch-site": "none" }, true],
    ["a script's request", "POST", { "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin" }, true],
    ["an image", "GET", { "sec-fetch-dest": "image" }, false],
    ["a frame", "GET", { "sec-fetch-dest": "iframe", "sec-fetch-mode": "navigate" }, false],
    ["a preflight", "OPTIONS", { origin: "https://x.example", "access-control-request-method": "PUT" }, false],
    [
      "a link from another site",
      "GET",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
      true,
    ],
    ["another site's form", "POST", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }, false],
    ["another site's script", "GET", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" }, false],
  ])("is set for %s (%s, %j): %s", async (_, method, headers, set) => {
    const { answer, client, log } = await world.ask("shop", { method, headers });
    expect([answer.headers["set-cookie"] !== undefined, log.reason]).toEqual([set, set ? "weight" : "baseline"]);
    if (!set) expect(client.lane).toBe("s1");
    const known = await world.ask("shop", { method, headers: { ...headers, ...cookie(7_000) } });
    expect(known.client.lane).toBe("s2");
  });

  it("is renewed on documents", async () => {
    const { answer } = await world.ask("shop", { headers: { ...cookie(7_000), "sec-fetch-dest": "document" } });
    expect(answer.headers["set-cookie"]![0]).toMatch(/^lane-shop=1\.1\.7000;/);
  });
});

describe("what caches may keep", () => {
  const CDN = { "cdn-cache-control": "max-age=60", "cloudflare-cdn-cache-control": "max-age=60", "surrogate-control": "max-age=60" };
  const ask = async (headers: Record<string, string>, sent: Record<string, string>, name = "shop") => {
    for (const origin of [world.s1, world.s2]) origin.respond(reply.answer(200, "x", { ...headers, ...CDN }));
    const { answer } = await world.ask(name, { headers: sent });
    return { control: answer.headers["cache-control"], shared: Object.keys(CDN).filter((name) => name in answer.headers).length };
  };

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
    // HTML that a slot chose is one visitor's, with a cookie or without.
    for (const type of ["text/html", "Text/HTML; charset=utf-8"])
      expect(await ask({ ...headers, "content-type": type }, cookie(7_000))).toEqual({ control: after, shared: 0 });
  });

  it("is all of it, where no lane was chosen or the answer is no page", async () => {
    const headers = { "cache-control": "public, max-age=60" };
    const untouched = { control: "public, max-age=60", shared: 3 };
    expect(await ask({ ...headers, "content-type": "image/png" }, cookie(7_000))).toEqual(untouched);
    expect(await ask({ ...headers, "content-type": "text/html" }, { "sec-fetch-dest": "image" })).toEqual(untouched);
    expect(await ask({ ...headers, "content-type": "text/html" }, cookie(7_000, "single"), "single")).toEqual(untouched);
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
