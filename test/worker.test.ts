import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { headerOf, type Origin, startOrigin } from "./support/origin.ts";
import { answer, json, redirect } from "./support/replies.ts";
import { type Router, startRouter, TEST_SECRET } from "./support/router.ts";

let a1: Origin;
let a2: Origin;
let b1: Origin;
let router: Router;

const lanes = () => ({
  s1: { weight: 50, origins: { web: `${a1.url}/one`, api: b1.url } },
  s2: { weight: 50, origins: { web: a2.url } },
  dark: { origins: { web: a2.url } },
  old: { expiresAt: "2020-01-01T00:00:00Z", origins: { web: a2.url } },
});

const shop = () => ({
  schema: 1,
  name: "shop",
  hosts: ["shop.example", "*.shop.example"],
  baseline: "s1",
  services: { web: {}, api: { hosts: ["api.shop.example"], entry: false } },
  lanes: lanes(),
  rules: [
    { name: "pr", when: { baggage: { pr: { regex: "[0-9]+" } } }, lane: "s2" },
    { name: "gone", when: { header: { "x-old": "1" } }, lane: "old" },
    { name: "split", when: { path: { prefix: "/split" } }, weights: { s1: 1, dark: 1 } },
  ],
  propagate: { header: "x-lane-name-here", baggage: "lane", headers: ["version", { prefix: "user-" }] },
});

const open = () => ({
  schema: 1,
  name: "open",
  hosts: ["open.example"],
  baseline: "s1",
  context: "open",
  expose: false,
  services: { web: {} },
  lanes: { s1: { weight: 1, origins: { web: a1.url } }, s2: { origins: { web: a2.url } } },
  propagate: { header: "x-asm-prefer-tag", baggage: "lane" },
});

beforeAll(async () => {
  [a1, a2, b1] = await Promise.all([startOrigin("a1"), startOrigin("a2"), startOrigin("b1")]);
  router = await startRouter({ groups: { shop: { ...shop(), propagate: { ...shop().propagate, header: "x-tag" } }, open: open() } });
});
afterAll(() => Promise.all([a1?.close(), a2?.close(), b1?.close(), router?.dispose()]));
beforeEach(() => {
  for (const [origin, name] of [
    [a1, "a1"],
    [a2, "a2"],
    [b1, "b1"],
  ] as const) {
    origin.reset();
    origin.respond(json({ from: name }));
  }
});

const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  router.fetch(path, { host: "shop.example", headers, method });
const slot = (value: number) => ({ cookie: `lane-shop=1.1.${value}` });
const context = (header: string | undefined) => /laneway\.shop=([^,;]+)/.exec(header ?? "")?.[1] ?? "";

