/** The sample origin that promises to roll back: alone, and behind the router as a mirror's dark lane. */
import { Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { bundleWorker, compatibility } from "../../src/demo/bundle.ts";
import { headerOf, type Origin, startOrigin } from "../support/origin.ts";
import * as reply from "../support/replies.ts";
import { type Router, startRouter } from "../support/router.ts";

let miniflare: Miniflare;
let url: string;
let live: Origin;
/** In front of the service, to see what it was asked and what it answered. */
let dark: Origin;
let answered: { mark: string | undefined; synthetic: string | undefined; status: number; text: string }[] = [];
let router: Router;

beforeAll(async () => {
  const { code } = await bundleWorker("src/demo/orders-service.ts");
  miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    logRequests: false,
    workers: [
      {
        config: {
          name: "orders",
          ...compatibility(),
          manifest: { mainModule: "worker.mjs", modules: { "worker.mjs": { type: "esm", contents: code } } },
          env: { SHOP: { type: "durable-object", worker: "orders", exportName: "Shop" } },
          exports: { Shop: { type: "durable-object", storage: "sqlite" } },
        },
        dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] },
      },
    ],
  });
  await miniflare.ready;
  url = (await miniflare.unsafeGetDirectURL("orders")).origin;
  [live, dark] = await Promise.all([startOrigin("live"), startOrigin("dark")]);
  dark.respond(async (exchange) => {
    const { seen } = exchange;
    await seen.received;
    const [mark, synthetic] = ["x-lane-mirror", "x-lane-synthetic"].map((name) => headerOf(seen.headers, name));
    const headers: Record<string, string> = synthetic === undefined ? {} : { "x-lane-synthetic": synthetic };
    const answer = await fetch(url, { method: seen.method, headers, body: seen.body.toString() });
    const text = await answer.text();
    answered.push({ mark, synthetic, status: answer.status, text });
    await reply.answer(answer.status, text)(exchange);
  });
  const of = (name: string, synthetic: boolean) => ({
    schema: 1,
    name,
    hosts: [`${name}.example`],
    baseline: "live",
    services: { orders: {} },
    lanes: { live: { weight: 1, origins: { orders: live.url } }, dark: { origins: { orders: { url: dark.url, synthetic } } } },
    mirrors: [{ name: "m", lane: "dark", percent: 100, writes: "synthetic" }],
  });
  router = await startRouter({ groups: { promised: of("promised", true), unpromised: of("unpromised", false) } });
}, 60_000);
afterAll(() => Promise.all([miniflare?.dispose(), live?.close(), dark?.close(), router?.dispose()]));

const everything = async () => await (await fetch(url)).text();
const order = (sku: string, quantity: number, headers: Record<string, string> = {}) =>
  fetch(url, { method: "POST", headers, body: JSON.stringify({ sku, quantity }) });
const synthetic = { "x-lane-synthetic": "true" };

describe("a synthetic order", () => {
  it("is answered as a real one would be, and nothing of it remains", async () => {
    await (await order("mug", 1)).text();
    const before = await everything();
    const answers = [];
    for (const [sku, quantity] of [
      ["mug", 2],
      ["mug", 2],
      ["shirt", 4],
      ["hat", 1],
    ] as const) {
      const answer = await order(sku, quantity, synthetic);
      answers.push([answer.status, await answer.json()]);
    }
    expect(answers).toEqual([
      [201, { id: 2, total: 1800, left: 7 }],
      [201, { id: 2, total: 1800, left: 7 }],
      [409, { refused: "only 3 left" }],
      [409, { refused: "there is no hat" }],
    ]);
    expect(await everything()).toBe(before);
    expect(await (await order("mug", 2)).json()).toEqual({ id: 2, total: 1800, left: 7 });
    expect(await everything()).not.toBe(before);
  });

  it("leaves nothing among real ones that are placed at the same moment", async () => {
    const count = async () => JSON.parse(await everything()) as { orders: unknown[]; stock: { sku: string; left: number }[] };
    const before = await count();
    await Promise.all(Array.from({ length: 9 }, (_, i) => order("mug", 1, i % 3 === 0 ? {} : synthetic)));
    const after = await count();
    expect(after.orders.length - before.orders.length).toBe(3);
    const left = ({ stock }: typeof after) => stock.find(({ sku }) => sku === "mug")!.left;
    expect(left(before) - left(after)).toBe(3);
  });
});

describe("a mirrored order at the sample origin", () => {
  const place = (host: string) =>
    router.fetch("/", { method: "POST", host, headers: { "content-type": "application/json" }, body: '{"sku":"shirt","quantity":1}' });

  it("is worked through and rolled back", async () => {
    const before = await everything();
    answered = [];
    expect((await place("promised.example")).text).toBe("live");
    await vi.waitFor(() => expect(answered).toHaveLength(1));
    const { text, ...one } = answered[0]!;
    expect(one).toEqual({ mark: "promised/m", synthetic: "true", status: 201 });
    expect(JSON.parse(text)).toMatchObject({ total: 2500, left: 2 });
    expect(await everything()).toBe(before);
  });

  it("is not sent to it where the lane file has no promise of it", async () => {
    answered = [];
    expect((await place("unpromised.example")).text).toBe("live");
    await new Promise((done) => setTimeout(done, 200));
    expect(answered).toEqual([]);
  });
});
