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
import { harmless, report } from "./harmless.ts";
import { type ProblemReason, problem, respond } from "./respond.ts";
import { signerOf } from "./sign.ts";
import { countAnswered, countAsked, log } from "./signals.ts";

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

interface Arrived {
  readonly request: Request;
  readonly facts: Facts;
  readonly env: Env;
  /** Milliseconds. */
  readonly startedAt: number;
}

interface Asked extends Arrived {
  readonly decision: Decision;
  readonly revision: string;
  readonly signer: Signer | null;
  /** Nothing is copied where everything goes to the baseline. */
  readonly override: string | null;
}

async function answer(asked: Asked, ctx: ExecutionContext): Promise<Response> {
  const { request, decision, facts, revision, env, override, startedAt } = asked;
  harmless(() => countAsked(decision, facts));
  // What groups without mirrors never need is not loaded for them.
  const mirror = override === null && decision.group.mirrors.length > 0 ? await import("./mirror.ts") : null;
  const plan = mirror?.planCopies(asked) ?? null;
  const served = await serve({ ...asked, upload: plan?.upload ?? request, synthetic: false, rawAnswer: plan?.compares ?? false });
  const copies = plan === null ? null : mirror!.startCopies(asked, plan, served);
  const response = respond(decision, facts, copies?.served ?? served);
  // The client's answer is there: nothing that is left to do may cost it.
  if (copies?.sending) ctx.waitUntil(copies.sending);
  harmless(() => countAnswered(decision, facts, served, response.status));
  harmless(() =>
    log(facts, { group: decision.group, revision, decision, served, reason: decision.reason, status: response.status, startedAt }),
  );
  harmless(() => flushSoon(env, ctx, startedAt));
  return response;
}

function logUndecided({ facts, startedAt }: Arrived, inForce: GroupInForce | null, reason: string, response: Response): Response {
  const { group, revision } = inForce ?? { group: null, revision: null };
  harmless(() => log(facts, { group, revision, decision: null, served: null, reason, status: response.status, startedAt }));
  return response;
}

const refuse = (arrived: Arrived, inForce: GroupInForce | null, reason: ProblemReason): Response =>
  logUndecided(arrived, inForce, reason, problem(reason));

/** The snapshot that serves this request from start to end; a cold isolate that has no group for the host waits for KV. */
async function groupsFor(facts: Facts, env: Env, ctx: ExecutionContext, now: number): Promise<Snapshot> {
  const snapshot = await currentGroups(env, ctx, now);
  return findGroup(snapshot.index, facts.host) === null ? await firstGroups(env, snapshot) : snapshot;
}

/** Nobody serves the host: because nobody shall, or because a group that should be here is not. What is wrong with it is for its operators. */
function nobody(arrived: Arrived, { readAt, missing, blind }: Snapshot): Response {
  const unread = (told?: string) => logUndecided(arrived, null, "no-config", problem("no-config", told));
  if (readAt === 0) return unread();
  if (findGroup(missing, arrived.facts.host) !== null) return unread("The lane group of this host cannot be read.");
  return blind ? unread("A lane group cannot be read, and no other one serves this host.") : refuse(arrived, null, "no-group");
}

/** An exception before the group is known can only be told. */
export async function handle(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const startedAt = Date.now();
  try {
    const facts = factsOf(request, startedAt);
    const arrived = { request, facts, env, startedAt };
    const snapshot = await groupsFor(facts, env, ctx, startedAt);
    const group = findGroup(snapshot.index, facts.host);
    if (group !== null) return await handleIn(snapshot, snapshot.groups.get(group.name)!, arrived, ctx);
    return nobody(arrived, snapshot);
  } catch (error) {
    report(error, null);
    return problem("internal");
  }
}

async function handleIn(snapshot: Snapshot, inForce: GroupInForce, arrived: Arrived, ctx: ExecutionContext): Promise<Response> {
  const { request, facts, env } = arrived;
  const { group, revision } = inForce;
  try {
    const signer = await signerOf(env);
    const override = overrideOf(snapshot, inForce);
    const decision = decide(group, facts, { override, signer });
    if (decision === null) return refuse(arrived, inForce, "no-service");
    if (decision.refused !== null) return refuse(arrived, inForce, decision.refused);
    if (hopsOf(decision, facts) > MAX_HOPS) return refuse(arrived, inForce, "loop");
    return await answer({ ...arrived, decision, revision, signer, override }, ctx);
  } catch (error) {
    report(error, group.name);
    return logUndecided(arrived, inForce, "internal", await failOpen(request, group, facts, env));
  }
}
