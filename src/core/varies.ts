/** Which services may give two visitors two answers under one URL: judged once, when the group is made (contract section 3, the cookie). */
import type { Condition, Lane, LaneGroup, Origin, Rule, Service } from "./lane-group.ts";
import { isSameOrigin } from "./origin-places.ts";

/** A cache tells requests apart by their URL alone. */
function asksVisitor(condition: Condition): boolean {
  if (condition.on === "any") return condition.of.some((when) => when.some(asksVisitor));
  if (condition.on === "not") return condition.of.some(asksVisitor);
  return condition.on === "baggage" || condition.on === "cookie" || condition.on === "header";
}

const lanesOf = ({ lane, slots }: Rule): readonly string[] => (lane === null ? (slots?.lanes ?? []) : [lane]);

/** Of one place, and by one way there: a path outside of what is stripped tells two ways apart. */
const isAlike = (a: Origin | undefined, b: Origin | undefined): boolean => isSameOrigin(a, b) && a?.strip === b?.strip;

type Parts = Pick<LaneGroup, "baseline" | "context" | "rules" | "slots"> & { readonly lanes: ReadonlyMap<string, Lane> };

/** The service's origins in all lanes that visitors may have there, the baseline's among them, are not one and the same. */
export function variesBy({ baseline, context, lanes, rules, slots }: Parts): (service: Omit<Service, "varies">) => boolean {
  // Whom a rule does not pick by its visitor may be left to it by one before that does.
  const byRule = rules.some(({ slots: shares, when }) => shares !== null || when.some(asksVisitor)) ? rules.flatMap(lanesOf) : [];
  const anywhere = new Set([baseline, ...byRule, ...(context === "open" ? lanes.keys() : [])]);
  const atEntries = new Set([...anywhere, ...slots.lanes]);
  return ({ name, entry, fallback }) => {
    const originIn = (lane: string | null) => (lane === null ? undefined : lanes.get(lane)?.origins.get(name));
    const ofBaseline = originIn(baseline);
    return [...(entry ? atEntries : anywhere)].some(
      (lane) => lane !== baseline && !isAlike(originIn(lane) ?? originIn(fallback) ?? ofBaseline, ofBaseline),
    );
  };
}
