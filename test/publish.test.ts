import { afterAll, beforeAll, expect, it } from "vitest";
import { type Origin, startOrigin } from "./support/origin.ts";
import { type Router, startRouter } from "./support/router.ts";

const TOKEN = "admin-token-admin-token-admin-token-1";

let one: Origin;
let two: Origin;
let router: Router;
beforeAll(async () => {
  [one, two] = await Promise.all([startOrigin("one"), startOrigin("two")]);
  router = await startRouter({ bindings: { LANEWAY_ADMIN_TOKEN: TOKEN } });
});
afterAll(() => Promise.all([one.close(), two.close(), router.dispose()]));

const api = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  router.fetch(`/__lanes/api/${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

/** New visitors, and how many of them each lane got. */
async function visit(count: number): Promise<Record<string, number>> {
  const lanes: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const lane = String((await router.fetch("/", { host: "g.example.com" })).headers["x-lane"]);
    lanes[lane] = (lanes[lane] ?? 0) + 1;
  }
  return lanes;
}

it("a group is created, serves, is shifted, counted and rolled back, all by the API", { timeout: 40_000 }, async () => {
  const file = {
    schema: 1,
    name: "g",
    hosts: ["g.example.com"],
    baseline: "s1",
    services: { web: {} },
    lanes: { s1: { weight: 1, origins: { web: one.url } }, s2: { origins: { web: two.url } } },
  };
  expect((await api("PUT", "groups/g", file, { "if-none-match": "*" })).status).toBe(201);
  await expect.poll(() => visit(1), { timeout: 8_000, interval: 200 }).toEqual({ s1: 1 });

  const shifted = await api("POST", "groups/g/weights", { weights: { s2: 100 }, reason: "all of it" }, { "if-match": '"1"' });
  expect([shifted.status, shifted.headers.etag]).toEqual([200, '"2"']);
  await expect.poll(() => visit(1), { timeout: 8_000, interval: 200 }).toEqual({ s2: 1 });
  expect(await visit(20)).toEqual({ s2: 20 });

  type Stats = { rows: { lane: string; requests: number }[]; ratio: { verdict: string }; revision: number };
  const stats = async (): Promise<Stats> => JSON.parse((await api("GET", "groups/g/stats")).text);
  await expect
    .poll(async () => (await stats()).rows.find(({ lane }) => lane === "s2")?.requests ?? 0, { timeout: 12_000, interval: 300 })
    .toBeGreaterThanOrEqual(20);
  expect(await stats()).toMatchObject({ revision: 2, ratio: { verdict: "ok" } });

  expect((await api("POST", "groups/g/rollback", { revision: 1 }, { "if-match": '"2"' })).headers.etag).toBe('"3"');
  await expect.poll(() => visit(1), { timeout: 8_000, interval: 200 }).toEqual({ s1: 1 });
});
