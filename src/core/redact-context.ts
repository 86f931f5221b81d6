/**
 * Where in a text secrets stand, as the words around them say: a field's own name (`password=`, `"token": `, `<password>`), its sibling's
 * (`name="csrf" value=`, `{ "name": "password", "value": … }`), the link's (`/reset/…`), the cookie's line. Whatever the text is: JSON, also
 * within a string, forms, URLs, HTML, XML, YAML, logs, headers. Linear; errs on the side of hiding.
 */
import { isSecretKey, isSecretName } from "./secret-names.ts";
import { announcesSecret, issuedSegments } from "./secret-paths.ts";

/** From, to: what is to be hidden. `own`: by its own name, which stands with it wherever it is shown. */
export interface Range {
  readonly start: number;
  readonly end: number;
  readonly own: boolean;
}

/** A name and what it is for, as texts write pairs. */
interface Pair {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  /** Where its key, or the tag before it, begins. */
  readonly from: number;
}

/** A quote, as such, escaped in a string, as an entity, or percent-encoded. */
const QUOTE = String.raw`\\{0,4}["'\`]|&quot;|&#34;|&#39;|%22|%27`;
/**
 * Whole words only, each of which is read once (the group in a lookahead is never taken apart again): a text of one long word must not be read
 * again from each of its letters. Not within a percent-encoded character.
 */
