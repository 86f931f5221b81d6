/** Who may ask (contract section 9): closed unless a token is set, bearer only, compared in constant time; a read token may only read. */
import { createHash, timingSafeEqual } from "node:crypto";
import { hostName } from "../core/facts.ts";
import { percentDecode } from "../core/percent.ts";
import { type Env, MIN_SECRET_LENGTH } from "../edge/env.ts";

export const ADMIN_PATH = "/__lanes";

/** Every spelling that some server would read as our prefix: escapes, upper case, doubled slashes, dots on the way. */
function isAdminSpelling(path: string): boolean {
  const segments: string[] = [];
  for (const segment of percentDecode(path).split(/[/\\]/)) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return `/${segments[0] ?? ""}`.toLowerCase().startsWith(ADMIN_PATH);
}

/** Without one of these no path is another spelling: `_`, `/` or `\` first, a dot segment, or one of `. / \ _` escaped. */
const SUSPECT = /^\/[_/\\]|[/\\]\.|%[25]/;

/** Does this request belong to the admin app, which never proxies? Cheap for the traffic that does not. */
export function isAdmin(url: string, env: Env): boolean {
  if (env.ADMIN_HOST !== undefined && hostName(URL.parse(url)?.host ?? "") === hostName(env.ADMIN_HOST)) return true;
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const query = url.indexOf("?", start);
  const path = start < 0 ? "" : url.slice(start, query < 0 ? url.length : query);
  return SUSPECT.test(path) && isAdminSpelling(path);
}

/** The admin API exists only with a usable token, and only on `ADMIN_HOST` where that is set. */
export function exists(url: URL, env: Env): boolean {
  if ((env.LANEWAY_ADMIN_TOKEN?.length ?? 0) < MIN_SECRET_LENGTH) return false;
  return env.ADMIN_HOST === undefined || hostName(url.host) === hostName(env.ADMIN_HOST);
}

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Digests have one length, so that the comparison tells nothing of the token's. */
const same = (given: string, token: string | undefined): boolean =>
  token !== undefined && token.length >= MIN_SECRET_LENGTH && timingSafeEqual(digest(given), digest(token));

/** What the bearer may do; null: nobody we know. RFC 6750, section 2.1: the scheme in any case, one space, nothing after. */
export function scopeOf(authorization: string | null | undefined, env: Env): "write" | "read" | null {
  const given = /^bearer ([\x21-\x7e]+)$/i.exec(authorization ?? "")?.[1];
  if (given === undefined) return null;
  const [write, read] = [same(given, env.LANEWAY_ADMIN_TOKEN), same(given, env.LANEWAY_READ_TOKEN)];
  return write ? "write" : read ? "read" : null;
}
