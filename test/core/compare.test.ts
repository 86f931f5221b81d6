import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Answer, type Comparison, compareAnswers } from "../../src/core/compare.ts";
import { type Body, readBody } from "../../src/core/compare-body.ts";
import { compareRules, ignores } from "../../src/core/compare-rules.ts";
import { differingWords } from "../../src/core/compare-text.ts";
import type { Compare } from "../../src/core/lane-group.ts";
import { FORMATS, OPAQUE } from "../support/formats.ts";

const NONE: Compare = { noisePercent: 20, headers: ["content-type", "vary"], ignore: [], unordered: [], key: {}, tolerance: {} };

const rulesOf = (rules: Partial<Compare>) => {
  const compiled = compareRules({ ...NONE, ...rules });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value;
};

const utf8 = (text: string) => new TextEncoder().encode(text);

const body = (type: string | null, bytes: Uint8Array | string, { coding = null as string | null, cut = false } = {}): Body =>
  readBody(type, coding, typeof bytes === "string" ? utf8(bytes) : bytes, cut);

const answer = (body: Body, { status = 200, headers = {} as Record<string, string> } = {}): Answer => ({
  status,
  headers: new Map(Object.entries(headers)),
  body,
});

const compareBodies = (left: Body, right: Body, rules: Partial<Compare> = {}): Comparison =>
  compareAnswers(answer(left), answer(right), rulesOf(rules));

const asJson = (value: unknown): Body => body("application/json", typeof value === "string" ? value : JSON.stringify(value));

/** `kind path`, with `×n` where an element of a list differs n times. */
const names = ({ differences }: Comparison): string[] =>
  differences.map(({ kind, path, times }) => `${kind} ${path}${times > 1 ? ` ×${times}` : ""}`);

const json = (left: unknown, right: unknown, rules: Partial<Compare> = {}): string[] =>
  names(compareBodies(asJson(left), asJson(right), rules));

describe("two answers", () => {
  it("of another status are one difference, whatever their headers and bodies are", () => {
    const [ok, broken] = [answer(asJson({ a: 1 }), { headers: { vary: "x" } }), answer(asJson({ b: 1 }), { status: 500 })];
    expect(compareAnswers(ok, broken, rulesOf({}))).toEqual({
      differences: [{ path: "status", kind: "status", left: 200, right: 500, times: 1 }],
      truncated: false,
      skipped: null,
    });
    expect(names(compareAnswers(ok, broken, rulesOf({ ignore: ["status"] })))).toEqual([
      "missing headers.vary",
      "missing body.a",
      "extra body.b",
    ]);
  });

  it("are compared in the listed headers only", () => {
    const left = answer(asJson(1), { headers: { "content-type": "a/b", date: "1", vary: "x" } });
    const right = answer(asJson(1), { headers: { "content-type": "a/c", date: "2", etag: "y" } });
    expect(names(compareAnswers(left, right, rulesOf({})))).toEqual(["value headers.content-type", "missing headers.vary"]);
    expect(names(compareAnswers(left, right, rulesOf({ ignore: ["headers.vary"] })))).toEqual(["value headers.content-type"]);
    expect(names(compareAnswers(right, left, rulesOf({ headers: ["etag", "vary"] })))).toEqual([
      "missing headers.etag",
      "extra headers.vary",
    ]);
    expect(names(compareAnswers(left, right, rulesOf({ ignore: ["headers"] })))).toEqual([]);
  });
});

