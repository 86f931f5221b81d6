/** What the visitor's cookie says, and which requests may be given a new slot (contract section 3, slots and cookie). */

import { baggageValue } from "./baggage.ts";
import { firstUsable, type IsCookie } from "./cookies.ts";
import type { Facts } from "./facts.ts";
import { headerFact, isPreflight } from "./facts.ts";
import { isGroupName } from "./group-name.ts";
import type { LaneGroup, StickyBy } from "./lane-group.ts";
import { networkOf } from "./network.ts";
import { slotOf } from "./slots.ts";

export function cookieName(group: LaneGroup, secure: boolean): string {
  const prefix = !secure ? "" : group.sticky.domain === null ? "__Host-" : "__Secure-";
  return `${prefix}lane-${group.name}`;
}

const VALUE = /^1\.(\d{1,10})\.(\d{1,4})$/;

/** Every lane cookie has it in its name. */
export const LANE_COOKIE = "lane-";

/**
 * Is a cookie ours, so that no origin gets it or sets it? The group's by its name, on whichever scheme and for whichever domain; another
 * group's, which `sticky.domain` brings here, by name and value together, since `lane-color=blue` is a stranger's.
 */
export function isLaneCookie(group: LaneGroup): IsCookie {
  return (name, value) => {
    if (!name.includes(LANE_COOKIE)) return false;
    const of = /^(?:__Host-|__Secure-)?lane-(.+)$/.exec(name)?.[1];
    return of === group.name || (isGroupName(of) && VALUE.test(value));
  };
}

/** `1.<epoch>.<slot>`; anything else, and another epoch, is a new visitor. */
export function readCookie(value: string | undefined, epoch: number): number | null {
  const parts = value === undefined ? null : VALUE.exec(value);
  if (!parts || Number(parts[1]) !== epoch) return null;
  return Number(parts[2]);
}

/** On plain http a cookie cannot be for other sites' frames: `SameSite=None` needs `Secure` (RFC 6265bis, section 5.7). */
const livesInFrames = (group: LaneGroup, facts: Facts): boolean => group.sticky.sameSite === "none" && facts.secure;

/** `Partitioned`: in frames of another site it is one cookie for each site on top (CHIPS), so that browsers without third-party cookies keep it. */
export function writeCookie(group: LaneGroup, slot: number, facts: Facts): string {
  const { epoch, maxAgeSeconds, domain } = group.sticky;
  const scope = domain === null ? "" : `; Domain=${domain}`;
  const sites = livesInFrames(group, facts) ? "SameSite=None; Partitioned" : "SameSite=Lax";
  const lasts = `Max-Age=${maxAgeSeconds}; Path=/${scope}; HttpOnly;${facts.secure ? " Secure;" : ""}`;
  return `${cookieName(group, facts.secure)}=1.${epoch}.${slot}; ${lasts} ${sites}`;
}

/** Fetch, section 2.2.5: documents within another one. */
const FRAMES = new Set(["iframe", "frame", "fencedframe", "embed", "object"]);

/** A page that may keep the cookie: on top, or in a frame where the cookie lives in frames. It is set again there. */
export function isDocument(group: LaneGroup, facts: Facts): boolean {
  const dest = headerFact(facts, "sec-fetch-dest") ?? "";
  return dest === "document" || (FRAMES.has(dest) && livesInFrames(group, facts));
}

/** RFC 9110, section 9.2.1. A Lax cookie goes with other sites' links, not with their forms (RFC 6265bis, section 5.6.7.1). */
const SAFE = new Set(["GET", "HEAD"]);

/** It sends an Origin always, and Fetch Metadata hardly ever (RFC 6455, section 4.1). */
const isBrowsersSocket = (facts: Facts): boolean =>
  headerFact(facts, "sec-websocket-version") !== undefined && headerFact(facts, "origin") !== undefined;

/**
 * Who becomes a visitor (contract section 3), of those who came without a slot. `now`: is drawn, and in a lane at once. `next`: gets the
 * cookie, and is in a lane from the next request on, so that nobody flaps who cannot keep it. null: whoever may have a cookie that did not
 * come along, or would not keep one. By Fetch Metadata, section 2.
 */
function becomesVisitor(group: LaneGroup, facts: Facts): "now" | "next" | null {
  if (isPreflight(facts)) return null;
  const [dest, site, mode] = ["sec-fetch-dest", "sec-fetch-site", "sec-fetch-mode"].map((name) => headerFact(facts, name) || null);
  if (dest === null && site === null && mode === null) return isBrowsersSocket(facts) ? null : "now";
  const crossSite = site === "cross-site";
  if (dest === "document") return crossSite && !SAFE.has(facts.method) && !livesInFrames(group, facts) ? null : "now";
  if (isDocument(group, facts)) return "next";
  return dest === "empty" && !crossSite ? "next" : null;
}

/** From the trace id where there is one, so that one trace stays in one lane. */
const draw = (group: LaneGroup, facts: Facts): number =>
  facts.slot ?? slotOf(group.name, group.sticky.epoch, facts.traceId ?? facts.requestId);

/** Of a page's requests that are under way at once, each gives the same: whichever answer comes last, the slot stays. */
function promise(group: LaneGroup, facts: Facts): number {
  const who = [Math.floor(facts.now / 3600), facts.ip === null ? "" : networkOf(facts.ip), headerFact(facts, "user-agent") ?? ""];
  return facts.slot ?? slotOf(group.name, group.sticky.epoch, who.join("\0"));
}

/** The visitor's slot 0…9,999. */
export interface Visitor {
  readonly slot: number;
  /** It did not come with the request: the answer brings it. */
  readonly fresh: boolean;
  /** It decides from the next request on, and only if the client keeps it. */
  readonly waits?: true;
}

const known = (slot: number): Visitor => ({ slot, fresh: false });

/** By its cookie. Where a browser keeps several, of a domain, a partition (CHIPS) or an epoch that is gone, the first that can be used counts. */
function kept(group: LaneGroup, facts: Facts): number | null {
  const name = cookieName(group, facts.secure);
  const first = facts.cookies.get(name);
  if (first === undefined) return null;
  const read = (value: string) => readCookie(value, group.sticky.epoch);
  return read(first) ?? firstUsable(headerFact(facts, "cookie") ?? "", name, read);
}

/** null: this request has no slot and gets none. */
export function visitorOf(group: LaneGroup, facts: Facts): Visitor | null {
  const { by, epoch } = group.sticky;
  if (by === "none") return { slot: draw(group, facts), fresh: true };
  if (by === "cookie") {
    const slot = kept(group, facts);
    if (slot !== null) return known(slot);
    const when = becomesVisitor(group, facts);
    if (when === "now") return { slot: draw(group, facts), fresh: true };
    return when === null ? null : { slot: promise(group, facts), fresh: true, waits: true };
  }
  const value = keyOf(by, facts);
  return value ? known(slotOf(group.name, epoch, value)) : null;
}

/** What a visitor is known by where that is no cookie of ours; absent and empty are alike: guests who send `uid=` are not one visitor. */
function keyOf(by: Exclude<StickyBy, "none" | "cookie">, facts: Facts): string | null | undefined {
  if (by === "ip") return facts.ip && networkOf(facts.ip);
  if (by.on === "baggage") return baggageValue(facts.baggage, by.key);
  if (by.on === "header") return headerFact(facts, by.key);
  return (by.on === "cookie" ? facts.cookies : facts.query).get(by.key);
}
