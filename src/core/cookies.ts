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

/** RFC 6265, section 5.4, read leniently: the first of two equal names wins, quotes around a value go. */
export function parseCookies(header: string | null | undefined): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  if (!header) return cookies;
  const stop = Math.min(header.length, MAX_READ);
  for (let start = 0; start < stop; ) {
    const end = endOfPair(header, start);
    const pair = end > start && end <= MAX_READ ? header.slice(start, end) : "";
    start = end + 1;
    const name = nameOf(pair);
    if (name !== "" && !cookies.has(name)) cookies.set(name, percentDecode(unquoted(pair.slice(pair.indexOf("=") + 1).trim())));
  }
  return cookies;
}

const nameOf = (pair: string): string => pair.slice(0, Math.max(0, pair.indexOf("="))).trim();

const SEPARATOR = /;|, |$/g;

/** Where the next pair may begin by any reading: an origin's need not be ours. */
function nextStart(header: string, from: number): number {
  SEPARATOR.lastIndex = from;
  return SEPARATOR.exec(header)!.index;
}

/** The header to send: `""` where nothing is left. A cookie that bears one of the names by any reading goes, so that none reaches an origin. */
export function withoutCookies(header: string, names: readonly string[]): string {
  if (!names.some((name) => header.includes(name))) return header;
  const shortest = Math.min(...names.map((name) => name.length));
  let kept = "";
  let from = 0;
  for (let start = 0; start <= header.length; ) {
    let end = nextStart(header, start);
    if (end - start > shortest && names.includes(nameOf(header.slice(start, end)))) {
      // All of its value, without the separator before it: what stands after parts the others as before.
      end = endOfPair(header, start);
      kept += header.slice(from, Math.max(from, start - 1));
      from = end;
    }
    start = end + 1;
  }
  if (from === 0) return header;
  const rest = header.slice(from);
  return kept === "" ? rest.replace(/^[;,]? */, "") : kept + rest;
}
