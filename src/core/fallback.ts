/** Which outcome goes where: the table of contract section 6 as pure functions. */
import { isExpired } from "./assign.ts";
import type { Decision } from "./decide.ts";
import { type Facts, headerFact } from "./facts.ts";
import type { LaneGroup, Origin } from "./lane-group.ts";
import { isOverridden } from "./override.ts";

export interface Candidate {
  readonly lane: string;
  readonly origin: Origin;
}

/** Where to ask first, and why it is not the decided lane: `missing-service` or `ejected`. */
export interface First {
  readonly candidate: Candidate | null;
  readonly fallback: string | null;
}

/**
 * The decided lane, else the service's own fallback lane, else the baseline; `strict` knows only the decided lane. Parts of one version are
 * asked of its lane, ejected or not.
 */
export function firstCandidate(decision: Decision, facts: Facts, isEjected: (lane: string) => boolean): First {
  const { group, service } = decision;
  const wanted = group.mode === "strict" ? [decision.lane] : [decision.lane, service.fallback, group.baseline];
  let fallback: string | null = null;
  for (const name of wanted) {
    const lane = name === null ? undefined : group.lanes.get(name);
    if (lane === undefined || (isExpired(lane, facts.now) && name !== group.baseline)) continue;
    const origin = lane.origins.get(service.name);
    if (origin === undefined) fallback ??= "missing-service";
    else if (lane.name !== group.baseline && group.mode !== "strict" && isEjected(lane.name) && !asksForPart(facts)) fallback ??= "ejected";
    else return { candidate: { lane: lane.name, origin }, fallback };
  }
  return { candidate: null, fallback };
}

/** Why nobody is asked after this origin, in words; null: the baseline is, if it fails. */
export function whyOnce(decision: Decision, facts: Facts, first: Candidate): string | null {
  const { group, copy } = decision;
  if (copy !== null) return "a copy is asked once";
  if (group.mode === "strict") return "the group is strict";
  if (first.lane === group.baseline) return "it is the baseline";
  if (!isRepeatable(group, facts)) return `${isOverridden(facts) ? "a method in disguise" : facts.method} may not be repeated`;
  if (bringsContent(facts)) return `the content of a ${facts.method} goes to one origin`;
  return asksForPart(facts) ? "a range without If-Range is of this version" : null;
}

/** The baseline, where the first origin is another lane's and the request may go twice: at most two origins a request. */
export function secondCandidate(decision: Decision, facts: Facts, first: Candidate): Candidate | null {
  const { group, service } = decision;
  const origin = whyOnce(decision, facts, first) === null ? group.lanes.get(group.baseline)?.origins.get(service.name) : undefined;
  return origin === undefined ? null : { lane: group.baseline, origin };
}

/** Not empty, as one header or as several, with the quotes that its draft wants or without. */
const hasKey = (facts: Facts) => /[^\s,"]/.test(headerFact(facts, "idempotency-key") ?? "");

/**
 * Idempotent by the group's word about its method, which says nothing of one in disguise; or by the client's
 * (draft-ietf-httpapi-idempotency-key-header) where the group allows that.
 */
export function isRepeatable({ fallback }: LaneGroup, facts: Facts): boolean {
  return (fallback.methods.has(facts.method) && !isOverridden(facts)) || (fallback.idempotencyKey && hasKey(facts));
}

/**
 * Bytes of the version that the client has already: another lane's would make a file of two halves. With `If-Range` the origin sees that it
 * is another version, and sends the whole of it (RFC 9110, section 13.1.5). Ranges are of GET alone (section 14.2).
 */
const asksForPart = (facts: Facts) => facts.method === "GET" && !!headerFact(facts, "range") && !headerFact(facts, "if-range");

/**
 * Content of a GET or HEAD is allowed and means nothing that we know (RFC 9110, section 9.3.1). It goes to one origin, unread, and may be
 * promised and never come.
 */
export function bringsContent({ method, headers }: Pick<Facts, "method" | "headers">): boolean {
  // Chunks say by themselves that there is content, if only an empty one (RFC 9112, section 6.3).
  return isContentless(method) && ((headers.get("content-length") ?? "0") !== "0" || !!headers.get("transfer-encoding"));
}

/** Methods whose content means nothing, and with which the platform lets us send none of our own. */
export const isContentless = (method: string): boolean => method === "GET" || method === "HEAD";

/** Methods that services of every kind know. Another is anybody's to choose, and 501 its right answer (RFC 9110, section 15.6.2). */
const KNOWN = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/**
 * May what comes of this request count for its lane or against it, in the figures, too? Not a copy, and not where the client alone can make
 * it fail: a method that neither services in general nor this group's file know, an upgrade that the service refuses by hanging up, and
 * content that it keeps back.
 */
export const isTelling = ({ copy, group }: Decision, facts: Facts): boolean =>
  copy === null && (KNOWN.has(facts.method) || group.fallback.methods.has(facts.method)) && !isUpgrade(facts) && !bringsContent(facts);

/** May this request be the one that asks an ejected lane whether it is well again? Somebody else must be able to answer it. */
export const mayProbe = (decision: Decision, facts: Facts): boolean =>
  isTelling(decision, facts) && isRepeatable(decision.group, facts) && !asksForPart(facts);

/** Does a fallback for this reason count against the lane? An answer below 500 is its service's word about the request, whatever `statuses` says. */
export function isBlamed(reason: string): boolean {
  const status = /^status:(\d+)$/.exec(reason);
  return status === null ? reason === "connect" || reason === "timeout" : Number(status[1]) >= 500;
}

export function isUpgrade(facts: Facts): boolean {
  return facts.headers.get("upgrade")?.toLowerCase() === "websocket";
}

const MIN_TIMEOUT_MS = 1_000;

/** Halved at each later hop, so that the inner hop gives up first and the lane that hangs is blamed; a service's own value holds as it is. */
export function timeoutMsOf({ group, service, context }: Decision): number {
  if (service.timeoutMs !== null) return service.timeoutMs;
  return Math.max(Math.min(MIN_TIMEOUT_MS, group.fallback.timeoutMs), Math.floor(group.fallback.timeoutMs / 2 ** (context?.hop ?? 0)));
}
