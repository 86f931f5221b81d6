/** Lane first, then the baseline, once, within one deadline (contract section 6). */
import type { Signer } from "../core/context.ts";
import type { Decision } from "../core/decide.ts";
import type { Facts } from "../core/facts.ts";
import { type Candidate, firstCandidate, isRepeatable, isUpgrade, secondCandidate, timeoutMs } from "../core/fallback.ts";
import { headerEdits, originUrl } from "../core/target.ts";
import { NO_BODY, type RequestBody, replayable, streamed } from "./body.ts";
import { admit, failed, healthKey, succeeded } from "./eject.ts";
import type { Env } from "./env.ts";
import { type Attempt, forgedNames, forward, type Outcome } from "./forward.ts";

/** What came of asking the origins; null `outcome`: strict, and the lane has no origin. */
export interface Served {
  readonly outcome: Outcome | null;
  /** The lane that answered, or was asked last. */
  readonly lane: string;
  readonly candidate: Candidate | null;
  /** Why it was not the decided lane, or null. */
  readonly fallback: string | null;
  readonly originMs: number;
  /** The failing lane was put aside just now. */
  readonly ejected: boolean;
  /** The body was too long to be sent twice. */
  readonly bodyTooLarge: boolean;
  readonly baggageDropped: number;
}

export interface Sending {
  readonly request: Request;
  readonly decision: Decision;
  readonly facts: Facts;
  readonly env: Env;
  readonly signer: Signer | null;
}

/** A failure by which the baseline may be asked instead. */
function failureOf(outcome: Outcome, statuses: ReadonlySet<number>): string | null {
  if (outcome.kind === "failed") return outcome.reason;
  return statuses.has(outcome.response.status) ? `status:${outcome.response.status}` : null;
}

async function send(
  sending: Sending,
  candidate: Candidate,
  body: RequestBody,
  limitMs: number | null,
): Promise<{ outcome: Outcome; baggageDropped: number }> {
  const { request, decision, facts, env, signer } = sending;
  const edits = headerEdits(decision, facts, candidate.origin, signer);
  const attempt: Attempt = {
    url: originUrl(candidate.origin, facts),
    origin: candidate.origin,
    edits,
    body,
    limitMs,
    client: limitMs === null ? null : request.signal,
  };
  const outcome = await forward(request, attempt, forgedNames(request.headers, decision.group.propagate.header), env);
  return { outcome, baggageDropped: edits.baggageDropped };
}

/** Upgrades, and requests that go to the baseline at once, have no timers and nothing to repeat. */
async function only(sending: Sending, candidate: Candidate, fallback: string | null): Promise<Served> {
  const started = Date.now();
  const body: RequestBody = sending.request.body === null ? NO_BODY : { content: sending.request.body, replayable: false, uploaded: null };
  const { outcome, baggageDropped } = await send(sending, candidate, body, null);
  return {
    outcome,
    lane: candidate.lane,
    candidate,
    fallback,
    originMs: Date.now() - started,
    ejected: false,
    bodyTooLarge: false,
    baggageDropped,
  };
}

export async function serve(sending: Sending): Promise<Served> {
  const { request, decision, facts } = sending;
  const { group, service } = decision;
  const settings = group.fallback;
  const repeatable = isRepeatable(group, facts);
  const started = Date.now();
  const keyOf = (lane: string) => healthKey(group.name, lane, service.name);
  const { candidate: first, fallback } = firstCandidate(
    decision,
    facts,
    (lane) => admit(keyOf(lane), repeatable, settings, started) === "ejected",
  );
  if (first === null)
    return {
      outcome: null,
      lane: decision.lane,
      candidate: null,
      fallback,
      originMs: 0,
      ejected: false,
      bodyTooLarge: false,
      baggageDropped: 0,
    };
  if (first.lane === group.baseline) return only(sending, first, fallback);

  const second = secondCandidate(group, service, first);
  const upgrade = isUpgrade(facts);
  const body = repeatable && second !== null ? await replayable(request, settings.maxBodyBytes) : streamed(request);
  const again = repeatable && body.replayable ? second : null;
  const asked = Date.now();
  const limit = again === null ? settings.deadlineMs : Math.min(settings.deadlineMs, timeoutMs(group, service, decision.context?.hop ?? 0));
  const { outcome, baggageDropped } = await send(sending, first, body, upgrade ? null : limit);
  const reason = failureOf(outcome, settings.statuses);
  const now = Date.now();
  const served = {
    outcome,
    lane: first.lane,
    candidate: first,
    fallback,
    originMs: now - asked,
    bodyTooLarge: repeatable && !body.replayable,
    baggageDropped,
  };
  // A client that left blames nobody, a copy never counts, and a strict lane keeps its failures.
  const counts = !request.signal.aborted && decision.copy === null && group.mode !== "strict";
  if (reason === null) {
    if (counts) succeeded(keyOf(first.lane), now);
    return { ...served, ejected: false };
  }
  const ejected = counts && failed(keyOf(first.lane), again !== null, settings, now);
  const left = settings.deadlineMs - (now - asked);
  if (again === null || request.signal.aborted || left <= 0) return { ...served, ejected };

  if (outcome.kind === "answer") await outcome.response.body?.cancel();
  const repeat = await send(sending, again, body, upgrade ? null : left);
  return { ...served, outcome: repeat.outcome, lane: again.lane, candidate: again, fallback: reason, originMs: Date.now() - now, ejected };
}
