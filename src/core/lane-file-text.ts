/**
 * The text of a lane file → its JSON value, or what is wrong with it and where (RFC 8259). The engine's own messages differ from version
 * to version and often name no place; and of two equal keys it takes the last without a word, so that one of two lanes would vanish.
 */
import { at, quote, type Report } from "./problem.ts";

/** KV takes 25 MiB; a lane file with 1,000 rules has less than 200 KiB. */
const MAX_LENGTH = 1024 * 1024;

/** undefined: the text is not JSON. The text is walked once, without recursion, however deep it nests. */
export function readLaneFile(text: string, report: Report): unknown {
  if (text.length > MAX_LENGTH) {
    report.add("", `expected at most ${MAX_LENGTH} characters (1 MiB), got ${text.length}`);
    return undefined;
  }
  // A byte order mark, which some editors leave at the front.
  const json = text.replace(/^\ufeff/, "");
  const mistake = scan(json, report);
  if (mistake === null) return JSON.parse(json);
  report.add("", `not JSON: ${place(json, mistake.position)}: expected ${mistake.expected}, got ${found(json, mistake.position)}`);
  return undefined;
}

/** An object or list that is not closed yet: the keys it has so far, and where in it the reader stands. */
type Level = { readonly end: "}"; readonly keys: Set<string>; key: string } | { readonly end: "]"; readonly keys: null; key: number };

type Mistake = { readonly position: number; readonly expected: string };

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/** Where `pattern` ends if it stands at `position`, else -1. */
function endOf(pattern: RegExp, text: string, position: number): number {
  pattern.lastIndex = position;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

const STRING_RULE = 'a text that ends with " on its line, with \\ only before one of " \\ / b f n r t u';

function scan(text: string, report: Report): Mistake | null {
  const levels: Level[] = [];
  let state: "value" | "first value" | "key" | "first key" | "after" = "value";
  for (let position = endOf(SPACE, text, 0); ; position = endOf(SPACE, text, position)) {
    const level = levels.at(-1);
    const char = text[position];
    if (state === "after" && level === undefined) return position === text.length ? null : { position, expected: "nothing more" };
    if (level !== undefined && char === level.end && state !== "value" && state !== "key") {
      levels.pop();
      state = "after";
      position++;
    } else if (state === "after") {
      if (char !== ",") return { position, expected: `"," or ${quote(level!.end)}` };
      state = level!.end === "}" ? "key" : "value";
      if (level!.end === "]") level!.key++;
      position++;
    } else if (state === "key" || state === "first key") {
      const end = endOf(STRING, text, position);
      if (end < 0) return { position, expected: char === '"' ? STRING_RULE : keyExpected(state) };
      noteKey(JSON.parse(text.slice(position, end)), levels, report);
      position = endOf(SPACE, text, end);
      if (text[position] !== ":") return { position, expected: '":"' };
      state = "value";
      position++;
    } else if (char === "{" || char === "[") {
      levels.push(char === "{" ? { end: "}", keys: new Set(), key: "" } : { end: "]", keys: null, key: 0 });
      state = char === "{" ? "first key" : "first value";
      position++;
    } else {
      const end = endOf(char === '"' ? STRING : SCALAR, text, position);
      if (end < 0) return { position, expected: char === '"' ? STRING_RULE : state === "value" ? "a value" : 'a value or "]"' };
      state = "after";
      position = end;
    }
  }
}

const keyExpected = (state: "key" | "first key") => (state === "key" ? "a key in double quotes" : 'a key in double quotes or "}"');

function noteKey(key: string, levels: readonly Level[], report: Report): void {
  const level = levels.at(-1);
  if (level?.end !== "}") return;
  level.key = key;
  if (level.keys.has(key)) {
    const path = levels.reduce((outer, each) => at(outer, each.key), "");
    report.add(path, `expected each key only once, got ${quote(key)} twice`);
  }
  level.keys.add(key);
}

function place(text: string, position: number): string {
  const lines = text.slice(0, position).split("\n");
  return `line ${lines.length}, column ${lines.at(-1)!.length + 1}`;
}

function found(text: string, position: number): string {
  if (position >= text.length) return "the end of the text";
  const rest = text.slice(position, position + 20);
  if (/^\/[/*]/.test(rest)) return "a comment, which JSON does not have";
  if (/^[}\]]/.test(rest) && text.slice(0, position).trimEnd().endsWith(",")) return `${quote(rest[0]!)} after a comma`;
  return quote(/^(?:[\w.+-]+|.)/su.exec(rest)![0]);
}
