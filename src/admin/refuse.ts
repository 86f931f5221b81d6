/** The admin API's own errors: RFC 9457, each with a tag that scripts read and words that say what to do next. */
import type { Problem } from "../core/problem.ts";

const STATUS = {
  invalid: 422,
  "not-json": 400,
  unauthorized: 401,
  forbidden: 403,
  "cross-site": 403,
  "no-group": 404,
  "no-revision": 404,
  drift: 409,
  exhausted: 409,
  gone: 410,
  stale: 412,
  "too-large": 413,
  "precondition-required": 428,
  busy: 429,
  "no-publisher": 501,
  unwritten: 503,
  "kv-unavailable": 503,
} as const;

export type RefusalTag = keyof typeof STATUS;

/** Seconds after which it makes sense to ask again. */
const RETRY_AFTER: Partial<Record<RefusalTag, number>> = { busy: 5, unwritten: 5, "kv-unavailable": 5 };

/** What was sent cannot be used: nothing was done. */
export const invalid = (detail: string, ...problems: Problem[]): Response => refuse("invalid", detail, { problems });

/** @param more further members of the problem, such as `problems` */
export function refuse(tag: RefusalTag, detail: string, more: object = {}): Response {
  const headers = new Headers({ "content-type": "application/problem+json", "cache-control": "no-store" });
  if (tag === "unauthorized") headers.set("www-authenticate", 'Bearer realm="laneway"');
  const retry = RETRY_AFTER[tag];
  if (retry !== undefined) headers.set("retry-after", String(retry));
  return new Response(JSON.stringify({ type: `urn:laneway:${tag}`, title: tag, status: STATUS[tag], detail, ...more }), {
    status: STATUS[tag],
    headers,
  });
}
