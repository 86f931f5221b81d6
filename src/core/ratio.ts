/**
 * Do visitors arrive in the lanes in the configured shares (sample-ratio mismatch)? A mismatch means that figures of the lanes cannot be
 * compared, whatever they say: the verdict is then "invalid", never good or bad.
 *
 * The test may be looked at after every visitor: it is the Bayes factor of a Dirichlet-multinomial against the configured shares, which
 * under these shares is a martingale of mean 1, so that it ever reaches 1/alpha with a probability of at most alpha (Lindon and Malek,
 * "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022; Ville's inequality). It is two-sided, and for any number of lanes.
 * The average over several concentrations is one as well: small ones find a broken split within twenty visitors, large ones a small
 * skew among a million.
 */

const ALPHA = 0.001;
const CONCENTRATIONS = [2, 30, 500, 10_000];

export interface Share {
  readonly lane: string;
  /** A count in any unit: slots, or weights. */
  readonly configured: number;
  /** New visitors. */
  readonly assigned: number;
}

export interface RatioVerdict {
  /** `none`: nobody came yet. */
  readonly verdict: "ok" | "invalid" | "none";
  /** How many times likelier the counts are under other shares than under the configured ones; at 1,000 the split is invalid. */
  readonly evidence: number;
  readonly causes: readonly string[];
}

const CAUSES = [
  "clients that keep no cookie and repeat a trace id (monitors, crawlers, tests)",
  "a cache or another proxy in front that answers some of the lanes' visitors",
  "a value put into KV beside the publisher, with other weights under the same revision",
  "a group name or epoch that was used before, so that old cookies decide",
];

export function checkRatio(shares: readonly Share[]): RatioVerdict {
  const configured = shares.reduce((sum, share) => sum + share.configured, 0);
  const assigned = shares.reduce((sum, share) => sum + share.assigned, 0);
  if (assigned === 0 || configured === 0) return { verdict: "none", evidence: 1, causes: [] };
  const possible = shares.filter((share) => share.configured > 0);
  const impossible = shares.some((share) => share.configured === 0 && share.assigned > 0);
  const factors = CONCENTRATIONS.map((concentration) => logBayesFactor(possible, configured, concentration));
  const largest = Math.max(...factors);
  const average = Math.exp(Math.min(largest, 700)) * (factors.reduce((sum, each) => sum + Math.exp(each - largest), 0) / factors.length);
  const evidence = impossible ? Number.MAX_VALUE : average;
  const invalid = evidence >= 1 / ALPHA;
  return { verdict: invalid ? "invalid" : "ok", evidence, causes: invalid ? CAUSES : [] };
}

function logBayesFactor(shares: readonly Share[], configured: number, concentration: number): number {
  const assigned = shares.reduce((sum, share) => sum + share.assigned, 0);
  let log = logGamma(concentration) - logGamma(concentration + assigned);
  for (const share of shares) {
    const expected = share.configured / configured;
    const prior = concentration * expected;
    log += logGamma(prior + share.assigned) - logGamma(prior) - share.assigned * Math.log(expected);
  }
  return log;
}

/** ln Γ(x) for x > 0: Stirling's series (Abramowitz and Stegun, 6.1.41) from 10 on, below it by Γ(x) = Γ(x + 1) / x. */
function logGamma(x: number): number {
  let shifted = x;
  let product = 1;
  while (shifted < 10) {
    product *= shifted;
    shifted += 1;
  }
  const square = shifted * shifted;
  const series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / shifted;
  return (shifted - 0.5) * Math.log(shifted) - shifted + Math.log(2 * Math.PI) / 2 + series - Math.log(product);
}
