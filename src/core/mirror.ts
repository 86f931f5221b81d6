/** Which copies of a request are made, and why the others are not (contract section 7). Pure; `edge/mirror.ts` sends them. */
import { isExpired } from "./assign.ts";
import type { Decision } from "./decide.ts";
import { type Facts, headerFact, isPreflight } from "./facts.ts";
import type { Mirror, Origin } from "./lane-group.ts";
import { matches } from "./match.ts";
import { type Effect, effectOf, type Reading } from "./reads.ts";
import { hasParameter } from "./scrub-url.ts";
import { isOneOf, isSecretKey, plainName } from "./secret-names.ts";
import { hasIssued } from "./secret-paths.ts";
import { within } from "./slots.ts";
import { visitorOf } from "./sticky.ts";

/** What is not sent is counted under one of these. */
export type Drop =
  | "sampled-out"
  | "method"
  | "stream"
  | "body-too-large"
  | "busy"
  | "scrub"
  | "credentials"
  | "missing-service"
  | "unmarkable"
  | "expired";

export interface Copy {
  readonly mirror: Mirror;
  readonly origin: Origin;
  readonly effect: Effect;
  /** A write to an origin that promises to roll it back. */
  readonly synthetic: boolean;
}

/** Null `copy` and `drop`: the mirror does not act on this request at all. */
export interface Choice {
  readonly mirror: Mirror;
  readonly copy: Copy | null;
  readonly drop: Drop | null;
  readonly why: string;
}

const MAX_COPIES = 2;

/** Does this key of a query hold what works once, or opens something? */
export const isSecretOf =
  ({ secrets }: Mirror) =>
  (key: string): boolean =>
    secrets === null ? isSecretKey(key) : isOneOf(key, secrets);

/** Does the mirror take this key out of every query of its copies? */
export function isScrubbedBy({ scrub }: Mirror): (key: string) => boolean {
  const names = new Set(scrub.query.map(plainName));
  return (key) => isOneOf(key, names);
}

/** One-time secrets go to nobody else, and to nobody twice; those that the mirror scrubs are in no copy. */
function hasSecret(facts: Facts, mirror: Mirror): boolean {
  if (hasIssued(facts.path, false)) return true;
  if (mirror.secrets?.size === 0) return false;
  const [isSecret, isScrubbed] = [isSecretOf(mirror), isScrubbedBy(mirror)];
  return hasParameter(facts.path, facts.search, (key) => isSecret(key) && !isScrubbed(key));
}

/** May the same lane be asked the same once more, to learn what differs by itself? */
export const mayAskTwice = (facts: Facts, mirror: Mirror, { reads }: Reading): boolean =>
  reads && facts.method !== "OPTIONS" && !hasIssued(facts.path, true) && !hasSecret(facts, mirror);

/** Never copied: what has no end, no meaning twice, or asks for a part only. */
function isStream(facts: Facts): boolean {
  if (facts.headers.get("upgrade") || headerFact(facts, "range") !== undefined) return true;
  if (headerFact(facts, "accept")?.toLowerCase().includes("text/event-stream")) return true;
  return isPreflight(facts);
}

/** Sessions stay whole by the visitor's slot, whoever decided the lane; without one, by the trace, so that a chain is copied whole or not at all. */
function isSampled(decision: Decision, facts: Facts, { name, by, percent }: Mirror): boolean {
  const slot = () => (decision.visitor ?? visitorOf(decision.group, facts))?.slot;
  const id = by === "visitor" ? (slot() ?? facts.traceId ?? facts.requestId) : facts.requestId;
  return within(`mirror/${decision.group.name}/${name}`, id, percent);
}

/** null: it acts on this request, whoever serves it. */
function whyNot(decision: Decision, facts: Facts, { services, when }: Mirror): string | null {
  if (services !== null && !services.has(decision.service.name)) return `acts on ${[...services].join(", ")} only`;
  if (services === null && decision.context !== null) return "the request is within a chain, and the mirror names no services";
  return when !== null && !matches(when, facts) ? "its `when` does not hold" : null;
}