describe("two JSON bodies", () => {
  it.each<[string, unknown, unknown, string[]]>([
    ["no difference", { a: [1, { b: null }] }, { a: [1, { b: null }] }, []],
    ["keys in another order", { a: 1, b: 2 }, { b: 2, a: 1 }, []],
    ["numbers written otherwise", "[1.0, 1e2, -0, 100000000000000000000]", "[1, 100, 0, 1e20]", []],
    ["another value", { a: { b: 1 } }, { a: { b: 2 } }, ["value body.a.b"]],
    [
      "decimals that are one double",
      "[1.000000000000000001,9007199254740993,1e400]",
      "[1.000000000000000002,9007199254740992.0,2e400]",
      ["value body[] ×3"],
    ],
    ["one value in other digits", "[12345678901234567890,1e400,1,1]", "[1.234567890123456789e19,10e399,1.0,10e-1]", []],
    ["a key that is there twice", '{"a":1,"a":2}', '{"a":2}', ["type body.a"]],
    ["a key that is there twice with other values", '{"a":1,"a":2}', '{"a":3,"a":2}', ["value body.a[]"]],
    ["keys that are there twice", '{"a":1,"b":1,"a":2}', '{"b":1,"a":1,"a":2}', []],
    ["long ids that are one double", '{"id":12345678901234567890}', '{"id":12345678901234567891}', ["value body.id"]],
    ["another type", { a: 1, b: [], c: null, d: true }, { a: "1", b: {}, c: 0, d: true }, ["type body.a", "type body.b", "type body.c"]],
    [
      "what is missing and extra",
      { a: 1, b: { c: 1 } },
      { b: { d: 1 }, e: 1 },
      ["missing body.a", "extra body.e", "missing body.b.c", "extra body.b.d"],
    ],
    ["an absent key and null", { a: null }, {}, ["missing body.a"]],
    ["a value at the top", 1, 2, ["value body"]],
    ["elements, under one path", { p: [{ x: 1 }, { x: 2 }, { x: 3 }] }, { p: [{ x: 9 }, { x: 2 }, { x: 8 }] }, ["value body.p[].x ×2"]],
    ["another order", { tags: ["a", "b", "c"] }, { tags: ["c", "a", "b"] }, ["order body.tags"]],
    [
      "another order of objects",
      [
        { a: 1, b: [1] },
        { a: 2, b: [] },
      ],
      [
        { b: [], a: 2 },
        { b: [1], a: 1 },
      ],
      ["order body"],
    ],
    ["another length", { l: [1, 2] }, { l: [1, 2, 3] }, ["length body.l"]],
    [
      "the length of lists in lists",
      [[1], [2]],
      [
        [1, 5],
        [2, 6],
      ],
      ["length body[] ×2"],
    ],
    ["lists in lists", [[1, 2], [3]], [[2, 1], [4]], ["order body[]", "value body[][]"]],
    [
      "odd keys",
      { "a.b": 1, "a/b": 1, "": 1, "[]": 1 },
      { "a.b": 2, "a/b": 2, "": 2, "[]": 2 },
      ["value body['a.b']", "value body.a/b", "value body['']", "value body['[]']"],
    ],
    [
      "__proto__ as a key like any other",
      '{"__proto__":{"x":1},"constructor":1}',
      '{"toString":1}',
      ["missing body.__proto__", "missing body.constructor", "extra body.toString"],
    ],
    ["below __proto__", '{"__proto__":{"x":1}}', '{"__proto__":{"x":2}}', ["value body.__proto__.x"]],
  ])("show %s", (_, left, right, expected) => {
    expect(json(left, right)).toEqual(expected);
    expect(({} as Record<string, unknown>).x).toBe(undefined);
  });

  it("keep both values as an example, and the lengths of lists", () => {
    expect(compareBodies(asJson({ a: 1, l: [1] }), asJson({ a: "x", l: [] })).differences).toEqual([
      { path: "body.a", kind: "type", left: 1, right: "x", times: 1 },
      { path: "body.l", kind: "length", left: 1, right: 0, times: 1 },
    ]);
  });
});

describe("lists of another length", () => {
  const items = (count: number, one: object) => ({ items: Array.from({ length: count }, (_, at) => ({ id: at, ...one })) });

  it("do not hide what their elements are", () => {
    expect(json(items(5, { price: 5, stock: 3 }), items(3, { price: "NaN" }))).toEqual([
      "length body.items",
      "type body.items[].price ×3",
      "missing body.items[].stock ×3",
    ]);
    expect(json(items(2, { a: 1 }), items(4, { a: 2 }))).toEqual(["length body.items", "value body.items[].a ×2"]);
    expect(json([1, 2, 3], [1, "2"])).toEqual(["length body", "type body[]"]);
  });

  it("are a length alone where elements are gone or new, and in rules", () => {
    expect(json([1, 2, 3], [2, 3])).toEqual(["length body"]);
    expect(json([{ a: 1 }, { a: 2 }], [{ a: 0 }, { a: 1 }, { a: 2 }])).toEqual(["length body"]);
    expect(json(items(2, { a: 1 }), items(4, { a: 2 }), { ignore: ["body.items[].a"] })).toEqual(["length body.items"]);
    expect(json([1, 2], [3, 4, 5], { ignore: ["body[]"] })).toEqual(["length body"]);
  });
});

describe("a long value without spaces", () => {
  it("is a text that nobody can take apart", () => {
    const coded = (value: object) => btoa(JSON.stringify({ ...value, pad: "x".repeat(600) }));
    const [found] = compareBodies(asJson({ state: coded({ price: 10 }) }), asJson({ state: coded({ price: 99 }) })).differences;
    expect(found).toMatchObject({ path: "body.state", kind: "value", opaque: true });
  });
});

