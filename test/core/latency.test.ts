import { describe, expect, it } from "vitest";
import { bucketOf, DOUBLING_EDGES, LATENCY_BUCKETS, percentileMs, upperMs } from "../../src/core/latency.ts";

describe("a latency bucket", () => {
  it("holds what is above the edge before and up to its own", () => {
    for (let bucket = 0; bucket < LATENCY_BUCKETS - 1; bucket++) {
      expect(bucketOf(upperMs(bucket))).toBe(bucket);
      expect(bucketOf(upperMs(bucket) * 1.001)).toBe(bucket + 1);
    }
    expect([0, -5, 0.5, 1, Number.NaN].map(bucketOf)).toEqual([0, 0, 0, 0, 0]);
    expect([65_536, 65_537, 1e9, Number.POSITIVE_INFINITY].map(bucketOf)).toEqual([64, 65, 65, 65]);
    expect(upperMs(65)).toBe(Number.POSITIVE_INFINITY);
  });

  it("doubles with every fourth", () => {
    expect(DOUBLING_EDGES.map(upperMs)).toEqual(Array.from({ length: 17 }, (_, i) => 2 ** i));
  });
});

describe("a percentile", () => {
  it("is within 9 % of the true one", () => {
    const counts = new Array<number>(LATENCY_BUCKETS).fill(0);
    for (let ms = 1; ms <= 1_000; ms++) counts[bucketOf(ms)]!++;
    for (const fraction of [0.05, 0.5, 0.95, 0.99]) {
      const found = percentileMs(counts, fraction)!;
      expect(Math.abs(found / (1_000 * fraction) - 1)).toBeLessThan(0.095);
    }
  });

  it("of nothing is nothing, and of one is that one", () => {
    expect(percentileMs([], 0.5)).toBeNull();
    expect(percentileMs(new Array<number>(LATENCY_BUCKETS).fill(0), 0.5)).toBeNull();
    const one = [];
    one[bucketOf(100)] = 1;
    for (const fraction of [0, 0.5, 1]) expect(percentileMs(one, fraction)).toBeCloseTo(98.7, 0);
  });
});
