import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foundAt, intoElement, intoKey, type Path, parsePath, pathTree, writeKey } from "../../src/core/path.ts";

describe("a path", () => {
  it.each<[string, Path]>([
    ["status", [{ key: "status" }]],
    ["a.*.b[].c", [{ key: "a" }, "*", { key: "b" }, "[]", { key: "c" }]],
    ["[].email", ["[]", { key: "email" }]],
    ["[][]", ["[]", "[]"]],
    ["a['b.c']['']", [{ key: "a" }, { key: "b.c" }, { key: "" }]],
    ["['it\\'s'].x", [{ key: "it's" }, { key: "x" }]],
    ["['\\\\\\u000a*']", [{ key: "\\\n*" }]],
    ["__proto__.a b", [{ key: "__proto__" }, { key: "a b" }]],
    ["headers.content-type", [{ key: "headers" }, { key: "content-type" }]],
  ])("%s is read as its steps", (text, path) => {
    expect(parsePath(text)).toEqual({ ok: true, value: path });
  });

  it.each([
    ["", 'character 1: expected a key or "*"'],
    ["a.", 'character 3: expected a key or "*"'],
    [".a", 'character 1: expected a key or "*"'],
    ["a..b", 'character 3: expected a key or "*"'],
    ["a[0].b", 'character 2: expected "[]" or "[\'key\']"'],
    ["a.[]", 'character 3: expected a key or "*"'],
    ["a[]b", 'character 4: expected "." or "["'],
    ["a*", 'character 2: expected "." or "["'],
    ["a]", 'character 2: expected "." or "["'],
    ["['a\\n']", 'character 1: expected "[]" or "[\'key\']"'],
  ])("%j is refused with the place of the mistake", (text, error) => {
    expect(parsePath(text)).toEqual({ ok: false, error });
  });

  it("that was written key by key is read as the same keys, whatever they are", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom(...".[]*'\\ab_- \u0000\n\u007f\u00e9\ud83d\udc69u0041"), maxLength: 20 }), {
          minLength: 1,
          maxLength: 6,
        }),
        (keys) => {
          const path = keys.reduce(writeKey, "");
          expect(parsePath(path)).toEqual({ ok: true, value: keys.map((key) => ({ key })) });
        },
      ),
      { seed: 4, numRuns: 200 },
    );
  });

  it("stays short and readable, however long the keys are and however deep they lie", () => {
    let path = "body";
    for (let i = 0; i < 500; i++) path = writeKey(path, "a.'\u0000".repeat(1000));
    expect(path.length).toBeLessThan(900);
    expect(parsePath(path).ok).toBe(true);
    expect(writeKey(path, "b")).toBe(path);
  });
});

describe("a tree of paths", () => {
  /** What a pattern says about a concrete path, the slow way. */
  const matches = (pattern: Path, path: Path): boolean =>
    pattern.length === path.length &&
    pattern.every((step, i) => {
      const at = path[i]!;
      return typeof at === "object" ? step === "*" || (typeof step === "object" && step.key === at.key) : step === at;
    });

  it("finds just the patterns that match, each one", () => {
    const key = fc.constantFrom("a", "b", "__proto__", "").map((key) => ({ key }));
    const concrete = fc.array(fc.oneof(key, fc.constant("[]" as const)), { maxLength: 4 });
    const pattern = fc.array(fc.oneof(key, fc.constant("[]" as const), fc.constant("*" as const)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 8 }), concrete, (patterns, path) => {
        let places = pathTree(patterns.map((pattern, i) => [pattern, i] as const));
        for (const step of path) places = typeof step === "object" ? intoKey(places, step.key) : intoElement(places);
        const expected = patterns.flatMap((pattern, i) => (matches(pattern, path) ? [i] : []));
        expect([...foundAt(places)].sort((a, b) => a - b)).toEqual(expected);
      }),
      { seed: 4, numRuns: 1000 },
    );
  });
});