describe("the rules of places", () => {
  it("ignore a place with all below it, also within lists whose order counts", () => {
    const [left, right] = [
      {
        at: 1,
        items: [
          { id: 1, updatedAt: 5 },
          { id: 2, updatedAt: 6 },
        ],
        deep: { a: [1] },
      },
      {
        at: 2,
        items: [
          { id: 2, updatedAt: 7 },
          { id: 1, updatedAt: 8 },
        ],
        deep: { a: {}, b: 1 },
      },
    ];
    expect(json(left, right, { ignore: ["body.at", "body.deep"] })).toEqual([
      "value body.items[].id ×2",
      "value body.items[].updatedAt ×2",
    ]);
    expect(json(left, right, { ignore: ["body.at", "body.deep", "body.items[].updatedAt"] })).toEqual(["order body.items"]);
    expect(json(left.items, right.items.toReversed(), { ignore: ["body[].updatedAt"] })).toEqual([]);
    expect(json(left, right, { ignore: ["body.*"] })).toEqual([]);
    expect(json(left, right, { ignore: ["body"] })).toEqual([]);
    expect(json({ l: [1] }, { l: [2] }, { ignore: ["body.l[]"] })).toEqual([]);
    expect(json({ l: [1] }, { l: [2, 3] }, { ignore: ["body.l[]"] })).toEqual(["length body.l"]);
  });

  it("compare unordered lists as collections", () => {
    const rules = { unordered: ["body.tags", "body.items"], ignore: ["body.items[].at"] };
    expect(json({ tags: ["a", "b", "b"] }, { tags: ["b", "a", "b"] }, rules)).toEqual([]);
    expect(json({ tags: ["a", "b", "b"] }, { tags: ["b", "a", "a"] }, rules)).toEqual(["value body.tags[]"]);
    expect(json({ tags: ["a"] }, { tags: ["a", "b"] }, rules)).toEqual(["length body.tags"]);
    expect(json([{ t: [1, 2] }, { t: [3] }], [{ t: [3] }, { t: [2, 1] }], { unordered: ["body[].t"] })).toEqual(["order body"]);
    const items = (...list: [number, number][]) => ({ items: list.map(([id, at]) => ({ id, at })) });
    expect(json(items([1, 5], [2, 6]), items([2, 7], [1, 8]), rules)).toEqual([]);
    expect(json(items([1, 5], [2, 6]), items([3, 7], [1, 8]), rules)).toEqual(["value body.items[].id"]);
  });

  it("compare elements of one key with each other", () => {
    const rules = { key: { "body.items": "id" } };
    const [left, right] = [
      [
        { id: 1, x: 1 },
        { id: "1", x: 2 },
        { id: 3, x: 3 },
      ],
      [
        { id: "1", x: 2 },
        { id: 4, x: 4 },
        { id: 1, x: 9 },
      ],
    ];
    expect(json({ items: left }, { items: right }, rules)).toEqual([
      "missing body.items[]",
      "extra body.items[]",
      "order body.items",
      "value body.items[].x",
    ]);
    expect(json({ items: left }, { items: left.toReversed() }, { ...rules, unordered: ["body.items"] })).toEqual([]);
  });

  it.each([
    ["an element lacks it", [{ id: 1 }, {}], [{ id: 1 }, { id: 2 }], ["extra body[].id"]],
    ["two share it", [{ id: 1 }, { id: 1, x: 1 }], [{ id: 1 }, { id: 1, x: 2 }], ["value body[].x"]],
    ["it is no scalar", [{ id: [1] }], [{ id: [2] }], ["value body[].id[]"]],
    ["elements are no objects", [1, 2], [1, 3], ["value body[]"]],
  ])("compare by position where %s", (_, left, right, expected) => {
    expect(json(left, right, { key: { body: "id" } })).toEqual(expected);
  });

  it("allow numbers their tolerance and no more", () => {
    const rules = { tolerance: { "body.score": 0.01, "body.l[].*": 1 } };
    expect(json({ score: 1 }, { score: 1.009 }, rules)).toEqual([]);
    expect(json({ score: 1.02 }, { score: 1 }, rules)).toEqual(["value body.score"]);
    expect(json({ score: 1 }, { score: "1" }, rules)).toEqual(["type body.score"]);
    expect(json({ l: [{ a: 1, b: 1 }] }, { l: [{ a: 2, b: 2.5 }] }, rules)).toEqual(["value body.l[].b"]);
  });

  it("are refused with the place of each mistake", () => {
    const broken = {
      ...NONE,
      ignore: ["status", "items.x"],
      unordered: ["headers.vary"],
      key: { "body.a[0]": "id" },
      tolerance: { "body..a": 1 },
    };
    expect(compareRules(broken)).toEqual({
      ok: false,
      error: [
        { path: "ignore[1]", message: 'character 1: expected "status" or "headers" or "body"' },
        { path: "unordered[0]", message: 'character 1: expected "body"' },
        { path: 'key["body.a[0]"]', message: 'character 7: expected "[]" or "[\'key\']"' },
        { path: 'tolerance["body..a"]', message: 'character 6: expected a key or "*"' },
      ],
    });
  });

  it("tell of a place that was counted before whether it is ignored by now", () => {
    const rules = rulesOf({ ignore: ["body.items[].at", "headers.*"] });
    expect(
      ["body.items[].at", "body.items[].at.x", "headers.vary", "body.items[]", "body.at", "status"].map((path) => ignores(rules, path)),
    ).toEqual([true, true, true, false, false, false]);
  });
});

