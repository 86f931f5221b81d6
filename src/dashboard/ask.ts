/** The pages ask the admin API, in process and as the same person: they decide nothing, and see what a script would see. */
import type { Context } from "hono";
import { admin } from "../admin/api.ts";
import { isOwnForm, isSameOrigin, type Session, sessionOf } from "../admin/session.ts";
import type { Env } from "../edge/env.ts";

export type Page = Context<{ Bindings: Env }>;

export interface Reply<T> {
  readonly status: number;
  readonly etag: string | null;
  readonly body: T;
}

export function sessionOfPage(c: Page): Session | null {
  return sessionOf(c.req.raw, c.env, Date.now());
}

/** Did our own page send this form, and is its session allowed to? */
export function mayPost(c: Page, session: Session, form: URLSearchParams): boolean {
  return isSameOrigin(c.req.raw) && isOwnForm(session, form.get("form"));
}

/** One call of the API. `session.form` shows that a page of ours asks. */
export async function ask<T>(
  c: Page,
  session: Session,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply<T>> {
  const url = new URL(`/__lanes${path}`, c.req.url);
  const sent = new Headers({
    cookie: c.req.header("cookie") ?? "",
    origin: url.origin,
    "x-lane-form": session.form,
    "x-actor": "page",
    ...headers,
  });
  const init: RequestInit = { method, headers: sent };
  if (body !== undefined) {
    sent.set("content-type", "application/json");
    init.body = typeof body === "string" ? body : JSON.stringify(body);
  }
  const response = await admin.fetch(new Request(url, init), c.env, c.executionCtx);
  const text = await response.text();
  return { status: response.status, etag: response.headers.get("etag"), body: (text === "" ? null : JSON.parse(text)) as T };
}
