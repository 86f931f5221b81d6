/** The whole decision for a described request, with its reasons; no request leaves (contract section 9). */
import { cookieFor, isChosen, privateCacheControl } from "../core/answer.ts";
import { type Signer, withoutSignatures } from "../core/context.ts";
import { type Decision, decide } from "../core/decide.ts";
import { type Described, described } from "../core/described.ts";
import { type Facts, readFacts } from "../core/facts.ts";
import { type Candidate, firstCandidate, mayProbe, secondCandidate, timeoutMsOf, whyOnce } from "../core/fallback.ts";
import { findGroup } from "../core/locate.ts";
import { matches, why } from "../core/match.ts";
import { chooseCopies } from "../core/mirror.ts";
import { type Problem, Report } from "../core/problem.ts";
import { err, ok, type Result } from "../core/result.ts";
import { headerEdits, hopsOf, MAX_HOPS, originUrl } from "../core/target.ts";
import { validate } from "../core/validate.ts";
import { whyRemoved } from "../core/why-removed.ts";
import { whyVisitor } from "../core/why-visitor.ts";
import { ejectedFor, healthKey } from "../edge/eject.ts";
import { endingNames } from "../edge/forward.ts";
import type { Snapshot } from "../edge/groups-kv.ts";
import { overrideOf } from "../edge/handle.ts";

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

function requestHeaders(
  headers: Headers,
  decision: Decision,
  facts: Facts,
  origin: Parameters<typeof headerEdits>[2],
  signer: Signer | null,
) {
  const edits = headerEdits(decision, facts, origin, signer);
  const sent = new Headers(headers);
  const ending = new Set([...edits.remove, ...endingNames(facts, edits)]);
  for (const name of ending) sent.delete(name);
  for (const [name, value] of edits.set) sent.set(name, value);
  const given = Object.fromEntries([...sent].map(([name, value]) => [name, shown(name, value)]));
  // Values the lane file sets may be secrets, whether they come from env or not.
  for (const { name } of origin.headers) given[name] = "…";
  const removed = [...ending].filter((name) => headers.has(name) && !(name in given)).sort();
  return { sent: given, removed: removed.map((name) => ({ name, why: whyRemoved(name, decision.group.propagate) })) };
}

function rulesOf(decision: Decision, facts: Facts) {
  return decision.group.rules.map((rule) => ({ name: rule.name, matched: matches(rule.when, facts), why: why(rule.when, facts) }));
}

/** What the answer has beside the origin's own headers, and which of those the lane file removes. */
function responseHeaders(decision: Decision, facts: Facts, candidate: Candidate | null, fallback: string | null) {
  const headers: Record<string, string> = {};
  const { lane, origin } = candidate ?? { lane: null, origin: null };
  for (const { name, value } of origin?.answerHeaders ?? []) if (value !== null) headers[name] = value;
  if (decision.group.expose && lane !== null) {
    Object.assign(headers, {
      "x-lane": decision.lane,
      "x-lane-reason": decision.reason,
      "x-lane-service": decision.service.name,
      "x-lane-served-by": lane,
    });
    if (fallback !== null) headers["x-lane-fallback"] = fallback;
  }
  const cookie = cookieFor(decision, facts, 200);
  if (cookie !== null) headers["set-cookie"] = "…";
  if (cookie !== null || isChosen(decision)) headers["cache-control"] = privateCacheControl(headers["cache-control"] ?? null);
  const removed = (origin?.answerHeaders ?? []).filter(({ value }) => value === null);
  return { headers, removed: removed.map(({ name }) => ({ name, why: "the lane file removes it" })) };
}

/** The answer of `POST /__lanes/api/explain`, or the reason why there is none. */
export function explain(
  described: Described,
  snapshot: Snapshot,
  signer: Signer | null,
  clock: number,
  requestId: string,
): Result<unknown, Problem> {
  const headers = headersOf(described);
  if (typeof headers === "string") return err({ path: "headers", message: headers });
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
  const second = candidate === null ? null : secondCandidate(decision, facts, candidate);
  const answered = responseHeaders(decision, facts, candidate, fallback);
  const forwarded = candidate === null ? null : requestHeaders(headers, decision, facts, candidate.origin, signer);
  return ok({
    group: group.name,
    note: group.note,
    revision: inForce.revision,
    service: decision.service.name,
    lane: decision.lane,
    reason: hopsOf(decision, facts) > MAX_HOPS ? "loop" : decision.reason,
    baggage: facts.baggage.members.map(({ key, value, properties }) => ({ key, value: withoutSignatures(value), properties })),
    rules: rulesOf(decision, facts),
    slot: decision.visitor?.slot ?? null,
    visitor: whyVisitor(decision, facts),
    origin: candidate === null ? null : (candidate.origin.binding ?? originUrl(candidate.origin, facts)),
    servedBy: candidate?.lane ?? null,
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
      whyOnce: candidate === null ? null : whyOnce(decision, facts, candidate),
    },
    mirrors: chooseCopies(decision, facts, candidate?.lane ?? decision.lane, signer !== null).map(({ mirror, copy, why }) => ({
      name: mirror.name,
      sent: copy !== null,
      why,
    })),
    requestHeaders: forwarded?.sent ?? {},
    removedHeaders: forwarded?.removed ?? [],
    responseHeaders: answered.headers,
    removedResponseHeaders: answered.removed,
  });
}