describe("a body of any kind has its result:", () => {
  const gzip = new Uint8Array([0x1f, 0x8b, 8, 0, 1]);
  const latin1 = new Uint8Array([0x63, 0x61, 0x66, 0xe9]);
  const t = (text: string) => body("text/plain", text);
  it.each<[string, Body, Body, string[]]>([
    ["both empty", body(null, ""), body("application/json", ""), []],
    ["empty and not", body(null, ""), t("x"), ["extra body"]],
    ["not empty and empty", asJson({}), body(null, ""), ["missing body"]],
    ["equal text", t("a\nb"), t("a\nb"), []],
    ["line ends", t("a\r\nb"), t("a\nb"), []],
    ["text by line", t("a\nb\nc\nd"), t("a\nx\nc\nd\ne"), ["value body[]", "extra body[]"]],
    ["lines in another order", t("a\nb"), t("b\na"), ["order body"]],
    ["binary of another content", body("image/png", "abcd"), body("image/png", "abce"), ["value body"]],
    ["binary of another length", body("image/png", "abcd"), body("image/png", "abc"), ["length body"]],
    ["JSON of which one does not parse", asJson("{}"), asJson("{"), ["parse body"]],
    ["JSON of which none parses", asJson("{a\nb"), asJson("{a\nc"), ["value body[]"]],
    ["JSON and HTML", asJson("{}"), body("text/html", "<p>"), ["type body"]],
    ["JSON and text", asJson("{}"), t("{}"), ["type body"]],
    ["+json", body("application/problem+json; charset=utf-8", '{"a":1}'), body("application/json", '{"a":2}'), ["value body.a"]],
    ["NDJSON", body("application/x-ndjson", '{"a":1}\n{"a":2}\n'), body("application/x-ndjson", '{"a":1}\n\n{"a":3}'), ["value body[].a"]],
    ["NDJSON of which one does not parse", body("application/x-ndjson", "{}\n{}"), body("application/x-ndjson", "{}\n{"), ["parse body"]],
    ["no type, looking like JSON", body(null, ' {"a":1}'), body(null, '{"a":2}'), ["value body.a"]],
    ["no type", body(null, "a"), body(null, "b"), ["value body[]"]],
    ["a charset that is right", body("text/plain; charset=ISO-8859-1", latin1), body('text/plain; charset="utf-8"', "café"), []],
    ["a charset that is wrong", body("text/plain", latin1), body("text/plain", "caf"), ["type body"]],
    ["a charset that is wrong on both sides", body("text/plain", latin1), body("text/plain", latin1), []],
    ["a charset that nobody knows", body("text/plain; charset=x-none", "a"), body("text/plain; charset=x-none", "b"), ["value body"]],
    ["JSON that is not UTF-8", body("application/json", new Uint8Array([0x22, 0xe9, 0x22])), asJson('"é"'), ["type body"]],
    ["JSON with a charset that it cannot have", body("application/json; charset=iso-8859-1", '"é"'), asJson('"é"'), []],
    ["a byte order mark", body("application/json", "\ufeff{}"), asJson("{}"), []],
    ["what the platform has decompressed", body("text/plain", "a", { coding: "gzip" }), t("a"), []],
  ])("%s", (_, left, right, expected) => {
    const comparison = compareBodies(left, right);
    expect(names(comparison)).toEqual(expected);
    expect(comparison).toMatchObject({ truncated: false, skipped: null });
  });

  it.each([
    ["gzip", gzip],
    ["zstd", utf8("x")],
  ])("still compressed (%s): skipped by name", (coding, bytes) => {
    const compressed = body("application/json", bytes, { coding });
    expect(compareBodies(compressed, asJson("{}"))).toEqual({ differences: [], truncated: false, skipped: "type" });
    expect(compareBodies(compressed, compressed)).toEqual({ differences: [], truncated: false, skipped: "type" });
  });

  it("a file that happens to be gzip is bytes like any other", () => {
    expect(names(compareBodies(body("application/gzip", gzip), body("application/gzip", gzip)))).toEqual([]);
  });

  it("cut JSON is compared as far as it goes, and says so", () => {
    const cut = (text: string) => body("application/json", text, { cut: true });
    const comparison = compareBodies(cut('{"a":1,"l":[1,2,{"x":1},"half'), cut('{"a":2,"l":[1,3'));
    expect(names(comparison)).toEqual(["value body.a"]);
    expect(comparison.truncated).toBe(true);
    expect(names(compareBodies(cut('{"l":[1,2,3,4'), asJson({ l: [1, 5, 3, 4, 6], z: 1 })))).toEqual(["value body.l[]"]);
    expect(names(compareBodies(cut('"half'), asJson('"half of it"')))).toEqual([]);
    expect(names(compareBodies(cut("[1,2,3,"), cut("[2,1,3,")))).toEqual(["value body[] ×2"]);
    const [whole, half] = [asJson({ a: 1, l: [{ id: 1 }, { id: 2 }], z: 2 }), cut('{"a":1,"l":[{"id":2},{"id":3},')];
    expect(names(compareBodies(whole, half, { key: { "body.l": "id" } }))).toEqual(["extra body.l[]"]);
    expect(names(compareBodies(half, whole, { key: { "body.l": "id" } }))).toEqual(["missing body.l[]"]);
  });

  it("cut text and cut bytes are compared as far as both go", () => {
    const cut = (type: string, bytes: Uint8Array | string) => body(type, bytes, { cut: true });
    expect(compareBodies(cut("text/plain", "a\nb\nha"), body("text/plain", "a\nx\nhalf\nmore"))).toMatchObject({
      differences: [{ kind: "value", path: "body[]", left: "b", right: "x", times: 1 }],
      truncated: true,
    });
    expect(compareBodies(cut("image/png", "abc"), cut("image/png", "abc"))).toEqual({ differences: [], truncated: true, skipped: null });
    expect(names(compareBodies(cut("text/plain", utf8("é\né").subarray(0, 4)), cut("text/plain", "é\n")))).toEqual([]);
  });
});

