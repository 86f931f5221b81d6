/** What is wrong with a lane file, in words for somebody who has never seen this code: where, what was expected, what was received. */

export interface Problem {
  /** `lanes.s2.weight`, `rules[0].when.baggage.pr.regex`, `lanes["mock.v2"].weight`; empty: the file as a whole. */
  readonly path: string;
  /** `expected a number from 0 to 1000000000, got "20%"`. */
  readonly message: string;
  /** The file is written for a newer Laneway: not broken, only not for this Worker. */
  readonly newer?: true;
}

/** A file that is no lane file at all would have a problem in every line; nobody reads past these. */
const MAX_LISTED = 100;

/** All problems of one file, and its warnings, in the order in which they are found. */
export class Report {
  /** What works, but hardly as it was meant. */
  readonly warnings: Problem[] = [];
  readonly #listed: Problem[] = [];
  readonly #paths = new Set<string>();
  #count = 0;

  /** `message` is only called for problems that are listed. */
  add(path: string, message: string | (() => string)): void {
    this.#count++;
    if (this.#listed.length === MAX_LISTED) return;
    this.#listed.push({ path, message: typeof message === "string" ? message : message() });
    this.#paths.add(path);
  }

  warn(path: string, message: string): void {
    if (this.warnings.length < MAX_LISTED) this.warnings.push({ path, message });
  }

  get count(): number {
    return this.#count;
  }

  /** There is a problem at this very path: what depends on the value cannot be judged. */
  isBroken(path: string): boolean {
    return this.#paths.has(path);
  }

  list(): Problem[] {
    const more = this.#count - this.#listed.length;
    if (more === 0) return [...this.#listed];
    return [...this.#listed, { path: "", message: `and ${more} more problem${more === 1 ? "" : "s"}, not listed` }];
  }
}

/** The path of a key of an object, or of an element of a list. */
export function at(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (!/^[\w$-]{1,60}$/.test(key)) return `${path}[${quote(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

const MAX_SHOWN = 60;

/** A text in quotes, cut short, on one line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}

/** A JSON value as it stands in the sentence "got …". */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value !== "object" || value === null) return String(value);
  const keys = Object.keys(value);
  if (keys.length === 0) return "{}";
  return `an object with ${enumerate(keys, "and")}`;
}

const MAX_ENUMERATED = 8;

/** `"a", "b" or "c"`; a long list ends in `…`. */
export function enumerate(names: readonly string[], word: "and" | "or"): string {
  const shown = names.slice(0, MAX_ENUMERATED).map(quote);
  if (names.length > MAX_ENUMERATED) return `${shown.join(", ")}, …`;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} ${word} ${shown.at(-1)}`;
}

/** `unknown lane "s4": expected "s1", "s2" or "s3"`, or the one that was probably meant. */
export function unknownName(kind: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  if (meant !== null) return `unknown ${kind} ${quote(name)}; did you mean ${quote(meant)}?`;
  return known.length === 0
    ? `unknown ${kind} ${quote(name)}: there is none`
    : `unknown ${kind} ${quote(name)}; expected ${enumerate(known, "or")}`;
}

/** The one name that is the fewest edits away, if these are few for its length; null: none, or several. */
function nearest(name: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let fewest = Math.floor(name.length / 3) + 1;
  if (name.length > MAX_SHOWN) return null;
  for (const candidate of known) {
    if (candidate.length > MAX_SHOWN || Math.abs(candidate.length - name.length) > fewest) continue;
    const distance = edits(name.toLowerCase(), candidate.toLowerCase());
    if (distance === fewest) best = null;
    if (distance < fewest) [best, fewest] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function edits(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
