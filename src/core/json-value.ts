/** JSON read for a comparison: so many values and no more, keys that cannot touch a prototype, long integers to the last digit. */
import { decodeString, walkJson } from "./json-text.ts";

export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject;
export type JsonObject = Map<string, JsonValue>;

export interface JsonReading {
  readonly value: JsonValue;
  /** Lists and objects of which only a first part was read. */
  readonly incomplete: ReadonlySet<JsonValue>;
}

const MAX_VALUES = 10_000;
const MAX_DEPTH = 64;

/**
 * The first 10,000 values of `text`, 64 levels deep; what lies beyond is left out of its container, which is then `incomplete`. `cut` says
 * that `text` itself is only the beginning. Null: not JSON as far as it was read, or nothing was.
 */
export function readJson(text: string, cut: boolean): JsonReading | null {
  const open: (JsonValue[] | JsonObject)[] = [];
  const incomplete = new Set<JsonValue>();
  let root: JsonValue | undefined;
  let name = "";
  let count = 0;
  const put = (value: JsonValue): boolean => {
    const top = open[open.length - 1];
    if (++count > MAX_VALUES) return false;
    if (top === undefined) root = value;
    else if (open.length > MAX_DEPTH) incomplete.add(top);
    else if (Array.isArray(top)) top.push(value);
    else top.set(name, value);
    return true;
  };
  const end = walkJson(text, {
    key: (key) => {
      name = key;
    },
    scalar: (start, end) => put(scalar(text, start, end)),
    open: (_, bracket) => {
      const container: JsonValue[] | JsonObject = bracket === "[" ? [] : new Map();
      if (!put(container)) return false;
      open.push(container);
      return true;
    },
    close: () => {
      open.pop();
    },
  });
  if (root === undefined || end === "invalid" || (end === "cut" && !cut)) return null;
  for (const container of open) incomplete.add(container);
  return { value: root, incomplete };
}

/** Beyond 2^53 two ids may be one double; digits by the thousand are no id, and slow to read. */
const LONG_INTEGER = /^-?\d{16,40}$/;

function scalar(text: string, start: number, end: number): JsonValue {
  switch (text[start]) {
    case '"':
      return decodeString(text, start, end);
    case "t":
      return true;
    case "f":
      return false;
    case "n":
      return null;
    default:
      return number(text.slice(start, end));
  }
}

const number = (text: string): number | bigint =>
  text.length >= 16 && LONG_INTEGER.test(text) && !Number.isSafeInteger(Number(text)) ? BigInt(text) : Number(text);

/** The word for a value that a difference of kind `type` shows. */
export function typeOf(value: JsonValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (value instanceof Map) return "object";
  return typeof value === "bigint" ? "number" : typeof value;
}
