/**
 * The signature of contexts and marks: HMAC-SHA-256 with a cache, so that the hot path does no cryptography: within one
 * five-minute window an isolate signs the same few texts again and again. Two secrets are accepted while one is being rotated.
 */
import type { Signer } from "../core/context.ts";
import { type Env, MIN_SECRET_LENGTH } from "./env.ts";

/** Past this the cache starts anew: a flood of forged texts must not grow an isolate (about 200 bytes an entry). */
const MAX_CACHED = 2_000;

type Crypto = typeof import("node:crypto");

function same({ timingSafeEqual }: Crypto, a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

class CachedSigner implements Signer {
  readonly secret: string;
  readonly previous: string | null;
  readonly #signatures = new Map<string, string>();
  readonly #verified = new Set<string>();

  readonly #crypto: Crypto;

  constructor(secret: string, previous: string | null, crypto: Crypto) {
    this.#crypto = crypto;
    this.secret = secret;
    this.previous = previous;
  }

  #hmac(secret: string, payload: string): string {
    return this.#crypto.createHmac("sha256", secret).update(payload).digest("base64url");
  }

  #fits(secret: string, payload: string, signature: string): boolean {
    return same(this.#crypto, this.#hmac(secret, payload), signature);
  }

  sign(payload: string): string {
    const known = this.#signatures.get(payload);
    if (known !== undefined) return known;
    const signature = this.#hmac(this.secret, payload);
    if (this.#signatures.size >= MAX_CACHED) this.#signatures.clear();
    this.#signatures.set(payload, signature);
    return signature;
  }

  verify(payload: string, signature: string): boolean {
    const text = `${payload}~${signature}`;
    if (this.#verified.has(text)) return true;
    const valid = this.#fits(this.secret, payload, signature) || (this.previous !== null && this.#fits(this.previous, payload, signature));
    if (!valid) return false;
    if (this.#verified.size >= MAX_CACHED) this.#verified.clear();
    this.#verified.add(text);
    return true;
  }
}

const usable = (secret: string | undefined): string | null => (secret !== undefined && secret.length >= MIN_SECRET_LENGTH ? secret : null);

let current: CachedSigner | null = null;

/**
 * null: no usable secret is set (shorter than 32 characters counts as unset). One signer, with its cache, per isolate. `node:crypto` is loaded
 * with the first one: it would be a third of an isolate's start-up.
 */
export async function signerOf(env: Env): Promise<Signer | null> {
  const secret = usable(env.LANEWAY_SECRET);
  const previous = usable(env.LANEWAY_SECRET_PREVIOUS);
  if (secret === null) return null;
  if (current?.secret !== secret || current.previous !== previous)
    current = new CachedSigner(secret, previous, await import("node:crypto"));
  return current;
}
