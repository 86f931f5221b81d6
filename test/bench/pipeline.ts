/** CPU and throughput of the whole pipeline in raw workerd, against a bare pass-through Worker and two other proxies. */
import { get } from "node:http";
import { bundleWorker, compatibility } from "../../src/demo/bundle.ts";
import { startChild } from "./child.ts";
import { type Contestant, runContest, type Series } from "./contest.ts";
import type { Figure, Row } from "./figure.ts";
import { benchHeaders, requestText, SLOT_OF_S1, SLOT_OF_S2 } from "./fixture.ts";
import type { Load, LoadResult } from "./load.ts";
import type { Echo, OriginAnswer, OriginQuestion } from "./origin.ts";
import { routerSpec } from "./router.ts";
import { intervalOf, median, pairedRatio } from "./stats.ts";
import { startWorkerd, type Workerd, type WorkerSpec } from "./workerd.ts";

const ROUNDS = 41;
const PER_ROUND = 500;
const CONNECTIONS = 64;
const PATH = "/products/42?page=2";

async function workers(origins: readonly string[]): Promise<WorkerSpec[]> {
  const minified = async (entry: string) => (await bundleWorker(entry, { minify: true })).code;
  const other = async (name: string): Promise<WorkerSpec> => ({
    name,
    ...compatibility(),
    code: await minified(`test/bench/workers/${name}.ts`),
    text: { ORIGIN: origins[0]! },
  });
  const others = await Promise.all(["pass-through", "hono-proxy", "reflare"].map(other));
  return [routerSpec(await minified("src/worker.ts"), origins), ...others];
}

/** Asks the router for `/echo` and makes sure that it is the whole pipeline that is measured. Returns what the origin received. */
async function probe(workerd: Workerd, headers: Record<string, string>, lane: string, reason: string): Promise<Echo> {
  const port = workerd.port("router");
  const { answer, echo } = await new Promise<{ answer: Record<string, unknown>; echo: Echo }>((resolve, reject) => {
    get({ port, host: "127.0.0.1", path: "/echo", headers, agent: false }, async (response) => {
      const text = (await response.toArray()).join("");
      if (response.statusCode === 200) resolve({ answer: response.headers, echo: JSON.parse(text) as Echo });
      else reject(new Error(`router: ${response.statusCode} ${text}`));
    }).on("error", reject);
  });
  if (answer["x-lane"] !== lane || answer["x-lane-reason"] !== reason) {
    throw new Error(`router: expected lane ${lane}, ${reason}; got ${answer["x-lane"]}, ${answer["x-lane-reason"]}`);
  }
  if (!echo.headers.baggage?.startsWith("laneway.mock=")) throw new Error("router: the origin received no signed context");
  return echo;
}

async function contestants(workerd: Workerd): Promise<Contestant[]> {
  const [inLane, inBaseline] = [benchHeaders(SLOT_OF_S2), benchHeaders(SLOT_OF_S1)];
  const echo = await probe(workerd, inLane, "s2", "sticky");
  await probe(workerd, inBaseline, "s1", "sticky");
  const inChain = { ...inLane, host: "mockb.mock.example.com", baggage: echo.headers.baggage! };
  await probe(workerd, inChain, "s2", "context");
  const request = requestText(PATH, inLane);
  return [
    { name: "bare pass-through", worker: "pass-through", request },
    { name: "bare pass-through, again", worker: "pass-through", request },
    { name: "Laneway, visitor of a lane", worker: "router", request },
    { name: "Laneway, visitor of the baseline", worker: "router", request: requestText(PATH, inBaseline) },
    { name: "Laneway, second hop of a chain", worker: "router", request: requestText(PATH, inChain) },
    { name: "hono/proxy, no feature", worker: "hono-proxy", request },
    { name: "reflare, one route", worker: "reflare", request },
  ];
}

function rowOf(name: string, series: Series, base: Series): Row {
  const ratio = pairedRatio(series.cpuMicros, base.cpuMicros);
  return {
    name,
    cpuMicros: median(series.cpuMicros),
    ratio: ratio.median,
    interval: intervalOf(ratio),
    perSecond: median(series.perSecond),
    throughput: pairedRatio(series.perSecond, base.perSecond).median,
  };
}

export async function pipeline(): Promise<Figure> {
  const origin = startChild<OriginQuestion, OriginAnswer>(`${import.meta.dirname}/origin.ts`);
  const load = startChild<Load, LoadResult>(`${import.meta.dirname}/load.ts`);
  const { ports } = await origin.ask({ ports: 3 });
  const workerd = await startWorkerd(await workers(ports.map((port) => `http://127.0.0.1:${port}`)));
  try {
    const field = await contestants(workerd);
    const series = await runContest({
      title: "pipeline",
      workerd,
      load,
      contestants: field,
      rounds: ROUNDS,
      perRound: PER_ROUND,
      connections: CONNECTIONS,
    });
    return {
      name: "pipeline",
      title: `CPU of the workerd process per proxied request (${ROUNDS} interleaved rounds of ${PER_ROUND} requests, ${CONNECTIONS} connections)`,
      columns: [
        { key: "name", label: "Worker" },
        { key: "cpuMicros", label: "CPU µs", digits: 0 },
        { key: "ratio", label: "÷ bare", digits: 2 },
        { key: "interval", label: "95 %" },
        { key: "perSecond", label: "requests/s", digits: 0 },
        { key: "throughput", label: "÷ bare", digits: 2 },
      ],
      rows: field.map(({ name }, at) => rowOf(name, series[at]!, series[0]!)),
      notes: ["Budget for Laneway: ≤ 1.20 × bare, aiming at 1.10. Medians; ratios are taken round by round."],
    };
  } finally {
    workerd.stop();
    origin.stop();
    load.stop();
  }
}
