/** Two JSON lists: elements belong together by a key field, by equality where order does not matter, else by position. Linear. */
import { isIgnored, isUnordered, keyField, type RulePlaces } from "./compare-rules.ts";
import type { Differences } from "./difference.ts";
import { chain, fingerprintText, gather } from "./fingerprint.ts";
import { type JsonValue, typeOf } from "./json-value.ts";
import { intoElement, intoKey } from "./path.ts";

/** One comparison of two values on its way. */
export interface JsonComparison {
  readonly differences: Differences;
  readonly incomplete: ReadonlySet<JsonValue>;
  /** Of lists and objects, each taken once. */
  readonly prints: Map<JsonValue, number>;
  /** Two values at one place are to be compared. */
  readonly meet: (path: string, places: RulePlaces, left: JsonValue, right: JsonValue) => void;
}

/** Reports on the lists as such at `path`, and lets the elements meet that belong together. */
export function compareLists(left: JsonValue[], right: JsonValue[], path: string, places: RulePlaces, comparison: JsonComparison): void {
  const { differences, incomplete, meet, prints } = comparison;
  const [inner, below] = [`${path}[]`, intoElement(places)];
  const whole = !incomplete.has(left) && !incomplete.has(right);
  if (!isIgnored(below) && compareKeyed(left, right, path, places, comparison)) return;
  if (whole && left.length !== right.length) differences.add(path, "length", left.length, right.length);
  else if (!isIgnored(below)) {
    const print = (value: JsonValue) => fingerprint(value, below, prints);
    // Where something is not known, or is alone, nothing can be seen to have moved.
    const found = whole && left.length > 1 ? match(left.map(print), right.map(print), isUnordered(places)) : "by-position";
    if (found === "moved") differences.add(path, "order", left, right);
    else if (found === "by-position") for (let i = 0; i < left.length && i < right.length; i++) meet(inner, below, left[i]!, right[i]!);
    else for (const [i, at] of found[0].entries()) meet(inner, below, left[at]!, right[found[1][i]!]!);
  }
}

/** False: there is no key, or it does not tell all elements apart. */
function compareKeyed(left: JsonValue[], right: JsonValue[], path: string, places: RulePlaces, comparison: JsonComparison): boolean {
  const { differences, incomplete, meet } = comparison;
  const field = keyField(places);
  const [ones, others] = field === null ? [null, null] : [byKey(left, field), byKey(right, field)];
  if (ones === null || others === null) return false;
  const [inner, below] = [`${path}[]`, intoElement(places)];
  const common: string[] = [];
  for (const [key, one] of ones) {
    const other = others.get(key);
    if (other !== undefined) {
      common.push(key);
      meet(inner, below, one, other);
    } else if (!incomplete.has(right)) differences.add(inner, "missing", one, undefined);
  }
  if (!incomplete.has(left)) for (const [key, other] of others) if (!ones.has(key)) differences.add(inner, "extra", undefined, other);
  let at = 0;
  for (const key of others.keys()) if (key === common[at]) at++;
  if (at < common.length && !isUnordered(places)) differences.add(path, "order", left, right);
  return true;
}

/** How the elements of two lists of one length belong together; of unordered ones, the places of those without an equal. */
function match(
  left: readonly number[],
  right: readonly number[],
  unordered: boolean,
): "by-position" | "moved" | readonly [number[], number[]] {
  const lone = unmatched(left, right);
  if (unordered) return [lone, unmatched(right, left)];
  return lone.length === 0 && left.some((print, i) => print !== right[i]) ? "moved" : "by-position";
}

/** The indexes of those in `from` for which `other` has no equal left. */
export function unmatched<T>(from: readonly T[], other: readonly T[]): number[] {
  const counts = new Map<T, number>();
  for (const value of other) counts.set(value, (counts.get(value) ?? 0) + 1);
  const lone: number[] = [];
  for (const [at, value] of from.entries()) {
    const count = counts.get(value) ?? 0;
    if (count === 0) lone.push(at);
    else counts.set(value, count - 1);
  }
  return lone;
}

/** Null: an element has no such field, or shares its value with another. */
function byKey(list: readonly JsonValue[], field: string): Map<string, JsonValue> | null {
  const elements = new Map<string, JsonValue>();
  for (const element of list) {
    const key = element instanceof Map ? element.get(field) : undefined;
    if (key === undefined || typeof key === "object") return null;
    elements.set(`${typeOf(key)} ${key}`, element);
  }
  return elements.size === list.length ? elements : null;
}

/** Alike for values that no rule but a tolerance tells apart. Recursive: values are at most 64 levels deep. */
function fingerprint(value: JsonValue, places: RulePlaces, known: Map<JsonValue, number>): number {
  if (value === null || typeof value !== "object") return fingerprintText(`${typeOf(value)} ${value}`);
  const before = known.get(value);
  if (before !== undefined) return before;
  let print = Array.isArray(value) ? 1 : 2;
  if (Array.isArray(value)) {
    const below = intoElement(places);
    const combine = isUnordered(places) ? gather : chain;
    if (!isIgnored(below)) for (const element of value) print = combine(print, fingerprint(element, below, known));
    print = chain(print, value.length);
  } else {
    for (const [key, child] of value) {
      const below = intoKey(places, key);
      if (!isIgnored(below)) print = gather(print, chain(fingerprintText(key), fingerprint(child, below, known)));
    }
  }
  known.set(value, print);
  return print;
}
