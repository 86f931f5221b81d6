/** The answer to the client: the one place where failures become a response, and where our headers are put on one (contract sections 3, 4, 6). */
import { cookieFor, isChosen } from "../core/answer.ts";
import type { Decision } from "../core/decide.ts";
import type { Facts } from "../core/facts.ts";
import { rewrapped, tidy } from "./answer.ts";
import type { Served } from "./fallback.ts";

/** Our own errors (contract section 6): `type` is the tag that scripts read, `status` the HTTP status. */
const PROBLEMS = {
  "no-config": [503, "No lane configuration could be read yet."],
  "no-group": [404, "No lane group serves this host."],
  "no-service": [404, "No service of the group serves this host and path."],
  "missing-service": [503, "The lane has no origin for this service, and its group is strict."],
  connect: [502, "The origin could not be reached."],
  "no-context": [403, "This service is open only to requests that have come through the router before."],
  "no-secret": [503, "The router has no secret, so it cannot know its own requests."],
  incomplete: [400, "The request's body ended before it was whole."],
  timeout: [504, "The origin did not answer in time."],
  loop: [508, "The request has passed through too many hops."],
  internal: [502, "The request could not be handled."],
  "mirror-blocked": [403, "A copied request may not write here, or could not be told from a live one behind here."],
  "not-found": [404, "There is nothing here."],
} as const;

export type ProblemReason = keyof typeof PROBLEMS;

/** RFC 9457. Never a stack, a secret or an origin's address. @param told what is known beyond the reason */
export function problem(reason: ProblemReason, told?: string): Response {
  const [status, general] = PROBLEMS[reason];
  const detail = told ?? general;
  const body = { type: `urn:laneway:${reason}`, title: reason, status, detail };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
  });
}

function expose(headers: Headers, decision: Decision, served: Served): void {
  headers.set("x-lane", decision.lane);
  headers.set("x-lane-reason", decision.reason);
  headers.set("x-lane-service", decision.service.name);
  headers.set("x-lane-served-by", served.lane);
  if (served.fallback !== null) headers.set("x-lane-fallback", served.fallback);
}

function answerOf({ outcome }: Served): Response {
  if (outcome === null) return problem("missing-service");
  return outcome.kind === "failed" ? problem(outcome.reason) : rewrapped(outcome.response);
}

/** The answer for the client, whatever came of asking the origins. */
export function respond(decision: Decision, facts: Facts, served: Served): Response {
  const answer = answerOf(served);
  const { headers } = answer;
  const cookie = cookieFor(decision, facts, answer.status);
  const personal = cookie !== null || isChosen(decision);
  if (served.outcome?.kind === "answer") tidy(answer, served.candidate!.origin, facts, decision.group, personal);
  if (cookie !== null) headers.append("set-cookie", cookie);
  if (decision.group.expose) expose(headers, decision, served);
  return answer;
}
