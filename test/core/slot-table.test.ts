import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SlotTable } from "../../src/core/lane-group.ts";
import { adjustTable, laneAt, movedSlots, rangesTable, runsOf, SLOTS, slotCounts } from "../../src/core/slots.ts";

type Weights = readonly (readonly [lane: string, weight: number])[];
type Runs = readonly (readonly [lane: string, count: number])[];

const everySlot = Array.from({ length: SLOTS }, (_, slot) => slot);
const weights = (byLane: Record<string, number>): Weights => Object.entries(byLane);
const published = (byLane: Record<string, number>) => runsOf(rangesTable(weights(byLane)));

/** What the table says, slot by slot, without its own reading functions. */
const spread = (runs: Runs) => runs.flatMap(([lane, count]) => new Array<string>(count).fill(lane));
const countsIn = (lanes: readonly string[]) => {
  const counts = new Map<string, number>();
  for (const lane of lanes) counts.set(lane, (counts.get(lane) ?? 0) + 1);
  return counts;
};
const positive = (counts: ReadonlyMap<string, number>) => new Map([...counts].filter(([, count]) => count > 0));
const runsIn = (table: SlotTable) => table.lanes.length;

/** Ramps `lane` from 0 to 100 % in ten steps, the others keeping their proportions; each table grows out of the one before. */
function ramp(lane: string, others: Weights): SlotTable[] {
  const total = others.reduce((sum, [, weight]) => sum + weight, 0);
  let table = rangesTable(others);
  return [
    table,
    ...Array.from({ length: 10 }, (_, i) => {
      const percent = (i + 1) * 10;
      table = adjustTable(runsOf(table), [...others.map(([o, w]) => [o, (w / total) * (100 - percent)] as const), [lane, percent]]);
      return table;
    }),
  ];
}

const laneNames = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,3}$/), { minLength: 1, maxLength: 8 });
const anyWeight = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 100 }),
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(1e308, 5e-324, Number.MAX_VALUE),
);
const anyWeights = laneNames
  .chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), anyWeight))))
  .filter((list) => list.some(([, weight]) => weight > 0));
/** Runs as after a long life: lanes come back, and one is gone from the weights. */
const anyRuns = fc
  .array(fc.tuple(fc.constantFrom("a", "b", "c", "gone"), fc.integer({ min: 1, max: 400 })), { maxLength: 24 })
  .map((runs): Runs => [...runs, ["rest", SLOTS - runs.reduce((sum, [, count]) => sum + count, 0)]]);
const theirWeights = fc
  .record({ a: fc.nat(9), b: fc.nat(9), c: fc.nat(9), new: fc.nat(9), rest: fc.integer({ min: 1, max: 9 }) })
  .map(weights);
const times = (numRuns: number) => ({ seed: 7, numRuns });

