/**
 * Is a lane worse than the baseline? Requests of one service are compared with the baseline's of the same service, over the same minutes:
 * if the lane is as good, each error falls on it with the chance p = n / (n + m), for n requests of the lane and m of the baseline. The
 * evidence is the mean, over how many times worse it may be, of the likelihood ratio against that, all services together. Given the
 * number of errors, the true law of the lane's share is the hypergeometric one, which spreads less than the binomial one (Hoeffding 1963,
 * theorem 4), so a good lane reaches evidence E in at most one of E looks (Markov). It counts requests, not visitors: one who reloads a
 * broken page is heard each time, so that a few errors are never enough.
 *
 * Where there is nothing to compare with (the baseline itself, or one with hardly a request), a plain threshold judges.
 */

/** Answers of 500 and more, and fallbacks. */
export interface ServiceFigures {
  readonly lane: string;
  readonly service: string;
  readonly requests: number;
  readonly errors: number;
  /** Errors after which another lane answered, so that the client may have seen none. */
  readonly fellBack: number;
}

export interface LaneHealth {
  readonly lane: string;
  readonly requests: number;
  readonly errors: number;
  readonly fellBack: number;
  /** `worse`: than the baseline, more than chance explains. `failing`: nothing to compare with, and many errors. */
  readonly verdict: "ok" | "worse" | "failing";
  /** The baseline's, at the services where the lane had requests; null: it cannot be compared. */
  readonly baseline: { readonly requests: number; readonly errors: number } | null;
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

const sums = (rows: readonly ServiceFigures[]) => ({
  requests: rows.reduce((sum, { requests }) => sum + requests, 0),
  errors: rows.reduce((sum, { errors }) => sum + errors, 0),
  fellBack: rows.reduce((sum, { fellBack }) => sum + fellBack, 0),
});

function judge(name: string, baseline: string, rows: readonly ServiceFigures[]): LaneHealth {
  const own = rows.filter(({ lane, requests }) => lane === name && requests > 0);
  const lane = { lane: name, ...sums(own) };
  const control = (service: string) => rows.find((row) => row.lane === baseline && row.service === service && row.requests > 0);
  const pairs = own.flatMap((row) => {
    const other = name === baseline ? undefined : control(row.service);
    return other === undefined ? [] : [[row, other] as const];
  });
  const against = sums(pairs.map(([, other]) => other));
  const evidence = pairs.length === 0 ? null : evidenceOf(pairs);
  const enough = lane.errors >= LEAST_ERRORS;
  const worse = enough && evidence !== null && evidence >= 1 / ALPHA;
  const failing = enough && against.requests < LEAST_CONTROL && lane.errors >= lane.requests * MANY;
  return { ...lane, verdict: worse ? "worse" : failing ? "failing" : "ok", baseline: pairs.length === 0 ? null : against, evidence };
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

/** `s2 answers 97.6 % of 1,240 requests with errors, the baseline 0.4 %; 1,180 fell back`; null: there is nothing to say. */
export function concernOf({ lane, requests, errors, fellBack, verdict, baseline }: LaneHealth): string | null {
  if (verdict === "ok") return null;
  const said = `${lane} answers ${share(errors, requests)} of ${grouped(requests)} requests with errors`;
  const beside = baseline === null ? "" : `, the baseline ${share(baseline.errors, baseline.requests)}`;
  return `${said}${beside}${fellBack === 0 ? "" : `; ${grouped(fellBack)} fell back`}`;
}
