/** Which outcome goes where: the table of contract section 6 as pure functions. */
import { isExpired } from "./assign.ts";
import type { Decision } from "./decide.ts";
import { type Facts, headerFact } from "./facts.ts";
import type { LaneGroup, Origin, Service } from "./lane-group.ts";

export interface Candidate {
  readonly lane: string;
  readonly origin: Origin;
}

/** Where to ask first, and why it is not the decided lane: `missing-service` or `ejected`. */
export interface First {
  readonly candidate: Candidate | null;
  readonly fallback: string | null;
}

/** The decided lane, else the service's own fallback lane, else the baseline; `strict` knows only the decided lane. */
export function firstCandidate(decision: Decision, facts: Facts, isEjected: (lane: string) => boolean): First {
  const { group, service } = decision;
  const wanted = group.mode === "strict" ? [decision.lane] : [decision.lane, service.fallback, group.baseline];
  let fallback: string | null = null;
  for (const name of wanted) {
    const lane = name === null ? undefined : group.lanes.get(name);
    if (lane === undefined || (isExpired(lane, facts.now) && name !== group.baseline)) continue;
    const origin = lane.origins.get(service.name);
    if (origin === undefined) fallback ??= "missing-service";
    else if (lane.name !== group.baseline && group.mode !== "strict" && isEjected(lane.name)) fallback ??= "ejected";
    else return { candidate: { lane: lane.name, origin }, fallback };
  }
  return { candidate: null, fallback };
}

/** The baseline, where the first origin is another lane's: at most two origins a request. */
export function secondCandidate(group: LaneGroup, service: Service, first: Candidate): Candidate | null {
  if (group.mode === "strict" || first.lane === group.baseline) return null;
  const origin = group.lanes.get(group.baseline)?.origins.get(service.name);
  return origin === undefined ? null : { lane: group.baseline, origin };
}

/** Idempotent by the group's word, or by the client's (draft-ietf-httpapi-idempotency-key-header) where the group allows that. */
export function isRepeatable(group: LaneGroup, facts: Facts): boolean {
  if (group.fallback.methods.has(facts.method)) return true;
  return group.fallback.idempotencyKey && headerFact(facts, "idempotency-key") !== undefined;
}

export function isUpgrade(facts: Facts): boolean {
  return facts.headers.get("upgrade")?.toLowerCase() === "websocket";
}

const MIN_TIMEOUT_MS = 1_000;

/** Halved at each later hop, so that the inner hop gives up first and the lane that hangs is blamed; a service's own value holds as it is. */
export function timeoutMs(group: LaneGroup, service: Service, hop: number): number {
  if (service.timeoutMs !== null) return service.timeoutMs;
  return Math.max(Math.min(MIN_TIMEOUT_MS, group.fallback.timeoutMs), Math.floor(group.fallback.timeoutMs / 2 ** hop));
}
