/**
 * The lane file as it is written: keys, forms and defaults (contract section 2). What one value cannot say alone, such as whether a
 * lane that is named exists, is judged by `lane-checks.ts` and `host-checks.ts`.
 */
import * as v from "valibot";
import { doc } from "#doc";
import { lane, service } from "./lane-file-lanes.ts";
import { MAX_BODY_BYTES, mirror, stub } from "./lane-file-mirrors.ts";
import {
  choice,
  cookieDomain,
  cookieName,
  defaulted,
  described,
  flag,
  foreignBaggageKey,
  form,
  groupName,
  headerName,
  host,
  list,
  method,
  milliseconds,
  name,
  object,
  optional,
  percent,
  queryKey,
  someOf,
  table,
  text,
  time,
  weight,
  wholeNumber,
} from "./lane-file-values.ts";
import { aWhen } from "./lane-file-when.ts";
import { MAX_REVISION } from "./revision.ts";

/** The number of this format. A Worker that meets a newer one keeps its last good revision. */
export const SCHEMA = 1;

/**
 * Keys whose feature does not exist yet: parsed and checked like all others, then refused, so that nothing is ignored in silence.
 * `*` stands for any key or index: `services.*.mirrored`.
 */
export const NOT_SUPPORTED: readonly string[] = [];

/** Browsers keep no cookie longer than 400 days (RFC 6265bis, section 5.5). */
const MAX_COOKIE_SECONDS = 34_560_000;
const MAX_EPOCH = 999_999_999;

const weights = v.pipe(table(name, weight), v.minEntries(1, "at least one lane"));

const rule = v.pipe(
  object({
    name: described(name, doc("Unique among the rules; the reason in logs is rule:<name>.")),
    when: described(aWhen, doc("All of this must hold.")),
    lane: optional(name, doc("The lane for requests that match.")),
    weights: optional(weights, doc("Lanes and weights, by the visitor's slot, instead of one lane.")),
  }),
  v.check((value) => "lane" in value !== "weights" in value, 'exactly one of "lane" and "weights"'),
);

const ONE_KEY = 'exactly one of "baggage", "header", "cookie" and "query"';
const stickyKey = v.pipe(
  object({
    baggage: optional(foreignBaggageKey, doc("The slot is a hash of this baggage member.")),
    header: optional(headerName, doc("The slot is a hash of this request header.")),
    cookie: optional(cookieName, doc("The slot is a hash of this cookie of yours.")),
    query: optional(queryKey, doc("The slot is a hash of this query parameter.")),
  }),
  v.minEntries(1, ONE_KEY),
  v.maxEntries(1, ONE_KEY),
);

const sticky = object({
  by: defaulted(
    v.union([choice("cookie", "ip", "none"), stickyKey], `"cookie", "ip", "none", or an object with ${ONE_KEY.slice("exactly ".length)}`),
    "cookie",
    doc("What a visitor is known by. An absent or empty key is the baseline; of an IPv6 address the first 64 bits count."),
  ),
  maxAgeSeconds: defaulted(wholeNumber(1, MAX_COOKIE_SECONDS, " of seconds"), 2_592_000, doc("How long the cookie lasts.")),
  epoch: defaulted(wholeNumber(0, MAX_EPOCH, ""), 1, doc("A higher number draws everybody anew.")),
  domain: optional(cookieDomain, doc("The cookie's Domain, to share it among subdomains: needed where one page uses several entry hosts.")),
  sameSite: defaulted(
    choice("lax", "none"),
    "lax",
    doc("none: the cookie also lives in other sites' frames, one for each site on top; on plain http it stays Lax."),
  ),
});

const propagate = object({
  header: defaulted(headerName, "x-lane", doc("The request header that carries the lane's name to origins.")),
  baggage: optional(foreignBaggageKey, doc("A baggage key that carries the lane's name as well.")),
  headers: defaulted(
    list(
      v.union(
        [headerName, object({ prefix: described(headerName, doc("Every member whose key begins so.")) })],
        'a header name, or an object with "prefix"',
      ),
    ),
    [],
    doc("Baggage members that origins get as headers of the same name."),
  ),
});

