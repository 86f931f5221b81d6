/** The `Cookie` header: read once into pairs, and sent on without ours and otherwise byte for byte. Linear in the input, never throws. */
import { percentDecode } from "./percent.ts";

/** Characters that are looked into. Browsers keep 4,096 bytes a cookie, most servers take 8 or 16 kB in all; all of it is sent on. */
const MAX_READ = 32_768;

const [SEMICOLON, COMMA, QUOTE] = [0x3b, 0x2c, 0x22] as const;

/** A cookie's name is a token (RFC 6265, section 4.1.1). */
const NEXT_LINE = /, [!#$%&'*+.^_`|~\w-]+=/y;

/**
 * A value may hold a comma and a space, such as a date or JSON: only semicolons part cookies (RFC 6265bis, section 4.2.1). But two Cookie lines of
 * HTTP/1.1, which no browser sends, arrive joined by just that. So the next line begins where a name and `=` follow, outside of quotes.
 */
function endOfPair(header: string, from: number): number {
  let quoted = false;
  let at = from;
  for (; at < header.length; at++) {
    const code = header.charCodeAt(at);
    if (code === SEMICOLON) break;
    if (code === QUOTE) quoted = !quoted;
    if (code !== COMMA || quoted) continue;
    NEXT_LINE.lastIndex = at;
    if (NEXT_LINE.test(header)) break;
  }
  return at;
}

const unquoted = (value: string): string => (value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value);

/** Every pair in its order, until `take` says true. */
function eachPair(header: string, take: (name: string, pair: string) => unknown): void {
  const stop = Math.min(header.length, MAX_READ);
  for (let start = 0; start < stop; ) {
    const end = endOfPair(header, start);
    const pair = end > start && end <= MAX_READ ? header.slice(start, end) : "";
    start = end + 1;
    const name = nameOf(pair);
    if (name !== "" && take(name, pair) === true) return;
  }
}

/** RFC 6265, section 5.4, read leniently: the first of two equal names wins, quotes around a value go. */
export function parseCookies(header: string | null | undefined): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  if (!header) return cookies;
  eachPair(header, (name, pair) => {
    if (!cookies.has(name)) cookies.set(name, decoded(pair));
  });
  return cookies;
}

/** What `read` makes of the first cookie of this name that it can use: null is none. A browser may keep several, of other paths, domains or partitions. */
export function firstUsable<T>(header: string, wanted: string, read: (value: string) => T | null): T | null {
  let found: T | null = null;
  eachPair(header, (name, pair) => {
    if (name === wanted) found = read(decoded(pair));
    return found !== null;
  });
  return found;
}

const nameOf = (pair: string): string => pair.slice(0, Math.max(0, pair.indexOf("="))).trim();

const textOf = (pair: string): string => unquoted(pair.slice(pair.indexOf("=") + 1).trim());
const decoded = (pair: string): string => percentDecode(textOf(pair));

/** Is this cookie one of those that are looked for? */
export type IsCookie = (name: string, value: string) => boolean;

/** The same of a pair as `Cookie` and the beginning of `Set-Cookie` have it. */
export const isPairOf = (is: IsCookie, pair: string): boolean => is(nameOf(pair), textOf(pair));

const SEPARATOR = /;|, |$/g;

/** Where the next pair may begin by any reading: an origin's need not be ours. */
function nextStart(header: string, from: number): number {
  SEPARATOR.lastIndex = from;
  return SEPARATOR.exec(header)!.index;
}

/**
 * The header to send: `""` where nothing is left. A cookie that is one of those by any reading goes, so that none reaches an origin. Most headers
 * and pairs do not have the `mark` that all of those have in their names, and are not looked into.
 */
export function withoutCookies(header: string, mark: string, is: IsCookie): string {
  let kept = "";
  let from = 0;
  let next = header.indexOf(mark);
  for (let start = 0; next >= 0; ) {
    let end = nextStart(header, start);
    if (next < end && isPairOf(is, header.slice(start, end))) {
      // All of its value, without the separator before it: what stands after parts the others as before.
      end = endOfPair(header, start);
      kept += header.slice(from, Math.max(from, start - 1));
      from = end;
    }
    start = end + 1;
    if (next < start) next = header.indexOf(mark, start);
  }
  if (from === 0) return header;
  const rest = header.slice(from);
  return kept === "" ? rest.replace(/^[;,]? */, "") : kept + rest;
}
