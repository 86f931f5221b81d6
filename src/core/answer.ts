/** What the client's answer says beyond the origin's: lane headers, cookie, cache (contract sections 3, 6). Pure. */
import type { Decision } from "./decide.ts";
import type { Facts } from "./facts.ts";
import { losesBytes } from "./header-text.ts";
import { isDocument, writeCookie } from "./sticky.ts";

/** `Set-Cookie` for this answer, or null: never on errors, never within a chain, and again on documents, so that it does not run out. */
export function cookieFor(decision: Decision, facts: Facts, status: number): string | null {
  const { group, service, visitor, context } = decision;
  if (visitor === null || group.sticky.by !== "cookie" || status >= 400 || context !== null || !service.entry) return null;
  return visitor.fresh || isDocument(group, facts) ? writeCookie(group, visitor.slot, facts) : null;
}

/**
 * Was it chosen for this visitor, so that another may get another origin's answer under the same URL? The baseline's for want of a slot is,
 * too. Within a chain the context says the lane, and where the group is off everybody has the baseline.
 */
export function isChosen({ service, reason, context }: Decision): boolean {
  return service.varies && context === null && reason !== "off" && reason !== "no-secret";
}

/** Parted by commas, but for those in quoted strings (RFC 9110, section 5.6.4). */
const directivesOf = (value: string): string[] =>
  (value.match(/(?:"(?:[^"\\]|\\.)*"?|[^",])+/gs) ?? []).map((directive) => directive.trim()).filter((directive) => directive !== "");

const SHARED = /^(?:public|s-maxage|proxy-revalidate)(?![\w-])/i;

/**
 * One visitor's answer, kept out of shared caches: `public` and `s-maxage` become `private`; `no-store`, `no-cache`, `max-age` and
 * the rest stay (RFC 9111, section 5.2.2). It is written again only where it must change, and then without a directive whose bytes would be
 * lost: privacy goes before what an extension may mean.
 */
export function privateCacheControl(value: string | null): string {
  const directives = directivesOf(value ?? "");
  const kept = directives.filter((directive) => !SHARED.test(directive));
  // `private="set-cookie"` keeps that field private, and nothing else.
  const isPrivate = kept.some((directive) => /^(private|no-store)$/i.test(directive));
  if (value !== null && isPrivate && kept.length === directives.length) return value;
  return [...(isPrivate ? [] : ["private"]), ...kept.filter((directive) => !losesBytes(directive))].join(", ");
}

/**
 * These speak to one shared cache alone, and over `Cache-Control`: `CDN-Cache-Control` and its kind (RFC 9213, section 2) end so, and
 * `Surrogate-Control` (W3C Edge Architecture) came before it; nginx (ngx_http_proxy_module, `proxy_cache_valid`) and Akamai have their own.
 */
const OF_SHARED_CACHES = new Set(["surrogate-control", "x-accel-expires", "edge-control"]);

/** Would it have a shared cache keep what must stay with one visitor? Lower case. */
export const isForSharedCaches = (name: string): boolean => name.endsWith("-cache-control") || OF_SHARED_CACHES.has(name);
