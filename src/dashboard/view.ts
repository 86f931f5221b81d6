/** All that a group's page shows, asked of the API at once. What cannot be had is left out and named; it never takes the rest along. */
import type { Session } from "../admin/session.ts";
import { ask, groupApi, type Page, type Reply } from "./ask.ts";
import type { Change, Checked, Differences, GroupFile, GroupList, Health, History, Published, Stats } from "./shapes.ts";

export interface GroupView {
  readonly name: string;
  readonly published: Published;
  /** null: the newest value in KV is no lane file. */
  readonly file: GroupFile | null;
  readonly off: boolean;
  /** The revision in force at this location; null: none yet. */
  readonly inForce: string | null;
  readonly health: Health;
  readonly stats: Stats;
  readonly checked: Checked;
  readonly history: History;
  readonly differences: Differences;
  /** What somebody changed beside the publisher; null: nobody did. */
  readonly outside: readonly Change[] | null;
  /** Why something is left out. */
  readonly missing: readonly string[];
  readonly now: number;
}

const NO_STATS: Stats = { minutes: 60, concerns: [], rows: [], series: [], visitors: [], ratio: { verdict: "none", causes: [] } };
const NOTHING_CHECKED: Checked = { problems: [], against: null, warnings: [], moved: [], fallsBack: [], changes: [] };
const NO_HEALTH: Health = { groups: [], staleness: { busySeconds: 95 }, problems: [], missingSecrets: [] };

export async function groupView(c: Page, session: Session, name: string): Promise<Reply<GroupView>> {
  const missing: string[] = [];
  const get = async <T>(path: string, otherwise: T, body?: unknown): Promise<T> => {
    const reply = await ask<T>(c, session, body === undefined ? "GET" : "POST", path, { body });
    if (reply.ok) return reply.body;
    missing.push(reply.body.detail);
    return otherwise;
  };
  const newest = await ask<GroupFile>(c, session, "GET", groupApi(name));
  if (!newest.ok) return newest;
  const { published, unreadable, ...plain } = newest.body;
  const { revision, by } = published;
  const history = { written: revision, revisions: [published], audit: [], refused: [], switches: [] };
  const [list, health, stats, checked, past, differences, changed] = await Promise.all([
    get<GroupList>("/api/groups?brief", { off: [], groups: [] }),
    get<Health>("/health", NO_HEALTH),
    get<Stats>(groupApi(name, "/stats"), NO_STATS),
    unreadable === undefined ? get<Checked>(groupApi(name, "/check"), NOTHING_CHECKED, plain) : NOTHING_CHECKED,
    get<History>(groupApi(name, "/history?limit=20"), history),
    get<Differences>(groupApi(name, "/differences"), { endpoints: [] }),
    by === "kv" ? get<{ changes: readonly Change[] }>(groupApi(name, `/history/${revision}`), { changes: [] }) : null,
  ]);
  const body: GroupView = {
    name,
    published,
    file: published.good === revision ? newest.body : null,
    off: list.off === "*" || list.off.includes(name),
    inForce: list.groups.find((group) => group.name === name)?.revision ?? null,
    health,
    stats,
    checked,
    history: past,
    differences,
    outside: changed?.changes ?? null,
    missing: [...new Set(missing)],
    now: Date.now(),
  };
  return { ok: true, body };
}
