/** The real Worker with faults in its own code. */
import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import type { BuildOptions, Plugin } from "esbuild";

const src = `${import.meta.dirname}/../../src`;

/** Names the functions that shall throw while this request is handled, parted by commas. */
export const PLANT_HEADER = "x-test-plant";

/** Rewrites source files before they are bundled. */
const rewriting = (rewrite: (file: string, text: string) => string): Plugin => ({
  name: "rewriting",
  setup(build) {
    build.onLoad({ filter: /\/src\/(?:core|edge)\/[^/]+\.ts$/ }, async ({ path }) => ({
      contents: rewrite(relative(src, path), await readFile(path, "utf8")),
      loader: "ts",
    }));
  },
});

const ENTRY = `import worker from "./src/worker.ts";
export { Group } from "./src/worker.ts";
export default { fetch(request, env, ctx) { globalThis.planted = request.headers.get("${PLANT_HEADER}"); return worker.fetch(request, env, ctx); } };`;

/**
 * Every exported function of `core/` and `edge/` throws when the request asks for it by header: `x-test-plant: decide`. One request at a time:
 * the wish is global.
 */
export const plantable: BuildOptions = {
  entryPoints: [],
  stdin: { contents: ENTRY, resolveDir: `${src}/..`, loader: "js" },
  plugins: [
    rewriting((_, text) =>
      text.replaceAll(
        /^export (async )?function (\w+)/gm,
        (_whole, isAsync = "", name) =>
          `export ${isAsync}function ${name}(...args: any[]) {
  if ((globalThis as any).planted?.split(",").includes("${name}")) throw new Error("planted");
  return ${isAsync && "await "}(planted_${name} as any)(...args);
}
${isAsync}function planted_${name}`,
      ),
    ),
  ],
};

/** `from` in a file of `src/` becomes `to`. Bundling fails where `from` is not there exactly once. */
export type Mutation = readonly [file: string, from: string, to: string];

const mutating = (mutations: readonly Mutation[]): Plugin =>
  rewriting((name, text) =>
    mutations.reduce((changed, [file, from, to]) => {
      if (name !== file) return changed;
      if (changed.split(from).length !== 2) throw new Error(`${file} does not hold exactly once: ${from}`);
      return changed.replace(from, () => to);
    }, text),
  );

/** The Worker with one mistake. */
export const mutated = (...mutation: Mutation): BuildOptions => ({ plugins: [mutating([mutation])] });

/** Names the Durable Object that shall die, with all that it has in memory. */
export const KILL_HEADER = "x-test-kill";

const KILLABLE = `import worker, { Group as Real } from "./src/worker.ts";
export class Group extends Real { die() { this.ctx.abort("killed by the soak"); } }
export default { async fetch(request, env, ctx) {
  const name = request.headers.get("${KILL_HEADER}");
  if (name === null) return worker.fetch(request, env, ctx);
  await env.GROUP.getByName(name).die().catch(() => {});
  return new Response(null, { status: 204 });
} };`;

/** The Worker, with mistakes perhaps, whose Durable Objects die when they are told to. */
export const killable = (...mutations: readonly Mutation[]): BuildOptions => ({
  entryPoints: [],
  stdin: { contents: KILLABLE, resolveDir: `${src}/..`, loader: "js" },
  plugins: mutations.length === 0 ? [] : [mutating(mutations)],
});

/** The Worker with these lane files bundled, by name, in place of `lanes/`. */
export const withBundled = (files: Readonly<Record<string, unknown>>): BuildOptions => ({
  plugins: [
    rewriting((name, text) =>
      name === "edge/bundled.ts" ? `export const BUNDLED = new Map(Object.entries(${JSON.stringify(files)}));` : text,
    ),
  ],
});
