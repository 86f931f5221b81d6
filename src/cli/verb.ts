/** What verbs have in common: options, the way to an exit code, and the sentence on exit codes under every help. */
import { userInfo } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import type { ExitCode } from "./failure.ts";
import { isName } from "./folder.ts";
import { LOCAL_PORT, localRuns } from "./local-runs.ts";

/** The local run of this folder, or where it would be. */
export const defaultUrl = (): string => localRuns()[0]?.url ?? `http://127.0.0.1:${LOCAL_PORT}`;

export interface Shown {
  readonly json?: boolean;
}

/** Options of a verb that asks a running Laneway. */
export interface Asking extends Shown {
  readonly url: string;
}

/** Options of a verb that changes something. */
export interface Changing extends Shown {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly reason?: string;
}

/** Options of a verb that changes something there, which a history keeps. */
export interface Writing extends Asking, Changing {
  readonly actor: string;
}

/** @param no when the exit code is 1; null: never */
export function verb(name: string, summary: string, no: string | null): Command {
  return new Command(name)
    .description(summary)
    .option("--json", "print the answer as JSON")
    .addHelpText("after", `\nExit code: 0 done, ${no === null ? "" : `1 ${no}, `}2 could not ask.`);
}

export function asking(name: string, summary: string, no: string | null): Command {
  const url = new Option("--url <url>", "the Laneway to ask").env("LANEWAY_URL").default(defaultUrl(), "the local run");
  return verb(name, summary, no).addOption(url);
}

export function changing(command: Command): Command {
  return command.option("--dry-run", "show what would change, write nothing").option("--yes", "write without asking, as scripts need it");
}

export function writing(name: string, summary: string): Command {
  return withActor(changing(asking(name, summary, "refused, or you said no"))).option("--reason <text>", "why; the history keeps it");
}

export function withActor(command: Command): Command {
  return command.option("--actor <name>", "who; the history keeps it", userName());
}

/** A process in a container may have a user number without a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "lanes";
  }
}

/** For arguments: what no group can be called is a slip, and never part of a URL. */
export function groupName(text: string): string {
  if (!isName(text)) throw new InvalidArgumentError("Expected a group's name, as in its lane file.");
  return text;
}

/** Turns what a verb returns into the exit code. */
export function exits<A extends unknown[]>(run: (...args: A) => Promise<ExitCode> | ExitCode): (...args: A) => Promise<void> {
  return async (...args) => {
    process.exitCode = await run(...args);
  };
}
