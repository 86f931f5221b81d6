/** What mirrors cost the original: latency at a third of saturation and throughput at saturation, with the dark lane in every state, ÷ without. */
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { bundleWorker } from "../../src/demo/bundle.ts";
import { withProgress } from "../../src/demo/progress.ts";
import { type Child, startChild } from "./child.ts";
import type { DarkAnswer, DarkQuestion } from "./dark.ts";
import type { Figure, Row } from "./figure.ts";
import type { Load, LoadResult } from "./load.ts";
import { hasNginx, type Nginx, startNginx } from "./nginx.ts";
import type { OriginAnswer, OriginQuestion } from "./origin.ts";
import type { Rate, RateResult } from "./rate.ts";
import { routerSpec } from "./router.ts";
import { intervalOf, median, pairedRatio } from "./stats.ts";
import { cpuMicros, startWorkerd, type Workerd, type WorkerSpec } from "./workerd.ts";

const ROUNDS = 15;
const WARM_UP = 2;
const PER_TURN = 600;
const CONNECTIONS = 64;
const HOST = "shop.example";
const REQUEST = `GET /products/42?page=2 HTTP/1.1\r\nhost: ${HOST}\r\naccept: application/json\r\nbaggage: userId=alice,serverNode=DF%2028\r\n\r\n`;

/** Each is a Worker of its own, because copies in flight are counted by isolate; or a port of nginx. */
interface State {
  readonly name: string;
  readonly worker: string | null;
  /** Port; null: no mirror. */
  readonly dark: number | null;
  readonly compare?: object;
}

function states({ up, hanging, flooding, dead }: DarkAnswer): State[] {
  const ours: State[] = [
    { name: "no mirror", worker: "off", dark: null },
    { name: "no mirror, again", worker: "off-again", dark: null },
    { name: "mirror at 100 %: up", worker: "up", dark: up },
    { name: "up, answers compared, 20 % asked twice", worker: "compared", dark: up, compare: { noisePercent: 20 } },
    { name: "dead (connection refused)", worker: "dead", dark: dead },
    { name: "hanging", worker: "hanging", dark: hanging },
    { name: "flooding", worker: "flooding", dark: flooding },
  ];
  if (!hasNginx()) return ours;
  const theirs = ours.filter(({ worker, compare }) => worker !== "off-again" && compare === undefined);
  return [...ours, ...theirs.map(({ name, dark }) => ({ name: `nginx: ${name}`, worker: null, dark }))];
}

const at = (port: number) => `http://127.0.0.1:${port}`;

const groupOf = (live: string, { dark, compare }: State) => ({
  schema: 1,
  name: "shop",
  hosts: [HOST],
  baseline: "s1",
  services: { web: {} },
  lanes: { s1: { weight: 1, origins: { web: live } }, ...(dark !== null && { s3: { origins: { web: at(dark) } } }) },
  sticky: { by: "none" },
  log: { samplePercent: 0 },
  ...(dark !== null && { mirrors: [{ name: "m", lane: "s3", percent: 100, ...(compare && { compare }) }] }),
});

const workerOf = (code: string, live: string, state: State, name: string): WorkerSpec => ({
  ...routerSpec(code, [live, live, live]),
  name,
  kv: { LANES: { groups: '["shop"]', "group:shop": JSON.stringify(groupOf(live, state)) } },
});

interface Series {
  readonly p50: number[];
  readonly p99: number[];
  readonly perSecond: number[];
  readonly cpuMicros: number[];
}

interface World {
  readonly all: readonly State[];
  readonly workerd: Workerd;
  readonly nginx: Nginx | null;
  readonly closed: Child<Load, LoadResult>;
  readonly open: Child<Rate, RateResult>;
}

const portOf = ({ all, workerd, nginx }: World, state: State): number =>
  state.worker === null ? nginx!.ports[all.filter(({ worker }) => worker === null).indexOf(state)]! : workerd.port(state.worker);

const requireAll = (name: string, statuses: Readonly<Record<string, number>>) => {
  if (statuses["200"] !== PER_TURN) throw new Error(`${name}: answers by status ${JSON.stringify(statuses)}`);
};

/** nginx lets a hanging mirror hold up the next request of a connection. */
const stalls = ({ worker, name }: State) => worker === null && name.endsWith("hanging");

async function saturated(world: World, state: State): Promise<{ perSecond: number; cpuMicros: number }> {
  const pid = state.worker === null ? world.nginx!.pid : world.workerd.pid;
  const before = cpuMicros(pid);
  const withinMs = stalls(state) ? 1_000 : 60_000;
  const ask = { port: portOf(world, state), request: REQUEST, connections: CONNECTIONS, count: PER_TURN, withinMs };
  const { seconds, statuses } = await world.closed.ask(ask);
  if (!stalls(state)) requireAll(state.name, statuses);
  const answered = statuses["200"] ?? 0;
  // What the copies still do belongs to the turn.
  await new Promise((done) => setTimeout(done, 100));
  return { perSecond: answered / seconds, cpuMicros: (cpuMicros(pid) - before) / Math.max(1, answered) };
}

