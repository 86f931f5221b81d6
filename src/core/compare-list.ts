/** Two JSON lists: elements belong together by a key field, by equality where order does not matter, else by position. Linear in the values, times their depth. */
import { isIgnored, isUnordered, keyField, type RulePlaces } from "./compare-rules.ts";
import type { Differences } from "./difference.ts";
import { chain, fingerprintText, gather } from "./fingerprint.ts";
import { isSameScalar, type JsonValue, Several, typeOf } from "./json-value.ts";
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
  const { differences, incomplete, meet } = comparison;
  const [inner, below] = [`${path}[]`, intoElement(places)];
  const whole = !incomplete.has(left) && !incomplete.has(right);
  if (!isIgnored(below) && compareKeyed(left, right, path, places, comparison)) return;
  if (whole && left.length !== right.length) {
    differences.add(path, "length", left.length, right.length);
    if (isIgnored(below)) return;
    // Those without an equal meet in their order: a field that all lack is seen, however many elements there are.
    const [ones, others] = [left, right].map((list) => list.map((one) => fingerprint(one, below, comparison.prints))) as [
      number[],
      number[],
    ];
    const [lone, other] = [unmatched(ones, others), unmatched(others, ones)];
    for (let i = 0; i < Math.min(lone.length, other.length); i++) meet(inner, below, left[lone[i]!]!, right[other[i]!]!);
  } else if (!isIgnored(below)) {
    const size = Math.min(left.length, right.length);
    const others: number[] = [];
    for (let i = 0; i < size; i++) if (!isEqual(left[i]!, right[i]!)) others.push(i);
    // Where something is not known, or is alone, nothing can be seen to have moved.
    const found = whole && others.length > 1 ? match(left, right, others, places, comparison) : [others, others];
    if (found === "moved") differences.add(path, "order", left, right);
    else for (const [i, at] of found[0]!.entries()) meet(inner, below, left[at]!, right[found[1]![i]!]!);
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

/** Alike in all that was read. Recursive: values are at most 64 levels deep. */
function isEqual(left: JsonValue, right: JsonValue): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length || left instanceof Several !== right instanceof Several) return false;
    return left.every((one, i) => isEqual(one, right[i]!));
  }
  if (!(left instanceof Map)) return isSameScalar(left, right);
  if (!(right instanceof Map) || left.size !== right.size) return false;
  for (const [key, one] of left) {
    const other = right.get(key);
    if (other === undefined || !isEqual(one, other)) return false;
  }
  return true;
}

/** How the elements at the places `among`, where the lists differ, belong together: by position, or of unordered lists those without an equal. */
function match(
  left: JsonValue[],
  right: JsonValue[],
  among: number[],
  places: RulePlaces,
  { prints }: JsonComparison,
): "moved" | number[][] {
  const below = intoElement(places);
  const [ones, others] = [left, right].map((list) => among.map((at) => fingerprint(list[at]!, below, prints))) as [number[], number[]];
  if (isUnordered(places)) return [unmatched(ones, others), unmatched(others, ones)].map((list) => list.map((i) => among[i]!));
  const moved = ones.reduce(gather) === others.reduce(gather) && ones.some((print, i) => print !== others[i]);
  return moved ? "moved" : [among, among];
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
    if (key === undefined || key === null || Array.isArray(key) || key instanceof Map) return null;
    elements.set(`${typeOf(key)} ${key}`, element);
  }
  return elements.size === list.length ? elements : null;
}

/** Alike for values that no rule but a tolerance tells apart. Recursive as `isEqual` is. */
function fingerprint(value: JsonValue, places: RulePlaces, known: Map<JsonValue, number>): number {
  if (typeof value === "string") return fingerprintText(value);
  if (!Array.isArray(value) && !(value instanceof Map)) return chain(0, fingerprintText(String(value)));
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
