/** One fetch to one target. Returns an outcome, never throws: what went wrong is data until `respond.ts` (contract section 6). */
import type { Origin } from "../core/lane-group.ts";
import type { HeaderEdits } from "../core/target.ts";
import type { RequestBody } from "./body.ts";
import { bindingOf, type Env, variable } from "./env.ts";

export type Outcome =
  | { readonly kind: "answer"; readonly response: Response }
  | { readonly kind: "failed"; readonly reason: "connect" | "timeout" };

export interface Attempt {
  readonly url: string;
  readonly origin: Origin;
  readonly edits: HeaderEdits;
  readonly body: RequestBody;
  /** Milliseconds until headers must be in, not counting the client's upload; null: no limit. */
  readonly limitMs: number | null;
  /** Ends the fetch when the client has left; null: the fetch outlives the client (a copy). */
  readonly client: AbortSignal | null;
}

const OWNED = /^(?:x[-_]lane|cloudflare[-_]workers[-_]version[-_])/;

/** Names of ours that the client sent, in any spelling an origin might fold into ours (`x_lane_mirror`). */
export function forgedNames(headers: Headers, laneHeader: string): string[] {
  const forged: string[] = [];
  for (const name of headers.keys()) {
    if (OWNED.test(name)) forged.push(name);
    else if (name.includes("_")) {
      const dashed = name.replaceAll("_", "-");
      if (dashed === laneHeader || dashed === "forwarded" || dashed.startsWith("x-forwarded-") || OWNED.test(dashed)) forged.push(name);
    }
  }
  return forged;
}

export function outgoing(request: Request, attempt: Attempt, forged: readonly string[], env: Env): Request {
  const { body, origin, edits } = attempt;
  const init: RequestInit = { redirect: "manual" };
  if (origin.noStore) init.cache = "no-store";
  // The incoming request lends method, headers and `cf`; its body only where nobody has read it.
  const sent =
    body.content === null && request.body === null
      ? new Request(attempt.url, request)
      : new Request(attempt.url, { ...init, method: request.method, headers: request.headers, body: body.content });
  const { headers } = sent;
  for (const name of edits.remove) headers.delete(name);
  for (const name of forged) headers.delete(name);
  for (const [name, value] of edits.set) headers.set(name, value);
  for (const { name, value } of origin.headers) {
    const text = typeof value === "string" ? value : variable(env, value.env);
    if (text === null) headers.delete(name);
    else headers.set(name, text);
  }
  return sent;
}

const TIMED_OUT = Symbol("timeout");

/** Statuses that a Response cannot carry; an origin that sends one speaks no HTTP that a client could use. */
const isStatus = (status: number) => status >= 100 && status <= 599;

async function fetchWithin(send: (signal: AbortSignal | null) => Promise<Response>, { limitMs, client, body }: Attempt): Promise<Response> {
  if (limitMs === null && client === null) return await send(null);
  // Not `AbortSignal.timeout`: it would go on to cut the answer's body after the headers were in.
  const controller = new AbortController();
  const leave = () => controller.abort(client?.reason);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pending = true;
  const start = () => {
    if (pending && limitMs !== null) timer = setTimeout(() => controller.abort(TIMED_OUT), limitMs);
  };
  if (body.uploaded === null) start();
  else void body.uploaded.then(start);
  client?.addEventListener("abort", leave);
  try {
    return await send(controller.signal);
  } finally {
    pending = false;
    clearTimeout(timer);
  }
}

/** The client that left stays wired to the fetch after its headers, so that the origin of an abandoned download hears of it. */
export async function forward(request: Request, attempt: Attempt, forged: readonly string[], env: Env): Promise<Outcome> {
  try {
    const binding = attempt.origin.binding === null ? null : bindingOf(env, attempt.origin.binding);
    if (attempt.origin.binding !== null && binding === null) return { kind: "failed", reason: "connect" };
    const sent = outgoing(request, attempt, forged, env);
    const response = await fetchWithin((signal) => {
      const init = signal === null ? {} : { signal };
      return binding === null ? fetch(sent, init) : binding.fetch(sent, init);
    }, attempt);
    if (isStatus(response.status)) return { kind: "answer", response };
    await response.body?.cancel();
    return { kind: "failed", reason: "connect" };
  } catch (error) {
    return { kind: "failed", reason: error === TIMED_OUT ? "timeout" : "connect" };
  }
}
