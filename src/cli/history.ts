import { type Command, InvalidArgumentError } from "commander";
import { concerns } from "../core/switched.ts";
import { AdminApi, type RevisionHead } from "./admin-api.ts";
import type { ExitCode } from "./failure.ts";
import { ago, bold, dim, red, say, sayJson, table, yellow } from "./say.ts";
import { type Asking, asking, exits, groupName } from "./verb.ts";

interface Entry {
  readonly at: string;
  readonly by: string;
  readonly action: string;
  readonly from: number | null;
  readonly to: number | null;
  readonly reason: string;
}

interface Refused {
  /** The last time. */
  readonly at: string;
  readonly by: string;
  readonly action: string;
  readonly times: number;
}

interface History {
  /** The newest revision that KV has taken. */
  readonly written: number;
  readonly revisions: readonly RevisionHead[];
  readonly audit: readonly Entry[];
  readonly refused: readonly Refused[];
  /** Off and on, of all groups. */
  readonly switches: readonly Entry[];
}

interface Options extends Asking {
  readonly limit: number;
}

export const history = (): Command =>
  asking("history", "who changed what, when and why", null)
    .argument("<group>", "name of the group", groupName)
    .option("--limit <n>", "how many entries (1 to 500)", limit, 20)
    .action(exits(run));

function limit(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 500) throw new InvalidArgumentError("Expected a number from 1 to 500.");
  return number;
}

async function run(name: string, options: Options): Promise<ExitCode> {
  const { value } = await new AdminApi(options).askOf(name, `/history?limit=${options.limit}`);
  if (options.json) sayJson(value);
  else sayHistory(name, value, options.limit);
  return 0;
}

/** A value that came beside the publisher has no time of its own. */
const when = (by: string, at: string, now: number): string => (by === "kv" ? `seen ${ago(at, now)}` : ago(at, now));

function sayHistory(name: string, { written, revisions, audit, refused, switches }: History, most: number): void {
  const now = Date.now();
  const latest = revisions[0]?.revision ?? 0;
  const ours = switches.filter(concerns(name));
  const broken = new Set(revisions.filter((each) => each.broken).map(({ revision }) => revision));
  const entries = [...audit, ...ours].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)).slice(0, most);
  say(`${bold(name)} is at revision ${latest}.`);
  if (written < latest) say(yellow(`KV still holds revision ${written}; the newest is written until it is taken.`));
  say();
  const rows = entries.map(({ at, by, action, to, reason }) => [
    to === null || ours.some((entry) => entry.at === at && entry.action === action) ? "" : String(to),
    when(by, at, now),
    by,
    to !== null && broken.has(to) ? `${action}, ${red("no lane file")}` : action,
    reason === "" ? dim("no reason given") : reason,
  ]);
  say(table(["revision", "when", "who", "what", "why"], rows, [0]));
  if (refused.length > 0) {
    const lines = refused.map(({ at, by, action, times }) => [`${times} ×`, ago(at, now), by, action]);
    say(`\n${bold("Refused writes")}\n${table(["times", "last", "who", "what"], lines, [0])}`);
  }
  say(dim(`\nGo back: npx lanes rollback ${name} <revision>`));
}
