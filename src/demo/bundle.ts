/** A Worker as `wrangler deploy` would bundle it, and the runtime it is deployed to. Shared by the local run, the tests and the benchmark. */
import { readFileSync } from "node:fs";
import { build } from "esbuild";
import { bundleRe2 } from "../cli/bundle-re2.ts";

const root = `${import.meta.dirname}/../..`;

export interface BundledWorker {
  /** One ES module. */
  readonly code: string;
  /** Names that the module exports, besides `default`: its Durable Object classes and entrypoints. */
  readonly exports: readonly string[];
}

/** `entry` is relative to the repository. Rejects with esbuild's messages where the code does not build. */
export async function bundleWorker(entry: string, { minify = false } = {}): Promise<BundledWorker> {
  bundleRe2();
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify,
    write: false,
    metafile: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "silent",
  });
  const exported = Object.values(metafile.outputs).flatMap((output) => output.exports);
  return { code: outputFiles[0]!.text, exports: exported.filter((name) => name !== "default") };
}

const wranglerToml = (): string => readFileSync(`${root}/wrangler.toml`, "utf8");

/** The deployed date and flags, so that no local run drifts from them. Throws where `wrangler.toml` does not say them. */
export function compatibility(): { compatibilityDate: string; compatibilityFlags: string[] } {
  const toml = wranglerToml();
  const date = /^compatibility_date\s*=\s*"([^"]+)"/m.exec(toml)?.[1];
  const flags = /^compatibility_flags\s*=\s*\[([^\]]*)\]/m.exec(toml)?.[1];
  if (date === undefined || flags === undefined) throw new Error("wrangler.toml: compatibility_date or compatibility_flags not found");
  return { compatibilityDate: date, compatibilityFlags: [...flags.matchAll(/"([^"]+)"/g)].map((match) => match[1]!) };
}

/** The name under which `wrangler` keeps the binding `LANES` in a local store: its id, once there is one, or the binding itself. */
export function localKvId(): string {
  const blocks = wranglerToml().split(/^\s*\[\[?/m);
  const block = blocks.find((one) => one.startsWith("kv_namespaces]]") && /^\s*binding\s*=\s*"LANES"/m.test(one));
  return /^\s*id\s*=\s*"([^"]+)"/m.exec(block ?? "")?.[1] ?? "LANES";
}
