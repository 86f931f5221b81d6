/** What a copy may do at the origins it reaches later in its chain (contract section 7, collaborators). Stubs never answer live traffic. */
import type { Decision } from "./decide.ts";
import type { Facts } from "./facts.ts";
import type { Candidate } from "./fallback.ts";
import type { Mirror, Stub } from "./lane-group.ts";
import { matches } from "./match.ts";

export type Collaboration =
  | { readonly kind: "send"; readonly synthetic: boolean }
  | { readonly kind: "blocked" }
  | { readonly kind: "stub"; readonly stub: Stub };

/** The mirror that made this copy; null: it is of another group, or gone. */
export const mirrorOf = ({ group, copy }: Decision): Mirror | null =>
  group.mirrors.find(({ name }) => `${group.name}/${name}` === copy) ?? null;

/** At an origin of the mirror's own lane, which no other lane has, the mirror's `writes` holds, elsewhere the service's `mirrored`. */
function modeOf(decision: Decision, { lane, origin }: Candidate): "block" | "stub" | "synthetic" | "send" {
  const mirror = mirrorOf(decision);
  return mirror !== null && mirror.lane === lane && origin.sharedWith === null ? mirror.writes : decision.service.mirrored;
}

/** Only for a decision that bears a copy's mark. `reads`: it changes nothing (`reads.ts`). */
export function collaborate(decision: Decision, facts: Facts, candidate: Candidate, reads: boolean): Collaboration {
  const mode = modeOf(decision, candidate);
  const stub =
    mode === "stub"
      ? decision.group.stubs.find(({ service, when }) => service === decision.service.name && (when === null || matches(when, facts)))
      : undefined;
  if (stub !== undefined) return { kind: "stub", stub };
  // Without our baggage a copy could not be told from a live request at the next hop, were it only a read here (contract section 4).
  if (candidate.origin.baggage === "none") return { kind: "blocked" };
  if (reads || mode === "send") return { kind: "send", synthetic: false };
  return mode === "synthetic" && candidate.origin.synthetic ? { kind: "send", synthetic: true } : { kind: "blocked" };
}
