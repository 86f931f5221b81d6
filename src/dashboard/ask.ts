/** The pages ask the admin API, in process and as the same person: they decide nothing, and see what a script would see. */
import type { Context } from "hono";
import { admin } from "../admin/api.ts";
import type { Session } from "../admin/session.ts";
import type { Env } from "../edge/env.ts";
import type { Refused } from "./shapes.ts";

export type Page = Context<{ Bindings: Env }>;

export type Reply<T> = { readonly ok: true; readonly body: T } | { readonly ok: false; readonly status: number; readonly body: Refused };

export interface Asked {
  /** A text is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One call of the API. The session's form token shows that a page of ours asks. */
export async function ask<T>(c: Page, session: Session, method: string, path: string, { body, headers }: Asked = {}): Promise<Reply<T>> {
  const url = new URL(`/__lanes${path}`, c.req.url);
  const sent = new Headers({ cookie: c.req.header("cookie") ?? "", origin: url.origin, "x-lane-form": session.form, ...headers });
  const init: RequestInit = { method, headers: sent };
  if (body !== undefined) {
    sent.set("content-type", "application/json");
    init.body = typeof body === "string" ? body : JSON.stringify(body);
  }
  const response = await admin.fetch(new Request(url, init), c.env, c.executionCtx);
  const text = await response.text();
  const answered = text === "" ? null : JSON.parse(text);
  return response.ok ? { ok: true, body: answered } : { ok: false, status: response.status, body: answered };
}

export const groupApi = (name: string, rest = ""): string => `/api/groups/${encodeURIComponent(name)}${rest}`;

/** A write of what the person has seen: nothing else may have happened since. */
export const ifMatch = (revision: string | number | null): Record<string, string> => ({ "if-match": `"${Number(revision)}"` });
