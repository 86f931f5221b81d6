/**
 * Durations in log buckets: four for each doubling (ratio 1.19), so that a percentile is at most 9 % off, and two histograms are merged by
 * addition. Bucket 0 holds up to 1 ms, bucket b up to 2^(b/4) ms, the last one everything over 65.5 s.
 */

const PER_DOUBLING = 4;
const LAST_EDGE = 16 * PER_DOUBLING;

/** 0…64, and 65 for what is longer than the last edge. */
export const LATENCY_BUCKETS = LAST_EDGE + 2;

export function bucketOf(ms: number): number {
  if (!(ms > 1)) return 0;
  // An edge belongs to the bucket below it, whatever the logarithm's last bit says.
  return Math.min(LAST_EDGE + 1, Math.ceil(Math.log2(ms) * PER_DOUBLING - 1e-9));
}

/** The longest duration that a bucket holds, in milliseconds; Infinity for the last. */
export function upperMs(bucket: number): number {
  return bucket > LAST_EDGE ? Number.POSITIVE_INFINITY : 2 ** (bucket / PER_DOUBLING);
}

/** The buckets whose edges are whole powers of two: fewer lines for a metrics scraper. */
export const DOUBLING_EDGES: readonly number[] = Array.from({ length: LAST_EDGE / PER_DOUBLING + 1 }, (_, i) => i * PER_DOUBLING);

/**
 * The duration below which this fraction (0–1) of a histogram lies: the middle of its bucket, in milliseconds; null: nothing was counted.
 * `counts[b]` may be absent.
 */
export function percentileMs(counts: readonly (number | undefined)[], fraction: number): number | null {
  const total = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  if (total === 0) return null;
  let below = 0;
  let bucket = 0;
  for (; bucket < counts.length - 1; bucket++) {
    below += counts[bucket] ?? 0;
    if (below > 0 && below >= total * fraction) break;
  }
  const middle = bucket === 0 ? 1 : 2 ** ((Math.min(bucket, LAST_EDGE + 1) - 0.5) / PER_DOUBLING);
  return Math.round(middle * 10) / 10;
}
