/**
 * Writes the files of `lanes/` into one, `dist/lane-files.json`, which `wrangler` takes into the Worker; what lies deeper, as the samples
 * do, stays here. Run before every build (`wrangler.toml`).
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { localNames, pathOf } from "./folder.ts";

const root = join(import.meta.dirname, "../..");
const target = join(root, "dist/lane-files.json");

/** A JSON object: name → lane file. Throws where one is no JSON, and names it. */
export function laneFilesText(): string {
  const entries = localNames(root).map((name) => {
    const path = pathOf(name);
    try {
      return [name, JSON.parse(readFileSync(join(root, path), "utf8").replace(/^\ufeff/, ""))];
    } catch (error) {
      throw new Error(`${path} is not JSON: ${(error as Error).message}`);
    }
  });
  return `${JSON.stringify(Object.fromEntries(entries))}\n`;
}

if (import.meta.main) {
  const text = laneFilesText();
  mkdirSync(join(root, "dist"), { recursive: true });
  // An unchanged file is left alone: a watching `wrangler dev` would build for ever.
  if (readFileSync(target, { encoding: "utf8", flag: "a+" }) !== text) writeFileSync(target, text);
}
