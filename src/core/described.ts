/** A request in words, as `explain` takes one and recordings hold them (contract section 9). */
import * as v from "valibot";
import { TOKEN } from "./header-names.ts";
import { defaulted, form, list, object, optional, table, wholeNumber } from "./lane-file-values.ts";
import { SLOTS } from "./slots.ts";

/** The last second of the year 9999. */
const MAX_NOW = 253_402_300_799;

/** `URL` would take a line break out, and spaces off the ends, without a word; nothing else can be asked for. */
const isRequestUrl = (text: string): boolean => !/[\s\p{Cc}]/u.test(text) && /^https?:$/.test(URL.parse(text)?.protocol ?? "");

/** RFC 9110, section 5.5: no control character but the tab. */
const fieldValue = form("a text without line breaks and control characters", /^(?:\t|\P{Cc})*$/u);

const URL_RULE = "an absolute URL of http or https, such as https://shop.example/cart";
const IP_RULE = "an IPv4 or IPv6 address";

const VALUES = "a text, or a list of texts, without line breaks";

export const described = object({
  method: defaulted(form("an HTTP method", TOKEN), "GET", "The method."),
  url: v.pipe(v.string(URL_RULE), v.check(isRequestUrl, URL_RULE)),
  headers: defaulted(table(form("a header's name", TOKEN), v.union([fieldValue, list(fieldValue)], VALUES)), {}, "Values by name."),
  now: optional(wholeNumber(0, MAX_NOW, " of seconds since 1970"), "When."),
  slot: optional(wholeNumber(0, SLOTS - 1, ""), "The visitor's."),
  requestId: optional(form("32 hexadecimal digits in lower case", /^[\da-f]{32}$/), "Draws what nothing else does."),
  ip: optional(v.pipe(v.string(IP_RULE), v.ip(IP_RULE)), "The client's address."),
});

export type Described = v.InferOutput<typeof described>;
