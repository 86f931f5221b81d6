import type { OriginOptions } from "../core/origin.ts";

/** What `wrangler.toml`, secrets and variables give the Worker. Further bindings are the lanes' own (`"origins": { "a": { "binding": "NAME" } }`). */
export interface Env {
  readonly LANES: KVNamespace;
  /** The publisher's memory (`group/group.ts`), one object per group and one named `*`. Without it nothing is published or counted; traffic flows all the same. */
  readonly GROUP?: DurableObjectNamespace;
  /** Gets every batch of counters as well, for as long a history as one likes. */
  readonly ANALYTICS?: AnalyticsEngineDataset;
  /** ≥ 32 characters; signs contexts and marks (contract section 4). */
  readonly LANEWAY_SECRET?: string;
  /** Accepted besides, while a secret is being rotated. */
  readonly LANEWAY_SECRET_PREVIOUS?: string;
  readonly LANEWAY_ADMIN_TOKEN?: string;
  readonly LANEWAY_READ_TOKEN?: string;
  /** `"*"` or a JSON array of group names, switched off at deploy (contract section 8). */
  readonly LANEWAY_OFF?: string;
  readonly ADMIN_HOST?: string;
  /** `<team>` of `<team>.cloudflareaccess.com` and the application's audience tag: whoever Cloudflare Access lets in may log in to the pages. */
  readonly ACCESS_TEAM?: string;
  readonly ACCESS_AUD?: string;
  /** `"true"` allows http, IP literals and private names as origins: local runs and tests. */
  readonly INSECURE_ORIGINS?: string;
}

/** What this Worker's variables say of origins. */
export const originOptions = ({ INSECURE_ORIGINS, ADMIN_HOST }: Env): OriginOptions => ({
  insecureOrigins: INSECURE_ORIGINS === "true",
  adminHost: ADMIN_HOST,
});

export const MIN_SECRET_LENGTH = 32;

/** A service binding: an own property of env with `fetch` (contract section 2, origins). */
export function bindingOf(env: Env, name: string): Fetcher | null {
  if (!Object.hasOwn(env, name)) return null;
  const binding = (env as unknown as Record<string, unknown>)[name];
  return typeof binding === "object" && binding !== null && "fetch" in binding ? (binding as Fetcher) : null;
}

export function variable(env: Env, name: string): string | null {
  if (!Object.hasOwn(env, name)) return null;
  const value = (env as unknown as Record<string, unknown>)[name];
  return typeof value === "string" ? value : null;
}
