/** Who may ask (contract section 9): closed unless a token is set, bearer only, compared in constant time; a read token may only read. */
import { createHash, timingSafeEqual } from "node:crypto";
import { hostName } from "../core/facts.ts";
import { type Env, MIN_SECRET_LENGTH } from "../edge/env.ts";

export const ADMIN_PATH = "/__lanes";

/** Every spelling that some server would read as our prefix: escapes, upper case, doubled slashes. */
function isAdminSpelling(path: string): boolean {
  let plain = path.slice(0, 200);
  try {
    plain = decodeURIComponent(plain);
  } catch {
    // A broken escape further on; the undecoded text still tells.
  }
  return plain.replaceAll("\\", "/").replace(/^\/+/, "/").toLowerCase().startsWith(ADMIN_PATH);
}

/** Does this request belong to the admin app, which never proxies? Cheap for the traffic that does not. */
export function isAdmin(url: string, env: Env): boolean {
  if (env.ADMIN_HOST !== undefined && hostName(new URL(url).host) === hostName(env.ADMIN_HOST)) return true;
  const path = url.indexOf("/", url.indexOf("//") + 2);
  const next = url.charCodeAt(path + 1);
  if (
    next !== 0x5f &&
    next !== 0x25 &&
    next !== 0x2f &&
    next !== 0x2e &&
    next !== 0x5c &&
    !url.includes("/.", path) &&
    !url.includes("/%", path)
  )
    return false;
  return isAdminSpelling(new URL(url).pathname);
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
