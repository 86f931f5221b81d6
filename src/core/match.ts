/** Does a `when` hold for a request, and if not, why: the one place for both (contract section 2, matchers). */
import { baggageValue } from "./baggage.ts";
import { type Facts, headerFact } from "./facts.ts";
import type { Condition, Matcher, When } from "./lane-group.ts";
import { lengthAsItCame, normalPath } from "./normal-path.ts";

function matchesValue(matcher: Matcher, value: string | undefined): boolean {
  if (matcher.kind === "exists") return (value !== undefined) === matcher.value;
  if (value === undefined) return false;
  switch (matcher.kind) {
    case "exact":
      return value === matcher.value;
    case "prefix":
      return value.startsWith(matcher.value);
    case "suffix":
      return value.endsWith(matcher.value);
    case "in":
      return matcher.values.has(value);
    case "regex":
      return matcher.matches(value);
  }
}

/** A path prefix matches whole segments: `/beta` is a prefix of `/beta` and `/beta/x`, not of `/betamax`. */
export function isPathPrefix(prefix: string, path: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return prefix.endsWith("/") || path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f;
}

/** Where such a prefix ends in a path as it came, so that what follows keeps its bytes; -1: it is none. `prefix` as `normalPath` writes it. */
export function prefixEnd(prefix: string, path: string): number {
  return isPathPrefix(prefix, normalPath(path)) ? lengthAsItCame(path, prefix.length) : -1;
}

function factOf(condition: Condition, facts: Facts): string | undefined {
  switch (condition.on) {
    case "baggage":
      return baggageValue(facts.baggage, condition.key);
    case "header":
      return headerFact(facts, condition.key);
    case "cookie":
      return facts.cookies.get(condition.key);
    case "query":
      return facts.query.get(condition.key);
    case "path":
      return facts.path;
    case "method":
      return facts.method;
    case "host":
      return facts.host;
    default:
      return undefined;
  }
}

/** In its one normal spelling, as the file's own paths are; whoever wrote a regex may have had the other in mind. */
function holdsForPath(matcher: Matcher, { path, plainPath }: Facts): boolean {
  if (matcher.kind === "prefix") return isPathPrefix(matcher.value, plainPath);
  return matchesValue(matcher, plainPath) || (matcher.kind === "regex" && path !== plainPath && matchesValue(matcher, path));
}

function holds(condition: Condition, facts: Facts): boolean {
  if (condition.on === "any") return condition.of.some((when) => matches(when, facts));
  if (condition.on === "not") return !matches(condition.of, facts);
  if (condition.on === "path") return holdsForPath(condition.matcher, facts);
  return matchesValue(condition.matcher, factOf(condition, facts));
}

export function matches(when: When, facts: Facts): boolean {
  for (const condition of when) if (!holds(condition, facts)) return false;
  return true;
}

function wanted(matcher: Matcher): string {
  switch (matcher.kind) {
    case "exists":
      return matcher.value ? "present" : "absent";
    case "in":
      return `one of ${[...matcher.values].map((value) => JSON.stringify(value)).join(", ")}`;
    case "regex":
      return `matching /${matcher.source}/ as a whole`;
    case "exact":
      return JSON.stringify(matcher.value);
    default:
      return `with ${matcher.kind} ${JSON.stringify(matcher.value)}`;
  }
}

function whyCondition(condition: Condition, facts: Facts): string {
  if (condition.on === "any") return `none of the ${condition.of.length} alternatives of "any" holds`;
  if (condition.on === "not") return `"not" forbids: ${why(condition.of, facts)}`;
  const name = "key" in condition ? `${condition.on} ${condition.key}` : condition.on;
  const value = factOf(condition, facts);
  const found = value === undefined ? "absent" : JSON.stringify(value.length > 256 ? `${value.slice(0, 256)}…` : value);
  return `${name} is ${found}, wanted ${wanted(condition.matcher)}`;
}

/** The first condition that fails, in words; or, where all hold, what held. For `explain` only. */
export function why(when: When, facts: Facts): string {
  const failing = when.find((condition) => !holds(condition, facts));
  return failing
    ? whyCondition(failing, facts)
    : when.map((condition) => whyCondition(condition, facts).replace(", wanted", ", as wanted:")).join("; ");
}
