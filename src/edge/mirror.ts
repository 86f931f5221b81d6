/**
 * Sends copies, after the primary's headers are in and inside `waitUntil`: the copy never hurts the original (contract section 7).
 * Whatever happens here is counted or forgotten; nothing of it reaches the client.
 */
import { copyBody, copyDecision, copyEdits, losesCredentials } from "../core/copy.ts";
import type { Difference } from "../core/difference.ts";
import { endpointName } from "../core/endpoint.ts";
import type { Origin } from "../core/lane-group.ts";
import { type Choice, type Copy, chooseCopies, isWrite } from "../core/mirror.ts";
import { pair } from "../core/noise.ts";
import { redact, redaction } from "../core/redact.ts";
import { scrubQuery } from "../core/scrub.ts";
import { within } from "../core/slots.ts";
import { headerEdits, originUrl } from "../core/target.ts";
import { countComparison, countCopy, countUncompared } from "./batch.ts";
import type { RequestBody } from "./body.ts";
import { answerOf, type Bytes, compare, MAX_COMPARED_BYTES, readUpTo, rulesOf, type Taken } from "./compare.ts";
import type { Sending, Served } from "./fallback.ts";
import { endingNames, forward, type Outcome } from "./forward.ts";

/** Per isolate (contract section 7). */
const MAX_IN_FLIGHT = 32;
const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** `waitUntil` is cut after 30 s. */
const MAX_MS = 24_000;

const NOTHING_READ: Bytes = { bytes: new Uint8Array(0), cut: false };

let inFlight = 0;
let bodyBytes = 0;

type Want = Omit<Sending, "keepBytes" | "synthetic" | "rawAnswer">;

const choices = (want: Want, servedBy: string): Choice[] => chooseCopies(want.decision, want.facts, servedBy, want.signer !== null);

function declaredLength(request: Request): number | null {
  const length = request.headers.get("content-length");
  return length !== null && /^\d{1,15}$/.test(length) ? Number(length) : null;
}

/** How many bytes of body to keep for the copies of this request; 0: none. A body that is declared too long is never read for them. */
export function bytesToKeep(want: Want): number {
  if (want.decision.group.mirrors.length === 0 || want.request.body === null) return 0;
  const caps = choices(want, want.decision.lane).map(({ copy }) => copy?.mirror.maxBodyBytes ?? 0);
  const cap = Math.max(0, ...caps);
  const length = declaredLength(want.request) ?? cap;
  return length > cap || inFlight >= MAX_IN_FLIGHT || bodyBytes + length > MAX_BODY_BYTES ? 0 : cap;
}

/** Will an answer be compared? Then the primary's must be taken as it is on the wire. */
export function compares(want: Want): boolean {
  return want.decision.group.mirrors.length > 0 && choices(want, want.decision.lane).some(({ copy }) => copy?.mirror.compare != null);
}

const sizeOf = ({ content }: RequestBody): number => (content instanceof Uint8Array ? content.byteLength : 0);

/** Which copies leave now; the others are counted under their reason. */
export function startCopies(want: Want, served: Served): Copy[] {
  const { group, service } = want.decision;
  if (group.mirrors.length === 0) return [];
  const started: Copy[] = [];
  for (const { mirror, copy, drop } of choices(want, served.lane)) {
    if (copy === null && drop === null) continue;
    const reason = drop ?? dropNow(want, served);
    if (reason !== null) countCopy(group.name, mirror.lane, service.name, reason);
    else if (copy !== null) started.push(copy);
  }
  return started;
}

function dropNow({ request }: Want, { body }: Served): string | null {
  if (inFlight >= MAX_IN_FLIGHT) return "busy";
  if (body.content instanceof Uint8Array) return bodyBytes + body.content.byteLength > MAX_BODY_BYTES ? "busy" : null;
  return request.body === null ? null : "body-too-large";
}

const hex = (length: number) => crypto.randomUUID().replaceAll("-", "").slice(0, length);

interface Asked {
  readonly outcome: Outcome;
  readonly read: Bytes | null;
}

/** One copy to one origin. `reads`: its answer is wanted; else it is cancelled. */
async function ask(
  want: Want,
  copy: Copy,
  lane: string,
  origin: Origin,
  content: Uint8Array<ArrayBuffer> | null,
  reads: boolean,
): Promise<Asked> {
  const { request, facts, env, signer } = want;
  const { mirror, synthetic } = copy;
  const decision = copyDecision(want.decision, mirror, lane);
  const edits = copyEdits(
    headerEdits(decision, facts, origin, signer, { synthetic, withoutBaggage: mirror.scrub.baggage }),
    facts,
    mirror,
    hex(16),
  );
  const outcome = await forward(
    request,
    {
      url: originUrl(origin, facts, scrubQuery(facts.search, new Set(mirror.scrub.query))),
      origin: { ...origin, noStore: true },
      edits,
      body: { content, replayable: true, uploaded: null },
      limitMs: Math.min(mirror.timeoutMs, MAX_MS / 2),
      client: null,
      rawAnswer: false,
    },
    endingNames(request.headers, decision.group.propagate.header),
    env,
  );
  if (outcome.kind === "failed") return { outcome, read: null };
  if (reads) return { outcome, read: await readWithin(outcome.response.body, MAX_MS / 2) };
  await outcome.response.body?.cancel();
  return { outcome, read: null };
}

