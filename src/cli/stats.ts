/** What the lanes of a group did, as `status` shows it. */
import { bold, dim, percent, red, say, table } from "./say.ts";

type Reasons = Readonly<Record<string, number>>;

export interface Stats {
  readonly revision: number | null;
  readonly minutes: number;
  /** What is wrong with the lanes now, in words. */
  readonly concerns: readonly string[];
  readonly rows: readonly {
    readonly lane: string;
    readonly service: string;
    readonly requests: number;
    readonly share: number | null;
    readonly errors: number;
    readonly fallbacks: Reasons;
    readonly ejections: number;
    readonly copies: {
      readonly received: number;
      readonly sent: number;
      readonly dropped: Reasons;
      readonly compared: number;
      readonly different: number;
      readonly uncompared: Reasons;
    };
    readonly latency: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };
  }[];
  /** New visitors under the newest revision. */
  readonly visitors: readonly {
    readonly lane: string;
    readonly configured: number;
    readonly observed: number | null;
    readonly assigned: number;
  }[];
  readonly ratio: { readonly verdict: "ok" | "invalid" | "none"; readonly causes: readonly string[] };
}

const none = dim("–");
const count = (value: number): string => (value === 0 ? none : String(value));
const ms = (value: number | null): string => (value === null ? none : `${value < 10 ? value : Math.round(value)} ms`);
const byReason = (reasons: Reasons): string =>
  Object.entries(reasons)
    .map(([reason, times]) => `${times} ${reason}`)
    .join(", ") || none;

export function sayStats({ revision, minutes, rows, visitors, ratio }: Stats): void {
  say(`\n${bold("New visitors")}${revision === null ? "" : dim(` since revision ${revision}`)}`);
  const shares = visitors.map(({ lane, configured, observed, assigned }) => [
    lane,
    percent(configured),
    observed === null ? none : percent(observed),
    count(assigned),
  ]);
  say(table(["lane", "configured", "observed", "visitors"], shares, [1, 2, 3]));
  if (ratio.verdict === "invalid") {
    say(red("  Invalid: chance does not explain these shares, so do not compare the lanes. Likely causes:"));
    for (const cause of ratio.causes) say(`    ${cause}`);
  }
  say(`\n${bold(`The last ${minutes} minutes`)}`);
  if (rows.length > 0) sayRows(rows);
  else say("  No requests. Counts come in every few seconds.");
}

function sayRows(rows: Stats["rows"]): void {
  const figures = rows.map(({ lane, service, requests, share, errors, fallbacks, ejections, latency }) => [
    lane,
    service,
    count(requests),
    share === null ? none : percent(share),
    count(errors),
    count(ejections),
    ms(latency.p50),
    ms(latency.p95),
    ms(latency.p99),
    byReason(fallbacks),
  ]);
  const head = ["lane", "service", "requests", "share", "errors", "ejections", "p50", "p95", "p99", "fallbacks"];
  say(table(head, figures, [2, 3, 4, 5, 6, 7, 8]));
  sayCopies(rows);
}

function sayCopies(rows: Stats["rows"]): void {
  const copied = rows.filter(({ copies: { received, sent, dropped } }) => received + sent > 0 || Object.keys(dropped).length > 0);
  if (copied.length === 0) return;
  const figures = copied.map(({ lane, service, copies }) => [
    lane,
    service,
    count(copies.sent),
    count(copies.compared),
    count(copies.different),
    byReason(copies.dropped),
    byReason(copies.uncompared),
  ]);
  const head = ["lane", "service", "sent", "compared", "different", "not sent", "not compared"];
  say(`\n${bold("Copies")}\n${table(head, figures, [2, 3, 4])}`);
}
