import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TextForm } from "../../src/core/compare-body.ts";
import type { JsonValue } from "../../src/core/json-value.ts";
import { readStructure } from "../../src/core/text-structure.ts";

/** Objects as `{}`, several values of a key as `{ several: [] }`. */
function plain(value: JsonValue): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, one]) => [key, plain(one)]));
  if (Array.isArray(value)) return value.constructor === Array ? value.map(plain) : { several: Array.from(value, plain) };
  return value;
}

const read = (text: string, as: TextForm | null = "text") => {
  const found = readStructure({ text, cut: false }, as);
  if (found === null) return null;
  return found.form === "markup" ? (found.xml ? "XML" : "HTML") : plain(found.reading.value);
};

describe("a text's structure", () => {
  it.each<[string, unknown]>([
    ['{"a":1}', { a: 1 }],
    [')]}\'\n{"a":1}', { a: 1 }],
    [")]}',\n[1,2]", [1, 2]],
    ["for(;;);[1]", [1]],
    ['while(1);{"a":1}', { a: 1 }],
    ['{}&&{"a":1}', { a: 1 }],
    ['cb({"a":1});', { a: 1 }],
    ["/**/ typeof cb === 'function' && cb([{\"a\":1}]);", [{ a: 1 }]],
    [
      "window.S = {a:1, 'b':'x\\x3cy\\'', c:!0, d:undefined, e:[NaN,-Infinity,],};",
      { a: 1, b: "x<y'", c: true, d: null, e: [Number.NaN, Number.NEGATIVE_INFINITY] },
    ],
    ['window.A={"a":1};window.B={"b":2};window.A={"c":3}', { "window.A": [{ a: 1 }, { c: 3 }], "window.B": { b: 2 } }],
    ['{"a":1}\n{"a":2}\n', [{ a: 1 }, { a: 2 }]],
    ['data: {"a":1}\n\ndata: {"a":2}\n', { data: [{ a: 1 }, { a: 2 }] }],
    ['{"a":1,"a":2,"a":{"b":1}}', { a: { several: [1, 2, { b: 1 }] } }],
    ['{"__proto__":1}', Object.fromEntries([["__proto__", 1]])],
    ["plain words", null],
    ["costs [12] and {13}", null],
    ["a[0] = b[1]", null],
    ["function f(){return{}}", null],
    ["[not json", null],
    ["", null],
    ["<p>a</p>", "HTML"],
    ['<?xml version="1.0"?><a/>', "XML"],
    ["<a><![CDATA[x]]></a>", "XML"],
    ["a < b > c", null],
  ])("of %j", (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each<[TextForm, string, unknown]>([
    ["html", '{"a":"<b>"}', { a: "<b>" }],
    ["html", '{"a":NaN,"b":"<b>"}', { a: Number.NaN, b: "<b>" }],
    ["html", 'Hello <script>x={"a":1}</script>', "HTML"],
    ["html", "Hello", null],
    ["xml", "<a/>", "XML"],
    ["json", "12", 12],
    ["ndjson", "1\n\n2\n", [1, 2]],
    ["ndjson", '\u001e1\n\u001e{"a":1}\n', [1, { a: 1 }]],
    ["form", "a=1&b=x+y%21&a=2&c", { a: { several: ["1", "2"] }, b: "x y!", c: "" }],
    [
      "csv",
      'id,name\r\n1,"a, ""b"""\r\n2,c\r\n',
      [
        { id: "1", name: 'a, "b"' },
        { id: "2", name: "c" },
      ],
    ],
    [
      "csv",
      "1,2\n3,4",
      [
        ["1", "2"],
        ["3", "4"],
      ],
    ],
    ["tsv", "a\tb\n1\t2", [{ a: "1", b: "2" }]],
  ])("of %s that is %j", (as, text, expected) => {
    expect(read(text, as)).toEqual(expected);
  });

  it("never throws, and is the same for the same text", () => {
    const piece = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      '"',
      "'",
      ":",
      ",",
      "a",
      "1",
      "\\",
      "<",
      ">",
      "/",
      "=",
      "(",
      ")",
      "\n",
      " ",
      "NaN",
      "null",
      "\\u12",
      "&",
      "%e9",
      '{"a":1}',
    );
    const as = fc.constantFrom<TextForm | null>("text", "html", "json", "ndjson", "xml", "form", "csv", null);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), as, fc.boolean(), (pieces, as, cut) => {
        const text = pieces.join("");
        expect(readStructure({ text, cut }, as)).toEqual(readStructure({ text, cut }, as));
      }),
      { seed: 8, numRuns: 5_000 },
    );
  });

  it.each([
    "{",
    "[",
    '{"',
    "{'",
    "[[",
    "{a:",
    '{"a":',
    "[{",
    '={"a":1}',
    "=[",
    "(",
    '"[',
    ",\n",
    '"',
    "[[1],",
    "<![CDATA[",
    "<a ",
    "a=&",
    "=[1,",
    "{\n",
  ])("is found in linear time in %j again and again", (piece) => {
    const time = (count: number) => {
      const text = `x${piece.repeat(count)}`;
      const times = Array.from({ length: 3 }, () => {
        const started = performance.now();
        for (const as of ["text", "html", "csv", "form"] as const) readStructure({ text, cut: false }, as);
        return performance.now() - started;
      });
      return Math.min(...times);
    };
    // Twenty times the text; quadratic would be four hundred times as long.
    expect(time(40_000)).toBeLessThan(Math.max(2, time(2_000)) * 120);
  });
});
