/** Where the visitor's slot came from, or why there is none, in words: for `explain` only. */
import type { Decision } from "./decide.ts";
import { type Facts, headerFact } from "./facts.ts";
import { visitorOf } from "./sticky.ts";

/** null: a slot decides nothing here. */
export function whyVisitor({ group, service, reason, visitor }: Decision, facts: Facts): string | null {
  const { by } = group.sticky;
  if (reason === "baseline" && service.entry === false)
    return `none: ${service.name} gives nobody a lane ("entry": ${service.signed ? '"signed"' : "false"})`;
  const asked = /^(?:weight|sticky|baseline|expired)$/.test(reason) && service.entry;
  if (!asked && !group.rules.some(({ name, slots }) => slots !== null && reason === `rule:${name}`)) return null;
  // Where everything goes to the baseline, nobody asked.
  if (visitor === null && visitorOf(group, facts) !== null) return null;
  if (by === "none") return "drawn for each request";
  if (by === "cookie") {
    if (visitor === null) return `none: without a cookie, and ${requestOf(facts)} makes no visitor`;
    if (!visitor.fresh) return "came with its cookie";
    return visitor.waits ? "new: in a lane from the next request on, if the client keeps the cookie" : "new, and drawn now";
  }
  const key = by === "ip" ? "the client's address" : `${by.on} ${by.key}`;
  return visitor === null ? `none: ${key} is absent or empty` : `of ${key}`;
}

function requestOf(facts: Facts): string {
  const [dest, site] = [headerFact(facts, "sec-fetch-dest"), headerFact(facts, "sec-fetch-site")];
  const parts = [dest && `Sec-Fetch-Dest: ${dest}`, site && `Sec-Fetch-Site: ${site}`].filter(Boolean).join(", ");
  return parts === "" ? "a preflight or a page's WebSocket" : `a request with ${parts}`;
}
