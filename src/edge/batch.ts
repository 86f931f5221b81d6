/** What this isolate has counted and not sent yet (`flush.ts` sends it). Bounded, whatever clients ask for. */
import type { Counts, Observed } from "../core/noise.ts";
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

/** Comparisons of one endpoint by one mirror. */
export interface EndpointBatch {
  readonly mirror: string;
  readonly endpoint: string;
  compared: number;
  probed: number;
  readonly places: { readonly path: string; readonly kind: string; readonly counts: Counts }[];
  /** `signature` names the set of places that differed. */
  readonly samples: { readonly signature: string; readonly text: string }[];
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
  readonly endpoints: Map<string, EndpointBatch & { readonly byPlace: Map<string, Counts> }>;
  sampleBytes: number;
}

/** Whoever sends requests may choose paths, and so names of endpoints and places: no batch holds more of them. */
const MAX_ENDPOINTS = 50;
const MAX_PLACES = 200;
const MAX_SAMPLE_CHARACTERS = 16 * 1024;
const MAX_BATCH_CHARACTERS = 256 * 1024;

const pending = new Map<string, Pending>();

function pendingOf(group: string): Pending {
  const known = pending.get(group);
  if (known) return known;
  const fresh: Pending = { tallies: new Map(), assigned: new Map(), endpoints: new Map(), sampleBytes: 0 };
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
  const batch = pendingOf(group);
  const entry = endpointOf(batch, mirror, endpoint);
  entry.compared += 1;
  if (probed) entry.probed += 1;
  for (const { path, kind, counts } of observed) addCounts(entry, path, kind, counts);
  if (sample === null || sample.length > MAX_SAMPLE_CHARACTERS || batch.sampleBytes + sample.length > MAX_BATCH_CHARACTERS) return;
  batch.sampleBytes += sample.length;
  const signature = differing.map(({ path, kind }) => `${kind} ${path}`).sort();
  entry.samples.push({ signature: signature.join("\n"), text: sample });
}

function endpointOf(batch: Pending, mirror: string, name: string) {
  const endpoint = batch.endpoints.size < MAX_ENDPOINTS || batch.endpoints.has(`${mirror} ${name}`) ? name : "other";
  const key = `${mirror} ${endpoint}`;
  const known = batch.endpoints.get(key);
  if (known) return known;
  const fresh = { mirror, endpoint, compared: 0, probed: 0, places: [], samples: [], byPlace: new Map<string, Counts>() };
  batch.endpoints.set(key, fresh);
  return fresh;
}

function addCounts({ byPlace }: { readonly byPlace: Map<string, Counts> }, path: string, kind: string, more: Counts): void {
  const key = `${kind} ${path}`;
  const known = byPlace.get(key);
  if (known === undefined && byPlace.size >= MAX_PLACES) return;
  const { raw, noise, onlyRaw, onlyNoise } = known ?? { raw: 0, noise: 0, onlyRaw: 0, onlyNoise: 0 };
  byPlace.set(key, {
    raw: raw + more.raw,
    noise: noise + more.noise,
    onlyRaw: onlyRaw + more.onlyRaw,
    onlyNoise: onlyNoise + more.onlyNoise,
  });
}

/** All that is pending, by group; nothing is pending after. */
export function takeBatches(): Map<string, Batch> {
  const batches = new Map<string, Batch>();
  for (const [group, { tallies, assigned, endpoints }] of pending) {
    batches.set(group, {
      tallies: [...tallies.values()],
      assigned: [...assigned.values()],
      endpoints: [...endpoints.values()].map(({ byPlace, ...endpoint }) => ({
        ...endpoint,
        places: [...byPlace].map(([key, counts]) => ({
          kind: key.slice(0, key.indexOf(" ")),
          path: key.slice(key.indexOf(" ") + 1),
          counts,
        })),
      })),
    });
  }
  pending.clear();
  return batches;
}