describe("the lane", () => {
  it.each([
    ["a slot of the first half is the first lane by name", slot(0), "s1", "sticky"],
    ["slot 4,999 is its last", slot(4_999), "s1", "sticky"],
    ["slot 5,000 is the next lane's first", slot(5_000), "s2", "sticky"],
    ["a rule comes before the slot", { ...slot(0), baggage: "pr=42" }, "s2", "rule:pr"],
    ["a regex matches the whole value", { ...slot(0), baggage: "pr=42x" }, "s1", "sticky"],
    ["a member's name is matched as a whole", { ...slot(0), baggage: "xpr=42" }, "s1", "sticky"],
    ["an expired lane gives the baseline", { ...slot(9_999), "x-old": "1" }, "s1", "expired"],
    ["another epoch is a new visitor", { cookie: "lane-shop=1.2.0" }, /s1|s2/, "weight"],
    ["a slot past the last is a new visitor", { cookie: "lane-shop=1.1.10000" }, /s1|s2/, "weight"],
    ["a page's image without a slot is the baseline's", { "sec-fetch-dest": "image" }, "s1", "baseline"],
    ["a forged lane header from outside says nothing", { ...slot(0), "x-tag": "s2" }, "s1", "sticky"],
    ["a forged plain baggage key says nothing", { ...slot(0), baggage: "lane=s2" }, "s1", "sticky"],
  ] as const)("%s", async (_, headers, lane, reason) => {
    const { headers: got } = await ask("/", headers as Record<string, string>);
    expect(got["x-lane"]).toMatch(lane);
    expect(got["x-lane-reason"]).toBe(reason);
  });

  it("is the same for one trace, whatever the isolate draws", async () => {
    const trace = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
    const drawn = await Promise.all(Array.from({ length: 5 }, () => ask("/", trace)));
    expect(new Set(drawn.map(({ headers }) => headers["x-lane"])).size).toBe(1);
  });

  it("travels in the context: the next hop believes the signature, and no forgery of it", async () => {
    await ask("/", { ...slot(9_999), baggage: "k=v" });
    const baggage = headerOf(a2.requests[0]!.headers, "baggage")!;
    expect(baggage).toMatch(/^laneway\.shop=1~shop~s2~1~\d+~~~[\w-]{43},lane=s2,k=v$/);
    const hop = await router.fetch("/", { host: "api.shop.example", headers: { baggage } });
    expect(hop.headers).toMatchObject({
      "x-lane": "s2",
      "x-lane-reason": "context",
      "x-lane-served-by": "s1",
      "x-lane-fallback": "missing-service",
    });
    expect(context(headerOf(b1.requests[0]!.headers, "baggage"))).toMatch(/^1~shop~s2~2~/);
    const forged = await router.fetch("/", { host: "api.shop.example", headers: { baggage: baggage.replace("~s2~", "~dark~") } });
    expect(forged.headers).toMatchObject({ "x-lane": "s1", "x-lane-reason": "baseline" });
  });

  it("is carried by the header x-lane-context as well", async () => {
    await ask("/", slot(9_999));
    const text = headerOf(a2.requests[0]!.headers, "x-lane-context")!;
    const hop = await router.fetch("/", { host: "api.shop.example", headers: { "x-lane-context": text } });
    expect(hop.headers).toMatchObject({ "x-lane": "s2", "x-lane-reason": "context" });
  });

  it("may be named by anybody in an open group, by header before baggage, and unknown names mean nothing", async () => {
    const named = (headers: Record<string, string>) => router.fetch("/", { host: "open.example", headers });
    expect((await named({ "x-asm-prefer-tag": "s2" })).text).toContain("a2");
    expect((await named({ baggage: "lane=s2" })).text).toContain("a2");
    expect((await named({ "x-asm-prefer-tag": "nope", baggage: "lane=s2" })).text).toContain("a2");
    expect((await named({ "x-asm-prefer-tag": "nope" })).text).toContain("a1");
    expect((await named({ "x-asm-prefer-tag": "s2" })).headers["x-lane"]).toBeUndefined();
  });
});

