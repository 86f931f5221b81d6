/**
 * Which endpoints have a name of their own. There are so many names, and whoever sends requests chooses paths, so the least used gives way;
 * a use counts half after a day, so that names of yesterday's paths give way to today's.
 */
import { MAX_ENDPOINTS } from "../core/comparisons.ts";

const HALF_MS = 24 * 60 * 60 * 1000;

export type Of = readonly [mirror: string, endpoint: string];

interface Use {
  readonly of: Of;
  /** So many uses, as they counted at `at` (milliseconds). */
  readonly used: number;
  readonly at: number;
}

const keyOf = (of: Of): string => of.join(" ");

/** In the same order at every time: all halve alike. */
const scoreOf = ({ used, at }: Use): number => Math.log2(used) + at / HALF_MS;

export class EndpointNames {
  readonly #sql: SqlStorage;
  #uses: Map<string, Use> | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS uses (mirror TEXT, endpoint TEXT, used REAL, at INTEGER, PRIMARY KEY (mirror, endpoint))");
  }

  #all(): Map<string, Use> {
    if (this.#uses !== null) return this.#uses;
    type Row = { mirror: string; endpoint: string; used: number; at: number };
    const rows = this.#sql.exec<Row>("SELECT * FROM uses").toArray();
    this.#uses = new Map(rows.map(({ mirror, endpoint, used, at }) => [`${mirror} ${endpoint}`, { of: [mirror, endpoint], used, at }]));
    return this.#uses;
  }

  /** Whoever is used has a name. The one that gives way for it; null: nobody had to. */
  use(of: Of, times: number, now: number): Of | null {
    const uses = this.#all();
    const known = uses.get(keyOf(of));
    const least = known || uses.size < MAX_ENDPOINTS ? null : [...uses.values()].reduce((a, b) => (scoreOf(b) < scoreOf(a) ? b : a));
    if (least !== null) this.#forget(least.of);
    const before = known === undefined ? 0 : known.used * 2 ** ((known.at - now) / HALF_MS);
    const used = before + Math.max(1, times);
    uses.set(keyOf(of), { of, used, at: now });
    this.#sql.exec("INSERT OR REPLACE INTO uses VALUES (?, ?, ?, ?)", ...of, used, now);
    return least?.of ?? null;
  }

  #forget(of: Of): void {
    this.#uses?.delete(keyOf(of));
    this.#sql.exec("DELETE FROM uses WHERE mirror = ? AND endpoint = ?", ...of);
  }

  clear(): void {
    this.#uses = null;
    this.#sql.exec("DELETE FROM uses");
  }
}
