/** The whole decision for a described request, with its reasons; no request leaves (contract section 9). */
import { cookieFor, isChosen, isForSharedCaches, privateCacheControl } from "../core/answer.ts";
import { type Signer, withoutSignatures } from "../core/context.ts";
import { shadowed } from "../core/copy.ts";
import { type Decision, decide } from "../core/decide.ts";
import { type Described, described } from "../core/described.ts";
import { type Facts, readFacts } from "../core/facts.ts";
import { type Candidate, firstCandidate, mayProbe, secondCandidate, timeoutMsOf, whyOnce } from "../core/fallback.ts";
import type { Origin } from "../core/lane-group.ts";
import { findGroup } from "../core/locate.ts";
import { matches, why } from "../core/match.ts";
import { chooseCopies } from "../core/mirror.ts";
import { type Problem, Report } from "../core/problem.ts";
import { effectOf, readingOf } from "../core/reads.ts";
import { err, ok, type Result } from "../core/result.ts";
import { collaborate, mirrorOf } from "../core/stub.ts";
import { headerEdits, hopsOf, MAX_HOPS, originUrl } from "../core/target.ts";
import { validate } from "../core/validate.ts";
import { whyRemoved } from "../core/why-removed.ts";
import { whyVisitor } from "../core/why-visitor.ts";
import { ejectedFor, healthKey } from "../edge/eject.ts";
import { type Env, variable } from "../edge/env.ts";
import { endingNames } from "../edge/forward.ts";
import type { Snapshot } from "../edge/groups-kv.ts";
import { overrideOf } from "../edge/handle.ts";
import { isAdmin } from "./where.ts";

export function readDescribed(input: unknown): Result<Described, Problem[]> {
  const report = new Report();
  const request = validate(described, input, report);
  return report.count === 0 ? ok(request) : err(report.list());
}

/** What a `Headers` object refuses beyond what was looked at is no request either. */
function headersOf(described: Described): Headers | string {
  const headers = new Headers();
  try {
    for (const [name, value] of Object.entries(described.headers)) for (const one of [value].flat()) headers.append(name, one);
  } catch (error) {
    return error instanceof Error ? error.message : "cannot be sent";
  }
  return headers;
}

const HIDDEN_HEADERS = /^(authorization|proxy-authorization|cookie|set-cookie)$/;

/** Signatures, cookies and secrets are `…` wherever a person reads them. */
function shown(name: string, value: string): string {
  return HIDDEN_HEADERS.test(name) ? "…" : withoutSignatures(value);
}

/** An answer that no origin is asked for. */
interface OwnAnswer {
  readonly status: number;
  readonly reason: string;
  readonly why: string;
  /** By the lane file; else it is an error of ours. */
  readonly stub: Readonly<Record<string, string>> | null;
}

/** What this request meets: an origin, which is asked as a mark says, or an answer of ours. */
type Met = { readonly own: OwnAnswer } | { readonly own: null; readonly candidate: Candidate; readonly synthetic: boolean };

function meets(decision: Decision, facts: Facts, candidate: Candidate | null): Met {
  const problem = (status: number, reason: string, why: string): Met => ({ own: { status, reason, why, stub: null } });
  if (hopsOf(decision, facts) > MAX_HOPS) return problem(508, "loop", `it passed here more than ${MAX_HOPS} times`);
  if (candidate === null) return problem(503, "missing-service", "its lane has no origin for it, and the group is strict");
  if (decision.copy === null) return { own: null, candidate, synthetic: false };
  const effect = effectOf(facts, mirrorOf(decision)?.reads ?? null);
  const does = collaborate(decision, facts, candidate, readingOf(facts, effect, "unread").reads);
  if (does.kind === "send") return { own: null, candidate, synthetic: does.synthetic };
  if (does.kind === "stub") {
    const { status, headers } = does.stub.response;
    return { own: { status, reason: "stub", why: "a stub of the lane file answers copies", stub: headers } };
  }
  const unless = effect === "content" ? ", unless its content only reads" : "";
  return problem(403, "mirror-blocked", `a copy may not write here, or could not be told from a live request behind here${unless}`);
}

function requestHeaders(headers: Headers, decision: Decision, facts: Facts, env: Env, signer: Signer | null, met: Met) {
  if (met.own !== null) return { sent: {}, removed: [] };
  const { origin } = met.candidate;
  const marked = headerEdits(decision, facts, origin, signer, { synthetic: met.synthetic });
  const edits = decision.copy === null ? marked : shadowed(marked, facts);
  const sent = new Headers(headers);
  const ending = new Set([...edits.remove, ...endingNames(facts, edits)]);
  for (const name of ending) sent.delete(name);
  for (const [name, value] of edits.set) sent.set(name, value);
  // The platform says it by the URL; a binding gets the public one.
  sent.set("host", origin.base === null ? facts.authority : new URL(origin.base).host);
  const given = Object.fromEntries([...sent].map(([name, value]) => [name, shown(name, value)]));
  const unset = new Map<string, string>();
  for (const { name, value } of origin.headers) {
    if (typeof value === "string" || variable(env, value.env) !== null) {
      // Values the lane file sets may be secrets, whether they come from env or not.
      given[name] = "…";
      continue;
    }
    delete given[name];
    unset.set(name, `the variable ${value.env} is not set`);
  }
  const removed = [...ending].filter((name) => headers.has(name) && !(name in given) && !unset.has(name));
  const reasons = new Map([...removed.map((name) => [name, whyRemoved(name, decision.group.propagate)] as const), ...unset]);
  return { sent: given, removed: [...reasons.keys()].sort().map((name) => ({ name, why: reasons.get(name)! })) };
}

