/**
 * The `baggage` header: read once into members, written once with ours in front and the bytes of all others untouched.
 * Source: W3C Baggage, "Header Content" and "Limits" (https://www.w3.org/TR/baggage/); contract section 5.
 *
 * What is matched is what is forwarded: a member that is malformed, lies past the limits, or has a later one of its key after it is
 * neither read nor sent on, so that no two readers along the chain see different values. Nothing here throws; all is linear.
 */

import { percentDecode } from "./percent.ts";

/** List members, duplicates included. The Recommendation asks for 64 at least; .NET and JavaScript read 180. */
export const MAX_MEMBERS = 180;
/** Of all header lines together. Header text is Latin-1 and what is kept is ASCII, so one code unit is one byte. */
export const MAX_BYTES = 8192;

/** One `list-member` that follows the grammar. */
export interface BaggageMember {
  /** A token (RFC 9110 section 5.6.2) as it came: case-sensitive and never percent-decoded. */
  readonly key: string;
  /** As it came. */
  readonly raw: string;
  /** Percent-decoded; may be empty. */
  readonly value: string;
  /** What follows the first `;`, as it came, less the white space around it; `""` if nothing does. */
  readonly properties: string;
  /** Its bytes are `header.slice(start, end)`, without the white space around them. */
  readonly start: number;
  readonly end: number;
  /** Position among the list elements. A gap between two members: something between them was left out. */
  readonly ordinal: number;
}

export interface Baggage {
  /** As it came, however long. */
  readonly whole: string;
  /** As it came, up to the limits. */
  readonly header: string;
  /** In the order of the header; of several with one key, the last. */
  readonly members: readonly BaggageMember[];
  readonly byKey: ReadonlyMap<string, BaggageMember>;
  /** List elements past the limits, not looked into. */
  readonly dropped: number;
  /** Malformed list elements. Empty ones (RFC 9110 section 5.6.1) are nothing. */
  readonly skipped: number;
}

const NONE: Baggage = { whole: "", header: "", members: [], byKey: new Map(), dropped: 0, skipped: 0 };

