/**
 * Sends copies, after the primary's headers are in and inside `waitUntil`: the copy never hurts the original (contract section 7).
 * Whatever happens here is counted or forgotten; nothing of it reaches the client.
 */
import { copyBody, copyDecision, copyEdits, copySearch, losesCredentials } from "../core/copy.ts";
import { endpointName } from "../core/endpoint.ts";
import type { Facts } from "../core/facts.ts";
import type { Candidate } from "../core/fallback.ts";
import { type Choice, type Copy, considerCopies, mayAskTwice, permitted, settleCopies } from "../core/mirror.ts";
import { pair } from "../core/noise.ts";
import { type Reading, readingOf } from "../core/reads.ts";
import { redact, type Sample } from "../core/redact.ts";
import { err, ok } from "../core/result.ts";
import { within } from "../core/slots.ts";
import { headerEdits, originUrl } from "../core/target.ts";
import { countComparison, countCopy, countUncompared } from "./batch.ts";
import { goesAsItCame, type Upload } from "./body.ts";
import {
  answerOf,
  type Comparing,
  compareWith,
  comparingOf,
  type Failure,
  MAX_COMPARED_BYTES,
  secretValuesOf,
  type Taken,
  take,
} from "./compare.ts";
import type { Sending, Served } from "./fallback.ts";
import { forward } from "./forward.ts";
import { type Hold, hold, type Kept, keep, nothingKept, release } from "./in-flight.ts";

/** `waitUntil` is cut after 30 s, and a copy ends before 25 s. */
const MAX_MS = 24_000;
/** What is read of an answer that nobody looks at. */
const MAX_UNSEEN_BYTES = 16 * 1024;
/** A longer sample would not be kept. */
const MAX_SAMPLE = 15 * 1024;

type Want = Omit<Sending, "upload" | "synthetic" | "rawAnswer">;
type Content = Uint8Array<ArrayBuffer> | null;

/** What may be copied of a request that nobody has been asked yet. */
export interface Plan {
  readonly choices: readonly Choice[];
  /** What the primary gets to read. */
  readonly upload: Upload;
  readonly kept: Kept;
  /** An answer may be compared: the primary's must be taken as it is on the wire. */
  readonly compares: boolean;
}

function report(error: unknown): null {
  console.error(JSON.stringify({ error: "mirror", message: error instanceof Error ? error.message : String(error) }));
  return null;
}

/** Before the primary is asked; null: nothing will be copied or counted. Never throws. */
export function planCopies({ decision, facts, request, signer }: Want): Plan | null {
  if (decision.group.mirrors.length === 0) return null;
  try {
    const choices = considerCopies(decision, facts, signer !== null);
    const mirrors = choices.flatMap(({ copy }) => copy?.mirror ?? []);
    const compares = mirrors.some((mirror) => comparingOf(mirror) !== null);
    if (mirrors.length === 0) return { choices, compares, upload: request, kept: nothingKept(null) };
    if (goesAsItCame(request)) return { choices, compares, upload: request, kept: nothingKept("stream") };
    return { choices, compares, ...keep(request, Math.max(...mirrors.map(({ maxBodyBytes }) => maxBodyBytes)), MAX_MS) };
  } catch (error) {
    return report(error);
  }
}

/** One copy that leaves now. */
interface Flight {
  readonly copy: Copy;
  readonly held: Hold;
  /** null: its answer is not looked at. */
  readonly comparing: Comparing | null;
}

const isEventStream = ({ headers }: Response) => headers.get("content-type")?.toLowerCase().startsWith("text/event-stream") ?? false;

/** Compared is only what can be equal: the copy has what the primary had, and the primary is of the lane that was decided. */
function comparingNow({ decision, facts }: Want, { mirror }: Copy, { fallback }: Served): Comparing | null {
  const comparing = comparingOf(mirror);
  const skip = losesCredentials(decision, facts, mirror) ? "credentials" : fallback === null ? null : "fallback";
  if (comparing === null || skip === null) return comparing;
  countUncompared(decision.group.name, mirror.lane, decision.service.name, skip);
  return null;
}

