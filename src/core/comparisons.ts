/**
 * What comparisons found, added up (contract section 7): endpoint → place → counts, and a few samples. Whoever sends requests chooses paths,
 * so everything has a cap: of more endpoints, the least used are one, `other`; of more places, the least useful are counted, not kept.
 */
import type { Counts } from "./noise.ts";
import { surplus } from "./surplus-places.ts";

export const MAX_ENDPOINTS = 200;
/** Of all endpoints that have no name of their own. */
export const OTHER = "other";
export const MAX_PLACES = 200;
export const MAX_SIGNATURES = 20;
/** Per set of places that differed. */
export const MAX_SAMPLES = 5;
/** Of an endpoint, a path or a sample, in characters. */
const MAX_NAME = 512;
const MAX_SAMPLE = 16 * 1024;
/** Samples of one sum, all together. */
const MAX_SAMPLES_LENGTH = 512 * 1024;

export interface Place {
  readonly path: string;
  readonly kind: string;
  /** It was in any of the requests (`Difference`). */
  readonly opaque?: true;
  readonly counts: Counts;
}

/** Requests that differed in one set of places: how many, and a few of them, each of which had the same chance to be here. */
export interface Signature {
  /** Lines of `kind path`. */
  readonly signature: string;
  readonly seen: number;
  /** JSON, redacted, to be shown to people. */
  readonly samples: readonly string[];
}

/** Comparisons of one endpoint by one mirror. Plain data. */
export interface EndpointBatch {
  readonly mirror: string;
  /** `GET /product/:id` */
  readonly endpoint: string;
  readonly compared: number;
  /** Compared, and the lane that served was asked a second time. */
  readonly probed: number;
  /** Compared, but only a beginning of the answers; absent: in no request. */
  readonly truncated?: number;
  /** Sightings of places that did not fit. */
  readonly more: number;
  readonly places: readonly Place[];
  readonly signatures: readonly Signature[];
}

interface Sum {
  readonly mirror: string;
  readonly endpoint: string;
  compared: number;
  probed: number;
  truncated: number;
  more: number;
  readonly places: Map<string, Place>;
  readonly signatures: Map<string, Signature>;
}

export class Comparisons {
  readonly #random: () => number;
  #sums = new Map<string, Sum>();
  /** Endpoints that had a good answer, the latest last: from then on their bad ones are told by name, too. */
  readonly #named = new Set<string>();
  #length = 0;

  /** @param random 0…1; draws the samples */
  constructor(random: () => number) {
    this.#random = random;
  }

  get size(): number {
    return this.#sums.size;
  }

  /** @param named false: the live lane's answer was none that makes a path known, such as a 404 */
  add(batch: EndpointBatch, named = true): void {
    const sum = this.#sumOf(batch.mirror, this.#nameOf(batch.mirror, batch.endpoint.slice(0, MAX_NAME), named));
    sum.compared += batch.compared;
    sum.probed += batch.probed;
    sum.truncated += batch.truncated ?? 0;
    sum.more += batch.more;
    for (const place of batch.places) addPlace(sum, place);
    for (const signature of batch.signatures) this.#addSignature(sum, signature);
  }

  #nameOf(mirror: string, name: string, named: boolean): string {
    const key = `${mirror} ${name}`;
    if (!named) return this.#named.has(key) ? name : OTHER;
    this.#named.delete(key);
    this.#named.add(key);
    if (this.#named.size > MAX_ENDPOINTS) this.#named.delete(this.#named.values().next().value!);
    return name;
  }

