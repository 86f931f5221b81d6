/** The answer of `explain`, for somebody who has never seen this group: what decides first, then what goes where. */
import { bold, dim, green, red, say, table, yellow } from "./say.ts";

interface Fallback {
  /** Why the lane's own origin is not asked; null: it is. */
  readonly reason: string | null;
  readonly onFailure: { readonly lane: string; readonly origin: string; readonly afterMs: number } | null;
  /** Why nobody else is asked. */
  readonly whyOnce: string | null;
}

/** Contract section 9, explain. */
export interface Explained {
  readonly group: string;
  readonly note: string | null;
  readonly revision: string;
  readonly service: string;
  readonly lane: string;
  readonly reason: string;
  readonly baggage: readonly { readonly key: string; readonly value: string }[];
  readonly rules: readonly { readonly name: string; readonly matched: boolean; readonly why: string }[];
  /** Laneway's own answer, which no origin is asked for; null: one is. */
  readonly answered: { readonly status: number; readonly reason: string; readonly why: string } | null;
  readonly slot: number | null;
  /** Where the slot came from, or why there is none; null: it decides nothing here. */
  readonly visitor: string | null;
  readonly origin: string | null;
  readonly servedBy: string | null;
  readonly fallback: Fallback;
  readonly mirrors: readonly { readonly name: string; readonly sent: boolean; readonly why: string }[];
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly removedHeaders: readonly { readonly name: string; readonly why: string }[];
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly removedResponseHeaders: readonly { readonly name: string; readonly why: string }[];
}

/** A request that is answered without anybody being asked. */
export interface Unserved {
  readonly group: string | null;
  readonly service?: string;
  readonly reason: string;
}

function whyUnserved({ group, service, reason }: Unserved): string {
  if (reason === "admin") return "it is for Laneway's own admin app, which sends nothing to an origin";
  if (group === null) return `no group has this host (404 ${reason})`;
  if (service === undefined) return `no service of ${group} has this host and path (404 ${reason})`;
  if (reason === "no-secret")
    return `${service} admits only requests of ours, and the Worker has no LANEWAY_SECRET to know them by (503 ${reason})`;
  return `${service} admits only requests that have come through the router before, and this one bears no signature of ours (403 ${reason})`;
}

export function sayNobody(unserved: Unserved): void {
  say(`  ${red("Nobody takes it:")} ${whyUnserved(unserved)}.`);
  say("  `npx lanes status` lists the groups and their hosts.");
}

const REASONS: Readonly<Record<string, string>> = {
  off: "the group is switched off",
  "no-secret": "the Worker has no LANEWAY_SECRET, so a signed group stays on its baseline",
  context: "the request travels in it already, by its signed context",
  named: "the request names it, and the group's context is open",
  baseline: "the baseline, since nothing else decides",
  expired: "the baseline, since the lane that was chosen is past its time",
  loop: "the request passed here more than 16 times, and is answered 508",
};

function because({ reason, slot }: Explained): string {
  if (reason.startsWith("rule:")) return `the rule ${reason.slice("rule:".length)} matches`;
  if (reason === "sticky") return `the visitor's slot ${slot} belongs to it`;
  if (reason === "weight") return `a new visitor drew slot ${slot}, which belongs to it`;
  return REASONS[reason] ?? reason;
}

function originOf({ lane, origin, servedBy, answered, fallback: { reason } }: Explained): string {
  if (answered !== null) return red(`none: it is answered ${answered.status} ${answered.reason}, since ${answered.why}`);
  const why = reason === "missing-service" ? `${lane} has no origin for it` : `${lane}'s origin is ejected after failures`;
  return reason === null ? `${origin}` : `${origin} ${yellow(`of ${servedBy}, since ${why}`)}`;
}

function onFailure({ onFailure: next, whyOnce }: Fallback): string {
  if (next === null) return `its answer goes to the client${whyOnce === null ? "" : `: ${whyOnce}`}`;
  return `${next.lane} answers: ${next.origin} (after ${next.afterMs / 1000} s without headers)`;
}

export function sayExplained(explained: Explained): void {
  const { group, note, revision, service, lane, slot, visitor, rules, fallback, mirrors, baggage } = explained;
  const { removedHeaders, requestHeaders, responseHeaders, removedResponseHeaders } = explained;
  say(
    table(null, [
      [dim("group"), `${group}, revision ${revision}`],
      ...(note === null ? [] : [["", dim(note)]]),
      [dim("service"), service],
      [dim("lane"), `${bold(lane)}: ${because(explained)}`],
      ...(visitor === null ? [] : [[dim("visitor"), slot === null ? visitor : `${visitor} (slot ${slot})`]]),
      [dim("origin"), originOf(explained)],
      ...(explained.answered ? [] : [[dim("if it fails"), onFailure(fallback)]]),
    ]),
  );
  const asked = /^(?:rule:|sticky$|weight$|baseline$|expired$)/.test(explained.reason);
  section(
    asked ? "Rules, the first that matches decides" : "Rules, had they been asked",
    ticked(rules.map(({ name, matched, why }) => [matched, name, why])),
  );
  section("Mirrors", ticked(mirrors.map(({ name, sent, why }) => [sent, name, why])));
  section("Baggage it came with", pairs(baggage.map(({ key, value }) => [key, value])));
  section("Headers that end here", pairs(removedHeaders.map(({ name, why }) => [name, why])));
  section("Headers the origin gets", pairs(Object.entries(requestHeaders)));
  section("Headers the client gets besides", pairs(Object.entries(responseHeaders)));
  section("Headers of the answer that end here", pairs(removedResponseHeaders.map(({ name, why }) => [name, why])));
}

function section(title: string, lines: string): void {
  if (lines !== "") say(`\n${bold(title)}\n${lines}`);
}

const ticked = (rows: readonly (readonly [yes: boolean, name: string, why: string])[]): string =>
  pairs(rows.map(([yes, name, why]) => [`${yes ? green("✓") : dim("–")} ${name}`, why]));

const pairs = (rows: readonly (readonly [string, string])[]): string => (rows.length === 0 ? "" : table(null, rows));
