import { describe, expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { ADMIN_TOKEN, call, READ_TOKEN } from "../support/admin.ts";
import { workerEnv } from "../support/group.ts";

const READS = [
  "/__lanes/api/groups",
  "/__lanes/api/groups/x",
  "/__lanes/api/groups/x/history",
  "/__lanes/api/groups/x/stats",
  "/__lanes/api/groups/x/differences",
  "/__lanes/metrics",
];
const WRITES: [method: string, path: string][] = [
  ["PUT", "/__lanes/api/groups/x"],
  ["POST", "/__lanes/api/groups/x/weights"],
  ["POST", "/__lanes/api/groups/x/rollback"],
  ["DELETE", "/__lanes/api/groups/x/differences"],
  ["PUT", "/__lanes/api/off"],
  ["DELETE", "/__lanes/api/off"],
];

describe("the admin API", () => {
  it("does not exist without a token of 32 characters, nor on another host than ADMIN_HOST", async () => {
    for (const token of [undefined, "", "short"])
      expect((await call("GET", "/__lanes/health", { env: { LANEWAY_ADMIN_TOKEN: token } })).status).toBe(404);
    const env = { ADMIN_HOST: "lanes.example.com" };
    expect((await call("GET", "/__lanes/health", { env })).status).toBe(404);
    expect((await call("GET", "/__lanes/health", { env, origin: "https://LANES.example.com" })).status).toBe(200);
  });

  it.each([
    ["none", null],
    ["empty", "Bearer "],
    ["another scheme", `Basic ${ADMIN_TOKEN}`],
    ["a trailing byte", `Bearer ${ADMIN_TOKEN}x`],
    ["a missing byte", `Bearer ${ADMIN_TOKEN.slice(0, -1)}`],
    ["two tokens", `Bearer ${ADMIN_TOKEN} ${ADMIN_TOKEN}`],
    ["the wrong one", `Bearer ${"x".repeat(40)}`],
  ])("answers 401 to a token that is %s, and says nothing more", async (_, authorization) => {
    for (const [method, path] of [...WRITES, ...READS.map((read) => ["GET", read] as const)]) {
      const answer = await call(method, path, { token: null, headers: authorization === null ? {} : { authorization } });
      expect([method, path, answer.status]).toEqual([method, path, 401]);
      expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="laneway"');
      expect(await answer.text()).not.toContain("example");
    }
  });

  it("lets the read token read, check and explain, and nothing more", async () => {
    for (const path of READS) expect([200, 404]).toContain((await call("GET", path, { token: READ_TOKEN })).status);
    for (const [method, path] of WRITES) expect((await call(method, path, { token: READ_TOKEN, body: {} })).status).toBe(403);
    expect((await call("POST", "/__lanes/api/groups/x/check", { token: READ_TOKEN, body: {} })).status).toBe(200);
    expect((await call("POST", "/__lanes/api/explain", { token: READ_TOKEN, body: { url: "https://x.example/" } })).status).toBe(200);
    expect((await call("POST", "/__lanes/api/explain", { token: READ_TOKEN, body: { url: "no" } })).status).toBe(422);
  });

  it("has no read token where none is set", async () => {
    for (const token of ["undefined", "", "short"]) {
      expect(
        (await call("GET", "/__lanes/api/groups", { token, env: { LANEWAY_READ_TOKEN: token === "undefined" ? undefined : token } }))
          .status,
      ).toBe(401);
    }
  });

  it("takes no token from the address, and allows no other site to read", async () => {
    const answer = await call("GET", `/__lanes/api/groups?token=${ADMIN_TOKEN}`, {
      token: null,
      headers: { origin: "https://evil.example" },
    });
    expect(answer.status).toBe(401);
    const known = await call("GET", "/__lanes/api/groups", { headers: { origin: "https://evil.example" } });
    expect([...known.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    expect(known.headers.get("referrer-policy")).toBe("no-referrer");
    expect(known.headers.get("cache-control")).toBe("no-store");
    expect(known.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await call("OPTIONS", "/__lanes/api/off", { token: null, headers: { origin: "https://evil.example" } })).status).toBe(401);
  });

  it("is not reached around the token by another spelling of its path, and no spelling reaches an origin", async () => {
    const env = { ...workerEnv, LANEWAY_ADMIN_TOKEN: ADMIN_TOKEN };
    for (const path of [
      "/__LANES/api/groups",
      "/%5f%5flanes/api/groups",
      "//__lanes/api/groups",
      "/x/../__lanes/api/groups",
      "/__lanes//api/groups",
      "/__lanes/api/groups/",
    ]) {
      const ctx = { waitUntil() {}, passThroughOnException() {} } as unknown as ExecutionContext;
      const answer = await worker.fetch(new Request(`http://router.test${path}`), env, ctx);
      expect([401, 404]).toContain(answer.status);
      expect(await answer.json()).toMatchObject({ type: expect.stringMatching(/^urn:laneway:(unauthorized|not-found)$/) });
    }
  });

  it("says 501 where there is no Durable Object, and explains and tells its health all the same", async () => {
    const env = { GROUP: undefined };
    for (const path of READS) expect([path, (await call("GET", path, { env })).status]).toEqual([path, 501]);
    const body = { weights: {}, revision: 1, groups: "*" };
    for (const [method, path] of WRITES) {
      const answer = await call(method, path, { env, body, headers: { "if-match": '"1"' } });
      expect([path, answer.status, (await answer.json<{ title: string }>()).title]).toEqual([path, 501, "no-publisher"]);
    }
    expect((await call("GET", "/__lanes/health", { env })).status).toBe(200);
    expect((await call("POST", "/__lanes/api/explain", { env, body: { url: "https://x.example/" } })).status).toBe(200);
  });
});
