/**
 * What comparisons found (contract section 7), from all isolates: added up in memory, written every five seconds with the counters, and
 * capped as `core/comparisons.ts` says.
 */
import {
  Comparisons,
  type EndpointBatch,
  MAX_PLACES,
  MAX_SIGNATURES,
  mergeSamples,
  OTHER,
  type Place,
  type Signature,
} from "../core/comparisons.ts";
import type { Counts } from "../core/noise.ts";
import { surplus } from "../core/surplus-places.ts";
import { EndpointNames, type Of } from "./endpoint-names.ts";

const MAX_SAMPLES_LENGTH = 4 * 1024 * 1024;
/** Samples show what people sent and got, so they do not stay. */
export const RETENTION_MS = 7 * 24 * 60 * 60 * 1000;

export interface PlaceRow extends Counts {
  readonly path: string;
  readonly kind: string;
  /** As a difference has it. */
  readonly opaque?: true;
  /** The mirror's k-th place that has a pair at all (`core/noise.ts`); null: it has none. */
  readonly rank: number | null;
}

export interface SampleRow {
  /** Lines of `kind path`. */
  readonly signature: string;
  /** ISO 8601. */
  readonly at: string;
  /** Requests that differed in this set of places. */
  readonly seen: number;
  /** JSON. */
  readonly text: string;
}

export interface EndpointRow {
  readonly mirror: string;
  readonly endpoint: string;
  readonly compared: number;
  readonly probed: number;
  /** Of so many requests only a beginning of the answers was compared. */
  readonly truncated: number;
  /** Sightings of places that are not listed, because there were too many. */
  readonly more: number;
  readonly places: PlaceRow[];
  readonly samples: SampleRow[];
}

const TABLES = {
  endpoints:
    "mirror TEXT, endpoint TEXT, compared INTEGER, probed INTEGER, more INTEGER, truncated INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (mirror, endpoint)",
  places: `mirror TEXT, endpoint TEXT, path TEXT, kind TEXT, raw INTEGER, noise INTEGER, onlyRaw INTEGER, onlyNoise INTEGER, rank INTEGER,
    opaque INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (mirror, endpoint, path, kind)`,
  signatures: "mirror TEXT, endpoint TEXT, signature TEXT, seen INTEGER, PRIMARY KEY (mirror, endpoint, signature)",
  ranks: "mirror TEXT PRIMARY KEY, rank INTEGER",
  samples: "id INTEGER PRIMARY KEY, mirror TEXT, endpoint TEXT, signature TEXT, at INTEGER, text TEXT",
};

export class Differences {
  readonly #sql: SqlStorage;
  readonly #random: () => number;
  readonly #pending: Comparisons;
  readonly #names: EndpointNames;
  /** Characters of all samples. */
  #length: number;

  /** @param random 0…1, as Math.random gives it; draws the samples. */
  constructor(sql: SqlStorage, random: () => number) {
    this.#sql = sql;
    this.#random = random;
    this.#pending = new Comparisons(random);
    for (const [name, columns] of Object.entries(TABLES)) sql.exec(`CREATE TABLE IF NOT EXISTS ${name} (${columns})`);
    // Made before there were such things.
    for (const [table, column] of [
      ["places", "opaque"],
      ["endpoints", "truncated"],
    ] as const) {
      if (this.#count("SELECT COUNT(*) AS n FROM pragma_table_info(?) WHERE name = ?", table, column) === 0)
        sql.exec(`ALTER TABLE ${table} ADD COLUMN ${column} INTEGER NOT NULL DEFAULT 0`);
    }
    this.#names = new EndpointNames(sql);
    sql.exec("CREATE INDEX IF NOT EXISTS samples_by_signature ON samples (mirror, endpoint, signature)");
    sql.exec("CREATE INDEX IF NOT EXISTS samples_by_time ON samples (at)");
    this.#length = this.#count("SELECT SUM(length(text)) AS n FROM samples");
  }

  #count(query: string, ...bindings: (string | number)[]): number {
    return this.#sql.exec<{ n: number | null }>(query, ...bindings).one().n ?? 0;
  }

  /** In memory; `write` has to follow. */
  add(endpoints: readonly EndpointBatch[]): void {
    for (const batch of endpoints) this.#pending.add(batch);
  }

