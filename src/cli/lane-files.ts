/** Lane files on this machine, read: `mock` is `lanes/mock.json`, anything else a path. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LaneGroup } from "../core/lane-group.ts";
import { parseLaneGroupText } from "../core/parse-lane-group.ts";
import type { Problem } from "../core/problem.ts";
import type { LaneFile, Published } from "./admin-api.ts";
import { cannotAsk, refused } from "./failure.ts";
import { FOLDER, isName, localNames, pathOf } from "./folder.ts";

export interface Text {
  readonly path: string;
  readonly text: string;
}

/** @throws Failure where it cannot be read */
export function readFile(nameOrPath: string): Text {
  const path = isName(nameOrPath) ? pathOf(nameOrPath) : nameOrPath;
  try {
    return { path, text: readFileSync(path, "utf8") };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (statSync(nameOrPath, { throwIfNoEntry: false })?.isDirectory())
      throw cannotAsk(`${nameOrPath} is a folder.`, `Name files in it: ${join(nameOrPath, "*.json")}`);
    const names = localNames();
    const next =
      names.length > 0
        ? `In ${FOLDER}/ there are: ${names.join(", ")}.`
        : `There is no lane file in ${FOLDER}/ here: \`npx lanes init\` writes a first one, \`npx lanes pull <group>\` fetches what is published.`;
    throw cannotAsk(code === "ENOENT" ? `There is no file ${path}.` : `${path} cannot be read: ${code}.`, next);
  }
}

/** The JSON of a text that parses; what publishing adds is the publisher's to write. */
export function fileOf({ text }: Text): LaneFile {
  const { published: _, ...file } = JSON.parse(text.replace(/^\ufeff/, ""));
  return file;
}

export interface Parsed {
  readonly group: LaneGroup;
  readonly warnings: readonly Problem[];
}

/** @throws Failure with all problems */
export function parse({ path, text }: Text, insecureOrigins: boolean, next = ""): Parsed {
  const parsed = parseLaneGroupText(text, { insecureOrigins });
  if (!parsed.ok) throw refused(`${path} is not right.`, next, { problems: parsed.error });
  return parsed.value;
}

/** @throws Failure where what is published is no lane file */
export function parsePublished(name: string, { text, head: { revision } }: Pick<Published, "head" | "text">): Parsed {
  return parse(
    { path: `Revision ${revision} of ${name}`, text },
    true,
    `Go back to what serves: npx lanes rollback ${name}; or publish a whole file: npx lanes publish <file>.`,
  );
}
