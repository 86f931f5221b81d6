/** JSON read for a comparison: so many values and no more, keys that cannot touch a prototype, numbers to the last digit. */
import { Decimal, readDecimal } from "./decimal.ts";
import { decodeString, failure, type JsonVisitor, walkJson, walkValue } from "./json-text.ts";

export type JsonValue = null | boolean | number | Decimal | string | JsonValue[] | JsonObject;
export type JsonObject = Map<string, JsonValue>;

/** The values of one key that an object has several times: what each reader makes of it is its own matter (RFC 8259, section 4). */
export class Several extends Array<JsonValue> {}

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
  const builder = build(text, { left: MAX_VALUES });
  const end = walkJson(text, builder.visitor);
  return end === "invalid" || (end === "cut" && !cut) ? null : builder.reading();
}

/** How many more values are read of a text. */
export interface ValuesLeft {
  left: number;
}

export const valuesLeft = (): ValuesLeft => ({ left: MAX_VALUES });

export interface Found {
  /** null: no value begins there. */
  readonly reading: JsonReading | null;
  /** Where the value ends; of none, how far it was looked for. */
  readonly end: number;
}

/** The value that begins at `from` within a text that is more than it, as JavaScript may write it. */
export function findJson(text: string, from: number, cut: boolean, values: ValuesLeft): Found {
  const builder = build(text, values);
  const end = walkValue(text, from, builder.visitor, true);
  if (end >= 0) return { reading: builder.reading(), end };
  const why = failure(end);
  const reading = why === "stopped" || (why === "cut" && cut) ? builder.reading() : null;
  return { reading, end: why === "invalid" ? builder.seen() : text.length };
}

interface Builder {
  readonly visitor: JsonVisitor;
  readonly reading: () => JsonReading | null;
  /** How far the text was understood. */
  readonly seen: () => number;
}

function build(text: string, values: ValuesLeft): Builder {
  const open: (JsonValue[] | JsonObject)[] = [];
  const incomplete = new Set<JsonValue>();
  let root: JsonValue | undefined;
  let name = "";
  let seen = 0;
  const put = (value: JsonValue): boolean => {
    const top = open[open.length - 1];
    if (--values.left < 0) return false;
    if (top === undefined) root = value;
    else if (open.length > MAX_DEPTH) incomplete.add(top);
    else if (Array.isArray(top)) top.push(value);
    else putKey(top, name, value);
    return true;
  };
  const visitor: JsonVisitor = {
    key: (key) => {
      name = key;
    },
    scalar: (start, end) => {
      seen = end;
      return put(scalar(text, start, end));
    },
    open: (start, bracket) => {
      seen = start;
      const container: JsonValue[] | JsonObject = bracket === "[" ? [] : new Map();
      if (!put(container)) return false;
      open.push(container);
      return true;
    },
    close: () => {
      open.pop();
    },
  };
  const reading = () => {
    for (const container of open) incomplete.add(container);
    return root === undefined ? null : { value: root, incomplete };
  };
  return { visitor, reading, seen: () => seen };
}

/** Adds one more value of a key; also for what is no JSON but has keys. */
export function putKey(object: JsonObject, key: string, value: JsonValue): void {
  const known = object.get(key);
  if (known === undefined) object.set(key, value);
  else if (known instanceof Several) known.push(value);
  else object.set(key, Several.of(known, value));
}

function scalar(text: string, start: number, end: number): JsonValue {
  switch (text[start]) {
    case '"':
    case "'":
      return decodeString(text, start, end);
    case "t":
      return true;
    case "f":
      return false;
    case "n":
    case "u":
    case "v":
      return null;
    case "!":
      return text[start + 1] === "0";
    case "N":
      return Number.NaN;
    case "I":
      return Number.POSITIVE_INFINITY;
    default:
      return text[start + 1] === "I" ? Number.NEGATIVE_INFINITY : readDecimal(text.slice(start, end));
  }
}

/** The word for a value that a difference of kind `type` shows. */
export function typeOf(value: JsonValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return value instanceof Several ? "several values" : "array";
  if (value instanceof Map) return "object";
  return value instanceof Decimal ? "number" : typeof value;
}

/** For strings and numbers, true, false and null. */
export function isSameScalar(left: JsonValue, right: JsonValue): boolean {
  if (left instanceof Decimal) return right instanceof Decimal && left.text === right.text;
  return Object.is(left, right);
}
