/** Two JSON values, place by place: breadth first, so that what is cut is what lies deepest. Linear in the values read. */
import { compareLists, type JsonComparison } from "./compare-list.ts";
import { isIgnored, type RulePlaces, toleranceAt } from "./compare-rules.ts";
import type { CompareInner } from "./compare-text.ts";
import { Decimal, isWithin } from "./decimal.ts";
import type { Differences } from "./difference.ts";
import { isSameScalar, type JsonObject, type JsonReading, type JsonValue, typeOf } from "./json-value.ts";
import { intoKey, writeKey } from "./path.ts";

/** `inner` compares two strings that are not the same: what they hold may be. */
export function compareJson(
  left: JsonReading,
  right: JsonReading,
  path: string,
  places: RulePlaces,
  differences: Differences,
  inner: CompareInner,
): void {
  const incomplete = new Set([...left.incomplete, ...right.incomplete]);
  if (incomplete.size > 0) differences.truncated = true;
  const queue: Pair[] = [];
  const meet: JsonComparison["meet"] = (path, places, left, right) => {
    if (left === right || isIgnored(places)) return;
    if (typeOf(left) !== typeOf(right)) differences.add(path, "type", left, right);
    else if (isContainer(left)) queue.push({ path, places, left, right });
    else if (typeof left === "string") inner(left, right as string, path, places, "value");
    else if (!isSameScalar(left, right) && !isTolerated(left, right, places)) differences.add(path, "value", left, right);
  };
  const comparison: JsonComparison = { differences, incomplete, prints: new Map(), meet };
  const pathTo = pathMaker();
  meet(path, places, left.value, right.value);
  // The queue grows while it is read.
  for (const { path, places, left, right } of queue) {
    if (differences.full) break;
    if (left instanceof Map && right instanceof Map) compareObjects(left, right, (key) => pathTo(path, key), places, comparison);
    else if (Array.isArray(left) && Array.isArray(right)) compareLists(left, right, path, places, comparison);
  }
}

interface Pair {
  readonly path: string;
  readonly places: RulePlaces;
  readonly left: JsonValue;
  readonly right: JsonValue;
}

/** `writeKey` once per place: the elements of a list share their paths. */
function pathMaker(): (path: string, key: string) => string {
  const known = new Map<string, Map<string, string>>();
  return (path, key) => {
    const below = known.get(path) ?? new Map<string, string>();
    if (below.size === 0) known.set(path, below);
    const made = below.get(key) ?? writeKey(path, key);
    below.set(key, made);
    return made;
  };
}

function compareObjects(
  left: JsonObject,
  right: JsonObject,
  pathTo: (key: string) => string,
  places: RulePlaces,
  { differences, incomplete, meet }: JsonComparison,
): void {
  for (const [key, value] of left) {
    const other = right.get(key);
    if (value === other) continue;
    if (differences.full) return;
    const below = intoKey(places, key);
    if (other !== undefined) meet(pathTo(key), below, value, other);
    else if (!incomplete.has(right) && !isIgnored(below)) differences.add(pathTo(key), "missing", value, undefined);
  }
  if (incomplete.has(left)) return;
  for (const [key, value] of right) {
    if (differences.full) return;
    if (!left.has(key) && !isIgnored(intoKey(places, key))) differences.add(pathTo(key), "extra", undefined, value);
  }
}

const isContainer = (value: JsonValue): boolean => Array.isArray(value) || value instanceof Map;

/** Of one type, and not the same. */
function isTolerated(left: JsonValue, right: JsonValue, places: RulePlaces): boolean {
  const tolerance = toleranceAt(places);
  return tolerance > 0 && isNumber(left) && isNumber(right) && isWithin(left, right, tolerance);
}

const isNumber = (value: JsonValue): value is number | Decimal => typeof value === "number" || value instanceof Decimal;
