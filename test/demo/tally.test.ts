import { describe, expect, it } from "vitest";
import { isOff, problemsOf, tableOf, type Visit } from "../../src/demo/tally.ts";

const shares = new Map([
  ["a", 0.75],
  ["b", 0.25],
  ["c", 0],
]);
const chains = { a: "-> x(version: v1, ip: 127.0.0.1)", b: "-> x(version: v2, ip: 127.0.0.1)", c: "-> x(version: v3, ip: 127.0.0.1)" };
const visits = (counts: Record<string, number>): Visit[] =>
  Object.entries(counts).flatMap(([lane, count]) => Array.from({ length: count }, () => ({ lane, chain: chains[lane as "a"] })));

describe("isOff", () => {
  it("allows four standard deviations and no more", () => {
    // 100 draws at 20 %: mean 20, sigma 4.
    expect([3, 4, 20, 36, 37].map((seen) => isOff(seen, 100, 0.2))).toEqual([true, false, false, false, true]);
  });

  it("allows nothing at 0 % and everything at 100 %", () => {
    expect([isOff(0, 100, 0), isOff(1, 100, 0), isOff(100, 100, 1), isOff(99, 100, 1)]).toEqual([false, true, false, true]);
  });
});

describe("problemsOf", () => {
  it("finds nothing in shares that chance explains", () => {
    expect(problemsOf(visits({ a: 75, b: 25 }), shares, chains)).toEqual([]);
  });

  it("names each wrong chain once, with the lane it was seen in", () => {
    const wrong = { lane: "b", chain: chains.a };
    expect(problemsOf([...visits({ a: 75, b: 23 }), wrong, wrong], shares, chains)).toEqual([
      `lane b: expected ${chains.b}, got ${chains.a}`,
    ]);
  });

  it("names a lane that does not exist", () => {
    expect(problemsOf([...visits({ a: 75, b: 25 }), { lane: "undefined", chain: "404" }], shares, chains)).toEqual([
      "lane undefined: expected no such lane, got 404",
    ]);
  });

  it("names the lanes whose share is off, an unwanted visitor of a lane without weight too", () => {
    expect(problemsOf(visits({ a: 49, b: 50, c: 1 }), shares, chains)).toEqual([
      "lane a: expected 75.0 %, got 49 of 100",
      "lane b: expected 25.0 %, got 50 of 100",
      "lane c: expected 0.0 %, got 1 of 100",
    ]);
  });
});

describe("tableOf", () => {
  it("sets observed beside configured shares, for lanes without a visitor too", () => {
    expect(tableOf(visits({ a: 3, b: 1 }), shares, chains).split("\n")).toEqual([
      "  lane  configured  observed   expected chain",
      "  a         75.0 %    75.0 %   x v1",
      "  b         25.0 %    25.0 %   x v2",
      "  c          0.0 %     0.0 %   x v3",
    ]);
  });
});
