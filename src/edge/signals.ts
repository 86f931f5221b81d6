/** What operators see: one JSON line a request (contract section 11), and what a request adds to the counters. */
import { baggageValue } from "../core/baggage.ts";
import type { Decision } from "../core/decide.ts";
import type { Facts } from "../core/facts.ts";
import { bucketOf } from "../core/latency.ts";
import { within } from "../core/slots.ts";
import { addReason } from "../core/tally.ts";
import { countAssigned, tallyOf } from "./batch.ts";
import type { Served } from "./fallback.ts";

/** User text in a line is cut here; JSON escapes keep it on the line. */
const MAX_TEXT = 256;
const cut = (text: string) => (text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text);

export interface Measured {
  readonly status: number;
  readonly durationMs: number;
}

export function logLine(decision: Decision, facts: Facts, revision: string, served: Served | null, measured: Measured): string {
  const { group, service, lane, reason, copy } = decision;
  const baggage: Record<string, string> = {};
  for (const key of group.log.baggage) {
    const value = baggageValue(facts.baggage, key);
    if (value !== undefined) baggage[key] = cut(value);
  }
  return JSON.stringify({
    time: new Date(facts.now * 1000).toISOString(),
    group: group.name,
    revision,
    host: cut(facts.host),
    method: facts.method,
    path: cut(facts.path),
    service: service.name,
    lane,
    reason,
    servedBy: served?.lane ?? null,
    fallback: served?.fallback ?? null,
    status: measured.status,
    durationMs: measured.durationMs,
    originMs: served?.originMs ?? null,
    mirror: copy,
    traceId: facts.traceId ?? facts.requestId,
    baggage,
  });
}

export function isLogged(decision: Decision, facts: Facts): boolean {
  return within(`log/${decision.group.name}`, facts.requestId, decision.group.log.samplePercent);
}

/** Of the decided lane; a fallback after a failure counts as an error of it (contract section 6). Copies are told apart. */
export function count(decision: Decision, served: Served, status: number): void {
  const { group, lane, service, copy, reason } = decision;
  const tally = tallyOf(group.name, lane, service.name);
  if (copy !== null) {
    tally.copies += 1;
    return;
  }
  const { fallback } = served;
  tally.requests += 1;
  if (status >= 500 || (fallback !== null && fallback !== "missing-service" && fallback !== "ejected")) tally.errors += 1;
  if (fallback !== null) addReason(tally.fallbacks, fallback);
  else if (served.outcome?.kind === "answer") tally.latency[bucketOf(served.originMs)]! += 1;
  if (served.ejected) tally.ejections += 1;
  if (served.bodyTooLarge) tally.bodyTooLarge += 1;
  tally.baggageDropped += served.baggageDropped;
  if (reason === "weight" && group.sticky.by === "cookie" && group.published !== null)
    countAssigned(group.name, group.published.revision, lane);
}
