/**
 * Writes `dist/re2.js`, which stands for `re2js` in the Worker (`package.json`, `imports`). The package is one module that no bundler can take
 * apart, but it says where each of its files began. Those left out serve search, replacement, groups and bytes, or are Unicode's tables,
 * which the platform has (`core/unicode-tables.ts`).
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const target = join(root, "dist/re2.js");

/** What a set of patterns needs: syntax, program, and the two engines for it. */
const KEPT =
  "RE2Flags PublicFlags Codepoint UnicodeRangeTable UnicodeTables Unicode exceptions Utils helpers MachineInput Inst Machine DFA Regexp " +
  "RegexpWalker Prog Compiler Simplify CharGroup CharClass Parser Set";

/** Keys of a table in the package's `UnicodeTables`. */
function namesIn(section: string, name: string): string[] {
  const [, table] = new RegExp(`^\\tstatic ${name} = new LazyMap\\(\\{\\n(.*?)^\\t\\}\\);`, "ms").exec(section) ?? [];
  if (table === undefined) throw new Error(`re2js: no table ${name}`);
  return [...table.matchAll(/^\t\t(\w+): /gm)].map((key) => key[1]!);
}

const wordsOf = (code: string) => code.match(/\w+/g) ?? [];

/** Called from outside, or by the language. */
const ENTRIES = ["constructor", "add", "compile", "match", "numInst"];
const METHOD = /^\t(?:static )?\*?(\w+)\([^\n]*\) \{\n(?:\t\t.*\n|\n)*\t\}\n/gm;

/** Without methods that nothing names, or only such methods: bundlers keep every method of a class. `toString` is for debuggers. */
function withoutUnusedMethods(code: string): string {
  const named = new Map<string, number>();
  for (const word of wordsOf(code)) named.set(word, (named.get(word) ?? 0) + 1);
  const less = code.replace(METHOD, (method, name: string) => {
    const byItself = wordsOf(method).filter((word) => word === name).length;
    return name === "toString" || (named.get(name) === byItself && !ENTRIES.includes(name)) ? "" : method;
  });
  return less === code ? code : withoutUnusedMethods(less);
}

/** @throws Error where the package is not built as expected, so that a new version of it is looked at */
export function smallRe2(text: string): string {
  const [license, ...files] = text.split(/^\/\/ src\/(?=\w+\.js$)/m);
  const sections = new Map(files.map((file) => [file.slice(0, file.indexOf(".js\n")), file.slice(file.indexOf("\n"))]));
  const names = KEPT.split(" ");
  const missing = names.filter((name) => !sections.has(name));
  if (missing.length > 0) throw new Error(`re2js: no file ${missing.join(", ")}`);
  const unicode = sections.get("UnicodeTables")!;
  const tables = ["CATEGORIES", "SCRIPTS"].map((name) => JSON.stringify(namesIn(unicode, name)));
  sections.set("UnicodeTables", `\nvar UnicodeTables = unicodeTables((ranges) => new UnicodeRangeTable(ranges), ${tables.join(", ")});\n`);
  const kept = names.map((name) => sections.get(name)!).join("");
  const code = withoutUnusedMethods(kept.replace(/^\s*\/\*[\s\S]*?\*\/\n|^\s*\/\/.*\n/gm, ""));
  for (const [file, section] of sections) {
    // Nothing needs the package's own entry, but a message names it.
    if (names.includes(file) || file === "index") continue;
    for (const [, name] of section.matchAll(/^(?:var|let|const|class|function) (\w+)/gm))
      if (new RegExp(`(?<![\\w$."])${name}\\b(?!:)`).test(code)) throw new Error(`re2js: ${name} of ${file} is needed, too`);
  }
  return [
    license,
    'import { unicodeTables } from "../src/core/unicode-tables.ts";',
    code,
    "export { RE2JSSyntaxException, RE2Set };\n",
  ].join("");
}

/** A file that stands already is left alone: several processes may bundle at once. */
export function bundleRe2(): void {
  const text = smallRe2(readFileSync(join(root, "node_modules/re2js/build/index.js"), "utf8"));
  mkdirSync(join(root, "dist"), { recursive: true });
  if (existsSync(target) && readFileSync(target, "utf8") === text) return;
  writeFileSync(`${target}.${process.pid}`, text);
  renameSync(`${target}.${process.pid}`, target);
}
