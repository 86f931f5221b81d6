/** Why a header of the client does not reach the origin, for a person (contract section 4). */
import { folded, HOP_BY_HOP, isOwnHeader } from "./header-names.ts";

/** `name`: lower case, of a header that was removed; `laneHeader`: the one that tells origins the lane. */
export function whyRemoved(name: string, laneHeader: string): string {
  const plain = folded(name);
  if (isOwnHeader(name) || plain === folded(laneHeader)) return "only Laneway may say this";
  if (HOP_BY_HOP.has(plain)) return "for the next hop only (RFC 9110, 7.6.1)";
  if (/^(?:x-)?forwarded/.test(plain)) return "a client's word about addresses";
  if (name === "cookie") return "held the lane cookie only";
  if (name === "baggage") return "nothing of it goes to this origin";
  if (name === "tracestate") return "its traceparent is absent or invalid";
  return "named by Connection";
}
