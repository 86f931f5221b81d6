/**
 * Values of header fields, taken apart by their grammars: what two senders may write differently and mean alike becomes the same parts
 * (RFC 9110, section 5.6). A field that is not in the table is compared as it stands.
 */
import { unmatched } from "./compare-list.ts";
import { differingWords } from "./compare-text.ts";

/**
 * In how many parts two values of a field differ; 0: they mean the same. `name` is in lower case. `base`: the address that
 * was asked for, to which those in fields are relative; null: not known.
 */
export function differingParts(name: string, left: string, right: string, base: string | null = null): number {
  const grammar = Object.hasOwn(GRAMMARS, name) ? GRAMMARS[name] : undefined;
  if (grammar === undefined) return left === right ? 0 : differingWords(left, right);
  const [ones, others] = [left, right].map((value) => grammar(value.slice(0, MAX_VALUE), base)) as [string[], string[]];
  const differing = Math.max(unmatched(ones, others).length, unmatched(others, ones).length);
  // Beyond what is taken apart only equal is equal.
  return differing === 0 && left.slice(MAX_VALUE) !== right.slice(MAX_VALUE) ? 1 : differing;
}

const MAX_VALUE = 16_384;

/** The parts of a value, in a form that is equal where the meaning is. Their order says nothing. */
type Grammar = (value: string, base: string | null) => string[];

/** Splits outside of quoted strings (RFC 9110, section 5.6.4) and, for links, of `<…>`. */
function split(value: string, sign: "," | ";"): string[] {
  const parts: string[] = [];
  let start = 0;
  let end = "";
  for (let at = 0; at < value.length; at++) {
    const char = value[at]!;
    if (end === '"' && char === "\\") at++;
    else if (end !== "") end = char === end ? "" : end;
    else if (char === '"') end = '"';
    else if (char === "<") end = ">";
    else if (char === sign) {
      parts.push(value.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, value.slice(start)].map((part) => part.trim()).filter((part) => part !== "");
}

const lower = (text: string): string => text.toLowerCase();
const same = (text: string): string => text;
const sorted = (parts: Iterable<string>): string[] => [...new Set(parts)].sort();

/** A quoted string is the token in it, if there is one (RFC 9110, section 5.6.6). */
function unquoted(text: string): string {
  const inner = /^"((?:[^"\\]|\\.)*)"$/.exec(text)?.[1];
  return inner === undefined ? text : inner.replace(/\\(.)/g, "$1");
}

/** `name=value`; names in any letter case, white space around `=` where somebody left some. */
function parameter(text: string, valueIn: (name: string, value: string) => string): string {
  const at = text.indexOf("=");
  if (at < 0) return lower(text);
  const name = lower(text.slice(0, at).trimEnd());
  return `${name}=${valueIn(name, unquoted(text.slice(at + 1).trimStart()))}`;
}

/** `head; name=value; …` with its parameters in any order. */
function withParameters(text: string, head: (text: string) => string, valueIn: (name: string, value: string) => string): string {
  const [first = "", ...rest] = split(text, ";");
  return [head(first), ...sorted(rest.map((one) => parameter(one, valueIn)))].join(";");
}

/** A list whose order says nothing. */
const setOf =
  (element: (text: string) => string): Grammar =>
  (value) =>
    sorted(split(value, ",").map(element));

/** A list whose order counts: each with its turn. */
const listOf =
  (element: (text: string) => string): Grammar =>
  (value) =>
    split(value, ",").map((text, at) => `${at} ${element(text)}`);

const single =
  (form: (text: string) => string): Grammar =>
  (value) => [form(value.trim())];

/** Delta-seconds are numbers (RFC 9111, section 1.2.2). */
const seconds = (text: string): string => (/^\d+$/.test(text) ? text.replace(/^0+(?=\d)/, "") : text);

/** The lists of fields in `no-cache="…"` and `private="…"` are field names (RFC 9111, section 5.2.2). */
const cacheValue = (name: string, value: string): string =>
  name === "no-cache" || name === "private" ? setOf(lower)(value, null).join(",") : seconds(value);

const directives = (sign: "," | ";", valueIn: (name: string, value: string) => string): Grammar => {
  return (value) => sorted(split(value, sign).map((one) => parameter(one, valueIn)));
};

/** RFC 9110, section 8.3.2: a charset's name has no letter case. */
const mediaType = (text: string): string => withParameters(text, lower, (name, value) => (name === "charset" ? lower(value) : value));

/** RFC 8288, section 3.3: relation types are a set, in any letter case if they are registered names; section 3.4.1 for the others. */
const link = (text: string): string =>
  withParameters(text, same, (name, value) => {
    if (name === "rel" || name === "rev") return sorted(value.split(/\s+/).map(lower)).join(" ");
    return name === "type" || name === "hreflang" || name === "as" || name === "crossorigin" ? lower(value) : value;
  });

