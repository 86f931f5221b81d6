/** Two texts line by line, and any two sequences of texts at one place: what is only in one, or in both in another order. Linear. */
import { unmatched } from "./compare-list.ts";
import { isUnordered, type RulePlaces } from "./compare-rules.ts";
import type { Differences } from "./difference.ts";

const MAX_LINES = 20_000;

/** `cut`: one of them is only a beginning; then no more is compared than both have. */
export function compareText(left: string, right: string, cut: boolean, path: string, places: RulePlaces, differences: Differences): void {
  let [one, other] = [lines(left), lines(right)];
  if (cut || one.length > MAX_LINES || other.length > MAX_LINES) {
    differences.truncated = true;
    // The last line of a beginning may be half a line.
    const both = Math.min(one.length - 1, other.length - 1, MAX_LINES);
    [one, other] = [one.slice(0, both), other.slice(0, both)];
  }
  compareSequences(one, other, `${path}[]`, differences);
  if (!isUnordered(places) && moved(one, other)) differences.add(path, "order", left, right);
}

const lines = (text: string): string[] => text.split(/\r\n|\n|\r/, MAX_LINES + 1);

/** The same texts, not in the same order. */
export function moved(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.some((text, i) => text !== right[i]) && unmatched(left, right).length === 0;
}

/** Texts at one place: those without an equal on the other side are paired in their order, the rest is `missing` or `extra`. */
export function compareSequences(left: readonly string[], right: readonly string[], path: string, differences: Differences): void {
  const [lone, others] = [unmatched(left, right).map((at) => left[at]), unmatched(right, left).map((at) => right[at])];
  const pairs = Math.min(lone.length, others.length);
  if (pairs > 0) differences.add(path, "value", lone[0], others[0], pairs);
  if (lone.length > pairs) differences.add(path, "missing", lone[pairs], undefined, lone.length - pairs);
  if (others.length > pairs) differences.add(path, "extra", undefined, others[pairs], others.length - pairs);
}
