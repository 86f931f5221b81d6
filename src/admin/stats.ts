/** `GET /__lanes/api/groups/:name/stats`: what the lanes did in the last minutes, and whether their shares are what they should be. */
import { LATENCY_BUCKETS, percentileMs, upperMs } from "../core/latency.ts";
import { parseLaneGroupText } from "../core/parse-lane-group.ts";
import { checkRatio } from "../core/ratio.ts";
import { slotsByLane } from "../core/weights.ts";
import { MINUTES_KEPT, type TallyRow } from "../group/counters.ts";
import type { Stats } from "../group/group.ts";
import { concernsOf, healthOf } from "./concerns.ts";
import { regressions } from "./differences.ts";
import { groupDoor, noPublisher } from "./door.ts";
import { countIn } from "./input.ts";
import type { Asking } from "./publish.ts";
import { invalid } from "./refuse.ts";

const MINUTES = 60;
const INVALID = "the observed shares are invalid";

function latencyOf(counts: readonly number[]) {
  const buckets = counts.flatMap((count, bucket) =>
    count === 0 ? [] : [{ upToMs: bucket === LATENCY_BUCKETS - 1 ? null : upperMs(bucket), count }],
  );
  return { p50: percentileMs(counts, 0.5), p95: percentileMs(counts, 0.95), p99: percentileMs(counts, 0.99), buckets };
}

/** `share`: of the requests to the same service, in percent. */
function rowOf({ lane, service, tally }: TallyRow, rows: readonly TallyRow[]) {
  const { requests, errors, fallbacks, ejections, copies, sent, dropped, compared, different, uncompared, latency } = tally;
  const all = rows.filter((row) => row.service === service).reduce((sum, row) => sum + row.tally.requests, 0);
  return {
    lane,
    service,
    requests,
    share: all === 0 ? null : (requests * 100) / all,
    errors,
    fallbacks,
    ejections,
    copies: { received: copies, sent, dropped, compared, different, uncompared },
    latency: latencyOf(latency),
  };
}

/**
 * New visitors since the newest revision, against its slots. Judged are those alone whose slot we drew: whoever chooses trace ids chooses
 * slots. Lanes that expired are left out: their share goes to the baseline under another
 * reason, and the rest must still be in proportion.
 */
function sharesOf({ latest, assigned }: Stats, now: number) {
  const parsed = latest?.text == null ? null : parseLaneGroupText(latest.text, { insecureOrigins: true });
  if (!parsed?.ok) return { visitors: [], ratio: checkRatio([]) };
  const { slots, lanes } = parsed.value.group;
  const configured = slotsByLane(slots);
  const counts = new Map(assigned.map((row) => [row.lane, row]));
  const total = assigned.reduce((sum, { count }) => sum + count, 0);
  const shares = [...lanes.values()].map(({ name, expiresAt }) => ({
    lane: name,
    configured: configured.get(name) ?? 0,
    assigned: counts.get(name)?.drawn ?? 0,
    judged: expiresAt === null || expiresAt * 1000 > now,
  }));
  const visitors = shares.map((share) => ({
    lane: share.lane,
    configured: share.configured / 100,
    observed: total === 0 ? null : ((counts.get(share.lane)?.count ?? 0) * 100) / total,
    assigned: counts.get(share.lane)?.count ?? 0,
  }));
  return { visitors, ratio: checkRatio(shares.filter(({ judged }) => judged)) };
}

/** `?minutes=` of the last three hours; an hour if left out. */
export async function stats({ request, env, name, snapshot }: Asking): Promise<Response> {
  const door = groupDoor(env, name);
  if (door === null) return noPublisher();
  const minutes = countIn(request, "minutes", MINUTES, MINUTES_KEPT);
  if (!minutes.ok) return invalid("There are no such figures.", minutes.error);
  const now = Date.now();
  const [found, dark] = await Promise.all([door.stats(name, minutes.value), regressions(env, snapshot, name)]);
  const shares = sharesOf(found, now);
  const lanes = healthOf(snapshot, name, found.lately.rows);
  return Response.json({
    group: name,
    revision: found.latest?.revision ?? null,
    minutes: minutes.value,
    concerns: [...concernsOf(lanes, dark), ...(shares.ratio.verdict === "invalid" ? [INVALID] : [])],
    health: { minutes: found.lately.minutes, lanes },
    rows: found.rows.map((row) => rowOf(row, found.rows)),
    series: found.minutes.map(({ minute, ...point }) => ({ at: new Date(minute * 60_000).toISOString(), ...point })),
    ...shares,
  });
}
