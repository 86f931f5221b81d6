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
import { asItCame, awaitsClient, goesAsItCame, isEmpty, type RequestBody, replayable, streamed, type Upload } from "./body.ts";
import { type Admission, admit, failed, healthKey, isKnown, release, succeeded } from "./eject.ts";
import type { Env } from "./env.ts";
import { type Attempt, forward, type Outcome } from "./forward.ts";
import { harmless } from "./harmless.ts";

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
  /** The origin failed while it waited for what its client keeps back. */
  readonly keptWaiting: boolean;
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
  keptWaiting: false,
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
  const { decision, facts, upload } = sending;
  const { group, service } = decision;
  const keyOf = (lane: string) => healthKey(group.name, lane, service.name);
  // What its client may keep back holds nobody's place: a lease begins when the upload is there.
  const leaseMs = isEmpty(upload) ? timeoutMsOf(decision) : 0;
  let admission = "open" as Admission;
  const isEjected = (lane: string) => {
    admission = admit(keyOf(lane), () => mayProbe(decision, facts), leaseMs, Date.now());
    return admission === "ejected";
  };
  const { candidate, fallback } = firstCandidate(decision, facts, isEjected);
  if (candidate === null) return { ...NOTHING, lane: decision.lane, fallback };
  if (decision.copy !== null) return asCopy(sending, candidate, fallback);
  if (candidate.lane === group.baseline) return once(sending, candidate, fallback, null);
  const probe = admission === "probe";
  return laneFirst(sending, candidate, fallback, { key: keyOf(candidate.lane), probe, leased: probe && leaseMs > 0 });
}

/** The origin that a request may count for, or against. */
interface Standing {
  readonly key: string;
  readonly probe: boolean;
  /** Nobody else probes meanwhile. */
  readonly leased: boolean;
}

/** A probe whose upload is there is leased, as any other; null: another one was faster. */
function leasedNow(standing: Standing, { replayable }: RequestBody, decision: Decision): Standing | null {
  // A long upload goes on under way, and never holds a place.
  if (!standing.probe || standing.leased || !replayable) return standing;
  const admission = admit(standing.key, () => true, timeoutMsOf(decision), Date.now());
  if (admission === "ejected") return null;
  return { ...standing, probe: admission === "probe", leased: admission === "probe" };
}

async function laneFirst(sending: Sending, first: Candidate, fallback: string | null, asked: Standing): Promise<Served> {
  const { request, decision, facts, upload } = sending;
  const second = secondCandidate(decision, facts, first);
  const asOnce = goesAsItCame(request) ? asItCame : second === null ? streamed : null;
  const body = asOnce === null ? await replayable(upload, decision.group.fallback.maxBodyBytes) : asOnce(upload);
  if (body === null) return { ...NOTHING, outcome: INCOMPLETE, lane: first.lane, candidate: first, fallback };
  const standing = leasedNow(asked, body, decision);
  if (standing === null && second !== null) return once(sending, second, "ejected", null, body);
  const asking = { first, fallback, second, body, standing: standing ?? { ...asked, probe: false } };
  if (!asking.standing.leased) return askLane(sending, asking);
  // The platform ends a request whose client has left, and nothing after its fetch would run. Of the probe alone: a listener costs.
  const leave = () => release(asked.key);
  request.signal.addEventListener("abort", leave);
  const served = await askLane(sending, asking);
  request.signal.removeEventListener("abort", leave);
  return served;
}

interface Asking {
  readonly first: Candidate;
  /** Why `first` is not the decided lane's. */
  readonly fallback: string | null;
  /** The baseline, if the method may be repeated. */
  readonly second: Candidate | null;
  readonly body: RequestBody;
  readonly standing: Standing;
}

/** What the baseline does, too, with the same request is no fault of the lane: it fails, or is as slow. */
function failsAlike(reason: string, { outcome, originMs }: Served, timeoutMs: number): boolean {
  if (outcome?.kind !== "answer" || outcome.response.status >= 500) return true;
  return reason === "timeout" && originMs >= timeoutMs;
}

/** Counts what came of it, if that tells of the lane; true when it puts the lane aside. A strict lane keeps its failures. */
function judge({ decision, facts }: Sending, { key, probe }: Standing, reason: string | null, repeated: boolean): boolean {
  const { mode, fallback } = decision.group;
  if (mode === "strict" || !isTelling(decision, facts)) return false;
  if (reason !== null && isBlamed(reason)) return failed(key, { probe, repeated }, fallback, Date.now());
  succeeded(key, probe);
  return false;
}

async function askLane(sending: Sending, { first, fallback, second, body, standing }: Asking): Promise<Served> {
  const { request, decision, facts } = sending;
  const settings = decision.group.fallback;
  const again = body.replayable ? second : null;
  const asked = Date.now();
  const deadline = isUpgrade(facts) ? null : settings.deadlineMs;
  const limit = again === null || deadline === null ? deadline : Math.min(deadline, timeoutMsOf(decision));
  const { outcome, baggageDropped } = await send(sending, first, body, limit);
  const now = Date.now();
  const reason = failureOf(outcome, settings.statuses);
  const left = request.signal.aborted || reason === "incomplete";
  const keptWaiting = reason !== null && isBlamed(reason) && (await awaitsClient(body));
  const served: Served = {
    ...NOTHING,
    outcome,
    lane: first.lane,
    candidate: first,
    fallback,
    originMs: now - asked,
    keptWaiting,
    bodyTooLarge: second !== again,
    baggageDropped,
  };
  const remaining = deadline === null ? null : deadline - (now - asked);
  const repeats = reason !== null && again !== null && !left && (remaining === null || remaining > 0);
  const repeat = repeats ? await askAgain(sending, again, body, served, reason, remaining) : null;
  const excused = left || keptWaiting || (repeat !== null && failsAlike(reason!, repeat, limit ?? 0));
  // What is well and was well costs nothing.
  const counts = !excused && (reason !== null || isKnown(standing.key));
  let ejected = false;
  // The client has its answer already: what is noted of the lane may not cost it.
  harmless(() => {
    ejected = counts && judge(sending, standing, reason, again !== null);
  });
  if (standing.leased && !ejected) release(standing.key);
  return { ...(repeat ?? served), ejected };
}

async function askAgain(
  sending: Sending,
  again: Candidate,
  body: RequestBody,
  before: Served,
  reason: string,
  limitMs: number | null,
): Promise<Served> {
  // Broken off already, perhaps: that is no failure of ours.
  if (before.outcome?.kind === "answer") before.outcome.response.body?.cancel().catch(() => {});
  const started = Date.now();
  const { outcome } = await send(sending, again, body, limitMs);
  return { ...before, outcome, lane: again.lane, candidate: again, fallback: reason, originMs: Date.now() - started };
}