  write(now: number): void {
    for (const batch of this.#pending.take()) {
      const of = [batch.mirror, batch.endpoint] as const;
      const gone = batch.endpoint === OTHER ? null : this.#names.use(of, batch.compared, now);
      if (gone !== null) this.#giveWay(gone);
      this.#addCounts(of, { ...batch, more: batch.more + this.#addPlaces(of, batch.places) });
      for (const signature of batch.signatures) this.#addSamples(of, signature, now);
    }
    while (this.#length > MAX_SAMPLES_LENGTH) this.#delete("id IN (SELECT id FROM samples ORDER BY at, id LIMIT ?)", 10);
    this.#delete("at <= ?", now - RETENTION_MS);
  }

  #addCounts(
    of: Of,
    { compared, probed, truncated = 0, more }: Omit<EndpointBatch, "mirror" | "endpoint" | "places" | "signatures">,
  ): void {
    this.#sql.exec(
      `INSERT INTO endpoints (mirror, endpoint, compared, probed, truncated, more) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        compared = compared + excluded.compared, probed = probed + excluded.probed, truncated = truncated + excluded.truncated, more = more + excluded.more`,
      ...of,
      compared,
      probed,
      truncated,
      more,
    );
  }

  /** Its name goes to another; what it counted is part of `other` from now on, its samples are gone. */
  #giveWay(of: Of): void {
    const where = "mirror = ? AND endpoint = ?";
    type Sums = { compared: number; probed: number; truncated: number; more: number };
    const [row] = this.#sql.exec<Sums>(`SELECT compared, probed, truncated, more FROM endpoints WHERE ${where}`, ...of);
    const other = [of[0], OTHER] as const;
    const places = this.#places(of).map(({ path, kind, rank: _, opaque, ...counts }) => ({
      path,
      kind,
      counts,
      ...(opaque && { opaque }),
    }));
    if (row) this.#addCounts(other, { ...row, more: row.more + this.#addPlaces(other, places) });
    this.#delete(where, ...of);
    for (const table of ["endpoints", "places", "signatures"]) this.#sql.exec(`DELETE FROM ${table} WHERE ${where}`, ...of);
  }

  /**
   * How many sightings did not fit. Ranks go by name among places that are new together, never by what differed there; that of a place
   * that gave way is not given again, because its share of the chance to be wrong was used.
   */
  #addPlaces(of: Of, places: readonly Place[]): number {
    const { gone, more } = this.#makeRoom(of, places);
    const last = this.#count("SELECT MAX(rank) AS n FROM ranks WHERE mirror = ?", of[0]);
    let rank = Math.max(last, this.#count("SELECT MAX(rank) AS n FROM places WHERE mirror = ?", of[0]));
    for (const { path, kind, counts, opaque } of places.toSorted((a, b) => (`${a.kind} ${a.path}` < `${b.kind} ${b.path}` ? -1 : 1))) {
      if (gone.has(`${kind} ${path}`)) continue;
      const where = [...of, path, kind] as const;
      const query = "SELECT rank FROM places WHERE mirror = ? AND endpoint = ? AND path = ? AND kind = ?";
      const [known] = this.#sql.exec<{ rank: number | null }>(query, ...where);
      const paired = counts.onlyRaw + counts.onlyNoise > 0;
      const own = known?.rank ?? (paired ? ++rank : null);
      this.#sql.exec(
        `INSERT INTO places VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET raw = raw + excluded.raw,
          noise = noise + excluded.noise, onlyRaw = onlyRaw + excluded.onlyRaw, onlyNoise = onlyNoise + excluded.onlyNoise, rank = excluded.rank,
          opaque = max(opaque, excluded.opaque)`,
        ...where,
        counts.raw,
        counts.noise,
        counts.onlyRaw,
        counts.onlyNoise,
        own,
        opaque ? 1 : 0,
      );
    }
    if (rank > last) this.#sql.exec("INSERT OR REPLACE INTO ranks VALUES (?, ?)", of[0], rank);
    return more;
  }

  /** Of those that are there and those that come, the least useful go; as `kind path`, and how many sightings they were. */
  #makeRoom(of: Of, places: readonly Place[]): { readonly gone: ReadonlySet<string>; readonly more: number } {
    const all = new Map(this.#places(of).map(({ path, kind, raw, noise }) => [`${kind} ${path}`, { path, kind, seen: raw + noise }]));
    for (const { path, kind, counts } of places) {
      const key = `${kind} ${path}`;
      all.set(key, { path, kind, seen: (all.get(key)?.seen ?? 0) + counts.raw + counts.noise });
    }
    const list = [...all.values()];
    const lost = [...surplus(list, MAX_PLACES)].map((at) => list[at]!);
    for (const { path, kind } of lost)
      this.#sql.exec("DELETE FROM places WHERE mirror = ? AND endpoint = ? AND path = ? AND kind = ?", ...of, path, kind);
    return { gone: new Set(lost.map(({ path, kind }) => `${kind} ${path}`)), more: lost.reduce((sum, { seen }) => sum + seen, 0) };
  }

  #addSamples(of: Of, { signature, seen, samples }: Signature, now: number): void {
    const where = [...of, signature] as const;
    const [known] = this.#sql.exec<{ seen: number }>(
      "SELECT seen FROM signatures WHERE mirror = ? AND endpoint = ? AND signature = ?",
      ...where,
    );
    const signatures = "SELECT COUNT(*) AS n FROM signatures WHERE mirror = ? AND endpoint = ?";
    if (known === undefined && this.#count(signatures, ...of) >= MAX_SIGNATURES) return;
    this.#sql.exec("INSERT OR REPLACE INTO signatures VALUES (?, ?, ?, ?)", ...where, (known?.seen ?? 0) + seen);
    const query = "SELECT id FROM samples WHERE mirror = ? AND endpoint = ? AND signature = ?";
    const ids = this.#sql.exec<{ id: number }>(query, ...where).toArray();
    const merged = new Set<{ id: number } | string>(
      mergeSamples<{ id: number } | string>({ seen: known?.seen ?? 0, samples: ids }, { seen, samples }, this.#random),
    );
    for (const kept of ids) if (!merged.has(kept)) this.#delete("id = ?", kept.id);
    for (const text of merged) {
      if (typeof text !== "string") continue;
      this.#length += text.length;
      this.#sql.exec("INSERT INTO samples (mirror, endpoint, signature, at, text) VALUES (?, ?, ?, ?, ?)", ...where, now, text);
    }
  }

  #delete(where: string, ...bindings: (string | number)[]): void {
    const query = `DELETE FROM samples WHERE ${where} RETURNING length(text) AS length`;
    for (const { length } of this.#sql.exec<{ length: number }>(query, ...bindings)) this.#length -= length;
  }

  /** When the oldest sample is due to go (milliseconds); null: there is none. */
  expiresAt(): number | null {
    const oldest = this.#count("SELECT MIN(at) AS n FROM samples");
    return oldest === 0 ? null : oldest + RETENTION_MS;
  }

  /** What is pending included. */
  read(now: number): EndpointRow[] {
    this.write(now);
    type Endpoint = { mirror: string; endpoint: string; compared: number; probed: number; truncated: number; more: number };
    const endpoints = this.#sql.exec<Endpoint>("SELECT * FROM endpoints ORDER BY mirror, endpoint").toArray();
    return endpoints.map((row) => ({
      ...row,
      places: this.#places([row.mirror, row.endpoint]),
      samples: this.#samples([row.mirror, row.endpoint]),
    }));
  }

  #places(of: Of): PlaceRow[] {
    const query =
      "SELECT path, kind, raw, noise, onlyRaw, onlyNoise, rank, opaque FROM places WHERE mirror = ? AND endpoint = ? ORDER BY path, kind";
    type Row = Omit<PlaceRow, "opaque"> & { readonly opaque: number };
    const rows = this.#sql.exec<Row & Record<string, SqlStorageValue>>(query, ...of).toArray();
    return rows.map(({ opaque, ...row }) => ({ ...row, ...(opaque === 1 && { opaque: true }) }));
  }

  #samples(of: Of): SampleRow[] {
    const query = `SELECT samples.signature, at, seen, text FROM samples JOIN signatures USING (mirror, endpoint, signature)
      WHERE mirror = ? AND endpoint = ? ORDER BY seen DESC, id DESC`;
    const rows = this.#sql.exec<{ signature: string; at: number; seen: number; text: string }>(query, ...of).toArray();
    return rows.map(({ at, ...row }) => ({ ...row, at: new Date(at).toISOString() }));
  }

  clear(): void {
    this.#pending.take();
    this.#names.clear();
    for (const name of Object.keys(TABLES)) this.#sql.exec(`DELETE FROM ${name}`);
    this.#length = 0;
  }
}
