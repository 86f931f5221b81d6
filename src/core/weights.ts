/** New shares in percent for some lanes (contract section 9, weights): the others keep theirs, and the baseline takes the rest. */
import type { LaneGroup, SlotTable } from "./lane-group.ts";
import { at, type Problem, show, unknownName } from "./problem.ts";
import { err, ok, type Result } from "./result.ts";
import { runsOf, SLOTS, slotCounts } from "./slots.ts";

/** Counted in slots, of which 100 are one percent: whole numbers, so that shares add up to 100 and nobody is moved by a rounding. */
const PER_PERCENT = SLOTS / 100;

/** How many of the 10,000 slots each lane has; lanes without any are left out. */
export function slotsByLane(table: SlotTable): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [lane, count] of runsOf(table)) counts.set(lane, (counts.get(lane) ?? 0) + count);
  return counts;
}

/** Lane → percent, for every lane; 100 in all. */
export function shiftWeights(group: LaneGroup, wanted: Readonly<Record<string, unknown>>): Result<ReadonlyMap<string, number>, Problem[]> {
  const counts = new Map(slotCounts([...group.lanes.values()].map(({ name, weight }) => [name, weight])));
  const problems: Problem[] = [];
  for (const [lane, percent] of Object.entries(wanted)) {
    const path = at("weights", lane);
    const slots = typeof percent === "number" ? Math.round(percent * PER_PERCENT) : Number.NaN;
    if (!group.lanes.has(lane)) problems.push({ path, message: unknownName("lane", lane, [...group.lanes.keys()]) });
    else if (!(slots >= 0 && slots <= SLOTS && Math.abs(slots - (percent as number) * PER_PERCENT) < 1e-6))
      problems.push({ path, message: `expected a percentage from 0 to 100 in steps of 0.01, got ${show(percent)}` });
    else counts.set(lane, slots);
  }
  if (problems.length > 0) return err(problems);
  return withRest(group.baseline, counts, wanted);
}

function withRest(
  baseline: string,
  counts: Map<string, number>,
  wanted: Readonly<Record<string, unknown>>,
): Result<ReadonlyMap<string, number>, Problem[]> {
  const others = [...counts].reduce((sum, [lane, count]) => (lane === baseline ? sum : sum + count), 0);
  const rest = SLOTS - others;
  if (rest < 0) {
    const message = `expected shares of at most 100 % in all, got ${others / PER_PERCENT} % without the baseline "${baseline}", which takes the rest`;
    return err([{ path: "weights", message }]);
  }
  if (Object.hasOwn(wanted, baseline) && counts.get(baseline) !== rest) {
    const message = `expected ${rest / PER_PERCENT}, the rest, since this is the baseline, got ${show(wanted[baseline])}`;
    return err([{ path: at("weights", baseline), message }]);
  }
  counts.set(baseline, rest);
  return ok(new Map([...counts].map(([lane, count]) => [lane, count / PER_PERCENT])));
}
