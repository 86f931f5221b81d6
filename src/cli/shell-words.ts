/** A command line as a shell would cut it into words: POSIX quoting (IEEE 1003.1, section 2.2), and `$'…'`, which browsers copy. */
import { err, ok, type Result } from "../core/result.ts";

/** Blanks, a word's parts, and what is none of them. `\` before a line break joins the lines. */
const PART =
  /(?<blank>(?:\s|\\\r?\n)+)|\$'(?<ansi>(?:[^'\\]|\\[\s\S])*)'|'(?<single>[^']*)'|"(?<double>(?:[^"\\]|\\[\s\S])*)"|\\(?<escaped>[\s\S])|(?<bare>[^\s'"\\])/y;

/** The error names the character, counted from 1, at which a quote opens that nothing closes. */
export function shellWords(text: string): Result<string[], string> {
  const words: string[] = [];
  let word: string | null = null;
  PART.lastIndex = 0;
  for (let position = 0; position < text.length; position = PART.lastIndex) {
    PART.lastIndex = position;
    const { blank, ansi, single, double, escaped, bare } = PART.exec(text)?.groups ?? {};
    if (blank !== undefined) {
      if (word !== null) words.push(word);
      word = null;
      continue;
    }
    const part =
      single ?? (ansi === undefined ? undefined : ansiC(ansi)) ?? double?.replace(/\\([$`"\\]|\r?\n)/g, dropped) ?? escaped ?? bare;
    if (part === undefined) return err(`the quote at character ${position + 1} is never closed`);
    word = (word ?? "") + part;
  }
  if (word !== null) words.push(word);
  return ok(words);
}

/** Within double quotes a backslash escapes these only, and vanishes with a line break. */
const dropped = (_: string, char: string): string => (char.endsWith("\n") ? "" : char);

const ANSI_C: Readonly<Record<string, string>> = { a: "\x07", b: "\b", e: "\x1b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

function ansiC(text: string): string {
  return text.replace(
    /\\(?:u([\da-fA-F]{1,4})|U([\da-fA-F]{1,8})|x([\da-fA-F]{1,2})|([0-7]{1,3})|([\s\S]))/g,
    (_, u, U, x, octal, char) => {
      const code = u ?? U ?? x;
      if (code !== undefined) return String.fromCodePoint(Math.min(Number.parseInt(code, 16), 0x10ffff));
      return octal === undefined ? (ANSI_C[char] ?? char) : String.fromCharCode(Number.parseInt(octal, 8));
    },
  );
}

/** The way back: one word, whatever is in it. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** What only Windows' `cmd` has: an escaped quote, a line joined by `^`, or both escapes of a quote within quotes. */
const CMD = /^\s*curl(?:\.exe)?\s+\^"|\s\^\r?\n|\^\\\^"/;

export const isCmd = (text: string): boolean => CMD.test(text);

/**
 * A command line as `cmd` and then the C runtime of Windows would cut it into words, which is what browsers copy as "cURL (cmd)" or
 * "cURL (Windows)": `^` escapes the next character outside of quotes, and joins lines; then `\"` and `""` are a quote within quotes.
 * Browsers double every backslash, so `\\` is one.
 */
export function cmdWords(text: string): Result<string[], string> {
  const words: string[] = [];
  let word: string | null = null;
  let quoted: number | null = null;
  const line = withoutCarets(text);
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!;
    const next = line[at + 1];
    if (char === "\\" && (next === "\\" || next === '"')) word = (word ?? "") + line[++at];
    else if (char === '"' && quoted !== null && next === '"') word = (word ?? "") + line[++at];
    else if (char === '"') {
      quoted = quoted === null ? at : null;
      word ??= "";
    } else if (quoted === null && (char === " " || char === "\t")) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + char;
  }
  if (quoted !== null) return err(`a quote is never closed: ${line.slice(quoted, quoted + 40)}`);
  if (word !== null) words.push(word);
  return ok(words);
}

/** `cmd`'s part. After a joined line the next character stands for itself, a line break too. */
function withoutCarets(text: string): string {
  const lines = text.replace(/\r\n?/g, "\n").trimEnd();
  let out = "";
  let quoted = false;
  for (let at = 0; at < lines.length; at++) {
    const char = lines[at]!;
    if (char === "^" && !quoted) {
      if (lines[at + 1] === "\n") at++;
      out += lines[++at] ?? "";
      continue;
    }
    if (char === '"') quoted = !quoted;
    out += char === "\n" ? " " : char;
  }
  return out;
}
