/** Two JSON lists: elements belong together by a key field, by equality where order does not matter, else by position. Linear. */
import { isIgnored, isUnordered, keyField, type RulePlaces } from "./compare-rules.ts";
import type { Differences } from "./difference.ts";
import { chain, fingerprintText, gather } from "./fingerprint.ts";
import { type JsonValue, typeOf } from "./json-value.ts";
import { intoElement, intoKey } from "./path.ts";

/** Two values at one place, still to be compared. */
export interface Pair {
  readonly path: string;
  readonly places: RulePlaces;
  readonly left: JsonValue;
  readonly right: JsonValue;
}

/** One comparison of two values on its way. */
export interface JsonComparison {
  readonly differences: Differences;
  readonly incomplete: ReadonlySet<JsonValue>;
  readonly queue: Pair[];
  /** Of lists and objects, each taken once. */
  readonly prints: Map<JsonValue, number>;
}

type List = readonly JsonValue[];

/** Reports on the lists as such at `path`, and queues the elements that are to be compared. */
export function compareLists(left: List, right: List, { path, places }: Pair, comparison: JsonComparison): void {
  const { differences, incomplete, queue } = comparison;
  const below = intoElement(places);
  const whole = !incomplete.has(left as JsonValue) && !incomplete.has(right as JsonValue);
  const found = isIgnored(below) ? null : pairs(left, right, places, below, whole, comparison);
  if (found === null) {
    if (whole && left.length !== right.length) differences.add(path, "length", left.length, right.length);
    return;
  }
  if (found.moved) differences.add(path, "order", left, right);
  const inner = `${path}[]`;
  for (const [one, other] of found.together) {
    if (one === other) continue;
    if (one === undefined) differences.add(inner, "extra", one, other);
    else if (other === undefined) differences.add(inner, "missing", one, other);
    else queue.push({ path: inner, places: below, left: one, right: other });
  }
}

interface Pairs {
  readonly together: readonly (readonly [JsonValue | undefined, JsonValue | undefined])[];
  readonly moved: boolean;
}

/** Null: nothing belongs together, since one list is longer. */
function pairs(left: List, right: List, places: RulePlaces, below: RulePlaces, whole: boolean, { prints }: JsonComparison): Pairs | null {
  const field = keyField(places);
  const keyed = field === null ? null : pairsByKey(byKey(left, field), byKey(right, field), whole);
  if (keyed !== null) return isUnordered(places) ? { ...keyed, moved: false } : keyed;
  const byPosition: Pairs = { together: left.slice(0, right.length).map((one, i) => [one, right[i]] as const), moved: false };
  if (!whole) return byPosition;
  if (left.length !== right.length) return null;
  if (left.length < 2) return byPosition;
  const print = (value: JsonValue) => fingerprint(value, below, prints);
  const [leftPrints, rightPrints] = [left.map(print), right.map(print)];
  const lone = [unmatched(leftPrints, rightPrints), unmatched(rightPrints, leftPrints)] as const;
  if (isUnordered(places)) return { together: lone[0].map((at, i) => [left[at], right[lone[1][i]!]] as const), moved: false };
  const moved = lone[0].length === 0 && leftPrints.some((value, i) => value !== rightPrints[i]);
  return moved ? { together: [], moved } : byPosition;
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
function byKey(list: List, field: string): Map<string, JsonValue> | null {
  const elements = new Map<string, JsonValue>();
  for (const element of list) {
    const key = element instanceof Map ? element.get(field) : undefined;
    if (key === undefined || typeof key === "object") return null;
    elements.set(`${typeOf(key)} ${key}`, element);
  }
  return elements.size === list.length ? elements : null;
}

function pairsByKey(left: Map<string, JsonValue> | null, right: Map<string, JsonValue> | null, whole: boolean): Pairs | null {
  if (left === null || right === null) return null;
  const together: (readonly [JsonValue | undefined, JsonValue | undefined])[] = [];
  const common: string[] = [];
  for (const [key, one] of left) {
    const other = right.get(key);
    if (other !== undefined) common.push(key);
    if (other !== undefined || whole) together.push([one, other]);
  }
  for (const [key, other] of right) if (whole && !left.has(key)) together.push([undefined, other]);
  let at = 0;
  for (const key of right.keys()) if (key === common[at]) at++;
  return { together, moved: at < common.length };
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
