/**
 * An exception in our own code before the answer still sends the request to the baseline, less all that contract section 4 removes,
 * while its body is unread (contract section 6). It shares as little as it can with the way that just failed.
 */
import type { Signer } from "../core/context.ts";
import { decide } from "../core/decide.ts";
import type { Facts } from "../core/facts.ts";
import type { LaneGroup } from "../core/lane-group.ts";
import { headerEdits, originUrl } from "../core/target.ts";
import { NO_BODY } from "./body.ts";
import type { Env } from "./env.ts";
import { endingNames, forward } from "./forward.ts";
import { problem } from "./respond.ts";

export async function failOpen(
  request: Request,
  group: LaneGroup,
  facts: Facts,
  env: Env,
  signer: Signer | null,
  error: unknown,
): Promise<Response> {
  console.error(JSON.stringify({ error: "internal", group: group.name, message: error instanceof Error ? error.message : String(error) }));
  try {
    const decision = decide(group, facts, { override: "baseline", signer });
    const origin = decision && group.lanes.get(group.baseline)?.origins.get(decision.service.name);
    if (!decision || !origin || decision.copy !== null || request.bodyUsed) return problem("internal");
    const body = request.body === null ? NO_BODY : { content: request.body, replayable: false, uploaded: null };
    const attempt = {
      url: originUrl(origin, facts),
      origin,
      edits: headerEdits(decision, facts, origin, signer),
      body,
      limitMs: null,
      client: null,
      rawAnswer: false,
    };
    const outcome = await forward(request, attempt, endingNames(request.headers, group.propagate.header), env);
    return outcome.kind === "answer" ? outcome.response : problem(outcome.reason);
  } catch {
    return problem("internal");
  }
}
