/** Where lane files lie: `lanes/` in the current folder, each named after its group. What lies deeper, as `lanes/samples/` does, is nobody's. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

export const FOLDER = "lanes";

/** A group is a `<name>.json`; the schema beside them is none. */
const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;

export const isName = (text: string): boolean => NAME.test(text);

export const pathOf = (name: string): string => join(FOLDER, `${name}.json`);

/** Names of the groups in the folder's `lanes/`. */
export function localNames(folder = "."): string[] {
  const lanes = join(folder, FOLDER);
  if (!existsSync(lanes)) return [];
  return readdirSync(lanes)
    .filter((file) => file.endsWith(".json") && isName(file.slice(0, -".json".length)))
    .map((file) => file.slice(0, -".json".length))
    .sort();
}
