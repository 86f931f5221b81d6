/**
 * Who Cloudflare Access let in, if it stands before the pages: by the runtime's word, or by the signed token that it adds to each request
 * (Cloudflare docs, "Validate JWTs"; RFC 7519). Only the team and the audience that are configured count.
 */
import type { Env } from "../edge/env.ts";

export interface Identity {
  /** An e-mail address, or the name of a service token. */
  readonly name: string;
  /** Milliseconds; when Access asks again. */
  readonly until: number;
}

interface Claims {
  readonly iss?: unknown;
  readonly aud?: unknown;
  readonly exp?: unknown;
  readonly email?: unknown;
  readonly common_name?: unknown;
}

/** Without a token of its own, the runtime's word holds for so long. */
const UNTOLD_MS = 60 * 60 * 1000;
/** Access changes its keys every six weeks, and announces the next. */
const KEYS_MS = 10 * 60 * 1000;

/** Whoever shows a token chooses the key's name, so an unknown one is looked for no more often than this. */
const UNKNOWN_MS = 10_000;

type Key = JsonWebKey & { kid?: string };

let keys: { readonly team: string; readonly at: number; readonly list: readonly Key[] } = { team: "", at: 0, list: [] };

/** What is known stays where the team's keys cannot be had. */
async function fetchKeys(team: string, at: number): Promise<void> {
  const answer = await fetch(`https://${team}.cloudflareaccess.com/cdn-cgi/access/certs`);
  const list = answer.ok ? (await answer.json<{ keys?: Key[] }>()).keys : null;
  if (Array.isArray(list)) keys = { team, at, list };
}

async function keyNamed(kid: unknown, team: string, now: number): Promise<CryptoKey | null> {
  const find = () => (keys.team === team ? keys.list.find((each) => each.kid === kid) : undefined);
  const age = keys.team === team ? now - keys.at : Number.POSITIVE_INFINITY;
  const rare = age > UNKNOWN_MS && find() === undefined;
  // Noted before the question, so that of many at once only one is asked.
  if (rare && age <= KEYS_MS) keys = { ...keys, at: now };
  if (rare || age > KEYS_MS) await fetchKeys(team, now);
  const key = find();
  return key ? await crypto.subtle.importKey("jwk", key, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["verify"]) : null;
}

const decoded = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString());

async function verified(token: string, team: string, audience: string, now: number): Promise<Identity | null> {
  const [head = "", body = "", signature = "", ...rest] = token.split(".");
  if (rest.length > 0 || signature === "") return null;
  const { alg, kid } = decoded(head) as { alg?: unknown; kid?: unknown };
  // No other algorithm: neither "none", nor an HMAC by the public key.
  const key = alg === "RS256" ? await keyNamed(kid, team, now) : null;
  const signed = new TextEncoder().encode(`${head}.${body}`);
  if (key === null || !(await crypto.subtle.verify("RSASSA-PKCS1-v1_5", key, Buffer.from(signature, "base64url"), signed))) return null;
  const { iss, aud, exp, email, common_name } = decoded(body) as Claims;
  const name = typeof email === "string" ? email : common_name;
  if (iss !== `https://${team}.cloudflareaccess.com` || ![aud].flat().includes(audience)) return null;
  return typeof exp === "number" && exp * 1000 > now && typeof name === "string" ? { name, until: exp * 1000 } : null;
}

/** null: Access is not configured, or let nobody in. Never rejects. */
export async function accessIdentity(
  request: Request,
  env: Env,
  ctx: Pick<ExecutionContext, "access">,
  now: number,
): Promise<Identity | null> {
  const { ACCESS_TEAM: team, ACCESS_AUD: audience } = env;
  if (!team || !/^[a-z0-9-]+$/.test(team) || !audience) return null;
  try {
    if (ctx.access?.aud === audience) {
      const email = (await ctx.access.getIdentity())?.email;
      if (typeof email === "string") return { name: email, until: now + UNTOLD_MS };
    }
    const token = request.headers.get("cf-access-jwt-assertion");
    return token === null ? null : await verified(token, team, audience, now);
  } catch {
    return null;
  }
}
