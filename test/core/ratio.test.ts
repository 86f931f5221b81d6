import { describe, expect, it } from "vitest";
import { checkRatio } from "../../src/core/ratio.ts";

/** mulberry32: the same numbers in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const shares = (configured: readonly number[], assigned: readonly number[]) =>
  configured.map((count, i) => ({ lane: `s${i}`, configured: count, assigned: assigned[i]! }));

/** Draws visitors one by one and looks after each `step`; after how many it alarmed, or null. */
function alarmAfter(
  configured: readonly number[],
  actual: readonly number[],
  visitors: number,
  step: number,
  draw: () => number,
): number | null {
  const assigned = configured.map(() => 0);
  for (let visitor = 1; visitor <= visitors; visitor++) {
    let rest = draw();
    let lane = 0;
    while (lane < actual.length - 1 && rest >= actual[lane]!) rest -= actual[lane++]!;
    assigned[lane]!++;
    if (visitor % step === 0 && checkRatio(shares(configured, assigned)).verdict === "invalid") return visitor;
  }
  return null;
}

describe("the check of shares", () => {
  it("says nothing before the first visitor", () => {
    expect(checkRatio(shares([6000, 4000], [0, 0]))).toEqual({ verdict: "none", evidence: 1, causes: [] });
    expect(checkRatio([])).toMatchObject({ verdict: "none" });
  });

  it("is quiet while the counts are as configured, however many they are", () => {
    for (const scale of [1, 1_000, 1_000_000]) {
      expect(checkRatio(shares([6000, 2000, 2000], [60 * scale, 20 * scale, 20 * scale])).verdict).toBe("ok");
    }
    expect(checkRatio(shares([10_000], [1_000_000]))).toMatchObject({ verdict: "ok", causes: [] });
  });

  it("finds a lane that gets nobody, one that gets everybody, and names likely causes", () => {
    expect(checkRatio(shares([5000, 5000], [0, 20]))).toMatchObject({
      verdict: "invalid",
      causes: expect.arrayContaining([expect.stringContaining("cache")]),
    });
    expect(checkRatio(shares([9000, 1000], [0, 10])).verdict).toBe("invalid");
    expect(checkRatio(shares([10_000, 0], [1_000, 1]))).toMatchObject({ verdict: "invalid" });
  });

  it("finds too much and too little alike", () => {
    expect(checkRatio(shares([5000, 5000], [5_300, 4_700])).verdict).toBe("invalid");
    expect(checkRatio(shares([5000, 5000], [4_700, 5_300])).verdict).toBe("invalid");
    expect(checkRatio(shares([5000, 5000], [5_050, 4_950])).verdict).toBe("ok");
  });

  it("alarms falsely in less than 0.1 % of healthy runs, though it is looked at all the time", () => {
    const draw = random(1);
    let alarms = 0;
    for (let run = 0; run < 1_500; run++) if (alarmAfter([6000, 3000, 1000], [0.6, 0.3, 0.1], 400, 5, draw) !== null) alarms++;
    expect(alarms).toBeLessThanOrEqual(3);
  });

  it("finds 45 : 55 instead of 50 : 50 within 4,000 visitors", () => {
    const draw = random(2);
    const found = Array.from({ length: 40 }, () => alarmAfter([5000, 5000], [0.45, 0.55], 4_000, 50, draw));
    expect(found.filter((after) => after !== null).length).toBeGreaterThanOrEqual(39);
  });

  it("stays a number for a billion visitors", () => {
    const { verdict, evidence } = checkRatio(shares([5000, 5000], [600_000_000, 400_000_000]));
    expect([verdict, Number.isFinite(evidence)]).toEqual(["invalid", true]);
    expect(checkRatio(shares([5000, 5000], [500_000_000, 500_000_000])).verdict).toBe("ok");
  });
});
