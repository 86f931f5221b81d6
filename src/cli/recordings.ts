/**
 * Recorded requests in the forms in which they come: our own (as `explain` describes one), lines of our access log (contract section 11),
 * Cloudflare's Logpush (dataset `http_requests`), and HAR 1.2, which browsers save. Pure.
 */
import { createHash } from "node:crypto";
import { contextKey, windowOf, writeContext } from "../core/context.ts";
import { type Described, described } from "../core/described.ts";
import type { HeaderLookup } from "../core/facts.ts";
import { type Problem, Report } from "../core/problem.ts";
import { validate } from "../core/validate.ts";

export interface Recorded extends Described {
  /** From 1 on: of the line, or of the entry in a HAR. */
  readonly line: number;
  readonly lookup: HeaderLookup;
  readonly requestId: string;
}

/** What one line, or one entry, is: a request, nothing that is replayed, or wrong. */
export type Read = { readonly request: Recorded } | { readonly skipped: string } | { readonly problems: Problem[] };

type Unchecked = Readonly<Record<string, unknown>>;
type Form = (value: Unchecked) => Unchecked | { readonly skipped: string };

/** In the place of a signature that is gone: as long as one, so that the text is read as a context. */
const NO_SIGNATURE = "-".repeat(43);

/** `…` stands where a secret was cut out (`explain`), and is no character of a header. */
const textOf = (value: string | readonly string[]): string =>
  [value]
    .flat()
    .join(", ")
    .replace(/(~|%7[Ee])…/g, `$1${NO_SIGNATURE}`)
    .replaceAll("…", "");

/** Entries whose value is a text; anything else is no object of texts. */
const texts = (value: unknown): [string, string][] =>
  Object.entries(typeof value === "object" && value !== null ? value : {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );

/** Seconds since 1970; undefined where the text is no time. */
function seconds(value: unknown): number | undefined {
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}

/** Logpush writes times as RFC 3339, as seconds or as nanoseconds, as the job says. */
const logpushTime = (value: unknown): number | undefined =>
  typeof value === "number" ? Math.floor(value > 1e15 ? value / 1e9 : value) : seconds(value);

const logpush: Form = (line) => {
  const headers = new Map<string, string>();
  if (typeof line.ClientRequestUserAgent === "string") headers.set("user-agent", line.ClientRequestUserAgent);
  if (typeof line.ClientRequestReferer === "string") headers.set("referer", line.ClientRequestReferer);
  for (const [name, value] of texts(line.RequestHeaders)) headers.set(name.toLowerCase(), value);
  const cookies = texts(line.Cookies).map(([name, value]) => `${name}=${value}`);
  if (cookies.length > 0 && !headers.has("cookie")) headers.set("cookie", cookies.join("; "));
  const {
    ClientRequestScheme: scheme = "https",
    ClientRequestHost: host,
    ClientRequestPath: path = "/",
    ClientRequestURI: uri = path,
  } = line;
  return {
    method: line.ClientRequestMethod,
    url: `${scheme}://${host}${uri}`,
    headers: Object.fromEntries([...headers].filter(([, value]) => value !== "")),
    now: logpushTime(line.EdgeStartTimestamp),
    ip: line.ClientIP,
  };
};

/** A context is believed as recorded; what it said, the line says. */
const UNSIGNED = { sign: () => NO_SIGNATURE, verify: () => true };

const accessLog: Form = ({ host, path, method, time, traceId, baggage, group, lane, reason, mirror }) => {
  if (mirror !== null && mirror !== undefined) return { skipped: "copies" };
  if (group === null) return { skipped: "requests of no group" };
  const members = texts(baggage).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  const now = seconds(time);
  if (reason === "context") {
    const context = { group: String(group), lane: String(lane), hop: 1, window: windowOf(now ?? 0), mirror: null };
    members.unshift(`${contextKey(context.group)}=${writeContext(context, UNSIGNED)}`);
  }
  // A new visitor draws the slot from the same id again.
  return {
    method,
    url: `https://${host}${path}`,
    headers: members.length > 0 ? { baggage: members.join(",") } : {},
    now,
    requestId: traceId,
  };
};

const harEntry: Form = ({ startedDateTime, request }) => {
  const { method, url, headers } = (typeof request === "object" && request !== null ? request : {}) as Unchecked;
  if (typeof url === "string" && /^(?!https?:)[a-z][a-z0-9+.-]*:/i.test(url)) return { skipped: "entries that are no http requests" };
  const lookup = new Map<string, string[]>();
  for (const { name, value } of (Array.isArray(headers) ? headers : []) as { name?: unknown; value?: unknown }[]) {
    // HTTP/2 writes method, host and path as headers, too (RFC 9113, section 8.3.1).
    if (typeof name !== "string" || typeof value !== "string" || name.startsWith(":")) continue;
    lookup.set(name.toLowerCase(), [...(lookup.get(name.toLowerCase()) ?? []), value]);
  }
  // RFC 9113, section 8.2.3: cookies may come one by one.
  const joined = [...lookup].map(([name, values]) => [name, name === "cookie" ? values.join("; ") : values]);
  return { method, url, headers: Object.fromEntries(joined), now: seconds(startedDateTime) };
};

/** By the keys that only this form has. */
function formOf(value: Unchecked): Form {
  if ("ClientRequestHost" in value) return logpush;
  if ("host" in value && "path" in value && "reason" in value && !("url" in value)) return accessLog;
  return (request) => request;
}

const EXPECTED = "expected a JSON object on one line: a request, a line of the access log, or of Logpush";

/** One line of a file. */
export function readLine(text: string, line: number): Read {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {}
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { problems: [{ path: `line ${line}`, message: EXPECTED }] };
  return read(value as Unchecked, formOf(value as Unchecked), line, `line ${line}`, text);
}

/** A whole HAR, entry by entry. */
export function* readHar(text: string): Generator<Read> {
  let entries: unknown;
  try {
    entries = JSON.parse(text.replace(/^\ufeff/, "")).log.entries;
  } catch (error) {
    yield { problems: [{ path: "", message: `not JSON, so no HAR: ${(error as Error).message}` }] };
    return;
  }
  if (!Array.isArray(entries)) yield { problems: [{ path: "log.entries", message: "expected the list of requests that a HAR has" }] };
  else
    for (const [at, entry] of entries.entries())
      yield read(entry, harEntry, at + 1, `log.entries[${at}]`, JSON.stringify(entry?.request ?? null));
}

/** What else a recorder writes is left alone. */
const known = (request: Unchecked): Unchecked =>
  Object.fromEntries(Object.entries(request).filter(([key, value]) => Object.hasOwn(described.entries, key) && value !== undefined));

/** @param where for problems */
function read(value: Unchecked, form: Form, line: number, where: string, text: string): Read {
  const found = form(value ?? {});
  if ("skipped" in found && typeof found.skipped === "string") return { skipped: found.skipped };
  const report = new Report();
  const request = validate(described, known(found), report);
  if (report.count > 0) return { problems: report.list().map(({ path, message }) => ({ path: `${where}, ${path}`, message })) };
  const lookup = new Map(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), textOf(value)]));
  // A visitor whose slot was not recorded draws the same one from this in both groups.
  const drawn = () => createHash("sha256").update(`${line}\n${text}`).digest("hex").slice(0, 32);
  return { request: { ...request, line, lookup, requestId: request.requestId ?? drawn() } };
}
