#!/usr/bin/env node
/** The command line: `npx lanes <verb>`, one file a verb (contract section 10). Prints failures, sets the exit code. */
import { enableCompileCache } from "node:module";
import { styleText } from "node:util";
import { Command, CommanderError } from "commander";
import packageFile from "../../package.json" with { type: "json" };
import type { Problem } from "../core/problem.ts";
import { Failure } from "./failure.ts";
import { bold, lineOf, plain, say, sayJson } from "./say.ts";
import { quoted } from "./shell-words.ts";

// Half of the start would be the parsing of the same files again.
enableCompileCache();

/** Loaded when asked for. In the order of the help, under its headings. */
const VERBS: Readonly<Record<string, readonly [heading: string, load: () => Promise<Command>]>> = {
  status: ["See what runs:", async () => (await import("./status.ts")).status()],
  explain: ["See what runs:", async () => (await import("./explain.ts")).explain()],
  history: ["See what runs:", async () => (await import("./history.ts")).history()],
  differences: ["See what runs:", async () => (await import("./differences.ts")).differences()],
  shift: ["Change what runs:", async () => (await import("./shift.ts")).shift()],
  rollback: ["Change what runs:", async () => (await import("./rollback.ts")).rollback()],
  off: ["Change what runs:", async () => (await import("./off.ts")).off()],
  on: ["Change what runs:", async () => (await import("./on.ts")).on()],
  publish: ["Change what runs:", async () => (await import("./publish.ts")).publish()],
  init: ["Lane files:", async () => (await import("./init.ts")).init()],
  check: ["Lane files:", async () => (await import("./check.ts")).check()],
  plan: ["Lane files:", async () => (await import("./plan.ts")).plan()],
  pull: ["Lane files:", async () => (await import("./pull.ts")).pull()],
  completion: ["Your shell:", async () => (await import("./completion.ts")).completion()],
};

const subcommandTerm = (verb: Command): string => `${verb.name()} ${verb.usage().replace(/^\[options\] ?/, "")}`;

/** @param verb the only one to load, if it is one; else all, for the help and for guesses at what was meant */
async function laneway(verb = ""): Promise<Command> {
  const program = new Command("lanes")
    .usage("<verb> [options]")
    .description("Traffic lanes at the edge: look, change without fear, undo at once.")
    .helpCommand(false)
    .version(packageFile.version, "--version", "print the version")
    .addHelpText(
      "after",
      `
Every verb has --help and --json. Changes show what they do and ask first; --dry-run only shows.
The Laneway asked is the local run, or --url / LANEWAY_URL; LANEWAY_ADMIN_TOKEN is its token.`,
    );
  for (const [heading, load] of Object.hasOwn(VERBS, verb) ? [VERBS[verb]!] : Object.values(VERBS)) {
    program.addCommand((await load()).helpGroup(heading));
  }
  const complete = new Command("complete").argument("[words...]").action(async (words: string[]) => {
    const { candidates } = await import("./complete.ts");
    for (const candidate of await candidates(program, words)) say(candidate);
  });
  program.addCommand(complete, { hidden: true });
  for (const command of [program, ...program.commands]) command.exitOverride().configureHelp({ styleTitle: bold, subcommandTerm });
  return program;
}

/** A pasted command without quotes around it is one argument, whose options are curl's. */
function withCurlAsOne(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word) => word === "curl" || word === "curl.exe");
  if (words[0] !== "explain" || at < 1 || at === words.length - 1) return words;
  return [
    ...words.slice(0, at),
    words
      .slice(at)
      .map((word, i) => (i === 0 ? word : quoted(word)))
      .join(" "),
  ];
}

const red = (text: string) => styleText("red", text, { stream: process.stderr });

/** More is read by nobody. */
const MAX_PROBLEMS = 20;

function sayFailure({ message, next, more }: Failure, json: boolean): void {
  if (json) {
    sayJson({ error: message, ...(next !== "" && { next }), ...more });
    return;
  }
  const { problems = [] } = more as { readonly problems?: readonly Problem[] };
  const lines = [`${red("✗")} ${message}`, ...problems.slice(0, MAX_PROBLEMS).map((problem) => `  ${red("problem")}  ${lineOf(problem)}`)];
  if (problems.length > MAX_PROBLEMS) lines.push(`  and ${problems.length - MAX_PROBLEMS} more (--json has all)`);
  if (next !== "") lines.push(`  ${next}`);
  process.stderr.write(`${plain(lines.join("\n"))}\n`);
}

/** Prints what there is to say and sets `process.exitCode`; never rejects. */
export async function main(given: readonly string[]): Promise<void> {
  // `lanes help`, `lanes help shift`: what many type first.
  const words = given[0] === "help" ? [...given.slice(1), "--help"] : given;
  const program = await laneway(words[0]);
  if (words.length === 0) return program.outputHelp();
  try {
    await program.parseAsync(withCurlAsOne(words), { from: "user" });
  } catch (error) {
    const json = words.includes("--json");
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      if (json && error.exitCode !== 0) sayJson({ error: error.message });
    } else if (error instanceof Failure) {
      process.exitCode = error.exitCode;
      sayFailure(error, json);
    } else {
      process.exitCode = 2;
      console.error(error);
    }
  }
}

if (import.meta.main) {
  // The reader of a pipe may leave early, as `head` does.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 2));
  await main(process.argv.slice(2));
}
