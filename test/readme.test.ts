import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };

describe.each(["README.md", ".github/CONTRIBUTING.md"])("%s", (file) => {
  it("names only paths that exist", () => {
    const paths = [...read(file).matchAll(/`((?:src|lanes|test)\/[\w./-]*)`/g)].map((match) => match[1]!);
    expect(paths.length).toBeGreaterThan(5);
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it("names only scripts that package.json has", () => {
    const names = [...read(file).matchAll(/npm run ([\w-]+)/g)].map((match) => match[1]!);
    expect(names.filter((name) => !(name in scripts))).toEqual([]);
  });
});