describe("the cookie", () => {
  it("is set for a new visitor, is not Secure on plain http, and says nothing but the slot", async () => {
    const { headers } = await ask("/");
    expect(headers["set-cookie"]?.[0]).toMatch(/^lane-shop=1\.1\.\d{1,4}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  it("never reaches an origin; the other cookies do, byte for byte", async () => {
    await ask("/", { cookie: "a=1; lane-shop=1.1.0; b=%20 x" });
    expect(headerOf(a1.requests[0]!.headers, "cookie")).toBe("a=1; b=%20 x");
    await ask("/", slot(0));
    expect(headerOf(a1.requests[1]!.headers, "cookie")).toBeUndefined();
  });

  it("is not set on errors, in a chain, or where the visitor has one", async () => {
    a1.respond(answer(404));
    a2.respond(answer(404));
    expect((await ask("/")).headers["set-cookie"]).toBeUndefined();
    expect((await ask("/", slot(0))).headers["set-cookie"]).toBeUndefined();
    expect((await router.fetch("/", { host: "api.shop.example" })).headers["set-cookie"]).toBeUndefined();
  });

  it("keeps the answer out of shared caches", async () => {
    const cached = answer(200, "x", {
      "cache-control": "public, s-maxage=60, max-age=5",
      "cdn-cache-control": "max-age=9",
      "surrogate-control": "max-age=9",
    });
    a1.respond(cached);
    a2.respond(cached);
    const { headers } = await ask("/");
    expect(headers["cache-control"]).toBe("private, max-age=5");
    expect(headers["cdn-cache-control"]).toBeUndefined();
    expect(headers["surrogate-control"]).toBeUndefined();
    expect((await ask("/", slot(0))).headers["cache-control"]).toBe("private, max-age=5");
  });
});

describe("an origin", () => {
  it("receives the path and query as they came, under its own path", async () => {
    await ask("/a/%2e%2e%2f/b;c?x=%20&y=//z", slot(0));
    expect(a1.requests[0]!.url).toBe("/one/a/%2e%2e%2f/b;c?x=%20&y=//z");
  });

  it.each(["//evil.example/x", "/@evil.example", "/\\evil.example/x", "/..%2f..%2fx"])(
    "stays the origin, whatever the path says: %s",
    async (path) => {
      await ask(path, slot(0));
      expect(a1.requests).toHaveLength(1);
      expect(a1.requests[0]!.url.startsWith("/one/")).toBe(true);
    },
  );

  it("receives listed baggage members as headers, in place of the client's", async () => {
    await ask("/", { ...slot(0), baggage: "version=v%202,user-id=7,other=1,cookie=x", version: "mine" });
    const { headers } = a1.requests[0]!;
    expect([headerOf(headers, "version"), headerOf(headers, "user-id"), headerOf(headers, "other")]).toEqual(["v 2", "7", undefined]);
    expect(headerOf(headers, "x-tag")).toBe("s1");
  });

  it("receives none of the client's forged marks, in any spelling", async () => {
    await ask("/", {
      ...slot(0),
      "X-Lane-Mirror": "shop/m",
      x_lane_mirror: "shop/m",
      "x-lane-synthetic": "true",
      "cloudflare-workers-version-overrides": "x",
      forwarded: "for=1",
      "x-forwarded-host": "evil",
    });
    const { headers } = a1.requests[0]!;
    for (const name of ["x-lane-mirror", "x_lane_mirror", "x-lane-synthetic", "cloudflare-workers-version-overrides", "forwarded"])
      expect(headerOf(headers, name), name).toBeUndefined();
    expect(headerOf(headers, "x-forwarded-host")).toBe("shop.example");
  });

  it("keeps our headers, though the client's Connection names them", async () => {
    await ask("/", { ...slot(0), connection: "x-lane-context, baggage, x-secret", "x-secret": "1", baggage: "k=v" });
    const { headers } = a1.requests[0]!;
    expect(headerOf(headers, "x-secret")).toBeUndefined();
    expect(headerOf(headers, "baggage")).toMatch(/^laneway\.shop=/);
    expect(headerOf(headers, "x-lane-context")).toBeDefined();
  });

  it("does not send the client elsewhere by a redirect of its own", async () => {
    a1.respond(redirect(`${a1.url}/one/next?x=1`));
    expect((await ask("/", slot(0))).headers.location).toBe("http://shop.example/next?x=1");
    a1.respond(redirect("https://elsewhere.example/x"));
    expect((await ask("/", slot(0))).headers.location).toBe("https://elsewhere.example/x");
    expect((await ask("/", slot(0))).status).toBe(302);
  });
});

describe("our own errors", () => {
  it("say what is wrong, as problem+json, without an origin's address", async () => {
    const nobody = await router.fetch("/", { host: "nobody.example" });
    expect([nobody.status, nobody.headers["content-type"]]).toEqual([404, "application/problem+json"]);
    expect(JSON.parse(nobody.text)).toMatchObject({ title: "no-group", status: 404 });
  });

  it("end a loop at more than sixteen hops, whoever counted them", async () => {
    const looped = await ask("/", { "x-lane-hops": "17" });
    expect([looped.status, JSON.parse(looped.text).title]).toEqual([508, "loop"]);
    expect((await ask("/", { ...slot(0), "x-lane-hops": "rubbish" })).status).toBe(200);
    expect(a1.requests).toHaveLength(1);
  });

  it("keep the admin API away from origins where no token is set", async () => {
    for (const path of ["/__lanes/health", "/%5F%5Flanes/health", "/__LANES/x", "//__lanes/health"])
      expect((await ask(path)).status, path).toBe(404);
    expect([...a1.requests, ...a2.requests]).toEqual([]);
  });
});

describe("without a secret", () => {
  it("signed groups stay on their baseline, and open ones work", async () => {
    const bare = await startRouter({
      groups: { shop: { ...shop(), propagate: {} }, open: open() },
      bindings: { LANEWAY_SECRET: undefined, LANEWAY_ADMIN_TOKEN: TEST_SECRET },
    });
    try {
      const shopped = await bare.fetch("/", { host: "shop.example", headers: { baggage: "pr=1" } });
      expect(shopped.headers).toMatchObject({ "x-lane": "s1", "x-lane-reason": "no-secret" });
      expect(shopped.headers["set-cookie"]).toBeUndefined();
      expect(JSON.parse((await bare.fetch("/__lanes/health", { host: "shop.example" })).text)).toEqual({ status: "degraded" });
      expect((await bare.fetch("/", { host: "open.example", headers: { "x-asm-prefer-tag": "s2" } })).text).toContain("a2");
    } finally {
      await bare.dispose();
    }
  });
});
