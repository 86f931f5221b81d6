import { describe, expect, it } from "vitest";
import { isPathPrefix, matches, prefixEnd, why } from "../../src/core/match.ts";
import { type Asking, factsOf, groupOf } from "../support/decision.ts";

const whenOf = (when: object) => groupOf({ rules: [{ name: "r", when, lane: "s2" }] }).rules[0]!.when;
const holds = (when: object, asking: Asking) => matches(whenOf(when), factsOf(asking));

describe("a matcher", () => {
  it.each([
    ["exact", "s2", ["s2"], ["S2", "s22", ""]],
    ["prefix", { prefix: "s2" }, ["s2", "s22"], ["xs2", ""]],
    ["suffix", { suffix: "s2" }, ["s2", "xs2"], ["s22", ""]],
    ["in", { in: ["a", "b"] }, ["a", "b"], ["c", "ab"]],
    ["regex", { regex: "[0-9]+" }, ["1", "123"], ["", "1a", "a1"]],
    ["exists", { exists: true }, ["", "x"], []],
  ])("%s holds for the whole value", (_, matcher, yes, no) => {
    for (const value of yes) expect(holds({ baggage: { pr: matcher } }, { headers: { baggage: `pr=${value}` } })).toBe(true);
    for (const value of no) expect(holds({ baggage: { pr: matcher } }, { headers: { baggage: `pr=${value}` } })).toBe(false);
    expect(holds({ baggage: { pr: matcher } }, {})).toBe(false);
    expect(holds({ baggage: { pr: matcher } }, { headers: { baggage: "xpr=s2,pr2=s2" } })).toBe(false);
  });

  it("exists: false is the only one that an absent key passes", () => {
    for (const on of ["baggage", "header", "cookie", "query"]) {
      expect(holds({ [on]: { k: { exists: false } } }, {})).toBe(true);
      expect(holds({ [on]: { k: { regex: ".*" } } }, {})).toBe(false);
    }
  });

  it("looks at what it names: header in any case, cookie, query, path, method", () => {
    const asking = { method: "POST", url: "https://shop.example/beta/x?q=1", headers: { "X-Beta": "1", cookie: "c=1" } };
    for (const when of [
      { header: { "x-BETA": "1" } },
      { cookie: { c: "1" } },
      { query: { q: "1" } },
      { path: "/beta/x" },
      { method: "POST" },
    ]) {
      expect([when, holds(when, asking)]).toEqual([when, true]);
    }
    expect(holds({ header: { "x-beta": "1" }, cookie: { c: "2" } }, asking)).toBe(false);
  });

  it("any needs one, not needs none", () => {
    const when = { any: [{ query: { a: "1" } }, { query: { b: "1" } }], not: { query: { c: { exists: true } } } };
    const at = (query: string) => holds(when, { url: `https://shop.example/?${query}` });
    expect(["a=1", "b=1", "a=2", "", "a=1&c"].map(at)).toEqual([true, true, false, false, false]);
  });

  it("prefix of a path matches whole segments", () => {
    expect(["/beta", "/beta/", "/beta/x", "/betamax", "/bet"].map((path) => isPathPrefix("/beta", path))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(["/beta", "/beta/x"].map((path) => isPathPrefix("/beta/", path))).toEqual([false, true]);
    expect(isPathPrefix("", "/x")).toBe(true);
  });
});

describe("a path", () => {
  it("ends where a prefix does in whatever spelling, and what follows keeps its bytes", () => {
    const rest = (prefix: string, path: string) => {
      const end = prefixEnd(prefix, path);
      return end < 0 ? null : path.slice(end);
    };
    expect(rest("/caf%C3%A9", "/c%61f%c3%A9/%7e%2f")).toBe("/%7e%2f");
    expect(rest("/a%2Fb", "/a%2fb")).toBe("");
    expect(rest("/~", "/%7E/%zz")).toBe("/%zz");
    expect(rest("", "/%61")).toBe("/%61");
    expect(["/a%2fbc", "/a/b", "/a%252fb", "/a%2"].map((path) => rest("/a%2Fb", path))).toEqual([null, null, null, null]);
  });

  it("fits a regex in either spelling", () => {
    for (const regex of ["/a%2fb", "/a%2Fb"]) expect(holds({ path: { regex } }, { url: "https://shop.example/a%2fb" })).toBe(true);
    expect(holds({ path: { regex: "/beta" } }, { url: "https://shop.example/%62eta" })).toBe(true);
    expect(holds({ path: { exists: false } }, { url: "https://shop.example/%62eta" })).toBe(false);
  });
});

describe("the reason", () => {
  it("names the first condition that fails, and is cut short", () => {
    const when = whenOf({ header: { "x-bot": { exists: true } }, path: "/a" });
    expect(why(when, factsOf())).toBe('path is "/x", wanted "/a"');
    expect(why(when, factsOf({ url: "https://shop.example/a" }))).toBe("header x-bot is absent, wanted present");
    expect(why(whenOf({ header: { k: "v" } }), factsOf({ headers: { k: "x".repeat(5_000) } })).length).toBeLessThan(400);
  });
});

describe("what names the lane", () => {
  const propagate = { header: "X-Tag", baggage: "lane" };
  it.each([
    ["the lane header", { header: { "x-tag": { exists: true } } }, { "x-tag": "s2" }],
    ["the lane's plain member", { baggage: { lane: "s2" } }, { baggage: "lane=s2" }],
    ["our own member", { baggage: { "laneway.shop": { exists: true } } }, { baggage: "laneway.shop=1" }],
    ["a header of ours", { header: { "x-lane-mirror": { exists: true } } }, { "x-lane-mirror": "shop/m" }],
  ])("fault 25: %s is gone before rules run", (_, when, headers) => {
    const group = groupOf({
      propagate,
      rules: [
        { name: "r", when, lane: "s2" },
        { name: "none", when: { not: when }, lane: "s2" },
      ],
    });
    expect(group.rules.map((rule) => matches(rule.when, factsOf({ headers })))).toEqual([false, true]);
  });
});
