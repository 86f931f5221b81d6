/** The answer to the client: the one place where failures become a response, and where our headers are put on one (contract sections 3, 4, 6). */
import { cookieFor, isChosen, isForSharedCaches, privateCacheControl, publicLocation, publicSetCookie } from "../core/answer.ts";
import type { Decision } from "../core/decide.ts";
import type { Facts } from "../core/facts.ts";
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

/** RFC 9457. Never a stack, a secret or an origin's address. */
export function problem(reason: ProblemReason): Response {
  const [status, detail] = PROBLEMS[reason];
  const body = { type: `urn:laneway:${reason}`, title: reason, status, detail };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
  });
}

function keepPrivate(headers: Headers): void {
  const before = headers.get("cache-control");
  const after = privateCacheControl(before);
  if (after !== before) headers.set("cache-control", after);
}

function mapBack(headers: Headers, served: Served, facts: Facts): void {
  const origin = served.candidate!.origin;
  for (const name of ["location", "content-location"]) {
    const value = headers.get(name);
    const mapped = value === null ? null : publicLocation(value, origin, facts);
    if (mapped !== null) headers.set(name, mapped);
  }
  if (!headers.has("set-cookie")) return;
  const cookies = headers.getSetCookie();
  const mapped = cookies.map((cookie) => publicSetCookie(cookie, origin));
  if (mapped.every((cookie, at) => cookie === cookies[at])) return;
  headers.delete("set-cookie");
  for (const cookie of mapped) headers.append("set-cookie", cookie);
}

/** RFC 9110, section 7.6.1; a 101 needs its `Upgrade`. */
function endHopByHop(headers: Headers, upgraded: boolean): void {
  const connection = headers.get("connection");
  if (connection !== null && !upgraded)
    for (const name of connection.split(",")) if (/^[\w-]+$/.test(name.trim())) headers.delete(name.trim());
  headers.delete("proxy-authenticate");
}

function expose(headers: Headers, decision: Decision, served: Served): void {
  headers.set("x-lane", decision.lane);
  headers.set("x-lane-reason", decision.reason);
  headers.set("x-lane-service", decision.service.name);
  headers.set("x-lane-served-by", served.lane);
  if (served.fallback !== null) headers.set("x-lane-fallback", served.fallback);
}

function answerOf(served: Served): Response {
  if (served.outcome === null) return problem("missing-service");
  if (served.outcome.kind === "failed") return problem(served.outcome.reason);
  const { response } = served.outcome;
  // Re-wrapped, not rebuilt: body, encoding and a WebSocket stay what they are; only the headers become ours to change.
  return new Response(response.body, response);
}

/** The answer for the client, whatever came of asking the origins. */
export function respond(decision: Decision, facts: Facts, served: Served): Response {
  const answer = answerOf(served);
  const { headers } = answer;
  const cookie = cookieFor(decision, facts, answer.status);
  const chosen = cookie !== null || isChosen(decision);
  if (served.outcome?.kind === "answer") {
    for (const name of [...headers.keys()]) if (name.startsWith("x-lane") || (chosen && isForSharedCaches(name))) headers.delete(name);
    endHopByHop(headers, answer.status === 101);
    mapBack(headers, served, facts);
  }
  if (chosen) keepPrivate(headers);
  if (cookie !== null) headers.append("set-cookie", cookie);
  if (decision.group.expose) expose(headers, decision, served);
  return answer;
}