describe("a wrong price", () => {
  it.each(Object.entries(FORMATS))("has a place of its own in %s", (_, { type, write, at, price }) => {
    const [live, again, dark] = [
      body(type, write("09:00:01", "12.50")),
      body(type, write("09:00:02", "12.50")),
      body(type, write("09:00:01", "13.50")),
    ];
    expect(names(compareBodies(live, again))).toEqual([at]);
    expect(names(compareBodies(live, dark))).toEqual([price]);
  });

  it.each(Object.entries(FORMATS).filter(([, { at, price }]) => at === price))(
    "is one more word beside a time stamp in %s",
    (_, { type, write, price }) => {
      const [live, dark] = [body(type, write("09:00:01", "12.50")), body(type, write("09:00:02", "13.50"))];
      expect(names(compareBodies(live, dark))).toEqual([`${price} ×2`]);
    },
  );

  it.each(Object.entries(OPAQUE))("is nowhere to be seen in %s, and that is said", (_, { type, write, place }) => {
    const comparison = compareBodies(body(type, write("09.1", "12.50")), body(type, write("09.2", "13.50")));
    expect(comparison.differences.map(({ kind, path }) => `${kind} ${path}`)).toEqual([place]);
    expect(comparison.differences[0]!.opaque).toBe(true);
  });

  it("is not hidden by a text that became JSON, or no longer is", () => {
    const [json, guarded, broken] = ['{"a":1}', ')]}\'{"a":1}', '{"a":'].map((text) => body("application/json", text));
    expect(names(compareBodies(json!, guarded!))).toEqual(["parse body"]);
    expect(names(compareBodies(guarded!, json!))).toEqual(["parse body"]);
    expect(names(compareBodies(guarded!, broken!))).toEqual(["parse body"]);
    expect(names(compareBodies(body("text/html", '{"a":1}'), body("text/html", "<p>no</p>")))).toEqual(["type body"]);
    expect(names(compareBodies(body("text/plain", '{"a":1}'), body("text/plain", "no")))).toEqual(["parse body"]);
  });

  it("is found around and within JSON, and may be ignored there", () => {
    const text = (callback: string, price: number) => body("text/javascript", `${callback}({"price":${price}});`);
    expect(names(compareBodies(text("cb1", 1), text("cb2", 2)))).toEqual(["value body.price", "value body.#text[]"]);
    expect(names(compareBodies(text("cb1", 1), text("cb2", 2), { ignore: ["body.#text"] }))).toEqual(["value body.price"]);
    const inner = (at: number, price: number) => asJson({ html: `<i>${at}</i><b>${price}</b>` });
    expect(names(compareBodies(inner(1, 1), inner(2, 2), { ignore: ["body.html.i"] }))).toEqual(["value body.html.b.#text"]);
  });
});

