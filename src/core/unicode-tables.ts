/**
 * Unicode classes and case folding for the regex engine, read off the platform's own regular expressions when a pattern first needs them.
 * The engine's package has the same as data: a tenth of the whole Worker, for patterns that hardly anybody writes. A class costs some 10 ms of
 * CPU, once in an isolate.
 */

/** Ranges of code points as the engine keeps them: first, last, step. */
type Ranges = Uint32Array;

/** Where any code point may differ from the next. A string cannot hold them all at once: a pair of surrogates is one code point. */
const ASSIGNED: readonly (readonly [number, number])[] = [
  [0, 0xd7ff],
  [0xe000, 0x3ffff],
  [0xe0000, 0xeffff],
];
/** Where all have the same properties (Unicode 17.0, sections 2.8 and 23): surrogates, planes without characters, planes for private use. */
const ALIKE: readonly (readonly [number, number])[] = [
  [0xd800, 0xdfff],
  [0x40000, 0xdffff],
  [0xf0000, 0xffffd],
  [0xffffe, 0xfffff],
  [0x100000, 0x10fffd],
  [0x10fffe, 0x10ffff],
];
/** Code points that are looked at in one string. */
const BLOCK = 0x2000;

const utf16 = new TextDecoder("utf-16le", { fatal: false, ignoreBOM: true });

/** All code points from `first` up to `last`, in order. */
function textOf(first: number, last: number): string {
  const width = first < 0x10000 ? 1 : 2;
  const units = new Uint16Array((last - first + 1) * width);
  for (let point = first, at = 0; point <= last; point++) {
    if (width === 1) units[at++] = point;
    else {
      units[at++] = 0xd800 | ((point - 0x10000) >> 10);
      units[at++] = 0xdc00 | (point & 0x3ff);
    }
  }
  return utf16.decode(units);
}

/** @throws SyntaxError where the platform does not know the property */
const expressionOf = (property: string) => new RegExp(`\\p{${property}}`, "u");

/** The code points with a property: `L`, `Script=Greek`. @throws SyntaxError where the platform does not know it */
function rangesOf(property: string): Ranges {
  const one = expressionOf(property);
  // Both kinds of run, so that no place is tried in vain: twice as fast as a search for one.
  const runs = new RegExp(`(\\p{${property}}+)|\\P{${property}}+`, "gu");
  const found: [number, number][] = [];
  for (const [first, last] of ASSIGNED) {
    for (let block = first; block <= last; block += BLOCK) {
      const end = Math.min(block + BLOCK - 1, last);
      const width = block < 0x10000 ? 1 : 2;
      for (const { 0: run, 1: having, index } of textOf(block, end).matchAll(runs)) {
        const from = block + index / width;
        if (having !== undefined) found.push([from, from + run.length / width - 1]);
      }
    }
  }
  for (const [first, last] of ALIKE) if (one.test(String.fromCodePoint(first))) found.push([first, last]);
  const joined: [number, number][] = [];
  for (const range of found.sort(([a], [b]) => a - b)) {
    const before = joined.at(-1);
    if (before?.[1] === range[0] - 1) before[1] = range[1];
    else joined.push(range);
  }
  return Uint32Array.from(joined.flatMap(([first, last]) => [first, last, 1]));
}

function isKnown(property: string): boolean {
  try {
    return expressionOf(property).unicode;
  } catch {
    return false;
  }
}

function* pointsOf(ranges: Ranges): Generator<number> {
  for (let at = 0; at < ranges.length; at += 3) for (let point = ranges[at]!; point <= ranges[at + 1]!; point++) yield point;
}

const CASED = "Changes_When_Casemapped";
const cased = expressionOf(CASED);
/** Beyond ASCII, whose pairs the engine knows itself. */
const hasCase = (point: number) => point >= 0x80 && cased.test(String.fromCodePoint(point));

const lower = (point: number) => String.fromCodePoint(point).toLowerCase();
/** An ordinary pair, such as "A" and "a": most are, and a regular expression for each would take its time. */
const areCases = (a: number, b: number) => lower(a) === String.fromCodePoint(b) || lower(b) === String.fromCodePoint(a);

/** Which code points are the same as this one but for their case. */
function folding(point: number): (other: number) => boolean {
  const same = new RegExp(String.fromCodePoint(point), "iu");
  return (other) => same.test(String.fromCodePoint(other));
}

/** From each code point to the next that is the same but for its case; the last leads back to the first: "K" → "k" → "K" (Kelvin) → "K". */
function caseOrbits(): Map<number, number> {
  // Twice mapped, whatever folds together is one text ("ẞ" → "ß" → "SS"); the platform's own folding then says what truly does.
  const alike = Map.groupBy(pointsOf(rangesOf(CASED)), (point) => lower(point).toUpperCase());
  const orbits = new Map<number, number>();
  for (const points of alike.values()) {
    for (const point of points) {
      const orbit = points.length === 2 && areCases(points[0]!, points[1]!) ? points : points.filter(folding(point));
      if (orbit.length > 1) orbits.set(point, orbit[(orbit.indexOf(point) + 1) % orbit.length]!);
    }
  }
  return orbits;
}

/** The orbits of ASCII that are no pair: kept at hand, so that an ordinary pattern does not need all others. */
const ASCII_ORBITS: ReadonlyMap<number, number> = new Map([
  [0x4b, 0x6b],
  [0x6b, 0x212a],
  [0x212a, 0x4b],
  [0x53, 0x73],
  [0x73, 0x17f],
  [0x17f, 0x53],
]);

function lazily<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    if (!made.has(key)) made.set(key, make(key));
    return made.get(key)!;
  };
}

/**
 * In place of the engine's class of the same name. `table` makes one of its tables; of `categories` and `scripts`, which are the names that
 * it knows, a class that is newer than the platform is unknown.
 */
export function unicodeTables<T>(table: (ranges: Ranges) => T, categories: readonly string[], scripts: readonly string[]) {
  const orbits = lazily((_: null) => caseOrbits());
  const next = (point: number) => ASCII_ORBITS.get(point) ?? (hasCase(point) ? orbits(null).get(point) : undefined);
  const ranges = lazily(rangesOf);

  /** What has not the property, but is the same as something that has it, but for its case. */
  const folded = (property: string) => {
    const expression = expressionOf(property);
    const has = (point: number) => expression.test(String.fromCodePoint(point));
    const lacking = new Set<number>();
    for (const from of orbits(null).keys()) {
      if (!has(from)) continue;
      for (let to = orbits(null).get(from)!; to !== from; to = orbits(null).get(to)!) if (!has(to)) lacking.add(to);
    }
    const points = [...lacking].sort((a, b) => a - b);
    return points.length === 0 ? null : table(Uint32Array.from(points.flatMap((point) => [point, point, 1])));
  };
  const known = (names: readonly string[], prefix: string) => {
    const get = lazily((name: string) => table(ranges(prefix + name)));
    const has = (name: string) => names.includes(name) && isKnown(prefix + name);
    return { has, get, fold: { get: lazily((name: string) => folded(prefix + name)) } };
  };
  const [ofCategory, ofScript] = [known(categories, ""), known(scripts, "Script=")];
  return {
    CASE_ORBIT: { has: (point: number) => next(point) !== undefined, get: next },
    CATEGORIES: ofCategory,
    SCRIPTS: ofScript,
    FOLD_CATEGORIES: ofCategory.fold,
    FOLD_SCRIPT: ofScript.fold,
  };
}
