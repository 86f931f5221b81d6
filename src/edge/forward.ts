/**
 * One fetch to one target. What went wrong on the way is data until `respond.ts` (contract section 6); it throws only where our own code does,
 * so that no lane is blamed for that.
 */
import type { Facts } from "../core/facts.ts";
import type { Origin } from "../core/lane-group.ts";
import type { HeaderEdits } from "../core/target.ts";
import { goesAsItCame, type RequestBody } from "./body.ts";
import { bindingOf, type Env, variable } from "./env.ts";

export type Outcome =
  | { readonly kind: "answer"; readonly response: Response }
  | { readonly kind: "failed"; readonly reason: "connect" | "timeout" | "incomplete" | "mirror-blocked" };

export interface Attempt {
  readonly url: string;
  readonly facts: Facts;
  readonly origin: Origin;
  readonly edits: HeaderEdits;
  readonly body: RequestBody;
  /** Milliseconds until headers must be in, not counting the client's upload; null: no limit. */
  readonly limitMs: number | null;
  /** Bytes as they are on the wire, so that reading them here does not change what the client gets. */
  readonly rawAnswer: boolean;
}

/** The client's headers that end here: names are looked at once, and only what came is deleted, however many `Connection` lists. */
export function endingNames({ headerNames }: Facts, { ends }: HeaderEdits): string[] {
  return headerNames.filter(ends);
}

/**
 * The outgoing headers. `fetch` makes a Request of its own in any case, so a copy of the incoming headers is all that is made here: a
 * Request of ours would be one object and one copy more (measured: 4 % of a pass-through's CPU).
 */
function outgoingHeaders(request: Request, { origin, facts, edits }: Attempt, env: Env): Headers {
  const headers = new Headers(request.headers);
  for (const name of edits.remove) headers.delete(name);
  for (const name of endingNames(facts, edits)) headers.delete(name);
  for (const [name, value] of edits.set) headers.set(name, value);
  for (const { name, value } of origin.headers) {
    const text = typeof value === "string" ? value : variable(env, value.env);
    if (text === null) headers.delete(name);
    else headers.set(name, text);
  }
  return headers;
}

/** Its body goes with the Request that brought it. */
const isBrought = (request: Request, { body }: Attempt): boolean => body.content !== null && goesAsItCame(request);

function outgoing(request: Request, attempt: Attempt, env: Env): RequestInit {
  const init: RequestInit = { headers: outgoingHeaders(request, attempt, env), redirect: "manual" };
  // Said again, the method of a GET would have the platform refuse the body.
  if (!isBrought(request, attempt)) {
    init.method = request.method;
    init.body = attempt.body.content;
  }
  if (attempt.origin.noStore) init.cache = "no-store";
  if (attempt.rawAnswer) init.encodeResponseBody = "manual";
  return init;
}

/** Statuses that a Response cannot carry; an origin that sends one speaks no HTTP that a client could use. */
const isStatus = (status: number) => status >= 100 && status <= 599;

/** An upload breaks at either end, and looks the same: an origin that died makes its fetch fail within this, a client that left does not. */
const BROKEN_MS = 50;

/** Why we ended a fetch ourselves. */
type GivenUp = "timeout" | "incomplete";

async function fetchWithin(
  send: (signal: AbortSignal | null) => Promise<Response>,
  { limitMs, body }: Attempt,
): Promise<Response | GivenUp> {
  if (limitMs === null && body.uploaded === null) return await send(null);
  // Not `AbortSignal.timeout`: it would go on to cut the answer's body after the headers were in.
  const controller = new AbortController();
  let givenUp = null as GivenUp | null;
  const end = (why: GivenUp) => {
    givenUp = why;
    controller.abort();
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pending = true;
  const start = (whole: boolean) => {
    if (!pending) return;
    if (!whole) timer = setTimeout(end, BROKEN_MS, "incomplete");
    else if (limitMs !== null) timer = setTimeout(end, limitMs, "timeout");
  };
  if (body.uploaded === null) start(true);
  else void body.uploaded.then(start);
  try {
    return await send(controller.signal);
  } catch (error) {
    if (givenUp === null) throw error;
    return givenUp;
  } finally {
    pending = false;
    clearTimeout(timer);
  }
}

const sent = new WeakSet<Request>();

/** May an origin have seen it? Then only what may be repeated is sent again. */
export const wasSent = (request: Request): boolean => sent.has(request);

/**
 * A client that leaves ends the whole request, this fetch with it, where nothing is left in `waitUntil`: copies start after the headers
 * (measured; a listener on `request.signal` costs 4 % of a pass-through's CPU).
 */
export async function forward(request: Request, attempt: Attempt, env: Env): Promise<Outcome> {
  const binding = attempt.origin.binding === null ? null : bindingOf(env, attempt.origin.binding);
  if (attempt.origin.binding !== null && binding === null) return { kind: "failed", reason: "connect" };
  const init = outgoing(request, attempt, env);
  const target = isBrought(request, attempt) ? new Request(attempt.url, request) : attempt.url;
  sent.add(request);
  try {
    const came = await fetchWithin((signal) => {
      if (signal !== null) init.signal = signal;
      return binding === null ? fetch(target, init) : binding.fetch(target, init);
    }, attempt);
    if (typeof came === "string") return { kind: "failed", reason: came };
    if (isStatus(came.status)) return { kind: "answer", response: came };
    await came.body?.cancel();
  } catch {
    // Which of the many ways a connection can fail is not told.
  }
  return { kind: "failed", reason: "connect" };
}
