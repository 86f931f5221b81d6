/** What mirrors cost the original: latency at a third of saturation and throughput at saturation, with the dark lane in every state, ÷ without. */
import { spawnSync } from "node:child_process";
import { bundleWorker } from "../../src/demo/bundle.ts";
import { withProgress } from "../../src/demo/progress.ts";
import { type Child, startChild } from "./child.ts";
import type { DarkAnswer, DarkQuestion } from "./dark.ts";
import type { Figure, Row } from "./figure.ts";
import type { Load, LoadResult } from "./load.ts";
import type { OriginAnswer, OriginQuestion } from "./origin.ts";
import type { Rate, RateResult } from "./rate.ts";
import { routerSpec } from "./router.ts";
import { median, pairedRatio } from "./stats.ts";
import { startWorkerd, type Workerd, type WorkerSpec } from "./workerd.ts";

const ROUNDS = 15;
const WARM_UP = 2;
const PER_TURN = 600;
const CONNECTIONS = 64;
const HOST = "shop.example";
const REQUEST = `GET /products/42?page=2 HTTP/1.1\r\nhost: ${HOST}\r\naccept: application/json\r\nbaggage: userId=alice,serverNode=DF%2028\r\n\r\n`;

/** Each is a Worker of its own: copies in flight are counted by isolate. */
interface State {
  readonly name: string;
  readonly worker: string;
  /** null: no mirror. */
  readonly dark: string | null;
  readonly compare?: object;
}

function states({ up, hanging, flooding, dead }: DarkAnswer): State[] {
  const at = (port: number) => `http://127.0.0.1:${port}`;
  return [
    { name: "no mirror", worker: "off", dark: null },
    { name: "no mirror, again", worker: "off-again", dark: null },
    { name: "mirror at 100 %: up", worker: "up", dark: at(up) },
    { name: "up, answers compared, 20 % asked twice", worker: "compared", dark: at(up), compare: { noisePercent: 20 } },
    { name: "dead (connection refused)", worker: "dead", dark: at(dead) },
    { name: "hanging", worker: "hanging", dark: at(hanging) },
    { name: "flooding", worker: "flooding", dark: at(flooding) },
  ];
}

const groupOf = (live: string, { dark, compare }: State) => ({
  schema: 1,
  name: "shop",
  hosts: [HOST],
  baseline: "s1",
  services: { web: {} },
  lanes: { s1: { weight: 1, origins: { web: live } }, ...(dark !== null && { s3: { origins: { web: dark } } }) },
  sticky: { by: "none" },
  log: { samplePercent: 0 },
  ...(dark !== null && { mirrors: [{ name: "m", lane: "s3", percent: 100, ...(compare && { compare }) }] }),
});

function workerOf(code: string, live: string, state: State): WorkerSpec {
  return {
    ...routerSpec(code, [live, live, live]),
    name: state.worker,
    kv: { LANES: { groups: '["shop"]', "group:shop": JSON.stringify(groupOf(live, state)) } },
  };
}

interface Series {
  readonly p50: number[];
  readonly p99: number[];
  readonly perSecond: number[];
  readonly cpuMicros: number[];
}

interface Loads {
  readonly closed: Child<Load, LoadResult>;
  readonly open: Child<Rate, RateResult>;
}

const requireAll = (name: string, statuses: Readonly<Record<string, number>>) => {
  if (statuses["200"] !== PER_TURN) throw new Error(`${name}: answers by status ${JSON.stringify(statuses)}`);
};

async function saturated(workerd: Workerd, { closed }: Loads, { name, worker }: State): Promise<{ perSecond: number; cpuMicros: number }> {
  const before = workerd.cpuMicros();
  const ask = { port: workerd.port(worker), request: REQUEST, connections: CONNECTIONS, count: PER_TURN, withinMs: 60_000 };
  const { seconds, statuses } = await closed.ask(ask);
  requireAll(name, statuses);
  // What the copies still do belongs to the turn.
  await new Promise((done) => setTimeout(done, 100));
  return { perSecond: PER_TURN / seconds, cpuMicros: (workerd.cpuMicros() - before) / PER_TURN };
}

