import { describe, expect, it } from "vitest";
import { changesBetween } from "../../src/core/changes.ts";

describe("the changes between two files", () => {
  it("name each place with both values, and what came or went", () => {
    const before = { name: "a", lanes: { s1: { weight: 60 }, s2: { weight: 40, owner: "x" } }, hosts: ["a", "b"] };
    const after = { name: "a", lanes: { s1: { weight: 50 }, "s.3": { weight: 50 } }, hosts: ["a", "c", "d"], note: "new" };
    expect(changesBetween(before, after)).toEqual([
      { path: "lanes.s1.weight", from: "60", to: "50" },
      { path: "lanes.s2", from: 'an object with "weight" and "owner"', to: null },
      { path: 'lanes["s.3"]', from: null, to: 'an object with "weight"' },
      { path: "hosts[1]", from: '"b"', to: '"c"' },
      { path: "hosts[2]", from: null, to: '"d"' },
      { path: "note", from: null, to: '"new"' },
    ]);
    expect(changesBetween(before, structuredClone(before))).toEqual([]);
  });

  it("never show the value of an origin's header", () => {
    const lane = (value: unknown) => ({
      lanes: { "s.1": { origins: { web: { url: "https://a.example", headers: { "x-key": value } } } } },
    });
    expect(changesBetween(lane("secret"), lane("other"))).toEqual([{ path: 'lanes["s.1"].origins.web.headers.x-key', from: "…", to: "…" }]);
    expect(
      JSON.stringify(
        changesBetween({ lanes: { s1: { origins: { web: "https://a.example" } } } }, { lanes: { s1: lane("secret").lanes["s.1"] } }),
      ),
    ).not.toContain("secret");
  });

  it("show what is set on an origin's answers, and the prefix that it does not know", () => {
    const lane = (more: object) => ({ lanes: { s1: { origins: { web: { url: "https://a.example", ...more } } } } });
    const [before, after] = [lane({ answerHeaders: { "x-a": null } }), lane({ answerHeaders: { "x-a": "1" }, strip: "/api" })];
    expect(changesBetween(before, after)).toEqual([
      { path: "lanes.s1.origins.web.answerHeaders.x-a", from: "null", to: '"1"' },
      { path: "lanes.s1.origins.web.strip", from: null, to: '"/api"' },
    ]);
  });

  it("tell an object from a list and from nothing, and end somewhere", () => {
    expect(changesBetween({ a: [] }, { a: {} })).toEqual([{ path: "a", from: "an empty list", to: "{}" }]);
    expect(changesBetween({ a: null }, { a: 0 })).toEqual([{ path: "a", from: "null", to: "0" }]);
    expect(changesBetween(undefined, undefined)).toEqual([]);
    const many = (value: number) => Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, value]));
    expect(changesBetween(many(1), many(2))).toHaveLength(100);
  });
});
