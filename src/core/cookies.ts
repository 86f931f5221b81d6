/** The `Cookie` header: read once into pairs, and sent on without ours and otherwise byte for byte. Linear in the input, never throws. */
import { percentDecode } from "./percent.ts";

/** Characters that are looked into. Browsers keep 4,096 bytes a cookie, most servers take 8 or 16 kB in all; all of it is sent on. */
const MAX_READ = 32_768;

const [SEMICOLON, COMMA, SPACE] = [0x3b, 0x2c, 0x20] as const;

/** Two Cookie lines of HTTP/1.1 arrive joined by a comma and a space. */
function endOfPair(header: string, from: number): number {
  let at = from;
  for (; at < header.length; at++) {
    const code = header.charCodeAt(at);
    if (code === SEMICOLON || (code === COMMA && header.charCodeAt(at + 1) === SPACE)) break;
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

/** The header to send: `""` where nothing is left. */
export function withoutCookies(header: string, names: readonly string[]): string {
  if (!names.some((name) => header.includes(name))) return header;
  const shortest = Math.min(...names.map((name) => name.length));
  let kept = "";
  let from = 0;
  for (let start = 0; start <= header.length; ) {
    const end = endOfPair(header, start);
    if (end - start > shortest && names.includes(nameOf(header.slice(start, end)))) {
      // Without the separator before it: what stands after parts the others as before.
      kept += header.slice(from, Math.max(from, start - 1));
      from = end;
    }
    start = end + 1;
  }
  if (from === 0) return header;
  const rest = header.slice(from);
  return kept === "" ? rest.replace(/^[;,]? */, "") : kept + rest;
}
