import { readFileSync } from "node:fs";
import fc from "fast-check";
import { RE2JSSyntaxException, RE2Set } from "re2js";
import { describe, expect, it } from "vitest";
import { smallRe2 } from "../../src/cli/bundle-re2.ts";

const PACKAGE = readFileSync("node_modules/re2js/build/index.js", "utf8");
/** What stands for the package in the Worker; `bundle-re2.ts` wrote it before the tests. */
const small = (await import("../../dist/re2.js" as string)) as typeof import("re2js");
const whole = { RE2JSSyntaxException, RE2Set };

type Engine = Pick<typeof import("re2js"), "RE2Set" | "RE2JSSyntaxException">;

/** How a pattern is understood: its characters after case folding, or why it is none. */
function read({ RE2Set, RE2JSSyntaxException }: Engine, pattern: string): unknown {
  try {
    const set = new RE2Set(RE2Set.ANCHOR_BOTH);
    set.add(pattern);
    const [{ op, flags, runes }] = (set as unknown as { regexps: [{ op: number; flags: number; runes: ArrayLike<number> }] }).regexps;
    return { op, flags, runes: [...Array.from(runes ?? [])] };
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    return [error.error, error.input];
  }
}

/** What a pattern says of values, and what it costs. */
function judge({ RE2Set, RE2JSSyntaxException }: Engine, pattern: string, values: readonly string[]): unknown {
  const set = new RE2Set(RE2Set.ANCHOR_BOTH, 0, 4096);
  try {
    set.add(pattern);
    set.compile();
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    return [error.error, error.input];
  }
  return [set.prog.numInst(), ...values.map((value) => set.match(value).length)];
}

const namesIn = (table: string) =>
  [
    ...PACKAGE.slice(PACKAGE.indexOf(`static ${table} = `))
      .split("});")[0]!
      .matchAll(/^\t\t(\w+): /gm),
  ].map((name) => name[1]!);
const CLASSES = [...namesIn("CATEGORIES"), ...namesIn("SCRIPTS")];

describe("the Worker's part of the regex engine", () => {
  it("knows every Unicode class of the package, in any case, by the same code points", () => {
    expect(CLASSES.length).toBeGreaterThan(200);
    const other = CLASSES.flatMap((name) => [`\\p{${name}}`, `(?i)\\p{${name}}`]).filter(
      (pattern) => JSON.stringify(read(small, pattern)) !== JSON.stringify(read(whole, pattern)),
    );
    expect(other).toEqual([]);
  });

  it("folds the case of every character as the package does", () => {
    const letters = [...Array(0x110000).keys()].map((point) => String.fromCodePoint(point)).filter((c) => /\p{CWCM}|\p{CWCF}/u.test(c));
    expect(letters.length).toBeGreaterThan(2900);
    expect(letters.filter((c) => JSON.stringify(read(small, `(?i)${c}`)) !== JSON.stringify(read(whole, `(?i)${c}`)))).toEqual([]);
    const [first, last] = ["\u00c0", "\u{1e943}"];
    expect(read(small, `(?i)[${first}-${last}]`)).toEqual(read(whole, `(?i)[${first}-${last}]`));
  });

  it.each(["Grek", "greek", "Letter", "Script=Greek", "sc", "XID_Start", "", "constructor", "L}\\p{Nope"])(
    "knows no class that the package does not know, such as %s",
    (name) => {
      expect(read(small, `\\p{${name}}`)).toEqual(["invalid character class range", expect.any(String)]);
      expect(read(small, `\\p{${name}}`)).toEqual(read(whole, `\\p{${name}}`));
    },
  );

  it("reads, refuses, weighs and matches whatever pattern as the package does", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "a",
        "K",
        "ſ",
        "é",
        ".",
        "[a-c]",
        "[^k]",
        "(",
        ")",
        "(?:",
        "(?i)",
        "(?i:",
        "(?s)",
        "(?P<n>",
        "|",
        "*",
        "+?",
        "?",
        "{2}",
      ),
      fc.constantFrom(
        "{2,1}",
        "\\d",
        "\\pL",
        "\\P{Greek}",
        "[[:word:]]",
        "[[:nope:]]",
        "\\b",
        "^",
        "$",
        "\\Q.\\E",
        "\\x{1F600}",
        "\\z",
        "[",
      ),
    );
    const pattern = fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.join(""));
    const value = fc.string({ unit: fc.constantFrom("a", "k", "\u212a", "s", "É", "λ", "😀", "\n", " ", "\ud83d"), maxLength: 9 });
    fc.assert(
      fc.property(pattern, fc.array(value, { maxLength: 4 }), (source, values) => {
        expect(judge(small, source, values)).toEqual(judge(whole, source, values));
      }),
      { seed: 7, numRuns: 3000 },
    );
  });

  it("goes on without its cache where a value fills it", () => {
    const value = "ab".repeat(2000);
    expect(judge(small, "(a|b)*a(a|b){60}", [value, `${value}a`])).toEqual(judge(whole, "(a|b)*a(a|b){60}", [value, `${value}a`]));
  });

  it("is refused where the package is built in another way", () => {
    expect(() => smallRe2(PACKAGE.replace("// src/Simplify.js", ""))).toThrow("re2js: no file Simplify");
    expect(() => smallRe2(PACKAGE.replace("static SCRIPTS = new LazyMap", "static SCRIPTS = new Map"))).toThrow("re2js: no table SCRIPTS");
    expect(() => smallRe2(PACKAGE.replace("static parse(pattern, flags) {", "$& OnePass.compile();"))).toThrow(
      "re2js: OnePass of OnePass is needed, too",
    );
  });
});