describe("JSON has the differences that it has,", () => {
  const WRAPPED: Readonly<Record<string, readonly [type: string, wrap: (json: string) => string, path: string]>> = {
    "by itself": ["application/json", (json) => json, "body"],
    "as a page": ["text/html", (json) => json, "body"],
    "behind a guard": ["application/json", (json) => `)]}'\n${json}`, "body"],
    "in a call": ["text/javascript", (json) => `cb(${json});`, "body"],
    "in a script": ["text/html", (json) => `<p><script>window.x=${json.replaceAll("<", "\\u003c")};</script>`, "body.p.script.#text"],
    "in an attribute": ["text/html", (json) => `<a b="${json.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}">`, "body.a.@b"],
    "in a string": ["application/json", (json) => JSON.stringify({ a: json }), "body.a"],
    "in UTF-16": ["application/json", (json) => `\ufeff${json}`, "body"],
  };
  const leaf = fc.oneof(fc.constantFrom<unknown>(1, 2.5, null, true, "x", "a b", "<b>", "", "[1", "&amp;"), fc.string({ maxLength: 5 }));
  const object = fc.dictionary(fc.constantFrom("a", "b", "id"), fc.oneof(leaf, fc.array(leaf, { maxLength: 3 })), { minKeys: 1 });
  it.each(Object.entries(WRAPPED))("%s", (name, [type, wrap, path]) => {
    fc.assert(
      fc.property(object, object, (left, right) => {
        const bytes = (value: unknown) => {
          const text = wrap(JSON.stringify(value));
          return name === "in UTF-16" ? Uint8Array.from(Buffer.from(text, "utf16le")) : text;
        };
        const found = names(compareBodies(body(type, bytes(left)), body(type, bytes(right))));
        expect(found).toEqual(json(left, right).map((one) => one.replace(" body", ` ${path}`)));
      }),
      { seed: 6, numRuns: 300 },
    );
  });
});

describe("two texts differ in words:", () => {
  it.each([
    ["a b c", "a x c", 1],
    ["12.50 EUR at 10:00:01", "13.50 EUR at 10:00:02", 2],
    ["a=1;b=2", "a=5;b=6", 2],
    ["a  b", "a b", 1],
    ["", "a b c", 3],
    ["2026-01-31T10:00:01.5Z", "2026-01-31T10:00:02.6Z", 1],
    ["f3a-b2c-1", "aaa-bbb-2", 3],
    ["6fa459ea-ee8a-3ca4-894e-db77e160355e_admin", "16fd2706-8baf-433b-82eb-8c7fada847da_guest", 2],
    ["1234:DENY", "5678:ALLOW", 2],
    ["key=a1b2.eu", "key=c3d4.us", 2],
    ["10:00:01 debit 100 credit 200", "10:00:02 debit 100 credit 200", 1],
    ["10:00:01 debit 100 credit 200", "10:00:02 debit 200 credit 100", 3],
    ["1, 2 < 3", "2, 1 < 3", 2],
    ["grüne Äpfel", "grüne Birnen", 1],
  ])("%j and %j in %d", (left, right, words) => {
    expect(differingWords(left, right)).toBe(words);
    expect(differingWords(right, left)).toBe(words);
  });
});

