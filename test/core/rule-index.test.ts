import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RuleIndex } from "../../src/core/lane-group.ts";
import { matches } from "../../src/core/match.ts";
import { firstRule } from "../../src/core/rule-index.ts";
import { type Asking, factsOf, groupOf } from "../support/decision.ts";

const key = fc.constantFrom("a", "b", "c");
const value = fc.constantFrom("1", "2", "12");
const matcher = fc.oneof(
  value,
  fc.record({ in: fc.uniqueArray(value, { minLength: 1 }) }),
  fc.record({ prefix: value }),
  fc.record({ regex: fc.constantFrom("1.*", "2", "[12]+") }),
  fc.record({ exists: fc.boolean() }),
);
const path = fc.constantFrom("/", "/a", "/a/", "/a/b", "/ab", "/b");
const host = fc.constantFrom("shop.example", "a.shop.example", "B.shop.example");
const plain = fc
  .record(
    {
      baggage: fc.dictionary(key, matcher, { minKeys: 1, maxKeys: 2 }),
      header: fc.dictionary(key, matcher, { minKeys: 1, maxKeys: 2 }),
      cookie: fc.dictionary(key, matcher, { minKeys: 1, maxKeys: 2 }),
      query: fc.dictionary(key, matcher, { minKeys: 1, maxKeys: 2 }),
      path: fc.oneof(path, fc.record({ prefix: path })),
      method: fc.constantFrom("GET", "POST"),
    },
    { requiredKeys: [] },
  )
  .filter((when) => Object.keys(when).length > 0);
const when = fc.oneof(
  { weight: 5, arbitrary: plain },
  { weight: 2, arbitrary: fc.record({ path: fc.record({ prefix: path }) }) },
  { weight: 1, arbitrary: fc.record({ host: fc.oneof(host, fc.record({ in: fc.uniqueArray(host, { minLength: 1 }) })) }) },
  { weight: 1, arbitrary: fc.record({ host: fc.record({ prefix: fc.constantFrom("a.", "B") }), method: fc.constant("GET") }) },
  { weight: 1, arbitrary: fc.record({ not: plain }) },
  { weight: 1, arbitrary: fc.record({ any: fc.array(plain, { minLength: 1, maxLength: 2 }) }) },
);

const pairs = fc.dictionary(key, value);
const list = (given: Record<string, string>, by: string) =>
  Object.entries(given)
    .map(([name, text]) => `${name}=${text}`)
    .join(by);
const asking = fc
  .record({ baggage: pairs, headers: pairs, cookie: pairs, query: pairs, path, host, method: fc.constantFrom("GET", "POST") })
  .map(
    (made): Asking => ({
      method: made.method,
      url: `https://${made.host}:8443${made.path}?${list(made.query, "&")}`,
      headers: { ...made.headers, baggage: list(made.baggage, ","), cookie: list(made.cookie, "; ") },
    }),
  );

/** The index against trying one rule after the other. */
const agrees = (first: typeof firstRule) =>
  fc.property(fc.array(when, { minLength: 1, maxLength: 6 }), asking, (whens, made) => {
    const { rules, ruleIndex } = groupOf({ rules: whens.map((each, i) => ({ name: `r${i}`, when: each, lane: "s2" })) });
    const facts = factsOf(made);
    expect(first(ruleIndex, facts)?.name).toBe(rules.find((rule) => matches(rule.when, facts))?.name);
  });

describe("the index of rules", () => {
  it("finds the first that matches, as trying each in turn does", () => {
    fc.assert(agrees(firstRule), { seed: 2, numRuns: 400 });
  });

  it.each([
    ["forgets rules without a key to look up", (index: RuleIndex) => ({ ...index, always: [] })],
    ["forgets rules that need a header", (index: RuleIndex) => ({ ...index, header: new Map() })],
    ["forgets rules that need a host", (index: RuleIndex) => ({ ...index, host: new Map() })],
    ["walks a path too short a way", (index: RuleIndex) => ({ ...index, longestPrefix: index.longestPrefix - 1 })],
  ])("would be seen if it %s", (_, break_) => {
    const broken = (index: RuleIndex, facts: Parameters<typeof firstRule>[1]) => firstRule(break_(index), facts);
    expect(fc.check(agrees(broken), { seed: 2, numRuns: 400 }).failed).toBe(true);
  });

  it("fault 43: tries 1,000 rules in under a millisecond", () => {
    const rules = Array.from({ length: 1_000 }, (_, i) => ({ name: `r${i}`, when: { baggage: { pr: `${i}` } }, lane: "s2" }));
    const { ruleIndex } = groupOf({ rules });
    const facts = factsOf({ headers: { baggage: "pr=999" } });
    expect(firstRule(ruleIndex, facts)?.name).toBe("r999");
    const started = performance.now();
    for (let i = 0; i < 1_000; i++) firstRule(ruleIndex, facts);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it("fault 29: gives two that match in the order of the file", () => {
    const rules = [
      { name: "broad", when: { path: { prefix: "/x" } }, lane: "s2" },
      { name: "exact", when: { path: "/x" }, lane: "s3" },
    ];
    expect(firstRule(groupOf({ rules }).ruleIndex, factsOf())?.name).toBe("broad");
    expect(firstRule(groupOf({ rules: rules.toReversed() }).ruleIndex, factsOf())?.name).toBe("exact");
  });
});
