/** How a copy differs from the request it was made of: marked, scrubbed, without credentials (contract section 7). Pure. */
import type { Decision } from "./decide.ts";
import { type Facts, headerFact } from "./facts.ts";
import { folded, HOP_BY_HOP } from "./header-names.ts";
import type { Mirror } from "./lane-group.ts";
import { isScrubbedBy, isSecretOf, shadowHost } from "./mirror.ts";
import { parsePath } from "./path.ts";
import { err, ok, type Result } from "./result.ts";
import { scrubJson, scrubPlaces } from "./scrub.ts";
import { type IsNamed, scrubQuery, scrubValueOf } from "./scrub-url.ts";
import { isCredentialHeader } from "./secret-names.ts";
import { isLaneCookie } from "./sticky.ts";
import type { HeaderEdits } from "./target.ts";

/** Is this header left out of the copy, in any spelling that an origin may fold into it? Lower case. */
function leavesOut({ scrub, credentials }: Mirror): (name: string) => boolean {
  const scrubbed = new Set(scrub.headers.map(folded));
  return (name) => scrubbed.has(folded(name)) || (credentials === "strip" && isCredentialHeader(name));
}

/** Which parameters are left out of the copy, wherever it names a URL. */
function leavesOutKey(mirror: Mirror): IsNamed {
  const isScrubbed = isScrubbedBy(mirror);
  const isSecret = mirror.credentials === "strip" ? isSecretOf(mirror) : null;
  return (key) => isScrubbed(key) || isSecret?.(key) === true;
}

/** The query that the copy asks with. One that holds another secret is asked by no copy at all, where credentials are stripped. */
export const copySearch = ({ search }: Facts, mirror: Mirror): string => (search === "" ? "" : scrubQuery(search, leavesOutKey(mirror)));

/** The copy lost what may have decided the primary's answer: the two are not compared. Our own cookie reaches no origin anyway. */
export function losesCredentials({ group }: Decision, facts: Facts, { credentials }: Mirror): boolean {
  if (credentials === "forward") return false;
  for (const name of facts.headerNames) {
    if (name === "cookie" || HOP_BY_HOP.has(name) || !isCredentialHeader(name)) continue;
    if (headerFact(facts, name) !== undefined) return true;
  }
  const isOurs = isLaneCookie(group);
  return [...facts.cookies].some(([name, value]) => !isOurs(name, value));
}

/** The decision that the copy carries: the mirror's lane (or, asked for noise, the one that served), and the mark. */
export function copyDecision(decision: Decision, mirror: Mirror, lane: string): Decision {
  return { ...decision, lane, copy: `${decision.group.name}/${mirror.name}` };
}

/** `sampled` and `random-trace-id`: whoever writes a header sets all others to 0 (W3C Trace Context Level 2, section 2.2.2.5.3). */
const KNOWN_FLAGS = 0x03;

/**
 * Same trace, a span of its own, so that a trace does not show two primaries; of the version that we know, whichever came (W3C Trace
 * Context, section 2.2.2.4 and "Versioning of traceparent").
 */
function ownSpan({ traceId, traceFlags, requestId }: Facts, spanId: string): string {
  return `00-${traceId ?? requestId}-${spanId}-0${traceFlags & KNOWN_FLAGS}`;
}

/** At every hop of a copy the host says that it is one, as behind Envoy, beside our own marks. */
export function shadowed(edits: HeaderEdits, facts: Facts): HeaderEdits {
  const others = edits.set.filter(([name]) => name !== "x-forwarded-host");
  return { ...edits, set: [...others, ["x-forwarded-host", shadowHost(facts.authority)]] };
}

/** They hold no URL of the request, or go as they are where credentials are forwarded. */
const NO_URL = new Set(["cookie", "authorization", "baggage", "traceparent", "tracestate"]);

/**
 * Whatever header a URL with a scrubbed parameter stands in, `Referer` (RFC 9110, section 10.1.3), `X-Original-URL` and their like: its value
 * without it, or null where that cannot be written.
 */
function scrubbedHeaders(facts: Facts, names: Iterable<string>, isNamed: IsNamed): (readonly [name: string, value: string | null])[] {
  const scrubbed: (readonly [string, string | null])[] = [];
  for (const name of names) {
    const value = NO_URL.has(name) ? undefined : headerFact(facts, name);
    const kept = value === undefined ? undefined : scrubValueOf(value, isNamed);
    if (kept !== undefined && kept !== value) scrubbed.push([name, kept]);
  }
  return scrubbed;
}

/**
 * What the copy of a request says, from what the request itself would say. `spanId`: 16 hex digits, random. `laneHeader`: carries the
 * lane's name, whatever it is called.
 */
export function copyEdits(edits: HeaderEdits, facts: Facts, mirror: Mirror, spanId: string, laneHeader: string): HeaderEdits {
  const isOut = leavesOut(mirror);
  const isNamed = leavesOutKey(mirror);
  const { remove, set, ...rest } = shadowed(edits, facts);
  const here = facts.headerNames;
  const over = new Set([...remove, ...set.map(([name]) => name)]);
  const gone = here.filter((name) => name !== laneHeader && isOut(name));
  const urls = scrubbedHeaders(
    facts,
    here.filter((name) => !rest.ends(name) && !over.has(name) && !isOut(name)),
    isNamed,
  );
  const kept = set.flatMap(([name, value]): [string, string][] => {
    if (name === "traceparent" || (name !== laneHeader && isOut(name))) return [];
    const scrubbed = NO_URL.has(name) ? value : scrubValueOf(value, isNamed);
    return scrubbed === null ? [] : [[name, scrubbed]];
  });
  for (const [name, value] of urls) value === null ? gone.push(name) : kept.push([name, value]);
  // The length is that of the scrubbed body.
  return { ...rest, remove: [...remove, ...gone, "content-length"], set: [...kept, ["traceparent", ownSpan(facts, spanId)]] };
}

/** The body as the copy may carry it; a body that cannot be scrubbed for sure is none that may be sent. */
export function copyBody(
  bytes: Uint8Array<ArrayBuffer>,
  facts: Facts,
  mirror: Mirror,
): Result<Uint8Array<ArrayBuffer>, "scrub" | "body-too-large"> {
  if (bytes.byteLength > mirror.maxBodyBytes) return err("body-too-large");
  if (mirror.scrub.json.length === 0 || bytes.byteLength === 0) return ok(bytes);
  const type = facts.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (!/^(?:application|text)\/json$|\+json$/.test(type) || facts.headers.get("content-encoding")) return err("scrub");
  const paths = mirror.scrub.json.map(parsePath);
  const text = utf8(bytes);
  if (text === null || paths.some((path) => !path.ok)) return err("scrub");
  const scrubbed = scrubJson(text, scrubPlaces(paths.flatMap((path) => (path.ok ? [path.value] : []))));
  return scrubbed.ok ? ok(Uint8Array.from(new TextEncoder().encode(scrubbed.value))) : err("scrub");
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return null;
  }
}
