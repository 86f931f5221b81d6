/** What the client's answer says beyond the origin's: lane headers, cookie, cache (contract sections 3, 6). Pure. */
import type { Decision } from "./decide.ts";
import type { Facts } from "./facts.ts";
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

/**
 * One visitor's answer, kept out of shared caches: `public` and `s-maxage` become `private`; `no-store`, `no-cache`, `max-age` and
 * the rest stay (RFC 9111, section 5.2.2).
 */
export function privateCacheControl(value: string | null): string {
  const directives = (value ?? "")
    .split(",")
    .map((directive) => directive.trim())
    .filter((directive) => directive !== "");
  const kept = directives.filter((directive) => !/^(public|s-maxage\b.*|proxy-revalidate)$/i.test(directive));
  // `private="set-cookie"` keeps that field private, and nothing else.
  if (kept.some((directive) => /^(private|no-store)$/i.test(directive))) return kept.join(", ");
  return ["private", ...kept].join(", ");
}

/** Would it have another cache keep what must stay with one visitor? All that target one, as `CDN-Cache-Control` (RFC 9213), and their forerunner. */
export const isForSharedCaches = (name: string): boolean => name.endsWith("-cache-control") || name === "surrogate-control";
