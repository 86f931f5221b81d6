/**
 * Is a lane worse than the baseline? Requests of one service are compared with the baseline's of the same service, over the same minutes:
 * if the lane is as good, each error falls on it with the chance p = n / (n + m), for n requests of the lane and m of the baseline. The
 * evidence is the mean, over how many times worse it may be, of the likelihood ratio against that: half for all services together, half for
 * each by itself. Given the
 * number of errors, the true law of the lane's share is the hypergeometric one, which spreads less than the binomial one (Hoeffding 1963,
 * theorem 4), so a good lane reaches evidence E in at most one of E looks (Markov). It counts requests, not visitors: one who reloads a
 * broken page is heard each time, so that a few errors are never enough.
 *
 * Where there is nothing to compare with (the baseline itself, or one with hardly a request), a plain threshold judges.
 */

interface Figures {
  readonly requests: number;
  /** Answers of 500 and more, and fallbacks. */
  readonly errors: number;
  /** Errors after which another lane answered, so that the client may have seen none. */
  readonly fellBack: number;
}

export interface ServiceFigures extends Figures {
  readonly lane: string;
  readonly service: string;
}

/** The one service of several that a verdict rests on. */
interface Alone extends Figures {
  readonly service: string;
  readonly baseline: Omit<Figures, "fellBack"> | null;
}

export interface LaneHealth extends Figures {
  readonly lane: string;
  /** `worse`: than the baseline, more than chance explains. `failing`: nothing to compare with, and many errors. */
  readonly verdict: "ok" | "worse" | "failing";
  /** The baseline's, at the services where the lane had requests; null: it cannot be compared. */
  readonly baseline: Omit<Figures, "fellBack"> | null;
  /** null: it rests on all of them together. */
  readonly alone: Alone | null;
  /** How many times likelier the errors are if the lane is worse; from 1,000 on it is. Null: not compared. */
  readonly evidence: number | null;
}

const ALPHA = 0.001;
const WORSE = [1.2, 1.5, 2, 3, 5, 10, 30];
const LEAST_ERRORS = 5;
/** With fewer requests of the baseline there is hardly a control. */
const LEAST_CONTROL = 100;
const MANY = 0.05;
/** Doubles hold no more than e^709. */
const MAX_LOG = 700;

/** ln of the likelihood ratio of "r times worse" to "alike", at one service. */
function logRatio(r: number, lane: ServiceFigures, baseline: ServiceFigures): number {
  const p = lane.requests / (lane.requests + baseline.requests);
  const total = 1 - p + r * p;
  return lane.errors * Math.log(r) - (lane.errors + baseline.errors) * Math.log(total);
}

function evidenceOf(pairs: readonly (readonly [lane: ServiceFigures, baseline: ServiceFigures])[]): number {
  const logs = WORSE.map((r) => pairs.reduce((sum, [lane, baseline]) => sum + logRatio(r, lane, baseline), 0));
  return logs.reduce((sum, log) => sum + Math.exp(Math.min(log, MAX_LOG)), 0) / logs.length;
}

const sums = (rows: readonly Figures[]): Figures => ({
  requests: rows.reduce((sum, { requests }) => sum + requests, 0),
  errors: rows.reduce((sum, { errors }) => sum + errors, 0),
  fellBack: rows.reduce((sum, { fellBack }) => sum + fellBack, 0),
});

/** Enough errors, and hardly a control to hold them against. */
const isFailing = (lane: Figures, control: number): boolean =>
  lane.errors >= LEAST_ERRORS && control < LEAST_CONTROL && lane.errors >= lane.requests * MANY;

/** Judged together, because many services may be a little bad; and each by itself, because others must not hide it. */
function judge(name: string, baseline: string, rows: readonly ServiceFigures[]): LaneHealth {
  const own = rows.filter(({ lane, requests }) => lane === name && requests > 0);
  const lane = { lane: name, ...sums(own) };
  const control = (service: string) =>
    name === baseline ? undefined : rows.find((row) => row.lane === baseline && row.service === service && row.requests > 0);
  const services = own.map((row) => ({ row, other: control(row.service) }));
  const pairs = services.flatMap(({ row, other }) => (other === undefined ? [] : [[row, other] as const]));
  const against = pairs.length === 0 ? null : sums(pairs.map(([, other]) => other));
  // The mean of several such ratios is one as well: to look at each service, too, makes no false alarm likelier.
  const together = evidenceOf(pairs);
  const each = pairs.map((pair) => ({ pair, evidence: evidenceOf([pair]) }));
  const evidence = pairs.length === 0 ? null : (together + each.reduce((sum, one) => sum + one.evidence, 0) / each.length) / 2;
  const told = { ...lane, baseline: against, evidence };
  if (evidence !== null && evidence >= 1 / ALPHA && lane.errors >= LEAST_ERRORS) {
    const most = each.reduce((worst, one) => (one.evidence > worst.evidence ? one : worst));
    const [row, other] = most.pair;
    const alone = own.length > 1 && most.evidence >= together ? { ...row, baseline: other } : null;
    return { ...told, verdict: "worse", alone };
  }
  const lacking = services.filter(({ other }) => (other?.requests ?? 0) < LEAST_CONTROL);
  if (lacking.length === own.length && isFailing(lane, against?.requests ?? 0)) return { ...told, verdict: "failing", alone: null };
  const failing = lacking.filter(({ row, other }) => isFailing(row, other?.requests ?? 0)).sort((a, b) => b.row.errors - a.row.errors)[0];
  if (failing === undefined) return { ...told, verdict: "ok", alone: null };
  return { ...told, verdict: "failing", alone: { ...failing.row, baseline: failing.other ?? null } };
}

/** Of every lane that had requests, by name. */
export function laneHealth(rows: readonly ServiceFigures[], baseline: string): LaneHealth[] {
  const names = [...new Set(rows.filter(({ requests }) => requests > 0).map(({ lane }) => lane))].sort();
  return names.map((name) => judge(name, baseline, rows));
}

/** `97.6 %`; what is not nothing is never `0 %`. */
function share(part: number, whole: number): string {
  const percent = (part * 100) / whole;
  if (percent > 0 && percent < 0.1) return "less than 0.1 %";
  return `${Number(percent.toFixed(1))} %`;
}

const grouped = (count: number): string => String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");

/** `s2 answers 97.6 % of 1,240 requests to api with errors, the baseline 0.4 %; 1,180 fell back`; null: there is nothing to say. */
export function concernOf({ alone, ...health }: LaneHealth): string | null {
  if (health.verdict === "ok") return null;
  const { requests, errors, fellBack, baseline } = alone ?? health;
  const where = alone === null ? "" : ` to ${alone.service}`;
  const said = `${health.lane} answers ${share(errors, requests)} of ${grouped(requests)} requests${where} with errors`;
  const beside = baseline === null ? "" : `, the baseline ${share(baseline.errors, baseline.requests)}`;
  return `${said}${beside}${fellBack === 0 ? "" : `; ${grouped(fellBack)} fell back`}`;
}
