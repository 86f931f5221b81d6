import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeString, failure, type JsonVisitor, walkJson, walkValue } from "../../src/core/json-text.ts";

const silent: JsonVisitor = { key: () => {}, scalar: () => true, open: () => true, close: () => {} };

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

it("accepts just what JSON.parse accepts", () => {
  const edit = fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...'{}[],:"\\ 0123.eE+-tfnu\n\t\u0001\ufeff\u00a0a'));
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.array(edit, { maxLength: 3 }), (json, edits) => {
      const text = edits.reduce((text, [place, kind, char]) => {
        const at = place % (text.length + 1);
        return text.slice(0, at) + (kind > 0 ? char : "") + text.slice(at + (kind < 2 ? 1 : 0));
      }, json);
      expect(walkJson(text, silent) === "complete", text).toBe(parses(text));
    }),
    { seed: 4, numRuns: 5000 },
  );
});

it.each([
  "01",
  "1.",
  ".5",
  "-",
  "1e",
  "+1",
  '"\\x"',
  '"\\u12g4"',
  '"\n"',
  "[1,]",
  "[,1]",
  '{"a":1,}',
  "{a:1}",
  "{'a':1}",
  "tru",
  "nul",
  "[1 2]",
  '{"a" 1}',
  "1 2",
  "[}",
  "",
  " ",
])("does not accept %j", (text) => {
  expect(walkJson(text, silent)).not.toBe("complete");
});

it("knows every beginning of a JSON text as cut, never as wrong", () => {
  const text = '{"a\\u0041\\n":[true,false,null,-12.5e+3,"x\\"y"],"b":{"":[]}, "c" : [ ] }';
  for (let end = 0; end < text.length; end++) expect(walkJson(text.slice(0, end), silent), text.slice(0, end)).toBe("cut");
  expect(walkJson(text, silent)).toBe("complete");
});

it("tells keys decoded, scalars and containers by their places, in order", () => {
  const text = ' {"\\u0061": [1, "x"], "__proto__": {}} ';
  const told: string[] = [];
  walkJson(text, {
    key: (name) => told.push(`key ${name}`),
    scalar: (start, end) => told.push(text.slice(start, end)) > 0,
    open: (start, bracket) => told.push(`${bracket}@${start}`) > 0,
    close: (end) => told.push(`${text[end - 1]}@${end}`),
  });
  expect(told).toEqual(["{@1", "key a", "[@12", "1", '"x"', "]@20", "key __proto__", "{@35", "}@37", "}@38"]);
});

it("stops where it is told to", () => {
  let seen = 0;
  expect(walkJson("[1,2,3", { ...silent, scalar: () => ++seen < 2 })).toBe("stopped");
  expect(walkJson("[[1]]", { ...silent, open: (start) => start === 0 })).toBe("stopped");
});

it("decodes a string as JSON does", () => {
  expect(decodeString('["a\\u00e9\\n\\""]', 1, 14)).toBe('aé\n"');
  expect(decodeString('[""]', 1, 3)).toBe("");
});

it("walks a million levels without a stack", () => {
  expect(walkJson("[".repeat(1_000_000) + "]".repeat(1_000_000), silent)).toBe("complete");
});

it.each(["{a:1}", "{'a':1,}", "[NaN,-Infinity,undefined,!0,!1,void 0]", "{$b_1:'x\\'y',1:2}", "[1,]", '["\\x3c","\t"]', '{"a":1}', "12"])(
  "accepts loosely what JavaScript may write: %s",
  (text) => {
    expect(walkValue(`x=${text}  ;`, 2, silent, true)).toBe(text.length + 4);
  },
);

it.each([
  ["{return 1}", "invalid"],
  ["{a}", "invalid"],
  ["[,1]", "invalid"],
  ["{a:b}", "invalid"],
  ["[NaNa]", "invalid"],
  ["{a:[1,", "cut"],
  ["'open", "cut"],
])("does not accept loosely: %s", (text, why) => {
  const end = walkValue(text, 0, silent, true);
  expect(end).toBeLessThan(0);
  expect(failure(end)).toBe(why);
});

it("walks loosely all that it walks strictly, to the same end", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      expect(walkValue(text, 0, silent, true)).toBe(walkValue(text, 0, silent, false));
    }),
    { seed: 4, numRuns: 1000 },
  );
});

it.each([
  ["'a\\'b'", "a'b"],
  ['"\\x3cb\\u003e"', "<b>"],
  ['"\\u{1f600}"', "\u{1f600}"],
  ['"a\\\nb"', "ab"],
  ['"\\q\\n"', "q\n"],
])("reads the loose string %s", (text, value) => {
  expect(decodeString(text, 0, text.length)).toBe(value);
});
