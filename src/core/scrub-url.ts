/**
 * Parameters taken out of a query, and out of whatever holds a URL: `Referer`, `X-Original-URL`, a parameter `next` (contract section 7). What
 * stays, stays byte for byte. Parameters are parted by `&`, by `;` (HTML 4.01, appendix B.2.2), and by the `?` and `#` of a URL within a URL.
 */
import { losesBytes } from "./header-text.ts";
import { walkJson } from "./json-text.ts";
import { percentDecode } from "./percent.ts";

/** Is a parameter with this decoded key to go? */
export type IsNamed = (key: string) => boolean;

/** A URL in a URL in a URL; what is packed deeper is unpacked by nobody, and goes as a whole. */
const MAX_DEPTH = 4;

const PIECE = /[?#&;]?[^?#&;]*/g;

const decodeForm = (text: string): string => percentDecode(text.replaceAll("+", " "));

/** O(length) at each of four depths. */
function scrub(text: string, isNamed: IsNamed, depth: number): string {
  let kept = "";
  let changed = false;
  /** Of a parameter that goes: up to the next `&`, since to most readers `;` is part of a value, or to the next parameter of any kind. */
  let going: "no" | "to-ampersand" | "to-next" = "no";
  let begun = false;
  /** The first parameter of a list is gone: the next one begins the list. */
  let owed: string | null = null;
  for (const piece of text.match(PIECE) ?? []) {
    const mark = /^[?#&;]/.test(piece) ? piece[0]! : "";
    const pair = piece.slice(mark.length);
    const equals = pair.indexOf("=");
    const begins = mark === "" || mark === "#" || (mark === "?" && !begun);
    begun ||= mark === "?" || (mark === "" && equals >= 0);
    if (mark === "&" || begins || (going === "to-next" && equals >= 0)) going = "no";
    if (going === "no" && isNamed(decodeForm(equals < 0 ? pair : pair.slice(0, equals)))) {
      going = mark === ";" ? "to-next" : "to-ampersand";
      if (begins) owed = mark;
    }
    const value = going === "no" ? scrubValue(pair.slice(equals + 1), isNamed, depth) : null;
    if (value === null) changed = true;
    else {
      const whole = pair.slice(0, equals + 1) + value;
      changed ||= whole !== pair;
      kept += (begins ? mark : (owed ?? mark)) + whole;
      owed = null;
    }
  }
  return changed ? kept : text;
}

/** Has an object in this JSON a named key? */
function jsonHas(text: string, isNamed: IsNamed): boolean {
  let has = false;
  walkJson(text, {
    key: (name) => {
      has ||= isNamed(name);
    },
    scalar: () => !has,
    open: () => !has,
    close: () => undefined,
  });
  return has;
}

/** A value that holds parameters, encoded; null: it is packed too deep to be known, or is JSON with a named key. */
function scrubValue(value: string, isNamed: IsNamed, depth: number): string | null {
  if (!value.includes("%")) return value;
  const plain = decodeForm(value);
  if (/^\s*[[{]/.test(plain) && jsonHas(plain, isNamed)) return null;
  if (plain === value || !/[=%]/.test(plain)) return value;
  if (depth === MAX_DEPTH) return null;
  const scrubbed = scrub(plain, isNamed, depth + 1);
  return scrubbed === plain ? value : encodeURIComponent(scrubbed.toWellFormed());
}

/** `search` (`""` or `?…`) without the named parameters; the others stand in order. */
export function scrubQuery(search: string, isNamed: IsNamed): string {
  return scrub(search, isNamed, 0);
}

/** A header's value without the named parameters of the URLs in it; null: what is left cannot be written again as it was. */
export function scrubValueOf(value: string, isNamed: IsNamed): string | null {
  if (!/[=%]/.test(value)) return value;
  const scrubbed = scrub(value, isNamed, 0);
  return scrubbed !== value && losesBytes(scrubbed) ? null : scrubbed;
}

/** What begins a parameter, encoded up to as deep as is unpacked. */
const MARK = /[?#&;]|%(?:25){0,4}(?:3[fb]|2[36])/gi;
/** Nobody reads more of them while a client waits: what has more passes for one that has a named one. */
const MAX_PARAMETERS = 250;

/** Has this request a named parameter, in its query or, as Servlets write session ids, in its path (`/a;jsessionid=1`)? */
export function hasParameter(path: string, search: string, isNamed: IsNamed): boolean {
  const semicolon = path.indexOf(";");
  if (search === "" && semicolon < 0) return false;
  if ((`${path}${search}`.match(MARK)?.length ?? 0) > MAX_PARAMETERS) return true;
  return (
    (search !== "" && scrubQuery(search, isNamed) !== search) ||
    (semicolon >= 0 && scrub(path.slice(semicolon), isNamed, 0) !== path.slice(semicolon))
  );
}
