/**
 * Copy-on-write for a dark lane's Worker: in its wrangler.toml the KV binding is replaced by a service binding to `KvOverlay`, and its code
 * stays what it is. Reads fall through to the production namespace, writes go to a throwaway store that this run alone sees:
 *
 *     [[services]]
 *     binding = "KV"
 *     service = "overlay"
 *     entrypoint = "KvOverlay"
 *     props = { run = "pr-142" }
 *
 * The overlay never writes to its own KV binding, so production stays as it is byte for byte. A run is forgotten some time after its
 * first write. Written values are SQLite rows: at most 2 MB each, where KV takes 25 MiB.
 */
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";

interface Env {
  /** The production namespace. */
  readonly KV: KVNamespace;
  readonly SCRATCH: DurableObjectNamespace<Scratch>;
  /** How long a run's writes are kept; a day if left out. */
  readonly RUN_SECONDS?: string;
}

const DAY_SECONDS = 86_400;
/** As KV has it. */
const MIN_TTL_SECONDS = 60;
const MAX_VALUE_BYTES = 2_000_000;
const PAGE = 1_000;

/** Metadata is JSON throughout. */
interface Entry {
  /** null: deleted in this run. */
  readonly value: ArrayBuffer | null;
  readonly metadata: string | null;
}

interface Listed {
  readonly name: string;
  readonly deleted: boolean;
  readonly expiration: number | null;
  readonly metadata: string | null;
}

type Row = { key: string; value: ArrayBuffer | null; metadata: string | null; expiration: number | null };

/** What one run has written: the object's name is the run's. */
export class Scratch extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#create();
  }

  #create(): void {
    this.ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB, metadata TEXT, expiration INTEGER) WITHOUT ROWID",
    );
  }

  /** `value` null: a tombstone. `expiration` in seconds since 1970. */
  async write(key: string, { value, metadata }: Entry, expiration: number | null): Promise<void> {
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", key, value, metadata, expiration);
    if ((await this.ctx.storage.getAlarm()) !== null) return;
    await this.ctx.storage.setAlarm(Date.now() + Number(this.env.RUN_SECONDS ?? DAY_SECONDS) * 1000);
  }

  /** Those of the keys that this run has written or deleted. What has expired was there, and is no more: production's value stays hidden. */
  read(keys: readonly string[]): Map<string, Entry> {
    const now = Date.now() / 1000;
    const found = new Map<string, Entry>();
    for (const key of keys) {
      const [row] = this.ctx.storage.sql.exec<Row>("SELECT * FROM entries WHERE key = ?", key);
      if (row !== undefined) found.set(key, isOver(row, now) ? GONE : { value: row.value, metadata: row.metadata });
    }
    return found;
  }

  /** In the order of the keys' bytes. */
  list(prefix: string): Listed[] {
    const now = Date.now() / 1000;
    const rows = this.ctx.storage.sql.exec<Row>("SELECT * FROM entries ORDER BY key").toArray();
    return rows
      .filter(({ key }) => key.startsWith(prefix))
      .map((row) => ({
        name: row.key,
        deleted: row.value === null || isOver(row, now),
        expiration: row.expiration,
        metadata: row.metadata,
      }));
  }

  override async alarm(): Promise<void> {
    await this.ctx.storage.deleteAll();
    this.#create();
  }
}

const isOver = ({ expiration }: Row, now: number) => expiration !== null && expiration <= now;
const GONE: Entry = { value: null, metadata: null };

type Type = "text" | "json" | "arrayBuffer" | "stream";
type Options = Type | { readonly type?: Type; readonly cacheTtl?: number } | undefined;

const typeOf = (options: Options): Type => (typeof options === "string" ? options : (options?.type ?? "text"));

/** A stored value as KV hands it out. */
function shown(value: ArrayBuffer, type: Type): unknown {
  if (type === "arrayBuffer") return value;
  if (type === "stream") return new Response(value).body;
  const text = new TextDecoder().decode(value);
  return type === "json" ? JSON.parse(text) : text;
}

interface Found {
  readonly value: unknown;
  readonly metadata: unknown;
  readonly cacheStatus: string | null;
}

const found = ({ value, metadata }: Entry, type: Type): Found => ({
  value: value === null ? null : shown(value, type),
  metadata: metadata === null ? null : JSON.parse(metadata),
  cacheStatus: null,
});

interface PutOptions {
  readonly expiration?: number;
  readonly expirationTtl?: number;
  readonly metadata?: unknown;
}

interface ListOptions {
  readonly prefix?: string | null;
  readonly limit?: number;
  readonly cursor?: string | null;
}

