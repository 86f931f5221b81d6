/** Every text that one KV key was ever given, numbered from 1 on and never changed; who did what beside them; which of them KV is known to hold. */
import { fingerprintText } from "../core/fingerprint.ts";

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

/** SQLite in Durable Objects takes rows of 2 MB. */
const MAX_TEXT_BYTES = 1_500_000;
/** Older ones keep who, when and why, but can no longer be put back. */
const TEXTS_KEPT = 1_000;
/** Refused writes cost nothing to make, so entries must not pile up. */
const AUDIT_KEPT = 5_000;

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
    this.#sql.exec("UPDATE revisions SET text = NULL WHERE key = ? AND revision = ?", this.key, revision - TEXTS_KEPT);
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

  #select(query: string, ...bindings: (string | number)[]): Revision | null {
    const [row] = this.#sql.exec<Revision & Record<string, SqlStorageValue>>(query, ...bindings);
    return row ? { revision: row.revision, at: row.at, by: row.by, reason: row.reason, text: row.text } : null;
  }
}
