/**
 * The pages' login (contract section 9): the token once, then a signed cookie that holds no secret. The key is made of the token, so that a
 * new token ends all sessions. A cookie comes along whoever asks, so a write must also show that our own page sent it.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { type Env, MIN_SECRET_LENGTH } from "../edge/env.ts";
import type { Identity } from "./access.ts";
import { scopeOf } from "./auth.ts";

export type Scope = "read" | "write";

export interface Session {
  readonly scope: Scope;
  /** Whom Cloudflare Access let in; null: somebody who knows the token. */
  readonly name: string | null;
  /** Goes into every form, as field or header `x-lane-form`; not readable for other sites. */
  readonly form: string;
}

const MAX_AGE_SECONDS = 12 * 60 * 60;

/** The pages are served only on `ADMIN_HOST`, or in the local run (which allows insecure origins, and only it does). */
export function hasPages(env: Env): boolean {
  return env.ADMIN_HOST !== undefined || env.INSECURE_ORIGINS === "true";
}

/** The `__Host-` prefix binds a cookie to one host, and needs https (RFC 6265bis, section 4.1.3.2). */
const cookieName = (url: URL) => (url.protocol === "https:" ? "__Host-lane-admin" : "lane-admin");

const cookie = (url: URL, value: string, maxAge: number) =>
  `${cookieName(url)}=${value}; Max-Age=${maxAge}; Path=/; HttpOnly;${url.protocol === "https:" ? " Secure;" : ""} SameSite=Strict`;

function hmac(scope: Scope, env: Env, text: string): string | null {
  const token = scope === "write" ? env.LANEWAY_ADMIN_TOKEN : env.LANEWAY_READ_TOKEN;
  if ((token?.length ?? 0) < MIN_SECRET_LENGTH) return null;
  return createHmac("sha256", `laneway session ${token}`).update(text).digest("base64url");
}

/** `Set-Cookie` for whoever shows a token; null: the token is not known. */
export function login(token: string, url: URL, env: Env, now: number): string | null {
  const scope = scopeOf(`Bearer ${token}`, env);
  return scope === null ? null : open(scope, "", url, env, MAX_AGE_SECONDS, now);
}

/** `Set-Cookie` for whom Cloudflare Access let in, for as long as it would. */
export function loginBy({ name, until }: Identity, url: URL, env: Env, now: number): string {
  return open("write", name, url, env, Math.min(MAX_AGE_SECONDS, Math.floor((until - now) / 1000)), now);
}

function open(scope: Scope, name: string, url: URL, env: Env, seconds: number, now: number): string {
  const end = Math.floor(now / 1000) + seconds;
  const content = `1.${scope}.${end}.${crypto.randomUUID()}.${Buffer.from(name).toString("base64url")}`;
  return cookie(url, `${content}.${hmac(scope, env, content)}`, seconds);
}

/** Where a log-in leads: to the page that somebody came for, if it is one of ours. */
export function pageAfterLogin(to: string | null, url: URL): string {
  const target = to?.startsWith("/__lanes/") ? URL.parse(to, url) : null;
  const ours = target?.origin === url.origin && /^\/__lanes\/(?!api\/|log(?:in|out)(?:\/|$))/.test(target.pathname);
  return ours ? `${target.pathname}${target.search}` : "/__lanes/";
}

export const logout = (url: URL): string => cookie(url, "", 0);

const same = (a: string, b: string) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** null: no session, or one that is over, forged or of an earlier token. */
export function sessionOf(request: Request, env: Env, now: number): Session | null {
  if (!hasPages(env)) return null;
  const name = cookieName(new URL(request.url));
  const pairs = (request.headers.get("cookie") ?? "").split(/; */);
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
  const parts = /^(1\.(read|write)\.(\d{1,12})\.[0-9a-f-]{36}\.([\w-]{0,400}))\.([\w-]{43})$/.exec(value);
  if (parts === null || Number(parts[3]) * 1000 <= now) return null;
  const [content, scope] = [parts[1]!, parts[2] as Scope];
  const signature = hmac(scope, env, content);
  if (signature === null || !same(signature, parts[5]!)) return null;
  return { scope, name: Buffer.from(parts[4]!, "base64url").toString() || null, form: hmac(scope, env, `form ${content}`)! };
}

/**
 * Did our own page send this? `Sec-Fetch-Site` cannot be forged by a page; browsers without it send `Origin`. A form of a page with
 * `Referrer-Policy: no-referrer` has `Origin: null` (Fetch, section 3.2), so that alone says nothing.
 */
export function isSameOrigin(request: Request): boolean {
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  if (site !== null && site !== "same-origin") return false;
  if (origin === null || origin === "null") return site === "same-origin";
  return origin === new URL(request.url).origin;
}

export function isOwnForm(session: Session, given: string | null | undefined): boolean {
  return typeof given === "string" && same(given, session.form);
}
