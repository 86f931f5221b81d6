import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCookies, withoutCookies } from "../../src/core/cookies.ts";

const OURS = ["lane-shop", "__Host-lane-shop", "__Secure-lane-shop"];

describe("reading cookies", () => {
  it("takes the first of a name, without quotes, decoded", () => {
    expect([...parseCookies('a=1; a=2; b="q"; c=x%20y; =no; d; e=; f=a=b')]).toEqual([
      ["a", "1"],
      ["b", "q"],
      ["c", "x y"],
      ["e", ""],
      ["f", "a=b"],
    ]);
  });

  it("takes two lines, joined by a comma, for one", () => {
    expect([...parseCookies("a=1, b=2; c=3,4")]).toEqual([
      ["a", "1"],
      ["b", "2"],
      ["c", "3,4"],
    ]);
  });

  it("fault 19: takes linear time: 300 of them, 128 kB of semicolons or of escapes", () => {
    expect(parseCookies(Array.from({ length: 300 }, (_, i) => `c${i}=${"x".repeat(40)}`).join("; ")).size).toBe(300);
    const started = performance.now();
    for (const text of [";", "; ", ", ", "=", "a=1;", " ", "a=%41", "%41", "lane-shop=1;"]) {
      const header = `a=${text.repeat(131_072 / text.length)}`;
      for (let i = 0; i < 10; i++) withoutCookies(header, OURS).length + parseCookies(header).size;
    }
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it("looks no further than 32 kB, and cuts no cookie", () => {
    const cookies = parseCookies(`a=1; b=${"x".repeat(40_000)}; c=3`);
    expect([...cookies.keys()]).toEqual(["a"]);
  });
});

describe("taking our cookies out", () => {
  it.each([
    ["a=1; lane-shop=1.1.5; b=2", "a=1; b=2"],
    ["lane-shop=1.1.5; b=2", "b=2"],
    ["a=1;lane-shop=1.1.5", "a=1"],
    ["a=1, lane-shop=1.1.5, b=2", "a=1, b=2"],
    ["__Host-lane-shop=1; __Secure-lane-shop=1; lane-shop=1", ""],
    ["lane-shop=1; lane-shop=2; a=1", "a=1"],
    [" lane-shop =1; a=1", "a=1"],
    ["a=lane-shop=1; lane-shopping=2; xlane-shop=3; lane-shop", "a=lane-shop=1; lane-shopping=2; xlane-shop=3; lane-shop"],
    ["lane-other=1 ;  a = 1;;", "lane-other=1 ;  a = 1;;"],
  ])("%s leaves %s", (header, left) => expect(withoutCookies(header, OURS)).toBe(left));

  const piece = fc.constantFrom("lane-shop", "__Host-lane-shop", "a", "=", "1", ";", "; ", ", ", ",", " ", "\u00a0");
  const header = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(""));
  const leavesNone = (without: typeof withoutCookies) =>
    fc.property(header, (text) => {
      const before = parseCookies(text);
      const after = parseCookies(without(text, OURS));
      expect([...after.keys()]).toEqual([...before.keys()].filter((name) => !OURS.includes(name)));
      for (const [name, value] of after) expect(value).toBe(before.get(name));
    });

  it("leaves none of ours, and all of the others", () => {
    fc.assert(leavesNone(withoutCookies), { seed: 3, numRuns: 3_000 });
  });

  it("would be seen if it looked at semicolons only", () => {
    const naive: typeof withoutCookies = (text, names) =>
      text
        .split(";")
        .filter((pair) => !names.includes(pair.split("=")[0]!.trim()))
        .join(";");
    expect(fc.check(leavesNone(naive), { seed: 3, numRuns: 3_000 }).failed).toBe(true);
  });
});
