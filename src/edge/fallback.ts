/** Lane first, then the baseline, once, within one deadline (contract section 6). */
import type { Signer } from "../core/context.ts";
import { shadowed } from "../core/copy.ts";
import type { Decision } from "../core/decide.ts";
import type { Facts } from "../core/facts.ts";
import {
  type Candidate,
  firstCandidate,
  isBlamed,
  isTelling,
  isUpgrade,
  mayProbe,
  secondCandidate,
  timeoutMsOf,
} from "../core/fallback.ts";
import { effectOf, readingOf } from "../core/reads.ts";
import { collaborate, mirrorOf } from "../core/stub.ts";
import { headerEdits, originUrl } from "../core/target.ts";
import { asItCame, awaitsClient, goesAsItCame, type RequestBody, replayable, streamed, type Upload } from "./body.ts";
import { type Admission, admit, failed, healthKey, isKnown, release, succeeded } from "./eject.ts";
import type { Env } from "./env.ts";
import { type Attempt, forward, type Outcome } from "./forward.ts";

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

const NOTHING: Omit<Served, "lane"> = {
  outcome: null,
  candidate: null,
  fallback: null,
  originMs: 0,
  ejected: false,
  bodyTooLarge: false,
  baggageDropped: 0,
};

export interface Sending {
  readonly request: Request;
  readonly decision: Decision;
  readonly facts: Facts;
  readonly env: Env;
  readonly signer: Signer | null;
  /** The request's own body, or the branch of it that copies leave to the primary. */
  readonly upload: Upload;
  /** Marked as a transaction that the origin promises to roll back. */
  readonly synthetic: boolean;
  /** The answer is to be compared, too: its coding is left alone. */
  readonly rawAnswer: boolean;
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
  const marked = headerEdits(decision, facts, candidate.origin, signer, { synthetic: sending.synthetic });
  const edits = decision.copy === null ? marked : shadowed(marked, facts);
  const attempt: Attempt = {
    url: originUrl(candidate.origin, facts),
    facts,
    origin: candidate.origin,
    edits,
    body,
    limitMs,
    rawAnswer: sending.rawAnswer,
  };
  const outcome = await forward(request, attempt, env);
  return { outcome, baggageDropped: edits.baggageDropped };
}

/** The client's upload broke before anybody was asked. */
const INCOMPLETE: Outcome = { kind: "failed", reason: "incomplete" };

/**
 * One origin, nothing to repeat: a request that goes to the baseline has no timer, a copy has the deadline. `read`: the body, where it has been
 * read already.
 */
async function once(
  sending: Sending,
  candidate: Candidate,
  fallback: string | null,
  limitMs: number | null,
  read: RequestBody | null = null,
): Promise<Served> {
  const { request, upload } = sending;
  // As the platform hands it on, where nothing else reads it: it knows best how to tell the origin of an upload that breaks.
  const untouched = (limitMs === null && upload.body === request.body) || goesAsItCame(request);
  const body = read ?? (untouched ? asItCame(upload) : streamed(upload));
  const started = Date.now();
  const { outcome, baggageDropped } = await send(sending, candidate, body, limitMs);
  return { ...NOTHING, outcome, lane: candidate.lane, candidate, fallback, originMs: Date.now() - started, baggageDropped };
}

/** Within a copy's chain: a stub may answer, a write may be refused, and nothing is asked twice (contract section 7, collaborators). */
async function asCopy(sending: Sending, candidate: Candidate, fallback: string | null): Promise<Served> {
  const { request, decision, facts, upload } = sending;
  const served = { ...NOTHING, lane: candidate.lane, candidate, fallback };
  const mirror = mirrorOf(decision);
  const effect = effectOf(facts, mirror?.reads ?? null);
  const looksInside = effect === "content" && !goesAsItCame(request);
  const read = looksInside ? await replayable(upload, mirror?.maxBodyBytes ?? 0) : null;
  if (looksInside && read === null) return { ...served, outcome: INCOMPLETE };
  const content = read?.replayable && !(read.content instanceof ReadableStream) ? read.content : "unread";
  const does = collaborate(decision, facts, candidate, readingOf(facts, effect, content).reads);
  if (does.kind === "send")
    return once({ ...sending, synthetic: does.synthetic }, candidate, fallback, decision.group.fallback.deadlineMs, read);
  if (does.kind === "blocked") return { ...served, outcome: { kind: "failed", reason: "mirror-blocked" } };
  const { status, headers, body, delayMs } = does.stub.response;
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  // A status without a body takes none (Fetch, section 2.2.3).
  const empty = status === 204 || status === 205 || status === 304;
  return { ...served, outcome: { kind: "answer", response: new Response(empty ? null : body, { status, headers }) } };
}

