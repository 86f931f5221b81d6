import type { SlotTable } from "./lane-group.ts";
import { avalanche, murmur3 } from "./murmur3.ts";

/** Every visitor has one of these slots, 0…9,999; one slot is 0.01 % (contract section 3). */
export const SLOTS = 10_000;

/** Weights ≥ 0 in any total, at least one above 0, each lane once. The order of the list never matters. */
type Weights = readonly (readonly [lane: string, weight: number])[];

/** Slots from 0 on: so many for this lane, then so many for the next; 10,000 in all. The form of `published.slots`. */
type Runs = readonly (readonly [lane: string, count: number])[];

/** ⌊murmur3(group ∥ 0x00 ∥ epoch ∥ 0x00 ∥ value) × 10,000 / 2³²⌋ (contract section 3). */
export function slotOf(group: string, epoch: number, value: string): number {
  return slotOfHash(murmur3(`${group}\0${epoch}\0${value}`));
}

/** The slot that a trace id, or any other id, draws for a visitor who has none: the same id, the same slot. */
export function slotFromId(id: string): number {
  return slotOfHash(murmur3(id));
}

/** The slot that a rule's own weights are cut by. It depends on the visitor's slot alone, but not as the group's table does. */
export function ruleSlot(rule: string, slot: number): number {
  return shuffled(`rule/${rule}`, slot);
}

/**
 * The one cut for every percentage that is not a lane's: is this visitor (a slot) or this request (an id) among the first `percent`
 * (0–100 in steps of 0.01; 0 none, 100 all) of a draw of its own? Of all slots, exactly that share is. Draws with different names
 * know nothing of each other, so the name must say what is drawn, too (`mirror/next`, not `next`).
 */
export function within(name: string, id: string | number, percent: number): boolean {
  const cut = Math.round(percent * 100);
  if (cut <= 0) return false;
  if (cut >= SLOTS) return true;
  return (typeof id === "number" ? shuffled(name, id) : slotOfHash(murmur3(`${name}\0${id}`))) < cut;
}

const slotOfHash = (hash: number): number => Math.floor((hash * SLOTS) / 2 ** 32);

/**
 * The slots in an order of the name's own: a Feistel network over the two halves 0…99 of a slot. A permutation and not a hash, because
 * a hash would give 0.01 % of the slots to none, one or three of them. Six rounds: after four, the order still leans on the slot's.
 */
function shuffled(name: string, slot: number): number {
  const key = murmur3(name) | 0;
  let left = (slot / 100) | 0;
  let right = slot % 100;
  for (let round = 0; round < 600; round += 100) {
    // `>>> 1` keeps it a small integer; the remainder of anything larger costs three times as much.
    const next = (left + ((avalanche((key + round + right) | 0) >>> 1) % 100)) % 100;
    left = right;
    right = next;
  }
  return left * 100 + right;
}

/**
 * How many slots each lane has: shares by largest remainder (equal ones: the first name first), 10,000 in all, in the order of the names.
 * A weight of 0 has 0 slots, a share of 0.01 % or more at least 1; smaller ones, which a lane file may not have, 0 or 1.
 */
export function slotCounts(weights: Weights): ReadonlyMap<string, number> {
  // Sorted before the sum, whose last bit depends on the order; divided by the largest, lest the sum overflow.
  const sorted = weights.toSorted(([a], [b]) => byName(a, b));
  const largest = Math.max(...sorted.map(([, weight]) => weight));
  const total = sorted.reduce((sum, [, weight]) => sum + weight / largest, 0);
  const counts = new Map<string, number>();
  const remainders: [lane: string, millionths: number][] = [];
  let left = SLOTS;
  for (const [lane, weight] of sorted) {
    // In millionths of a slot, so that rounding errors neither take a slot from a lane nor break a tie.
    const millionths = Math.round((weight / largest / total) * SLOTS * 1e6);
    const count = Math.floor(millionths / 1e6);
    counts.set(lane, count);
    remainders.push([lane, millionths % 1e6]);
    left -= count;
  }
  remainders.sort(([, a], [, b]) => b - a);
  for (const [lane] of remainders.slice(0, left)) counts.set(lane, counts.get(lane)! + 1);
  return counts;
}

/** One range for each lane that has slots, in the order of the names. */
export function rangesTable(weights: Weights): SlotTable {
  return tableOf(slotCounts(weights));
}

/**
 * The published table with the fewest slots moved to match the weights: a lane with too many gives, one with too few takes, nobody else
 * moves. Lanes may be new, or gone from the weights. Which slots go depends on the arguments alone, so all isolates agree; they are taken
 * where the table stays in few runs: about n² for n lanes at the most, after 20,000 changes as after 1,000.
 */