async function rounds(workerd: Workerd, loads: Loads, all: readonly State[]): Promise<{ series: Series[]; rate: number }> {
  const series: Series[] = all.map(() => ({ p50: [], p99: [], perSecond: [], cpuMicros: [] }));
  const warm: number[] = [];
  let rate = 0;
  let turn = 0;
  await withProgress("mirror", (WARM_UP + ROUNDS) * all.length, async () => {
    const [round, index] = [Math.floor(turn / all.length), turn % all.length];
    turn += 1;
    const state = all[index]!;
    const { perSecond, cpuMicros } = await saturated(workerd, loads, state);
    if (round < WARM_UP) {
      if (state.dark === null) warm.push(perSecond);
      return;
    }
    rate ||= Math.round(median(warm) / 3);
    const { p50Ms, p99Ms, statuses } = await loads.open.ask({
      port: workerd.port(state.worker),
      request: REQUEST,
      perSecond: rate,
      count: PER_TURN,
    });
    requireAll(state.name, statuses);
    const into = series[index]!;
    into.p50.push(p50Ms);
    into.p99.push(p99Ms);
    into.perSecond.push(perSecond);
    into.cpuMicros.push(cpuMicros);
  });
  return { series, rate };
}

function rowOf(name: string, series: Series, base: Series): Row {
  const of = (key: keyof Series) => pairedRatio(series[key], base[key]);
  const [p50, p99, throughput] = [of("p50"), of("p99"), of("perSecond")];
  const interval = ({ low, high }: { low: number; high: number }) => `${low.toFixed(2)}–${high.toFixed(2)}`;
  return {
    name,
    p50Ms: median(series.p50),
    p50: p50.median,
    p50Interval: interval(p50),
    p99Ms: median(series.p99),
    p99: p99.median,
    p99Interval: interval(p99),
    throughput: throughput.median,
    cpuMicros: median(series.cpuMicros),
    copyMicros: median(series.cpuMicros.map((micros, round) => micros - base.cpuMicros[round]!)),
  };
}

const nginx = (): string =>
  spawnSync("nginx", ["-v"]).error === undefined
    ? "nginx is installed; its `mirror` was measured apart: throughput 0.26 with the mirror up, 0.41 dead (contract section 12)."
    : "nginx is not installed here, so its `mirror` is not measured beside.";

export async function mirror(): Promise<Figure> {
  const origin = startChild<OriginQuestion, OriginAnswer>(`${import.meta.dirname}/origin.ts`);
  const dark = startChild<DarkQuestion, DarkAnswer>(`${import.meta.dirname}/dark.ts`);
  const loads: Loads = { closed: startChild(`${import.meta.dirname}/load.ts`), open: startChild(`${import.meta.dirname}/rate.ts`) };
  const live = (await origin.ask({ ports: 1 })).ports[0]!;
  const all = states(await dark.ask({ live }));
  const { code } = await bundleWorker("src/worker.ts", { minify: true });
  const workerd = await startWorkerd(all.map((state) => workerOf(code, `http://127.0.0.1:${live}`, state)));
  try {
    const { series, rate } = await rounds(workerd, loads, all);
    return {
      name: "mirror",
      title: `What mirrors cost the original (${ROUNDS} interleaved rounds of ${PER_TURN} requests; latency at ${rate} requests/s, a third of saturation)`,
      columns: [
        { key: "name", label: "Dark lane" },
        { key: "p50Ms", label: "p50 ms", digits: 2 },
        { key: "p50", label: "÷ none", digits: 2 },
        { key: "p50Interval", label: "95 %" },
        { key: "p99Ms", label: "p99 ms", digits: 2 },
        { key: "p99", label: "÷ none", digits: 2 },
        { key: "p99Interval", label: "95 %" },
        { key: "throughput", label: "throughput ÷ none", digits: 2 },
        { key: "cpuMicros", label: "CPU µs", digits: 0 },
        { key: "copyMicros", label: "more", digits: 0 },
      ],
      rows: all.map(({ name }, at) => rowOf(name, series[at]!, series[0]!)),
      notes: [
        "Budget: p50 and p99 ≤ 1.05 × none; throughput at saturation with the mirror hanging ≥ 0.9. Medians of pairs, round by round.",
        "CPU is that of the workerd process per original request, its copy included. Load, live and dark origin share the machine's cores with it.",
        nginx(),
      ],
    };
  } finally {
    workerd.stop();
    for (const child of [origin, dark, loads.closed, loads.open]) child.stop();
  }
}