const STATUS = 'a status from 400 to 599, or a range such as "520-530"';
const status = v.pipe(v.number(STATUS), v.integer(STATUS), v.minValue(400, STATUS), v.maxValue(599, STATUS));

const fallback = object({
  statuses: defaulted(
    list(v.union([status, form(STATUS, /^[45]\d\d-[45]\d\d$/)], STATUS)),
    [502, 503, 504, "520-530"],
    doc("Answers of a lane that send the request to the baseline."),
  ),
  timeoutMs: defaulted(milliseconds, 10_000, doc("A lane's answer must begin within this.")),
  deadlineMs: defaulted(milliseconds, 30_000, doc("Both tries together.")),
  methods: defaulted(list(method), ["GET", "HEAD", "OPTIONS"], doc("Requests that may be sent a second time.")),
  idempotencyKey: defaulted(flag, false, doc("Any method may be sent a second time with an Idempotency-Key header.")),
  maxBodyBytes: defaulted(
    wholeNumber(0, MAX_BODY_BYTES, " of bytes"),
    65_536,
    doc("A request with a longer body is not sent a second time."),
  ),
  eject: defaulted(
    object({
      failures: defaulted(wholeNumber(1, 1_000_000, ""), 5, doc("So many failures in a row put a lane's origin aside.")),
      seconds: defaulted(wholeNumber(1, 600, " of seconds"), 30, doc("For so long, doubling up to 10 minutes.")),
    }),
    {},
    doc("When a failing origin is skipped."),
  ),
});

const RUN = 'a run such as ["s1", 5000]';
const run = v.strictTuple([v.string(RUN), v.pipe(v.number(RUN), v.integer(RUN), v.minValue(1, RUN), v.maxValue(10_000, RUN))], RUN);

const published = object({
  revision: described(wholeNumber(1, MAX_REVISION, ""), doc("Counts up with every publication.")),
  at: described(time, doc("When it was published.")),
  by: described(text, doc("Who published it.")),
  reason: described(text, doc("Why.")),
  slots: optional(someOf(run), doc("Runs of slots in order; 10000 in all.")),
});

export const laneFile = object({
  $schema: optional(text, doc("For editors only.")),
  schema: described(v.literal(SCHEMA, `the number ${SCHEMA}`), doc("The number of this format.")),
  name: described(groupName, doc("The group's name: also the file name, the KV key and the label of metrics.")),
  note: optional(text, doc("Free text, shown by explain.")),
  hosts: described(someOf(host), doc('Hosts of the group: exact, "*.suffix" for one or more labels, or "*".')),
  baseline: described(name, doc("The lane with an origin for every service; everything falls back to it.")),
  mode: defaulted(choice("permissive", "strict"), "permissive", doc("strict: nothing falls back.")),
  context: defaulted(choice("signed", "open"), "signed", doc("open: anybody may name a lane by header or baggage.")),
  expose: defaulted(flag, true, doc("Tell clients by x-lane* headers what was decided.")),
  services: described(
    v.pipe(table(name, service), v.minEntries(1, "at least one service")),
    doc("The services behind this group, by name."),
  ),
  lanes: described(v.pipe(table(name, lane), v.minEntries(1, "at least one lane")), doc("The lanes, by name.")),
  rules: defaulted(list(rule), [], doc("In order; the first that matches decides.")),
  sticky: defaulted(sticky, {}, doc("How a visitor stays in a lane.")),
  propagate: defaulted(propagate, {}, doc("What origins learn from the baggage.")),
  fallback: defaulted(fallback, {}, doc("When a request goes to the baseline instead.")),
  mirrors: defaulted(list(mirror), [], doc("Copies of requests, sent to another lane.")),
  stubs: defaulted(list(stub), [], doc("Answers for services that copies must not reach.")),
  log: defaulted(
    object({
      baggage: defaulted(list(foreignBaggageKey), [], doc("Baggage members written to the access log.")),
      samplePercent: defaulted(percent, 100, doc("How many requests are logged.")),
    }),
    {},
    doc("The access log."),
  ),
  published: optional(published, doc("Added when the file is published; not for editing.")),
});

export type LaneFile = v.InferOutput<typeof laneFile>;
