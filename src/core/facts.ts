/**
 * All that a decision may look at, read once per request (contract section 1). Plain values: the clock, the visitor's new slot
 * and the request id are facts too, so that a decision can be replayed from a test, a bug report or `explain`.
 */
import { parseTraceParent } from "@opentelemetry/core";
import { type Baggage, parseBaggage } from "./baggage.ts";
import { parseCookies } from "./cookies.ts";
import { isForwarding, isOwnHeader } from "./header-names.ts";
import { normalPath } from "./normal-path.ts";
import { percentDecode } from "./percent.ts";

/** `Headers` and `Map` both fit; names are asked for in lower case. */
export interface HeaderLookup {
  get(name: string): string | null | undefined;
  /** Lower case. */
  keys(): Iterable<string>;
}

/** What the outside hands in. `url` is absolute; `ip` is the platform's address of the client, never a forwarded header. */
export interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderLookup;
  readonly ip: string | null;
  /** Whole seconds since 1970. */
  readonly now: number;
  /** 32 hex digits, random: names the request, and is its trace id where none came. */
  readonly requestId: string;
  /** The slot 0…9,999 that a new visitor gets; null: drawn from the trace id, else from the request id. */
  readonly slot: number | null;
}

export interface Facts extends Request {
  readonly secure: boolean;
  /** As the client wrote it, with the port: `Shop.example:8443`. */
  readonly authority: string;
  /** Lower case, without port and trailing dot. */
  readonly host: string;
  /** The path as it is sent on; what is matched is what is sent. */
  readonly path: string;
  /** The same in its one normal spelling (`normalPath`), in which paths are compared. */
  readonly plainPath: string;
  /** `""` or `?…`. */
  readonly search: string;
  readonly baggage: Baggage;
  /** The trace id of a valid `traceparent` (W3C Trace Context, section 3.2), else null. */
  readonly traceId: string | null;
  /** The flags of the same `traceparent`, 0…255; 0 where there is none. */
  readonly traceFlags: number;
  /** Lower-case names that `Connection` lists: they end here and no rule sees them (RFC 9110, section 7.6.1). */
  readonly connection: ReadonlySet<string> | null;
  /** Names of all headers that came, in lower case. */
  readonly headerNames: readonly string[];
  readonly cookies: ReadonlyMap<string, string>;
  readonly query: ReadonlyMap<string, string>;
}

interface UrlParts {
  readonly secure: boolean;
  readonly authority: string;
  readonly path: string;
  readonly search: string;
}