describe("slot counts", () => {
  it("sum to 10,000, are within one slot of the share, 0 for a weight of 0 and never 0 from 0.01 % on", () => {
    fc.assert(
      fc.property(anyWeights, (list) => {
        const counts = slotCounts(list);
        expect([...counts.values()].reduce((a, b) => a + b)).toBe(SLOTS);
        // A power of two changes no digit, and keeps the sum of the largest and of the smallest numbers a number.
        const scale = list.some(([, weight]) => weight >= 1) ? 2 ** -4 : 2 ** 500;
        const total = list.reduce((sum, [, weight]) => sum + weight * scale, 0);
        for (const [lane, weight] of list) {
          const exact = ((weight * scale) / total) * SLOTS;
          expect(Math.abs(counts.get(lane)! - exact)).toBeLessThan(1.000_001);
          if (weight === 0) expect(counts.get(lane)).toBe(0);
          if (exact >= 1) expect(counts.get(lane)).toBeGreaterThanOrEqual(1);
        }
      }),
      times(400),
    );
  });

  it.each([
    ["thirds: the first name has the odd slot", { c: 1, b: 1, a: 1 }, { a: 3334, b: 3333, c: 3333 }],
    ["names by code units", { b: 1, a: 1, B: 1 }, { B: 3334, a: 3333, b: 3333 }],
    ["the largest remainders", { c: 3, b: 3, a: 1 }, { a: 1428, b: 4286, c: 4286 }],
    ["fractions", { a: 0.1, b: 0.2, c: 0.7 }, { a: 1000, b: 2000, c: 7000 }],
    ["one slot", { a: 9999, b: 1 }, { a: 9999, b: 1 }],
    ["more than a number can sum", { a: 1e308, b: 1e308, c: 1e308, d: 1e308 }, { a: 2500, b: 2500, c: 2500, d: 2500 }],
    ["less than a number can divide", { a: 5e-324, b: 5e-324 }, { a: 5000, b: 5000 }],
    ["a dust grain beside a mountain", { a: 1e308, b: 5e-324 }, { a: 10_000, b: 0 }],
  ])("give %s", (_, given, expected) => {
    expect([...slotCounts(weights(given))]).toEqual(Object.entries(expected));
  });

  it("give 500 equal lanes 20 slots each", () => {
    const lanes = Array.from({ length: 500 }, (_, i) => [`lane-${i}`, 1 / 3] as const);
    expect(new Set(slotCounts(lanes).values())).toEqual(new Set([20]));
  });
});

describe("a table", () => {
  it("of ranges has each lane once, in the order of the names, whatever the order in the file", () => {
    const table = { ends: [2000, 8000, 10_000], lanes: ["B", "a", "b"] };
    expect(rangesTable(weights({ a: 60, b: 20, B: 20, none: 0 }))).toEqual(table);
    expect(rangesTable(weights({ none: 0, B: 20, b: 20, a: 60 }))).toEqual(table);
  });

  it("tells each slot's lane as its runs do, in as few runs as there can be", () => {
    fc.assert(
      fc.property(anyRuns, theirWeights, (runs, list) => {
        const table = adjustTable(runs, list);
        expect(spread(runsOf(table)).every((lane, slot) => lane === laneAt(table, slot))).toBe(true);
        expect(table.lanes.every((lane, i) => lane !== table.lanes[i - 1])).toBe(true);
        expect(table.ends.at(-1)).toBe(SLOTS);
      }),
      times(40),
    );
  });
});

