import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bundleWorker } from "../src/demo/bundle.ts";

const root = join(import.meta.dirname, "..");
const SCHEMA = readFileSync(join(root, "lanes/lane-group.schema.json"), "utf8");
/** The first of the regex engine's tables. */
const TABLE = /decodeOrbit\("(.{20})/.exec(readFileSync(join(root, "node_modules/re2js/build/index.js"), "utf8"))![1]!;

async function deployed(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "laneway-bundle-"));
  try {
    const env = { ...process.env, LANEWAY_BUNDLE: "none", WRANGLER_SEND_METRICS: "false" };
    const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
    await promisify(execFile)(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", folder], { cwd: root, env });
    return readFileSync(join(folder, "worker.js"), "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("the Worker", () => {
  it.each([
    ["as it is deployed", deployed],
    ["as the local run, the tests and the bench have it", async () => (await bundleWorker("src/worker.ts", { minify: true })).code],
  ])("%s weighs at most 150 KiB, and has neither the texts of the schema nor the tables of the regex engine", async (_, bundle) => {
    const code = await bundle();
    expect(gzipSync(code).length / 1024).toBeLessThanOrEqual(150);
    // A text of the regex engine, and one of the checks of lane files: both are looked for in the right place.
    expect(code).toContain("missing closing ]");
    expect(code).toContain("a whole number");
    expect(code).not.toContain(TABLE);
    // Those that a bundler writes as they are.
    const texts = [...SCHEMA.matchAll(/"description": "([^"\\`\u007f-\uffff]{20,})"/g)].map((text) => text[1]!);
    expect(texts.length).toBeGreaterThan(50);
    expect(texts.filter((text) => code.includes(text))).toEqual([]);
  });
});
