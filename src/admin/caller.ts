/** Who asks, and may they? One place for both ways in, token and session; closed in case of doubt. */
import type { Env } from "../edge/env.ts";
import { scopeOf } from "./auth.ts";
import { refuse } from "./refuse.ts";
import { isOwnForm, isSameOrigin, type Scope, sessionOf } from "./session.ts";

export interface Caller {
  readonly scope: Scope;
  /** For the audit: a name that was verified, or null, and how the caller came. */
  readonly name: string | null;
  readonly by: "api" | "page";
}

/** Asks only, though it is a POST. */
const ASKS = /^\/__lanes\/api\/(?:explain|groups\/[^/]+\/check)$/;

export const isWrite = (request: Request): boolean =>
  request.method !== "GET" && request.method !== "HEAD" && !ASKS.test(new URL(request.url).pathname);

/** A token that comes along decides alone: a wrong one is never mended by a cookie. */
export function callerOf(request: Request, env: Env, now: number): Caller | Response {
  const authorization = request.headers.get("authorization");
  if (authorization !== null) {
    const scope = scopeOf(authorization, env);
    if (scope === null) return refuse("unauthorized", "The token is not known.");
    return permitted(request, { scope, name: null, by: "api" });
  }
  const session = sessionOf(request, env, now);
  if (session === null) return refuse("unauthorized", "Send `Authorization: Bearer` with the admin token or the read token.");
  const asks = request.method === "GET" || request.method === "HEAD";
  // Other sites' pages can send text and forms, but neither JSON nor our header without asking first.
  const json = request.body === null || (request.headers.get("content-type") ?? "").startsWith("application/json");
  if (!asks && !(isSameOrigin(request) && isOwnForm(session, request.headers.get("x-lane-form")) && json)) {
    return refuse("cross-site", "A session may only write from Laneway's own pages.");
  }
  return permitted(request, { scope: session.scope, name: session.name, by: "page" });
}

function permitted(request: Request, caller: Caller): Caller | Response {
  return isWrite(request) && caller.scope !== "write" ? refuse("forbidden", "The read token may only read.") : caller;
}
