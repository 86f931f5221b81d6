/** Where a service runs in a lane: what an origin of the lane file means, and which URLs may not be one (contract section 2, origins). */
import { hostName } from "./facts.ts";
import type { OriginFile } from "./lane-file-lanes.ts";
import type { Origin } from "./lane-group.ts";
import { normalPath } from "./normal-path.ts";
import { at, quote, type Report } from "./problem.ts";

export interface OriginOptions {
  /** Also http, IP addresses and private names: local runs and tests. */
  readonly insecureOrigins: boolean;
  /** `ADMIN_HOST` of the Worker, where it is known: no origin, since that host is the Worker itself. */
  readonly adminHost?: string | undefined;
}

/** One host in the spelling that requests have it in: lower case, without trailing dot, addresses as the URL parser writes them. */
export function normalHost(host: string): string {
  return hostName((host.startsWith("[") ? URL.parse(`http://${host}`)?.hostname : null) ?? host);
}

/** A base as `splitUrl` makes it, or what `ADMIN_HOST` says; `*` and the like are no host here. */
export const hostOf = (base: string): string => normalHost(base.slice(base.indexOf("//") + 2));

/** A prefix as requests' paths are compared with it: in normal spelling, without a trailing slash; `""` is every path. */
export const pathPrefix = (path: string): string => withoutTrailingSlashes(normalPath(path));

export function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === "/") end--;
  return path.slice(0, end);
}

/** A URL that is refused is reported, and gives an origin that must not be used. `noStore`, `sharedWith` and `sets` are for the caller, who knows the whole file. */
export function resolveOrigin(file: OriginFile, path: string, options: OriginOptions, report: Report): Origin {
  const origin = typeof file === "string" ? { url: file, headers: {}, answerHeaders: {}, baggage: "all" as const, synthetic: false } : file;
  const binding = "binding" in origin ? (origin.binding ?? null) : null;
  const urlPath = typeof file === "string" ? path : at(path, "url");
  return {
    ...(binding === null ? splitUrl(origin.url ?? "", urlPath, options, report) : { base: null, path: "" }),
    binding,
    strip: pathPrefix(("strip" in origin ? origin.strip : undefined) ?? ""),
    headers: Object.entries(origin.headers).map(([name, value]) => ({ name: name.toLowerCase(), value })),
    answerHeaders: Object.entries(origin.answerHeaders).map(([name, value]) => ({ name: name.toLowerCase(), value })),
    baggage: origin.baggage,
    synthetic: origin.synthetic,
    noStore: false,
    sharedWith: null,
    sets: new Set(),
  };
}

function splitUrl(text: string, path: string, options: OriginOptions, report: Report): { base: string | null; path: string } {
  const url = URL.parse(text);
  // An empty text has been reported, or stands for a URL that is missing.
  const wrong = text === "" ? null : problem(text, url, options);
  if (wrong !== null) report.add(path, () => `expected ${wrong}, got ${quote(withoutUserinfo(text))}`);
  if (url === null || wrong !== null) return { base: null, path: "" };
  return { base: url.origin, path: withoutTrailingSlashes(url.pathname) };
}

function problem(text: string, url: URL | null, { insecureOrigins }: OriginOptions): string | null {
  // The URL parser repairs what a person would not have meant: it drops line breaks, takes "\" for "/", and any number of slashes for two.
  if (url === null || !/^[a-z]+:\/\/[!-.0-[\]-~][!-[\]-~]*$/i.test(text)) return 'a URL such as "https://a1.example"';
  if (url.protocol !== "https:" && url.protocol !== "http:") return 'a URL with "https://"';
  if (/^[^/]*\/\/[^/?#]*@/.test(text)) return 'a URL without user name and password ("headers" of the origin can carry them)';
  if (/[?#]/.test(text)) return "a URL without ? and # (the request's own query is passed on)";
  if (!PLAIN_HOST.test(url.hostname)) return 'one host such as "a1.example": no "*", no empty part, no dot at its end';
  if (!insecureOrigins) {
    if (url.protocol !== "https:") return 'a URL with "https://" (http only where INSECURE_ORIGINS is "true")';
    if (isAddress(url.hostname)) return 'a host name, not an IP address (only where INSECURE_ORIGINS is "true")';
    if (isPrivate(url.hostname)) return 'a public host name (private ones only where INSECURE_ORIGINS is "true")';
  }
  return isAsSent(text, url) ? null : `the URL as it is sent, ${quote(url.href)}`;
}

/** Does the parser leave it as it is, but for the letter case of scheme and host, the scheme's own port and an empty path (RFC 3986, section 6.2.3)? */
function isAsSent(text: string, { protocol, host, pathname }: URL): boolean {
  const [, authority = "", path = ""] = /\/\/([^/]*)(.*)/.exec(text) ?? [];
  const ownPort = protocol === "https:" ? /:443$/ : /:80$/;
  return host === authority.toLowerCase().replace(ownPort, "") && pathname === (path || "/");
}

/** However many slashes stand before it. */
const withoutUserinfo = (text: string) => text.replace(/^([a-z]*:)?([/\\]*).*@/is, "$1$2…@");

/** Other spellings of one host, or of many, would be taken for different ones where hosts are compared. */
const PLAIN_HOST = /^(?:[\w-]{1,63}(?:\.[\w-]{1,63})*|\[[\da-f:.]+\])$/;

/** The URL parser has already written `0x7f.1` and `2130706433` as `127.0.0.1`. */
const isAddress = (hostname: string) => hostname.startsWith("[") || /^[\d.]+$/.test(hostname);

/**
 * Names that the public DNS does not have, and names of one label. IANA's registry of special-use domain names (RFC 6761: `localhost`, `invalid`;
 * RFC 6762: `local`; RFC 7686: `onion`; RFC 9476: `alt`; RFC 8375: `home.arpa`, as all of `arpa`, which is for infrastructure alone, RFC 3172);
 * what networks use on their own (RFC 6762, appendix G; ICANN has reserved `internal`); and the domain that systems give their `localhost`.
 * `example` and `test` of the registry stay: documents and tests need names that are nobody's.
 */
const PRIVATE = /(?:^|\.)(?:localhost|invalid|local|onion|alt|arpa|internal|intranet|private|lan|corp|home|localdomain)$/;

const isPrivate = (name: string): boolean => !name.includes(".") || PRIVATE.test(name);
