import { describe, expect, it } from "vitest";
import { laneAt, rangesTable, ruleSlot, SLOTS, slotFromId, slotOf, within } from "../../src/core/slots.ts";
import vectors from "../vectors/murmur3.json" with { type: "json" };

const VISITORS = 100_000;
const everySlot = Array.from({ length: SLOTS }, (_, slot) => slot);
const visitors = Array.from({ length: VISITORS }, (_, i) => slotOf("mock", 1, `visitor-${i}`));
const traceIds = visitors.map((_, i) => (BigInt(i + 1) * 0x9e3779b97f4a7c15f39cc0605cedc835n).toString(16).padStart(32, "0").slice(-32));

/** How many standard deviations `hits` of `n` are from a share of `percent`. */
const sigmas = (hits: number, n: number, percent: number) => {
  const p = percent / 100;
  return Math.abs(hits - n * p) / Math.sqrt(n * p * (1 - p));
};

/** By how many standard deviations two cuts of the same `n` meet more or less often than chance has it (the root of a 2 × 2 chi-square). */
const correlation = (n: number, inA: (i: number) => boolean, inB: (i: number) => boolean) => {
  let [a, b, both] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [hitA, hitB] = [inA(i), inB(i)];
    if (hitA) a++;
    if (hitB) b++;
    if (hitA && hitB) both++;
  }
  return Math.abs(n * both - a * b) / Math.sqrt((a * b * (n - a) * (n - b)) / n);
};

describe("a visitor's slot", () => {
  it.each(vectors.slots)("of $value in $group at epoch $epoch is $slot, as another implementation has it", (vector) => {
    expect(slotOf(vector.group, vector.epoch, vector.value)).toBe(vector.slot);
  });

  it.each([
    ["a sticky value", (i: number) => visitors[i]!],
    ["a trace id", (i: number) => slotFromId(traceIds[i]!)],
  ])("drawn from %s fills the whole range evenly", (_, draw) => {
    const tally = new Array<number>(SLOTS).fill(0);
    for (let i = 0; i < VISITORS; i++) tally[draw(i)]!++;
    const chiSquare = tally.reduce((sum, count) => sum + (count - 10) ** 2 / 10, 0);
    expect(Math.abs(chiSquare - (SLOTS - 1)) / Math.sqrt(2 * (SLOTS - 1))).toBeLessThan(4);
  });

  it("is drawn anew by a higher epoch", () => {
    const second = visitors.map((_, i) => slotOf("mock", 2, `visitor-${i}`));
    expect(
      correlation(
        VISITORS,
        (i) => visitors[i]! < 5_000,
        (i) => second[i]! < 5_000,
      ),
    ).toBeLessThan(4);
  });

  // These numbers are in visitors' cookies and habits: whoever changes one moves everybody.
  it("and the other draws stay what they are", () => {
    expect(slotFromId("0af7651916cd43dd8448eb211c80319c")).toBe(5451);
    expect([0, 1, 9_999].map((slot) => ruleSlot("beta", slot))).toEqual([3895, 26, 358]);
    expect([0, 1, 9_999].map((slot) => ruleSlot("pr", slot))).toEqual([460, 2660, 9819]);
    expect(everySlot.filter((slot) => within("mirror/next", slot, 0.03))).toEqual([261, 4337, 6486]);
    expect(traceIds.slice(0, 2_000).flatMap((id, i) => (within("noise/next", id, 0.2) ? [i] : []))).toEqual([681, 1061, 1200, 1905]);
  });
});

const observed = [0, 0.01, 1, 10, 50, 100].map((percent) => {
  const lanes = [
    ["base", 100 - percent],
    ["next", percent],
  ] as const;
  const table = rangesTable(lanes);
  return {
    percent,
    inLane: visitors.filter((slot) => laneAt(table, slot) === "next").length,
    byRule: visitors.filter((slot) => laneAt(table, ruleSlot("beta", slot)) === "next").length,
    byVisitor: visitors.filter((slot) => within("mirror/next", slot, percent)).length,
    byRequest: traceIds.filter((id) => within("noise/next", id, percent)).length,
  };
});

describe("of 100,000 visitors", () => {
  const name =
    "at $percent %, $inLane are in the lane, $byRule in the rule's, $byVisitor in the visitor's draw, $byRequest in the request's";
  it.each(observed)(name, ({ percent, ...hits }) => {
    for (const hit of Object.values(hits)) {
      if (percent === 0 || percent === 100) expect(hit).toBe(percent * 1_000);
      else expect(sigmas(hit, VISITORS, percent)).toBeLessThan(4);
    }
  });
});

describe("a percentage", () => {
  it("of the slots is exact, in steps of one slot", () => {
    for (const percent of [0, 0.01, 0.02, 0.29, 1.1, 33.33, 57, 99.99, 100]) {
      expect(everySlot.filter((slot) => within("mirror/next", slot, percent))).toHaveLength(Math.round(percent * 100));
    }
  });

  it("keeps whom a lower one had", () => {
    for (const id of [...everySlot, ...traceIds.slice(0, 3_000)]) {
      const answers = [0, 0.01, 1, 10, 50, 99.99, 100].map((percent) => within("log", id, percent));
      expect(answers.indexOf(true)).toBe(answers.lastIndexOf(false) + 1);
    }
  });

  it("is drawn for each name on its own, and not as the lanes are", () => {
    for (const percent of [1, 10, 50]) {
      const mirror = (slot: number) => within("mirror/next", slot, percent);
      expect(correlation(SLOTS, mirror, (slot) => slot < percent * 100)).toBeLessThan(4);
      expect(correlation(SLOTS, mirror, (slot) => within("mirror/last", slot, percent))).toBeLessThan(4);
      const noise = (i: number) => within("noise/next", traceIds[i]!, percent);
      expect(correlation(VISITORS, noise, (i) => within("mirror/next", traceIds[i]!, percent))).toBeLessThan(4);
      expect(correlation(VISITORS, noise, (i) => slotFromId(traceIds[i]!) < percent * 100)).toBeLessThan(4);
    }
  });
});

describe("a rule's own weights", () => {
  it("are cut by an order of all slots", () => {
    expect(everySlot.map((slot) => ruleSlot("beta", slot)).sort((a, b) => a - b)).toEqual(everySlot);
  });

  it("do not correlate with the group's weights, another rule's, or a draw of the same name", () => {
    const group = rangesTable([
      ["s1", 60],
      ["s2", 20],
      ["s3", 20],
    ]);
    for (const cut of [100, 1_000, 5_000]) {
      const beta = (slot: number) => ruleSlot("beta", slot) < cut;
      for (const lane of group.lanes) expect(correlation(SLOTS, beta, (slot) => laneAt(group, slot) === lane)).toBeLessThan(4);
      expect(correlation(SLOTS, beta, (slot) => ruleSlot("pr", slot) < cut)).toBeLessThan(4);
      expect(correlation(SLOTS, beta, (slot) => within("beta", slot, cut / 100))).toBeLessThan(4);
    }
  });

  it("correlate with the group's, over 100 rules, as much as chance has it", () => {
    let chiSquare = 0;
    for (let rule = 0; rule < 100; rule++) {
      const half = (slot: number) => slot < SLOTS / 2;
      chiSquare += correlation(SLOTS, (slot) => half(ruleSlot(`rule-${rule}`, slot)), half) ** 2;
    }
    expect(Math.abs(chiSquare - 100) / Math.sqrt(2 * 100)).toBeLessThan(4);
  });
});
