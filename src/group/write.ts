/** One write of a group: may it happen, and what is the new revision's text (contract sections 3 and 8). */
import { type Change, changesBetween } from "../core/changes.ts";
import type { LaneGroup, SlotTable } from "../core/lane-group.ts";
import type { OriginOptions } from "../core/origin.ts";
import type { Problem } from "../core/problem.ts";
import { adjustTable, rangesTable, runsOf } from "../core/slots.ts";
import { parser } from "../edge/parser.ts";
import type { Revision, RevisionHead, Revisions } from "./revisions.ts";

export type Runs = [lane: string, count: number][];

export interface Write {
  readonly name: string;
  /** JSON of the lane file, without `published`. */
  readonly file: string;
  /** The revision that the writer has seen; `*`: any; null: there must be none. */
  readonly expected: number | "*" | null;
  readonly by: string;
  readonly reason: string;
  /** `publish`, `weights`, `rollback`: for the audit. */
  readonly action: string;
  /** Whose slots these were, where an earlier revision is put back; null: as now, with the fewest moved. */
  readonly slots: Runs | null;
}

/** Why nothing was written; or, `unwritten`, not to KV yet. */
export type Refusal =
  /** `exhausted`: somebody used the last revision number. */
  | { readonly why: "busy" | "kv" | "exhausted" }
  | { readonly why: "invalid"; readonly problems: Problem[] }
  /** Somebody put `revision` into KV beside us. */
  | { readonly why: "drift"; readonly revision: number }
  /** `current` 0: there is no such group. `since`: newest first. */
  | { readonly why: "stale"; readonly current: number; readonly since: RevisionHead[]; readonly changes: Change[] }
  | { readonly why: "unwritten"; readonly revision: number };

export type Written = { readonly revision: number; readonly at: string } | { readonly refused: Refusal };

export interface MarkedHead extends RevisionHead {
  /** It is no lane file, or no longer kept: nobody can go back to it. */
  readonly broken?: true;
}

/** More tell nobody more. */
const MAX_SINCE = 20;

/** null: the writer has seen what is there. */
export function staleness(revisions: Revisions, expected: Write["expected"]): Refusal | null {
  const latest = revisions.latest();
  if (expected === null ? latest === null : latest !== null && (expected === "*" || expected === latest.revision)) return null;
  const seen = typeof expected === "number" ? revisions.get(expected) : null;
  const changes = changesBetween(fileOf(seen), fileOf(latest));
  const since = revisions
    .list(Number.MAX_SAFE_INTEGER, MAX_SINCE)
    .filter(({ revision }) => typeof expected === "number" && revision > expected);
  return { why: "stale", current: latest?.revision ?? 0, since, changes: seen === null ? [] : changes };
}

/** A file without what publishing adds; undefined: it is not JSON, or nested without end. */
function fileOf(revision: Revision | null): unknown {
  const parsed = revision?.text == null ? null : parser().parseLaneGroupText(revision.text, { insecureOrigins: true });
  if (!parsed?.ok) return undefined;
  const { published, ...file } = JSON.parse(revision!.text!);
  return file;
}

/** Isolates keep the last good revision where a newer one is not: its slots are what visitors have. */
const LOOK_BACK = 20;

export function lastGood(revisions: Revisions, options: OriginOptions): { readonly revision: Revision; readonly group: LaneGroup } | null {
  for (const { revision: number } of revisions.list(Number.MAX_SAFE_INTEGER, LOOK_BACK)) {
    const revision = revisions.get(number)!;
    const group = groupOf(revision, options);
    if (group !== null) return { revision, group };
  }
  return null;
}

function groupOf({ text }: Revision, options: OriginOptions): LaneGroup | null {
  const parsed = text === null ? null : parser().parseLaneGroupText(text, options);
  return parsed?.ok ? parsed.value.group : null;
}

/** Marks what is no lane file and so was never in force. We write none such, so only what came beside us is read. */
export function marked(revisions: Revisions, heads: readonly RevisionHead[], options: OriginOptions): MarkedHead[] {
  const isBroken = ({ revision, by }: RevisionHead) => by === "kv" && groupOf(revisions.get(revision)!, options) === null;
  return heads.map((head) => (isBroken(head) ? { ...head, broken: true } : head));
}

/** The slots of the new revision: those given, or of the last good one, with the fewest moved. */
export function slotsFor(group: LaneGroup, previous: LaneGroup | null, given: Runs | null): SlotTable {
  const weights = [...group.lanes.values()].map(({ name, weight }) => [name, weight] as const);
  const before = given ?? (previous === null ? null : runsOf(previous.slots));
  return before === null ? rangesTable(weights) : adjustTable(before, weights);
}

/** The value for KV. */
export function publishedText(file: string, { revision, at, by, reason }: RevisionHead, slots: Runs): string {
  return JSON.stringify({ ...JSON.parse(file), published: { revision, at, by, reason, slots } });
}
