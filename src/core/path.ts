/**
 * The one grammar for places in an answer or a JSON body (contract section 7): `a.*.b[].c`. Keys are parted by dots; `*` is any one key,
 * `[]` any element of a list: indexes are never told apart. A key that has `.`, `[`, `]`, `*` or a control character in it, or is empty,
 * stands in brackets: `a['b.c'][''].d`, with `\'`, `\\` and `\u0000` as the only escapes.
 */
import { err, ok, type Result } from "./result.ts";
import { escapeUnseen, hasUnseen } from "./unseen.ts";

export type Step = { readonly key: string } | "*" | "[]";
export type Path = readonly Step[];

const PLAIN = /\*|[^.[\]*]+/y;
const BRACKET = /\[(?:'((?:[^'\\]|\\['\\]|\\u[0-9a-fA-F]{4})*)')?\]/y;

/** The error names the place and what should stand there: `character 7: expected "[]" or "['key']"`. */
export function parsePath(text: string): Result<Path, string> {
  const steps: Step[] = [];
  let at = 0;
  do {
    const bracket = text[at] === "[";
    if (!bracket && at > 0) {
      if (text[at] !== ".") return err(expected(at, '"." or "["'));
      at++;
    }
    const form = bracket ? BRACKET : PLAIN;
    form.lastIndex = at;
    const match = form.exec(text);
    if (!match) return err(expected(at, bracket ? `"[]" or "['key']"` : 'a key or "*"'));
    steps.push(bracket ? (match[1] === undefined ? "[]" : { key: decodeKey(match[1]) }) : match[0] === "*" ? "*" : { key: match[0] });
    at = form.lastIndex;
  } while (at < text.length);
  return ok(steps);
}

const expected = (at: number, what: string): string => `character ${at + 1}: expected ${what}`;

const decodeKey = (text: string): string =>
  text.replace(/\\(?:u(.{4})|(.))/g, (_, hex: string | undefined, plain: string) =>
    hex === undefined ? plain : String.fromCharCode(Number.parseInt(hex, 16)),
  );

/** Longer keys are cut and longer paths go no deeper: whoever answers must not choose how much is stored of a place. */
const MAX_KEY = 64;
const MAX_PATH = 400;

/** The path one key further in, readable by `parsePath`. */
export function writeKey(path: string, key: string): string {
  if (path.length > MAX_PATH) return path.endsWith(".…") ? path : `${path}.…`;
  const short = key.length > MAX_KEY ? `${key.slice(0, MAX_KEY)}…`.toWellFormed() : key;
  if (!/^[^.[\]*]+$/.test(short) || hasUnseen(short)) return `${path}['${encodeKey(short)}']`;
  return path === "" ? short : `${path}.${short}`;
}

/** What breaks a line of a log, or turns it, is never seen raw. */
const encodeKey = (key: string): string => escapeUnseen(key.replace(/['\\]/g, "\\$&"));

/** Patterns as a tree, so that a walk over a value carries the few branches that can still match, and never compares texts. */
interface Branch<T> {
  readonly keys: Map<string, Branch<T>>;
  any: Branch<T> | null;
  element: Branch<T> | null;
  /** What the patterns that end here stand for. */
  readonly found: T[];
}

/** Where a walk stands in all patterns at once. Empty: nothing below can match. */
export type Places<T> = readonly Branch<T>[];

const branch = <T>(): Branch<T> => ({ keys: new Map(), any: null, element: null, found: [] });

/** The places of a walk that has not taken a step yet. */
export function pathTree<T>(patterns: Iterable<readonly [Path, T]>): Places<T> {
  const root = branch<T>();
  for (const [path, value] of patterns) {
    let at = root;
    for (const step of path) at = grow(at, step);
    at.found.push(value);
  }
  return [root];
}

function grow<T>(at: Branch<T>, step: Step): Branch<T> {
  const known = step === "*" ? at.any : step === "[]" ? at.element : at.keys.get(step.key);
  if (known) return known;
  const fresh = branch<T>();
  if (step === "*") at.any = fresh;
  else if (step === "[]") at.element = fresh;
  else at.keys.set(step.key, fresh);
  return fresh;
}

export function intoKey<T>(places: Places<T>, key: string): Places<T> {
  if (places.length === 0) return places;
  const next: Branch<T>[] = [];
  for (const { keys, any } of places) {
    const named = keys.get(key);
    if (named) next.push(named);
    if (any) next.push(any);
  }
  return next;
}

export function intoElement<T>(places: Places<T>): Places<T> {
  if (places.length === 0) return places;
  return places.flatMap(({ element }) => element ?? []);
}

/** What the patterns that match this very place stand for. */
export function foundAt<T>(places: Places<T>): readonly T[] {
  if (places.length === 0) return [];
  return places.length === 1 ? places[0]!.found : places.flatMap(({ found }) => found);
}
