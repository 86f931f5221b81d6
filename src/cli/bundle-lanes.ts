/**
 * Writes the files of `lanes/` into one, `dist/lane-files.json`, which `wrangler` takes into the Worker; what lies deeper, as the samples
 * do, stays here. Run before every build (`wrangler.toml`), as is the regex engine's part of it (`bundle-re2.ts`).
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleRe2 } from "./bundle-re2.ts";
import { checkFiles } from "./check.ts";
import { refused } from "./failure.ts";
import { localNames, pathOf } from "./folder.ts";
import { fileOf, readFile } from "./lane-files.ts";
import { lineOf } from "./say.ts";

const root = join(import.meta.dirname, "../..");
const target = join(root, "dist/lane-files.json");

/** A JSON object: name → lane file. @throws Failure where one is not right: it would be the last resort, and none */
export function laneFilesText(names: readonly string[] = localNames()): string {
  const paths = names.map(pathOf);
  const wrong = checkFiles(paths).filter(({ problems }) => problems.length > 0);
  const lines = wrong.flatMap(({ path, problems }) => problems.map((problem) => `  ${path}: ${lineOf(problem)}`));
  if (lines.length > 0) throw refused(["These lane files cannot go along with the Worker:", ...lines].join("\n"));
  const entries = names.map((name, place) => [name, fileOf(readFile(paths[place]!))]);
  return `${JSON.stringify(Object.fromEntries(entries))}\n`;
}

if (import.meta.main) {
  try {
    process.chdir(root);
    // `npm run dev` publishes them instead, so that a file that is half written stops nothing.
    bundleRe2();
    const names = process.env.LANEWAY_BUNDLE === "none" ? [] : localNames();
    const text = laneFilesText(names);
    if (names.length > 0) process.stdout.write(`With the Worker go: ${names.map(pathOf).join(", ")}\n`);
    mkdirSync(join(root, "dist"), { recursive: true });
    // An unchanged file is left alone: a watching `wrangler dev` would build for ever.
    if (readFileSync(target, { encoding: "utf8", flag: "a+" }) !== text) writeFileSync(target, text);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
