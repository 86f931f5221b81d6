/**
 * The publisher's memory (contract section 8): one object per group, and one named `*` for what belongs to none. It is asked by the admin
 * API and told by isolates; the data path never waits for it.
 */
import { DurableObject } from "cloudflare:workers";
import { runsOf } from "../core/slots.ts";
import type { Batch, InForce } from "../edge/batch.ts";
import { type Env, originOptions } from "../edge/env.ts";
import { loadParser, parser } from "../edge/parser.ts";
import { type AssignedRow, Counters, lately, type MinuteRow, type TallyRow, WRITE_MS } from "./counters.ts";
import { Differences, type EndpointRow } from "./differences.ts";
import { Limiter } from "./limiter.ts";
import { Publisher } from "./publisher.ts";
import { type Off, Registry, type Switch } from "./registry.ts";
import { type AuditEntry, type RefusedWrite, type Revision, Revisions } from "./revisions.ts";
import { publishBundled } from "./seed.ts";
import { lastGood, type MarkedHead, marked, publishedText, type Runs, slotsFor, staleness, type Write, type Written } from "./write.ts";

export const REGISTRY = "*";

/** When an alarm looks after a write that may have been cut; doubling while KV refuses. */
const RETRY_MS = 3_000;
const MAX_RETRY_MS = 60_000;

export interface Current {
  readonly latest: Revision | null;
  /** The newest that is a lane file, which serves on where `latest` is none; null: none of the last is known to be one. */
  readonly good: Revision | null;
  /** The newest revision that KV has taken. */
  readonly written: number;
}

export interface History {
  readonly written: number;
  readonly revisions: MarkedHead[];
  readonly audit: AuditEntry[];
  readonly refused: RefusedWrite[];
}

/** What the lanes did in the last minutes, so many that it is what they do now. */
export interface Lately {
  readonly minutes: number;
  readonly rows: TallyRow[];
}

export interface Stats {
  readonly lately: Lately;
  readonly rows: TallyRow[];
  readonly minutes: MinuteRow[];
  readonly latest: Revision | null;
  readonly assigned: AssignedRow[];
}

