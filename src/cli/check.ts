import { existsSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Command } from "commander";
import { checkGroups } from "../core/host-checks.ts";
import type { LaneGroup } from "../core/lane-group.ts";
import type { OriginOptions } from "../core/origin.ts";
import { parseLaneGroupText } from "../core/parse-lane-group.ts";
import { type Problem, quote } from "../core/problem.ts";
import { review } from "../core/review.ts";
import { cannotAsk, type ExitCode } from "./failure.ts";
import { FOLDER, localNames } from "./folder.ts";
import { readFile, type Text } from "./lane-files.ts";
import { bold, dim, green, lineOf, plural, red, say, sayJson, yellow } from "./say.ts";
import { exits, type Shown, verb } from "./verb.ts";

interface Options extends Shown {
  readonly insecureOrigins?: boolean;
}

interface Checked {
  readonly path: string;
  readonly group: LaneGroup | null;
  readonly problems: Problem[];
  readonly warnings: Problem[];
  /** Nothing is wrong with it but that its origins are such as the local run alone allows. */
  readonly isLocal: boolean;
}

export const check = (): Command =>
  verb("check", "find what is wrong with lane files, offline", "problems were found")
    .argument("[files...]", `lane files, or names of groups in ${FOLDER}/ (default: all of them)`)
    .option("--insecure-origins", "allow http, IP addresses and private names as origins, as INSECURE_ORIGINS=true does")
    .action(exits(run));

function run(files: string[], { json, insecureOrigins = allowsInsecure() }: Options): ExitCode {
  const wanted = files.length > 0 ? new Set(files) : new Set(localNames());
  if (wanted.size === 0) throw cannotAsk(`There is no lane file in ${FOLDER}/ here.`, "`npx lanes init` writes a first one.");
  const checked = checkFiles([...wanted], insecureOrigins);
  const sound = checked.every(({ problems }) => problems.length === 0);
  if (json)
    sayJson({ files: checked.map(({ path, group, problems, warnings }) => ({ path, group: group?.name ?? null, problems, warnings })) });
  else {
    for (const one of checked) sayChecked(one);
    const local = checked.filter(({ problems, isLocal }) => problems.length > 0 && isLocal).map(({ path }) => path);
    if (local.length > 0) say(`\nThe local run allows such origins: npx lanes check ${local.join(" ")} --insecure-origins`);
  }
  return sound ? 0 : 1;
}

/** Each by itself, and all of them together. */
export function checkFiles(files: readonly string[], insecureOrigins = allowsInsecure()): Checked[] {
  const now = Math.floor(Date.now() / 1000);
  const options = { insecureOrigins, adminHost: variable("ADMIN_HOST") };
  const checked = files.map((file) => checkOne(readFile(file), options, now));
  checkTogether(checked);
  return checked;
}

/** As the Worker will have it: by `[vars]` of the `wrangler.toml` here, unless the environment says otherwise. */
function variable(name: string): string | undefined {
  if (process.env[name] !== undefined) return process.env[name];
  const toml = existsSync("wrangler.toml") ? readFileSync("wrangler.toml", "utf8") : "";
  const [, vars = ""] = /^\[vars\]\s*$([^[]*)/m.exec(toml) ?? [];
  return new RegExp(`^\\s*${name}\\s*=\\s*(["'])(.*?)\\1`, "m").exec(vars)?.[2];
}

const allowsInsecure = () => variable("INSECURE_ORIGINS") === "true";

function checkOne({ path, text }: Text, options: OriginOptions, now: number): Checked {
  const parsed = parseLaneGroupText(text, options);
  if (!parsed.ok) {
    const isLocal = !options.insecureOrigins && parseLaneGroupText(text, { ...options, insecureOrigins: true }).ok;
    return { path, group: null, problems: [...parsed.error], warnings: [], isLocal };
  }
  const { group, warnings } = parsed.value;
  return { path, group, problems: misnamed(path, group), warnings: [...warnings, ...review(group, null, now).warnings], isLocal: false };
}

/** The Worker takes the files of its folder by their names, and leaves out one whose name says another. */
function misnamed(path: string, { name }: LaneGroup): Problem[] {
  if (basename(dirname(path)) !== FOLDER || basename(path) === `${name}.json`) return [];
  return [{ path: "name", message: `expected the file's name, ${quote(basename(path, ".json"))}, got ${quote(name)}` }];
}

/** What only shows between groups goes to the file whose group it names. */
function checkTogether(checked: readonly Checked[]): void {
  const groups = checked.flatMap(({ group }) => group ?? []);
  const { problems, warnings } = checkGroups(groups);
  const give = (list: "problems" | "warnings", { path, message }: Problem) => {
    const owner = checked.findLast(({ group }) => group !== null && path.startsWith(`${group.name}.`))!;
    owner[list].push({ path: path.slice(owner.group!.name.length + 1), message });
  };
  for (const problem of problems) give("problems", problem);
  for (const warning of warnings) give("warnings", warning);
}

function sayChecked({ path, group, problems, warnings }: Checked): void {
  const mark = problems.length > 0 ? red("✗") : green("✓");
  const found =
    group === null
      ? ""
      : dim(`  ${plural(group.lanes.size, "lane")}, ${plural(group.services.size, "service")}, ${plural(group.rules.length, "rule")}`);
  say(`${mark} ${bold(path)}${found}`);
  for (const problem of problems) say(`  ${red("problem")}  ${lineOf(problem)}`);
  for (const warning of warnings) say(`  ${yellow("warning")}  ${lineOf(warning)}`);
}
