/** What is sent to an origin for a decision: the URL, and which headers are set or removed (contract sections 4 and 5). Pure. */
import { type BaggageMember, decodeKey, writeBaggage } from "./baggage.ts";
import { writeCopyBaggage } from "./baggage-copy.ts";
import { CONTEXT_KEYS, contextKey, readContext, type Signer, windowOf, writeContext } from "./context.ts";
import { withoutCookies } from "./cookies.ts";
import type { Decision } from "./decide.ts";
import { type Facts, headerFact } from "./facts.ts";
import {
  folded,
  HOP_BY_HOP,
  isBaggageList,
  isForwarding,
  isNeither,
  isOwned,
  isOwnHeader,
  mayPropagate,
  PLATFORM_ADDRESS,
} from "./header-names.ts";
import { losesBytes } from "./header-text.ts";
import type { LaneGroup, Origin } from "./lane-group.ts";
import { prefixEnd } from "./match.ts";
import { isLaneCookie, LANE_COOKIE } from "./sticky.ts";

export const MAX_HOPS = 16;

/** Headers that baggage may become, per request (contract section 5). */
const MAX_PROPAGATED = 32;

/** `Forwarded` is the client's word about addresses. */
const ENDS_HERE = new Set([...HOP_BY_HOP, "forwarded"]);

/** Says which of a request's headers end here, by their lower-case names. */
export type Ending = (name: string) => boolean;

/**
 * Ends here: what is hop-by-hop, or named by `Connection`; ours; a word about addresses, unless a valid context says that it comes from within
 * (`trusted`), or it is the platform's word; and every spelling that an origin may fold into what we, the platform or the lane file set.
 * `given`: headers that baggage becomes in this request.
 */
export function endingOf(
  { propagate }: LaneGroup,
  { connection, headers, ip }: Facts,
  { sets }: Origin,
  trusted: boolean,
  given: readonly (readonly [name: string, value: string])[] = [],
): Ending {
  const filled = given.length === 0 ? null : new Set(given.map(([name]) => folded(name)));
  const { names, prefixes, folded: as } = propagate;
  const isListed = (name: string, plain: string) =>
    (as.names.has(plain) && !names.has(name)) ||
    as.prefixes.some((prefix, i) => plain.startsWith(prefix) && !name.startsWith(prefixes[i]!));
  const lists = as.names.size > 0 || as.prefixes.length > 0;
  // Whoever said it, it is true.
  const isPlatforms = (name: string) => name === PLATFORM_ADDRESS && ip !== null && headers.get(name) === ip;
  return (name) => {
    if (ENDS_HERE.has(name) || sets.has(name) || connection?.has(name) || filled?.has(name)) return true;
    if (isNeither(name)) return lists && isListed(name, name);
    const plain = folded(name);
    if (isOwnHeader(plain) || sets.has(plain) || filled?.has(plain) || (lists && isListed(name, plain))) return true;
    return plain === name ? !trusted && isForwarding(plain) && !isPlatforms(name) : isOwned(plain) || isForwarding(plain);
  };
}

export interface HeaderEdits {
  /** What the client sent of these is removed first. */
  readonly ends: Ending;
  /** And these. Lower case. */
  readonly remove: readonly string[];
  /** Set last, so that nothing of the client's stands in their place. */
  readonly set: readonly (readonly [name: string, value: string])[];
  /** Baggage members that had to give way to ours, or lay past the limits. */
  readonly baggageDropped: number;
}

/** Whole segments of the path as it came, so that no escape, dot or double slash in it means another prefix; a path outside of it stays. */
export function strippedPath({ path, strip }: Pick<Origin, "path" | "strip">, asked: string): string {
  const end = strip === "" ? 0 : prefixEnd(strip, asked);
  return end <= 0 ? asked : asked.slice(end) || (path === "" ? "/" : "");
}

export function originUrl(origin: Origin, facts: Facts, search: string = facts.search): string {
  const path = strippedPath(origin, facts.path);
  // A binding receives the public URL, Host too. A base never ends in "/", a path always begins with one: nothing in it can name a host.
  if (origin.base === null) return `${publicOrigin(facts)}${path}${search}`;
  return origin.base + origin.path + path + search;
}

/** Scheme, host and port as the client wrote them. */
export const publicOrigin = ({ secure, authority }: Facts): string => `${secure ? "https" : "http"}://${authority}`;

/** Believed from anybody, because it can only stop a request. */
export function claimedHops(facts: Facts): number {
  const header = facts.headers.get("x-lane-hops");
  return header && /^\d+$/.test(header) ? Number(header) : 0;
}

/** The context's hop count is signed. */
export function hopsOf(decision: Decision, facts: Facts): number {
  return Math.max(claimedHops(facts), decision.context?.hop ?? 0);
}

const VISIBLE = /^[\x20-\x7e]*$/;

/** The edge's ASMHeaderPropagation: listed baggage members become request headers of the same name. */
function propagated({ propagate }: LaneGroup, facts: Facts, { sets }: Origin, without: readonly string[]): (readonly [string, string])[] {
  const { names, prefixes } = propagate;
  const found: (readonly [string, string])[] = [];
  if (names.size === 0 && prefixes.length === 0) return found;
  for (const { key, value } of facts.baggage.members) {
    const name = key.toLowerCase();
    const listed = names.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
    if (!listed || without.includes(key) || !mayPropagate(name) || sets.has(folded(name)) || !VISIBLE.test(value)) continue;
    if (found.length < MAX_PROPAGATED) found.push([name, value]);
  }
  return found;
}