export async function serve(sending: Sending): Promise<Served> {
  const { request, decision, facts } = sending;
  const { group, service } = decision;
  const keyOf = (lane: string) => healthKey(group.name, lane, service.name);
  let admission = "open" as Admission;
  const isEjected = (lane: string) => {
    admission = admit(keyOf(lane), () => mayProbe(decision, facts), timeoutMsOf(decision), Date.now());
    return admission === "ejected";
  };
  const { candidate, fallback } = firstCandidate(decision, facts, isEjected);
  if (candidate === null) return { ...NOTHING, lane: decision.lane, fallback };
  if (decision.copy !== null) return asCopy(sending, candidate, fallback);
  if (candidate.lane === group.baseline) return once(sending, candidate, fallback, null);
  const key = keyOf(candidate.lane);
  if (admission !== "probe") return laneFirst(sending, candidate, fallback, { key, probe: false });
  // The platform ends a request whose client has left, and nothing after its fetch would run. Of the probe alone: a listener costs.
  const leave = () => release(key);
  request.signal.addEventListener("abort", leave);
  const served = await laneFirst(sending, candidate, fallback, { key, probe: true });
  request.signal.removeEventListener("abort", leave);
  return served;
}

/** The origin that a request may count for, or against. */
interface Standing {
  readonly key: string;
  readonly probe: boolean;
}

interface Ending {
  /** Why the baseline may be asked instead; null: the origin's answer stands. */
  readonly reason: string | null;
  readonly body: RequestBody;
  readonly repeated: boolean;
}

/** Counts what came of it, if that tells of the lane; true when it puts the lane aside. A strict lane keeps its failures. */
async function judge({ decision, facts }: Sending, { key, probe }: Standing, { reason, body, repeated }: Ending): Promise<boolean> {
  const { mode, fallback } = decision.group;
  const blamed = reason !== null && isBlamed(reason);
  if (mode === "strict" || !isTelling(decision, facts)) return false;
  if (!blamed) {
    succeeded(key, probe);
    return false;
  }
  return !(await awaitsClient(body)) && failed(key, { probe, repeated }, fallback, Date.now());
}

async function laneFirst(sending: Sending, first: Candidate, fallback: string | null, standing: Standing): Promise<Served> {
  const { request, decision, facts, upload } = sending;
  const { group } = decision;
  const settings = group.fallback;
  const second = secondCandidate(decision, facts, first);
  const asOnce = goesAsItCame(request) ? asItCame : second === null ? streamed : null;
  const body = asOnce === null ? await replayable(upload, settings.maxBodyBytes) : asOnce(upload);
  if (body === null) {
    if (standing.probe) release(standing.key);
    return { ...NOTHING, outcome: INCOMPLETE, lane: first.lane, candidate: first, fallback };
  }
  const again = body.replayable ? second : null;
  const asked = Date.now();
  const deadline = isUpgrade(facts) ? null : settings.deadlineMs;
  const limit = again === null || deadline === null ? deadline : Math.min(deadline, timeoutMsOf(decision));
  const { outcome, baggageDropped } = await send(sending, first, body, limit);
  const now = Date.now();
  const reason = failureOf(outcome, settings.statuses);
  const served = {
    ...NOTHING,
    outcome,
    lane: first.lane,
    candidate: first,
    fallback,
    originMs: now - asked,
    bodyTooLarge: second !== again,
    baggageDropped,
  };
  const left = request.signal.aborted || reason === "incomplete";
  // What is well and was well costs nothing.
  const counts = !left && (reason !== null || isKnown(standing.key));
  const ejected = counts && (await judge(sending, standing, { reason, body, repeated: again !== null }));
  if (standing.probe && !ejected) release(standing.key);
  const remaining = deadline === null ? null : deadline - (now - asked);
  if (reason === null || again === null || left || (remaining !== null && remaining <= 0)) return { ...served, ejected };
  // Broken off already, perhaps: that is no failure of ours.
  if (outcome.kind === "answer") outcome.response.body?.cancel().catch(() => {});
  const repeat = await send(sending, again, body, remaining);
  return { ...served, outcome: repeat.outcome, lane: again.lane, candidate: again, fallback: reason, originMs: Date.now() - now, ejected };
}
