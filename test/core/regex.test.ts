import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Report } from "../../src/core/problem.ts";
import { compileRegex } from "../../src/core/regex.ts";
import { patternCompiler } from "../../src/core/when.ts";

function matches(pattern: string, value: string): boolean {
  const regex = compileRegex(pattern);
  if (!regex.ok) throw new Error(`${pattern}: ${regex.error.reason}`);
  return regex.value.matches(value);
}

function reason(pattern: string): string {
  const regex = compileRegex(pattern);
  return regex.ok ? "accepted" : regex.error.reason;
}

describe("a pattern", () => {
  it.each([
    ["[0-9]+", "123", true],
    ["[0-9]+", "x123", false],
    ["[0-9]+", "123x", false],
    ["[0-9]+", "123\n", false],
    ["[0-9]+", "", false],
    ["a|ab", "ab", true],
    ["(a|ab)(c|bcd)", "abcd", true],
    ["a*?", "aaa", true],
    ["", "", true],
    ["", "a", false],
    [".*", "any value", true],
    [".*", "two\nlines", false],
    ["(?s).*", "two\nlines", true],
    ["(?i)straße", "STRASSE", false],
    ["(?i)beta", "BETA", true],
    [".", "😀", true],
    ["\\p{Greek}+", "λόγος", true],
    ["^a$", "a", true],
    ["(?m)^a$", "a\na", false],
    ["a\\|b", "a|b", true],
    [".*pr=(.*)?", "x=1,pr=7", true],
  ])("%s on %j is %s: it matches the whole value or not at all", (pattern, value, expected) => {
    expect(matches(pattern, value)).toBe(expected);
  });

  it("matches what the engine's own expressions match, anchored at both ends", () => {
    const piece = fc.constantFrom(
      "a",
      "b",
      "ab",
      ".",
      "[ab]",
      "[^a]",
      "(a|b)",
      "(?:ab|a)",
      "a*",
      "b+",
      "(a|b)*",
      "a?",
      "b{2}",
      "(ab){1,2}",
      "|",
    );
    const pattern = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(""));
    const value = fc.string({ unit: fc.constantFrom("a", "b", "c", "\n"), maxLength: 8 });
    fc.assert(
      fc.property(pattern, value, (source, text) => {
        expect(matches(source, text)).toBe(new RegExp(`^(?:${source})$`).test(text));
      }),
      { seed: 7, numRuns: 600 },
    );
  });

  it("takes any value, lone surrogates included, without throwing", () => {
    const regex = compileRegex("(?i)[a-zé😀]*.?");
    fc.assert(
      fc.property(
        fc.array(fc.nat(0xffff), { maxLength: 30 }).map((units) => String.fromCharCode(...units)),
        (text) => typeof (regex.ok && regex.value.matches(text)) === "boolean",
      ),
      { seed: 7, numRuns: 500 },
    );
    expect(regex.ok && regex.value.matches("\ud83d")).toBe(true);
  });

  it.each([
    ["(a+)+b", "a".repeat(8192)],
    ["(?i)(x+x+)+y", "x".repeat(8192)],
    ["(a|aa)*c", "a".repeat(8192)],
    ["(.*a){20}.*b", "a".repeat(8192)],
  ])("that would keep a backtracking engine busy for years, %s, is done at once", (pattern, value) => {
    expect(matches(pattern, value)).toBe(false);
  });
});

describe("a pattern that is refused", () => {
  it.each([
    ["abc[", 'character 4: "[" is never closed'],
    ["abc[de", 'character 4: "[" is never closed'],
    ["(ab", 'character 1: "(" is never closed'],
    ["x(a)(b(c)", 'character 5: "(" is never closed'],
    ["\\((a", 'character 3: "(" is never closed'],
    ["a😀b(", 'character 4: "(" is never closed'],
    ["ab)", 'character 3: ")" closes nothing'],
    ["\\)[)]a)", 'character 7: ")" closes nothing'],
    ["a|*", 'character 3: "*" has nothing to repeat'],
    ["a*b**", 'character 4: "**" repeats a repetition'],
    ["a{2}b{2,1}", 'character 6: "{2,1}" is not from few to many, or makes more than 1000 repetitions in all'],
    ["a\\q\\q", 'character 2: "\\\\q" is no escape of RE2'],
    ["ab\\", 'character 3: a "\\" at the end escapes nothing'],
    ["a[z-a]", 'character 3: "z-a" is no range or class of characters'],
    ["\\p{Foo}", 'character 1: "\\\\p{Foo}" is no range or class of characters'],
    ["(?<n>a)(?<n>b)", 'character 11: two groups are named "n"'],
    ["x(?=a)", "character 2: look-ahead is not possible in linear time"],
    ["x(?!a)", "character 2: look-ahead is not possible in linear time"],
    ["x(?<=a)", "character 2: look-behind is not possible in linear time"],
    ["x(?<!a)", "character 2: look-behind is not possible in linear time"],
    ["(a)\\1", 'character 4: back-references such as "\\\\1" are not possible in linear time'],
    ["(?<n>a)\\k<n>", 'character 8: back-references such as "\\\\k" are not possible in linear time'],
    ["a(?>b)", 'character 2: "(?>" is not known in RE2 syntax (invalid or unsupported Perl syntax)'],
  ])("%s names the place and the mistake", (pattern, message) => {
    expect(reason(pattern)).toBe(message);
  });

  it("is one whose repetitions multiply", () => {
    expect(reason("((a{100}){100}){100}")).toBe(
      'character 10: "{100}" is not from few to many, or makes more than 1000 repetitions in all',
    );
    expect(reason("((a{10}){10}){10}")).toBe("it is too large: 1222 instructions, at most 1000; shorten its repetitions");
    expect(reason("a{1000}".repeat(10))).toMatch(/^it is too large: 10002 instructions/);
    expect(reason("[a-z0-9-]{1,253}")).toBe("accepted");
  });

  it("is refused with a reason, never with an exception, whatever it is", () => {
    const unit = fc.constantFrom(..."()[]{}*+?|\\^$.ab1,-<>:=!PpQEi😀");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 14 }), (source) => {
        const why = reason(source);
        if (why !== "accepted") expect(why).toMatch(/^(character \d+: .+|it is too large.*)$/);
      }),
      { seed: 7, numRuns: 1000 },
    );
  });
});

describe("the patterns of one file", () => {
  it("are compiled once each", () => {
    const compile = patternCompiler(new Report());
    expect(compile("[0-9]+", "a")).toBe(compile("[0-9]+", "b"));
  });

  it("may not be large in all", () => {
    const report = new Report();
    const compile = patternCompiler(report);
    for (let i = 0; i < 200; i++) compile(`[a-z]{900}${i}`, `rules[${i}]`);
    const [first] = report.list();
    expect(first!.path).toBe("rules[111]");
    expect(first!.message).toBe('expected patterns of at most 100000 instructions in all, got more; use "exact", "prefix" or "in"');
  });
});
