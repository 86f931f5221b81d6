import { type Command, InvalidArgumentError } from "commander";
import { AdminApi } from "./admin-api.ts";
import { CURL_ADDS, type CurlRequest, curlRequest } from "./curl.ts";
import { cannotAsk, type ExitCode } from "./failure.ts";
import { bold, dim, green, red, say, sayJson, table, yellow } from "./say.ts";
import { shellWords } from "./shell-words.ts";
import { type Asking, asking, exits } from "./verb.ts";

/** A described request's options are curl's own, so that both ways mean the same. */
interface Options extends Asking {
  readonly header?: readonly string[];
  readonly request?: string;
  readonly data?: string;
  readonly cookie?: string;
  readonly userAgent?: string;
  readonly head?: boolean;
  readonly slot?: number;
  readonly ip?: string;
  readonly at?: number;
}

interface Fallback {
  /** Why the lane's own origin is not asked; null: it is. */
  readonly reason: string | null;
  readonly onFailure: { readonly lane: string; readonly origin: string; readonly afterMs: number } | null;
}

/** Contract section 9, explain. */
interface Explained {
  readonly group: string;
  readonly note: string | null;
  readonly revision: string;
  readonly service: string;
  readonly lane: string;
  readonly reason: string;
  readonly baggage: readonly { readonly key: string; readonly value: string }[];
  readonly rules: readonly { readonly name: string; readonly matched: boolean; readonly why: string }[];
  readonly slot: number | null;
  readonly origin: string | null;
  readonly servedBy: string | null;
  readonly fallback: Fallback;
  readonly mirrors: readonly { readonly name: string; readonly sent: boolean; readonly why: string }[];
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly removedHeaders: readonly string[];
  readonly responseHeaders: Readonly<Record<string, string>>;
}

const gather = (text: string, before: readonly string[] = []) => [...before, text];

export const explain = (): Command =>
  asking("explain", "why a request goes where it goes; nothing is sent to it", "no group or service takes the request")
    .argument("<request...>", "a URL, or a whole curl command, in quotes or not")
    .option("-H, --header <header>", "'Name: value', as often as needed", gather)
    .option("-X, --request <method>", "the method (default: GET)")
    .option("-d, --data <body>", "makes it a POST; the body decides nothing")
    .option("-b, --cookie <cookies>", "'name=value; other=value'")
    .option("-A, --user-agent <agent>")
    .option("-I, --head", "the method HEAD")
    .option("--slot <n>", "the visitor's slot, 0 to 9999, where one is drawn", slot)
    .option("--ip <address>", "the visitor's address")
    .option("--at <time>", "as if it were that time (2027-01-31T00:00:00Z)", time)
    .addHelpText(
      "after",
      `
Examples:
  lanes explain https://shop.example.com/cart -H 'baggage: pr=142'
  lanes explain 'curl -X POST https://shop.example.com/cart -b "plan=pro" -d item=1'`,
    )
    .action(exits(run));

function slot(text: string): number {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(number)) throw new InvalidArgumentError("Expected a number from 0 to 9999.");
  return number;
}

function time(text: string): number {
  const seconds = Math.floor(Date.parse(text) / 1000);
  if (Number.isNaN(seconds)) throw new InvalidArgumentError("Expected a time such as 2027-01-31T00:00:00Z.");
  return seconds;
}

async function run(request: string[], options: Options): Promise<ExitCode> {
  const { notes, ...described } = requestOf(request, options);
  const { slot, ip, at: now } = options;
  const body = JSON.stringify({
    ...described,
    ...(slot !== undefined && { slot }),
    ...(ip !== undefined && { ip }),
    ...(now !== undefined && { now }),
  });
  const { value } = await new AdminApi(options).ask("api/explain", { method: "POST", body });
  if (options.json) sayJson(value);
  else {
    say(`${bold(described.method)} ${described.url}`);
    for (const note of notes) say(yellow(`  ${note}`));
    say();
    if (value.service === undefined) sayNobody(value);
    else sayExplained(value);
  }
  return value.service === undefined ? 1 : 0;
}

