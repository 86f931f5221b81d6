/** Contract section 9: what `explain` says is what happens. Each request is explained, then sent. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { windowOf, writeContext } from "../../src/core/context.ts";
import { signerWith } from "../support/decision.ts";
import { headerOf } from "../support/origin.ts";
import * as reply from "../support/replies.ts";
import { TEST_SECRET } from "../support/router.ts";
import { group, startWorld, type World } from "./world.ts";

const TOKEN = "admin-token-admin-token-admin-token-1";

let world: World;

beforeAll(async () => {
  world = await startWorld(
    (origins) => {
      const { s1, s2, s3 } = origins;
      const files = [
        group("chain", origins, {
          rules: [],
          services: {
            web: {},
            pay: { path: "/pay", mirrored: "block" },
            stubbed: { path: "/stubbed", mirrored: "stub" },
            undone: { path: "/undone", mirrored: "synthetic" },
          },
          lanes: {
            s1: {
              weight: 1,
              origins: { web: s1.url, pay: s1.url, stubbed: s1.url, undone: { url: s1.url, synthetic: true } },
            },
            s3: { origins: { web: s3.url } },
          },
          stubs: [{ service: "stubbed", when: { method: "POST" }, response: { status: 201, headers: { "X-Stub": "1" }, json: {} } }],
          mirrors: [{ name: "m", lane: "s3", percent: 100 }],
        }),
        group("hosted", origins, { rules: [{ name: "host", when: { header: { host: "hosted.example" } }, lane: "s2" }] }),
        group("cached", origins, {
          rules: [],
          lanes: Object.fromEntries(
            [s1, s2].map(({ name, url }) => [
              name,
              {
                weight: 1,
                origins: {
                  web: {
                    url,
                    headers: { "x-unset": { env: "NOPE" }, "x-set": { env: "TEST_KEY" } },
                    answerHeaders: {
                      "CDN-Cache-Control": "max-age=600",
                      "surrogate-control": "max-age=1",
                      "x-accel-expires": "9",
                      "x-new": "1",
                    },
                  },
                },
              },
            ]),
          ),
        }),
        group("strict", origins, {
          mode: "strict",
          services: { web: {}, api: { path: "/api" } },
          lanes: { s1: { weight: 1, origins: { web: s1.url, api: s1.url } }, s2: { origins: { web: s2.url } } },
        }),
      ];
      return Object.fromEntries(files.map((file) => [file.name, file]));
    },
    { bindings: { LANEWAY_ADMIN_TOKEN: TOKEN, TEST_KEY: "k" } },
  );
}, 30_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

/** What is said of a request, and what became of it. */
async function both(name: string, { method = "GET", path = "/x", headers = {} }: Asked = {}) {
  const { text } = await world.router.fetch("/__lanes/api/explain", {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ method, url: `http://${name}.example${path}`, headers }),
  });
  return { said: JSON.parse(text), told: await world.ask(name, { method, path, headers }) };
}

/** Signed by the group `chain`, of whatever age. */
const context = (mirror: string | null, hop = 1, age = 0) => {
  const text = { group: "chain", lane: "s3", hop, window: windowOf(Date.now() / 1000) - age, mirror };
  return { baggage: `laneway.chain=${writeContext(text, signerWith(TEST_SECRET))}` };
};
const mark = context("chain/m");

