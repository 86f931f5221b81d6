import { describe, expect, it } from "vitest";
import { tableOf } from "./figure.ts";
import { median, pairedRatio } from "./stats.ts";

describe("the benchmark's arithmetic", () => {
  it("takes the middle value, or the mean of the middle two", () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it("compares round by round, so that a machine that slows down changes no ratio", () => {
    const base = [100, 200, 400, 800, 100];
    const ratio = pairedRatio(
      base.map((value) => value * 1.1),
      base,
    );
    expect(ratio.median).toBeCloseTo(1.1);
    expect(ratio.low).toBeCloseTo(1.1);
    expect(ratio.high).toBeCloseTo(1.1);
  });

  it("gives the interval that holds the median of 41 rounds with 95 % confidence: the 15th to the 27th value", () => {
    const values = Array.from({ length: 41 }, (_, i) => i + 1);
    const ratio = pairedRatio(
      values,
      values.map(() => 1),
    );
    expect(ratio).toEqual({ median: 21, low: 15, high: 27 });
  });

  it("lines figures up in a table", () => {
    const table = tableOf({
      name: "x",
      title: "Title",
      columns: [
        { key: "name", label: "Worker" },
        { key: "micros", label: "µs", digits: 1 },
      ],
      rows: [
        { name: "a", micros: 9 },
        { name: "long name", micros: 10.26 },
      ],
      notes: ["a note"],
    });
    expect(table).toBe("Title\n───────────────\nWorker       µs\n───────────────\na           9.0\nlong name  10.3\n  a note\n");
  });
});
