/** Middle value of at least one number; the mean of the middle two for an even count. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const high = sorted[sorted.length >> 1]!;
  return sorted.length % 2 === 1 ? high : (sorted[(sorted.length >> 1) - 1]! + high) / 2;
}

export interface Ratio {
  readonly median: number;
  /** The median lies between `low` and `high` with 95 % confidence (order statistics, no assumption on the shape of the noise). */
  readonly low: number;
  readonly high: number;
}

/** As a table shows it. */
export const intervalOf = ({ low, high }: Ratio): string => `${low.toFixed(2)}–${high.toFixed(2)}`;

/** `values` ÷ `base` taken round by round: a pair shares whatever the machine was doing at that moment. */
export function pairedRatio(values: readonly number[], base: readonly number[]): Ratio {
  const ratios = values.map((value, round) => value / base[round]!).sort((a, b) => a - b);
  const low = Math.max(0, Math.floor(ratios.length / 2 - 0.98 * Math.sqrt(ratios.length)));
  return { median: median(ratios), low: ratios[low]!, high: ratios[ratios.length - 1 - low]! };
}
