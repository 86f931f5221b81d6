/** Every text that one KV key was ever given, numbered from 1 on and never changed; who did what beside them; which of them KV is known to hold. */
import { fingerprintText } from "../core/fingerprint.ts";
import { hashLabel, readRevision } from "../core/revision.ts";

export interface RevisionHead {
  readonly revision: number;
  /** ISO 8601. */
  readonly at: string;
  /** `kv`: found in KV, not written by us. */
  readonly by: string;
  readonly reason: string;
}

export interface Revision extends RevisionHead {
  /** The value in KV, byte for byte; null: no longer kept, or too long to be. */
  readonly text: string | null;
}

/** `from` and `to` are revisions, where there were any. */
export interface AuditEntry {
  readonly at: string;
  readonly by: string;
  readonly action: string;
  readonly from: number | null;
  readonly to: number | null;
  readonly reason: string;
}

/** A write that somebody was not let make. Anybody can cause one, so these share no place with the audit. */
export interface RefusedWrite {
  /** The last time. */
  readonly at: string;
  readonly by: string;
  /** `PUT /__lanes/api/groups/shop: 401` */
  readonly action: string;
  readonly times: number;
}

/** SQLite in Durable Objects takes rows of 2 MB. */
const MAX_TEXT_BYTES = 1_500_000;
/** Older ones keep who, when and why, but can no longer be put back. */
const TEXTS_KEPT = 1_000;
const AUDIT_KEPT = 5_000;
const REFUSED_KEPT = 100;
/** Values that isolates have in force, and that were never found here. */
const SEEN_KEPT = 20;

/** To find a text again; whoever may write here has no use for two texts that look like one. */
const hashOf = (text: string) => `${text.length}-${fingerprintText(text).toString(36)}`;

export class Revisions {
  readonly #sql: SqlStorage;
  readonly key: string;

  /** @param key the KV key; one store may serve several. */
  constructor(sql: SqlStorage, key: string) {
    this.#sql = sql;
    this.key = key;
    sql.exec(`CREATE TABLE IF NOT EXISTS revisions (key TEXT, revision INTEGER, at TEXT, by TEXT, reason TEXT, hash TEXT, text TEXT,
      PRIMARY KEY (key, revision)) WITHOUT ROWID`);
    sql.exec("CREATE INDEX IF NOT EXISTS revisions_by_hash ON revisions (key, hash)");
    sql.exec("CREATE TABLE IF NOT EXISTS written (key TEXT PRIMARY KEY, revision INTEGER, at INTEGER)");
    sql.exec(`CREATE TABLE IF NOT EXISTS audit (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, at TEXT, by TEXT, action TEXT,
      "from" INTEGER, "to" INTEGER, reason TEXT)`);
    sql.exec(`CREATE TABLE IF NOT EXISTS refused (key TEXT, by TEXT, action TEXT, known INTEGER, at TEXT, times INTEGER,
      PRIMARY KEY (key, by, action))`);
    sql.exec("CREATE TABLE IF NOT EXISTS seen (key TEXT, label TEXT, revision INTEGER, at INTEGER, PRIMARY KEY (key, label))");
  }

  latest(): Revision | null {
    return this.#select("SELECT * FROM revisions WHERE key = ? ORDER BY revision DESC LIMIT 1", this.key);
  }

  get(revision: number): Revision | null {
    return this.#select("SELECT * FROM revisions WHERE key = ? AND revision = ?", this.key, revision);
  }

  /** The newest revision with exactly this text. */
  find(text: string): number | null {
    const query = "SELECT MAX(revision) AS revision FROM revisions WHERE key = ? AND hash = ?";
    return this.#sql.exec<{ revision: number | null }>(query, this.key, hashOf(text)).one().revision;
  }

  append({ revision, at, by, reason }: RevisionHead, text: string): void {
    const kept = Buffer.byteLength(text) <= MAX_TEXT_BYTES ? text : null;
    this.#sql.exec("INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?)", this.key, revision, at, by, reason, hashOf(text), kept);
    // Numbers may have gaps, where a value put by hand brought a higher one.
    const query = `UPDATE revisions SET text = NULL WHERE key = ? AND text IS NOT NULL AND revision <=
      (SELECT revision FROM revisions WHERE key = ? ORDER BY revision DESC LIMIT 1 OFFSET ?)`;
    this.#sql.exec(query, this.key, this.key, TEXTS_KEPT);
  }

  /** Newest first, from below `before` on. */
  list(before: number, limit: number): RevisionHead[] {
    const query = "SELECT revision, at, by, reason FROM revisions WHERE key = ? AND revision < ? ORDER BY revision DESC LIMIT ?";
    return this.#sql.exec<RevisionHead & Record<string, SqlStorageValue>>(query, this.key, before, limit).toArray();
  }

  /** The newest revision that KV took, and when (milliseconds). */
  written(): { readonly revision: number; readonly at: number } {
    const [row] = this.#sql.exec<{ revision: number; at: number }>("SELECT revision, at FROM written WHERE key = ?", this.key);
    return row ?? { revision: 0, at: 0 };
  }

