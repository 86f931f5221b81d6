/** The small values of a lane file. Each message completes the sentence "expected …"; each pattern also goes into the JSON schema. */
import * as v from "valibot";
import { decodeKey } from "./baggage.ts";
import { CONTEXT_KEYS } from "./context.ts";
import { GROUP_NAME } from "./group-name.ts";
import { isOwnHeader, maySet, maySetOnAnswers, TOKEN } from "./header-names.ts";
import { type Path, parsePath, type Step } from "./path.ts";
import { enumerate } from "./problem.ts";

/** A key with the line that editors show: `doc("…")`. */
export const described = <S extends v.GenericSchema>(schema: S, description: string) => v.pipe(schema, v.description(description));

/** A key that may be left out. */
export const optional = <S extends v.GenericSchema>(schema: S, description: string) => v.exactOptional(described(schema, description));

/** A key that may be left out, which then means `fallback`. */
export const defaulted = <S extends v.GenericSchema, const D extends v.InferInput<S>>(schema: S, fallback: D, description: string) =>
  v.exactOptional(described(schema, description), fallback as never);

export const object = <E extends v.ObjectEntries>(entries: E) => v.strictObject(entries, "an object");

export const table = <V extends v.GenericSchema>(key: v.GenericSchema<string, string>, value: V) => v.record(key, value, "an object");

export const list = <I extends v.GenericSchema>(item: I) => v.array(item, "a list");

/** At least one element. */
export const someOf = <I extends v.GenericSchema>(item: I) => v.pipe(list(item), v.minLength(1, "at least one"));

export const text = v.string("a text");

/** A text that is not empty. */
export const someText = (expected: string) => v.pipe(v.string(expected), v.minLength(1, expected));

export const flag = v.boolean("true or false");

export const choice = <const O extends readonly string[]>(...options: O) => v.picklist(options, enumerate(options, "or"));

/** A text of a certain form. */
export function form(expected: string, pattern: RegExp) {
  return v.pipe(v.string(expected), v.regex(pattern, expected));
}

export function wholeNumber(min: number, max: number, unit: string) {
  const expected = `a whole number${unit} from ${min} to ${max}`;
  return v.pipe(v.number(expected), v.integer(expected), v.minValue(min, expected), v.maxValue(max, expected));
}

/** As long as anybody waits for an answer: ten minutes. */
export const milliseconds = wholeNumber(1, 600_000, " of milliseconds");

const NOT_NEGATIVE = "a number ≥ 0";
const notNegative = v.pipe(v.number(NOT_NEGATIVE), v.minValue(0, NOT_NEGATIVE));
/** So large that nobody wants more, so small that a sum of weights stays exact. */
export const weight = v.pipe(notNegative, v.maxValue(1e9, "a number ≤ 1000000000"));
export const tolerance = v.pipe(notNegative, v.finite(NOT_NEGATIVE));

const PERCENT = "a percentage from 0 to 100 in steps of 0.01";
export const percent = v.pipe(
  v.number(PERCENT),
  v.minValue(0, PERCENT),
  v.maxValue(100, PERCENT),
  v.check((value) => Number(value.toFixed(2)) === value, PERCENT),
);

export const groupName = form('a name of lower-case letters, digits and "-" (at most 40, the first not a "-")', GROUP_NAME);

export const name = form(
  'a name of letters, digits, ".", "_" and "-" (at most 40, the first a letter or digit)',
  /^[A-Za-z0-9][\w.-]{0,39}$/,
);

const HOST = 'a host name such as "shop.example.com" or "*.example.com" (no scheme, no port; other letters as xn--…)';
export const host = v.pipe(form(HOST, /^(?:\*|(?:\*\.)?[\w-]{1,63}(?:\.[\w-]{1,63})*\.?|\[[0-9A-Fa-f:.]+\])$/), v.maxLength(253, HOST));

const PLAIN_HOST = 'a host name such as "shop.example.com" (no scheme, no port, no "*"; other letters as xn--…)';
/** One host, as a request names it. */
export const plainHost = v.pipe(
  form(PLAIN_HOST, /^(?:[\w-]{1,63}(?:\.[\w-]{1,63})*\.?|\[[0-9A-Fa-f:.]+\])$/),
  v.maxLength(253, PLAIN_HOST),
);
export const hostPart = form('a part of a host name such as "beta." or ".example.com" (no scheme, no port)', /^\.?[\w-]+(?:\.[\w-]+)*\.?$/);

