/** Two JSON values, place by place: breadth first, so that what is cut is what lies deepest. Linear in the values read. */
import { compareLists, type JsonComparison, type Pair } from "./compare-list.ts";
import { isIgnored, type RulePlaces, toleranceAt } from "./compare-rules.ts";
import type { Differences } from "./difference.ts";
import { type JsonObject, type JsonReading, type JsonValue, typeOf } from "./json-value.ts";
import { intoKey, writeKey } from "./path.ts";

export function compareJson(left: JsonReading, right: JsonReading, path: string, places: RulePlaces, differences: Differences): void {
  const incomplete = new Set([...left.incomplete, ...right.incomplete]);
  if (incomplete.size > 0) differences.truncated = true;
  const queue = [{ path, places, left: left.value, right: right.value }];
  const comparison: JsonComparison = { differences, incomplete, queue, prints: new Map() };
  // The queue grows while it is read.
  for (const pair of queue) comparePair(pair, comparison);
}

function comparePair(pair: Pair, comparison: JsonComparison): void {
  const { path, places, left, right } = pair;
  if (isIgnored(places)) return;
  if (left instanceof Map && right instanceof Map) compareObjects(left, right, pair, comparison);
  else if (Array.isArray(left) && Array.isArray(right)) compareLists(left, right, pair, comparison);
  else if (typeOf(left) !== typeOf(right)) comparison.differences.add(path, "type", left, right);
  else if (!sameScalar(left, right, places)) comparison.differences.add(path, "value", left, right);
}

function compareObjects(
  left: JsonObject,
  right: JsonObject,
  { path, places }: Pair,
  { differences, incomplete, queue }: JsonComparison,
): void {
  for (const [key, value] of left) {
    const other = right.get(key);
    if (value === other) continue;
    const below = intoKey(places, key);
    if (other !== undefined) queue.push({ path: writeKey(path, key), places: below, left: value, right: other });
    else if (!incomplete.has(right) && !isIgnored(below)) differences.add(writeKey(path, key), "missing", value, undefined);
  }
  if (incomplete.has(left)) return;
  for (const [key, value] of right) {
    if (left.has(key) || isIgnored(intoKey(places, key))) continue;
    differences.add(writeKey(path, key), "extra", undefined, value);
  }
}

function sameScalar(left: JsonValue, right: JsonValue, places: RulePlaces): boolean {
  if (left === right) return true;
  if (typeOf(left) !== "number") return false;
  // A long integer and a double: `100000000000000000000` and `1e20`.
  if (typeof left !== typeof right) return Number(left) === Number(right);
  return Math.abs(Number(left) - Number(right)) <= toleranceAt(places) && toleranceAt(places) > 0;
}
