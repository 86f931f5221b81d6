/** Sums of all isolates' batches: in all, and by minute for the last three hours. */
import { addTally, emptyTally, type Tally } from "../core/tally.ts";
import { Votes } from "../core/votes.ts";
import type { Batch } from "../edge/batch.ts";

export const WRITE_MS = 5_000;
export const MINUTES_KEPT = 180;
const MINUTE_MS = 60_000;
/** What lanes do now, not what they did an hour ago; but not so short that there is nothing to see. */
const LATELY = { most: 15, least: 5 };
/** Until isolates with traffic have a new revision. */
const SPREAD_MS = 95_000;
/** A lane that is gone is forgotten after thirty days without a request. */
const FORGET_MS = 30 * 24 * 60 * MINUTE_MS;
/** Shares are judged for the newest revision; a few earlier ones still have visitors under way. */
const REVISIONS_KEPT = 20;

export interface TallyRow {
  readonly lane: string;
  readonly service: string;
  readonly tally: Tally;
}

export interface MinuteRow {
  /** Whole minutes since 1970. */
  readonly minute: number;
  readonly lane: string;
  readonly requests: number;
  readonly errors: number;
}

/** New visitors of a lane, and how many of them had no trace id that could choose their slot. */
export interface AssignedRow {
  readonly lane: string;
  readonly count: number;
  readonly drawn: number;
}

/** So many minutes say what the lanes do now: those of this revision alone, where there are enough of them. */
export function lately(publishedAt: number, now: number): number {
  const since = Math.floor(now / MINUTE_MS) - Math.floor((publishedAt + SPREAD_MS) / MINUTE_MS);
  return Math.min(LATELY.most, Math.max(LATELY.least, since));
}

type Row = { lane: string; service: string; tally: string };
const rowOf = ({ lane, service, tally }: Row): TallyRow => ({ lane, service, tally: JSON.parse(tally) });

export class Counters {
  readonly #sql: SqlStorage;
  #pending = new Map<string, TallyRow>();
  #assigned = new Map<string, { revision: number; lane: string; count: number; drawn: number }>();
  /** Many isolates may have seen one slot in one minute. */
  readonly #votes = new Votes();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS totals (lane TEXT, service TEXT, tally TEXT, at INTEGER, PRIMARY KEY (lane, service)) WITHOUT ROWID",
    );
    sql.exec(`CREATE TABLE IF NOT EXISTS minutes (minute INTEGER, lane TEXT, service TEXT, tally TEXT,
      PRIMARY KEY (minute, lane, service)) WITHOUT ROWID`);
    sql.exec(
      "CREATE TABLE IF NOT EXISTS visitors (revision INTEGER, lane TEXT, count INTEGER, drawn INTEGER, PRIMARY KEY (revision, lane)) WITHOUT ROWID",
    );
  }

  /** In memory; `write` has to follow. */
  add({ tallies, assigned }: Pick<Batch, "tallies" | "assigned">, now: number): void {
    for (const { lane, service, tally } of tallies) {
      const key = `${lane}/${service}`;
      const known = this.#pending.get(key) ?? { lane, service, tally: emptyTally() };
      addTally(known.tally, tally);
      this.#pending.set(key, known);
    }
    const minute = Math.floor(now / MINUTE_MS);
    for (const { revision, lane, drawn, slots } of assigned) {
      const key = `${revision}/${lane}`;
      const known = this.#assigned.get(key) ?? { revision, lane, count: 0, drawn: 0 };
      const votes = slots.filter((slot) => this.#votes.take(revision, minute, slot)).length;
      known.count += votes;
      if (drawn) known.drawn += votes;
      this.#assigned.set(key, known);
    }
  }

  write(now: number): void {
    const minute = Math.floor(now / MINUTE_MS);
    for (const { lane, service, tally } of this.#pending.values()) {
      this.#merge("SELECT tally FROM minutes WHERE minute = ? AND lane = ? AND service = ?", [minute, lane, service], tally, (text) =>
        this.#sql.exec("INSERT OR REPLACE INTO minutes VALUES (?, ?, ?, ?)", minute, lane, service, text),
      );
      this.#merge("SELECT tally FROM totals WHERE lane = ? AND service = ?", [lane, service], tally, (text) =>
        this.#sql.exec("INSERT OR REPLACE INTO totals VALUES (?, ?, ?, ?)", lane, service, text, now),
      );
    }
    const add = `INSERT INTO visitors VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET count = count + excluded.count, drawn = drawn + excluded.drawn`;
    for (const { revision, lane, count, drawn } of this.#assigned.values()) this.#sql.exec(add, revision, lane, count, drawn);
    this.#pending = new Map();
    this.#assigned = new Map();
    this.#sql.exec("DELETE FROM minutes WHERE minute <= ?", minute - MINUTES_KEPT);
    this.#sql.exec("DELETE FROM totals WHERE at < ?", now - FORGET_MS);
    const oldest = "SELECT DISTINCT revision FROM visitors ORDER BY revision DESC LIMIT -1 OFFSET ?";
    this.#sql.exec(`DELETE FROM visitors WHERE revision IN (${oldest})`, REVISIONS_KEPT);
  }

  #merge(query: string, bindings: (string | number)[], more: Tally, put: (text: string) => void): void {
    const [row] = this.#sql.exec<{ tally: string }>(query, ...bindings);
    const tally: Tally = row ? JSON.parse(row.tally) : emptyTally();
    addTally(tally, more);
    put(JSON.stringify(tally));
  }

  /** Since the lane's first request, what is pending included. */
  totals(now: number): TallyRow[] {
    this.write(now);
    return this.#sql.exec<Row>("SELECT lane, service, tally FROM totals ORDER BY lane, service").toArray().map(rowOf);
  }

  /** The last whole minutes and the running one. */
  recent(minutes: number, now: number): { readonly rows: TallyRow[]; readonly minutes: MinuteRow[] } {
    this.write(now);
    const query = "SELECT minute, lane, service, tally FROM minutes WHERE minute > ? ORDER BY minute, lane, service";
    const sums = new Map<string, TallyRow>();
    const series = new Map<string, { -readonly [K in keyof MinuteRow]: MinuteRow[K] }>();
    for (const row of this.#sql.exec<Row & { minute: number }>(query, Math.floor(now / MINUTE_MS) - minutes)) {
      const { lane, service, tally } = rowOf(row);
      const sum = sums.get(`${lane}/${service}`) ?? { lane, service, tally: emptyTally() };
      addTally(sum.tally, tally);
      sums.set(`${lane}/${service}`, sum);
      const point = series.get(`${row.minute}/${lane}`) ?? { minute: row.minute, lane, requests: 0, errors: 0 };
      point.requests += tally.requests;
      point.errors += tally.errors;
      series.set(`${row.minute}/${lane}`, point);
    }
    return { rows: [...sums.values()], minutes: [...series.values()] };
  }

  /** New visitors by lane, drawn under this revision. */
  assigned(revision: number): AssignedRow[] {
    const query = "SELECT lane, count, drawn FROM visitors WHERE revision = ? ORDER BY lane";
    return this.#sql.exec<AssignedRow & Record<string, SqlStorageValue>>(query, revision).toArray();
  }
}