/** RFC 9110, section 5.6.7: three ways to write one second. */
function date(text: string): string {
  const time = Date.parse(text);
  return Number.isNaN(time) ? text : String(time);
}

/**
 * An address is relative to the one that was asked for (RFC 9110, section 10.2.2). RFC 3986, section 6.2.2: scheme, host and the digits of an
 * encoded octet have no letter case, and unreserved characters need no encoding; section 6.2.3: a scheme's own port is none. All else is
 * exact; in parts, so that a random key or segment hides nothing else.
 */
function urlParts(value: string, base: string | null): string[] {
  const whole = (base !== null && URL.canParse(value, base) ? new URL(value, base).href : value.trim()).replace(ENCODED, normal);
  const [, scheme = "", authority = "", path = "", query = "", fragment = ""] =
    /^([A-Za-z][\w+.-]*:)?(\/\/[^/?#\\]*)?([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(whole) ?? [];
  const port = { "http:": /:80$/, "https:": /:443$/ }[lower(scheme)];
  const host = port === undefined ? lower(authority) : lower(authority).replace(port, "");
  const segments = (path === "" && host !== "" ? "/" : path).split("/").map((segment, at) => `${at}/${segment}`);
  return [`${lower(scheme)}${host}`, ...segments, fragment, ...query.split("&").map((part, at) => `${at}&${part}`)];
}

const ENCODED = /%([0-9A-Fa-f]{2})/g;

function normal(encoded: string, digits: string): string {
  const char = String.fromCharCode(Number.parseInt(digits, 16));
  return /[\w.~-]/.test(char) ? char : encoded.toUpperCase();
}

/** RFC 6265, sections 4.1 and 5.2; one cookie a line. Each attribute is a part, so that a random value hides none. */
function cookies(value: string): string[] {
  return value.split("\n").flatMap((line) => {
    const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
    const name = pair.slice(0, Math.max(0, pair.indexOf("=")));
    return [pair, ...attributes.filter((one) => one !== "").map((one) => `${name}; ${parameter(one, cookieAttribute)}`)];
  });
}

function cookieAttribute(name: string, value: string): string {
  if (name === "domain") return lower(value).replace(/^\./, "");
  return name === "expires"
    ? date(value)
    : name === "samesite" || name === "priority"
      ? lower(value)
      : name === "max-age"
        ? seconds(value)
        : value;
}

/** CSP Level 3, section 2.2.1: names have no letter case, the first of a name counts, its sources are a set (section 2.3.1). */
function policy(value: string): string[] {
  const known = new Map<string, string>();
  for (const one of split(value, ";")) {
    const [name = "", ...sources] = one.split(/\s+/);
    if (!known.has(lower(name))) known.set(lower(name), sorted(sources).join(" "));
  }
  return [...known].map((pair) => pair.join(" "));
}

const fieldNames = setOf(lower);
const url: Grammar = urlParts;

const GRAMMARS: Readonly<Record<string, Grammar>> = {
  "accept-ranges": setOf(lower), // RFC 9110, section 14.3
  "access-control-allow-headers": fieldNames, // Fetch Standard, section 3.3.4
  "access-control-allow-methods": setOf(same),
  "access-control-expose-headers": fieldNames,
  allow: setOf(same), // RFC 9110, section 10.2.1: methods have a letter case
  "cache-control": directives(",", cacheValue), // RFC 9111, section 5.2
  "cdn-cache-control": directives(",", cacheValue), // RFC 9213, section 2.1
  "content-disposition": single((text) => withParameters(text, lower, (_, value) => value)), // RFC 6266, section 4.1
  "content-encoding": listOf((text) => lower(text).replace(/^x-(?=gzip$|compress$)/, "")), // RFC 9110, section 8.4
  "content-language": setOf(lower), // RFC 9110, section 8.5
  "content-location": url, // RFC 9110, section 8.7
  "content-security-policy": policy,
  "content-security-policy-report-only": policy,
  "content-type": single(mediaType), // RFC 9110, section 8.3
  expires: single(date), // RFC 9111, section 5.3
  "last-modified": single(date), // RFC 9110, section 8.8.2
  link: setOf(link), // RFC 8288, section 3: each link speaks for itself
  location: url, // RFC 9110, section 10.2.2
  "referrer-policy": listOf(lower), // Referrer Policy, section 4.1: the last known one counts
  "retry-after": single((text) => (/^\d+$/.test(text) ? seconds(text) : date(text))), // RFC 9110, section 10.2.3
  "set-cookie": cookies,
  "strict-transport-security": directives(";", (_, value) => seconds(value)), // RFC 6797, section 6.1
  vary: fieldNames, // RFC 9110, section 12.5.5
  "x-content-type-options": single(lower), // Fetch Standard, section 3.5
  "x-frame-options": setOf(lower), // RFC 7034, section 2.1
};
