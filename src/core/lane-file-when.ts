/** The schema of a `when` (contract section 2, matchers). */
import * as v from "valibot";
import { doc } from "#doc";
import {
  baggageKey,
  cookieName,
  form,
  headerName,
  hostPart,
  method,
  object,
  optional,
  plainHost,
  queryKey,
  someOf,
  someText,
  table,
  text,
} from "./lane-file-values.ts";

export const MAX_REGEX_LENGTH = 512;

export interface MatcherObject {
  readonly exact?: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly in?: readonly string[];
  readonly regex?: string;
  readonly exists?: boolean;
}

/** A text is `exact`. */
export type MatcherFile = string | MatcherObject;

export interface WhenFile {
  readonly baggage?: Readonly<Record<string, MatcherFile>>;
  readonly cookie?: Readonly<Record<string, MatcherFile>>;
  readonly query?: Readonly<Record<string, MatcherFile>>;
  readonly header?: Readonly<Record<string, MatcherFile>>;
  readonly path?: MatcherFile;
  readonly host?: MatcherFile;
  readonly method?: MatcherFile;
  readonly any?: readonly WhenFile[];
  readonly not?: WhenFile;
}

const nonEmpty = someText('some text ("exists": true is for any value)');
const LENGTH = `a pattern of at most ${MAX_REGEX_LENGTH} characters`;
const regex = v.pipe(v.string(LENGTH), v.maxLength(MAX_REGEX_LENGTH, LENGTH));

/** The tests of a value whose whole text, or beginning, has a form of its own. */
function matcher<
  W extends v.GenericSchema<string, string>,
  P extends v.GenericSchema<string, string>,
  S extends v.GenericSchema<string, string>,
>(whole: W, prefix: P, suffix: S) {
  const tests = object({
    exact: optional(whole, doc("The whole value.")),
    prefix: optional(prefix, doc("The value begins so; a path, in whole segments.")),
    suffix: optional(suffix, doc("The value ends so.")),
    in: optional(someOf(whole), doc("The whole value is one of these.")),
    regex: optional(
      regex,
      doc(`A pattern for the whole value, in RE2 syntax: no back-references, no look-around; at most ${MAX_REGEX_LENGTH} characters.`),
    ),
    exists: optional(v.boolean("true or false"), doc("Is there a value at all? Only false holds for an absent one.")),
  });
  const ONE = 'exactly one of "exact", "prefix", "suffix", "in", "regex" and "exists"';
  return v.union(
    [whole, v.pipe(tests, v.minEntries(1, ONE), v.maxEntries(1, ONE))],
    'a text, or an object with one of "exact", "prefix", "suffix", "in", "regex" and "exists"',
  );
}

const absolute = form('a path that begins with "/"', /^\//);
export const textMatcher = matcher(text, nonEmpty, nonEmpty);
const byKey = (key: v.GenericSchema<string, string>) => v.pipe(table(key, textMatcher), v.minEntries(1, "at least one key"));

/** Conditions are tested in this order: what costs least, and tells most requests apart, first. */
export const when: v.GenericSchema<WhenFile> = v.pipe(
  object({
    method: optional(matcher(method, form("the beginning of a method in capitals", /^[A-Z]/), nonEmpty), doc("The request method.")),
    host: optional(
      matcher(plainHost, hostPart, hostPart),
      doc("The host that is asked: lower case, without port and trailing dot. A regex, too, sees it so."),
    ),
    path: optional(
      matcher(absolute, absolute, nonEmpty),
      doc(
        "The path as sent, without the query; two spellings that differ in needless escapes, or in their letter case, are one: /%7Ea%2fb is /~a%2Fb.",
      ),
    ),
    baggage: optional(byKey(baggageKey), doc("Baggage members by key; of several the last. Values are decoded.")),
    cookie: optional(byKey(cookieName), doc("Cookies by name; of several the first.")),
    query: optional(byKey(queryKey), doc("Query parameters by key; of several the first. Values are decoded.")),
    header: optional(byKey(headerName), doc('Request headers by name, in any case; several lines are joined by ", ".')),
    any: optional(someOf(v.lazy(() => when)), doc("At least one of these holds.")),
    not: optional(
      v.lazy(() => when),
      doc("This does not hold."),
    ),
  }),
  v.minEntries(1, 'at least one of "baggage", "cookie", "query", "header", "path", "host", "method", "any" and "not"'),
);

/** By reference, so that the JSON schema has it once. */
export const aWhen = v.lazy(() => when);
