/**
 * Counters leave the isolate: every five seconds one request, behind its answer, sends the sums to the groups' Durable Objects, and to
 * Analytics Engine where that is bound. An isolate that is evicted before loses at most these seconds; a batch that cannot be
 * delivered is lost as well, because sent twice it would count twice.
 */
import { type Batch, type InForce, takeBatches } from "./batch.ts";
import type { Env } from "./env.ts";
import { inForceHere } from "./groups-kv.ts";

export const FLUSH_MS = 5_000;

/** How `group/group.ts` is reached from here. */
interface Counting {
  count(batch: Batch): Promise<void>;
}

/** Milliseconds; until then a request has taken the sending upon itself. */
let dueAt = 0;

/** Called with every proxied request; costs nothing but once in five seconds. */
export function flushSoon(env: Env, ctx: ExecutionContext, now: number): void {
  if (now < dueAt || (env.GROUP === undefined && env.ANALYTICS === undefined)) return;
  // Twice the time: if the platform ends this one's context first, a later request takes over.
  dueAt = now + 2 * FLUSH_MS;
  ctx.waitUntil(
    new Promise((resolve) => setTimeout(resolve, FLUSH_MS)).then(() => {
      dueAt = 0;
      return flush(env);
    }),
  );
}

/** Never rejects. */
export async function flush(env: Env): Promise<void> {
  const batches = takeBatches();
  writeAnalytics(env, batches);
  const { GROUP } = env;
  if (GROUP === undefined) return;
  await Promise.allSettled(
    [...batches].map(async ([group, batch]) => {
      const inForce = newInForce(group);
      await (GROUP.getByName(group) as unknown as Counting).count({ ...batch, inForce });
      if (inForce !== null) told.set(group, inForce.revision);
    }),
  );
}

/** The revision in force that each group's object was told of last. */
const told = new Map<string, string>();

function newInForce(group: string): InForce | null {
  const known = inForceHere(group);
  if (known === null || known.source !== "kv" || told.get(group) === known.revision) return null;
  return { group, revision: known.revision, since: known.since };
}

/** Analytics Engine takes so many points per invocation; the lanes × services beyond are counted in the Durable Object alone. */
const MAX_POINTS = 250;

const sum = (reasons: Readonly<Record<string, number>>) => Object.values(reasons).reduce((total, count) => total + count, 0);

function writeAnalytics({ ANALYTICS }: Env, batches: ReadonlyMap<string, Batch>): void {
  if (ANALYTICS === undefined) return;
  const points = [...batches].flatMap(([group, { tallies }]) => tallies.map((each) => ({ group, ...each })));
  for (const { group, lane, service, tally } of points.slice(0, MAX_POINTS)) {
    const { requests, errors, fallbacks, ejections, sent, dropped, different } = tally;
    const doubles = [requests, errors, sum(fallbacks), ejections, sent, sum(dropped), different];
    ANALYTICS.writeDataPoint({ indexes: [group], blobs: [lane, service], doubles });
  }
}
