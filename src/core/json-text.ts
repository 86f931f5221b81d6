/**
 * JSON as text (RFC 8259), told piece by piece without building anything: what a scrubber needs to leave all other bytes alone, and a
 * comparison to stop where it has seen enough. Accepts what `JSON.parse` accepts. Iterative; O(length).
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
const COLON = 0x3a;

const INVALID = -1;
const CUT = -2;

export function walkJson(text: string, visitor: JsonVisitor): JsonEnd {
  /** What closes each open container. */
  const open: number[] = [];
  let at = skipSpace(text, 0);
  for (;;) {
    const first = text.charCodeAt(at);
    if (first === BRACE || first === BRACKET) {
      if (!visitor.open(at, first === BRACE ? "{" : "[")) return "stopped";
      // In ASCII, two code points lie between each bracket and its counterpart.
      open.push(first + 2);
      at = skipSpace(text, at + 1);
      if (text.charCodeAt(at) !== first + 2) {
        if (first === BRACE) at = readKey(text, at, visitor);
        if (at < 0) return failure(at);
        continue;
      }
    } else {
      const end = scalarEnd(text, at);
      // What touches the end of a text that goes on is perhaps only its first half.
      if (end < 0 || (end === text.length && open.length > 0)) return failure(end < 0 ? end : CUT);
      if (!visitor.scalar(at, end)) return "stopped";
      at = skipSpace(text, end);
    }
    while (open.length > 0 && text.charCodeAt(at) === open[open.length - 1]) {
      visitor.close(at + 1);
      open.pop();
      at = skipSpace(text, at + 1);
    }
    if (open.length === 0) return at === text.length ? "complete" : "invalid";
    if (text.charCodeAt(at) !== COMMA) return failure(at === text.length ? CUT : INVALID);
    at = skipSpace(text, at + 1);
    if (open[open.length - 1] === BRACE + 2) at = readKey(text, at, visitor);
    if (at < 0) return failure(at);
  }
}

/** The string whose quotes are at `start` and before `end`, as `scalar` tells them. */
export function decodeString(text: string, start: number, end: number): string {
  const inner = text.slice(start + 1, end - 1);
  return inner.includes("\\") ? JSON.parse(`"${inner}"`) : inner;
}

const failure = (code: number): JsonEnd => (code === CUT ? "cut" : "invalid");

function skipSpace(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09; code = text.charCodeAt(at)) at++;
  return at;
}

/** Reads `"key" :` and gives where its value starts, or a failure. */
function readKey(text: string, at: number, visitor: JsonVisitor): number {
  if (text.charCodeAt(at) !== QUOTE) return at >= text.length ? CUT : INVALID;
  const end = stringEnd(text, at);
  if (end < 0) return end;
  const colon = skipSpace(text, end);
  if (text.charCodeAt(colon) !== COLON) return colon >= text.length ? CUT : INVALID;
  visitor.key(decodeString(text, at, end));
  return skipSpace(text, colon + 1);
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** Up to where a text may still become a number. */
const NUMBER_START = /[-+.\deE]+/y;
const LITERALS: Readonly<Record<string, string>> = { t: "true", f: "false", n: "null" };

function scalarEnd(text: string, at: number): number {
  if (at >= text.length) return CUT;
  if (text.charCodeAt(at) === QUOTE) return stringEnd(text, at);
  const literal = LITERALS[text[at]!];
  if (literal !== undefined) {
    if (text.startsWith(literal, at)) return at + literal.length;
    return literal.startsWith(text.slice(at, at + literal.length)) ? CUT : INVALID;
  }
  NUMBER.lastIndex = at;
  const end = NUMBER.test(text) ? NUMBER.lastIndex : INVALID;
  if (end === text.length) return end;
  NUMBER_START.lastIndex = at;
  return NUMBER_START.test(text) && NUMBER_START.lastIndex === text.length ? CUT : end;
}

const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code < 0x20) return INVALID;
    if (code === 0x5c) {
      ESCAPE.lastIndex = at;
      if (!ESCAPE.test(text)) return text.length - at < 6 ? CUT : INVALID;
      at = ESCAPE.lastIndex - 1;
    }
  }
  return CUT;
}
