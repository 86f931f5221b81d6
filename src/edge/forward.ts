/** One fetch to one target. Returns an outcome, never throws: what went wrong is data until `respond.ts` (contract section 6). */
import type { Origin } from "../core/lane-group.ts";
import { endsHere, type HeaderEdits } from "../core/target.ts";
import type { RequestBody } from "./body.ts";
import { bindingOf, type Env, variable } from "./env.ts";

export type Outcome =
  | { readonly kind: "answer"; readonly response: Response }
  | { readonly kind: "failed"; readonly reason: "connect" | "timeout" | "mirror-blocked" };

export interface Attempt {
  readonly url: string;
  readonly origin: Origin;
  readonly edits: HeaderEdits;
  readonly body: RequestBody;
  /** Milliseconds until headers must be in, not counting the client's upload; null: no limit. */
  readonly limitMs: number | null;
  /** Ends the fetch when the client has left; null: the fetch outlives the client (a copy). */
  readonly client: AbortSignal | null;
  /** Bytes as they are on the wire, so that reading them here does not change what the client gets. */
  readonly rawAnswer: boolean;
}

/** The client's headers that end here: names are looked at once, and only what came is deleted. */
export function endingNames(headers: Headers, laneHeader: string): string[] {
  const ending: string[] = [];
  for (const name of headers.keys()) if (endsHere(name, laneHeader)) ending.push(name);
  return ending;
}

/**
 * The outgoing headers. `fetch` makes a Request of its own in any case, so a copy of the incoming headers is all that is made here: a
 * Request of ours would be one object and one copy more (measured: 4 % of a pass-through's CPU).
 */
function outgoingHeaders(request: Request, { origin, edits }: Attempt, ending: readonly string[], env: Env): Headers {
  const headers = new Headers(request.headers);
  for (const name of edits.remove) headers.delete(name);
  for (const name of ending) headers.delete(name);
  for (const [name, value] of edits.set) headers.set(name, value);
  for (const { name, value } of origin.headers) {
    const text = typeof value === "string" ? value : variable(env, value.env);
    if (text === null) headers.delete(name);
    else headers.set(name, text);
  }
  return headers;
}

function outgoing(request: Request, attempt: Attempt, ending: readonly string[], env: Env): RequestInit {
  const init: RequestInit = {
    method: request.method,
    headers: outgoingHeaders(request, attempt, ending, env),
    body: attempt.body.content,
    redirect: "manual",
  };
  if (attempt.origin.noStore) init.cache = "no-store";
  if (attempt.rawAnswer) init.encodeResponseBody = "manual";
  return init;
}

/** Thrown when we gave up; not the abort's reason, because the platform rejects with an error of its own. */
const TIMED_OUT = new Error("timeout");

/** Statuses that a Response cannot carry; an origin that sends one speaks no HTTP that a client could use. */
const isStatus = (status: number) => status >= 100 && status <= 599;

async function fetchWithin(send: (signal: AbortSignal | null) => Promise<Response>, { limitMs, client, body }: Attempt): Promise<Response> {
  if (limitMs === null && client === null) return await send(null);
  // Not `AbortSignal.timeout`: it would go on to cut the answer's body after the headers were in.
  const controller = new AbortController();
  const leave = () => controller.abort();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pending = true;
  let late = false;
  const giveUp = () => {
    late = true;
    controller.abort();
  };
  // Not while the body is on its way: an abort would end a chunked body as if it were whole. A client that leaves breaks it off instead.
  const start = () => {
    client?.addEventListener("abort", leave);
    if (pending && limitMs !== null) timer = setTimeout(giveUp, limitMs);
  };
  if (body.uploaded === null) start();
  else void body.uploaded.then(start);
  try {
    return await send(controller.signal);
  } catch (error) {
    throw late ? TIMED_OUT : error;
  } finally {
    pending = false;
    clearTimeout(timer);
  }
}

/** The client that left stays wired to the fetch after its headers, so that the origin of an abandoned download hears of it. */
export async function forward(request: Request, attempt: Attempt, ending: readonly string[], env: Env): Promise<Outcome> {
  try {
    const binding = attempt.origin.binding === null ? null : bindingOf(env, attempt.origin.binding);
    if (attempt.origin.binding !== null && binding === null) return { kind: "failed", reason: "connect" };
    const init = outgoing(request, attempt, ending, env);
    const response = await fetchWithin((signal) => {
      if (signal !== null) init.signal = signal;
      return binding === null ? fetch(attempt.url, init) : binding.fetch(attempt.url, init);
    }, attempt);
    if (isStatus(response.status)) return { kind: "answer", response };
    await response.body?.cancel();
    return { kind: "failed", reason: "connect" };
  } catch (error) {
    return { kind: "failed", reason: error === TIMED_OUT ? "timeout" : "connect" };
  }
}
