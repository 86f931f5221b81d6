/** What a series of requests shows: the chains that appeared, the shares of the lanes, and what of it is wrong. Pure. */

/** One answer: the lane the router says it decided, and the chain that the services wrote. */
export interface Visit {
  readonly lane: string;
  readonly chain: string;
}

const SIGMAS = 4;

/** Is a count of `seen` in `total` draws at `share` (0…1) so far off that chance does not explain it? False alarm: 1 in 16,000. */
export function isOff(seen: number, total: number, share: number): boolean {
  return Math.abs(seen - total * share) > SIGMAS * Math.sqrt(total * share * (1 - share));
}

export function countBy<T>(values: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Everything that contradicts the lane file, in words; empty when all is well. */
export function problemsOf(
  visits: readonly Visit[],
  shares: ReadonlyMap<string, number>,
  chains: Readonly<Record<string, string>>,
): string[] {
  const problems: string[] = [];
  for (const { lane, chain } of visits) {
    if (chain !== chains[lane]) problems.push(`lane ${lane}: expected ${chains[lane] ?? "no such lane"}, got ${chain}`);
  }
  const seen = countBy(visits.map(({ lane }) => lane));
  for (const [lane, share] of shares) {
    const count = seen.get(lane) ?? 0;
    if (isOff(count, visits.length, share)) problems.push(`lane ${lane}: expected ${percent(share)}, got ${count} of ${visits.length}`);
  }
  return [...new Set(problems)];
}

/** One line a lane: configured share, observed share, the chain it must take. */
export function tableOf(visits: readonly Visit[], shares: ReadonlyMap<string, number>, chains: Readonly<Record<string, string>>): string {
  const seen = countBy(visits.map(({ lane }) => lane));
  const rows = [...shares].map(([lane, share]) => [
    lane,
    percent(share),
    percent((seen.get(lane) ?? 0) / visits.length),
    [...(chains[lane] ?? "").matchAll(/-> (\w+)\(version: (\w+)/g)].map(([, app, version]) => `${app} ${version}`).join(" → "),
  ]);
  const all = [["lane", "configured", "observed", "expected chain"], ...rows];
  return all.map(([lane, ...rest]) => `  ${lane!.padEnd(6)}${rest[0]!.padStart(10)}${rest[1]!.padStart(10)}   ${rest[2]}`).join("\n");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
