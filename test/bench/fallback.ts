/** What failing lanes cost: a request that falls back ÷ one that need not, and a lane that is ejected ÷ the baseline alone. */
import { bundleWorker } from "../../src/demo/bundle.ts";
import { freePort } from "../../src/demo/local-run.ts";
import { withProgress } from "../../src/demo/progress.ts";
import { type Child, startChild } from "./child.ts";
import type { Figure, Row } from "./figure.ts";
import { requestText } from "./fixture.ts";
import type { Load, LoadResult } from "./load.ts";
import type { OriginAnswer, OriginQuestion } from "./origin.ts";
import { routerSpec } from "./router.ts";
import { intervalOf, median, pairedRatio } from "./stats.ts";
import { startWorkerd, type Workerd } from "./workerd.ts";

const ROUNDS = 31;
const WARM_UP = 3;
const PER_TURN = 300;
const HOST = "shop.example";

interface Contestant {
  readonly name: string;
  readonly lane: string;
  /** Only requests that fell back are timed. */
  readonly fallsBack: boolean;
}

const CONTESTANTS: readonly Contestant[] = [
  { name: "the baseline alone", lane: "s1", fallsBack: false },
  { name: "the same, again", lane: "s1", fallsBack: false },
  { name: "a lane that answers", lane: "live", fallsBack: false },
  { name: "a lane that is dead and ejected", lane: "dead", fallsBack: true },
  { name: "a lane's 503, then the baseline", lane: "refusing", fallsBack: true },
  { name: "a lane's broken connection, then the baseline", lane: "closing", fallsBack: true },
];

function groupFile({ ports, refusing, closing }: OriginAnswer, dead: number): object {
  const at = (port: number) => `http://127.0.0.1:${port}`;
  const origins = { s1: ports[0]!, live: ports[1]!, refusing, closing, dead };
  const lanes = Object.entries(origins).map(([name, port]) => [name, { weight: name === "s1" ? 1 : 0, origins: { web: at(port) } }]);
  return {
    schema: 1,
    name: "shop",
    hosts: [HOST],
    baseline: "s1",
    expose: true,
    services: { web: {} },
    lanes: Object.fromEntries(lanes),
    rules: Object.keys(origins).map((lane) => ({ name: lane, when: { header: { "x-want": lane } }, lane })),
    fallback: { eject: { failures: 3, seconds: 600 } },
    sticky: { by: "none" },
    log: { samplePercent: 0 },
  };
}

/** One request after the other, so that a time is a request's own. */
async function turn(load: Child<Load, LoadResult>, port: number, { name, lane, fallsBack }: Contestant): Promise<number> {
  const request = requestText("/products/42", { host: HOST, "x-want": lane });
  const { statuses, p50Ms, marked, markedP50Ms } = await load.ask({
    port,
    request,
    connections: 1,
    count: PER_TURN,
    withinMs: 60_000,
    marker: "x-lane-fallback",
  });
  if (statuses["200"] !== PER_TURN) throw new Error(`${name}: answers by status ${JSON.stringify(statuses)}`);
  if (fallsBack !== marked > 0) throw new Error(`${name}: ${marked} of ${PER_TURN} fell back`);
  return fallsBack ? markedP50Ms : p50Ms;
}

async function start(ports: OriginAnswer): Promise<Workerd> {
  const { code } = await bundleWorker("src/worker.ts", { minify: true });
  const kv = { LANES: { groups: '["shop"]', "group:shop": JSON.stringify(groupFile(ports, await freePort(0))) } };
  return await startWorkerd([{ ...routerSpec(code, []), kv }]);
}

function rowOf({ name }: Contestant, times: readonly number[], base: readonly number[]): Row {
  const ratio = pairedRatio(times, base);
  return { name, p50Ms: median(times), ratio: ratio.median, interval: intervalOf(ratio) };
}

export async function fallback(): Promise<Figure> {
  const origin = startChild<OriginQuestion, OriginAnswer>(`${import.meta.dirname}/origin.ts`);
  const load = startChild<Load, LoadResult>(`${import.meta.dirname}/load.ts`);
  const workerd = await start(await origin.ask({ ports: 2 }));
  const times: number[][] = CONTESTANTS.map(() => []);
  let at = 0;
  try {
    await withProgress("fallback", (WARM_UP + ROUNDS) * CONTESTANTS.length, async () => {
      const [round, index] = [Math.floor(at / CONTESTANTS.length), at % CONTESTANTS.length];
      at += 1;
      const p50Ms = await turn(load, workerd.port("router"), CONTESTANTS[index]!);
      if (round >= WARM_UP) times[index]!.push(p50Ms);
    });
  } finally {
    workerd.stop();
    origin.stop();
    load.stop();
  }
  return {
    name: "fallback",
    title: `Latency with failing lanes, one request at a time (${ROUNDS} interleaved rounds of ${PER_TURN} requests)`,
    columns: [
      { key: "name", label: "A request to" },
      { key: "p50Ms", label: "p50 ms", digits: 2 },
      { key: "ratio", label: "÷ baseline", digits: 2 },
      { key: "interval", label: "95 %" },
    ],
    rows: CONTESTANTS.map((contestant, index) => rowOf(contestant, times[index]!, times[0]!)),
    notes: [
      "Budget: with a lane dead and ejected ≤ 1.05 × the baseline alone. A fallback asks two origins, so twice the time is what it costs at least.",
      "Of the failing lanes every sixth request fails: a lane that fails more often has no retry budget left, and is ejected.",
    ],
  };
}
