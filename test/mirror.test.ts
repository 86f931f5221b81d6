import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { headerOf, type Origin, startOrigin } from "./support/origin.ts";
import { gzipped, json } from "./support/replies.ts";
import { type Router, startRouter } from "./support/router.ts";

let live: Origin;
let dark: Origin;
let router: Router;

beforeAll(async () => {
  live = await startOrigin("live");
  dark = await startOrigin("dark");
  router = await startRouter({
    groups: {
      shop: {
        schema: 1,
        name: "shop",
        hosts: ["shop.example"],
        baseline: "s1",
        services: { web: {} },
        lanes: { s1: { weight: 1, origins: { web: live.url } }, next: { origins: { web: dark.url } } },
        mirrors: [
          {
            name: "m",
            lane: "next",
            percent: 100,
            writes: "send",
            scrub: { headers: ["x-api-key"], query: ["token"], baggage: ["email"], json: ["card.number"] },
            compare: { noisePercent: 100 },
          },
        ],
      },
    },
  });
});
afterAll(() => Promise.all([live?.close(), dark?.close(), router?.dispose()]));
beforeEach(() => {
  live.reset();
  dark.reset();
});

const until = async (done: () => boolean) => {
  for (let i = 0; i < 100 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe("a mirror", () => {
  it("sends a marked, scrubbed copy after the answer, and leaves the original as it is", async () => {
    live.respond(json({ a: 1 }));
    dark.respond(json({ a: 2 }));
    const answer = await router.fetch("/charge?token=t&x=1", {
      host: "shop.example:8080",
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer t", "x-api-key": "k", baggage: "email=a%40b,keep=1" },
      body: '{"card":{"number":"4111"},"n":1.50}',
    });
    expect(answer.text).toBe('{"a":1}');
    await until(() => dark.requests.length > 0);
    const copy = dark.requests[0]!;
    expect(copy.url).toBe("/charge?x=1");
    expect(copy.body.toString()).toBe('{"card":{"number":null},"n":1.50}');
    expect(headerOf(copy.headers, "authorization")).toBeUndefined();
    expect(headerOf(copy.headers, "x-api-key")).toBeUndefined();
    expect(headerOf(copy.headers, "x-lane-mirror")).toBe("shop/m");
    expect(headerOf(copy.headers, "x-forwarded-host")).toBe("shop.example-shadow:8080");
    expect(headerOf(copy.headers, "baggage")).toMatch(/^laneway\.shop=1~shop~next~1~\d+~shop~m~[\w-]{43},keep=1$/);
    expect(live.requests[0]!.body.toString()).toBe('{"card":{"number":"4111"},"n":1.50}');
    expect(live.requests[0]!.url).toBe("/charge?token=t&x=1");
  });

  it("leaves a compressed answer byte for byte as it came, though it is compared", async () => {
    live.respond(gzipped('{"a":1}', "application/json"));
    dark.respond(json({ a: 1 }));
    const answer = await router.fetch("/x", { host: "shop.example", headers: { "accept-encoding": "gzip" } });
    expect(answer.headers["content-encoding"]).toBe("gzip");
    const direct = await fetch(`${live.url}/x`, { headers: { "accept-encoding": "gzip" } });
    expect(direct.headers.get("content-encoding")).toBe("gzip");
    const { gunzipSync } = await import("node:zlib");
    expect(gunzipSync(answer.body).toString()).toBe('{"a":1}');
    await until(() => dark.requests.length > 0 && live.requests.length > 2);
    expect(live.requests.length).toBe(3);
    console.log(router.output(), router.logs());
  });
});
