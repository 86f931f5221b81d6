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
import { currentGroups, type GroupInForce, type Snapshot } from "./groups-kv.ts";
import { problem, respond } from "./respond.ts";
import { signerOf } from "./sign.ts";
import { count, isLogged, logLine } from "./signals.ts";

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

async function answer(
  request: Request,
  facts: Facts,
  decision: Decision,
  revision: string,
  env: Env,
  signer: Signer | null,
): Promise<Response> {
  const started = Date.now();
  const served = await serve({ request, decision, facts, env, signer, keepBytes: 0, synthetic: false });
  const response = respond(decision, facts, served);
  count(decision, served, response.status);
  if (isLogged(decision, facts))
    console.log(logLine(decision, facts, revision, served, { status: response.status, durationMs: Date.now() - started }));
  return response;
}

export async function handle(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const now = Date.now();
  const snapshot = await currentGroups(env, ctx, now);
  const facts = factsOf(request, now);
  const group = findGroup(snapshot.index, facts.host);
  if (group === null) return problem(snapshot.groups.size === 0 ? "no-config" : "no-group");
  const inForce = snapshot.groups.get(group.name)!;
  const signer = signerOf(env);
  try {
    const decision = decide(group, facts, { override: overrideOf(snapshot, inForce), signer });
    if (decision === null) return problem("no-service");
    if (hopsOf(decision, facts) > MAX_HOPS) return problem("loop");
    return await answer(request, facts, decision, inForce.revision, env, signer);
  } catch (error) {
    return await failOpen(request, group, facts, env, signer, error);
  }
}