  setWritten(revision: number, at: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO written VALUES (?, ?, ?)", this.key, revision, at);
  }

  audit({ at, by, action, from, to, reason }: AuditEntry): void {
    const query = `INSERT INTO audit (key, at, by, action, "from", "to", reason) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`;
    const { id } = this.#sql.exec<{ id: number }>(query, this.key, at, by, action, from, to, reason).one();
    this.#sql.exec("DELETE FROM audit WHERE id <= ?", id - AUDIT_KEPT);
  }

  /** Newest first. */
  audits(limit: number): AuditEntry[] {
    const query = `SELECT at, by, action, "from", "to", reason FROM audit WHERE key = ? ORDER BY id DESC LIMIT ?`;
    return this.#sql.exec<AuditEntry & Record<string, SqlStorageValue>>(query, this.key, limit).toArray();
  }

  /** The same by the same again is counted up. @param known the caller has a token; strangers' entries give way to theirs */
  refuse({ at, by, action }: Omit<RefusedWrite, "times">, known: boolean): void {
    const query = "INSERT INTO refused VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET at = excluded.at, times = times + 1";
    this.#sql.exec(query, this.key, by, action, known ? 1 : 0, at);
    const oldest = "SELECT rowid FROM refused WHERE key = ? ORDER BY known DESC, at DESC, rowid DESC LIMIT -1 OFFSET ?";
    this.#sql.exec(`DELETE FROM refused WHERE rowid IN (${oldest})`, this.key, REFUSED_KEPT);
  }

  /** Newest first. */
  refusals(limit: number): RefusedWrite[] {
    const query = "SELECT at, by, action, times FROM refused WHERE key = ? ORDER BY at DESC, rowid DESC LIMIT ?";
    return this.#sql.exec<RefusedWrite & Record<string, SqlStorageValue>>(query, this.key, limit).toArray();
  }

  /**
   * An isolate has had a value in force since `at` (milliseconds), by its number or its hash. True: it is none of ours, and new here.
   * One that was found by a look already came no later than this.
   */
  see(label: string, at: number): boolean {
    const latest = this.latest();
    const number = readRevision(label);
    if (latest?.by === "kv" && (number === latest.revision || (latest.text !== null && hashLabel(latest.text) === label))) {
      this.#cameBy(latest, new Date(at).toISOString());
      return false;
    }
    if (number !== null && this.get(number) !== null) return false;
    const before = this.seenAt(label);
    if (before !== null && before <= at) return false;
    this.#sql.exec("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", this.key, label, number ?? 0, at);
    const newest = "SELECT label FROM seen WHERE key = ? ORDER BY at DESC LIMIT ?";
    const query = `DELETE FROM seen WHERE key = ? AND label NOT IN (${newest}) AND (revision = 0 OR revision < ?)`;
    this.#sql.exec(query, this.key, this.key, SEEN_KEPT, this.highestSeen());
    return before === null;
  }

  #cameBy({ revision, at }: RevisionHead, earlier: string): void {
    if (earlier >= at || earlier < (this.before(revision)?.at ?? "")) return;
    this.#sql.exec("UPDATE revisions SET at = ? WHERE key = ? AND revision = ?", earlier, this.key, revision);
    this.#sql.exec(`UPDATE audit SET at = ? WHERE key = ? AND "to" = ?`, earlier, this.key, revision);
  }

  /** Milliseconds; null: no isolate has told of it since the latest revision, before which it was something else. */
  seenAt(label: string): number | null {
    const [row] = this.#sql.exec<{ at: number }>("SELECT at FROM seen WHERE key = ? AND label = ?", this.key, label);
    return row === undefined || row.at < Date.parse(this.latest()?.at ?? new Date(0).toISOString()) ? null : row.at;
  }

  /** The highest revision that an isolate has in force and that was never found here; 0: none. */
  highestSeen(): number {
    const query = "SELECT MAX(revision) AS revision FROM seen WHERE key = ?";
    return this.#sql.exec<{ revision: number | null }>(query, this.key).one().revision ?? 0;
  }

  /** Was this text ever part of any value? */
  mentions(text: string): boolean {
    const query = "SELECT 1 AS found FROM revisions WHERE key = ? AND instr(text, ?) > 0 LIMIT 1";
    return this.#sql.exec(query, this.key, text).toArray().length > 0;
  }

  /** The revision before this one. */
  before(revision: number): Revision | null {
    return this.#select("SELECT * FROM revisions WHERE key = ? AND revision < ? ORDER BY revision DESC LIMIT 1", this.key, revision);
  }

  #select(query: string, ...bindings: (string | number)[]): Revision | null {
    const [row] = this.#sql.exec<Revision & Record<string, SqlStorageValue>>(query, ...bindings);
    return row ? { revision: row.revision, at: row.at, by: row.by, reason: row.reason, text: row.text } : null;
  }
}