function takeOff(want: Want, choices: readonly Choice[], kept: Kept, served: Served, response: Response): Flight[] {
  const { group, service } = want.decision;
  const flights: Flight[] = [];
  for (const { mirror, copy, drop } of choices) {
    if (copy === null && drop === null) continue;
    const reason = drop ?? kept.drop ?? (isEventStream(response) ? "stream" : null);
    const held = copy === null || reason !== null ? null : hold(1, 0, Date.now());
    if (copy !== null && held !== null) flights.push({ copy, held, comparing: comparingNow(want, copy, served) });
    else countCopy(group.name, mirror.lane, service.name, reason ?? "busy");
  }
  return flights;
}

export interface Started {
  /** What the client is answered. */
  readonly served: Served;
  /** For `waitUntil`, never rejects; null: no copy leaves. */
  readonly sending: Promise<unknown> | null;
}

/** Once the primary's headers are in; what was not answered is not copied. Never throws. */
export function startCopies(want: Want, { choices, kept }: Plan, served: Served): Started {
  const { outcome, candidate, lane } = served;
  let flights: Flight[] = [];
  try {
    if (outcome?.kind === "answer" && candidate !== null) {
      flights = takeOff(want, settleCopies(choices, lane), kept, served, outcome.response);
      if (flights.length > 0) return depart(want, flights, kept, served, outcome.response, candidate);
    }
  } catch (error) {
    report(error);
  }
  for (const { held } of flights) release(held);
  if (kept.held !== null) release(kept.held);
  return { served, sending: null };
}

/** The primary's answer in two where it is compared. Ours is read at once: a branch that waits would hold all of it in memory. */
function depart(want: Want, flights: Flight[], kept: Kept, served: Served, response: Response, candidate: Candidate): Started {
  const until = Date.now() + MAX_MS;
  if (flights.every(({ comparing }) => comparing === null)) {
    return { served, sending: sendAll(want, flights, kept, { candidate, taken: null, until }) };
  }
  const { status, statusText, headers } = response;
  const [forClient, forUs] = response.body?.tee() ?? [null, null];
  const taken = take(response, forUs, candidate.origin, { cap: MAX_COMPARED_BYTES, ms: MAX_MS });
  const whole = forClient === null ? response : new Response(forClient, { status, statusText, headers, encodeBody: "manual" });
  const sending = sendAll(want, flights, kept, { candidate, taken, until });
  return { served: { ...served, outcome: { kind: "answer", response: whole } }, sending };
}

/** The primary, as its copies see it. */
interface Primary {
  readonly candidate: Candidate;
  /** null: no copy is compared with it. */
  readonly taken: Promise<Taken | Failure> | null;
  /** Milliseconds since 1970; no copy goes on after. */
  readonly until: number;
}

async function sendAll(want: Want, flights: readonly Flight[], kept: Kept, primary: Primary): Promise<void> {
  // After the answer has left: scrubbing a large body must not keep the client waiting.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const content = await kept.content;
  await Promise.all(
    flights.map((flight) =>
      send(want, flight, content, primary)
        .catch(report)
        .finally(() => release(flight.held)),
    ),
  );
  if (kept.held !== null) release(kept.held);
}

async function send(want: Want, flight: Flight, content: Awaited<Kept["content"]>, primary: Primary): Promise<void> {
  const { group, service } = want.decision;
  const { comparing } = flight;
  const { mirror, origin } = flight.copy;
  const body = content === null ? ok(null) : typeof content === "string" ? err(content) : copyBody(content, want.facts, mirror);
  const reading = readingOf(want.facts, flight.copy.effect, content === null || content instanceof Uint8Array ? content : "unread");
  const copy = permitted(flight.copy, reading.reads);
  const drop = body.ok ? (copy === null ? "method" : null) : body.error;
  countCopy(group.name, mirror.lane, service.name, drop);
  if (!body.ok || copy === null) return;
  if (comparing !== null && primary.taken !== null)
    return await compareCopy(want, { copy, reading, content: body.value }, primary, primary.taken, comparing);
  // Read, too, where nobody looks at it: an origin that is hung up on stops its work, and its connection is of no use to the next copy.
  await ask(want, copy, { lane: mirror.lane, origin }, body.value, { cap: MAX_UNSEEN_BYTES, until: primary.until });
}

