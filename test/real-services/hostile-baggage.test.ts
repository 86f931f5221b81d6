/**
 * A dark lane of unmodified services, between which nothing but OpenTelemetry passes baggage on: its SDK for Node, and Go's, whose reader gives up
 * the whole header for one bad member, and whose map has no order. What a client puts beside our mark must not free a copy to write.
 */
import { randomBytes } from "node:crypto";
import type { OutgoingHttpHeaders } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { type Origin, startOrigin } from "../support/origin.ts";
import { type Router, startRouter } from "../support/router.ts";
import { HOSTILE } from "../support/sdks.ts";
import { buildGoService, OPENTELEMETRY, startService, stopServices } from "./services.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 120_000 });

let router: Router;
let live: Origin;
/** The collaborator: it is live in every lane. */
let payment: Origin;

/** Both lanes go web → second → payment, through the router each time; `go` is served by Go first, then by Node, `node` the other way round. */
const LANES = ["node", "go"] as const;

beforeAll(async () => {
  const program = buildGoService();
  [router, live, payment] = await Promise.all([startRouter(), startOrigin("live"), startOrigin("payment")]);
  const inside = `http://localhost:${new URL(router.url).port}`;
  const web = { upstream_url: `${inside}/second`, upstream_method: "GET" };
  const second = { upstream_url: `${inside}/payment`, upstream_method: "POST" };
  const node = (env: Record<string, string>) => startService("service.cjs", { ...OPENTELEMETRY, app: "node", version: "v2", ...env });
  const go = (env: Record<string, string>) => startService(program, { app: "go", version: "v2", ...env });
  const [nodeWeb, nodeSecond, goWeb, goSecond] = await Promise.all([node(web), node(second), go(web), go(second)]);
  await router.putGroup("shop", {
    schema: 1,
    name: "shop",
    hosts: ["localhost"],
    baseline: "s1",
    services: { web: {}, second: { path: "/second", entry: false }, payment: { path: "/payment", entry: false } },
    lanes: {
      s1: { weight: 1, origins: { web: live.url, second: live.url, payment: payment.url } },
      node: { origins: { web: nodeWeb, second: goSecond } },
      go: { origins: { web: goWeb, second: nodeSecond } },
    },
    rules: LANES.map((lane) => ({ name: lane, when: { header: { "x-tester": lane } }, lane })),
    mirrors: LANES.map((lane) => ({ name: lane, lane, percent: 100, from: ["s1"], writes: "block" })),
  });
  await router.kv.put("groups", JSON.stringify(["shop"]));
  // A cold router may answer before it has read KV for the first time.
  await vi.waitFor(async () => expect((await router.fetch("/second", { host: "localhost" })).status).toBe(200));
});
afterAll(async () => {
  stopServices();
  await Promise.all([router?.dispose(), live?.close(), payment?.close()]);
});
beforeEach(() => {
  live.reset();
  payment.reset();
});

/** One request, and the log lines of its hops once there are so many: live ones, or those of its copies. */
async function ask(headers: OutgoingHttpHeaders, isMeant: (line: Record<string, unknown>) => boolean, hops: number) {
  const traceId = randomBytes(16).toString("hex");
  const { status } = await router.fetch("/", {
    host: "localhost",
    headers: { traceparent: `00-${traceId}-${traceId.slice(16)}-00`, ...headers },
  });
  expect(status).toBe(200);
  const lines = () => router.logs().filter((line) => line.traceId === traceId && isMeant(line));
  await expect.poll(() => lines().length, { timeout: 5_000 }).toBe(hops);
  return lines();
}

const LINES: Readonly<Record<string, string | string[]>> = {
  ...HOSTILE,
  "a line for each of 65 members": HOSTILE["65 members"]!.split(","),
};

it.each(Object.entries(LINES))("no copy writes to the live collaborator, whatever the client sent: %s", async (_, baggage) => {
  const lines = await ask({ baggage }, ({ mirror }) => mirror !== null, 4);
  expect(lines.map(({ service, mirror, servedBy, status }) => [service, mirror, servedBy, status]).sort()).toEqual([
    ["payment", "shop/go", "s1", 403],
    ["payment", "shop/node", "s1", 403],
    ["second", "shop/go", "go", 200],
    ["second", "shop/node", "node", 200],
  ]);
  expect([live.requests.length, payment.requests]).toEqual([1, []]);
});

/**
 * Where the first SDK of the lane loses the lane of a live request, together with what came from the client: Go's gives up a header with a
 * member of more than 4,096 bytes; Node's writes keys that are numbers first, escaped, and ends at 8,192 bytes.
 */
const LOST: Readonly<Record<(typeof LANES)[number], string>> = { go: "one member of 8 kB", node: "numbers for keys" };

const CHAINS = LANES.flatMap((lane) => Object.entries(LINES).map(([what, baggage]) => [lane, what, baggage] as const));

it.each(CHAINS.filter(([lane, what]) => LOST[lane] !== what))(
  "a live chain keeps its lane %s, whatever the client sent: %s",
  async (lane, _, baggage) => {
    const lines = await ask({ baggage, "x-tester": lane }, ({ mirror }) => mirror === null, 3);
    expect(lines.map(({ service, lane, reason, servedBy }) => [service, lane, reason, servedBy]).sort()).toEqual([
      ["payment", lane, "context", "s1"],
      ["second", lane, "context", lane],
      ["web", lane, `rule:${lane}`, lane],
    ]);
    expect(payment.requests.map(({ method }) => method)).toEqual(["POST"]);
  },
);

it.each(CHAINS.filter(([lane, what]) => LOST[lane] === what))(
  "a live chain of the lane %s goes on in the baseline where its first SDK gives up: %s",
  async (lane, _, baggage) => {
    const lines = await ask({ baggage, "x-tester": lane }, ({ mirror }) => mirror === null, 2);
    expect(lines.map(({ service, lane, reason }) => [service, lane, reason]).sort()).toEqual([
      ["second", "s1", "baseline"],
      ["web", lane, `rule:${lane}`],
    ]);
    expect([live.requests.length, payment.requests]).toEqual([1, []]);
  },
);
