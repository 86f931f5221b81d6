/** What `off` and `on` have in common. */
import type { Command } from "commander";
import { AdminApi, signed } from "./admin-api.ts";
import { cannotAsk, type ExitCode } from "./failure.ts";
import { unknownGroup } from "./refusal.ts";
import { bold, green, percent, plural, say, sayJson } from "./say.ts";
import { exits, type Writing, writing } from "./verb.ts";
import { sayEffect, write } from "./write.ts";

export interface ListedGroup {
  readonly name: string;
  /** null, and all else left out: published, but not in force yet. */
  readonly revision: string | null;
  readonly baseline?: string;
  readonly lanes?: readonly { readonly name: string; readonly percent: number }[];
  /** What is wrong with its lanes now, in words. */
  readonly concerns?: readonly string[];
}

type Off = "*" | readonly string[];

/** Off for those of tomorrow, too; on without any that is left off. */
const isAll = (already: Off, off: boolean): boolean => (off ? already === "*" : already.length === 0);

interface Options extends Writing {
  readonly all?: boolean;
}

export function switching(off: boolean): Command {
  const summary = off ? "send everything to the baselines, at once" : "let the lanes take their shares again";
  return writing(off ? "off" : "on", summary)
    .argument("[groups...]")
    .option("--all", off ? "every group, also those of tomorrow" : "every group")
    .action(exits((groups: string[], options: Options) => run(groups, options, off)));
}

async function run(groups: string[], options: Options, off: boolean): Promise<ExitCode> {
  const verb = off ? "off" : "on";
  const api = new AdminApi(options);
  const { groups: known, off: already }: { groups: readonly ListedGroup[]; off: Off } = (await api.ask("api/groups")).value;
  const names = known.map(({ name }) => name);
  if (groups.length > 0 === (options.all === true)) {
    throw cannotAsk(`Which groups?`, `Name some (${names.join(", ")}), or all of them: npx lanes ${verb} --all`);
  }
  for (const name of groups) if (!names.includes(name)) throw unknownGroup(name, names);
  const affected = options.all ? known : known.filter(({ name }) => groups.includes(name));
  const which = options.all ? "all groups" : groups.join(", ");
  const isOff = (name: string) => already === "*" || already.includes(name);
  if (options.all ? isAll(already, off) : groups.every((name) => isOff(name) === off)) {
    if (options.json) sayJson({ unchanged: true, off: already });
    else say(`Nothing to do: ${options.all ? "every group is" : `${which} ${groups.length > 1 ? "are" : "is"}`} ${verb} already.`);
    return 0;
  }
  return await write(options, {
    preview: { groups: options.all ? "*" : groups, moved: affected.map(({ name, baseline, lanes }) => ({ name, baseline, lanes })) },
    show: () => {
      for (const group of affected) say(`  ${bold(group.name)}  ${off ? toBaseline(group) : toLanes(group)}`);
      say();
    },
    question: off ? `Switch ${which} off?` : `Switch ${which} on?`,
    reasoned: true,
    perform: async (reason) => {
      const body = JSON.stringify({ groups: options.all ? "*" : groups, reason });
      return (await api.ask("api/off", { method: off ? "PUT" : "DELETE", body, headers: signed({ ...options, reason }), title: "Writing" }))
        .value;
    },
    done: async (written: { off: "*" | readonly string[] }) => {
      say(`${green("✓")} ${sentence(written.off)}`);
      await sayEffect(api);
      if (off) say(`  Back: npx lanes on ${options.all ? "--all" : groups.join(" ")}`);
    },
  });
}

function toBaseline({ baseline, lanes = [] }: ListedGroup): string {
  const others = lanes.filter(({ name, percent: share }) => name !== baseline && share > 0);
  if (baseline === undefined) return "everybody goes to its baseline";
  if (others.length === 0) return `everybody is on ${baseline} by weight; rules, contexts and mirrors stop`;
  return `${others.map(({ name, percent: share }) => `${name} (${percent(share)})`).join(", ")} → ${baseline}; rules, contexts and mirrors stop`;
}

function toLanes({ lanes = [] }: ListedGroup): string {
  const shares = lanes.filter(({ percent: share }) => share > 0).map(({ name, percent: share }) => `${name} ${percent(share)}`);
  return `${shares.join(", ")}; rules, contexts and mirrors act again`;
}

function sentence(off: "*" | readonly string[]): string {
  if (off === "*") return "Every group is off.";
  return off.length === 0 ? "Every group is on." : `${plural(off.length, "group is", "groups are")} off: ${off.join(", ")}.`;
}
