/** Resident memory of workerd while large bodies stream through a lane, with fallback and mirrors on, and after many small requests. */
import { bundleWorker } from "../../src/demo/bundle.ts";
import type { BodiesAnswer, BodiesQuestion } from "./bodies.ts";
import { startChild } from "./child.ts";
import type { Figure, Row } from "./figure.ts";
import type { Load, LoadResult } from "./load.ts";
import { routerSpec } from "./router.ts";
import { startWorkerd, type Workerd } from "./workerd.ts";

const MB = 1024 * 1024;
const AT_ONCE = 32;
const EACH = 100 * MB;

/** Every request goes to s2. `mirrors`: it is copied to s3 as well, where the answers are compared. */
function groupFile(name: string, [s1, s2, s3]: readonly string[], mirrors: readonly object[]): object {
  return {
    schema: 1,
    name,
    hosts: [`${name}.example`],
    baseline: "s1",
    services: { web: {} },
    lanes: { s1: { weight: 1, origins: { web: s1 } }, s2: { origins: { web: s2 } }, s3: { origins: { web: s3 } } },
    rules: [{ name: "all", when: { path: { prefix: "/" } }, lane: "s2" }],
    fallback: { methods: ["GET", "PUT"] },
    mirrors,
    log: { samplePercent: 0 },
  };
}

async function start(origins: readonly string[]): Promise<Workerd> {
  const { code } = await bundleWorker("src/worker.ts", { minify: true });
  const mirror = { name: "m", lane: "s3", percent: 100, writes: "send", compare: { noisePercent: 20 } };
  const [big, small] = [groupFile("big", origins, [mirror]), groupFile("small", origins, [])].map((file) => JSON.stringify(file));
  const kv = { LANES: { groups: '["big", "small"]', "group:big": big!, "group:small": small! } };
  return await startWorkerd([{ ...routerSpec(code, origins), kv }]);
}

async function rowOf(workerd: Workerd, name: string, megabytes: number, work: () => Promise<void>): Promise<Row> {
  process.stderr.write(`memory: ${name}\n`);
  const [before, began] = [workerd.residentBytes(), performance.now()];
  let peak = before;
  const sampling = setInterval(() => {
    peak = Math.max(peak, workerd.residentBytes());
  }, 20);
  try {
    await work();
  } finally {
    clearInterval(sampling);
  }
  const [seconds, after] = [(performance.now() - began) / 1000, workerd.residentBytes()];
  return { name, through: megabytes, before: before / MB, peak: (peak - before) / MB, after: (after - before) / MB, seconds };
}

export async function memory(): Promise<Figure> {
  const origin = startChild<BodiesQuestion, BodiesAnswer>(`${import.meta.dirname}/bodies.ts`);
  const client = startChild<BodiesQuestion, BodiesAnswer>(`${import.meta.dirname}/bodies.ts`);
  const load = startChild<Load, LoadResult>(`${import.meta.dirname}/load.ts`);
  const { ports } = await origin.ask({ listen: 3 });
  const workerd = await start(ports!.map((port) => `http://127.0.0.1:${port}`));
  const transfer = async (method: "GET" | "POST" | "PUT", declared: boolean, count: number) => {
    const { whole } = await client.ask({ port: workerd.port("router"), host: "big.example", method, bytes: EACH, declared, count });
    if (whole !== count) throw new Error(`${method}: ${whole} of ${count} bodies came whole`);
  };
  const small = async (name: string, count: number) =>
    await rowOf(workerd, name, (count * 200) / MB, async () => {
      const request = "GET /200 HTTP/1.1\r\nhost: small.example\r\n\r\n";
      const { statuses } = await load.ask({ port: workerd.port("router"), request, connections: 64, count, withinMs: 300_000 });
      if (statuses["200"] !== count) throw new Error(`small requests: answers by status ${JSON.stringify(statuses)}`);
    });
  const big = (name: string, method: "GET" | "POST" | "PUT", declared: boolean) =>
    rowOf(workerd, `${AT_ONCE} × ${EACH / MB} MB ${name}`, (AT_ONCE * EACH) / MB, () => transfer(method, declared, AT_ONCE));
  try {
    await transfer("GET", true, 2);
    await transfer("POST", true, 2);
    const rows = [
      await big("down", "GET", true),
      await big("up, a write with its length", "POST", true),
      await big("up, a write in chunks", "POST", false),
      await big("up, repeatable, with its length", "PUT", true),
      await big("up, repeatable, in chunks", "PUT", false),
      await small("100,000 small requests", 100_000),
      await small("50,000 more", 50_000),
    ];
    return {
      name: "memory",
      title: "Resident memory of the workerd process, with fallback on; large bodies with a mirror at 100 %, and its answers compared",
      columns: [
        { key: "name", label: "What" },
        { key: "through", label: "MB through", digits: 0 },
        { key: "before", label: "MB before", digits: 0 },
        { key: "peak", label: "+ at most", digits: 0 },
        { key: "after", label: "+ after", digits: 0 },
        { key: "seconds", label: "s", digits: 1 },
      ],
      rows,
      notes: [
        "Budget for Laneway: flat. What is added is garbage not yet collected: it must not follow the size of the bodies,",
        "and must end once the heap has its size.",
      ],
    };
  } finally {
    workerd.stop();
    origin.stop();
    client.stop();
    load.stop();
  }
}