  #sumOf(mirror: string, endpoint: string): Sum {
    const key = `${mirror} ${endpoint}`;
    const known = this.#sums.get(key);
    if (known) return known;
    if (endpoint !== OTHER) this.#makeRoom();
    const fresh = { mirror, endpoint, compared: 0, probed: 0, truncated: 0, more: 0, places: new Map(), signatures: new Map() };
    this.#sums.set(key, fresh);
    return fresh;
  }

  /** Of those that were used least, the one that is longest here becomes part of `other`. */
  #makeRoom(): void {
    const sums = [...this.#sums].filter(([, { endpoint }]) => endpoint !== OTHER);
    if (sums.length < MAX_ENDPOINTS) return;
    const [key, sum] = sums.reduce((a, b) => (b[1].compared < a[1].compared ? b : a));
    this.#sums.delete(key);
    for (const { samples } of sum.signatures.values()) this.#length -= lengthOf(samples);
    this.add({ ...batchOf(sum), endpoint: OTHER });
  }

  #addSignature({ signatures }: Sum, { signature, seen, samples }: Signature): void {
    const known = signatures.get(signature) ?? { signature, seen: 0, samples: [] };
    if (known.seen === 0 && (signatures.size >= MAX_SIGNATURES || signature.length > MAX_SAMPLE)) return;
    const fit = samples.filter(({ length }) => length <= MAX_SAMPLE && this.#length + length <= MAX_SAMPLES_LENGTH);
    const merged = mergeSamples({ seen: known.seen, samples: known.samples }, { seen, samples: fit }, this.#random);
    this.#length += lengthOf(merged) - lengthOf(known.samples);
    signatures.set(signature, { signature, seen: known.seen + seen, samples: merged });
  }

  /** All sums; none are left. */
  take(): EndpointBatch[] {
    for (const sum of this.#sums.values()) dropPlaces(sum);
    const batches = [...this.#sums.values()].map(batchOf);
    this.#sums = new Map();
    this.#length = 0;
    return batches;
  }
}

const batchOf = (sum: Sum): EndpointBatch => ({
  ...sum,
  places: [...sum.places.values()],
  signatures: [...sum.signatures.values()],
});

const lengthOf = (samples: readonly string[]) => samples.reduce((sum, { length }) => sum + length, 0);

function addPlace(sum: Sum, { path, kind, counts, opaque }: Place): void {
  const key = `${kind} ${path}`;
  const { counts: known, opaque: either = opaque } = sum.places.get(key) ?? {};
  if (path.length > MAX_NAME) {
    sum.more += counts.raw + counts.noise;
    return;
  }
  // Now and then, so that no request pays for it.
  if (known === undefined && sum.places.size >= 2 * MAX_PLACES) dropPlaces(sum);
  const before = known ?? { raw: 0, noise: 0, onlyRaw: 0, onlyNoise: 0 };
  const raw = before.raw + counts.raw;
  const noise = before.noise + counts.noise;
  const onlyRaw = before.onlyRaw + counts.onlyRaw;
  const onlyNoise = before.onlyNoise + counts.onlyNoise;
  sum.places.set(key, { path, kind, ...(either && { opaque: either }), counts: { raw, noise, onlyRaw, onlyNoise } });
}

function dropPlaces(sum: Sum): void {
  if (sum.places.size <= MAX_PLACES) return;
  const places = [...sum.places].map(([key, { path, counts }]) => ({ key, path, seen: counts.raw + counts.noise }));
  for (const at of surplus(places, MAX_PLACES)) {
    const { key, seen } = places[at]!;
    sum.places.delete(key);
    sum.more += seen;
  }
}

interface Reservoir<T> {
  readonly seen: number;
  readonly samples: readonly T[];
}

/**
 * At most five samples out of two such sets, as if they had been drawn from all that were seen (Vitter 1985, for sums of reservoirs: each draw
 * takes from one of them with the chance of what it has left).
 */
export function mergeSamples<T>(one: Reservoir<T>, other: Reservoir<T>, random: () => number): T[] {
  const sides = [one, other].map(({ seen, samples }) => ({ left: Math.max(seen, samples.length), samples: [...samples] }));
  const [a, b] = [sides[0]!, sides[1]!];
  const merged: T[] = [];
  while (merged.length < MAX_SAMPLES && a.samples.length + b.samples.length > 0) {
    const side = b.samples.length === 0 || (a.samples.length > 0 && random() * (a.left + b.left) < a.left) ? a : b;
    side.left -= 1;
    merged.push(side.samples.splice(Math.floor(random() * side.samples.length), 1)[0]!);
  }
  return merged;
}
