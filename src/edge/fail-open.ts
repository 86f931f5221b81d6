/**
 * An exception in our own code before the answer still sends the request to the baseline, less all that contract section 4 removes,
 * while its body is unread (contract section 6). It shares as little as it can with the way that just failed: no decision, no context,
 * no fallback, no copy.
 */

import { writeBaggage } from "../core/baggage.ts";
import { saysCopy } from "../core/context.ts";
import type { Facts } from "../core/facts.ts";
import { isRepeatable, isUpgrade } from "../core/fallback.ts";
import { contextTexts, NOTHING_CAME, readIncoming, refusalOf } from "../core/incoming.ts";
import type { LaneGroup, Origin, Service } from "../core/lane-group.ts";
import { findService } from "../core/locate.ts";
import { claimedHops, cookieOf, endingOf, type HeaderEdits, isOwnMember, MAX_HOPS, originUrl } from "../core/target.ts";
import { rewrapped, tidy } from "./answer.ts";
import { asItCame } from "./body.ts";
import type { Env } from "./env.ts";
import { forward, wasSent } from "./forward.ts";
import { report } from "./harmless.ts";
import { problem } from "./respond.ts";
import { signerOf } from "./sign.ts";

/** Nobody checks the signature here: what says that it is a copy is taken for one. */
function bearsMark(group: LaneGroup, facts: Facts): boolean {
  if (facts.headers.get("x-lane-mirror")) return true;
  const { own, others } = contextTexts(group.name, facts);
  return [...own, ...others].some(saysCopy);
}

/** A service that admits only what a group of ours sent stays closed here, too: without a signature that can be checked, to everybody. */
async function isRefused(group: LaneGroup, service: Service, facts: Facts, env: Env): Promise<boolean> {
  if (!service.signed) return false;
  const signer = await signerOf(env);
  return refusalOf(service, signer === null ? NOTHING_CAME : readIncoming(group.name, facts, signer), signer) !== null;
}

function bareEdits(group: LaneGroup, facts: Facts, origin: Origin): HeaderEdits {
  const baggage = origin.baggage === "none" ? "" : writeBaggage(facts.baggage, [], isOwnMember(group)).header;
  const cookie = cookieOf(group, facts);
  const set: [name: string, value: string | null][] = [
    ["baggage", baggage || null],
    ...(cookie === null ? [] : [["cookie", cookie || null] as [string, string | null]]),
    ["x-lane-hops", String(claimedHops(facts) + 1)],
    ["x-forwarded-host", facts.authority],
    ["x-forwarded-proto", facts.secure ? "https" : "http"],
    ["x-forwarded-for", facts.ip],
    ["upgrade", isUpgrade(facts) ? "websocket" : null],
    // The part may be another version's; an origin may always send the whole (RFC 9110, section 14.2).
    ["range", null],
  ];
  return {
    ends: endingOf(group, facts, origin, false),
    remove: set.map(([name]) => name),
    set: set.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])),
    baggageDropped: 0,
  };
}

/** Never throws. */
export async function failOpen(request: Request, group: LaneGroup, facts: Facts, env: Env): Promise<Response> {
  try {
    const service = findService(group.serviceIndex, facts.host, facts.plainPath);
    if (service === null || (await isRefused(group, service, facts, env))) return problem("internal");
    const origin = group.lanes.get(group.baseline)?.origins.get(service.name);
    const twice = wasSent(request) && !isRepeatable(group, facts);
    if (origin === undefined || bearsMark(group, facts) || request.bodyUsed || request.body?.locked || twice) return problem("internal");
    if (claimedHops(facts) > MAX_HOPS) return problem("loop");
    const attempt = {
      url: originUrl(origin, facts),
      facts,
      origin,
      edits: bareEdits(group, facts, origin),
      body: asItCame(request),
      limitMs: null,
      rawAnswer: false,
    };
    const outcome = await forward(request, attempt, env);
    if (outcome.kind === "failed") return problem(outcome.reason);
    const answer = rewrapped(outcome.response);
    // Whom it was chosen for is not known; without the fault another visitor may get another origin's.
    tidy(answer, origin, facts, group, service.varies);
    return answer;
  } catch (error) {
    report(error, group.name);
    return problem("internal");
  }
}
