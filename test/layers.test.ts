import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const src = join(import.meta.dirname, "../src");

/** A row may import only from itself and the rows above it; `worker` and `app` are the top of the Worker. */
const ROWS = ["core", "edge", "group", "admin", "dashboard", "app", "worker", "cli", "demo"];
/** Doors to the outside world that speak to the Worker over HTTP alone. */
const FORBIDDEN: Record<string, readonly string[]> = { cli: ["edge", "group", "admin", "dashboard", "app", "worker"] };
/** What `core/` may use of the outside: pure libraries only. */
const CORE_PACKAGES = ["@opentelemetry/core", "#doc", "#re2", "valibot"];

const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));
const rowOf = (file: string) => file.split("/")[0]!.replace(/\.tsx?$/, "");

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), "utf8");
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm)].map(
    (match) => (match[1] ?? match[2] ?? match[3])!,
  );
}

const local = (file: string) =>
  importsOf(file)
    .filter((path) => path.startsWith("."))
    .map((path) => relative(src, join(src, dirname(file), path)))
    .filter((path) => !path.startsWith(".."));

function cycleFrom(file: string, way: readonly string[], done: Set<string>): string[] | null {
  if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
  if (done.has(file)) return null;
  for (const next of local(file).filter((path) => files.includes(path))) {
    const cycle = cycleFrom(next, [...way, file], done);
    if (cycle) return cycle;
  }
  done.add(file);
  return null;
}

describe("the layers of src", () => {
  it("know every file's row", () => {
    expect(files.filter((file) => !ROWS.includes(rowOf(file)))).toEqual([]);
  });

  it("import only themselves and the rows above", () => {
    const wrong = files.flatMap((file) =>
      local(file)
        .filter((path) => ROWS.indexOf(rowOf(path)) > ROWS.indexOf(rowOf(file)) || FORBIDDEN[rowOf(file)]?.includes(rowOf(path)))
        .map((path) => `${file} -> ${path}`),
    );
    expect(wrong).toEqual([]);
  });

  it("have no cycle, type imports included", () => {
    const done = new Set<string>();
    expect(files.map((file) => cycleFrom(file, [], done)).filter((cycle) => cycle !== null)).toEqual([]);
  });

  it("keep core pure: no fetch, clock, randomness, console, and no package but the pure ones", () => {
    for (const file of files.filter((name) => rowOf(name) === "core")) {
      const code = readFileSync(join(src, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
      expect(code, file).not.toMatch(/\bfetch\(|Date\.now|new Date\(\)|Math\.random|crypto\.|console\.|setTimeout|\bthrow\b/);
      for (const path of importsOf(file)) if (!path.startsWith(".")) expect(CORE_PACKAGES, `${file} imports ${path}`).toContain(path);
    }
  });

  it("let each foreign library enter one row only, hono and node's own modules aside", () => {
    const users = new Map<string, Set<string>>();
    for (const file of files) {
      for (const path of importsOf(file)) {
        if (path.startsWith(".") || path.startsWith("node:") || path.startsWith("cloudflare:") || path.startsWith("hono")) continue;
        users.set(path, (users.get(path) ?? new Set()).add(rowOf(file)));
      }
    }
    expect(users.get("#re2")).toEqual(new Set(["core"]));
  });
});
