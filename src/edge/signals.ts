/** What operators see: one JSON line a request (contract section 11), and counters of this isolate. */
import { baggageValue } from "../core/baggage.ts";
import type { Decision } from "../core/decide.ts";
import type { Facts } from "../core/facts.ts";
import { within } from "../core/slots.ts";
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

/** Names of counters, each with the labels group, lane and service. */
export type Counter = "requests" | "errors" | "ejections" | "bodyTooLarge" | "baggageDropped" | `fallback:${string}`;

/** `group/lane/service/counter` → count since the isolate began. Bounded: every part comes from the lane file or a fixed list. */
const counters = new Map<string, number>();
const MAX_COUNTERS = 20_000;

function add(decision: Decision, counter: Counter, by = 1): void {
  const key = `${decision.group.name}/${decision.lane}/${decision.service.name}/${counter}`;
  const count = counters.get(key);
  if (count === undefined && counters.size >= MAX_COUNTERS) return;
  counters.set(key, (count ?? 0) + by);
}

/** A fallback counts as an error of the decided lane (contract section 6). */
export function count(decision: Decision, served: Served, status: number): void {
  add(decision, "requests");
  if (status >= 500 || (served.fallback !== null && served.fallback !== "missing-service" && served.fallback !== "ejected"))
    add(decision, "errors");
  if (served.fallback !== null) add(decision, `fallback:${served.fallback}`);
  if (served.ejected) add(decision, "ejections");
  if (served.bodyTooLarge) add(decision, "bodyTooLarge");
  if (served.baggageDropped > 0) add(decision, "baggageDropped", served.baggageDropped);
}

export function countersOf(): ReadonlyMap<string, number> {
  return counters;
}
