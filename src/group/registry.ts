/** The two keys that belong to no group: `groups`, the list of names, and `off`, the switch (contract section 8). Kept by the object named `*`. */
import { BUNDLED } from "../edge/bundled.ts";
import { Publisher } from "./publisher.ts";
import { Revisions } from "./revisions.ts";

/** `*`: every group, those of tomorrow too. */
export type Off = "*" | readonly string[];

export interface Switch {
  readonly groups: Off;
  readonly off: boolean;
  readonly by: string;
  readonly reason: string;
}

export class Registry {
  readonly groups: Publisher;
  readonly off: Publisher;

  constructor(sql: SqlStorage, kv: () => KVNamespace) {
    this.groups = new Publisher(kv, new Revisions(sql, "groups"), "edit");
    this.off = new Publisher(kv, new Revisions(sql, "off"), "edit");
  }

  /** Names in KV, or the bundled ones where KV has no list. Rejects when KV does. */
  async names(): Promise<readonly string[]> {
    await this.groups.observe();
    return this.#listed() ?? [...BUNDLED.keys()].sort();
  }

  /** Is it a group, or was it ever? KV that cannot be read hides nothing of what is known. */
  async knows(name: string): Promise<boolean> {
    if (BUNDLED.has(name)) return true;
    await this.groups.observe().catch(() => {});
    // In a list of names, which cannot hold a quote.
    return this.groups.revisions.mentions(JSON.stringify(name));
  }

  /** null: KV has never had a list. */
  #listed(): string[] | null {
    const names = newest(this.groups);
    return Array.isArray(names) ? names : null;
  }

  /**
   * KV's list names it from now on, or KV has no list and the bundled files serve, of which it is one. The first list has all bundled
   * names in it, because from then on nothing else is served (contract section 8); `seed` gives these a value in KV first.
   */
  async add(name: string, by: string, seed: () => Promise<void>): Promise<void> {
    await this.groups.observe();
    const before = this.#listed();
    if (before === null ? BUNDLED.has(name) : before.includes(name))
      return await this.groups.reach(this.groups.revisions.latest()?.revision ?? 0);
    if (before === null) await seed();
    // Another name may have been added while the bundled ones were being published.
    const names = [...new Set([...(this.#listed() ?? BUNDLED.keys()), name])].sort();
    const head = this.groups.commit(by, `${name} is published`, "list", () => JSON.stringify(names));
    await this.groups.reach(head.revision);
  }

  current(): Off {
    return newest(this.off) ?? [];
  }

  /**
   * Switches off or on what is named and leaves the rest as it is; single groups that come back on while all are off leave the names
   * of the others. KV that cannot be read stops nobody from switching off; rejects when it cannot be written, and is then written later.
   */
  async turn({ groups, off, by, reason }: Switch): Promise<Off> {
    await this.off.observe().catch(() => {});
    const names = off || groups === "*" ? [] : await this.names();
    const now = this.current();
    const next = off ? union(now, groups) : without(now === "*" ? names : now, groups);
    const named = groups === "*" ? groups : groups.join(", ");
    const head = this.off.commit(by, reason, `${off ? "off" : "on"}: ${named}`, () => JSON.stringify(next));
    await this.off.reach(head.revision);
    return next;
  }
}

function union(now: Off, more: Off): Off {
  return now === "*" || more === "*" ? "*" : [...new Set([...now, ...more])].sort();
}

function without(now: readonly string[], less: Off): Off {
  return less === "*" ? [] : now.filter((name) => !less.includes(name));
}

/** Isolates keep what they have where a value cannot be read; so do we. */
const LOOK_BACK = 20;

function newest({ revisions }: Publisher): "*" | string[] | null {
  for (const { revision } of revisions.list(Number.MAX_SAFE_INTEGER, LOOK_BACK)) {
    const text = revisions.get(revision)?.text ?? null;
    const names = text === null ? null : parsed(text);
    if (names !== null) return names;
  }
  return null;
}

/** As `edge/groups-kv.ts` reads them; null: neither form, as somebody may have written it by hand. */
function parsed(text: string): "*" | string[] | null {
  if (text.trim() === "*") return "*";
  try {
    const value: unknown = JSON.parse(text);
    if (value === "*") return "*";
    return Array.isArray(value) && value.every((name) => typeof name === "string") ? value : null;
  } catch {
    return null;
  }
}
