/** The only door to a decision: a pure function of the group and the facts (contract section 1). */
import { assign } from "./assign.ts";
import { type Context, contextKey, isCurrent, readContext, type Signer } from "./context.ts";
import type { Facts } from "./facts.ts";
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
}

export interface Switches {
  /** A reason by which everything goes to the baseline: `off` (contract section 8), or `baseline` where the group is a last resort. */
  readonly override: string | null;
  /** null: no secret is set. */
  readonly signer: Signer | null;
}

/** Each costs a signature check: more than a chain through sixteen groups is an attack. */
const MAX_CONTEXTS = 16;

/** The context of the group at hand, from baggage, else from the header; and the mark of a copy, from any group's member. */
function readIncoming(group: LaneGroup, facts: Facts, signer: Signer): { context: Context | null; copy: string | null } {
  let context: Context | null = null;
  let copy: string | null = null;
  const own = contextKey(group.name);
  const texts: { readonly key: string; readonly value: string }[] = facts.baggage.members.filter(({ key }) => key.startsWith("laneway."));
  const header = facts.headers.get("x-lane-context");
  if (header) texts.push({ key: own, value: header });
  for (const { key, value } of texts.slice(-MAX_CONTEXTS)) {
    const read = readContext(value, signer);
    if (read === null) continue;
    copy ??= read.mirror;
    if (key === own && read.group === group.name && isCurrent(read, facts.now)) context ??= read;
  }
  return { context, copy };
}

/** null: no service of the group serves this host and path. */
export function decide(group: LaneGroup, facts: Facts, { override, signer }: Switches): Decision | null {
  const service = findService(group.serviceIndex, facts.host, facts.path);
  if (service === null) return null;
  const { context, copy } = signer === null ? { context: null, copy: null } : readIncoming(group, facts, signer);
  const unsigned = group.context === "signed" && signer === null ? "no-secret" : null;
  return { group, service, ...assign(group, facts, service, context, override ?? unsigned), context, copy };
}