describe("what explain says", () => {
  it.each([
    [0, "in its time"],
    [50, "an old one"],
  ])("of a copy's write that a service blocks: nobody is asked, and it is 403 (a mark %i windows old, %s)", async (age) => {
    const { said, told } = await both("chain", { method: "POST", path: "/pay", headers: context("chain/m", 1, age) });
    expect([told.client.status, told.asked]).toEqual([403, []]);
    expect(said).toMatchObject({
      answered: { status: 403, reason: "mirror-blocked", why: expect.stringContaining("a copy may not write here") },
      service: "pay",
      lane: told.client.lane,
      origin: null,
      servedBy: null,
      fallback: { onFailure: null, whyOnce: null },
      requestHeaders: {},
      mirrors: [{ name: "m", sent: false }],
    });
    for (const [name, value] of Object.entries(said.responseHeaders)) expect([name, told.answer.headers[name]]).toEqual([name, value]);
    expect(said.responseHeaders).toMatchObject({ "content-type": "application/problem+json", "cache-control": "no-store" });
  });

  it("of a copy that a stub answers, and of one that is to be rolled back", async () => {
    const stubbed = await both("chain", { method: "POST", path: "/stubbed", headers: mark });
    expect([stubbed.told.client.status, stubbed.told.asked, stubbed.said.origin]).toEqual([201, [], null]);
    expect(stubbed.said).toMatchObject({ answered: { status: 201, reason: "stub" }, responseHeaders: { "x-stub": "1" } });
    const undone = await both("chain", { method: "POST", path: "/undone", headers: mark });
    expect([undone.told.asked, undone.said.answered, undone.said.origin]).toEqual([["s1"], null, `${world.s1.url}/undone`]);
    expect(undone.said.requestHeaders["x-lane-synthetic"]).toBe(headerOf(undone.told.seen[0]!.headers, "x-lane-synthetic"));
    expect(undone.said.requestHeaders["x-lane-synthetic"]).toBe("true");
  });

  it("of a copy's read: what the origin gets says that it is one", async () => {
    const { said, told } = await both("chain", { path: "/pay", headers: mark });
    expect([told.asked, said.answered, said.servedBy]).toEqual([["s1"], null, "s1"]);
    for (const name of ["x-forwarded-host", "x-lane-mirror", "x-lane-hops", "host"]) {
      expect([name, said.requestHeaders[name]]).toEqual([name, headerOf(told.seen[0]!.headers, name)]);
    }
    expect(said.requestHeaders["x-forwarded-host"]).toBe("chain.example-shadow");
    const live = await both("chain", { path: "/pay" });
    expect(live.said.requestHeaders["x-forwarded-host"]).toBe("chain.example");
  });

  it("of what goes round in circles, or has no origin: nobody is asked", async () => {
    const round = await both("chain", { headers: { ...context(null, 16), "x-lane-hops": "17" } });
    expect([round.told.client.status, round.told.asked]).toEqual([508, []]);
    expect(round.said).toMatchObject({ reason: "loop", answered: { status: 508 }, origin: null, servedBy: null, requestHeaders: {} });
    expect(round.said.responseHeaders).toEqual({ "content-type": "application/problem+json", "cache-control": "no-store" });
    expect(round.said.mirrors).toEqual([{ name: "m", sent: false, why: "the request is refused" }]);
    const none = await both("strict", { path: "/api" });
    expect([none.told.client.status, none.told.asked]).toEqual([503, []]);
    expect(none.said).toMatchObject({ answered: { status: 503, reason: "missing-service" }, origin: null });
    for (const [name, value] of Object.entries(none.said.responseHeaders))
      expect([name, none.told.answer.headers[name]]).toEqual([name, value]);
    expect(none.said.responseHeaders["x-lane-served-by"]).toBe("s2");
  });

  it("fault B11: of a rule about the host that every request brings", async () => {
    const { said, told } = await both("hosted");
    expect([said.lane, said.reason, said.rules[0].matched]).toEqual([told.client.lane, told.log.reason, true]);
    expect(said.lane).toBe("s2");
    expect(said.requestHeaders.host).toBe(headerOf(told.seen[0]!.headers, "host"));
  });

  it("fault B9: of headers for shared caches that the lane file sets, where no shared cache may keep the answer", async () => {
    for (const origin of [world.s1, world.s2]) origin.respond(reply.answer(200, "x", { "cache-control": "public" }));
    const { said, told } = await both("cached", { headers: { cookie: "lane-cached=1.1.5" } });
    const gone = ["cdn-cache-control", "surrogate-control", "x-accel-expires"];
    expect(gone.filter((name) => name in told.answer.headers || name in said.responseHeaders)).toEqual([]);
    expect(said.removedResponseHeaders).toEqual(gone.map((name) => ({ name, why: "no shared cache may keep one visitor's answer" })));
    expect(said.responseHeaders).toMatchObject({ "cache-control": "private", "x-new": "1" });
  });

  it("of a header whose variable is not set: it is not sent, the client's own neither", async () => {
    for (const headers of [{}, { "x-unset": "mine", X_Unset: "mine" }]) {
      const { said, told } = await both("cached", { headers: { cookie: "lane-cached=1.1.5", ...headers } });
      expect(headerOf(told.seen[0]!.headers, "x-unset")).toBeUndefined();
      expect(headerOf(told.seen[0]!.headers, "x-set")).toBe("k");
      expect([said.requestHeaders["x-set"], said.requestHeaders["x-unset"]]).toEqual(["…", undefined]);
      expect(said.removedHeaders).toContainEqual({ name: "x-unset", why: "the variable NOPE is not set" });
    }
  });

  it.each(["/__lanes/health", "/%5f_lanes/x", "/__lanesX"])("of the admin app's own path, in any spelling: %s", async (path) => {
    const asked = world.s1.requests.length;
    const { text } = await world.router.fetch("/__lanes/api/explain", {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({ url: `http://chain.example${path}` }),
    });
    expect(JSON.parse(text)).toEqual({ group: null, reason: "admin" });
    expect((await world.router.fetch(path, { host: "chain.example" })).headers["x-lane"]).toBeUndefined();
    expect(world.s1.requests.length).toBe(asked);
  });
});
