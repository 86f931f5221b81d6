/** Two texts line by line, and any two sequences of texts at one place: what is only in one, or in both in another order. Linear. */
import { unmatched } from "./compare-list.ts";
import { isUnordered, type RulePlaces } from "./compare-rules.ts";
import type { Differences } from "./difference.ts";

const MAX_LINES = 20_000;

/** A value; a text of one piece, as a script is. */
export type InnerForm = "value" | "raw";

/** Two texts that are not the same, at one place of something larger. */
export type CompareInner = (left: string, right: string, path: string, places: RulePlaces, as: InnerForm) => void;

/** `cut`: one of them is only a beginning; then no more is compared than both have. Nobody knows what a line holds: its place is opaque. */
export function compareText(left: string, right: string, cut: boolean, path: string, places: RulePlaces, differences: Differences): void {
  let [one, other] = [lines(left), lines(right)];
  if (cut || one.length > MAX_LINES || other.length > MAX_LINES) {
    differences.truncated = true;
    // The last line of a beginning may be half a line.
    const both = Math.min(one.length - 1, other.length - 1, MAX_LINES);
    [one, other] = [one.slice(0, both), other.slice(0, both)];
  }
  compareSequences(one, other, `${path}[]`, differences, true, (left, right) => {
    differences.add(`${path}[]`, "value", left, right, { times: differingWords(left, right), opaque: true });
  });
  if (!isUnordered(places) && isMoved(one, other)) differences.add(path, "order", left, right);
}

const lines = (text: string): string[] => text.split(/\r\n|\n|\r/, MAX_LINES + 1);

/** Do texts that both have, equally often, stand in another order? Whatever else differs. */
export const isMoved = (left: readonly string[], right: readonly string[]): boolean => inOtherTurn(left, right) > 0;

/** How many of the texts that both have, equally often, stand in the turn of another one. */
function inOtherTurn(left: readonly string[], right: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const text of left) counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const text of right) counts.set(text, (counts.get(text) ?? 0) - 1);
  const [ones, others] = [left, right].map((list) => list.filter((text) => counts.get(text) === 0)) as [string[], string[]];
  return ones.filter((text, at) => text !== others[at]).length;
}

/** Texts at one place: those without an equal on the other side are paired in their order, the rest is `missing` or `extra`. */
export function compareSequences(
  left: readonly string[],
  right: readonly string[],
  path: string,
  differences: Differences,
  opaque: boolean,
  inner: (left: string, right: string) => void,
): void {
  const [lone, others] = [unmatched(left, right).map((at) => left[at]!), unmatched(right, left).map((at) => right[at]!)];
  const pairs = Math.min(lone.length, others.length);
  for (let at = 0; at < pairs; at++) inner(lone[at]!, others[at]!);
  if (lone.length > pairs) differences.add(path, "missing", lone[pairs], undefined, { times: lone.length - pairs, opaque });
  if (others.length > pairs) differences.add(path, "extra", undefined, others[pairs], { times: others.length - pairs, opaque });
}

/** Characters between the first and the last that differ, of which the words are told apart. */
const MAX_WORDY = 65_536;
/**
 * `12.00`, `10:00:01`, `2026-01-31T10:00:01.5Z`, a UUID; letters and digits; and each sign by itself. Nothing else is one word with what it is
 * joined to: `<UUID>_admin` is a random word, a sign and a word.
 */
const WORD =
  /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?|\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?!\d)|\d+\.\d+(?![\p{L}\p{N}])|[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/giu;

/**
 * In how many words two texts differ that are not the same; at least 1. This tells a wrong price beside a time stamp from the time stamp alone
 * where both stand in one text.
 */
export function differingWords(left: string, right: string): number {
  const size = Math.min(left.length, right.length);
  let start = 0;
  while (start < size && left.charCodeAt(start) === right.charCodeAt(start)) start++;
  let end = 0;
  while (end < size - start && left.charCodeAt(left.length - 1 - end) === right.charCodeAt(right.length - 1 - end)) end++;
  // Whole words.
  while (start > 0 && isInWord(left.charCodeAt(start - 1))) start--;
  while (end > 0 && isInWord(left.charCodeAt(left.length - end))) end--;
  const one = left.slice(start, Math.min(left.length - end, start + MAX_WORDY));
  const other = right.slice(start, Math.min(right.length - end, start + MAX_WORDY));
  if (isOneWord(one) && isOneWord(other)) return 1;
  const [ones, others] = [one.match(WORD) ?? [], other.match(WORD) ?? []];
  return Math.max(1, Math.max(unmatched(ones, others).length, unmatched(others, ones).length) + inOtherTurn(ones, others));
}

/** Of letters and digits alone. */
const isOneWord = (text: string): boolean => /^[A-Za-z0-9]*$/.test(text);

/** No `WORD` goes on over more than letters, digits and `_ . : + -`; whatever is not ASCII may be a letter. */
const isInWord = (code: number): boolean =>
  code >= 0x80 ||
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x2d && code <= 0x3a && code !== 0x2f) ||
  (code >= 0x41 && code <= 0x5a) ||
  code === 0x5f ||
  code === 0x2b;
