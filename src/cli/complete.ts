/** What may stand at the end of a command line that is being typed. */
import type { Argument, Command } from "commander";
import { AdminApi, type RevisionHead } from "./admin-api.ts";
import { localNames } from "./folder.ts";
import { parse, parsePublished, readFile } from "./lane-files.ts";
import { defaultUrl } from "./verb.ts";

/** Whoever presses Tab does not wait. */
const TIMEOUT_MS = 1_500;

/** @param words what follows `lanes`; the last is being typed, and may be empty */
export async function candidates(program: Command, words: readonly string[]): Promise<string[]> {
  const typed = words.at(-1) ?? "";
  const [name = ""] = words;
  if (words.length < 2)
    return matching(
      program.commands.map((command) => command.name()).filter((verb) => verb !== "complete"),
      typed,
    );
  const command = program.commands.find((each) => each.name() === name);
  if (command === undefined) return [];
  if (typed.startsWith("-"))
    return matching(
      command.options.flatMap(({ long }) => long ?? []),
      typed,
    );
  const before = words.slice(1, -1);
  const option = command.options.find(({ long, short }) => long === before.at(-1) || short === before.at(-1));
  if (option && (option.required || option.optional)) return [];
  const given = positional(command, before);
  const argument = command.registeredArguments[given.length] ?? command.registeredArguments.findLast(({ variadic }) => variadic);
  return argument === undefined ? [] : matching(await wordsFor(argument, given), typed);
}

const matching = (all: readonly string[], typed: string): string[] => [...new Set(all)].filter((one) => one.startsWith(typed));

function positional(command: Command, words: readonly string[]): string[] {
  const takesValue = (word = "") => command.options.some(({ long, short, required }) => required && (long === word || short === word));
  return words.filter((word, at) => !word.startsWith("-") && !takesValue(words[at - 1]));
}

async function wordsFor(argument: Argument, given: readonly string[]): Promise<readonly string[]> {
  const [group = ""] = given;
  switch (argument.name()) {
    case "file":
    case "files":
      return localNames();
    case "group":
    case "groups":
      return await orLocal(async (api) => (await api.ask("api/groups")).value.groups.map(({ name }: { name: string }) => name), localNames);
    case "lane=percent":
      return (await lanesOf(group)).map((lane) => `${lane}=`);
    case "revision":
      return await orLocal(
        async (api) => (await api.ask(`api/groups/${group}/history`)).value.revisions.map(({ revision }: RevisionHead) => String(revision)),
        () => [],
      );
    default:
      return argument.argChoices ?? [];
  }
}

async function lanesOf(group: string): Promise<string[]> {
  return await orLocal(
    async (api) => [...parsePublished(group, await api.group(group)).group.lanes.keys()],
    () => [...parse(readFile(group), true).group.lanes.keys()],
  );
}

/** The files stand in for a Laneway that does not answer; where they do not help either, nothing is offered. */
async function orLocal(ask: (api: AdminApi) => Promise<string[]>, local: () => string[]): Promise<string[]> {
  try {
    return await ask(new AdminApi({ url: process.env.LANEWAY_URL ?? defaultUrl() }, TIMEOUT_MS));
  } catch {
    try {
      return local();
    } catch {
      return [];
    }
  }
}
