import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { admin } from "../../src/admin/api.ts";
import { forgetGroups } from "../../src/edge/groups-kv.ts";
import { workerEnv } from "./group.ts";

export const ADMIN_TOKEN = "admin-token-admin-token-admin-token-1";
export const READ_TOKEN = "read-token-read-token-read-token-0001";

export interface Call {
  /** An object is sent as JSON, a text or stream as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The admin token if left out; null: none. */
  readonly token?: string | null;
  readonly origin?: string;
  readonly env?: Readonly<Record<string, unknown>>;
}

/** One call of the admin API, and all that it left to be done behind the answer. */
export async function call(
  method: string,
  path: string,
  { body, headers = {}, token = ADMIN_TOKEN, origin, env }: Call = {},
): Promise<Response> {
  const ctx = createExecutionContext();
  const request = new Request(`${origin ?? "http://router.test"}${path}`, {
    method,
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
    redirect: "manual",
    ...(body === undefined ? {} : { body: typeof body === "string" || body instanceof ReadableStream ? body : JSON.stringify(body) }),
  });
  const answer = await admin.fetch(
    request,
    { ...workerEnv, LANEWAY_ADMIN_TOKEN: ADMIN_TOKEN, LANEWAY_READ_TOKEN: READ_TOKEN, ...env },
    ctx,
  );
  await waitOnExecutionContext(ctx);
  return answer;
}

export const create = (name: string, file: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  call("PUT", `/__lanes/api/groups/${name}`, { body: file, headers: { "if-none-match": "*", ...headers } });

/** What is in force here is read anew with the next call. */
export const refreshGroups = forgetGroups;
