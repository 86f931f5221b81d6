/** Several Workers of one workerd process under the same load, in turn: A B C A B C … */
import { withProgress } from "../../src/demo/progress.ts";
import type { Child } from "./child.ts";
import type { Load, LoadResult } from "./load.ts";
import type { Workerd } from "./workerd.ts";

export interface Contestant {
  readonly name: string;
  /** Name of the Worker in workerd; several contestants may share one. */
  readonly worker: string;
  readonly request: string;
}

export interface Contest {
  readonly title: string;
  readonly workerd: Workerd;
  readonly load: Child<Load, LoadResult>;
  readonly contestants: readonly Contestant[];
  readonly rounds: number;
  /** Requests per contestant and round. */
  readonly perRound: number;
  readonly connections: number;
}

export interface Series {
  /** CPU of the workerd process per request, one value per round. */
  readonly cpuMicros: number[];
  readonly perSecond: number[];
}

async function turn(contest: Contest, { name, worker, request }: Contestant): Promise<{ cpuMicros: number; perSecond: number }> {
  const { workerd, load, perRound, connections } = contest;
  const before = workerd.cpuMicros();
  const { seconds, statuses } = await load.ask({ port: workerd.port(worker), request, connections, count: perRound, withinMs: 60_000 });
  const cpuMicros = (workerd.cpuMicros() - before) / perRound;
  if (statuses["200"] !== perRound) throw new Error(`${name}: answers by status ${JSON.stringify(statuses)}`);
  return { cpuMicros, perSecond: perRound / seconds };
}

/** One series per contestant, in their order; two first rounds are not counted. Throws unless every answer is a 200. */
export async function runContest(contest: Contest): Promise<Series[]> {
  const { contestants, rounds } = contest;
  const series: Series[] = contestants.map(() => ({ cpuMicros: [], perSecond: [] }));
  const warmUp = 2 * contestants.length;
  let at = 0;
  await withProgress(contest.title, warmUp + rounds * contestants.length, async () => {
    const index = at % contestants.length;
    const { cpuMicros, perSecond } = await turn(contest, contestants[index]!).catch((error) => {
      throw new Error(`${contest.title}: ${contestants[index]!.name}`, { cause: error });
    });
    if (at++ < warmUp) return;
    series[index]!.cpuMicros.push(cpuMicros);
    series[index]!.perSecond.push(perSecond);
  });
  return series;
}
