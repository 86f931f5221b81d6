/** What is wrong with a group's lanes now, in words; the first thing that a person reads. */
import { concernOf, type LaneHealth, laneHealth } from "../core/lane-health.ts";
import type { Snapshot } from "../edge/groups-kv.ts";
import type { TallyRow } from "../group/counters.ts";

/** Lanes that are no more concern nobody. */
export function healthOf(snapshot: Snapshot, name: string, rows: readonly TallyRow[]): LaneHealth[] {
  const group = snapshot.groups.get(name)?.group;
  if (group === undefined) return [];
  const figures = rows.map(({ lane, service, tally: { requests, errors, fallbacks } }) => {
    const fellBack = Object.entries(fallbacks).reduce((sum, [reason, count]) => sum + (reason === "missing-service" ? 0 : count), 0);
    // A request is counted when it is asked and its error when it is answered, which may be a minute that counts when the other does no more.
    return { lane, service, requests, errors: Math.min(errors, requests), fellBack };
  });
  return laneHealth(
    figures.filter(({ lane }) => group.lanes.has(lane)),
    group.baseline,
  );
}

/** @param regressions of its mirrors' copies */
export function concernsOf(lanes: readonly LaneHealth[], regressions: number): string[] {
  const dark = regressions === 0 ? [] : [`the dark lane shows ${regressions} ${regressions === 1 ? "regression" : "regressions"}`];
  return [...lanes.flatMap((lane) => concernOf(lane) ?? []), ...dark];
}
