/** The schema of services, lanes and origins (contract section 2). */
import * as v from "valibot";
import { doc } from "#doc";
import {
  answerHeader,
  choice,
  defaulted,
  described,
  flag,
  form,
  headerValue,
  host,
  milliseconds,
  name,
  object,
  optional,
  path,
  settableHeader,
  someOf,
  someText,
  table,
  text,
  time,
  weight,
} from "./lane-file-values.ts";

const ENTRY = 'true, false or "signed"';

export const service = object({
  hosts: optional(someOf(host), doc("Hosts of this service, within the group's; left out: any host that no other service claims.")),
  path: defaulted(path, "/", doc("Path prefix of this service, in whole segments.")),
  entry: defaulted(
    v.union([flag, v.picklist(["signed"], ENTRY)], ENTRY),
    true,
    doc(
      'May requests from outside enter here? Where false, a request without a context goes to the baseline; where "signed", it is refused with 403, unless a group of ours sent it within the last 24 hours. Give such a service a host of its own: under a path of another one, what an origin takes for that path may be none here.',
    ),
  ),
  mirrored: defaulted(
    choice("block", "stub", "synthetic", "send"),
    "block",
    doc(
      "What becomes of writes that reach this service within a mirror's copy; at an origin that only the mirror's lane has, its \"writes\" holds instead.",
    ),
  ),
  timeoutMs: optional(milliseconds, doc("Overrides fallback.timeoutMs for this service.")),
  fallback: optional(name, doc("The lane to take where a lane lacks this service; left out: the baseline.")),
});

const VARIABLE = 'the name of a variable or secret such as "C2_KEY" (never LANEWAY_…: those stay in the router)';
const header = v.union(
  [
    v.pipe(headerValue, v.metadata({ writeOnly: true })),
    object({
      env: described(form(VARIABLE, /^(?!LANEWAY_)[A-Za-z_]\w*$/), doc("The variable or secret of the Worker that holds the value.")),
    }),
  ],
  'a text, or an object with "env"',
);

const URL_TEXT = 'a URL such as "https://a1.example"';
const url = v.pipe(someText(URL_TEXT), v.maxLength(2048, `${URL_TEXT}, of at most 2048 characters`));
const BINDING = 'the name of a service binding such as "MOCKB_V3" (not LANES, GROUP or ROUTER)';

const origin = v.union(
  [
    url,
    v.pipe(
      object({
        url: optional(url, doc("Where requests go: https, a host, perhaps a port and a path.")),
        binding: optional(
          form(BINDING, /^(?!(?:LANES|GROUP|ROUTER)$)[A-Za-z_]\w*$/),
          doc("A service binding of the Worker, instead of a URL."),
        ),
        headers: defaulted(table(settableHeader, header), {}, doc("Headers set on every request to this origin.")),
        strip: optional(
          path,
          doc(
            "A path prefix, in whole segments, that the origin does not know: taken off each request's path, and put back where Location, Content-Location, Refresh, Link or a cookie's Path names a URL of the origin.",
          ),
        ),
        answerHeaders: defaulted(
          table(answerHeader, v.union([headerValue, v.null()], "a header value (visible ASCII characters and spaces), or null")),
          {},
          doc("Headers set on every answer of this origin, after its URLs were mapped back; null removes one."),
        ),
        baggage: defaulted(choice("all", "none"), "all", doc("none: this origin gets no baggage.")),
        synthetic: defaulted(flag, false, doc("The origin promises to roll back requests marked x-lane-synthetic: true.")),
      }),
      v.check((value) => "url" in value !== "binding" in value, 'exactly one of "url" and "binding"'),
    ),
  ],
  'a URL, or an object with "url" or "binding"',
);

export const lane = object({
  weight: defaulted(weight, 0, doc("Share of the visitors: weight / sum of all weights. 0: reachable by rule or context only.")),
  owner: optional(text, doc("Who answers for this lane.")),
  note: optional(text, doc("Free text, shown by explain.")),
  expiresAt: optional(time, doc("From then on the lane's visitors, rules and contexts give the baseline.")),
  origins: defaulted(table(name, origin), {}, doc("Where each service runs in this lane; a service left out falls back.")),
});

export type OriginFile = v.InferOutput<typeof origin>;