/** Only what every URL parser leaves as it is: anything else takes the slow way through `URL`, so that we match what is sent. */
const PLAIN_URL =
  /^(https?):\/\/([A-Za-z0-9.-]+(?::[1-5]?\d{1,4})?)(\/[A-Za-z0-9_~!$&'()*+,;=:@/-]*(?:\.[A-Za-z0-9_~-]+)*)(\?[A-Za-z0-9_~!$&()*+,;=:@/?.%-]*)?$/;

/** A Host header may be anything (`a b`, `[`). Such a request has no host, and belongs to no group. */
const NOWHERE: UrlParts = { secure: false, authority: "", path: "", search: "" };

/**
 * `uri-host [ ":" port ]` (RFC 9110, section 7.2; RFC 3986, section 3.2), which has no user name; nor escapes here, since no host of a group
 * has any. The URL parser refuses ports over 65535.
 */
const AUTHORITY = /^(?:[\w.~!$&'()*+,;=-]+|\[[\dA-Fa-f:.]+\])(?::\d*)?$/;

/** What stands between the slashes of an `http` URL. */
const IN_URL = /^https?:\/\/([^/?#\\]*)/i;

/**
 * `host`: the header. The platform writes it before the path, and a URL parser would repair what it is: `x@shop.example`,
 * `shop.example/x?` would be taken for another host, or for part of the path.
 */
function splitUrl(text: string, host: string | null | undefined): UrlParts {
  if (host && !AUTHORITY.test(host)) return NOWHERE;
  const plain = PLAIN_URL.exec(text);
  if (plain) return { secure: plain[1] === "https", authority: plain[2]!, path: plain[3]!, search: plain[4] ?? "" };
  const url = AUTHORITY.test(IN_URL.exec(text)?.[1] ?? "") ? URL.parse(text) : null;
  if (url === null) return NOWHERE;
  return { secure: url.protocol === "https:", authority: url.host, path: url.pathname, search: url.search };
}

/** Host names compare in lower case, without port and trailing dot (contract section 2). IPv6 literals keep their brackets. */
export function hostName(authority: string): string {
  const port = authority.lastIndexOf(":");
  const bare = port > authority.lastIndexOf("]") ? authority.slice(0, port) : authority;
  return (bare.endsWith(".") ? bare.slice(0, -1) : bare).toLowerCase();
}

/** Lower-case names; what is no token names no header, and hides none. */
export function connectionNames(value: string | null | undefined): ReadonlySet<string> | null {
  if (!value || value.toLowerCase() === "keep-alive") return null;
  const names = value.toLowerCase().split(",");
  return new Set(names.map((name) => name.trim()));
}

/** `application/x-www-form-urlencoded` as URLs carry it; the first of two equal keys wins. */
export function parseQuery(search: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  if (search.length < 2) return query;
  for (const pair of search.slice(1).split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const key = percentDecode((equals < 0 ? pair : pair.slice(0, equals)).replaceAll("+", " "));
    if (!query.has(key)) query.set(key, equals < 0 ? "" : percentDecode(pair.slice(equals + 1).replaceAll("+", " ")));
  }
  return query;
}

/** Cookies and query are parsed only when something asks for them: most requests of most groups never do. */
class RequestFacts implements Facts {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderLookup;
  readonly ip: string | null;
  readonly now: number;
  readonly requestId: string;
  readonly slot: number | null;
  readonly secure: boolean;
  readonly authority: string;
  readonly host: string;
  readonly path: string;
  readonly search: string;
  readonly baggage: Baggage;
  readonly traceId: string | null;
  readonly traceFlags: number;
  readonly connection: ReadonlySet<string> | null;
  #headerNames: readonly string[] | null = null;
  #plainPath: string | null = null;
  #cookies: ReadonlyMap<string, string> | null = null;
  #query: ReadonlyMap<string, string> | null = null;

  constructor(request: Request, url: UrlParts) {
    this.method = request.method;
    this.url = request.url;
    this.headers = request.headers;
    this.ip = request.ip;
    this.now = request.now;
    this.requestId = request.requestId;
    this.slot = request.slot;
    this.secure = url.secure;
    this.authority = url.authority;
    this.host = hostName(url.authority);
    this.path = url.path;
    this.search = url.search;
    this.connection = connectionNames(request.headers.get("connection"));
    const named = (name: string) => (this.connection?.has(name) ? null : (request.headers.get(name) ?? null));
    this.baggage = parseBaggage(named("baggage"));
    const traceparent = named("traceparent");
    const trace = traceparent === null ? null : parseTraceParent(traceparent);
    this.traceId = trace?.traceId ?? null;
    this.traceFlags = trace?.traceFlags ?? 0;
  }

  get headerNames(): readonly string[] {
    this.#headerNames ??= [...this.headers.keys()];
    return this.#headerNames;
  }

  get plainPath(): string {
    this.#plainPath ??= normalPath(this.path);
    return this.#plainPath;
  }

  get cookies(): ReadonlyMap<string, string> {
    this.#cookies ??= parseCookies(this.connection?.has("cookie") ? null : this.headers.get("cookie"));
    return this.#cookies;
  }

  get query(): ReadonlyMap<string, string> {
    this.#query ??= parseQuery(this.search);
    return this.#query;
  }
}

/** Never throws. A URL that is none has an empty host. */
export function readFacts(request: Request): Facts {
  return new RequestFacts(request, splitUrl(request.url, request.headers.get("host")));
}

const HIDDEN = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"]);

/** Asked by a browser on its own, without cookies (Fetch, section 4.8). */
export const isPreflight = (facts: Facts): boolean =>
  facts.method === "OPTIONS" && headerFact(facts, "access-control-request-method") !== undefined;

/**
 * A header as a rule may see it: nothing of ours from outside (`x-lane*`, version overrides; contract section 4), no client's word about
 * addresses, nothing hop-by-hop, nothing that `Connection` names. The group's lane header is hidden where its rules are resolved.
 * @param name lower case
 */
export function headerFact(facts: Facts, name: string): string | undefined {
  if (HIDDEN.has(name) || isOwnHeader(name) || isForwarding(name)) return undefined;
  if (facts.connection?.has(name)) return undefined;
  // Every request brings a host (RFC 9110, section 7.2); one that is described need not say it beside its URL.
  return facts.headers.get(name) ?? (name === "host" && facts.authority !== "" ? facts.authority : undefined);
}
