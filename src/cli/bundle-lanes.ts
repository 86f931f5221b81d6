/**
 * Writes the files of `lanes/` into one, `dist/lane-files.json`, which `wrangler` takes into the Worker; what lies deeper, as the samples
 * do, stays here. Run before every build (`wrangler.toml`), as is the regex engine's part of it (`bundle-re2.ts`).
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleRe2 } from "./bundle-re2.ts";
import { refused } from "./failure.ts";
import { localNames, pathOf } from "./folder.ts";

const root = join(import.meta.dirname, "../..");
const target = join(root, "dist/lane-files.json");

/** A JSON object: name → lane file. @throws Failure where one is no JSON */
export function laneFilesText(): string {
  const entries = localNames(root).map((name) => {
    const path = pathOf(name);
    try {
      return [name, JSON.parse(readFileSync(join(root, path), "utf8").replace(/^\ufeff/, ""))];
    } catch (error) {
      throw refused(`${path} is not JSON: ${(error as Error).message}`);
    }
  });
  return `${JSON.stringify(Object.fromEntries(entries))}\n`;
}

if (import.meta.main) {
  try {
    // `npm run dev` publishes them instead, so that a file that is half written stops nothing.
    const text = process.env.LANEWAY_BUNDLE === "none" ? "{}\n" : laneFilesText();
    bundleRe2();
    mkdirSync(join(root, "dist"), { recursive: true });
    // An unchanged file is left alone: a watching `wrangler dev` would build for ever.
    if (readFileSync(target, { encoding: "utf8", flag: "a+" }) !== text) writeFileSync(target, text);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
