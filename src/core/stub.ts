/** What a copy may do at the origins it reaches later in its chain (contract section 7, collaborators). Stubs never answer live traffic. */
import type { Decision } from "./decide.ts";
import type { Facts } from "./facts.ts";
import { type Candidate, isUpgrade } from "./fallback.ts";
import type { Stub } from "./lane-group.ts";
import { matches } from "./match.ts";
import { isWrite } from "./mirror.ts";

export type Collaboration =
  | { readonly kind: "send"; readonly synthetic: boolean }
  | { readonly kind: "blocked" }
  | { readonly kind: "stub"; readonly stub: Stub };

/** At an origin of the mirror's own lane the mirror's `writes` holds, elsewhere the service's `mirrored`. */
function modeOf({ group, service, copy }: Decision, lane: string): "block" | "stub" | "synthetic" | "send" {
  const mirror = group.mirrors.find(({ name }) => `${group.name}/${name}` === copy);
  return mirror !== undefined && mirror.lane === lane ? mirror.writes : service.mirrored;
}

/** Only for a decision that bears a copy's mark. */
export function collaborate(decision: Decision, facts: Facts, candidate: Candidate): Collaboration {
  const mode = modeOf(decision, candidate.lane);
  // What goes through a WebSocket is nobody's read.
  const write = isWrite(facts) || isUpgrade(facts);
  const stub =
    mode === "stub"
      ? decision.group.stubs.find(({ service, when }) => service === decision.service.name && (when === null || matches(when, facts)))
      : undefined;
  if (stub !== undefined) return { kind: "stub", stub };
  // Without our baggage a copy could not be told from a live request at the next hop, were it only a read here (contract section 4).
  if (candidate.origin.baggage === "none") return { kind: "blocked" };
  if (!write || mode === "send") return { kind: "send", synthetic: false };
  return mode === "synthetic" && candidate.origin.synthetic ? { kind: "send", synthetic: true } : { kind: "blocked" };
}
