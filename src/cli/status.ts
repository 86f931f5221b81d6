import type { Command } from "commander";
import type { Problem } from "../core/problem.ts";
import { AdminApi } from "./admin-api.ts";
import { type ExitCode, Failure } from "./failure.ts";
import { unknownGroup } from "./refusal.ts";
import { bold, dim, green, lineOf, percent, plural, red, say, sayJson, table, yellow } from "./say.ts";
import { type Stats, sayStats } from "./stats.ts";
import type { ListedGroup } from "./switch.ts";
import { type Asking, asking, exits, groupName } from "./verb.ts";

type Off = "*" | readonly string[];

interface Health {
  readonly status: "ok" | "degraded";
  readonly groups: readonly InForce[];
  readonly off: Off;
  /** What `LANEWAY_OFF` keeps off, whatever is switched. */
  readonly offByVariable: Off;
  readonly staleness: { readonly ageSeconds: number | null; readonly busySeconds: number; readonly idleSeconds: number };
  readonly problems: readonly { readonly key: string; readonly problems: readonly Problem[] }[];
  readonly missingSecrets: readonly string[];
}

interface InForce {
  readonly name: string;
  readonly revision: string;
  readonly source: string;
  readonly hosts: readonly string[];
  readonly warnings: readonly Problem[];
}

/** What is written, wherever it is in force by now. */
interface PublishedHere {
  readonly off: Off;
  readonly groups: readonly ListedGroup[];
}

export const status = (): Command =>
  asking("status", "what runs, and whether it is well", "something is wrong")
    .argument("[group]", "also what its lanes did in the last hour", groupName)
    .action(exits(run));

async function run(name: string | undefined, options: Asking): Promise<ExitCode> {
  const api = new AdminApi(options);
  const [health, published, stats] = await Promise.all([
    api.ask("health").then(({ value }): Health => value),
    ifKnown<PublishedHere>(api, "api/groups"),
    name === undefined ? null : ifKnown<Stats>(api, `api/groups/${name}/stats`),
  ]);
  const names = [...new Set([...health.groups, ...(published?.groups ?? [])].map((group) => group.name))];
  if (name !== undefined && !names.includes(name)) throw unknownGroup(name, names);
  const concerns = stats === null ? concernsOf(published, name) : stats.concerns.map((concern) => `${name}: ${concern}`);
  if (options.json) sayJson({ ...health, concerns, published, ...(stats && { stats }) });
  else {
    for (const concern of concerns) say(`${red("✗")} ${bold(concern)}.`);
    sayHealth(api.url, health, published, name);
    if (stats) sayStats(stats);
  }
  return health.status === "ok" && concerns.length === 0 ? 0 : 1;
}

/** What is wrong with the lanes: of the group that was asked for; of all, if none was. */
function concernsOf(published: PublishedHere | null, only: string | undefined): string[] {
  const groups = (published?.groups ?? []).filter(({ name }) => only === undefined || name === only);
  return groups.flatMap(({ name, concerns = [] }) => concerns.map((concern) => `${name}: ${concern}`));
}

/** null: a router without a Durable Object knows nothing beyond what it serves; a file of the deploy has no figures before it is asked for. */
async function ifKnown<T>(api: AdminApi, path: string): Promise<T | null> {
  try {
    return (await api.ask(path)).value;
  } catch (error) {
    const tag = error instanceof Failure ? (error.more as { tag?: string }).tag : undefined;
    if (tag === "no-publisher" || tag === "no-group") return null;
    throw error;
  }
}

const SOURCES: Readonly<Record<string, string>> = {
  kv: "KV",
  bundled: "the deploy's files",
  fallback: "the deploy's files, all on the baseline",
};

/** @param only the group that was asked for; all, if none was */
function sayHealth(url: string, health: Health, published: PublishedHere | null, only: string | undefined): void {
  const { status: state, staleness, problems, missingSecrets } = health;
  const groups = health.groups.filter(({ name }) => only === undefined || name === only);
  say(`${state === "ok" ? green("✓") : red("✗")} Laneway at ${url} is ${bold(state)}.`);
  for (const secret of missingSecrets)
    say(`  ${red("missing")}  ${secret}: signed groups stay on their baselines (npx wrangler secret put ${secret})`);
  for (const { key, problems: list } of problems) for (const problem of list) say(`  ${red("problem")}  ${key}: ${lineOf(problem)}`);
  for (const { name, warnings } of groups) for (const warning of warnings) say(`  ${yellow("warning")}  ${name}: ${lineOf(warning)}`);
  const rows = groups.map(({ name, revision, source, hosts }) => [
    bold(name),
    revision,
    SOURCES[source] ?? source,
    switched(name, health, published) ?? lanesOf(published?.groups.find((group) => group.name === name)),
    hosts.join(", "),
  ]);
  const waiting = (published?.groups ?? []).filter(({ revision }) => revision === null);
  rows.push(
    ...waiting
      .filter(({ name }) => only === undefined || name === only)
      .map(({ name }) => [bold(name), "", "", dim("published, not in force here yet"), ""]),
  );
  const none = "  There is no group yet: npx lanes init writes a first lane file.";
  say(`\n${rows.length === 0 ? none : table(["group", "revision", "from", "lanes", "hosts"], rows)}`);
  if (published === null) say(yellow("\n  This router has no Durable Object: it serves, but publishes and counts nothing."));
  const { ageSeconds, busySeconds, idleSeconds } = staleness;
  const age = ageSeconds === null ? "KV has not answered yet" : `Read from KV ${plural(ageSeconds, "second")} ago`;
  say(dim(`\n  ${age}; a change there reaches isolates with traffic within about ${busySeconds} s, idle ones within ${idleSeconds} s.`));
}

/** null: on, here and by what is published. */
function switched(name: string, { off, offByVariable }: Health, published: PublishedHere | null): string | null {
  const isIn = (names: Off) => names === "*" || names.includes(name);
  if (isIn(offByVariable)) return red("off: by the Worker's variable LANEWAY_OFF");
  if (isIn(off))
    return published === null || isIn(published.off) ? red("off: all on the baseline") : yellow("on again, not in force here yet");
  return published !== null && isIn(published.off) ? red("switched off, not in force here yet") : null;
}

function lanesOf(group: ListedGroup | undefined): string {
  return (group?.lanes ?? []).map(({ name, percent: share }) => `${name} ${percent(share)}`).join(", ");
}
