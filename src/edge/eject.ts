/**
 * Which lane's origin is skipped for a while: per isolate, lane and service (contract section 6, ejection). The baseline is never
 * ejected. A lane is skipped after `failures` in a row, or when its retry budget is empty: every request earns a fifth of a repeat,
 * so that a lane failing now and then costs at most 20 % more requests in all, and one failing often is skipped instead of asked twice.
 */
import type { Fallback } from "../core/lane-group.ts";

interface Health {
  failures: number;
  /** Repeats that may still be made. */
  budget: number;
  /** Milliseconds; 0: not ejected. */
  until: number;
  /** How long the last ejection was. */
  seconds: number;
  /** A probe is under way until then; one that never comes back does not block the next for ever. */
  probeUntil: number;
}

const MAX_SECONDS = 600;
const BUDGET = 20;
const EARNED = 0.2;
/** Bounded however many lanes come and go; the oldest entry gives way. */
const MAX_ENTRIES = 2_000;

const states = new Map<string, Health>();

export type Admission = "open" | "probe" | "ejected";

/** A request that failed. */
export interface Asked {
  readonly probe: boolean;
  /** Another origin was asked after it. */
  readonly repeated: boolean;
}

/** Group, lane and service name one origin's health; names never contain `/`. */
export const healthKey = (group: string, lane: string, service: string): string => `${group}/${lane}/${service}`;

/** Something is known of this origin: what is not costs nothing. */
export function isKnown(key: string): boolean {
  return states.has(key);
}

/** May this origin be asked? A probe is one request at a time; it has `leaseMs` to come back, then the next may go. */
export function admit(key: string, mayProbe: () => boolean, leaseMs: number, now: number): Admission {
  const health = states.get(key);
  if (!health || health.until === 0) return "open";
  if (now < health.until || now < health.probeUntil || !mayProbe()) return "ejected";
  health.probeUntil = now + leaseMs;
  return "probe";
}

/** The probe came to nothing, by no fault of the origin: the next request may go. */
export function release(key: string): void {
  const health = states.get(key);
  if (health) health.probeUntil = 0;
}

function healthOf(key: string): Health {
  const known = states.get(key);
  if (known) return known;
  if (states.size >= MAX_ENTRIES) states.delete(states.keys().next().value!);
  const health: Health = { failures: 0, budget: BUDGET, until: 0, seconds: 0, probeUntil: 0 };
  states.set(key, health);
  return health;
}

/** An answered probe ends the ejection. An answer to any other request proves nothing while it lasts: it may have been asked before. */
export function succeeded(key: string, probe: boolean): void {
  const health = states.get(key);
  if (!health || (health.until !== 0 && !probe)) return;
  if (health.until !== 0) states.delete(key);
  health.failures = 0;
  health.budget = Math.min(BUDGET, health.budget + EARNED);
}

/** Counts a failure, repeated elsewhere or not; true when it ejects the origin. */
export function failed(key: string, { probe, repeated }: Asked, settings: Fallback, now: number): boolean {
  const health = healthOf(key);
  health.failures += 1;
  if (repeated) health.budget -= 1;
  const ejects = health.until !== 0 ? probe : health.failures >= settings.eject.failures || health.budget < 1;
  if (!ejects) return false;
  health.seconds = Math.min(MAX_SECONDS, health.seconds === 0 ? settings.eject.seconds : health.seconds * 2);
  health.until = now + health.seconds * 1000;
  health.probeUntil = 0;
  health.budget = BUDGET;
  return true;
}

/** For `stats` and `explain`: seconds until the next probe, or null. */
export function ejectedFor(key: string, now: number): number | null {
  const health = states.get(key);
  return health && health.until !== 0 ? Math.max(0, Math.ceil((health.until - now) / 1000)) : null;
}

export function forgetHealth(): void {
  states.clear();
}