describe("HTML", () => {
  const open = (tag: string, attributes: Record<string, string> = {}): string =>
    `<${[tag, ...Object.entries(attributes).map(([name, value]) => `${name}="${value}"`)].join(" ")}>`;
  const element = (tag: string, ...inner: string[]): string => `${open(tag)}${inner.join("")}</${tag}>`;
  const page = (...parts: string[]): Body => body("text/html", element("html", element("body", ...parts)));
  const html = (left: Body, right: Body, rules: Partial<Compare> = {}) => names(compareBodies(left, right, rules));

  it("is compared by structure: texts, attributes and elements at the path of their tags", () => {
    const left = page(element("h1", "Shop"), open("img", { src: "a", alt: "x" }), element("p", "one"), element("p", "two"));
    const right = page(
      element("h1", "Shop\n "),
      open("img", { alt: "x", src: "b" }),
      element("p", "one"),
      element("p", "2"),
      element("p", "new"),
    );
    expect(html(left, right)).toEqual([
      "value body.html.body.img.@src",
      "extra body.html.body.p",
      "value body.html.body.p.#text",
      "extra body.html.body.p.#text",
    ]);
    expect(html(left, left)).toEqual([]);
  });

  it("shows another order", () => {
    const [one, two, title] = [element("p", "one"), element("p", "two"), element("h1", "Shop")];
    expect(html(page(one, two), page(two, one))).toEqual(["order body.html.body.p.#text"]);
    expect(html(page(title, two), page(two, title))).toEqual(["order body"]);
    expect(html(page(title, two), page(two, title), { unordered: ["body"] })).toEqual([]);
  });

  it("shows another order beside something that differs by itself", () => {
    const rows = (at: string, ...prices: string[]) =>
      page(element("i", at), ...["Apple", "Pear"].map((name, row) => element("tr", element("td", name), element("td", prices[row]!))));
    const stamp = "value body.html.body.i.#text";
    expect(html(rows("1", "3", "4"), rows("2", "3", "4"))).toEqual([stamp]);
    expect(html(rows("1", "3", "4"), rows("2", "4", "3"))).toEqual([stamp, "order body.html.body.tr.td.#text"]);
    expect(html(rows("1", "3", "4"), rows("2", "4", "3"), { unordered: ["body.html.body.tr.td.#text"] })).toEqual([stamp]);
    const moved = (at: string, ...parts: string[]) => page(element("i", at), ...parts.map((tag) => element(tag, "x")));
    expect(html(moved("1", "p", "b"), moved("2", "b", "p"))).toEqual([stamp, "order body"]);
    const items = (at: string, ...texts: string[]) => page(open("img", { src: at }), ...texts.map((text) => element("li", text)));
    expect(html(items("1", "a", "b"), items("2", "b", "a"))).toEqual(["value body.html.body.img.@src", "order body.html.body.li.#text"]);
    const xml = (at: string, one: string, other: string) => body("application/xml", `<r><t>${at}</t><p>${one}</p><p>${other}</p></r>`);
    expect(names(compareBodies(xml("1", "3", "4"), xml("2", "4", "3")))).toEqual(["value body.r.t.#text", "order body.r.p.#text"]);
  });

  it.each<[string, string, string]>([
    ["text/html", '<a href="/x" class="c">x</a>', '<a class="c" href="/x">x</a>'],
    ["application/xml", '<r><i id="1" n="2"/></r>', '<r><i n="2" id="1"></i></r>'],
    ["application/xml", "<r><![CDATA[x & y]]></r>", "<r>x &amp; y</r>"],
    ["application/xml", "<r>a<![CDATA[<b>]]>c</r>", "<r>a&lt;b&#62;c</r>"],
    ["application/xml", '<r a="1 &#38; 2">caf&#233;</r>', '<r a="1 &amp; 2">caf\u00e9</r>'],
    ["text/html; charset=utf-8", "<p>a&nbsp;b &euro;1 &auml;&Auml;</p>", "<p>a\u00a0b \u20ac1 \u00e4\u00c4</p>"],
    ["text/html", '<p title="a &quot;b&quot;">it&#39;s &amp; more</p>', "<p title='a &#34;b&#34;'>it's &#x26; more</p>"],
    ["text/html", "<p>a <!-- 1 -->b</p>", "<p>a b</p>"],
    ["text/html", '<p class="a  b">x</p>', '<p class="b a">x</p>'],
  ])("%s means the same: %s and %s", (type, left, right) => {
    expect(names(compareBodies(body(type, left), body(type, right)))).toEqual([]);
  });

  it.each<[string, string, string]>([
    ["application/xml", "<r><![CDATA[&amp;]]></r>", "<r>&amp;</r>"],
    ["text/html", "<p>a&nbsp;b</p>", "<p>a b</p>"],
    ["text/html", '<script>"&lt;"</script>', '<script>"<"</script>'],
    ["application/xml", '<r class="a b"/>', '<r class="b a"/>'],
    ["text/html", "<p>&Auml;</p>", "<p>&auml;</p>"],
  ])("%s does not mean the same: %s and %s", (type, left, right) => {
    expect(names(compareBodies(body(type, left), body(type, right)))).toHaveLength(1);
  });

  it("obeys ignored elements, attributes and texts", () => {
    const script = (nonce: string, ...parts: string[]) => page(open("script", { nonce }), nonce, "</script>", ...parts);
    expect(html(script("1"), script("2"))).toEqual(["value body.html.body.script.@nonce", "value body.html.body.script.#text"]);
    expect(html(script("1"), script("2"), { ignore: ["body.html.body.script.@nonce"] })).toEqual(["value body.html.body.script.#text"]);
    expect(html(script("1"), script("2", element("b", "x")), { ignore: ["body.html.body.script"] })).toEqual([
      "extra body.html.body.b",
      "extra body.html.body.b.#text",
    ]);
  });

  it("needs no end of elements that have none or end where their like begins", () => {
    const list = (...texts: string[]): string => `<ul>${texts.map((text) => `<li><br>${text}`).join("")}</ul></b>`;
    expect(html(page(list("a", "b")), page(list("a", "c")))).toEqual(["value body.html.body.ul.li.#text"]);
  });
});

