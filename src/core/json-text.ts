/**
 * JSON as text (RFC 8259), told piece by piece without building anything: what a scrubber needs to leave all other bytes alone, and a
 * comparison to stop where it has seen enough. Accepts what `JSON.parse` accepts, and where it is asked to also what only JavaScript does.
 * Iterative; O(length).
 */

export interface JsonVisitor {
  /** The key of the value that comes next. */
  key(name: string): void;
  /** A string, number, true, false or null, at `text.slice(start, end)`. False stops the walk; so in `open`. */
  scalar(start: number, end: number): boolean;
  open(start: number, bracket: "{" | "["): boolean;
  /** The last one opened; `end` is past its bracket. */
  close(end: number): void;
}

/** `cut`: the text ends before its value does. */
export type JsonEnd = "complete" | "stopped" | "cut" | "invalid";

const BRACE = 0x7b;
const BRACKET = 0x5b;
const COMMA = 0x2c;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const COLON = 0x3a;

const INVALID = -1;
const CUT = -2;
const STOPPED = -3;

export function walkJson(text: string, visitor: JsonVisitor): JsonEnd {
  const end = walkValue(text, 0, visitor, false);
  return end < 0 ? failure(end) : end === text.length ? "complete" : "invalid";
}

/**
 * The value that begins at `from`: where it and the white space after it end, or a failure (`failure` names it). `loose`: as JavaScript may
 * write it, too: names without quotes, `'strings'`, `NaN`, `Infinity`, `undefined`, `!0`, a last comma.
 */
export function walkValue(text: string, from: number, visitor: JsonVisitor, loose: boolean): number {
  /** What closes each open container. */
  const open: number[] = [];
  let at = skipSpace(text, from);
  for (;;) {
    const first = text.charCodeAt(at);
    if (first === BRACE || first === BRACKET) {
      if (!visitor.open(at, first === BRACE ? "{" : "[")) return STOPPED;
      // In ASCII, two code points lie between each bracket and its counterpart.
      open.push(first + 2);
      at = skipSpace(text, at + 1);
      if (text.charCodeAt(at) !== first + 2) {
        if (first === BRACE) at = readKey(text, at, visitor, loose);
        if (at < 0) return at;
        continue;
      }
    } else {
      const end = scalarEnd(text, at, loose);
      // What touches the end of a text that goes on is perhaps only its first half.
      if (end < 0 || (end === text.length && open.length > 0)) return end < 0 ? end : CUT;
      if (!visitor.scalar(at, end)) return STOPPED;
      at = skipSpace(text, end);
    }
    for (let comma = false; !comma; ) {
      while (open.length > 0 && text.charCodeAt(at) === open[open.length - 1]) {
        visitor.close(at + 1);
        open.pop();
        at = skipSpace(text, at + 1);
      }
      if (open.length === 0) return at;
      if (text.charCodeAt(at) !== COMMA) return at === text.length ? CUT : INVALID;
      at = skipSpace(text, at + 1);
      comma = !loose || text.charCodeAt(at) !== open[open.length - 1];
    }
    if (open[open.length - 1] === BRACE + 2) at = readKey(text, at, visitor, loose);
    if (at < 0) return at;
  }
}

/** The string whose quotes are at `start` and before `end`, as `scalar` tells them. */
export function decodeString(text: string, start: number, end: number): string {
  const inner = text.slice(start + 1, end - 1);
  if (!inner.includes("\\")) return inner;
  try {
    return JSON.parse(`"${inner}"`);
  } catch {
    return inner.replace(LOOSE_ESCAPE, unescaped);
  }
}

/** ECMAScript, section 12.9.4: `\x3c`, `\u{1f600}`, `\'`. */
const LOOSE_ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{0{0,8}(10[0-9a-fA-F]{4}|[0-9a-fA-F]{1,5})\}|([\s\S]))/g;
const LETTERS: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", 0: "\0", "\n": "" };

const unescaped = (_: string, byte?: string, unit?: string, point?: string, letter = ""): string => {
  const code = byte ?? unit ?? point;
  return code === undefined ? (LETTERS[letter] ?? letter) : String.fromCodePoint(Number.parseInt(code, 16));
};

export const failure = (code: number): Exclude<JsonEnd, "complete"> => (code === CUT ? "cut" : code === STOPPED ? "stopped" : "invalid");

function skipSpace(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09; code = text.charCodeAt(at)) at++;
  return at;
}

const NAME = /[\p{ID_Start}$_][\p{ID_Continue}$]*|\d{1,15}/uy;

/** Reads `"key" :` and gives where its value starts, or a failure. */
function readKey(text: string, at: number, visitor: JsonVisitor, loose: boolean): number {
  const first = text.charCodeAt(at);
  const quoted = first === QUOTE || (loose && first === APOSTROPHE);
  if (!quoted && !(loose && isNameAt(text, at))) return at >= text.length ? CUT : INVALID;
  const end = quoted ? stringEnd(text, at, loose) : NAME.lastIndex;
  if (end < 0) return end;
  const colon = skipSpace(text, end);
  if (text.charCodeAt(colon) !== COLON) return colon >= text.length ? CUT : INVALID;
  visitor.key(quoted ? decodeString(text, at, end) : text.slice(at, end));
  return skipSpace(text, colon + 1);
}

function isNameAt(text: string, at: number): boolean {
  NAME.lastIndex = at;
  return NAME.test(text);
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** Up to where a text may still become a number. */
const NUMBER_START = /[-+.\deE]+/y;
const LITERALS: Readonly<Record<string, string>> = { t: "true", f: "false", n: "null" };
const LOOSE_LITERAL = /(?:NaN|-?Infinity|undefined|void 0)\b|![01]/y;

function scalarEnd(text: string, at: number, loose: boolean): number {
  if (at >= text.length) return CUT;
  const first = text.charCodeAt(at);
  if (first === QUOTE || (loose && first === APOSTROPHE)) return stringEnd(text, at, loose);
  const literal = LITERALS[text[at]!];
  if (literal !== undefined) {
    if (text.startsWith(literal, at)) return at + literal.length;
    return literal.startsWith(text.slice(at, at + literal.length)) ? CUT : INVALID;
  }
  if (loose) {
    LOOSE_LITERAL.lastIndex = at;
    if (LOOSE_LITERAL.test(text)) return LOOSE_LITERAL.lastIndex;
  }
  NUMBER.lastIndex = at;
  const end = NUMBER.test(text) ? NUMBER.lastIndex : INVALID;
  if (end === text.length) return end;
  NUMBER_START.lastIndex = at;
  return NUMBER_START.test(text) && NUMBER_START.lastIndex === text.length ? CUT : end;
}

const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

function stringEnd(text: string, start: number, loose: boolean): number {
  const quote = text.charCodeAt(start);
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    if (code < 0x20 && !loose) return INVALID;
    if (code === 0x5c && loose) at++;
    else if (code === 0x5c) {
      ESCAPE.lastIndex = at;
      if (!ESCAPE.test(text)) return text.length - at < 6 ? CUT : INVALID;
      at = ESCAPE.lastIndex - 1;
    }
  }
  return CUT;
}