export const cookieDomain = form('a host name such as "example.com", without a leading dot', /^[\w-]{1,63}(?:\.[\w-]{1,63})+$/);

const PATH = 'a path such as "/" or "/api" (as it stands in a URL: encoded, without ? and #)';
/** Neither query, fragment nor dot segments, and nothing that a URL would have encoded. */
export const path = v.pipe(form(PATH, /^\/(?!\/)(?!(?:.*\/)?\.{1,2}(?:\/|$))[!$-;=@-[\]_a-z|~]*$/), v.maxLength(1024, PATH));

export const headerName = form('a header name such as "x-api-key"', TOKEN);

const SETTABLE = 'a header name such as "x-env" (not one that the router or the platform sets: Host, X-Forwarded-*, x-lane*, baggage, …)';
export const settableHeader = v.pipe(form(SETTABLE, TOKEN), v.check(maySet, SETTABLE));

const SETTABLE_ON_ANSWERS =
  'a header name such as "cache-control" (not Set-Cookie, what says how the body is to be read, or what the router or the platform sets)';
export const answerHeader = v.pipe(form(SETTABLE_ON_ANSWERS, TOKEN), v.check(maySetOnAnswers, SETTABLE_ON_ANSWERS));

const SCRUBBED = 'a header name such as "x-api-key" (not baggage and x-lane*, which mark the copy)';
/** Not what marks a copy as one, in any spelling: names are scrubbed folded. */
export const scrubbedHeader = v.pipe(
  form(SCRUBBED, /^(?![Bb][Aa][Gg][Gg][Aa][Gg][Ee]$|[Xx]-[Ll][Aa][Nn][Ee])[!#$%&'*+.^_`|~\w-]+$/),
  v.check((name) => !isOwnHeader(name.toLowerCase()), SCRUBBED),
);

export const headerValue = form("a header value: visible ASCII characters and spaces", /^[\t\x20-\x7e]*$/);

export const baggageKey = form("a baggage key: letters, digits and !#$%&'*+-.^_`|~", TOKEN);

const OUR_MEMBERS = 'a baggage key that does not begin with "laneway." (those carry the lane, and mark copies)';
/** Not in any spelling that some reader decodes to ours. */
export const foreignBaggageKey = v.pipe(
  baggageKey,
  v.regex(/^(?!laneway\.)/, OUR_MEMBERS),
  v.check((key) => !decodeKey(key).toLowerCase().startsWith(CONTEXT_KEYS), OUR_MEMBERS),
);

export const cookieName = form('a cookie name, without spaces, "=", ";" and ","', /^[^\s=;,]+$/);

export const queryKey = v.string("the key of a query parameter");

export const method = form('a method in capitals, such as "GET"', /^[A-Z][A-Z-]*$/);

function place(expected: string, holds: (path: Path) => boolean) {
  return v.pipe(
    v.string(expected),
    v.check((value) => {
      const parsed = parsePath(value);
      return parsed.ok && holds(parsed.value);
    }, expected),
  );
}

const key = (step: Step | undefined) => (typeof step === "object" ? step.key : null);

export const jsonPath = place('a path such as "card.number", "users[].email" or "tags.*.owner"', () => true);
export const bodyPath = place('a path such as "body" or "body.items[].tags"', ([root]) => key(root) === "body");
export const answerPath = place('a path such as "status", "headers.date" or "body.items[].updatedAt"', ([root, ...rest]) => {
  const part = key(root);
  return part === "body" || (part === "status" && rest.length === 0) || (part === "headers" && rest.length === 1 && rest[0] !== "[]");
});

const TIME = 'a time such as "2027-01-31T00:00:00Z"';
export const time = v.pipe(
  v.string(TIME),
  v.check((value) => unixSeconds(value) !== null, TIME),
  v.metadata({ format: "date-time" }),
);

/** Whole seconds since 1970 of an RFC 3339 time with its offset; null for anything else, such as February 30. */
export function unixSeconds(value: string): number | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/.exec(value);
  if (!parts) return null;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  return Math.floor(Date.parse(value) / 1000);
}