interface Limit {
  /** Bytes of the answer. */
  readonly cap: number;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** A copy to one origin. */
async function ask(want: Want, copy: Copy, { lane, origin }: Candidate, content: Content, limit: Limit): Promise<Taken | Failure> {
  const { request, facts, env, signer } = want;
  const { mirror, synthetic } = copy;
  const decision = copyDecision(want.decision, mirror, lane);
  const edits = headerEdits(decision, facts, origin, signer, { synthetic, withoutBaggage: mirror.scrub.baggage });
  const spanId = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
  const outcome = await forward(
    request,
    {
      url: originUrl(origin, facts, copySearch(facts, mirror)),
      facts,
      origin: { ...origin, noStore: true },
      edits: copyEdits(edits, facts, mirror, spanId, decision.group.propagate.header),
      body: { content, replayable: true, uploaded: null },
      limitMs: Math.max(0, Math.min(mirror.timeoutMs, limit.until - Date.now())),
      rawAnswer: true,
    },
    env,
  );
  if (outcome.kind === "failed") return outcome.reason === "timeout" ? "timeout" : "connect";
  return await take(outcome.response, outcome.response.body, origin, { cap: limit.cap, ms: limit.until - Date.now() });
}

/** A copy whose content is there, and known. */
interface Ready {
  readonly copy: Copy;
  readonly reading: Reading;
  readonly content: Content;
}

/** Is the lane that served asked a second time, to learn what differs by itself? */
function isProbed({ decision, facts }: Want, { copy: { mirror }, reading }: Ready, { origin }: Candidate): boolean {
  if (!mayAskTwice(facts, mirror, reading) || origin.baggage === "none") return false;
  return within(`noise/${decision.group.name}/${mirror.name}`, facts.requestId, mirror.compare?.noisePercent ?? 0);
}

async function compareCopy(
  want: Want,
  ready: Ready,
  { candidate, until }: Primary,
  taken: Promise<Taken | Failure>,
  { rules, hidden }: Comparing,
): Promise<void> {
  const { decision, facts } = want;
  const { copy, content } = ready;
  const { mirror, origin } = copy;
  const [group, service] = [decision.group.name, decision.service.name];
  const limit = { cap: MAX_COMPARED_BYTES, until };
  // At the same moment, so that neither is later than the other.
  const [primary, copied, probed] = await Promise.all([
    taken,
    ask(want, copy, { lane: mirror.lane, origin }, content, limit),
    isProbed(want, ready, candidate) ? ask(want, copy, candidate, content, limit) : null,
  ]);
  if (typeof primary === "string") return countUncompared(group, mirror.lane, service, "unfinished");
  const left = answerOf(primary, facts);
  const raw = compareWith(left, copied, facts, rules);
  if (raw.skipped !== null) return countUncompared(group, mirror.lane, service, raw.skipped);
  const noise = probed === null ? null : compareWith(left, probed, facts, rules);
  const asked = noise !== null && noise.skipped === null;
  const differ = raw.differences.length > 0 || (asked && noise.differences.length > 0);
  const values = differ ? secretValuesOf([primary, copied, probed], hidden) : undefined;
  const shown = raw.differences.map((difference) => redact(difference, hidden, values));
  countComparison(group, mirror.lane, service, {
    mirror: mirror.name,
    endpoint: endpointName(facts.method, facts.path, ready.reading.operations),
    named: primary.status < 400,
    probed: asked,
    truncated: raw.truncated,
    observed: pair(shown, asked ? noise.differences.map((difference) => redact(difference, hidden, values)) : null),
    sample: sampleOf(facts, shown, raw.truncated),
  });
}

function sampleOf(facts: Facts, shown: readonly Sample[], truncated: boolean): string | null {
  if (shown.length === 0) return null;
  let length = 0;
  const differences = shown.filter((difference) => {
    length += JSON.stringify(difference).length + 1;
    return length <= MAX_SAMPLE;
  });
  return JSON.stringify({ at: new Date().toISOString(), traceId: facts.traceId ?? facts.requestId, truncated, differences });
}