const [EQUALS, SEMICOLON] = [0x3d, 0x3b] as const;
/** Classes of bytes, as bits: `tchar`, `baggage-octet`, `OWS` and the comma. */
const [TOKEN, VALUE, SPACE, COMMA] = [1, 2, 4, 8] as const;
const CLASSES = Uint8Array.from({ length: 256 }, (_, code) => {
  const char = String.fromCharCode(code);
  if (char === ",") return COMMA;
  if (char === " " || char === "\t") return SPACE;
  return (/[\w!#$%&'*+.^`|~-]/.test(char) ? TOKEN : 0) | (/[!-~]/.test(char) && !/[",;\\]/.test(char) ? VALUE : 0);
});

/** The header's members (several lines joined by a comma, as `Headers.get` does). Never throws; O(length). */
export function parseBaggage(header: string | null): Baggage {
  if (header === null || header === "") return NONE;
  // Only what ends within the limit counts, so the text is cut at a comma and never inside a member.
  const stop = header.length <= MAX_BYTES ? header.length : Math.max(header.lastIndexOf(",", MAX_BYTES), 0);
  const found: BaggageMember[] = [];
  const byKey = new Map<string, BaggageMember>();
  let ordinal = 0;
  let at = skip(header, 0, stop, SPACE | COMMA);
  while (at < stop && found.length < MAX_MEMBERS) {
    const member = parseMember(header, at, stop, ordinal++);
    if (member !== null) {
      found.push(member);
      byKey.set(member.key, member);
      at = member.end;
    } else {
      const comma = header.indexOf(",", at);
      at = comma === -1 ? stop : comma;
    }
    at = skip(header, at, stop, SPACE | COMMA);
  }
  const members = byKey.size === found.length ? found : found.filter((member) => byKey.get(member.key) === member);
  const whole = at === header.length;
  return {
    whole: header,
    header: whole ? header : header.slice(0, at),
    members,
    byKey,
    dropped: whole ? 0 : countElements(header, at),
    skipped: ordinal - found.length,
  };
}

/** The decoded value of the member with exactly this key; undefined if there is none. */
export function baggageValue(baggage: Baggage, key: string): string | undefined {
  return baggage.byKey.get(key)?.value;
}

/**
 * The header to send: `own` (serialised `key=value`, in all under 8,192 bytes) first, then the members that stay, their bytes untouched
 * and, where nothing between two of them went, the white space between them too. A member goes if it has the key of an own one, plain or
 * decoded, or if `remove` says so. Where the whole would pass the limits, the last members give way whole and are counted in
 * `dropped`. `""`: send no header.
 */
export function writeBaggage(
  baggage: Baggage,
  own: readonly string[],
  remove: (member: BaggageMember) => boolean,
): { readonly header: string; readonly dropped: number } {
  let header = own.join(",");
  let count = own.length;
  let dropped = 0;
  let next = -1;
  let written = 0;
  for (const member of baggage.members) {
    if (hasKeyOf(own, member.key) || remove(member)) continue;
    const { start, end, ordinal } = member;
    const together = ordinal === next && isOneComma(baggage.header.slice(written, start));
    const text = together ? baggage.header.slice(written, end) : (header && ",") + baggage.header.slice(start, end);
    if (dropped > 0 || count === MAX_MEMBERS || header.length + text.length > MAX_BYTES) {
      dropped++;
      continue;
    }
    header += text;
    count++;
    next = ordinal + 1;
    written = end;
  }
  return { header, dropped };
}

/** Empty list elements are read and not sent on (RFC 9110, section 5.6.1): for Go's reader the whole header falls with one. */
const isOneComma = (between: string): boolean => between.indexOf(",") === between.lastIndexOf(",");

/**
 * A key as it looks to readers that decode keys against the Recommendation: OpenTelemetry for JavaScript percent-decodes them, for Python
 * also reads `+` as a space and trims. For the trust check only, so that `%6Caneway.mock+` does not reach such a service beside our
 * `laneway.mock` and replace it there. Never throws.
 */
export function decodeKey(key: string): string {
  if (!/[%+]/.test(key)) return key;
  const decoded = percentDecode(key.replaceAll("+", " "));
  return decoded.replaceAll(/\p{Cc}/gu, " ").trim();
}

function hasKeyOf(own: readonly string[], key: string): boolean {
  const decoded = decodeKey(key);
  return own.some((text) => isKeyOf(text, key) || (decoded !== key && isKeyOf(text, decoded)));
}

function isKeyOf(text: string, key: string): boolean {
  return text.indexOf("=") === key.length && text.startsWith(key);
}

/** `key OWS "=" OWS value *( OWS ";" OWS property )` at `start`, up to the next comma; null if it is anything else. */
function parseMember(text: string, start: number, stop: number, ordinal: number): BaggageMember | null {
  const keyEnd = skip(text, start, stop, TOKEN);
  const equals = skip(text, keyEnd, stop, SPACE);
  if (keyEnd === start || text.charCodeAt(equals) !== EQUALS) return null;
  const valueStart = skip(text, equals + 1, stop, SPACE);
  const valueEnd = skip(text, valueStart, stop, VALUE);
  const valueStop = skip(text, valueEnd, stop, SPACE);
  const at = skipProperties(text, valueStop, stop);
  if (at < stop && CLASSES[text.charCodeAt(at)] !== COMMA) return null;
  let end = at;
  while (CLASSES[text.charCodeAt(end - 1)] === SPACE) end--;
  const raw = text.slice(valueStart, valueEnd);
  return {
    key: text.slice(start, keyEnd),
    raw,
    value: percentDecode(raw),
    properties: at === valueStop ? "" : text.slice(skip(text, valueStop + 1, stop, SPACE), end),
    start,
    end,
    ordinal,
  };
}

/** Past `*( ";" OWS property OWS )`. An empty property (`a=1;`) is let through, as by Go, Java, .NET and JavaScript. */
function skipProperties(text: string, from: number, stop: number): number {
  let at = from;
  while (text.charCodeAt(at) === SEMICOLON) {
    const key = skip(text, at + 1, stop, SPACE);
    const keyEnd = skip(text, key, stop, TOKEN);
    at = skip(text, keyEnd, stop, SPACE);
    if (keyEnd > key && text.charCodeAt(at) === EQUALS) {
      const value = skip(text, at + 1, stop, SPACE);
      at = skip(text, skip(text, value, stop, VALUE), stop, SPACE);
    }
  }
  return at;
}

/** The first position from `from` whose byte is in none of the classes. Commas and `stop` end every class but `COMMA`. */
function skip(text: string, from: number, stop: number, classes: number): number {
  let at = from;
  while (at < stop && ((CLASSES[text.charCodeAt(at)] ?? 0) & classes) !== 0) at++;
  return at;
}

function countElements(text: string, from: number): number {
  let count = 0;
  let inside = false;
  for (let at = from; at < text.length; at++) {
    const kind = CLASSES[text.charCodeAt(at)];
    if (kind === COMMA) inside = false;
    else if (!inside && kind !== SPACE) {
      inside = true;
      count++;
    }
  }
  return count;
}
