import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Command } from "commander";
import { changesBetween } from "../core/changes.ts";
import { AdminApi, type LaneFile } from "./admin-api.ts";
import { cannotAsk, type ExitCode, refused } from "./failure.ts";
import { pathOf } from "./folder.ts";
import { sayChanges } from "./preview.ts";
import { green, say, sayJson } from "./say.ts";
import { type Asking, asking, type Changing, changing, exits, groupName } from "./verb.ts";
import { write } from "./write.ts";

export const pull = (): Command =>
  changing(asking("pull", "fetch the published lane file, without `published`", "you said no"))
    .argument("<group>", "name of the group", groupName)
    .argument("[file]", "where to, - for standard output (default: lanes/<group>.json)")
    .action(exits(run));

async function run(name: string, target: string | undefined, options: Asking & Changing): Promise<ExitCode> {
  const { file, head } = await new AdminApi(options).group(name);
  if (file === null) throw refused(`Revision ${head.revision} of ${name} is no JSON object: there is no file to fetch.`);
  const text = `${JSON.stringify(file, null, 2)}\n`;
  if (target === "-") {
    process.stdout.write(text);
    return 0;
  }
  const path = target ?? pathOf(name);
  const here = fileAt(path);
  if (here !== null && isDeepStrictEqual(here.file, file)) {
    if (options.json) sayJson({ unchanged: true, path, revision: head.revision });
    else say(`Nothing to do: ${path} says what revision ${head.revision} says.`);
    return 0;
  }
  const changes = here === null ? [] : changesBetween(here.file, file);
  // What is new harms nobody, so nobody is asked.
  return await write(here === null ? { ...options, yes: true } : options, {
    preview: { path, revision: head.revision, changes },
    show: () => {
      if (here !== null) sayChanges(changes);
    },
    question: `Overwrite ${path} with revision ${head.revision}?`,
    reasoned: false,
    perform: async () => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return { path, revision: head.revision };
    },
    done: () => say(`${green("✓")} ${path} is revision ${head.revision} of ${name}.`),
  });
}

/** null: there is none. What is no JSON is another file than any. */
function fileAt(path: string): { readonly file: LaneFile | undefined } | null {
  if (!existsSync(path)) return null;
  try {
    return { file: JSON.parse(readFileSync(path, "utf8")) };
  } catch (error) {
    if (error instanceof SyntaxError) return { file: undefined };
    throw cannotAsk(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code}.`);
  }
}
