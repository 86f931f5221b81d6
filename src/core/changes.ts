/** What became different between two versions of a lane file, for people: by path, both values, secrets left out. */
import { at, show } from "./problem.ts";

export interface Change {
  /** `lanes.s2.weight`; empty: the file as a whole. */
  readonly path: string;
  /** As `problem.ts` shows values; null: there was, or is, none. */
  readonly from: string | null;
  readonly to: string | null;
}

/** More tell nobody more. */
const MAX_CHANGES = 100;
/** Values of an origin's headers may be secrets. */
const SECRET = /^lanes(?:\.|\[).*\.headers(?:\.|\[)/;

/** At most 100 changes, in the order of the files; lists are compared place by place. Values are JSON, at most as deep as a lane file. */
export function changesBetween(before: unknown, after: unknown): Change[] {
  const changes: Change[] = [];
  compare(before, after, "", changes);
  return changes;
}

function compare(before: unknown, after: unknown, path: string, changes: Change[]): void {
  if (changes.length >= MAX_CHANGES || before === after) return;
  const [left, right] = [entriesOf(before), entriesOf(after)];
  if (left === null || right === null || Array.isArray(before) !== Array.isArray(after)) {
    changes.push({ path, from: shown(before, path), to: shown(after, path) });
    return;
  }
  for (const key of new Set([...left.keys(), ...right.keys()])) compare(left.get(key), right.get(key), at(path, key), changes);
}

function entriesOf(value: unknown): ReadonlyMap<string | number, unknown> | null {
  if (Array.isArray(value)) return new Map(value.entries());
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : null;
}

function shown(value: unknown, path: string): string | null {
  if (value === undefined) return null;
  return SECRET.test(path) ? "…" : show(value);
}
