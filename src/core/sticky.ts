/** What the visitor's cookie says, and which requests may be given a new slot (contract section 3, slots and cookie). */

import { baggageValue } from "./baggage.ts";
import type { Facts } from "./facts.ts";
import { headerFact } from "./facts.ts";
import type { LaneGroup } from "./lane-group.ts";
import { slotOf } from "./slots.ts";

export function cookieName(group: LaneGroup, secure: boolean): string {
  const prefix = !secure ? "" : group.sticky.domain === null ? "__Host-" : "__Secure-";
  return `${prefix}lane-${group.name}`;
}

/** Every name that it has had, or has on the other scheme: none of them is for an origin. */
export const cookieNames = ({ name }: LaneGroup): string[] => ["", "__Host-", "__Secure-"].map((prefix) => `${prefix}lane-${name}`);

/** `1.<epoch>.<slot>`; anything else, and another epoch, is a new visitor. */
export function readCookie(value: string | undefined, epoch: number): number | null {
  const parts = value === undefined ? null : /^1\.(\d{1,10})\.(\d{1,4})$/.exec(value);
  if (!parts || Number(parts[1]) !== epoch) return null;
  return Number(parts[2]);
}

export function writeCookie(group: LaneGroup, slot: number, secure: boolean): string {
  const { epoch, maxAgeSeconds, domain } = group.sticky;
  const scope = domain === null ? "" : `; Domain=${domain}`;
  return `${cookieName(group, secure)}=1.${epoch}.${slot}; Max-Age=${maxAgeSeconds}; Path=/${scope}; HttpOnly;${secure ? " Secure;" : ""} SameSite=Lax`;
}

/**
 * A page's images and scripts, preflights and other sites' requests do not make a visitor: without a slot they get the baseline.
 * Fetch Metadata, section 2; Fetch, section 4.8 (preflight).
 */
function makesVisitor(facts: Facts): boolean {
  const dest = headerFact(facts, "sec-fetch-dest");
  if (dest !== undefined && dest !== "document" && dest !== "empty" && dest !== "") return false;
  if (facts.method === "OPTIONS" && headerFact(facts, "access-control-request-method") !== undefined) return false;
  if (headerFact(facts, "sec-fetch-site") !== "cross-site") return true;
  return facts.method === "GET" && headerFact(facts, "sec-fetch-mode") === "navigate" && dest === "document";
}

/** From the trace id where there is one, so that one trace stays in one lane. */
const draw = (group: LaneGroup, facts: Facts): number =>
  facts.slot ?? slotOf(group.name, group.sticky.epoch, facts.traceId ?? facts.requestId);

/** The visitor's slot 0…9,999, and whether it was drawn just now. */
export interface Visitor {
  readonly slot: number;
  readonly fresh: boolean;
}

/** null: this request has no slot and gets none. */
export function visitorOf(group: LaneGroup, facts: Facts): Visitor | null {
  const { by, epoch } = group.sticky;
  if (by === "none") return { slot: draw(group, facts), fresh: true };
  if (by === "cookie") {
    const slot = readCookie(facts.cookies.get(cookieName(group, facts.secure)), epoch);
    if (slot !== null) return { slot, fresh: false };
    return makesVisitor(facts) ? { slot: draw(group, facts), fresh: true } : null;
  }
  const value = by === "ip" ? facts.ip : keyed(by, facts);
  return value === null || value === undefined ? null : { slot: slotOf(group.name, epoch, value), fresh: false };
}

function keyed(by: { on: "baggage" | "header" | "cookie" | "query"; key: string }, facts: Facts): string | undefined {
  if (by.on === "baggage") return baggageValue(facts.baggage, by.key);
  if (by.on === "header") return headerFact(facts, by.key);
  return (by.on === "cookie" ? facts.cookies : facts.query).get(by.key);
}