const KEY = new RegExp(
  String.raw`(?<=^|[^\w.$@%-]|%[0-9A-Fa-f]{2})[.-]{0,2}(?=([\w.$@-]+))\1(?:\]|%5[dD])?(?:${QUOTE})?\s{0,3}(=>?|:|%3[dDaA])\s{0,3}(${QUOTE})?`,
  "g",
);
/** What ends a value without quotes, by what stands before it. */
const END_OF_WORD = /[\s"'`&,;<>{}()[\]\\]|%26|%23|%3[bB]/g;
const END_OF_LINE = /[\r\n"'`&,;<>{}\]\\]/g;
const END_OF_COOKIES = /[\r\n"'<\\]/g;
const END_OF_ROW = /[\r\n]/g;
/** What a longer key ends with says what it is. */
const MAX_KEY = 64;
/** Of a value in quotes, and of one in brackets. */
const MAX_VALUE = 4096;
/** What parts parameters, before a key. */
const PARAMETER = /(?:[?&;#]|&amp;|%3[fF]|%26|%23|%3[bB])$/;

/** A text between two tags (XML, and HTML where it looks so). */
const ELEMENT = /<([A-Za-z_][\w:.-]{0,63})(\s[^<>]{0,2000})?>(<!\[CDATA\[)?([^<]+)/g;

/** Keys of objects, names of attributes and of elements: in `<dt>PIN</dt><dd>…</dd>` the one tells what the other is. */
const NAMES =
  /^(?:k|name|key|id|field|property|itemprop|param|parameter|attribute|type|header|http-equiv|autocomplete|(?:field|param|parameter|property|attribute|header|setting|env|variable|option)[-_]?(?:name|key)|keyname|dt|th|td|label)$/i;
const VALUES =
  /^(?:v|values?|val|content|text|data|string|raw|current|old|new|before|after|data-.*|default|(?:default|initial|field|key|param|parameter|property|attribute|header|setting|env|variable|option)[-_]?value|dd|td|b|span|output|code)$/i;

/** Says this key that another one's value stands beside it? */
export const isNameKey = (key: string): boolean => NAMES.test(key);
export const isValueKey = (key: string): boolean => VALUES.test(key);

/** Ends of values without quotes. They are asked for from left to right, so what was found for one value holds for all that begin within it. */
class Ends {
  readonly #text: string;
  readonly #known = new Map<RegExp, readonly [from: number, end: number]>();

  constructor(text: string) {
    this.#text = text;
  }

  next(end: RegExp, from: number): number {
    const [first, last] = this.#known.get(end) ?? [0, -1];
    if (first <= from && from <= last) return last;
    end.lastIndex = from;
    const found = end.exec(this.#text)?.index ?? this.#text.length;
    this.#known.set(end, [from, found]);
    return found;
  }
}

/** The quote that ends what one of its kind began; a plain one, not where a backslash stands before it. */
function quotedEnd(text: string, from: number, quote: string, ends: Ends): number {
  for (let at = text.indexOf(quote, from); at >= 0 && at - from <= MAX_VALUE; at = text.indexOf(quote, at + 1)) {
    if (quote.length > 1 || text[at - 1] !== "\\" || text[at - 2] === "\\") return at;
  }
  return ends.next(END_OF_ROW, from);
}

/** Past the bracket that ends what one at `from` begins. */
function bracketEnd(text: string, from: number): number {
  let depth = 0;
  const last = Math.min(text.length, from + MAX_VALUE);
  for (let at = from; at < last; at++) {
    if (text[at] === "{" || text[at] === "[") depth++;
    else if ((text[at] === "}" || text[at] === "]") && --depth === 0) return at + 1;
  }
  return last;
}

/** The same keys come again and again. */
const MAX_KNOWN = 500;

const isBracket = (char: string | undefined): boolean => char === "{" || char === "[";

function valueEnd(text: string, from: number, key: string, separator: string, quote: string | undefined, ends: Ends): number {
  if (quote !== undefined) return quotedEnd(text, from, quote, ends);
  if (separator === ":" && /cookie$/i.test(key)) return ends.next(END_OF_COOKIES, from);
  return ends.next(separator === ":" ? END_OF_LINE : END_OF_WORD, from);
}

/** All pairs but those within a value that is hidden, which goes into `ranges`. */
function pairsIn(text: string, names: ReadonlySet<string>, ranges: Range[]): Pair[] {
  const pairs: Pair[] = [];
  const ends = new Ends(text);
  const isForm = text.includes("&");
  const known = new Map<string, boolean>();
  const isSecretHere = (key: string): boolean => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const secret = isSecretName(key, names);
    if (known.size < MAX_KNOWN) known.set(key, secret);
    return secret;
  };
  KEY.lastIndex = 0;
  for (let found = KEY.exec(text); found !== null; found = KEY.exec(text)) {
    const [whole, word = "", separator = "", quote] = found;
    const key = word.slice(-MAX_KEY);
    const from = found.index;
    const start = from + whole.length;
    const isParameter =
      /^(?:=|%3d)$/i.test(separator) && ((from === 0 && isForm) || PARAMETER.test(text.slice(Math.max(0, from - 5), from)));
    const own = isSecretHere(key);
    const isSecret = own || (isParameter && isSecretKey(key));
    const end = isSecret && isBracket(text[start]) ? bracketEnd(text, start) : valueEnd(text, start, key, separator, quote, ends);
    pairs.push({ key, start, end, from });
    if (isSecret) ranges.push({ start, end, own });
    // A value may hold pairs of its own.
    KEY.lastIndex = isSecret ? end : start;
  }
  return pairs;
}

function elementsIn(text: string): Pair[] {
  const elements: Pair[] = [];
  ELEMENT.lastIndex = 0;
  for (let found = ELEMENT.exec(text); found !== null; found = ELEMENT.exec(text)) {
    const [whole, tag = "", , , inner = ""] = found;
    const end = found.index + whole.length;
    if (inner.trim() !== "") elements.push({ key: tag.slice(tag.indexOf(":") + 1), start: end - inner.length, end, from: found.index });
    ELEMENT.lastIndex = end;
  }
  return elements;
}

/** As far as a sibling may stand away, in characters and in pairs. */
const MAX_AWAY = 300;
const MAX_PAIRS_AWAY = 4;
/** Longer values are no names. */
const MAX_NAME = 100;

/** The value that belongs to the name at `at`: in the same tag or braces on either side, else the next one. */
function siblingOf(pairs: readonly Pair[], at: number, text: string): Pair | null {
  const name = pairs[at]!;
  let next: Pair | null = null;
  for (let away = 1; away <= MAX_PAIRS_AWAY; away++) {
    for (const other of [pairs[at + away], pairs[at - away]]) {
      if (other === undefined || !isValueKey(other.key)) continue;
      const between = other.from > name.from ? text.slice(name.end, other.start) : text.slice(other.end, name.from);
      if (between.length > MAX_AWAY) continue;
      if (!/[<>{}]/.test(between)) return other;
      if (other.from > name.from) next ??= other;
    }
  }
  return next;
}

/** In no order; they may overlap. `names`: more that are secret, by `plainName`. */
export function secretRanges(text: string, names: ReadonlySet<string>): Range[] {
  const ranges: Range[] = [];
  const keyed = pairsIn(text, names, ranges);
  const elements = text.includes("<") ? elementsIn(text) : [];
  for (const { key, start, end } of elements) if (isSecretName(key, names)) ranges.push({ start, end, own: true });
  const pairs = elements.length === 0 ? keyed : [...keyed, ...elements].sort((a, b) => a.start - b.start);
  pairs.forEach((pair, at) => {
    if (!isNameKey(pair.key) || pair.end - pair.start > MAX_NAME || !isSecretName(text.slice(pair.start, pair.end), names)) return;
    const sibling = siblingOf(pairs, at, text);
    if (sibling !== null) {
      const end = isBracket(text[sibling.start]) ? bracketEnd(text, sibling.start) : sibling.end;
      ranges.push({ start: sibling.start, end, own: false });
    }
    // `<property name="password">…</property>`
    const inside = pairs.slice(at + 1, at + 1 + MAX_PAIRS_AWAY).find(({ from }) => from < pair.from);
    if (inside !== undefined) ranges.push({ start: inside.start, end: inside.end, own: false });
  });
  for (const range of issuedSegments(text, (segment) => announcesSecret(segment) || names.has(segment.toLowerCase())))
    ranges.push({ ...range, own: true });
  saidRanges(text, names, ranges);
  return ranges;
}

/** `setItem("token", "…")`: the first of two texts in a call says what the second is. */
const CALL = new RegExp(String.raw`\(\s{0,3}(${QUOTE})([A-Za-z_][\w.$-]{0,63})\1\s{0,3},\s{0,3}(${QUOTE})`, "g");
/** `Your one-time password is 483920`, `483920 is your code`: whoever says so to a person writes it with a digit, and not in a word. */
const SAID = /\b([A-Za-z][A-Za-z-]{2,30})\s(?:is|was)\s{1,3}(?=[^\s\d]{0,40}\d)([^\s"'`<>&,;]{4,64})/g;
const SAID_BEFORE = /(?<![^\s"'`<>])(?=[^\s\d]{0,40}\d)([^\s"'`<>&,;]{4,64}) is your ([A-Za-z -]{3,60})/g;

/** A code that is spoken of is one. */
const isSaid = (name: string, names: ReadonlySet<string>): boolean => /^codes?$/i.test(name) || isSecretName(name, names);

function saidRanges(text: string, names: ReadonlySet<string>, ranges: Range[]): void {
  const ends = new Ends(text);
  for (const { 0: whole, 2: name = "", 3: quote = "", index } of text.matchAll(CALL)) {
    const start = index + whole.length;
    if (isSecretName(name, names)) ranges.push({ start, end: quotedEnd(text, start, quote, ends), own: false });
  }
  if (!/ (?:is|was)\s/.test(text)) return;
  for (const { 0: whole, 1: name = "", 2: value = "", index } of text.matchAll(SAID)) {
    const start = index + whole.length - value.length;
    if (isSaid(name, names)) ranges.push({ start, end: start + value.replace(/[.!?)]+$/, "").length, own: false });
  }
  for (const { 1: value = "", 2: said = "", index } of text.matchAll(SAID_BEFORE)) {
    if (said.split(" ").some((word) => isSaid(word, names))) ranges.push({ start: index, end: index + value.length, own: false });
  }
}
