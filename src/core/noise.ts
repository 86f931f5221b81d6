/**
 * Is a difference the candidate's doing, or does the service differ from itself? (contract section 7)
 *
 * **Pairs.** The candidate's answer and a second answer of the lane that served (the probe), asked for at the same moment, are both compared
 * with the primary's. If the candidate behaves like the lane that served, the two could be swapped and nobody would know: given which two
 * answers there were, each is the candidate's with chance 1/2. So at any place, among the requests in which one of the two differs more, it is
 * the candidate's in at most half (McNemar 1947: only such pairs say anything), however noisy the place is and however that changes in time.
 *
 * **Test.** For a share θ > 1/2, (2θ)^b · (2 − 2θ)^c after b such pairs against the candidate and c against the probe is a likelihood ratio; it
 * has expectation ≤ 1 at each step if the next pair is against the candidate with chance ≤ 1/2, whatever came before. So has a weighted mean of
 * several θ: a nonnegative supermartingale that starts at 1, which ever reaches 1/α with chance ≤ α (Ville 1939). One may look after every
 * request, and stop or go on at will. The mean is a function of b and c alone, so the two sums are all that must be kept, in any order. The
 * mixture is Robbins' (1970); for paired and multinomial counts see Lindon and Malek, Anytime-Valid Inference for Multinomial Count Data
 * (NeurIPS 2022, arXiv 2011.03567); for the theory Ramdas, Grünwald, Vovk and Shafer (arXiv 2210.01948).
 *
 * **Many places.** The k-th place of a mirror that has a pair at all (`rank` k) is tested at α / (k (k + 1)). These add up to α, so the chance
 * that a mirror whose candidate is no different ever shows any `regression` is ≤ 1 % (union bound; no independence is needed). The rank may
 * depend on the data, since whether a place has a pair is the same with the two answers swapped; places that are new together must be ranked by
 * their names, not by which answer differed. Averaging e-values would need less evidence but does not hold for whoever looks all the time
 * (Tavyrikov, Goeman and de Heide, arXiv 2501.19360).
 *
 * **Texts.** Where no structure could be read, one place stands for all that a text holds. If it always differs, a time stamp in it may hide
 * a wrong price: the words that differ are counted, which is symmetric, too, but no count shows that nothing is hidden. Such a place is never
 * called noise.
 *
 * **Limits.** Only equality with the primary's answer is counted: a flag that is on in 60 % of the answers instead of 50 % differs from the
 * primary's just as often, and no count shows it. The two must be asked together: a candidate that is asked later differs more in whatever
 * changes with time, and would be called a regression for it.
 */
import type { Difference } from "./difference.ts";

/** Of one place and kind, in requests. */
export interface Counts {
  /** The candidate differed from the primary. */
  readonly raw: number;
  /** The probe differed from the primary. */
  readonly noise: number;
  /** Asked twice: the candidate differed, in more elements or words than the probe (for a single value: and the probe did not). */
  readonly onlyRaw: number;
  readonly onlyNoise: number;
}

export type Verdict = "regression" | "suspect" | "noise" | "ignored" | "undecided";

/** What one request adds to the counts of one place and kind: zeros and ones. */
export interface Observed {
  readonly path: string;
  readonly kind: Difference["kind"];
  /** As a difference has it. */
  readonly opaque?: true;
  readonly counts: Counts;
}

const ALPHA = 0.01;

/**
 * θ = r / (1 + r) for odds r that a pair is against the candidate, with weights. 60 : 40 weighs most because a shift of a noisy place by ten
 * percent points is about that and needs the most requests; 50 : 1 is for what always differs. Odds under 1.1 are never called, by design.
 */
const ODDS: readonly (readonly [odds: number, weight: number])[] = [
  [1.2, 0.2],
  [1.5, 0.4],
  [2.5, 0.2],
  [50, 0.2],
];

/** Natural logarithm of the evidence after so many pairs; 0 before any. O(1). */
export function evidence(onlyRaw: number, onlyNoise: number): number {
  const logs = ODDS.map(([odds, weight]) => {
    return Math.log(weight) + onlyRaw * Math.log((2 * odds) / (1 + odds)) + onlyNoise * Math.log(2 / (1 + odds));
  });
  const most = Math.max(...logs);
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0));
}

/** What the evidence must reach at the place with this rank (from 1): ln (k (k + 1) / α). */
export const evidenceNeeded = (rank: number): number => Math.log((rank * (rank + 1)) / ALPHA);

