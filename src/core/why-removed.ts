/** Why a header of the client does not reach the origin, for a person (contract section 4). */
import { folded, HOP_BY_HOP, isForwarding, isOwnHeader } from "./header-names.ts";
import type { Propagate } from "./lane-group.ts";

/** `name`: lower case, of a header that was removed; `propagate`: the group's. */
export function whyRemoved(name: string, { header }: Propagate): string {
  const plain = folded(name);
  if (isOwnHeader(name) || plain === folded(header)) return "only Laneway may say this";
  if (HOP_BY_HOP.has(plain)) return "for the next hop only (RFC 9110, 7.6.1)";
  if (isForwarding(plain)) return "a client's word about addresses";
  if (name === "cookie") return "held the lane cookie only";
  if (name === "baggage") return "nothing of it goes to this origin";
  if (name === "tracestate") return "its traceparent is absent or invalid";
  if (plain !== name) return `an origin may read it as ${plain}, which is not the client's to say`;
  return "named by Connection";
}
