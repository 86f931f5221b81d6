/** What KV holds, as texts by key: the lists `groups` and `off`, and one value for each group (contract section 8). */
import { isGroupName } from "../core/group-name.ts";
import type { Problem } from "../core/problem.ts";
import type { Env } from "./env.ts";

/** The least that KV allows; a change is seen within this much after it reached the location. */
export const KV_CACHE_SECONDS = 30;
/** Keys of one bulk read. */
const BULK = 100;

/** null `names`: absent, or not readable. */
export interface Names {
  readonly names: ReadonlySet<string> | null;
  readonly problem: Problem | null;
}

/** KV refuses the whole read for one key that is too long. */
export function names(text: string | null | undefined): Names {
  if (text === null || text === undefined) return { names: null, problem: null };
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every(isGroupName)) return { names: new Set(value), problem: null };
  } catch {
    // Said below.
  }
  return { names: null, problem: { path: "", message: `expected a JSON array of group names, got ${JSON.stringify(text.slice(0, 40))}` } };
}

/** `off` may also be `"*"`, with or without the quotes. */
export const namesOrAll = (text: string | null | undefined): Names | "*" => (/^\s*(?:\*|"\*")\s*$/.test(text ?? "") ? "*" : names(text));

/** What a value that is no lane file claims all the same; null: that cannot be read either. */
export function claimedHosts(text: string): readonly string[] | null {
  try {
    const hosts: unknown = JSON.parse(text)?.hosts;
    return Array.isArray(hosts) && hosts.every((host) => typeof host === "string") ? hosts.map((host) => host.toLowerCase()) : null;
  } catch {
    return null;
  }
}

export type Values = ReadonlyMap<string, string | null>;

/** KV gives at most 25 MB at once (413): then each key by itself, so that one value too large spoils no other group. */
async function readKeys({ LANES }: Env, keys: string[]): Promise<Values> {
  const options = { type: "text", cacheTtl: KV_CACHE_SECONDS } as const;
  try {
    return await LANES.get(keys, options);
  } catch (error) {
    if (!String(error).includes("413")) throw error;
    return new Map(await Promise.all(keys.map(async (key) => [key, await LANES.get(key, options)] as const)));
  }
}

/** One bulk read for what is needed as a rule, further ones for groups that only KV knows. Rejects when KV does. */
export async function readKv(env: Env, known: ReadonlySet<string>): Promise<Values> {
  const read = (keys: string[]) => readKeys(env, keys);
  const first = ["groups", "off", ...[...known].map((name) => `group:${name}`)].slice(0, BULK);
  const values = new Map<string, string | null>(await read(first));
  const listed = names(values.get("groups")).names;
  const missing = [...(listed ?? known)].map((name) => `group:${name}`).filter((key) => !values.has(key));
  for (let at = 0; at < missing.length; at += BULK) {
    for (const [key, value] of await read(missing.slice(at, at + BULK))) values.set(key, value);
  }
  return values;
}