async function latency(world: World, state: State, rate: number, into: Series): Promise<void> {
  const { p50Ms, p99Ms, statuses } = await world.open.ask({
    port: portOf(world, state),
    request: REQUEST,
    perSecond: rate,
    count: PER_TURN,
  });
  requireAll(state.name, statuses);
  into.p50.push(p50Ms);
  into.p99.push(p99Ms);
}

async function rounds(world: World): Promise<{ series: Series[]; rate: number }> {
  const { all } = world;
  const series: Series[] = all.map(() => ({ p50: [], p99: [], perSecond: [], cpuMicros: [] }));
  let rate = Number.POSITIVE_INFINITY;
  let turn = 0;
  await withProgress("mirror", (WARM_UP + ROUNDS) * all.length, async () => {
    const [round, index] = [Math.floor(turn / all.length), turn % all.length];
    turn += 1;
    const state = all[index]!;
    const { perSecond, cpuMicros } = await saturated(world, state).catch((error) => {
      throw new Error(state.name, { cause: error });
    });
    if (round < WARM_UP) {
      if (round > 0 && state.worker !== null) rate = Math.min(rate, Math.round(perSecond / 3));
      return;
    }
    series[index]!.perSecond.push(perSecond);
    series[index]!.cpuMicros.push(cpuMicros);
    if (!stalls(state)) await latency(world, state, rate, series[index]!);
  });
  return { series, rate };
}

function latencyOf(series: Series, base: Series): Row {
  if (series.p50.length === 0) return { p50Ms: "stalls" };
  const [p50, p99] = [pairedRatio(series.p50, base.p50), pairedRatio(series.p99, base.p99)];
  return {
    p50Ms: median(series.p50),
    p50: p50.median,
    p50Interval: intervalOf(p50),
    p99Ms: median(series.p99),
    p99: p99.median,
    p99Interval: intervalOf(p99),
  };
}

function rowsOf(all: readonly State[], series: readonly Series[]): Row[] {
  const first = { laneway: 0, nginx: all.findIndex(({ worker }) => worker === null) };
  return all.map(({ name, worker }, at) => {
    const [mine, base] = [series[at]!, series[worker === null ? first.nginx : first.laneway]!];
    return {
      name,
      ...latencyOf(mine, base),
      throughput: pairedRatio(mine.perSecond, base.perSecond).median,
      perSecond: median(mine.perSecond),
      cpuMicros: median(mine.cpuMicros),
      copyMicros: median(mine.cpuMicros.map((micros, round) => micros - base.cpuMicros[round]!)),
    };
  });
}

/** The proxies get a core, all else the other: in truth the origins run on other machines. */
function pin(pids: readonly number[], others: readonly number[]): boolean {
  const on = (core: string) => (pid: number) => spawnSync("taskset", ["-apc", core, String(pid)]).status === 0;
  return availableParallelism() >= 2 && pids.every(on("0")) && others.every(on("1"));
}

export async function mirror(): Promise<Figure> {
  const origin = startChild<OriginQuestion, OriginAnswer>(`${import.meta.dirname}/origin.ts`);
  const dark = startChild<DarkQuestion, DarkAnswer>(`${import.meta.dirname}/dark.ts`);
  const closed = startChild<Load, LoadResult>(`${import.meta.dirname}/load.ts`);
  const open = startChild<Rate, RateResult>(`${import.meta.dirname}/rate.ts`);
  const live = (await origin.ask({ ports: 1 })).ports[0]!;
  const all = states(await dark.ask({ live }));
  const { code } = await bundleWorker("src/worker.ts", { minify: true });
  const workers = all.flatMap((state) => (state.worker === null ? [] : workerOf(code, at(live), state, state.worker)));
  const workerd = await startWorkerd(workers);
  const theirs = all.filter(({ worker }) => worker === null).map(({ dark }) => dark);
  const nginx = theirs.length === 0 ? null : await startNginx(live, theirs);
  const children = [origin, dark, closed, open];
  const pinned = pin(
    [workerd.pid, ...(nginx === null ? [] : [nginx.pid])],
    children.map(({ pid }) => pid),
  );
  try {
    const { series, rate } = await rounds({ all, workerd, nginx, closed, open });
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
        { key: "perSecond", label: "requests/s", digits: 0 },
        { key: "throughput", label: "÷ none", digits: 2 },
        { key: "cpuMicros", label: "CPU µs", digits: 0 },
        { key: "copyMicros", label: "more", digits: 0 },
      ],
      rows: rowsOf(all, series),
      notes: [
        "Budget: p50 and p99 ≤ 1.05 × none; throughput at saturation with the mirror hanging ≥ 0.9. Medians of pairs, round by round.",
        "A third of what the slowest state saturates at. CPU is the proxy's own per original request, its copy included.",
        pinned ? "The proxies have a core of their own." : "The proxies share their cores with the load and the origins.",
        ...(nginx === null
          ? ["nginx is not installed here (Debian: apt-get install nginx-light), so its `mirror` is not measured beside."]
          : []),
      ],
    };
  } finally {
    workerd.stop();
    nginx?.stop();
    for (const child of children) child.stop();
  }
}
