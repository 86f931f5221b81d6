/** What is counted for one lane and service (contract section 9, stats): sums only, so that batches of many isolates merge by addition. */
import { LATENCY_BUCKETS } from "./latency.ts";

export interface Tally {
  /** Visitors' requests decided for the lane; copies are counted apart. */
  requests: number;
  /** Answers of 500 and more, and fallbacks, those aside that only lack the service. */
  errors: number;
  ejections: number;
  bodyTooLarge: number;
  /** Foreign baggage members that gave way. */
  baggageDropped: number;
  /** By reason: `missing-service`, `timeout`, `status:503`. */
  fallbacks: Record<string, number>;
  /** Requests that were somebody's copies. */
  copies: number;
  /** Copies that mirrors sent to this lane, and those that they did not, by reason. */
  sent: number;
  dropped: Record<string, number>;
  /** Copies whose answers were compared, those that differed, and those that could not be compared, by reason. */
  compared: number;
  different: number;
  uncompared: Record<string, number>;
  /** Milliseconds to the headers of the lane's own origin, where it answered: their sum, and how many by bucket (`latency.ts`). */
  latencyMs: number;
  latency: number[];
}

export const SUMS = [
  "requests",
  "errors",
  "ejections",
  "bodyTooLarge",
  "baggageDropped",
  "copies",
  "sent",
  "compared",
  "different",
  "latencyMs",
] as const satisfies readonly (keyof Tally)[];

export const BY_REASON = ["fallbacks", "dropped", "uncompared"] as const satisfies readonly (keyof Tally)[];

export function emptyTally(): Tally {
  return {
    requests: 0,
    errors: 0,
    ejections: 0,
    bodyTooLarge: 0,
    baggageDropped: 0,
    fallbacks: {},
    copies: 0,
    sent: 0,
    dropped: {},
    compared: 0,
    different: 0,
    uncompared: {},
    latencyMs: 0,
    latency: new Array<number>(LATENCY_BUCKETS).fill(0),
  };
}

/** Changes `into`. Reasons come from fixed lists and statuses, never from requests. */
export function addTally(into: Tally, more: Tally): void {
  for (const name of SUMS) into[name] += more[name];
  for (const name of BY_REASON) for (const [reason, count] of Object.entries(more[name])) addReason(into[name], reason, count);
  more.latency.forEach((count, bucket) => {
    into.latency[bucket] = (into.latency[bucket] ?? 0) + count;
  });
}

export function addReason(reasons: Record<string, number>, reason: string, count = 1): void {
  reasons[reason] = (reasons[reason] ?? 0) + count;
}
