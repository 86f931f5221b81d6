import type { Command } from "commander";
import type { Problem } from "../core/problem.ts";
import { AdminApi } from "./admin-api.ts";
import { type ExitCode, Failure } from "./failure.ts";
import { sayStats, type Stats } from "./stats.ts";
import { bold, dim, green, lineOf, percent, plural, red, say, sayJson, table, yellow } from "./say.ts";
import type { ListedGroup } from "./switch.ts";
import { type Asking, asking, exits, groupName } from "./verb.ts";

interface Health {
  readonly status: "ok" | "degraded";
  readonly groups: readonly InForce[];
  readonly off: "*" | readonly string[];
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

export const status = (): Command =>
  asking("status", "what runs, and whether it is well", "something is wrong")
    .argument("[group]", "also what its lanes did in the last hour", groupName)
    .action(exits(run));

async function run(name: string | undefined, options: Asking): Promise<ExitCode> {
  const api = new AdminApi(options);
  const [health, listed, stats] = await Promise.all([
    api.ask("health").then(({ value }) => value as Health),
    groupsIn(api),
    name === undefined ? null : api.ask(`api/groups/${name}/stats`).then(({ value }) => value as Stats),
  ]);
  if (options.json) sayJson({ ...health, published: listed, ...(stats && { stats }) });
  else {
    sayHealth(api.url, health, listed);
    if (stats) sayStats(stats);
  }
  return health.status === "ok" && stats?.ratio.verdict !== "invalid" ? 0 : 1;
}

/** null: a router without a Durable Object, which serves and knows nothing beyond that. */
async function groupsIn(api: AdminApi): Promise<readonly ListedGroup[] | null> {
  try {
    return (await api.ask("api/groups")).value.groups;
  } catch (error) {
    if (error instanceof Failure && (error.more as { tag?: string }).tag === "no-publisher") return null;
    throw error;
  }
}

const SOURCES: Readonly<Record<string, string>> = {
  kv: "KV",
  bundled: "the deploy's files",
  fallback: "the deploy's files, all on the baseline",
};

function sayHealth(url: string, { status: state, groups, off, staleness, problems, missingSecrets }: Health, listed: readonly ListedGroup[] | null): void {
  say(`${state === "ok" ? green("✓") : red("✗")} Laneway at ${url} is ${bold(state)}.`);
  for (const secret of missingSecrets) say(`  ${red("missing")}  ${secret}: signed groups stay on their baselines (npx wrangler secret put ${secret})`);
  for (const { key, problems: list } of problems) for (const problem of list) say(`  ${red("problem")}  ${key}: ${lineOf(problem)}`);
  for (const { name, warnings } of groups) for (const warning of warnings) say(`  ${yellow("warning")}  ${name}: ${lineOf(warning)}`);
  const isOff = (name: string) => off === "*" || off.includes(name);
  const rows = groups.map(({ name, revision, source, hosts }) => [
    bold(name),
    revision,
    SOURCES[source] ?? source,
    isOff(name) ? red("off: all on the baseline") : lanesOf(listed?.find((group) => group.name === name)),
    hosts.join(", "),
  ]);
  const waiting = (listed ?? []).filter(({ name }) => groups.every((group) => group.name !== name));
  rows.push(...waiting.map(({ name }) => [bold(name), "", "", dim("published, but not in force here yet"), ""]));
  say(`\n${table(["group", "revision", "from", "lanes", "hosts"], rows)}`);
  if (listed === null) say(yellow("\n  This router has no Durable Object: it serves, but publishes and counts nothing."));
  const { ageSeconds, busySeconds, idleSeconds } = staleness;
  const age = ageSeconds === null ? "KV has not answered yet" : `Read from KV ${plural(ageSeconds, "second")} ago`;
  say(dim(`\n  ${age}; a change there reaches isolates with traffic within about ${busySeconds} s, idle ones within ${idleSeconds} s.`));
}

function lanesOf(group: ListedGroup | undefined): string {
  return (group?.lanes ?? []).map(({ name, percent: share }) => `${name} ${percent(share)}`).join(", ");
}
