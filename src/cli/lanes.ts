#!/usr/bin/env node
/** The command line: `npx lanes <verb>`, one file a verb (contract section 10). Prints failures, sets the exit code. */
import { styleText } from "node:util";
import { Command, CommanderError } from "commander";
import type { Problem } from "../core/problem.ts";
import { check } from "./check.ts";
import { candidates } from "./complete.ts";
import { completion } from "./completion.ts";
import { differences } from "./differences.ts";
import { explain } from "./explain.ts";
import { Failure } from "./failure.ts";
import { history } from "./history.ts";
import { init } from "./init.ts";
import { off } from "./off.ts";
import { on } from "./on.ts";
import { plan } from "./plan.ts";
import { publish } from "./publish.ts";
import { pull } from "./pull.ts";
import { rollback } from "./rollback.ts";
import { bold, lineOf, plain, say, sayJson } from "./say.ts";
import { quoted } from "./shell-words.ts";
import { shift } from "./shift.ts";
import { status } from "./status.ts";

const GROUPS = {
  "See what runs:": [status, explain, history, differences],
  "Change what runs:": [shift, rollback, off, on, publish],
  "Lane files:": [init, check, plan, pull],
  "Your shell:": [completion],
};

function laneway(): Command {
  const program = new Command("lanes")
    .description("Traffic lanes at the edge: look, change without fear, undo at once.")
    .helpCommand(false)
    .addHelpText(
      "after",
      `
Every verb has --help and --json. Changes show what they do and ask first; --dry-run only shows.
The Laneway asked is the local run, or --url / LANEWAY_URL; LANEWAY_ADMIN_TOKEN is its token.`,
    );
  for (const [heading, verbs] of Object.entries(GROUPS)) {
    for (const verb of verbs) program.addCommand(verb().helpGroup(heading));
  }
  const complete = new Command("complete").argument("[words...]").action(async (words: string[]) => {
    for (const candidate of await candidates(program, words)) say(candidate);
  });
  program.addCommand(complete, { hidden: true });
  for (const command of [program, ...program.commands]) command.exitOverride().configureHelp({ styleTitle: bold, showGlobalOptions: false });
  return program;
}

/** A pasted command without quotes around it is one argument, whose options are curl's. */
function withCurlAsOne(words: readonly string[]): readonly string[] {
  const at = words.indexOf("curl");
  if (words[0] !== "explain" || at < 1 || at === words.length - 1) return words;
  return [...words.slice(0, at), words.slice(at).map((word, i) => (i === 0 ? word : quoted(word))).join(" ")];
}

const red = (text: string) => styleText("red", text, { stream: process.stderr });

function sayFailure({ message, next, more }: Failure, json: boolean): void {
  if (json) return sayJson({ error: message, ...(next !== "" && { next }), ...more });
  const { problems = [] } = more as { readonly problems?: readonly Problem[] };
  const lines = [`${red("✗")} ${message}`, ...problems.map((problem) => `  ${red("problem")}  ${lineOf(problem)}`), ...(next === "" ? [] : [`  ${next}`])];
  process.stderr.write(`${plain(lines.join("\n"))}\n`);
}

async function main(words: readonly string[]): Promise<void> {
  const program = laneway();
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

// The reader of a pipe may leave early, as `head` does.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 2));
await main(process.argv.slice(2));
