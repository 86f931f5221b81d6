/** Where lane files lie: `lanes/` in the current folder, each named after its group. What lies deeper, as `lanes/samples/` does, is nobody's. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isGroupName } from "../core/group-name.ts";

export const FOLDER = "lanes";

/** A group is a `<name>.json`; the schema beside them is none. */
export const isName = isGroupName;

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
