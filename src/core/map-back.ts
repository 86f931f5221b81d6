/**
 * What an answer says of the origin's own address, as the client must read it: the public address, less the origin's path and with the
 * prefix that was stripped (contract section 4). Each function gives null where the header is to stay as it came. Pure.
 */
import { type Facts, hostName } from "./facts.ts";
import { losesBytes } from "./header-text.ts";
import type { Origin } from "./lane-group.ts";
import { prefixEnd } from "./match.ts";
import { normalPath } from "./normal-path.ts";
import { originUrl, publicOrigin } from "./target.ts";

/** Nothing is to be mapped where the origin sees the public URL as it is. */
const isPublic = ({ base, strip }: Origin): boolean => base === null && strip === "";

const hostOf = (origin: Origin, facts: Facts): string => (origin.base === null ? facts.host : hostName(new URL(origin.base).host));

/** A scheme less what tells a WebSocket from a plain request: it is asked for at the same place (RFC 6455, section 3). */
const schemeOf = ({ protocol }: URL): string => protocol.replace(/^ws/, "http");

/**
 * Where the origin stands, for references without a host. A binding is asked by the public URL, and what it says without a host is told from
 * that only by another one, which is nobody's (RFC 6761, section 6.4).
 */
function askedUrl(origin: Origin, facts: Facts): string {
  return originUrl(origin.base === null ? { ...origin, base: `http${facts.secure ? "s" : ""}://binding.invalid` } : origin, facts);
}

/** On the public host, but with another port, as origins write it that know their own only. Another scheme with its own port is a change of scheme and meant. */
const isMisnamed = (url: URL, client: URL): boolean => url.port !== (schemeOf(url) === schemeOf(client) ? client.port : "");

/**
 * Scheme, host and port by which the client finds what this URL names; null: it is none of this origin's, or found as it is. Where a prefix is
 * stripped, the origin does not know it, unless it writes it: then its path has to be looked at.
 */
function publicPlace(url: URL, origin: Origin, facts: Facts, client: URL, isOrigins: boolean): string | null {
  const here = publicOrigin(facts).replace(/^http/, /^ws/.test(url.protocol) ? "ws" : "http");
  if (isOrigins) return here;
  if (hostName(url.host) !== facts.host) return null;
  if (isMisnamed(url, client)) return here;
  return origin.strip === "" ? null : url.origin;
}

/** The path as the client must ask for it; null: it is none of what the client can ask this origin for. */
function publicPath({ path, strip }: Origin, pathname: string, isOrigins: boolean): string | null {
  const known = !isOrigins && strip !== "" && prefixEnd(strip, pathname) >= 0;
  const end = prefixEnd(normalPath(path), pathname);
  if (!known && end >= 0) return strip + pathname.slice(end) || "/";
  return isOrigins ? null : pathname;
}

/** Only how the answer is written hangs on this, not what it means. */
const namesHost = (text: string): boolean => /^[^!-~]*(?:[a-z][a-z\d+.-]*:|[/\\]{2})/i.test(text);

/**
 * A URL reference of an answer. It is read by one parser, that of browsers (WHATWG URL), against the URL that the origin was asked for, and so
 * is what comes out: a tab, a backslash or a dot segment never has two readings. A URL on the origin's host outside of the origin's path has no
 * public name, and stays as it came.
 */
export function publicUrl(text: string, origin: Origin, facts: Facts): string | null {
  if (isPublic(origin)) return null;
  const base = URL.parse(askedUrl(origin, facts));
  const client = URL.parse(facts.url);
  const named = base && URL.parse(text, base);
  if (base === null || client === null || named === null) return null;
  const isOrigins = hostName(named.host) === hostName(base.host);
  // Without a scheme it has the client's.
  const url = isOrigins ? named : URL.parse(text, client);
  if (url === null || !/^https?:$/.test(schemeOf(url))) return null;
  const place = publicPlace(url, origin, facts, client, isOrigins);
  const path = publicPath(origin, url.pathname, isOrigins);
  if (place === null || path === null) return null;
  [url.username, url.password] = ["", ""];
  const tail = path + url.href.slice(url.origin.length + url.pathname.length);
  const whole = place + tail;
  // The client reads the same: the bytes stay.
  if (URL.parse(text, client)?.href === URL.parse(whole)?.href) return null;
  return namesHost(text) || tail.startsWith("//") ? whole : tail;
}

/**
 * A list's targets, and the context that a link has by its `anchor`: nothing else that stands within quotes. RFC 8288, sections 3.1 and 3.2, read
 * as leniently as its appendix B.3 does.
 */
const LINK_PARTS = /(;[\t ]*anchor[\t ]*=[\t ]*)(?:"((?:[^"\\]|\\.)*)"|([^"\s;,][^\s;,]*))|"(?:[^"\\]|\\(?:.|$))*"?|<([^<>]*)>/gis;

function publicLink(value: string, origin: Origin, facts: Facts): string {
  return value.replace(LINK_PARTS, (whole, anchor?: string, quoted?: string, plain?: string, target?: string) => {
    const named = target ?? plain ?? quoted?.replace(/\\(.)/gs, "$1");
    const mapped = named === undefined ? null : publicUrl(named, origin, facts);
    if (mapped === null) return whole;
    return target === undefined ? `${anchor}"${mapped.replace(/["\\]/g, "\\$&")}"` : `<${mapped}>`;
  });
}

