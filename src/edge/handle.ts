/**
 * Load the group → read the facts → decide (context, rules, slots → lane and reason) → find the service's origin in that lane, or
 * the baseline's → forward, with fallback → answer the client → count (contract section 1).
 */

import type { Signer } from "../core/context.ts";
import { type Decision, decide } from "../core/decide.ts";
import { type Facts, readFacts } from "../core/facts.ts";
import { findGroup } from "../core/locate.ts";
import { hopsOf, MAX_HOPS } from "../core/target.ts";
import type { Env } from "./env.ts";
import { failOpen } from "./fail-open.ts";
import { serve } from "./fallback.ts";
import { flushSoon } from "./flush.ts";
import { currentGroups, firstGroups, type GroupInForce, type Snapshot } from "./groups-kv.ts";
import { bytesToKeep, compares, sendCopies, split, startCopies } from "./mirror.ts";
import { type ProblemReason, problem, respond } from "./respond.ts";
import { signerOf } from "./sign.ts";
import { count, log } from "./signals.ts";

/** 128 random bits as hex: a request id, and a trace id where none came. */
function randomId(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

export function factsOf(request: Request, now: number): Facts {
  return readFacts({
    method: request.method,
    url: request.url,
    headers: request.headers,
    ip: request.headers.get("cf-connecting-ip"),
    now: Math.floor(now / 1000),
    requestId: randomId(),
    slot: null,
  });
}

/** Everything goes to the baseline where the group is switched off, or is a last resort. */
export function overrideOf(snapshot: Snapshot, { group, source }: GroupInForce): string | null {
  if (snapshot.off === "*" || snapshot.off.has(group.name)) return "off";
  return source === "fallback" ? "baseline" : null;
}

interface Asked {
  readonly request: Request;
  readonly facts: Facts;
  readonly decision: Decision;
  readonly revision: string;
  readonly env: Env;
  readonly signer: Signer | null;
  /** Milliseconds. */
  readonly startedAt: number;
}

async function answer(asked: Asked, ctx: ExecutionContext): Promise<Response> {
  const { decision, facts, revision, env, startedAt } = asked;
  const served = await serve({ ...asked, keepBytes: bytesToKeep(asked), synthetic: false, rawAnswer: compares(asked) });
  const copies = startCopies(asked, served);
  const { served: primary, taken } = copies.length > 0 ? split(served, copies) : { served, taken: null };
  const response = respond(decision, facts, primary);
  if (copies.length > 0) ctx.waitUntil(sendCopies(asked, served, copies, taken));
  count(decision, served, response.status);
  log(facts, { group: decision.group, revision, decision, served, reason: decision.reason, status: response.status, startedAt });
  flushSoon(env, ctx, startedAt);
  return response;
}

function refuse(reason: ProblemReason, facts: Facts, inForce: GroupInForce | null, startedAt: number): Response {
  const response = problem(reason);
  const { group, revision } = inForce ?? { group: null, revision: null };
  log(facts, { group, revision, decision: null, served: null, reason, status: response.status, startedAt });
  return response;
}

/** The snapshot that serves this request from start to end; a cold isolate that has no group for the host waits for KV. */
async function groupsFor(facts: Facts, env: Env, ctx: ExecutionContext, now: number): Promise<Snapshot> {
  const snapshot = await currentGroups(env, ctx, now);
  return findGroup(snapshot.index, facts.host) === null ? await firstGroups(env, snapshot) : snapshot;
}

export async function handle(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const now = Date.now();
  const facts = factsOf(request, now);
  const snapshot = await groupsFor(facts, env, ctx, now);
  const group = findGroup(snapshot.index, facts.host);
  if (group === null) return refuse(snapshot.groups.size === 0 || snapshot.readAt === 0 ? "no-config" : "no-group", facts, null, now);
  const inForce = snapshot.groups.get(group.name)!;
  const signer = signerOf(env);
  try {
    const decision = decide(group, facts, { override: overrideOf(snapshot, inForce), signer });
    if (decision === null) return refuse("no-service", facts, inForce, now);
    if (hopsOf(decision, facts) > MAX_HOPS) return refuse("loop", facts, inForce, now);
    return await answer({ request, facts, decision, revision: inForce.revision, env, signer, startedAt: now }, ctx);
  } catch (error) {
    return await failOpen(request, group, facts, env, signer, error);
  }
}