describe("any two answers", () => {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<unknown>(1, 2, "x", null, true),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom("a", "b", "id", "__proto__"), tie("value"), { maxKeys: 3 }),
    ),
  }));
  const anyBody = fc.oneof(
    value.map(asJson),
    fc.constantFrom("a\nb", "b\na", "a", "").map((text) => body("text/plain", text)),
    fc.constant(body(null, "")),
  );
  const rules = fc.constantFrom<Partial<Compare>>(
    {},
    { unordered: ["body", "body.*"] },
    { key: { body: "id", "body.a": "id" } },
    { tolerance: { "body[]": 1 } },
    { ignore: ["body.a", "body[].id"] },
  );

  it("have no difference from themselves", () => {
    fc.assert(
      fc.property(anyBody, rules, (left, rules) => {
        expect(compareBodies(left, structuredClone(left), rules)).toEqual({ differences: [], truncated: false, skipped: null });
      }),
      { seed: 4, numRuns: 500 },
    );
  });

  it("differ in the same places from either side, with missing and extra swapped", () => {
    const swapped = (name: string) => name.replace(/^missing|^extra/, (kind) => (kind === "missing" ? "extra" : "missing"));
    fc.assert(
      fc.property(anyBody, anyBody, rules, (left, right, rules) => {
        expect(
          names(compareBodies(left, right, rules))
            .map(swapped)
            .sort(),
        ).toEqual(names(compareBodies(right, left, rules)).sort());
      }),
      { seed: 4, numRuns: 2000 },
    );
  });

  it("differ if and only if their JSON does", () => {
    fc.assert(
      fc.property(value, value, (left, right) => {
        const [one, other] = [JSON.stringify(left), JSON.stringify(right)];
        let equal = true;
        try {
          expect(JSON.parse(one)).toEqual(JSON.parse(other));
        } catch {
          equal = false;
        }
        expect(json(one, other).length === 0, `${one} ${other}`).toBe(equal);
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe("a hostile body is cut, not suffered:", () => {
  const nested = (depth: number, inner: string) => '{"a":['.repeat(depth / 2) + inner + "]}".repeat(depth / 2);
  const list = (prefix: string) => `[${Array.from({ length: 10_000 }, (_, i) => `{"id":"${prefix}${i}"}`).join(",")}]`;
  const keys = (prefix: string) => `{${Array.from({ length: 60_000 }, (_, i) => `"${prefix}${i}":${i}`).join(",")}}`;
  it.each([
    ["20,000 levels", nested(20_000, "1"), nested(20_000, "2"), {}],
    ["two disjoint lists of 10,000 objects", list("a"), list("b"), {}],
    ["the same, unordered", list("a"), list("b"), { unordered: ["body"] }],
    ["the same, by key", list("a"), list("b"), { key: { body: "id" } }],
    ["60,000 other keys", keys("a"), keys("b"), {}],
    ["a million brackets", "[".repeat(1_000_000), `${"[".repeat(1_000_000)}1`, {}],
    ["10 MB", `[${"1,".repeat(5_000_000)}1]`, `[${"1,".repeat(5_000_000)}2]`, {}],
  ])("%s", (_, left, right, rules) => {
    const comparison = compareBodies({ form: "json", text: left, cut: false }, { form: "json", text: right, cut: false }, rules);
    expect(comparison.truncated).toBe(true);
    expect(comparison.differences.length).toBeLessThanOrEqual(200);
  });

  it("65 levels: what differs below 64 is not looked at", () => {
    const levels = (depth: number) => {
      const [left, right] = ["1", "2"].map((value) => asJson("[".repeat(depth) + value + "]".repeat(depth)));
      return compareBodies(left!, right!);
    };
    expect(levels(64)).toMatchObject({ differences: [{ kind: "value" }], truncated: false });
    expect(levels(65)).toEqual({ differences: [], truncated: true, skipped: null });
  });

  it("10,001 values: what differs after 10,000 is not looked at", () => {
    const list = (length: number, last: number) => asJson([...Array<number>(length - 2).fill(0), last]);
    expect(compareBodies(list(10_000, 1), list(10_000, 2))).toMatchObject({ differences: [{ path: "body[]" }], truncated: false });
    expect(compareBodies(list(10_001, 1), list(10_001, 2))).toEqual({ differences: [], truncated: true, skipped: null });
  });

  it("strings of a megabyte are compared whole", () => {
    const long = "x".repeat(1_000_000);
    expect(json({ a: long }, { a: `${long}y` })).toEqual(["value body.a"]);
    const [one, other] = [`${long.slice(0, 400_000)}1`, `${long.slice(0, 400_000)}2`];
    expect(json([one, other], [other, one])).toEqual(["order body"]);
  });

  it("50,000 lines and 50,000 nodes", () => {
    const text = (end: string): Body => ({ form: "text", text: "line\n".repeat(50_000) + end, cut: false });
    expect(compareBodies(text("a"), text("b")).truncated).toBe(true);
    const nodes = (tag: string): Body => ({ form: "html", cut: false, text: `<${tag}>`.repeat(50_000) });
    const comparison = compareBodies(nodes("a"), nodes("b"));
    expect(comparison.truncated).toBe(true);
    expect(Math.max(...comparison.differences.map(({ path }) => path.length))).toBeLessThan(500);
  });

  it("more than 200 different places are not listed", () => {
    const wide = (value: number) => Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, value]));
    const comparison = compareBodies(asJson(wide(1)), asJson(wide(2)));
    expect(comparison.differences.length).toBe(200);
    expect(comparison.truncated).toBe(true);
  });
});