function rulesOf(decision: Decision, facts: Facts) {
  return decision.group.rules.map((rule) => ({ name: rule.name, matched: matches(rule.when, facts), why: why(rule.when, facts) }));
}

/** What is answered beside the origin's own headers, and which of those end here. */
function responseHeaders(decision: Decision, facts: Facts, origin: Origin | null, servedBy: string, fallback: string | null, met: Met) {
  const headers: Record<string, string> = {};
  const removed: { name: string; why: string }[] = [];
  if (met.own?.stub === null) Object.assign(headers, { "content-type": "application/problem+json", "cache-control": "no-store" });
  // Refused before a lane had a say.
  if (met.own?.reason === "loop") return { headers, removed };
  for (const [name, value] of Object.entries(met.own?.stub ?? {})) headers[name.toLowerCase()] = value;
  for (const { name, value } of met.own === null || met.own.stub !== null ? (origin?.answerHeaders ?? []) : []) {
    if (value !== null) headers[name] = value;
    else removed.push({ name, why: "the lane file removes it" });
  }
  if (decision.group.expose) {
    Object.assign(headers, {
      "x-lane": decision.lane,
      "x-lane-reason": decision.reason,
      "x-lane-service": decision.service.name,
      "x-lane-served-by": servedBy,
    });
    if (fallback !== null) headers["x-lane-fallback"] = fallback;
  }
  const cookie = cookieFor(decision, facts, met.own?.status ?? 200);
  if (cookie !== null) headers["set-cookie"] = "…";
  if (cookie === null && !isChosen(decision)) return { headers, removed };
  headers["cache-control"] = privateCacheControl(headers["cache-control"] ?? null);
  for (const name of Object.keys(headers).filter(isForSharedCaches)) {
    delete headers[name];
    removed.push({ name, why: "no shared cache may keep one visitor's answer" });
  }
  return { headers, removed };
}

/** The answer of `POST /__lanes/api/explain`, or the reason why there is none. */
export function explain(
  described: Described,
  snapshot: Snapshot,
  env: Env,
  signer: Signer | null,
  clock: number,
  requestId: string,
): Result<unknown, Problem> {
  const headers = headersOf(described);
  if (typeof headers === "string") return err({ path: "headers", message: headers });
  if (isAdmin(described.url, env)) return ok({ group: null, reason: "admin" });
  const now = described.now ?? Math.floor(clock / 1000);
  const request = {
    method: described.method,
    url: described.url,
    headers,
    ip: described.ip ?? null,
    now,
    requestId: described.requestId ?? requestId,
    slot: described.slot ?? null,
  };
  const facts = readFacts(request);
  const group = findGroup(snapshot.index, facts.host);
  if (group === null) return ok({ group: null, reason: "no-group" });
  const inForce = snapshot.groups.get(group.name)!;
  const decision = decide(group, facts, { override: overrideOf(snapshot, inForce), signer });
  if (decision === null) return ok({ group: group.name, revision: inForce.revision, reason: "no-service" });
  if (decision.refused !== null)
    return ok({ group: group.name, revision: inForce.revision, service: decision.service.name, reason: decision.refused });
  const probes = mayProbe(decision, facts);
  const ejected = (lane: string) => {
    const seconds = ejectedFor(healthKey(group.name, lane, decision.service.name), clock);
    return seconds !== null && (seconds > 0 || !probes);
  };
  const { candidate, fallback } = firstCandidate(decision, facts, ejected);
  const met = meets(decision, facts, candidate);
  const asked = met.own === null ? met.candidate : null;
  const second = asked === null ? null : secondCandidate(decision, facts, asked);
  const servedBy = candidate?.lane ?? decision.lane;
  const answered = responseHeaders(decision, facts, candidate?.origin ?? null, servedBy, fallback, met);
  const forwarded = requestHeaders(headers, decision, facts, env, signer, met);
  const isRefused = met.own?.reason === "loop";
  return ok({
    group: group.name,
    note: group.note,
    revision: inForce.revision,
    service: decision.service.name,
    lane: decision.lane,
    reason: isRefused ? "loop" : decision.reason,
    answered: met.own === null ? null : { status: met.own.status, reason: met.own.reason, why: met.own.why },
    baggage: facts.baggage.members.map(({ key, value, properties }) => ({ key, value: withoutSignatures(value), properties })),
    rules: rulesOf(decision, facts),
    slot: decision.visitor?.slot ?? null,
    visitor: whyVisitor(decision, facts),
    origin: asked === null ? null : (asked.origin.binding ?? originUrl(asked.origin, facts)),
    servedBy: asked?.lane ?? null,
    fallback: {
      reason: fallback,
      onFailure:
        second === null
          ? null
          : {
              lane: second.lane,
              origin: second.origin.binding ?? originUrl(second.origin, facts),
              afterMs: timeoutMsOf(decision),
            },
      whyOnce: asked === null ? null : whyOnce(decision, facts, asked),
    },
    mirrors: chooseCopies(decision, facts, servedBy, signer !== null).map(({ mirror, copy, why }) => ({
      name: mirror.name,
      sent: copy !== null && !isRefused,
      why: isRefused ? "the request is refused" : why,
    })),
    requestHeaders: forwarded.sent,
    removedHeaders: forwarded.removed,
    responseHeaders: answered.headers,
    removedResponseHeaders: answered.removed,
  });
}
