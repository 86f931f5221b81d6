/** What operators see: one JSON line a request (contract section 11), and what a request adds to the counters. */
import { baggageValue } from "../core/baggage.ts";
import { withoutSignatures } from "../core/context.ts";
import type { Decision } from "../core/decide.ts";
import type { Facts } from "../core/facts.ts";
import { isBlamed, isTelling } from "../core/fallback.ts";
import type { LaneGroup } from "../core/lane-group.ts";
import { bucketOf } from "../core/latency.ts";
import { within } from "../core/slots.ts";
import { addReason } from "../core/tally.ts";
import { countAssigned, tallyOf } from "./batch.ts";
import type { Served } from "./fallback.ts";

/** User text in a line is cut here; JSON escapes keep it on the line. */
const MAX_TEXT = 256;
const cut = (text: string) => (text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text);

/** What came of a request; without a decision it never got as far. */
export interface Outcome {
  readonly group: LaneGroup | null;
  readonly revision: string | null;
  readonly decision: Decision | null;
  readonly served: Served | null;
  /** The decision's, or that of our own error. */
  readonly reason: string;
  readonly status: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

function logLine(facts: Facts, { group, revision, decision, served, reason, status, startedAt }: Outcome): string {
  const baggage: Record<string, string> = {};
  for (const key of group?.log.baggage ?? []) {
    const value = baggageValue(facts.baggage, key);
    if (value !== undefined) baggage[key] = cut(withoutSignatures(value));
  }
  return JSON.stringify({
    time: new Date(startedAt).toISOString(),
    group: group?.name ?? null,
    revision,
    host: cut(facts.host),
    method: cut(facts.method),
    path: cut(facts.path),
    service: decision?.service.name ?? null,
    lane: decision?.lane ?? null,
    reason,
    servedBy: served?.candidate?.lane ?? null,
    fallback: served?.fallback ?? null,
    status,
    durationMs: Date.now() - startedAt,
    originMs: served?.originMs ?? null,
    mirror: decision?.copy ?? null,
    traceId: facts.traceId ?? facts.requestId,
    baggage,
  });
}

/** One line, or none where the group samples them (`log.samplePercent`). */
export function log(facts: Facts, outcome: Outcome): void {
  const { group } = outcome;
  if (group !== null && !within(`log/${group.name}`, facts.requestId, group.log.samplePercent)) return;
  console.log(logLine(facts, outcome));
}

/**
 * Of the decided lane, before anybody is asked: where a client leaves, the platform ends its request, and nothing after the fetch runs. Who is
 * slow would seem to be asked less, and to get fewer visitors. Copies are told apart.
 */
export function countAsked({ group, lane, service, copy, reason, visitor }: Decision, facts: Facts): void {
  const tally = tallyOf(group.name, lane, service.name);
  if (copy === null) tally.requests += 1;
  else tally.copies += 1;
  if (copy !== null || reason !== "weight" || visitor === null || group.sticky.by !== "cookie" || group.published === null) return;
  const { revision } = group.published;
  countAssigned(group.name, { revision, lane, drawn: facts.traceId === null }, visitor.slot, facts.now * 1000);
}

/**
 * Of the decided lane. A fallback hides a failure from the client, and counts as an error of the lane (contract section 6), that of an
 * ejected origin too; an answer below 500, or a service that the lane was never meant to have, is none, nor is what a client brought about.
 */
export function countAnswered(decision: Decision, facts: Facts, served: Served, status: number): void {
  const { group, lane, service, copy } = decision;
  if (copy !== null) return;
  const tally = tallyOf(group.name, lane, service.name);
  const { fallback } = served;
  const failed = status >= 500 || (fallback !== null && (fallback === "ejected" || isBlamed(fallback)));
  if (failed && !served.keptWaiting && isTelling(decision, facts)) tally.errors += 1;
  if (fallback !== null) addReason(tally.fallbacks, fallback);
  else if (served.outcome?.kind === "answer") {
    tally.latencyMs += served.originMs;
    tally.latency[bucketOf(served.originMs)]! += 1;
  }
  if (served.ejected) tally.ejections += 1;
  if (served.bodyTooLarge) tally.bodyTooLarge += 1;
  tally.baggageDropped += served.baggageDropped;
}
