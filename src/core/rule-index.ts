/**
 * Which rules can match at all, without trying each: a rule that asks for one exact value of a key is filed under that value, a
 * rule that needs a key to be there under that key, a path prefix under that prefix; the rest is always tried. So a thousand rules
 * cost a few look-ups, and "first match wins" holds because candidates are tried in the order of the file.
 */
import { baggageValue } from "./baggage.ts";
import { type Facts, headerFact } from "./facts.ts";
import type { Condition, Rule, RuleIndex, RuleShelf } from "./lane-group.ts";
import { matches } from "./match.ts";

type Found = number[];

/** How well a condition narrows: an exact value best, then a path prefix, then a key that must be there; 0 not at all. */
function rank(condition: Condition): number {
  if (condition.on === "any" || condition.on === "not" || condition.on === "method") return 0;
  const { matcher } = condition;
  if (matcher.kind === "exact" || matcher.kind === "in") return 3;
  if (condition.on === "path") return matcher.kind === "prefix" ? 2 : 0;
  return matcher.kind === "exists" && !matcher.value ? 0 : 1;
}

function file<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known) return known;
  const made = make();
  map.set(key, made);
  return made;
}

const newShelf = (): RuleShelf => ({ exact: new Map(), present: [] });

/** Without its trailing slash: `/beta/` and `/beta` are filed together; `matches` tells them apart. */
const trimmed = (prefix: string) => (prefix.endsWith("/") ? prefix.slice(0, -1) : prefix);

export function indexRules(rules: readonly Rule[]): RuleIndex {
  const always: Found = [];
  const kinds = {
    baggage: new Map<string, RuleShelf>(),
    cookie: new Map<string, RuleShelf>(),
    query: new Map<string, RuleShelf>(),
    header: new Map<string, RuleShelf>(),
    path: new Map<string, RuleShelf>(),
    host: new Map<string, RuleShelf>(),
  };
  const prefixes = new Map<string, Found>();
  rules.forEach((rule, at) => {
    const best = [...rule.when].sort((a, b) => rank(b) - rank(a))[0];
    if (!best || rank(best) === 0 || best.on === "any" || best.on === "not" || best.on === "method") {
      always.push(at);
      return;
    }
    if (best.on === "path" && best.matcher.kind === "prefix") {
      file(prefixes, trimmed(best.matcher.value), () => []).push(at);
      return;
    }
    const shelf = file(kinds[best.on], "key" in best ? best.key : "", newShelf);
    if (best.matcher.kind === "exact") file(shelf.exact, best.matcher.value, () => []).push(at);
    else if (best.matcher.kind === "in") for (const value of best.matcher.values) file(shelf.exact, value, () => []).push(at);
    else shelf.present.push(at);
  });
  const longestPrefix = Math.max(0, ...[...prefixes.keys()].map((prefix) => prefix.length));
  return { rules, always, ...kinds, prefixes, longestPrefix };
}

function collect(candidates: Found, shelf: RuleShelf | undefined, value: string | undefined): void {
  if (shelf === undefined || value === undefined) return;
  const exact = shelf.exact.get(value);
  if (exact) candidates.push(...exact);
  if (shelf.present.length > 0) candidates.push(...shelf.present);
}

/** Walks whichever is shorter: the keys that rules ask for, or the keys that came. */
function collectMap(candidates: Found, shelves: ReadonlyMap<string, RuleShelf>, came: ReadonlyMap<string, string>): void {
  if (came.size < shelves.size) for (const [key, value] of came) collect(candidates, shelves.get(key), value);
  else for (const [key, shelf] of shelves) collect(candidates, shelf, came.get(key));
}

function collectBaggage(candidates: Found, index: RuleIndex, facts: Facts): void {
  const { members } = facts.baggage;
  if (members.length < index.baggage.size) for (const { key, value } of members) collect(candidates, index.baggage.get(key), value);
  else for (const [key, shelf] of index.baggage) collect(candidates, shelf, baggageValue(facts.baggage, key));
}

function collectPrefixes(candidates: Found, index: RuleIndex, path: string): void {
  candidates.push(...(index.prefixes.get("") ?? []));
  for (let slash = path.indexOf("/", 1); ; slash = path.indexOf("/", slash + 1)) {
    const end = slash < 0 ? path.length : slash;
    if (end > index.longestPrefix) return;
    const found = index.prefixes.get(path.slice(0, end));
    if (found) candidates.push(...found);
    if (slash < 0) return;
  }
}

/** The first rule, in the order of the file, that matches. */
export function firstRule(index: RuleIndex, facts: Facts): Rule | null {
  if (index.rules.length === 0) return null;
  const candidates = index.always.slice();
  if (index.baggage.size > 0) collectBaggage(candidates, index, facts);
  if (index.cookie.size > 0) collectMap(candidates, index.cookie, facts.cookies);
  if (index.query.size > 0) collectMap(candidates, index.query, facts.query);
  for (const [name, shelf] of index.header) collect(candidates, shelf, headerFact(facts, name));
  collect(candidates, index.path.get(""), facts.plainPath);
  collect(candidates, index.host.get(""), facts.host);
  if (index.prefixes.size > 0) collectPrefixes(candidates, index, facts.plainPath);
  if (candidates.length > index.always.length) candidates.sort((a, b) => a - b);
  for (const at of candidates) {
    const rule = index.rules[at]!;
    if (matches(rule.when, facts)) return rule;
  }
  return null;
}
