/** Who decides the lane, in the order of contract section 3; the first that has an answer gives lane and reason. */
import { baggageValue } from "./baggage.ts";
import type { Context } from "./context.ts";
import type { Facts } from "./facts.ts";
import type { Lane, LaneGroup, Rule, Service } from "./lane-group.ts";
import { firstRule } from "./rule-index.ts";
import { laneAt, ruleSlot } from "./slots.ts";
import { type Visitor, visitorOf } from "./sticky.ts";

export interface Assignment {
  readonly lane: string;
  /** `off`, `no-secret`, `context`, `named`, `rule:<name>`, `sticky`, `weight`, `baseline`, or `expired`. */
  readonly reason: string;
  /** The visitor's slot where one decided, or will; `fresh` asks for a cookie. */
  readonly visitor: Visitor | null;
}

export function isExpired(lane: Lane, now: number): boolean {
  return lane.expiresAt !== null && now >= lane.expiresAt;
}

/** A lane that is gone or past its time gives the baseline, never a new draw. */
function settled(group: LaneGroup, facts: Facts, lane: string, reason: string, visitor: Visitor | null): Assignment {
  const known = group.lanes.get(lane);
  if (known && isExpired(known, facts.now)) return { lane: group.baseline, reason: "expired", visitor };
  return { lane: known ? lane : group.baseline, reason, visitor };
}

/** `"context": "open"` only: the header first, then the baggage key. */
function named(group: LaneGroup, facts: Facts): string | null {
  const { header, baggage } = group.propagate;
  for (const lane of [facts.headers.get(header), baggage === null ? undefined : baggageValue(facts.baggage, baggage)]) {
    if (lane !== null && lane !== undefined && group.lanes.has(lane)) return lane;
  }
  return null;
}

function byRule(group: LaneGroup, facts: Facts, rule: Rule): Assignment {
  const reason = `rule:${rule.name}`;
  if (rule.lane !== null) return settled(group, facts, rule.lane, reason, null);
  const visitor = visitorOf(group, facts);
  if (visitor === null || visitor.waits) return { lane: group.baseline, reason: "baseline", visitor };
  return settled(group, facts, laneAt(rule.slots!, ruleSlot(rule.name, visitor.slot)), reason, visitor);
}

function bySlot(group: LaneGroup, facts: Facts): Assignment {
  const visitor = visitorOf(group, facts);
  if (visitor === null || visitor.waits) return { lane: group.baseline, reason: "baseline", visitor };
  return settled(group, facts, laneAt(group.slots, visitor.slot), visitor.fresh ? "weight" : "sticky", visitor);
}

/** `override` is the first row of the table: `off` or `no-secret`. */
export function assign(group: LaneGroup, facts: Facts, service: Service, context: Context | null, override: string | null): Assignment {
  if (override !== null) return { lane: group.baseline, reason: override, visitor: null };
  if (context !== null) return settled(group, facts, context.lane, "context", null);
  const name = group.context === "open" ? named(group, facts) : null;
  if (name !== null) return settled(group, facts, name, "named", null);
  const rule = firstRule(group.ruleIndex, facts);
  if (rule !== null) return byRule(group, facts, rule);
  return service.entry ? bySlot(group, facts) : { lane: group.baseline, reason: "baseline", visitor: null };
}