describe("a change of weights", () => {
  it("from 60/20/20 to 50/20/30 moves 10.0 % of the slots, all from the first lane to the third", () => {
    const before = rangesTable(weights({ s1: 60, s2: 20, s3: 20 }));
    const after = adjustTable(runsOf(before), weights({ s1: 50, s2: 20, s3: 30 }));
    expect(movedSlots(before, after)).toEqual([{ from: "s1", to: "s3", percent: 10 }]);
    expect(runsOf(after)).toEqual([
      ["s1", 5000],
      ["s3", 1000],
      ["s2", 2000],
      ["s3", 2000],
    ]);
  });

  it("takes a whole run, or shifts a border, before it cuts a new one", () => {
    const runs: Runs = [
      ["g", 4000],
      ["t", 1000],
      ["g", 500],
      ["t", 4500],
    ];
    const grown = (byLane: Record<string, number>) =>
      runsOf(adjustTable(runs, weights(byLane)))
        .map((run) => run.join(" "))
        .join(", ");
    expect(grown({ g: 40, t: 60 })).toBe("g 4000, t 6000");
    expect(grown({ g: 35, t: 65 })).toBe("g 3500, t 6500");
    expect(grown({ g: 45, t: 45, x: 5, y: 5 })).toBe("g 4000, x 500, y 500, g 500, t 4500");
    expect(grown({ g: 40, t: 50, x: 5, y: 5 })).toBe("g 3500, x 500, t 500, y 500, g 500, t 4500");
  });

  it("moves the fewest slots there can be: each lane gives only its surplus, and ends with its share", () => {
    fc.assert(
      fc.property(anyRuns, theirWeights, (runs, list) => {
        const table = adjustTable(runs, list);
        const [old, now] = [spread(runs), spread(runsOf(table))];
        const [had, has] = [countsIn(old), countsIn(now)];
        expect(has).toEqual(positive(new Map([...slotCounts(list)].sort(([a], [b]) => (a < b ? -1 : 1)))));
        const least = [...had].reduce((sum, [lane, count]) => sum + Math.max(0, count - (has.get(lane) ?? 0)), 0);
        expect(now.filter((lane, slot) => lane !== old[slot])).toHaveLength(least);
        const percent = movedSlots({ ends: everySlot.map((slot) => slot + 1), lanes: old }, table).reduce(
          (sum, moved) => sum + moved.percent,
          0,
        );
        expect(percent).toBeCloseTo(least / 100, 6);
      }),
      times(60),
    );
  });

  it("moves nobody when the weights are those of the table, or come in another order or total", () => {
    fc.assert(
      fc.property(anyRuns, theirWeights, (runs, list) => {
        const table = adjustTable(runs, list);
        expect(adjustTable(runsOf(table), list)).toEqual(table);
        expect(adjustTable(runs, list.toReversed())).toEqual(table);
        const larger = list.map(([lane, weight]) => [lane, weight * 0.7] as const);
        expect(movedSlots(table, adjustTable(runsOf(table), larger))).toEqual([]);
      }),
      times(150),
    );
  });

  it("that ramps one lane in ten steps moves nobody between other lanes, and down again brings nobody in", () => {
    const up = ramp("next", weights({ a: 60, b: 25, last: 10, tiny: 5 }));
    for (const [i, table] of up.slice(1).entries()) {
      const moved = movedSlots(up[i]!, table);
      expect(moved.every(({ to }) => to === "next")).toBe(true);
      expect(moved.reduce((sum, { percent }) => sum + percent, 0)).toBeCloseTo(10, 9);
    }
    expect(runsOf(up.at(-1)!)).toEqual([["next", SLOTS]]);
    const back = adjustTable(runsOf(up[5]!), weights({ a: 60, b: 25, last: 10, tiny: 5 }));
    expect(movedSlots(up[5]!, back).every(({ from }) => from === "next")).toBe(true);
  });

  it("to 0 leaves a lane without a slot, and a lane that is gone from the weights too", () => {
    const table = adjustTable(published({ a: 1, b: 1, gone: 2 }), weights({ a: 1, b: 0, c: 1 }));
    expect(countsIn(spread(runsOf(table)))).toEqual(new Map(Object.entries({ a: 5000, c: 5000 })));
  });

  it.each([
    [3, 12],
    [5, 30],
    [10, 110],
  ])("repeated 1,000 times with %i lanes never needs more than %i runs", (lanes, most) => {
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const now = new Map(Array.from({ length: lanes }, (_, i) => [`lane-${i}`, 50]));
    let table = rangesTable([...now]);
    let worst = 0;
    for (let change = 0; change < 1_000; change++) {
      now.set(`lane-${random(lanes)}`, random(4) === 0 ? 0 : 1 + random(100));
      if ([...now.values()].some((weight) => weight > 0)) table = adjustTable(runsOf(table), [...now]);
      worst = Math.max(worst, runsIn(table));
    }
    expect(worst).toBeLessThanOrEqual(most);
  });
});

describe("moved slots", () => {
  it("are listed by the names of the old and the new lane, in percent of all", () => {
    const before = rangesTable(weights({ a: 1, b: 1, c: 2 }));
    const after = { ends: [1, 5000, 10_000], lanes: ["c", "b", "a"] };
    expect(movedSlots(before, after)).toEqual([
      { from: "a", to: "b", percent: 24.99 },
      { from: "a", to: "c", percent: 0.01 },
      { from: "c", to: "a", percent: 50 },
    ]);
    expect(movedSlots(after, after)).toEqual([]);
  });
});
