/** An origin's answer, less what ends here, and as the client must read it: alike on every road to a client (contract section 4). */
import { isForSharedCaches, privateCacheControl } from "../core/answer.ts";
import { isPairOf } from "../core/cookies.ts";
import { connectionNames, type Facts } from "../core/facts.ts";
import { HOP_BY_HOP } from "../core/header-names.ts";
import type { LaneGroup, Origin } from "../core/lane-group.ts";
import { namesUrl, publicCookies, publicHeader, setAnswerHeaders } from "../core/map-back.ts";
import { isLaneCookie, LANE_COOKIE } from "../core/sticky.ts";

type Ends = (name: string) => boolean;

/** An upgrade needs its `Connection` and `Upgrade` (RFC 9110, section 7.8). */
function endingNames(headers: Headers, names: readonly string[], upgraded: boolean, alsoEnds: Ends | null): Set<string> {
  const listed = !upgraded && names.includes("connection") ? connectionNames(headers.get("connection")) : null;
  const ends = (name: string) => name.startsWith("x-lane") || (!upgraded && HOP_BY_HOP.has(name)) || listed?.has(name) || alsoEnds?.(name);
  return new Set(names.filter(ends));
}

/** An origin that sets our cookie would pin visitors to its lane. Without a name before its first `=`, a value is sent back as name and value. */
function withoutOurs(cookies: readonly string[], group: LaneGroup): readonly string[] {
  if (!cookies.some((cookie) => cookie.includes(LANE_COOKIE))) return cookies;
  const isOurs = isLaneCookie(group);
  return cookies.filter((cookie) => !isPairOf(isOurs, cookie.replace(/;.*$/s, "").replace(/^[\s=]+/, "")));
}

function mapCookies(headers: Headers, origin: Origin, facts: Facts, group: LaneGroup): void {
  const came = headers.getSetCookie();
  const theirs = withoutOurs(came, group);
  const all = theirs.length === came.length;
  const mapped = publicCookies(theirs, origin, facts);
  if (mapped === null && all) return;
  const { lines, kept } = mapped ?? { lines: theirs, kept: 0 };
  const stay = all ? kept : 0;
  if (stay === 0) headers.delete("set-cookie");
  for (const line of lines.slice(stay)) headers.append("set-cookie", line);
}

function keepPrivate(headers: Headers, { answerHeaders }: Origin): void {
  for (const { name } of answerHeaders) if (isForSharedCaches(name)) headers.delete(name);
  const before = headers.get("cache-control");
  const after = privateCacheControl(before);
  if (after !== before) headers.set("cache-control", after);
}

/** Re-wrapped, not rebuilt: body, encoding and a WebSocket stay what they are; only the headers become ours to change. */
export const rewrapped = (response: Response): Response => new Response(response.body, response);

/** Names are looked at once, and only what is there is asked for. `personal`: it is one visitor's, whoever set its headers. */
export function tidy({ headers, status }: Response, origin: Origin, facts: Facts, group: LaneGroup, personal: boolean): void {
  const names = [...headers.keys()];
  const ending = endingNames(headers, names, status === 101, personal ? isForSharedCaches : null);
  for (const name of ending) headers.delete(name);
  for (const name of names) {
    if (!namesUrl(name) || ending.has(name)) continue;
    const mapped = publicHeader(name, headers.get(name)!, origin, facts);
    if (mapped !== null) headers.set(name, mapped);
  }
  if (names.includes("set-cookie") && !ending.has("set-cookie")) mapCookies(headers, origin, facts, group);
  setAnswerHeaders(headers, origin);
  if (personal) keepPrivate(headers, origin);
}
