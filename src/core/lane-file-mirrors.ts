/** The schema of mirrors and stubs (contract section 7). */
import * as v from "valibot";
import { doc } from "#doc";
import {
  answerPath,
  bodyPath,
  choice,
  defaulted,
  described,
  foreignBaggageKey,
  headerName,
  headerValue,
  jsonPath,
  list,
  name,
  object,
  optional,
  percent,
  scrubbedHeader,
  settableHeader,
  someOf,
  someText,
  table,
  text,
  time,
  tolerance,
  wholeNumber,
} from "./lane-file-values.ts";
import { aWhen } from "./lane-file-when.ts";
import { SECRET_KEYS_TEXT } from "./secret-names.ts";

/** Copies end before 25 s, whatever the file says. */
const MAX_COPY_MS = 25_000;
/** What an isolate may hold of bodies in all. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

const COMPARED_HEADERS = ["content-type", "location", "cache-control", "vary"];

const scrub = object({
  headers: defaulted(
    list(scrubbedHeader),
    [],
    doc("Headers to remove, besides the credentials, in any spelling that an origin may fold into them."),
  ),
  query: defaulted(
    list(someText("the key of a query parameter")),
    [],
    doc("Query parameters to remove, also from Referer and every other header that holds a URL."),
  ),
  baggage: defaulted(list(foreignBaggageKey), [], doc("Baggage members to remove.")),
  json: defaulted(list(jsonPath), [], doc('Places of a JSON body to remove: "card.number", "users[].email", "tags.*.owner".')),
});

const compare = object({
  noisePercent: defaulted(percent, 20, doc("How often the lane that served is asked a second time, to learn what differs by itself.")),
  headers: defaulted(list(headerName), COMPARED_HEADERS, doc("The response headers to compare.")),
  ignore: defaulted(list(answerPath), [], doc('Places not to compare: "headers.date", "body.items[].updatedAt".')),
  unordered: defaulted(list(bodyPath), [], doc("Lists whose order does not matter.")),
  key: defaulted(table(bodyPath, someText("the name of a field")), {}, doc("Lists whose elements belong together by this field.")),
  tolerance: defaulted(table(bodyPath, tolerance), {}, doc("Numbers that may differ by so much.")),
});

export const mirror = object({
  name: described(name, doc("Unique among the mirrors; in marks, logs and metrics.")),
  lane: described(name, doc("The lane that gets the copies.")),
  percent: described(percent, doc("How many requests are copied; 0 none, 100 all.")),
  by: defaulted(choice("visitor", "request"), "visitor", doc('Draw whole sessions ("visitor") or single requests.')),
  from: optional(someOf(name), doc("Copy only what these lanes served; left out: any lane.")),
  services: optional(someOf(name), doc("Copy at these services, also within a chain; left out: where a request enters.")),
  when: optional(aWhen, doc("Copy only requests for which this holds.")),
  writes: defaulted(
    choice("block", "synthetic", "send"),
    "block",
    doc(
      "What becomes of any method but GET, HEAD and OPTIONS: not copied, sent marked as synthetic to an origin that promises to roll back, or sent.",
    ),
  ),
  reads: optional(
    aWhen,
    doc(
      "Requests that only read, whatever their method says, such as GraphQL queries by POST. Their content is looked at: a GraphQL mutation, a hash or id that stands for an unknown operation, and what cannot be read for sure, stay writes.",
    ),
  ),
  secrets: optional(
    list(someText("the key of a query parameter")),
    doc(
      `Query keys that hold one-time secrets, instead of the built-in list; [] is none. A request with one that scrub.query does not take out is not copied where credentials are stripped, and no lane is asked twice for it. Built in: ${SECRET_KEYS_TEXT}. A secret in a path, behind reset, verify, confirm, activate, invite, magic, unlock, recover, unsubscribe, token, otp, password or secret (/reset/AbCd1234EfGh), is kept back alike, whatever is listed; behind auth, login, callback, session or share, it is copied, and no lane is asked twice. Keep any other away with "when".`,
    ),
  ),
  timeoutMs: defaulted(wholeNumber(1, MAX_COPY_MS, " of milliseconds"), 5000, doc("A copy is given up after so long.")),
  maxBodyBytes: defaulted(wholeNumber(0, MAX_BODY_BYTES, " of bytes"), 1_048_576, doc("A request with a longer body is not copied.")),
  credentials: defaulted(
    choice("strip", "forward"),
    "strip",
    doc(
      "Are Authorization, Proxy-Authorization, Cookie, Cf-Access-* and other headers that prove who asks (names with api-key, token, auth, session, csrf, …) taken out of the copy or left in?",
    ),
  ),
  scrub: defaulted(scrub, {}, doc("What else is taken out of the copy.")),
  compare: optional(compare, doc("Compare the copy's answer with the original's; left out: the answer is thrown away.")),
  expiresAt: optional(time, doc("From then on nothing is copied.")),
});

export const stub = object({
  service: described(name, doc("The service that copies do not reach.")),
  when: optional(aWhen, doc("Answer only requests for which this holds.")),
  response: described(
    v.pipe(
      object({
        status: defaulted(wholeNumber(200, 599, ""), 200, doc("The status of the answer.")),
        headers: defaulted(table(settableHeader, headerValue), {}, doc("The headers of the answer.")),
        json: optional(v.unknown(), doc("The body, as JSON.")),
        body: optional(text, doc("The body, as text.")),
        delayMs: defaulted(wholeNumber(0, MAX_COPY_MS, " of milliseconds"), 0, doc("How long the answer takes.")),
      }),
      v.check((response) => !("json" in response && "body" in response), '"json" or "body", not both'),
      v.check(
        ({ status, ...response }) => ![204, 205, 304].includes(status) || !("json" in response || "body" in response),
        'no "json" and no "body" with the status 204, 205 or 304',
      ),
    ),
    doc("The answer that a copy gets instead."),
  ),
});