/** What came of a stream until the cap or the time was up. */
async function readWithin(stream: ReadableStream<Uint8Array> | null, ms: number): Promise<Bytes> {
  if (stream === null) return await readUpTo(stream, 0);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Bytes>((resolve) => {
    timer = setTimeout(() => resolve({ bytes: new Uint8Array(0), cut: true }), ms);
  });
  const reading = readUpTo(stream, MAX_COMPARED_BYTES).catch((): Bytes => ({ bytes: new Uint8Array(0), cut: true }));
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
}

const failure = (outcome: Outcome, status: number): Difference => ({
  path: "status",
  kind: "status",
  left: status,
  right: outcome.kind === "failed" ? outcome.reason : outcome.response.status,
  times: 1,
});

async function compareCopy(
  want: Want,
  copy: Copy,
  served: Served,
  primary: Promise<Taken> | null,
  content: Uint8Array<ArrayBuffer> | null,
): Promise<void> {
  const { decision, facts } = want;
  const { mirror } = copy;
  const { group, service } = decision;
  const rules = rulesOf(mirror);
  const uncompared = (reason: string) => countUncompared(group.name, mirror.lane, service.name, reason);
  const skip = losesCredentials(facts, mirror) ? "credentials" : served.fallback !== null || primary === null ? "fallback" : null;
  if (rules === null || skip !== null || served.candidate === null || primary === null) {
    if (skip !== null && mirror.compare !== null) uncompared(skip);
    await ask(want, copy, mirror.lane, copy.origin, content, false);
    return;
  }
  const probes =
    !isWrite(facts.method) &&
    facts.method !== "OPTIONS" &&
    served.candidate.origin.baggage !== "none" &&
    within(`noise/${group.name}/${mirror.name}`, facts.requestId, mirror.compare!.noisePercent);
  // At the same moment, so that neither is later than the other by the other's time.
  const [candidate, probe, left] = await Promise.all([
    ask(want, copy, mirror.lane, copy.origin, content, true),
    probes ? ask(want, copy, decision.lane, served.candidate.origin, content, true) : null,
    primary.then(answerOf),
  ]);
  const against = async ({ outcome, read }: Asked) => {
    if (outcome.kind === "failed" || read === null)
      return { differences: [failure(outcome, left.status)], truncated: false, skipped: null };
    const { status, headers } = outcome.response;
    return compare(left, await answerOf({ status, headers, read, raw: false }), rules);
  };
  const raw = await against(candidate);
  if (raw.skipped !== null) return uncompared(raw.skipped);
  const noise = probe === null || probe.outcome.kind === "failed" ? null : await against(probe);
  const asked = noise !== null && noise.skipped === null;
  const hidden = redaction(mirror.scrub);
  const shown = raw.differences.map((difference) => redact(difference, hidden));
  countComparison(group.name, mirror.lane, service.name, {
    mirror: mirror.name,
    endpoint: endpointName(facts.method, facts.path),
    probed: asked,
    observed: pair(shown, asked ? noise.differences.map((difference) => redact(difference, hidden)) : null),
    sample:
      shown.length === 0
        ? null
        : JSON.stringify({
            at: new Date().toISOString(),
            traceId: facts.traceId ?? facts.requestId,
            truncated: raw.truncated,
            differences: shown.slice(0, 20),
          }),
  });
}

async function sendCopy(want: Want, copy: Copy, served: Served, primary: Promise<Taken> | null): Promise<void> {
  const size = sizeOf(served.body);
  inFlight += 1;
  bodyBytes += size;
  try {
    // After the answer: scrubbing a large body must not keep the client waiting.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const { group, service } = want.decision;
    const bytes = served.body.content instanceof Uint8Array ? copyBody(served.body.content, want.facts, copy.mirror) : null;
    countCopy(group.name, copy.mirror.lane, service.name, bytes === null || bytes.ok ? null : bytes.error);
    if (bytes !== null && !bytes.ok) return;
    await compareCopy(want, copy, served, primary, bytes === null ? null : bytes.value);
  } catch (error) {
    console.error(
      JSON.stringify({ error: "mirror", mirror: copy.mirror.name, message: error instanceof Error ? error.message : String(error) }),
    );
  } finally {
    inFlight -= 1;
    bodyBytes -= size;
  }
}

/** The primary's answer in two: for the client, and up to the cap for the comparison; null: nothing will be compared. */
export function split(served: Served, copies: readonly Copy[]): { served: Served; taken: Promise<Taken> | null } {
  if (served.outcome?.kind !== "answer" || copies.every(({ mirror }) => mirror.compare === null)) return { served, taken: null };
  const { response } = served.outcome;
  const { status, statusText, headers } = response;
  if (response.body === null) return { served, taken: Promise.resolve({ status, headers, read: NOTHING_READ, raw: true }) };
  const [forClient, forUs] = response.body.tee();
  // Read at once and to its end or cap: a branch that waits would hold all of it in memory.
  const taken = readWithin(forUs, MAX_MS / 2).then((read) => ({ status, headers, read, raw: true }));
  const whole = new Response(forClient, { status, statusText, headers, encodeBody: "manual" });
  return { served: { ...served, outcome: { kind: "answer", response: whole } }, taken };
}

/** Never rejects. */
export async function sendCopies(want: Want, served: Served, copies: readonly Copy[], primary: Promise<Taken> | null): Promise<void> {
  await Promise.all(copies.map((copy) => sendCopy(want, copy, served, primary)));
}
