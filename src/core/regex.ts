/** Patterns that match a whole value in linear time whatever the pattern and the value (contract section 2). The only door to re2js: `#re2`. */
import { RE2JSSyntaxException, RE2Set } from "#re2";
import { quote } from "./problem.ts";
import { err, ok, type Result } from "./result.ts";

export interface Regex {
  readonly matches: (value: string) => boolean;
  /** Instructions of the compiled program: what a pattern costs to compile, and at worst per character of a value. */
  readonly size: number;
}

/** `[a-z0-9-]{1,253}` has 507. */
const MAX_SIZE = 1000;
/** What a pattern may remember of the values it has seen, in bytes. A hostile value fills it, an ordinary pattern needs a few hundred. */
const MAX_MEMORY = 128 * 1024;

/**
 * RE2 syntax; of the forms that need backtracking, none exists. The error says which character, and what is wrong with it: `character 4:
 * "[" is never closed`. `size` of a refused pattern is what it cost to find out.
 */
export function compileRegex(source: string): Result<Regex, { readonly reason: string; readonly size: number }> {
  const set = new RE2Set(RE2Set.ANCHOR_BOTH, 0, MAX_MEMORY);
  try {
    set.add(source);
    set.compile();
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) return err({ reason: "it is too large", size: MAX_SIZE });
    return err({ reason: explain(source, error), size: 1 });
  }
  const size = set.prog.numInst();
  if (size > MAX_SIZE) return err({ reason: `it is too large: ${size} instructions, at most ${MAX_SIZE}; shorten its repetitions`, size });
  return ok({ matches: (value) => set.match(value).length === 1, size });
}

function explain(source: string, { error, input }: RE2JSSyntaxException): string {
  const part = input ?? "";
  const place = (position: number) => `character ${[...source.slice(0, position)].length + 1}`;
  switch (error) {
    case "missing closing )":
      return `${place(openParenthesis(source))}: "(" is never closed`;
    case "unexpected )":
      return `${place(position(source, ")", error))}: ")" closes nothing`;
    default:
      return `${place(position(source, part, error))}: ${reason(error, part)}`;
  }
}

function reason(error: string, part: string): string {
  const shown = quote(part);
  if (/^\\[1-9k]/.test(part)) return `back-references such as ${shown} are not possible in linear time`;
  if (/^\(\?<?[=!]/.test(part)) return `look-${part[2] === "<" ? "behind" : "ahead"} is not possible in linear time`;
  switch (error) {
    case "missing closing ]":
      return '"[" is never closed';
    case "missing argument to repetition operator":
      return `${shown} has nothing to repeat`;
    case "invalid nested repetition operator":
      return `${shown} repeats a repetition`;
    case "invalid repeat count":
      return `${shown} is not from few to many, or makes more than 1000 repetitions in all`;
    case "invalid escape sequence":
      return `${shown} is no escape of RE2`;
    case "trailing backslash at end of expression":
      return 'a "\\" at the end escapes nothing';
    case "invalid character class range":
      return `${shown} is no range or class of characters`;
    case "duplicate capture group name":
      return `two groups are named ${shown}`;
    default:
      return `${shown} is not known in RE2 syntax (${error})`;
  }
}

/** How parsing a text fails; null: it does not. */
function failure(text: string): RE2JSSyntaxException | null {
  try {
    new RE2Set(RE2Set.ANCHOR_BOTH).add(text);
    return null;
  } catch (error) {
    return error instanceof RE2JSSyntaxException ? error : null;
  }
}

/** The library names the wrong part, not its place: the first place of it up to which the text already fails so. */
function position(source: string, part: string, error: string): number {
  let at = source.indexOf(part);
  // One character more: the name of a group is judged with what closes it.
  while (failure(source.slice(0, at + part.length + 1))?.error !== error) {
    const next = source.indexOf(part, at + 1);
    if (next <= at) break;
    at = next;
  }
  return Math.max(0, at);
}

/** The last "(" before which all is closed. */
function openParenthesis(source: string): number {
  for (let at = source.lastIndexOf("("); at > 0; at = source.lastIndexOf("(", at - 1)) {
    if (failure(source.slice(0, at)) === null) return at;
  }
  return Math.max(0, source.indexOf("("));
}