/** Where a list goes on: the page of production's that it is in, and the last key that was given. */
interface Position {
  readonly page: string | null;
  readonly after: string;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** KV lists by the bytes of UTF-8, which is not the order of JavaScript's strings. */
function isBefore(one: string, other: string): boolean {
  const [a, b] = [bytesOf(one), bytesOf(other)];
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? a.length < b.length : at >= b.length ? false : a[at]! < b[at]!;
}

/** Looks like a KVNamespace to the Worker that is bound to it. */
export class KvOverlay extends WorkerEntrypoint<Env, { readonly run: string }> {
  get #scratch() {
    return this.env.SCRATCH.getByName(this.ctx.props.run);
  }

  async #one(key: string, options: Options): Promise<Found> {
    const own = (await this.#scratch.read([key])).get(key);
    return own === undefined ? await this.env.KV.getWithMetadata(key, options as "text") : found(own, typeOf(options));
  }

  async #several(keys: readonly string[], options: Options): Promise<Map<string, Found | undefined>> {
    const own = await this.#scratch.read(keys);
    const others = keys.filter((key) => !own.has(key));
    const production = others.length === 0 ? new Map<string, Found>() : await this.env.KV.getWithMetadata(others, options as "text");
    return new Map(
      keys.map((key) => {
        const entry = own.get(key);
        return [key, entry === undefined ? production.get(key) : found(entry, typeOf(options))];
      }),
    );
  }

  async get(keys: string | readonly string[], options?: Options): Promise<unknown> {
    if (typeof keys === "string") return (await this.#one(keys, options)).value;
    return new Map([...(await this.#several(keys, options))].map(([key, one]) => [key, one?.value ?? null]));
  }

  async getWithMetadata(keys: string | readonly string[], options?: Options): Promise<unknown> {
    return typeof keys === "string" ? await this.#one(keys, options) : await this.#several(keys, options);
  }

  async put(key: string, value: string | ArrayBuffer | ArrayBufferView | ReadableStream, options: PutOptions = {}): Promise<void> {
    const { expiration, expirationTtl, metadata } = options;
    if (expirationTtl !== undefined && expirationTtl < MIN_TTL_SECONDS)
      throw new Error(`KV PUT failed: 400 Invalid expiration_ttl of ${expirationTtl}. Expiration TTL must be at least ${MIN_TTL_SECONDS}.`);
    const bytes = await new Response(value as BodyInit).arrayBuffer();
    if (bytes.byteLength > MAX_VALUE_BYTES)
      throw new Error(`KV PUT failed: 413 Value length of ${bytes.byteLength} exceeds the overlay's ${MAX_VALUE_BYTES}.`);
    const until = expiration ?? (expirationTtl === undefined ? null : Math.floor(Date.now() / 1000) + expirationTtl);
    await this.#scratch.write(key, { value: bytes, metadata: metadata === undefined ? null : JSON.stringify(metadata) }, until);
  }

  async delete(keys: string | readonly string[]): Promise<void> {
    for (const key of typeof keys === "string" ? [keys] : keys) await this.#scratch.write(key, GONE, null);
  }

  async list({ prefix, limit = PAGE, cursor }: ListOptions = {}) {
    const own = await this.#scratch.list(prefix ?? "");
    const written = new Set(own.map(({ name }) => name));
    let { page, after }: Position = cursor ? JSON.parse(decodeURIComponent(cursor)) : { page: null, after: "" };
    const keys: { name: string; expiration?: number; metadata?: unknown }[] = [];
    for (;;) {
      const production = await this.env.KV.list({ prefix: prefix ?? null, cursor: page, limit: PAGE });
      const last = production.list_complete ? null : (production.keys.at(-1)?.name ?? after);
      const ours = own.filter(({ name, deleted }) => !deleted && (last === null || !isBefore(last, name)));
      const theirs = production.keys.filter(({ name }) => !written.has(name));
      const both = [...theirs, ...ours.map(listed)].filter(({ name }) => after === "" || isBefore(after, name));
      for (const one of both.sort((a, b) => (isBefore(a.name, b.name) ? -1 : 1))) {
        if (keys.length === Math.min(limit, PAGE)) return { keys, list_complete: false, cursor: cursorOf(page, keys), cacheStatus: null };
        keys.push(one);
      }
      if (production.list_complete) return { keys, list_complete: true, cacheStatus: null };
      page = production.cursor;
      after = last ?? after;
    }
  }
}

const cursorOf = (page: string | null, keys: readonly { readonly name: string }[]): string =>
  encodeURIComponent(JSON.stringify({ page, after: keys.at(-1)!.name } satisfies Position));

const listed = ({ name, expiration, metadata }: Listed) => ({
  name,
  ...(expiration !== null && { expiration }),
  ...(metadata !== null && { metadata: JSON.parse(metadata) as unknown }),
});

export default { fetch: () => new Response("a KV overlay: bind to its entrypoint KvOverlay\n", { status: 404 }) };