/**
 * `probed`: in how many requests the endpoint was asked twice and both answers compared. `rank`: the place's turn among those of the mirror
 * that have `onlyRaw + onlyNoise > 0`, over all endpoints; null for the others. `opaque`: as a difference has it.
 */
export function verdict(counts: Counts, probed: number, rank: number | null, ignored: boolean, opaque = false): Verdict {
  if (ignored) return "ignored";
  if (probed === 0) return "undecided";
  if (rank !== null && evidence(counts.onlyRaw, counts.onlyNoise) >= evidenceNeeded(rank)) return "regression";
  return counts.noise === 0 ? "suspect" : opaque ? "undecided" : "noise";
}

/** Why a place is `undecided`, in words for people. */
export const whyUndecided = (probed: number): string =>
  probed === 0
    ? "the lane that served was never asked twice"
    : "the lane that served also differs from itself, and the parts of this text cannot be told: a wrong value may hide in it";

/** Differences below these are out of sight for as long as these are there. */
const HIDES: ReadonlySet<Difference["kind"]> = new Set(["status", "missing", "extra", "type", "order", "parse"]);

/**
 * The differences of one request, candidate against primary (`raw`) and probe against primary (`noise`; null: not asked, or not compared). A
 * place that one of the two comparisons could not see, since something above it differed there, is no pair.
 */
export function pair(raw: readonly Difference[], noise: readonly Difference[] | null): Observed[] {
  const [left, right] = [timesOf(raw), timesOf(noise ?? [])];
  const covers = [coversOf(raw), coversOf(noise ?? [])] as const;
  const observed: Observed[] = [];
  for (const [key, { path, kind }] of new Map([...left, ...right])) {
    const opaque = left.get(key)?.opaque ?? right.get(key)?.opaque;
    const [ones, others] = [left.get(key)?.times ?? 0, right.get(key)?.times ?? 0];
    const unseen = (ones === 0 && isHidden(path, covers[0])) || (others === 0 && isHidden(path, covers[1]));
    const more = noise === null || unseen ? 0 : Math.sign(ones - others);
    observed.push({
      path,
      kind,
      ...(opaque && { opaque }),
      counts: { raw: Math.sign(ones), noise: Math.sign(others), onlyRaw: Number(more > 0), onlyNoise: Number(more < 0) },
    });
  }
  return observed;
}

type Seen = Pick<Difference, "path" | "kind" | "times" | "opaque">;

/** By place and kind: two places may have become one when they were redacted. */
function timesOf(differences: readonly Difference[]): Map<string, Seen> {
  const seen = new Map<string, Seen>();
  for (const { path, kind, times, opaque } of differences) {
    const key = `${kind} ${path}`;
    const known = seen.get(key);
    const either = opaque ?? known?.opaque;
    seen.set(key, { path, kind, times: times + (known?.times ?? 0), ...(either && { opaque: either }) });
  }
  return seen;
}

type Cover = Pick<Difference, "path" | "kind">;

const coversOf = (differences: readonly Difference[]): Cover[] => differences.filter(({ kind }) => HIDES.has(kind));

/** Another order hides the elements of a list; those of a page are compared all the same. */
const isHidden = (path: string, covers: readonly Cover[]): boolean =>
  covers.some(({ path: cover, kind }) => {
    if (kind === "status") return true;
    return path.startsWith(cover) && (path[cover.length] === "[" || (path[cover.length] === "." && kind !== "order"));
  });

/** Diffy's three numbers, in percent, over the requests that were asked twice; `real` is what its rule would report. */
export interface DiffyFigures {
  readonly raw: number;
  readonly noise: number;
  readonly relative: number;
  readonly absolute: number;
  readonly real: boolean;
}

/** twitter-archive/diffy at its defaults: raw > noise, relative > 20 %, absolute > 0.03 %. Beside the verdict, never part of it. */
export function diffyFigures({ raw: counted, noise, onlyRaw, onlyNoise }: Counts, probed: number): DiffyFigures {
  // `raw` also counts requests that were asked once; those with both are `noise − onlyNoise`, or fewer where elements or words are counted.
  const raw = Math.min(counted, probed, noise - onlyNoise + onlyRaw);
  const of = (part: number, whole: number) => (whole === 0 ? 0 : (100 * part) / whole);
  const relative = of(Math.abs(raw - noise), raw + noise);
  const absolute = of(Math.abs(raw - noise), probed);
  return { raw: of(raw, probed), noise: of(noise, probed), relative, absolute, real: raw > noise && relative > 20 && absolute > 0.03 };
}
