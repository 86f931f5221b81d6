import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Command } from "commander";
import { type Problem, parseLaneGroup } from "../core/parse-lane-group.ts";
import { quote } from "../core/problem.ts";
import { askText, canAsk } from "./ask.ts";
import { cannotAsk, type ExitCode, refused } from "./failure.ts";
import { FOLDER, pathOf } from "./folder.ts";
import { LOCAL_PORT } from "./local-runs.ts";
import { bold, dim, green, say, table, yellow } from "./say.ts";
import { type Changing, changing, exits, verb } from "./verb.ts";
import { write } from "./write.ts";

interface Answers {
  readonly name: string;
  /** Separated by commas or spaces. */
  readonly hosts: string;
  readonly stable: string;
  readonly next: string;
  readonly percent: string;
}

interface Options extends Changing, Partial<Answers> {}

interface Question {
  readonly message: string;
  readonly initial: () => string;
  /** Where in the file the answer stands. */
  readonly path: string;
}

const QUESTIONS: Readonly<Record<keyof Answers, Question>> = {
  name: { message: "What is it called? (letters, digits, dashes)", initial: () => slug(basename(process.cwd())), path: "name" },
  hosts: { message: "Under which hosts is it reached? (several with commas)", initial: () => "www.example.com", path: "hosts" },
  stable: {
    message: "Where does today's version run? (the baseline)",
    initial: () => "https://stable.example.net",
    path: "lanes.stable.origins.web",
  },
  next: { message: "Where does the new version run?", initial: () => "https://next.example.net", path: "lanes.next.origins.web" },
  percent: { message: "How many percent of the visitors get the new one at first?", initial: () => "10", path: "percent" },
};

const KEYS = Object.keys(QUESTIONS) as (keyof Answers)[];

export const init = (): Command =>
  changing(verb("init", "write a first lane file, by five questions", "the file exists, or an answer is wrong"))
    .option("--name <name>", "of the group, and so of the file")
    .option("--hosts <hosts>", "under which it is reached, separated by commas")
    .option("--stable <url>", "origin of today's version, the baseline")
    .option("--next <url>", "origin of the new version")
    .option("--percent <n>", "of the visitors for the new version (default: 10)")
    .addHelpText("after", "\nWhat is not given is asked for; without a terminal, or with --yes, all but --percent must be given.")
    .action(exits(run));

async function run(options: Options): Promise<ExitCode> {
  const answers = await answersOf(options);
  const file = fileOf(answers);
  const path = pathOf(answers.name);
  const problems = problemsOf(answers);
  if (problems.length > 0) throw refused("This makes no lane file.", "", { problems });
  if (existsSync(path))
    throw refused(
      `${path} exists already, and stays as it is.`,
      "Choose another --name, or edit it: your editor knows its keys by the schema.",
    );
  const text = `${JSON.stringify(file, null, 2)}\n`;
  // A new file harms nobody, and the answers were a yes.
  return await write(
    { ...options, yes: true },
    {
      preview: { path, file },
      show: () => {
        if (options.dryRun) say(text);
      },
      question: "",
      reasoned: false,
      perform: async () => {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text);
        return { path };
      },
      done: () => sayNext(answers, path),
    },
  );
}

const hostsOf = (text: string): string[] => text.split(/[\s,]+/).filter((host) => host !== "");

/** Several hosts share their visitors by a cookie for the one that all others lie under, where there is one. */
function stickyOf(hosts: readonly string[]) {
  const domains = hosts.map((host) => host.toLowerCase().replace(/^\*\./, ""));
  const above = domains.find(
    (domain) => /^[\w-]+(?:\.[\w-]+)+$/.test(domain) && domains.every((each) => `.${each}`.endsWith(`.${domain}`)),
  );
  const several = hosts.length > 1 || hosts.some((host) => host.startsWith("*"));
  return several && above !== undefined ? { sticky: { domain: above } } : {};
}

/** `10`, `10 %`; NaN: neither. */
const shareOf = (percent: string): number => (/^\d+(?:\.\d+)?\s*%?$/.test(percent) ? Number.parseFloat(percent) : Number.NaN);

function fileOf({ name, hosts, stable, next, percent }: Answers) {
  const share = shareOf(percent);
  return {
    $schema: "./lane-group.schema.json",
    schema: 1,
    name,
    hosts: hostsOf(hosts),
    baseline: "stable",
    services: { web: {} },
    lanes: {
      stable: { weight: 100 - share, origins: { web: stable } },
      next: { weight: share, origins: { web: next } },
    },
    rules: [{ name: "try-next", when: { baggage: { try: "next" } }, lane: "next" }],
    ...stickyOf(hostsOf(hosts)),
  };
}

/** The parser's words on the answers; on a share its own, since the weights are two. */
function problemsOf(answers: Answers): readonly Problem[] {
  const share = shareOf(answers.percent);
  const wrong = share <= 100 ? [] : [{ path: "percent", message: `expected a percentage from 0 to 100, got ${quote(answers.percent)}` }];
  const parsed = parseLaneGroup(fileOf(share <= 100 ? answers : { ...answers, percent: "10" }), { insecureOrigins: true });
  return parsed.ok ? wrong : [...parsed.error, ...wrong];
}

async function answersOf(options: Options): Promise<Answers> {
  const asks = canAsk() && !options.yes && !options.json;
  const missing = KEYS.filter((key) => options[key] === undefined && key !== "percent");
  if (!asks && missing.length > 0) {
    throw cannotAsk(
      "This is no terminal, so nobody can be asked.",
      `Give ${missing.map((key) => `--${key}`).join(", ")} too: \`npx lanes init --help\`.`,
    );
  }
  const answers = Object.fromEntries(KEYS.map((key) => [key, options[key] ?? QUESTIONS[key].initial()])) as Record<keyof Answers, string>;
  for (const key of KEYS) {
    if (!asks || options[key] !== undefined) continue;
    const { message, initial, path } = QUESTIONS[key];
    answers[key] = await askText({
      message,
      initial: initial(),
      wrong: (answer) => problemsOf({ ...answers, [key]: answer }).find((one) => one.path.startsWith(path))?.message,
    });
  }
  return answers;
}

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40) || "shop";

function sayNext(answers: Answers, path: string): void {
  const { name, hosts, percent } = answers;
  const host = hostsOf(hosts).find((one) => !one.includes("*")) ?? "…";
  say(
    `${green("✓")} ${bold(path)} is written: ${shareOf(percent)} % of the visitors get the lane "next", and whoever sends baggage "try=next".`,
  );
  const isLocal = !parseLaneGroup(fileOf(answers), { insecureOrigins: false }).ok;
  if (isLocal) say(yellow("  Its origins are such as the local run alone allows: a deployed router wants https and a public name."));
  const steps = [
    [`npx lanes check ${name}${isLocal ? " --insecure-origins" : ""}`, "what is wrong with it"],
    ["npm run dev", `the router on this machine, with the files in ${FOLDER}/ in force; go on in another terminal`],
    [`npx lanes publish ${name}`, "put it in force where LANEWAY_URL says (npm run dev has done it on this machine)"],
  ];
  const rows = steps.map(([step, what]) => [step!, dim(what!)]);
  say(`\nNext:\n${table(null, rows)}`);
  say(`\nA request in the new lane, on this machine:\n  curl http://127.0.0.1:${LOCAL_PORT}/ -i -H "Host: ${host}" -H "baggage: try=next"`);
}