/** HTML, "shared declarative refresh steps": seconds, then perhaps `url=`, then the URL, perhaps in quotes. */
function publicRefresh(value: string, origin: Origin, facts: Facts): string {
  const [, before, quote, rest] = /^([\t ]*[\d.]+(?:[\t ]*[;,][\t ]*|[\t ]+)(?:url[\t ]*=[\t ]*)?)(["']?)(.+)$/i.exec(value) ?? [];
  if (before === undefined || quote === undefined || rest === undefined) return value;
  const end = quote === "" || !rest.includes(quote) ? rest.length : rest.indexOf(quote);
  const mapped = publicUrl(rest.slice(0, end), origin, facts);
  return mapped === null ? value : before + quote + mapped + rest.slice(end);
}

type Write = (value: string, origin: Origin, facts: Facts) => string | null;

/**
 * Of a header that is no list, the first line alone: lines of one name come here joined by a comma and a space (RFC 9110, section 5.3), the
 * space stands in no URL (RFC 3986, section 2), and an address of the origin's would leave in the second. `next`: how another line begins.
 */
const onlyFirst =
  (next: RegExp, write: Write): Write =>
  (value, origin, facts) => {
    const [first = "", ...more] = value.split(next);
    const changes = (line: string) => (write(line, origin, facts) ?? line) !== line;
    if (more.length === 0 || !(changes(first) || more.some(changes))) return write(value, origin, facts);
    return write(first, origin, facts) ?? first;
  };

const publicLocation = onlyFirst(/, (?=(?:https?|wss?):|[/\\])/i, publicUrl);

/** Headers that name URLs. `Location`: RFC 9110, section 10.2.2; `Content-Location`: section 8.7. */
const URL_HEADERS: ReadonlyMap<string, Write> = new Map([
  ["location", publicLocation],
  ["content-location", publicLocation],
  ["refresh", onlyFirst(/, (?=[\d.]+[\t ]*[;,])/, publicRefresh)],
  ["link", publicLink],
]);

export const namesUrl = (name: string): boolean => URL_HEADERS.has(name);

/** @param name lower case */
export function publicHeader(name: string, value: string, origin: Origin, facts: Facts): string | null {
  const write = URL_HEADERS.get(name);
  if (write === undefined || isPublic(origin) || losesBytes(value)) return null;
  const written = write(value, origin, facts);
  return written === value ? null : written;
}

/** Does a cookie for this domain go to the host (RFC 6265, section 5.1.3)? Addresses have no subdomains. */
function domainCovers(domain: string, host: string): boolean {
  return host === domain || (host.endsWith(`.${domain}`) && !/^[\d.]+$/.test(host));
}

/** Of a cookie that the client must get all the same: it would refuse the origin's domain, and never come to the origin's path. */
function publicCookie(cookie: string, origin: Origin, facts: Facts): string {
  const host = hostOf(origin, facts);
  const [pair = "", ...attributes] = cookie.split(";");
  // Refused by browsers with any other path (RFC 6265bis, section 4.1.3.2).
  const atRoot = /^\s*__Host-/i.test(pair);
  const kept = attributes.flatMap((attribute) => {
    const [, name = "", value = ""] = /^\s*(domain|path)\s*=\s*(.*?)\s*$/i.exec(attribute) ?? [];
    if (name.toLowerCase() === "domain") {
      const domain = value.toLowerCase().replace(/^\./, "").replace(/\.$/, "");
      return domain !== "" && domainCovers(domain, host) && !domainCovers(domain, facts.host) ? [] : [attribute];
    }
    const path = name === "" || atRoot ? null : cookiePath(value, origin);
    return [path === null ? attribute : attribute.replace(/=.*$/s, () => `=${path}`)];
  });
  return [pair, ...kept].join(";");
}

/** Without a path of its own a cookie goes where it was set, which the client knows best. */
function cookiePath(value: string, { path, strip }: Origin): string | null {
  if (!value.startsWith("/")) return null;
  if (prefixEnd(normalPath(value), path) >= 0) return strip || "/";
  const end = prefixEnd(normalPath(path), value);
  if (end < 0) return null;
  const rest = value.slice(end);
  return strip + (rest === "/" ? "" : rest) || "/";
}

export interface PublicCookies {
  readonly lines: readonly string[];
  /** So many of the first lines stay as they came. */
  readonly kept: number;
}

/**
 * All `Set-Cookie` lines; null: as they came. Where one of them would lose bytes, none is taken away: what changes comes behind, and is kept by
 * a client that refuses the first.
 */
export function publicCookies(cookies: readonly string[], origin: Origin, facts: Facts): PublicCookies | null {
  if (isPublic(origin)) return null;
  const mapped = cookies.map((cookie) => (losesBytes(cookie) ? cookie : publicCookie(cookie, origin, facts)));
  const changed = mapped.filter((cookie, i) => cookie !== cookies[i]);
  if (changed.length === 0) return null;
  return cookies.some(losesBytes) ? { lines: [...cookies, ...changed], kept: cookies.length } : { lines: mapped, kept: 0 };
}

/** What the lane file says of the origin's answers, done last. */
export function setAnswerHeaders(
  headers: { set(name: string, value: string): unknown; delete(name: string): unknown },
  { answerHeaders }: Origin,
): void {
  for (const { name, value } of answerHeaders) {
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
}