export class Group extends DurableObject<Env> {
  readonly #sql: SqlStorage;
  readonly #counters: Counters;
  readonly #differences: Differences;
  readonly #registry: Registry;
  readonly #limiter = new Limiter();
  readonly #refusals = new Limiter();
  #publisher: Publisher | null = null;
  #writing: ReturnType<typeof setTimeout> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.blockConcurrencyWhile(loadParser);
    this.#sql = ctx.storage.sql;
    this.#sql.exec("CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID");
    this.#counters = new Counters(this.#sql);
    this.#differences = new Differences(this.#sql, Math.random);
    this.#registry = new Registry(this.#sql, () => this.env.LANES);
  }

  #state(name: string): string | null {
    const [row] = this.#sql.exec<{ value: string }>("SELECT value FROM state WHERE name = ?", name);
    return row?.value ?? null;
  }

  #setState(name: string, value: string): void {
    this.#sql.exec("INSERT OR REPLACE INTO state VALUES (?, ?)", name, value);
  }

  #publisherOf(name: string): Publisher {
    this.#publisher ??= new Publisher(() => this.env.LANES, new Revisions(this.#sql, `group:${name}`), "lag");
    return this.#publisher;
  }

  /** What is published, after a look at KV: a value put there by hand is the newest revision from now on. */
  async read(name: string): Promise<Current> {
    const { revisions } = await this.#looked(name);
    const good = lastGood(revisions, originOptions(this.env))?.revision ?? null;
    return { latest: revisions.latest(), good, written: revisions.written().revision };
  }

  /** KV that cannot be read hides nothing that is known. */
  async #looked(name: string): Promise<Publisher> {
    const publisher = this.#publisherOf(name);
    await publisher.observe().catch(() => {});
    const unattended = publisher.isPending() && (await this.ctx.storage.getAlarm()) === null;
    if (unattended) this.#wakeIn(RETRY_MS);
    return publisher;
  }

  revision(name: string, revision: number): Revision | null {
    return this.#publisherOf(name).revisions.get(revision);
  }

  revisionBefore(name: string, revision: number): Revision | null {
    return this.#publisherOf(name).revisions.before(revision);
  }

  async history(name: string, before: number, limit: number): Promise<History> {
    const { revisions } = await this.#looked(name);
    return {
      written: revisions.written().revision,
      revisions: marked(revisions, revisions.list(before, limit), originOptions(this.env)),
      audit: revisions.audits(limit),
      refused: revisions.refusals(limit),
    };
  }

  /** Resolves once KV holds the revision, or a newer one that followed from it. */
  async publish(write: Write): Promise<Written> {
    if (!this.#limiter.take(Date.now())) return { refused: { why: "busy" } };
    return await this.commit(write);
  }

  /** As `publish`, however often. */
  async commit(write: Write): Promise<Written> {
    const publisher = this.#publisherOf(write.name);
    try {
      const seen = await publisher.observe();
      if (publisher.isExhausted()) return { refused: { why: "exhausted" } };
      if (seen.kind === "outside") return { refused: { why: "drift", revision: seen.revision } };
    } catch {
      return { refused: { why: "kv" } };
    }
    // Nothing is awaited from here to the revision, so that of two writers who saw the same only one gets it.
    const { revisions } = publisher;
    const stale = staleness(revisions, write.expected);
    if (stale !== null) return { refused: stale };
    const options = originOptions(this.env);
    const parsed = parser().parseLaneGroupText(write.file, options);
    if (!parsed.ok) return { refused: { why: "invalid", problems: [...parsed.error] } };
    const slots: Runs = runsOf(slotsFor(parsed.value.group, lastGood(revisions, options)?.group ?? null, write.slots));
    const head = publisher.commit(write.by, write.reason, write.action, (next) => publishedText(write.file, next, slots));
    this.#setState("name", write.name);
    this.#wakeIn(RETRY_MS);
    try {
      await this.#deliver(write.name, head.revision, write.by);
    } catch (error) {
      console.error(JSON.stringify({ error: "publish", group: write.name, revision: head.revision, message: String(error) }));
      return { refused: { why: "unwritten", revision: head.revision } };
    }
    return { revision: head.revision, at: head.at };
  }

  /** The value first, then its name: isolates must not be sent to a key that is not there. */
  async #deliver(name: string, revision: number, by: string): Promise<void> {
    await this.#publisherOf(name).reach(revision);
    if (this.#state("listed") !== null) return;
    const registry = this.env.GROUP!.getByName(REGISTRY) as unknown as Pick<Group, "list">;
    if (await registry.list(name, by)) this.#setState("listed", "true");
  }

  /** An alarm outlives a crash. An object has one: whatever else is due is looked after by the same. */
  #wakeIn(ms: number): void {
    void this.ctx.storage.setAlarm(Date.now() + ms);
  }

  async #wakeForSamples(): Promise<void> {
    const [expiresAt, alarm] = [this.#differences.expiresAt(), await this.ctx.storage.getAlarm()];
    if (expiresAt !== null && (alarm === null || alarm > expiresAt)) this.#wakeIn(Math.max(RETRY_MS, expiresAt - Date.now()));
  }

  override async alarm(): Promise<void> {
    const name = this.#state("name");
    const publishers = [this.#registry.groups, this.#registry.off, ...(name === null ? [] : [this.#publisherOf(name)])];
    const unlisted = name !== null && this.#state("listed") === null;
    const due = Number(this.#state("retryMs") ?? RETRY_MS);
    try {
      for (const publisher of publishers) if (publisher.isPending()) await publisher.reach(publisher.revisions.latest()!.revision);
      if (unlisted) await this.#deliver(name, 0, "laneway");
      this.#setState("retryMs", String(RETRY_MS));
    } catch (error) {
      console.error(JSON.stringify({ error: "publish", group: name, message: String(error) }));
      this.#setState("retryMs", String(Math.min(MAX_RETRY_MS, due * 2)));
      return this.#wakeIn(due);
    }
    this.#differences.write(Date.now());
    await this.#wakeForSamples();
  }

  /** Somebody was refused before it came to a revision. Strangers are many, from many isolates, and each would cost a row. */
  refused(name: string, refusal: Omit<RefusedWrite, "times">, known: boolean): void {
    if (known || this.#refusals.take(Date.now())) this.#publisherOf(name).revisions.refuse(refusal, known);
  }

  // What follows is asked of the object named `*`.

  /** True: KV's `groups` names it. False: KV has no list, and the bundled files serve. */
  async list(name: string, by: string): Promise<boolean> {
    this.#wakeIn(RETRY_MS);
    await this.#registry.add(name, by, () => publishBundled(this.env, name));
    return this.#registry.groups.revisions.latest() !== null;
  }

  async names(): Promise<{ readonly names: string[]; readonly off: Off }> {
    await this.#registry.off.observe().catch(() => {});
    return { names: [...(await this.#registry.names())], off: this.#registry.current() };
  }

  async knows(name: string): Promise<boolean> {
    return await this.#registry.knows(name);
  }

  async turn(change: Switch): Promise<{ readonly off: Off } | { readonly refused: { readonly why: "busy" | "unwritten" } }> {
    if (!this.#limiter.take(Date.now())) return { refused: { why: "busy" } };
    this.#wakeIn(RETRY_MS);
    try {
      return { off: await this.#registry.turn(change) };
    } catch (error) {
      console.error(JSON.stringify({ error: "off", message: String(error) }));
      return { refused: { why: "unwritten" } };
    }
  }

  switches(limit: number): AuditEntry[] {
    return this.#registry.off.revisions.audits(limit);
  }

  // What follows is counted.

  /** A batch of an isolate: added up in memory, written every five seconds, because rows cost money. An eviction in between loses these seconds. */
  count({ endpoints, inForce, ...batch }: Batch): void {
    if (inForce) this.ctx.waitUntil(this.#see(inForce));
    this.#counters.add(batch, Date.now());
    this.#differences.add(endpoints);
    this.#writing ??= setTimeout(() => {
      this.#writing = null;
      const now = Date.now();
      this.#counters.write(now);
      this.#differences.write(now);
      void this.#wakeForSamples();
    }, WRITE_MS);
  }

  /** A value that is none of ours is looked for at once, so that the history has it before anybody asks. */
  async #see({ group, revision, since }: InForce): Promise<void> {
    if (this.#publisherOf(group).revisions.see(revision, Math.min(since, Date.now()))) await this.#looked(group);
  }

  /** Without a look at KV. */
  lately(name: string): Lately {
    const now = Date.now();
    const at = this.#publisherOf(name).revisions.latest()?.at;
    const minutes = lately(at === undefined ? 0 : Date.parse(at), now);
    return { minutes, rows: this.#counters.recent(minutes, now).rows };
  }

  async stats(name: string, minutes: number): Promise<Stats> {
    const { revisions } = await this.#looked(name);
    const latest = revisions.latest();
    return {
      ...this.#counters.recent(minutes, Date.now()),
      lately: this.lately(name),
      latest,
      assigned: latest === null ? [] : this.#counters.assigned(latest.revision),
    };
  }

  totals(): TallyRow[] {
    return this.#counters.totals(Date.now());
  }

  async differences(): Promise<EndpointRow[]> {
    const rows = this.#differences.read(Date.now());
    await this.#wakeForSamples();
    return rows;
  }

  forgetDifferences(name: string, by: string): void {
    this.#differences.clear();
    const entry = { at: new Date().toISOString(), by, action: "delete differences", from: null, to: null, reason: "" };
    this.#publisherOf(name).revisions.audit(entry);
  }
}
