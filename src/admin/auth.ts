/** Who may ask (contract section 9): closed unless a token is set, bearer only, compared in constant time; a read token may only read. */
import { createHash, timingSafeEqual } from "node:crypto";
import { type Env, MIN_SECRET_LENGTH } from "../edge/env.ts";

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
