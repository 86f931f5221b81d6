import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LaneGroup } from "../../src/core/lane-group.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";
import { rangesTable, SLOTS, slotCounts } from "../../src/core/slots.ts";
import { shiftWeights, slotsByLane } from "../../src/core/weights.ts";

function group(weights: Record<string, number>): LaneGroup {
  const lanes = Object.entries(weights).map(([name, weight]) => [name, { weight, origins: { web: `https://${name}.example` } }]);
  const file = { schema: 1, name: "g", hosts: ["g.example.com"], baseline: "s1", services: { web: {} }, lanes: Object.fromEntries(lanes) };
  const parsed = parseLaneGroup(file, { insecureOrigins: false });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value.group;
}

const shift = (weights: Record<string, number>, wanted: Record<string, unknown>) => {
  const shifted = shiftWeights(group(weights), wanted);
  return shifted.ok ? Object.fromEntries(shifted.value) : shifted.error;
};

describe("a shift of weights", () => {
  it("gives the named lanes their percentages, leaves the others, and the rest to the baseline", () => {
    expect(shift({ s1: 60, s2: 20, s3: 20 }, { s3: 30 })).toEqual({ s1: 50, s2: 20, s3: 30 });
    expect(shift({ s1: 3, s2: 1 }, { s2: 0 })).toEqual({ s1: 100, s2: 0 });
    expect(shift({ s1: 3, s2: 1 }, {})).toEqual({ s1: 75, s2: 25 });
    expect(shift({ s1: 0, s2: 7 }, { s2: 0.01 })).toEqual({ s1: 99.99, s2: 0.01 });
    expect(shift({ s1: 60, s2: 20, s3: 20 }, { s1: 50, s3: 30 })).toEqual({ s1: 50, s2: 20, s3: 30 });
  });

  it("takes a third for as many slots as it is, so that nobody moves by a rounding", () => {
    expect(shift({ s1: 1, s2: 1, s3: 1 }, { s3: 10 })).toEqual({ s1: 56.67, s2: 33.33, s3: 10 });
  });

  it("refuses more than there is, lanes that are not there, and what is no percentage", () => {
    expect(shift({ s1: 60, s2: 20, s3: 20 }, { s3: 81 })).toMatchObject([
      { path: "weights", message: expect.stringContaining("got 101 %") },
    ]);
    expect(shift({ s1: 60, s2: 40 }, { s1: 61 })).toMatchObject([{ path: "weights.s1", message: expect.stringContaining("expected 60") }]);
    expect(shift({ s1: 60, s2: 40 }, { s4: 1, s2: "1", s1: Number.NaN })).toMatchObject([
      { path: "weights.s4" },
      { path: "weights.s2" },
      { path: "weights.s1" },
    ]);
    for (const percent of [-0.01, 100.01, 1.001, null, "", Number.POSITIVE_INFINITY]) {
      expect(shift({ s1: 60, s2: 40 }, { s2: percent })).toMatchObject([{ path: "weights.s2" }]);
    }
    expect(shift({ s1: 60, s2: 40 }, { ["__proto__"]: 1, constructor: 2 })).toMatchObject([
      { path: "weights.__proto__" },
      { path: "weights.constructor" },
    ]);
  });

  it("always gives 100 % in all, as weights that mean just these slots", () => {
    const percent = fc.integer({ min: 0, max: 3_300 }).map((slots) => slots / 100);
    const weight = fc.integer({ min: 1, max: 1_000 });
    fc.assert(
      fc.property(weight, weight, weight, fc.option(percent), fc.option(percent), (s1, s2, s3, to2, to3) => {
        const before = slotCounts(Object.entries({ s1, s2, s3 }));
        const wanted = { ...(to2 === null ? {} : { s2: to2 }), ...(to3 === null ? {} : { s3: to3 }) };
        const shifted = shift({ s1, s2, s3 }, wanted);
        if (Array.isArray(shifted)) return;
        const after = slotCounts(Object.entries(shifted));
        expect([...after.values()].reduce((sum, count) => sum + count, 0)).toBe(SLOTS);
        expect(after.get("s2")).toBe(to2 === null ? before.get("s2") : Math.round(to2 * 100));
        expect(after.get("s3")).toBe(to3 === null ? before.get("s3") : Math.round(to3 * 100));
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

describe("the slots by lane", () => {
  it("are counted over all runs", () => {
    expect([
      ...slotsByLane(
        rangesTable([
          ["a", 1],
          ["b", 3],
          ["c", 0],
        ]),
      ),
    ]).toEqual([
      ["a", 2500],
      ["b", 7500],
    ]);
    expect([...slotsByLane({ ends: [10, 20, 10_000], lanes: ["a", "b", "a"] })]).toEqual([
      ["a", 9990],
      ["b", 10],
    ]);
  });
});
