/** What this isolate has counted and not sent yet (`flush.ts` sends it). Bounded, whatever clients ask for. */
import { Comparisons, type EndpointBatch } from "../core/comparisons.ts";
import type { Observed } from "../core/noise.ts";
import { addReason, emptyTally, type Tally } from "../core/tally.ts";

/** What one comparison found (contract section 7, compare). */
export interface Comparison {
  readonly mirror: string;
  /** `GET /product/:id` */
  readonly endpoint: string;
  /** The lane that served was asked a second time, and its answer was compared, too. */
  readonly probed: boolean;
  /** Places that differed, in the copy's answer or in the second one. */
  readonly observed: readonly Observed[];
  /** JSON, redacted, to be shown to people; null: nothing differed, or nothing may be kept. At most 16 KiB. */
  readonly sample: string | null;
}

/** Plain data, for one group. */
export interface Batch {
  readonly tallies: { readonly lane: string; readonly service: string; readonly tally: Tally }[];
  /** New visitors by lane, under the revision that drew them. */
  readonly assigned: { readonly revision: number; readonly lane: string; readonly count: number }[];
  readonly endpoints: EndpointBatch[];
}

interface Pending {
  readonly tallies: Map<string, Batch["tallies"][number]>;
  readonly assigned: Map<string, { revision: number; lane: string; count: number }>;
  readonly comparisons: Comparisons;
}

const pending = new Map<string, Pending>();

function pendingOf(group: string): Pending {
  const known = pending.get(group);
  if (known) return known;
  const fresh: Pending = { tallies: new Map(), assigned: new Map(), comparisons: new Comparisons(Math.random) };
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

export function countAssigned(group: string, revision: number, lane: string): void {
  const { assigned } = pendingOf(group);
  const key = `${revision}/${lane}`;
  const known = assigned.get(key);
  if (known) known.count += 1;
  else assigned.set(key, { revision, lane, count: 1 });
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
  const { mirror, endpoint, probed, observed, sample } = comparison;
  const differing = observed.filter(({ counts }) => counts.raw > 0);
  const tally = tallyOf(group, lane, service);
  tally.compared += 1;
  if (differing.length > 0) tally.different += 1;
  const signature = differing.map(({ path, kind }) => `${kind} ${path}`).sort();
  pendingOf(group).comparisons.add({
    mirror,
    endpoint,
    compared: 1,
    probed: probed ? 1 : 0,
    more: 0,
    places: observed,
    signatures: sample === null ? [] : [{ signature: signature.join("\n"), seen: 1, samples: [sample] }],
  });
}

/** All that is pending, by group; nothing is pending after. */
export function takeBatches(): Map<string, Batch> {
  const batches = new Map<string, Batch>();
  for (const [group, { tallies, assigned, comparisons }] of pending) {
    batches.set(group, { tallies: [...tallies.values()], assigned: [...assigned.values()], endpoints: comparisons.take() });
  }
  pending.clear();
  return batches;
}
