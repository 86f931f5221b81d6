import { describe, expect, it } from "vitest";
import { slotOf } from "../../src/core/slots.ts";
import { type Asking, contextText, decisionOf, groupOf, NOW } from "../support/decision.ts";

const laneFile = (more: object = {}) => ({
  lanes: {
    s1: { weight: 60, origins: { web: "https://one.test", api: "https://api-one.test" } },
    s2: { weight: 40, origins: { web: "https://two.test" } },
    old: { weight: 0, expiresAt: "2020-01-01T00:00:00Z", origins: { web: "https://old.test" } },
  },
  rules: [
    { name: "pr", when: { baggage: { pr: "1" } }, lane: "s2" },
    { name: "old", when: { baggage: { pr: "2" } }, lane: "old" },
    { name: "half", when: { baggage: { pr: "3" } }, weights: { s1: 1, s2: 1 } },
  ],
  ...more,
});
const group = groupOf(laneFile());
const decided = (asking: Asking = {}, of = group, override: string | null = null) => {
  const { lane, reason, visitor } = decisionOf(of, asking, override);
  return [lane, reason, visitor === null ? null : visitor.fresh];
};
const withContext = (text: string, more: Record<string, string> = {}) => ({ headers: { baggage: `laneway.shop=${text}`, ...more } });
const cookie = (slot: number) => ({ headers: { cookie: `__Host-lane-shop=1.1.${slot}` } });

describe("who decides the lane", () => {
  it("first of all: off, whatever else came", () => {
    expect(decided(withContext(contextText("s2")), group, "off")).toEqual(["s1", "off", null]);
  });

  it("a context, before rules and slots", () => {
    expect(decided(withContext(`${contextText("s2")},pr=3`, cookie(0).headers))).toEqual(["s2", "context", null]);
    expect(decided({ headers: { "x-lane-context": contextText("s2"), baggage: "pr=2" } })).toEqual(["s2", "context", null]);
  });

  it("fault 14: a context's lane that is gone or expired is the baseline, and never drawn anew", () => {
    expect(decided(withContext(contextText("gone")))).toEqual(["s1", "context", null]);
    expect(decided(withContext(contextText("old")))).toEqual(["s1", "expired", null]);
  });

  it("a name, where the group is open: the header before the member, an existing lane only", () => {
    const open = groupOf(laneFile({ context: "open", propagate: { baggage: "lane" } }));
    expect(decided({ headers: { "x-lane": "s2", baggage: "lane=s1,pr=2" } }, open)).toEqual(["s2", "named", null]);
    expect(decided({ headers: { "x-lane": "nope", baggage: "lane=s2,pr=2" } }, open)).toEqual(["s2", "named", null]);
    expect(decided({ headers: { "x-lane": "nope", baggage: "lane=nope,pr=1" } }, open)).toEqual(["s2", "rule:pr", null]);
    expect(decided({ headers: { "x-lane": "old" } }, open)).toEqual(["s1", "expired", null]);
    expect(decided({ headers: { "x-lane": "s2" } })[1]).toBe("weight");
  });

  it("the rules, in order; a rule's weights by the visitor's slot", () => {
    expect(decided({ headers: { baggage: "pr=1" } })).toEqual(["s2", "rule:pr", null]);
    expect(decided({ headers: { baggage: "pr=2" } })).toEqual(["s1", "expired", null]);
    const lanes = Array.from(
      { length: 100 },
      (_, i) => decided({ headers: { baggage: "pr=3", cookie: `__Host-lane-shop=1.1.${i * 100}` } })[0],
    );
    expect(lanes.filter((lane) => lane === "s2").length).toBeGreaterThan(30);
    expect(decided({ headers: { baggage: "pr=3", "sec-fetch-dest": "image" } })).toEqual(["s1", "baseline", null]);
  });

  it("the visitor's slot, at an entry service", () => {
    expect(decided(cookie(5_999))).toEqual(["s1", "sticky", false]);
    expect(decided(cookie(6_000))).toEqual(["s2", "sticky", false]);
    expect(decided({ slot: 6_000 })).toEqual(["s2", "weight", true]);
  });

  it("nobody: the baseline, also at a service that is no entry", () => {
    expect(decided({ url: "https://api.shop.example/", slot: 6_000 })).toEqual(["s1", "baseline", null]);
    expect(decided({ headers: { "sec-fetch-dest": "image" } })).toEqual(["s1", "baseline", null]);
  });

  it("an expired lane's slots are the baseline's from that very second, and nobody else moves", () => {
    const until = new Date((NOW + 10) * 1000).toISOString().replace(".000", "");
    const expiring = groupOf(
      laneFile({ lanes: { ...laneFile().lanes, s2: { weight: 40, expiresAt: until, origins: { web: "https://two.test" } } } }),
    );
    expect(decided({ slot: 6_000, now: NOW + 9 }, expiring)).toEqual(["s2", "weight", true]);
    expect(decided({ slot: 6_000, now: NOW + 10 }, expiring)).toEqual(["s1", "expired", true]);
    expect(decided({ slot: 5_999, now: NOW + 10 }, expiring)).toEqual(["s1", "weight", true]);
  });

  it("a lane of weight 0 gets none of the slots", () => {
    const none = groupOf(
      laneFile({ sticky: { by: { header: "x-user" } }, lanes: { ...laneFile().lanes, s2: { weight: 0, origins: {} } } }),
    );
    for (let i = 0; i < 2_000; i++) expect(decided({ headers: { "x-user": `${i}` } }, none)[0]).toBe("s1");
    expect(slotOf("shop", 1, "0")).toBeLessThan(10_000);
  });
});