export function adjustTable(published: Runs, weights: Weights): SlotTable {
  const surplus = new Map<string, number>();
  const add = (lane: string, count: number) => surplus.set(lane, (surplus.get(lane) ?? 0) + count);
  for (const [lane, count] of published) add(lane, count);
  for (const [lane, count] of slotCounts(weights)) add(lane, -count);
  // Whole runs first: what goes as a whole leaves no splinter.
  return tableOf(cutTails(shiftBorders(shiftBorders(published, surplus, true), surplus, false), surplus));
}

/** Where a giver and a taker are neighbours, the border between them moves: no new run comes to be. `whole`: only if a run disappears. */
function shiftBorders(runs: Runs, surplus: Map<string, number>, whole: boolean): Runs {
  const done: [lane: string, count: number][] = [];
  for (const [lane, count] of runs) {
    let size = count;
    for (let before = done.at(-1); before && size > 0; before = done.at(-1)) {
      const given = before[0] === lane ? before[1] : move(surplus, before[0], lane, before[1], whole);
      const taken = move(surplus, lane, before[0], size, whole);
      size += given - taken;
      before[1] += taken - given;
      if (before[1] > 0) break;
      done.pop();
    }
    if (size > 0) done.push([lane, size]);
  }
  return done;
}

/** What givers still have too much is cut off the high ends of their runs, for one taker after the other. */
function cutTails(runs: Runs, surplus: Map<string, number>): Runs {
  const takers = [...surplus.keys()].filter((lane) => surplus.get(lane)! < 0);
  return runs.flatMap(([lane, count]) => {
    const tails: [lane: string, count: number][] = [];
    let size = count;
    while (size > 0 && surplus.get(lane)! > 0) {
      const taker = takers[0]!;
      const part = move(surplus, lane, taker, size, false);
      size -= part;
      tails.push([taker, part]);
      if (surplus.get(taker) === 0) takers.shift();
    }
    return [[lane, size] as const, ...tails];
  });
}

/** As many of `size` slots as the one has too many and the other too few (`whole`: all or none); how many that were. */
function move(surplus: Map<string, number>, from: string, to: string, size: number, whole: boolean): number {
  const count = Math.min(size, surplus.get(from)!, -surplus.get(to)!);
  if (count <= 0 || (whole && count < size)) return 0;
  surplus.set(from, surplus.get(from)! - count);
  surplus.set(to, surplus.get(to)! + count);
  return count;
}

/** Without empty runs, equal neighbours as one. */
function tableOf(runs: Iterable<readonly [lane: string, count: number]>): SlotTable {
  const ends: number[] = [];
  const lanes: string[] = [];
  let end = 0;
  for (const [lane, count] of runs) {
    if (count === 0) continue;
    end += count;
    if (lanes.at(-1) === lane) ends.pop();
    else lanes.push(lane);
    ends.push(end);
  }
  return { ends, lanes };
}

/** Whose slot it is. */
export function laneAt({ ends, lanes }: SlotTable, slot: number): string {
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (slot < ends[middle]!) high = middle;
    else low = middle + 1;
  }
  return lanes[low]!;
}

/** The table as `published.slots` has it. */
export function runsOf({ ends, lanes }: SlotTable): [lane: string, count: number][] {
  return lanes.map((lane, i) => [lane, ends[i]! - (ends[i - 1] ?? 0)]);
}

/** The shares of all slots that change their lane, by name of the old and the new lane. */
export function movedSlots(from: SlotTable, to: SlotTable): { from: string; to: string; percent: number }[] {
  const moved = new Map<string, { from: string; to: string; slots: number }>();
  for (let slot = 0, i = 0, j = 0; slot < SLOTS; ) {
    const end = Math.min(from.ends[i]!, to.ends[j]!);
    const [a, b] = [from.lanes[i]!, to.lanes[j]!];
    const key = `${a}/${b}`;
    if (a !== b) moved.set(key, { from: a, to: b, slots: (moved.get(key)?.slots ?? 0) + end - slot });
    if (from.ends[i] === end) i++;
    if (to.ends[j] === end) j++;
    slot = end;
  }
  const list = [...moved.values()].sort((a, b) => byName(a.from, b.from) || byName(a.to, b.to));
  return list.map(({ slots, ...lanes }) => ({ ...lanes, percent: (slots * 100) / SLOTS }));
}

/** By code units, alike in every place and language. */
const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
