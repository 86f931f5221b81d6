/** What this isolate has counted and not sent yet (`flush.ts` sends it). Bounded, whatever clients ask for. */
import { Comparisons, type EndpointBatch } from "../core/comparisons.ts";
import type { Observed } from "../core/noise.ts";
import { addReason, emptyTally, type Tally } from "../core/tally.ts";
import { Votes } from "../core/votes.ts";

/** What one comparison found (contract section 7, compare). */
export interface Comparison {
  readonly mirror: string;
  /** `GET /product/:id` */
  readonly endpoint: string;
  /** The live lane answered below 400: only then does the path become a name, because anybody can ask for any path. */
  readonly named: boolean;
  /** The lane that served was asked a second time, and its answer was compared, too. */
  readonly probed: boolean;
  /** Only a beginning of the answers was compared, or not all that differed is in `observed`. */
  readonly truncated: boolean;
  /** Places that differed, in the copy's answer or in the second one. */
  readonly observed: readonly Observed[];
  /** JSON, redacted, to be shown to people; null: nothing differed, or nothing may be kept. At most 16 KiB. */
  readonly sample: string | null;
}

/** New visitors of a lane, by their slots, under the revision that drew them; each slot once a minute. */
export interface Assigned {
  readonly revision: number;
  readonly lane: string;
  /** By us; else the client's trace id did, and a client may choose its trace ids. */
  readonly drawn: boolean;
  readonly slots: number[];
}

/** What this isolate serves, told once for each value. */
export interface InForce {
  readonly group: string;
  /** As in `GroupInForce`. */
  readonly revision: string;
  /** Milliseconds. */
  readonly since: number;
}

/** Plain data, for one group. */
export interface Batch {
  /** Left out: told already. */
  readonly inForce?: InForce | null;
  readonly tallies: { readonly lane: string; readonly service: string; readonly tally: Tally }[];
  readonly assigned: Assigned[];
  readonly endpoints: EndpointBatch[];
}

interface Pending {
  readonly tallies: Map<string, Batch["tallies"][number]>;
  readonly assigned: Map<string, Assigned>;
}

/** By group; they know names of endpoints for longer than one batch. */
const comparisonsOf = new Map<string, Comparisons>();

const pending = new Map<string, Pending>();

function pendingOf(group: string): Pending {
  const known = pending.get(group);
  if (known) return known;
  const fresh: Pending = { tallies: new Map(), assigned: new Map() };
  pending.set(group, fresh);
  return fresh;
}

/** To be counted up in place. Names come from the lane file. */
export function tallyOf(group: string, lane: string, service: string): Tally {
  const { tallies } = pendingOf(group);
  const key = `${lane}/${service}`;
  const known = tallies.get(key);
  if (known) return known.tally;
  const tally = emptyTally();
  tallies.set(key, { lane, service, tally });
  return tally;
}

/** By group; kept when a batch leaves. */
const votes = new Map<string, Votes>();

/** @param now milliseconds */
export function countAssigned(group: string, of: Omit<Assigned, "slots">, slot: number, now: number): void {
  const taken = votes.get(group) ?? new Votes();
  votes.set(group, taken);
  if (!taken.take(of.revision, Math.floor(now / 60_000), slot)) return;
  const { assigned } = pendingOf(group);
  const key = `${of.revision}/${of.drawn}/${of.lane}`;
  const known = assigned.get(key);
  if (known) known.slots.push(slot);
  else assigned.set(key, { ...of, slots: [slot] });
}

/** A copy that a mirror sent to `lane`, or did not, and why (contract section 7). */
export function countCopy(group: string, lane: string, service: string, drop: string | null): void {
  const tally = tallyOf(group, lane, service);
  if (drop === null) tally.sent += 1;
  else addReason(tally.dropped, drop);
}

/** Why the answers could not be compared: `credentials`, `fallback`, `type`, a failure of the copy. */
export function countUncompared(group: string, lane: string, service: string, reason: string): void {
  addReason(tallyOf(group, lane, service).uncompared, reason);
}

/** Counts a comparison for the mirror's lane and keeps what it found. */
export function countComparison(group: string, lane: string, service: string, comparison: Comparison): void {
  const { mirror, endpoint, named, probed, truncated, observed, sample } = comparison;
  const differing = observed.filter(({ counts }) => counts.raw > 0);
  const tally = tallyOf(group, lane, service);
  tally.compared += 1;
  if (differing.length > 0) tally.different += 1;
  const signature = differing.map(({ path, kind }) => `${kind} ${path}`).sort();
  const comparisons = comparisonsOf.get(group) ?? new Comparisons(Math.random);
  comparisonsOf.set(group, comparisons);
  const signatures = sample === null ? [] : [{ signature: signature.join("\n"), seen: 1, samples: [sample] }];
  const counts = { compared: 1, probed: Number(probed), truncated: Number(truncated), more: 0 };
  comparisons.add({ mirror, endpoint, ...counts, places: observed, signatures }, named);
}

/** All that is pending, by group; nothing is pending after. */
export function takeBatches(): Map<string, Batch> {
  const batches = new Map<string, Batch>();
  // Whatever is compared is counted for a lane, too.
  for (const [group, { tallies, assigned }] of pending) {
    const endpoints = comparisonsOf.get(group)?.take() ?? [];
    batches.set(group, { tallies: [...tallies.values()], assigned: [...assigned.values()], endpoints });
  }
  pending.clear();
  return batches;
}
