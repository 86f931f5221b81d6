/** Recorded requests, decided again: what a group would do with each of them (contract section 1: a decision can be replayed). */
import type { Signer } from "../core/context.ts";
import { decide } from "../core/decide.ts";
import { readFacts } from "../core/facts.ts";
import { firstCandidate } from "../core/fallback.ts";
import type { LaneGroup } from "../core/lane-group.ts";
import { findGroup, indexGroups } from "../core/locate.ts";
import { originUrl } from "../core/target.ts";
import type { Recorded } from "./recordings.ts";

/** Contexts in a recording were judged when it was made, and may have lost their signatures since. */
const BELIEVING: Signer = { sign: () => "", verify: () => true };

export interface Outcome {
  /** null: the group's hosts, or its services, do not include the request's. */
  readonly service: string | null;
  readonly lane: string | null;
  readonly reason: string;
  /** A URL, or a binding's name. */
  readonly origin: string | null;
  /** The lane whose origin that is. */
  readonly servedBy: string | null;
}

const nobody = (reason: string): Outcome => ({ service: null, lane: null, reason, origin: null, servedBy: null });

/** @param now for requests that do not say when they were */
export function outcomeOf(group: LaneGroup, { method, url, lookup, now: then, slot, requestId, ip }: Recorded, now: number): Outcome {
  const facts = readFacts({ method, url, headers: lookup, ip: ip ?? null, now: then ?? now, requestId, slot: slot ?? null });
  if (findGroup(indexGroups([group]), facts.host) === null) return nobody("no-group");
  const decision = decide(group, facts, { override: null, signer: BELIEVING });
  if (decision === null) return nobody("no-service");
  if (decision.refused !== null) return { ...nobody(decision.refused), service: decision.service.name };
  const { candidate } = firstCandidate(decision, facts, () => false);
  return {
    service: decision.service.name,
    lane: decision.lane,
    reason: decision.reason,
    origin: candidate === null ? null : (candidate.origin.binding ?? originUrl(candidate.origin, facts)),
    servedBy: candidate?.lane ?? null,
  };
}

export const DIFFERING = ["service", "lane", "origin"] as const;

/** What a request notices; the reason alone is none of it. */
export function differing(before: Outcome, after: Outcome): (typeof DIFFERING)[number][] {
  return DIFFERING.filter((key) => before[key] !== after[key]);
}
