/** An origin's answer, less what ends here, and as the client must read it: alike on every road to a client (contract section 4). */
import { connectionNames, type Facts } from "../core/facts.ts";
import { HOP_BY_HOP } from "../core/header-names.ts";
import type { Origin } from "../core/lane-group.ts";
import { namesUrl, publicCookies, publicHeader, setAnswerHeaders } from "../core/map-back.ts";

type Ends = (name: string) => boolean;

/** An upgrade needs its `Connection` and `Upgrade` (RFC 9110, section 7.8). */
function endingNames(headers: Headers, names: readonly string[], upgraded: boolean, alsoEnds: Ends | null): Set<string> {
  const listed = !upgraded && names.includes("connection") ? connectionNames(headers.get("connection")) : null;
  const ends = (name: string) => name.startsWith("x-lane") || (!upgraded && HOP_BY_HOP.has(name)) || listed?.has(name) || alsoEnds?.(name);
  return new Set(names.filter(ends));
}

function mapCookies(headers: Headers, origin: Origin, facts: Facts): void {
  const mapped = publicCookies(headers.getSetCookie(), origin, facts);
  if (mapped === null) return;
  if (mapped.kept === 0) headers.delete("set-cookie");
  for (const line of mapped.lines.slice(mapped.kept)) headers.append("set-cookie", line);
}

/** Re-wrapped, not rebuilt: body, encoding and a WebSocket stay what they are; only the headers become ours to change. */
export const rewrapped = (response: Response): Response => new Response(response.body, response);

/** Names are looked at once, and only what is there is asked for. `alsoEnds`: what this client must not get besides, whoever set it. */
export function tidy({ headers, status }: Response, origin: Origin, facts: Facts, alsoEnds: Ends | null): void {
  const names = [...headers.keys()];
  const ending = endingNames(headers, names, status === 101, alsoEnds);
  for (const name of ending) headers.delete(name);
  for (const name of names) {
    if (!namesUrl(name) || ending.has(name)) continue;
    const mapped = publicHeader(name, headers.get(name)!, origin, facts);
    if (mapped !== null) headers.set(name, mapped);
  }
  if (names.includes("set-cookie") && !ending.has("set-cookie")) mapCookies(headers, origin, facts);
  setAnswerHeaders(headers, origin);
  if (alsoEnds !== null) for (const { name } of origin.answerHeaders) if (alsoEnds(name)) headers.delete(name);
}
