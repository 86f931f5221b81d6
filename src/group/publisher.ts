/**
 * Writes one KV key through its revisions (contract section 8). A revision is durable before KV is asked to take it, so whatever is cut
 * in between is finished later: `reach` brings KV to the newest revision, at most one write a second, and may be called again
 * at any time.
 */
import { hashLabel, isRevision, MAX_REVISION } from "../core/revision.ts";
import { KV_CACHE_SECONDS } from "../edge/kv-values.ts";
import type { AuditEntry, RevisionHead, Revisions } from "./revisions.ts";

/** KV allows one write a second per key. */
const WRITE_MS = 1_000;
/** What takes longer counts as failed; a write may still come through, and is repeated in any case. */
const ANSWER_MS = 10_000;
const TRIES = 3;
/** A value older than the last write may be seen for a minute or more after it; for longer, something brought it back. */
const LAG_MS = 120_000;

/**
 * What a look at KV found: nothing; a revision; or a value of somebody else's, which is now the newest revision, unless there is no number
 * left for it.
 */
export type Seen = { readonly kind: "nothing" } | { readonly kind: "revision" | "outside"; readonly revision: number };

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`KV did not answer within ${ms} ms`)), ms);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const iso = (ms: number) => new Date(ms).toISOString();

export class Publisher {
  readonly revisions: Revisions;
  readonly #kv: () => KVNamespace;
  readonly #earlier: "lag" | "edit";
  #writing: Promise<void> | null = null;

  /** @param earlier what an earlier revision in KV is, once it cannot be lag: brought back by chance, or by somebody's edit. */
  constructor(kv: () => KVNamespace, revisions: Revisions, earlier: "lag" | "edit") {
    this.#kv = kv;
    this.revisions = revisions;
    this.#earlier = earlier;
  }

  /** Rejects when KV does. */
  async observe(): Promise<Seen> {
    const text = await within(this.#kv().get(this.revisions.key, { type: "text", cacheTtl: KV_CACHE_SECONDS }), ANSWER_MS);
    if (text === null) return { kind: "nothing" };
    const now = Date.now();
    const [known, latest, written] = [this.revisions.find(text), this.revisions.latest(), this.revisions.written()];
    if (known !== null) {
      const settled = now - written.at > LAG_MS;
      const returned = known < written.revision && settled;
      if (returned && this.#earlier === "lag") this.revisions.setWritten(known, written.at);
      else if (known > written.revision) this.revisions.setWritten(known, written.at);
      if (!returned || this.#earlier === "lag") return { kind: "revision", revision: known };
    }
    const number = revisionIn(text);
    const revision = number > (latest?.revision ?? 0) ? number : this.#next();
    if (revision > MAX_REVISION) return { kind: "outside", revision: MAX_REVISION };
    const seenAt = this.revisions.seenAt(number > 0 ? String(number) : hashLabel(text)) ?? now;
    const head = { revision, at: iso(seenAt), by: "kv", reason: "changed outside" };
    this.revisions.append(head, text);
    this.revisions.setWritten(head.revision, written.at);
    this.#audit(head, "changed outside", latest?.revision ?? null);
    return { kind: "outside", revision: head.revision };
  }

  /** Isolates go to no lower revision than one that they have seen, whether it was ever found here or not. */
  #next(): number {
    return Math.max(this.revisions.latest()?.revision ?? 0, this.revisions.highestSeen()) + 1;
  }

  /** Somebody used the last number up: what is published now, no isolate would take. */
  isExhausted(): boolean {
    return this.#next() > MAX_REVISION;
  }

  /** The next revision, which there must be; nothing is awaited. `reach` has to follow. */
  commit(by: string, reason: string, action: string, textOf: (head: RevisionHead) => string): RevisionHead {
    const from = this.revisions.latest()?.revision ?? null;
    const head = { revision: this.#next(), at: iso(Date.now()), by, reason };
    this.revisions.append(head, textOf(head));
    this.#audit(head, action, from);
    return head;
  }

  #audit({ at, by, revision, reason }: RevisionHead, action: string, from: number | null): void {
    const entry: AuditEntry = { at, by, action, from, to: revision, reason };
    this.revisions.audit(entry);
  }

  isPending(): boolean {
    return this.revisions.written().revision < (this.revisions.latest()?.revision ?? 0);
  }

  /** Resolves when KV has taken this revision or a newer one; rejects after three tries. Callers at the same time share the writes. */
  async reach(revision: number): Promise<void> {
    while (this.revisions.written().revision < revision) {
      this.#writing ??= this.#write().finally(() => {
        this.#writing = null;
      });
      await this.#writing;
    }
  }

  async #write(): Promise<void> {
    for (let tries = 1; ; tries++) {
      const { revision, at } = this.revisions.written();
      const wait = at + WRITE_MS - Date.now();
      if (wait > 0) await after(wait);
      const latest = this.revisions.latest()!;
      // Noted before the write, so that one cut short is not followed by another within the second.
      this.revisions.setWritten(revision, Date.now());
      try {
        if (latest.text !== null) await within(this.#kv().put(this.revisions.key, latest.text), ANSWER_MS);
        this.revisions.setWritten(latest.revision, Date.now());
        return;
      } catch (error) {
        if (tries === TRIES) throw error;
      }
    }
  }
}

/** `published.revision` of a value that came from elsewhere: isolates that have it go to no lower one. */
function revisionIn(text: string): number {
  try {
    const revision: unknown = JSON.parse(text)?.published?.revision;
    return isRevision(revision) ? revision : 0;
  } catch {
    return 0;
  }
}