function dropOf(decision: Decision, facts: Facts, mirror: Mirror, markable: boolean): Drop | Copy {
  const lane = decision.group.lanes.get(mirror.lane);
  if (lane === undefined || isExpired(lane, facts.now) || (mirror.expiresAt !== null && facts.now >= mirror.expiresAt)) return "expired";
  if (!isSampled(decision, facts, mirror)) return "sampled-out";
  if (isStream(facts)) return "stream";
  const origin = lane.origins.get(decision.service.name);
  const effect = effectOf(facts, mirror.reads);
  if (effect === "write" && mirror.writes === "block") return "method";
  if (mirror.credentials === "strip" && hasSecret(facts, mirror)) return "credentials";
  if (origin === undefined) return "missing-service";
  if (!markable || origin.baggage === "none") return "unmarkable";
  const copy = { mirror, origin, effect, synthetic: false };
  return effect === "content" ? copy : (permitted(copy, effect === "read") ?? "method");
}

/** The copy as it may leave, once it is known whether it only reads; null: a write that this mirror does not send. */
export function permitted(copy: Copy, reads: boolean): Copy | null {
  const { writes } = copy.mirror;
  if (reads || writes === "send") return copy;
  return writes === "synthetic" && copy.origin.synthetic ? { ...copy, synthetic: true } : null;
}

const WHY: Readonly<Record<Drop, string>> = {
  "sampled-out": "not in the sample",
  method: "a write, which this mirror does not send",
  stream: "an upgrade, event stream, range or preflight",
  "body-too-large": "its body is too large",
  busy: "too many copies at once",
  scrub: "its body could not be scrubbed",
  credentials: "its query or path holds a one-time secret, and this mirror strips credentials",
  "missing-service": "the mirror's lane has no origin for the service",
  unmarkable: "it could not be marked as a copy",
  expired: "the mirror, or its lane, is past its time",
};

/**
 * One choice per mirror of the group, before anybody was asked: `from` and the number of copies are not looked at yet. `markable`: a secret
 * is set. A copy, and a request of a group that is switched off, is never copied.
 */
export function considerCopies(decision: Decision, facts: Facts, markable: boolean): Choice[] {
  const { group, copy, reason } = decision;
  if (group.mirrors.length === 0) return [];
  const never = copy !== null ? "the request is a copy itself" : reason === "off" || reason === "no-secret" ? "the group is off" : null;
  return group.mirrors.map((mirror) => {
    const why = never ?? whyNot(decision, facts, mirror);
    if (why !== null) return { mirror, copy: null, drop: null, why };
    const chosen = dropOf(decision, facts, mirror, markable);
    if (typeof chosen === "string") return dropped(mirror, chosen);
    return {
      mirror,
      copy: chosen,
      drop: null,
      why: chosen.effect === "content" ? "sent, unless its content is a GraphQL mutation" : "sent",
    };
  });
}

const dropped = (mirror: Mirror, drop: Drop): Choice => ({ mirror, copy: null, drop, why: WHY[drop] });

/** The same once it is known which lane served: what the mirror's own lane has done is not done there again. */
export function settleCopies(choices: readonly Choice[], servedBy: string): Choice[] {
  let copies = 0;
  return choices.map((choice) => {
    const { mirror, copy, drop } = choice;
    if (copy === null && drop === null) return choice;
    if (servedBy === mirror.lane || (mirror.from !== null && !mirror.from.has(servedBy))) {
      const others = mirror.from === null ? "other lanes" : [...mirror.from].join(", ");
      return { mirror, copy: null, drop: null, why: `served by ${servedBy}, copies what ${others} served` };
    }
    return copy === null || copies++ < MAX_COPIES ? choice : dropped(mirror, "busy");
  });
}

export function chooseCopies(decision: Decision, facts: Facts, servedBy: string, markable: boolean): Choice[] {
  return settleCopies(considerCopies(decision, facts, markable), servedBy);
}

/** As Envoy writes it: `foobar:8080` → `foobar-shadow:8080`, `[::1]:80` → `[::1]-shadow:80`. */
export function shadowHost(authority: string): string {
  const port = authority.lastIndexOf(":");
  const end = port > authority.lastIndexOf("]") ? port : authority.length;
  return `${authority.slice(0, end)}-shadow${authority.slice(end)}`;
}