/** Ours, the lane's plain key where it is named, and every spelling of them that some reader would take for them. */
export function isOwnMember(group: LaneGroup, without: readonly string[] = []): (member: BaggageMember) => boolean {
  const own = contextKey(group.name);
  const lane = group.propagate.baggage;
  return ({ key }) => {
    const plain = decodeKey(key);
    return plain.toLowerCase() === own || (lane !== null && plain === lane) || without.includes(plain);
  };
}

/**
 * What a copy leaves out besides, so that no forgery stands before the mark: of other groups' members it takes along true contexts alone,
 * where one group's chain comes to another, and no value that would be a member of ours once a service has decoded it.
 */
function isForgedMember(signer: Signer | null): (member: BaggageMember) => boolean {
  return ({ key, value }) => {
    if (!decodeKey(key).toLowerCase().startsWith(CONTEXT_KEYS)) return value.includes(CONTEXT_KEYS);
    return signer === null || !key.startsWith(CONTEXT_KEYS) || readContext(value, signer) === null;
  };
}

/** `Cookie` less ours, `""` where nothing is left; null: as it came. */
export function cookieOf(group: LaneGroup, facts: Facts): string | null {
  const cookie = headerFact(facts, "cookie");
  if (!cookie || losesBytes(cookie)) return null;
  const rest = withoutCookies(cookie, LANE_COOKIE, isLaneCookie(group));
  return rest === cookie ? null : rest;
}

function forwardedFor(decision: Decision, facts: Facts): string | null {
  const before = decision.context === null ? null : facts.headers.get("x-forwarded-for");
  return before && facts.ip ? `${before}, ${facts.ip}` : (facts.ip ?? before ?? null);
}

/** A new id of the trace's own width, from the request's random id (W3C Trace Context, sections 3.2.2.3 and 3.2.2.4). */
const traceparent = (requestId: string) => `00-${requestId}-${requestId.slice(8, 24)}-00`;

/** What a copy's headers say beyond a live request's, and what they leave out. */
export interface Marks {
  readonly synthetic?: boolean;
  /** Keys of baggage members that are scrubbed. */
  readonly withoutBaggage?: readonly string[];
}

function baggageFor(
  { group, copy }: Decision,
  { baggage }: Facts,
  own: readonly string[],
  signer: Signer | null,
  without: readonly string[],
) {
  const isOurs = isOwnMember(group, without);
  if (copy === null) return writeBaggage(baggage, own, isOurs);
  const isForged = isForgedMember(signer);
  return writeCopyBaggage(baggage, own, (member) => isOurs(member) || isForged(member));
}

export function headerEdits(decision: Decision, facts: Facts, origin: Origin, signer: Signer | null, marks: Marks = {}): HeaderEdits {
  const { group, copy, context } = decision;
  const remove: string[] = [];
  const without = marks.withoutBaggage ?? [];
  const set: (readonly [string, string])[] = propagated(group, facts, origin, without);
  const isEnding = endingOf(group, facts, origin, context !== null, set);
  const ends: Ending = copy === null ? isEnding : (name) => isEnding(name) || isBaggageList(name);
  set.push([group.propagate.header, decision.lane]);
  const cookie = cookieOf(group, facts);
  if (cookie === "") remove.push("cookie");
  else if (cookie !== null) set.push(["cookie", cookie]);
  const own: string[] = [];
  if (signer !== null) {
    const text = writeContext(
      { group: group.name, lane: decision.lane, hop: (context?.hop ?? 0) + 1, window: windowOf(facts.now), mirror: copy },
      signer,
    );
    own.push(`${contextKey(group.name)}=${text}`);
    if (origin.baggage === "all") set.push(["x-lane-context", text]);
  }
  if (group.propagate.baggage !== null) own.push(`${group.propagate.baggage}=${decision.lane}`);
  const baggage = origin.baggage === "none" ? { header: "", dropped: 0 } : baggageFor(decision, facts, own, signer, without);
  if (baggage.header === "") remove.push("baggage");
  else set.push(["baggage", baggage.header]);
  set.push(["x-lane-hops", String(hopsOf(decision, facts) + 1)]);
  if (copy !== null) {
    set.push(["x-lane-mirror", copy]);
  }
  if (marks.synthetic) set.push(["x-lane-synthetic", "true"]);
  set.push(["x-forwarded-host", facts.authority], ["x-forwarded-proto", facts.secure ? "https" : "http"]);
  const address = forwardedFor(decision, facts);
  if (address !== null) set.push(["x-forwarded-for", address]);
  if (facts.traceId === null) {
    set.push(["traceparent", traceparent(facts.requestId)]);
    remove.push("tracestate");
  }
  if (facts.headers.get("upgrade")?.toLowerCase() === "websocket") set.push(["upgrade", "websocket"]);
  return { ends, remove, set, baggageDropped: facts.baggage.dropped + baggage.dropped };
}
