import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePath } from "../../src/core/path.ts";
import { scrubJson, scrubPlaces } from "../../src/core/scrub.ts";

const places = (...paths: string[]) =>
  scrubPlaces(
    paths.map((text) => {
      const path = parsePath(text);
      if (!path.ok) throw new Error(path.error);
      return path.value;
    }),
  );

describe("scrubbing JSON", () => {
  it("puts null at the named places, whatever stood there, and keeps every other byte", () => {
    const text =
      ' {"card": {"number": "4111", "x": 1.0},\n "users":[{"email":"a@b"},{"email":{"deep":[1]}}, 7], "id": 12345678901234567890 } ';
    expect(scrubJson(text, places("card.number", "users[].email"))).toEqual({
      ok: true,
      value: ' {"card": {"number": null, "x": 1.0},\n "users":[{"email":null},{"email":null}, 7], "id": 12345678901234567890 } ',
    });
  });

  it.each([
    ['{"tags":{"a":{"owner":1},"b":{"owner":2},"owner":3}}', "tags.*.owner", '{"tags":{"a":{"owner":null},"b":{"owner":null},"owner":3}}'],
    ['[{"email":1},[{"email":2}]]', "[].email", '[{"email":null},[{"email":2}]]'],
    ['{"a":1,"a":2,"\\u0061":3}', "a", '{"a":null,"a":null,"\\u0061":null}'],
    ['{"__proto__":{"a":1},"constructor":2}', "__proto__.a", '{"__proto__":{"a":null},"constructor":2}'],
    ['{"a.b":1,"a":{"b":2}}', "['a.b']", '{"a.b":null,"a":{"b":2}}'],
    ['{"a":[1,[2],{}]}', "a[]", '{"a":[null,null,null]}'],
    ['{"a":{"b":1}}', "a[].b", '{"a":{"b":1}}'],
    ['{"a":[{"b":1}]}', "a.*.b", '{"a":[{"b":1}]}'],
    ['{"a":{"b":1,"c":2}}', "a", '{"a":null}'],
    ["3", "a", "3"],
  ])("of %s, %s leaves %s", (text, path, scrubbed) => {
    expect(scrubJson(text, places(path))).toEqual({ ok: true, value: scrubbed });
  });

  it.each(["", "{", '{"a":1', '{"a":1}x', "{'a':1}", '\ufeff{"a":1}', '{"a":NaN}', "a=1&b=2"])("refuses %j, which is not JSON", (text) => {
    expect(scrubJson(text, places("a"))).toEqual({ ok: false, error: "invalid" });
  });

  it("refuses what is nested too deep, and takes 200 levels", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(scrubJson(nested(20_000), places("a"))).toEqual({ ok: false, error: "too-deep" });
    expect(scrubJson(nested(201), places("a"))).toEqual({ ok: false, error: "too-deep" });
    expect(scrubJson(nested(200), places("a"))).toEqual({ ok: true, value: nested(200) });
  });

  it("leaves of any value just what an honest copy of it leaves", () => {
    const path = fc.array(fc.constantFrom("a", "b", "[]", "*"), { minLength: 1, maxLength: 3 });
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>(1, "x", null, true),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__"), tie("value"), { maxKeys: 3 }),
      ),
    }));
    const honest = (value: unknown, path: readonly string[]): unknown => {
      if (path.length === 0) return null;
      const [step, ...rest] = path;
      if (Array.isArray(value)) return step === "[]" ? value.map((element) => honest(element, rest)) : value;
      if (typeof value !== "object" || value === null || step === "[]") return value;
      return Object.fromEntries(
        Object.entries(value).map(([key, child]) => [key, step === "*" || step === key ? honest(child, rest) : child]),
      );
    };
    fc.assert(
      fc.property(value, path, (value, path) => {
        const text = JSON.stringify(value, null, 1);
        const scrubbed = scrubJson(text, places(path.join(".").replaceAll(".[]", "[]")));
        expect(scrubbed.ok && JSON.parse(scrubbed.value)).toEqual(honest(JSON.parse(text), path));
      }),
      { seed: 4, numRuns: 1000 },
    );
  });
});
