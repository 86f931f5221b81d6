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

/** The Worker with one mistake: `from` in a file of `src/` becomes `to`. Bundling fails where `from` is not there exactly once. */
export const mutated = (file: string, from: string, to: string): BuildOptions => ({
  plugins: [
    rewriting((name, text) => {
      if (name !== file) return text;
      if (text.split(from).length !== 2) throw new Error(`${file} does not hold exactly once: ${from}`);
      return text.replace(from, () => to);
    }),
  ],
});

/** The Worker with these lane files bundled, by name, in place of `lanes/`. */
export const withBundled = (files: Readonly<Record<string, unknown>>): BuildOptions => ({
  plugins: [
    rewriting((name, text) =>
      name === "edge/bundled.ts" ? `export const BUNDLED = new Map(Object.entries(${JSON.stringify(files)}));` : text,
    ),
  ],
});