/** @throws Failure where it describes no request */
function requestOf(given: readonly string[], options: Options): CurlRequest {
  const [first = ""] = given;
  const pasted = /^\s*(?:\$\s+)?curl\s/.test(first) ? shellWords(first) : null;
  if (pasted?.ok === false) throw cannotAsk(`This is no command: ${pasted.error}.`);
  const words = pasted === null ? [...given] : pasted.value.slice(pasted.value.indexOf("curl") + 1);
  const also = (name: string, value: string | undefined) => (value === undefined ? [] : [name, value]);
  const more = [
    ...(options.header ?? []).flatMap((header) => ["-H", header]),
    ...also("-X", options.request),
    ...also("-d", options.data),
    ...also("-b", options.cookie),
    ...also("-A", options.userAgent),
    ...(options.head ? ["-I"] : []),
  ];
  // A URL alone says nothing of the client.
  const request = curlRequest([...words, ...more], pasted === null ? {} : CURL_ADDS);
  if (!request.ok)
    throw cannotAsk(
      `This is no request: ${request.error}.`,
      "`lanes explain --help` shows how to write one; options of ours stand before curl.",
    );
  return request.value;
}

function sayNobody({ group, reason }: { readonly group: string | null; readonly reason: string }): void {
  say(
    `  ${red("Nobody takes it:")} ${group === null ? "no group has this host" : `no service of ${group} has this host and path`} (404 ${reason}).`,
  );
  say("  `lanes status` lists the groups and their hosts.");
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

const seconds = (ms: number) => `${ms / 1000} s`;

function originOf({ lane, origin, servedBy, fallback: { reason } }: Explained): string {
  const why = reason === "missing-service" ? `${lane} has no origin for it` : `${lane}'s origin is ejected after failures`;
  if (origin === null) return red(`none: ${reason === null ? "nothing is asked" : why}`);
  return reason === null ? origin : `${origin} ${yellow(`of ${servedBy}, since ${why}`)}`;
}

function sayExplained(explained: Explained): void {
  const { group, note, revision, service, lane, rules, fallback, mirrors, baggage, removedHeaders, requestHeaders, responseHeaders } =
    explained;
  const next = fallback.onFailure;
  say(
    table(null, [
      [dim("group"), `${group}, revision ${revision}`],
      ...(note === null ? [] : [["", dim(note)]]),
      [dim("service"), service],
      [dim("lane"), `${bold(lane)}: ${because(explained)}`],
      [dim("origin"), originOf(explained)],
      [
        dim("if it fails"),
        next === null
          ? "its answer goes to the client"
          : `${next.lane} answers: ${next.origin} (after ${seconds(next.afterMs)} without headers)`,
      ],
    ]),
  );
  const asked = /^(?:rule:|sticky$|weight$|baseline$|expired$)/.test(explained.reason);
  section(
    asked ? "Rules, the first that matches decides" : "Rules, had they been asked",
    ticked(rules.map(({ name, matched, why }) => [matched, name, why])),
  );
  section("Mirrors", ticked(mirrors.map(({ name, sent, why }) => [sent, name, why])));
  section("Baggage it came with", pairs(baggage.map(({ key, value }) => [key, value])));
  section("Headers that end here", pairs(removedHeaders.map((name) => [name, whyRemoved(name)])));
  section("Headers the origin gets", pairs(Object.entries(requestHeaders)));
  section("Headers the client gets besides", pairs(Object.entries(responseHeaders)));
}

/** Contract section 4, in words; what Connection names has any name. */
function whyRemoved(name: string): string {
  if (/^(?:x-lane|cloudflare-workers-version-)/.test(name.replaceAll("_", "-"))) return "only Laneway may say this";
  if (/^(?:connection|proxy-connection|keep-alive|te|trailer|transfer-encoding|upgrade|proxy-auth.*)$/.test(name))
    return "for the next hop only (RFC 9110, 7.6.1)";
  if (/^(?:x-)?forwarded/.test(name.replaceAll("_", "-"))) return "a client's word about addresses";
  if (name === "cookie") return "held the lane cookie only";
  if (name === "baggage") return "nothing of it goes to this origin";
  if (name === "tracestate") return "its traceparent is absent or invalid";
  return "named by Connection";
}

function section(title: string, lines: string): void {
  if (lines !== "") say(`\n${bold(title)}\n${lines}`);
}

const ticked = (rows: readonly (readonly [yes: boolean, name: string, why: string])[]): string =>
  pairs(rows.map(([yes, name, why]) => [`${yes ? green("✓") : dim("–")} ${name}`, why]));

const pairs = (rows: readonly (readonly [string, string])[]): string => (rows.length === 0 ? "" : table(null, rows));
