/** The only door to a decision: a pure function of the group and the facts (contract section 1). */
import { assign } from "./assign.ts";
import type { Context, Signer } from "./context.ts";
import type { Facts } from "./facts.ts";
import { NOTHING_CAME, type Refusal, readIncoming, refusalOf } from "./incoming.ts";
import type { LaneGroup, Service } from "./lane-group.ts";
import { findService } from "./locate.ts";
import type { Visitor } from "./sticky.ts";

export interface Decision {
  readonly group: LaneGroup;
  readonly service: Service;
  readonly lane: string;
  readonly reason: string;
  readonly visitor: Visitor | null;
  /** The valid context that the request came with. */
  readonly context: Context | null;
  /** `<group>/<mirror>`: the request is a copy, by a signature of ours of whatever age. */
  readonly copy: string | null;
  /** Not to be served: the service admits only what a group of ours sent. The lane says nothing then. */
  readonly refused: Refusal | null;
}

export interface Switches {
  /** A reason by which everything goes to the baseline: `off` (contract section 8), or `baseline` where the group is a last resort. */
  readonly override: string | null;
  /** null: no secret is set. */
  readonly signer: Signer | null;
}

/** null: no service of the group serves this host and path. */
export function decide(group: LaneGroup, facts: Facts, { override, signer }: Switches): Decision | null {
  const service = findService(group.serviceIndex, facts.host, facts.plainPath);
  if (service === null) return null;
  const incoming = signer === null ? NOTHING_CAME : readIncoming(group.name, facts, signer);
  const { context, copy } = incoming;
  const refused = refusalOf(service, incoming, signer);
  if (refused !== null) return { group, service, lane: group.baseline, reason: refused, visitor: null, context, copy, refused };
  const unsigned = group.context === "signed" && signer === null ? "no-secret" : null;
  return { group, service, ...assign(group, facts, service, context, override ?? unsigned), context, copy, refused };
}
