/** What is published, and how it came about: `GET /__lanes/api/groups`, one of them, its history, a revision of it, and `check`. */
import { changesBetween } from "../core/changes.ts";
import type { LaneGroup } from "../core/lane-group.ts";
import { MAX_REVISION, readRevision } from "../core/revision.ts";
import { SLOTS } from "../core/slots.ts";
import { slotsByLane } from "../core/weights.ts";
import type { Env } from "../edge/env.ts";
import type { Snapshot } from "../edge/groups-kv.ts";
import type { Revision } from "../group/revisions.ts";
import { readText } from "./body.ts";
import { checkFile, preview } from "./check.ts";
import { concernsOf, healthOf } from "./concerns.ts";
import { regressions } from "./differences.ts";
import { groupDoor, isKnown, noPublisher, registryDoor } from "./door.ts";
import { countIn } from "./input.ts";
import type { Asking } from "./publish.ts";
import { invalid, refuse } from "./refuse.ts";
import { slotsIn } from "./rollback.ts";

/** Shares in percent, as the slots have them. */
function lanesOf({ lanes, slots }: LaneGroup) {
  const counts = slotsByLane(slots);
  return [...lanes.values()].map(({ name, owner }) => ({ name, owner, percent: ((counts.get(name) ?? 0) * 100) / SLOTS }));
}

/**
 * All groups by name: those in force in this isolate, and those that are published but not here yet. `?brief` leaves out what is wrong with
 * their lanes, for which every group's object is asked.
 */
export async function list(snapshot: Snapshot, env: Env, brief: boolean): Promise<Response> {
  const door = registryDoor(env);
  if (door === null) return noPublisher();
  // KV that cannot be read hides nothing of what is in force.
  const known = await door.names().catch(() => ({ names: [], off: snapshot.off === "*" ? ("*" as const) : [...snapshot.off] }));
  const names = [...new Set([...known.names, ...snapshot.groups.keys()])].sort();
  const groups = names.map(async (name) => {
    const inForce = snapshot.groups.get(name);
    if (!inForce) return { name, revision: null, source: null };
    const { group, revision, source } = inForce;
    const shown = { name, revision, source, note: group.note, hosts: group.hosts, baseline: group.baseline, lanes: lanesOf(group) };
    if (brief) return shown;
    const lately = groupDoor(env, name)!
      .lately(name)
      .then(
        ({ rows }) => rows,
        () => [],
      );
    const [rows, dark] = await Promise.all([lately, regressions(env, snapshot, name)]);
    return { ...shown, concerns: concernsOf(healthOf(snapshot, name, rows), dark) };
  });
  return Response.json({ off: known.off, groups: await Promise.all(groups) });
}

/** A revision's file, with what was published; of a value that somebody put into KV, what we know of it. */
function published({ revision, at, by, reason, text }: Revision): Record<string, unknown> {
  const head = { revision, at, by, reason };
  try {
    const file: unknown = JSON.parse(text ?? "");
    if (typeof file === "object" && file !== null && !Array.isArray(file)) {
      const had: unknown = (file as Record<string, unknown>).published;
      return { ...file, published: { ...(typeof had === "object" ? had : {}), ...head } };
    }
  } catch {
    // Said below.
  }
  return { published: head, unreadable: (text ?? "").slice(0, 200) };
}

/** It serves from the deploy's files, or is named in KV's list and not there. */
function unpublished({ groups, problems }: Snapshot, name: string): Response {
  if (groups.has(name)) return refuse("no-group", "Nothing was published under this name yet: what serves is the deploy's file.");
  const found = problems.filter(({ key }) => key === `group:${name}`).flatMap((each) => each.problems);
  return refuse("no-group", "Nothing is published under this name.", found.length === 0 ? {} : { problems: found });
}

export async function one({ env, name, snapshot }: Asking): Promise<Response> {
  const door = groupDoor(env, name);
  if (door === null) return noPublisher();
  const { latest, good, written } = await door.read(name);
  if (latest === null) return unpublished(snapshot, name);
  const value = published(latest);
  // A revision that KV has not taken yet is not what serves.
  const headers = { etag: `"${latest.revision}"`, "x-lanes-written": String(written) };
  return Response.json({ ...value, published: { ...(value.published as object), good: good?.revision ?? null } }, { headers });
}

const PAGE = 50;
const MAX_PAGE = 500;

/** Newest first; `?before=` a revision and `?limit=` give the pages after the first. */
export async function history({ request, env, name }: Asking): Promise<Response> {
  const [door, registry] = [groupDoor(env, name), registryDoor(env)];
  if (door === null || registry === null) return noPublisher();
  const [limit, before] = [countIn(request, "limit", PAGE, MAX_PAGE), countIn(request, "before", MAX_REVISION + 1, MAX_REVISION + 1)];
  if (!limit.ok) return invalid("There is no such page.", limit.error);
  if (!before.ok) return invalid("There is no such page.", before.error);
  const [found, switches] = await Promise.all([door.history(name, before.value, limit.value), registry.switches(limit.value)]);
  return Response.json({ ...found, switches });
}

/** One revision: its file, and what it changed. */
export async function revision({ env, name }: Asking, text: string): Promise<Response> {
  const door = groupDoor(env, name);
  if (door === null) return noPublisher();
  const number = readRevision(text);
  if (number === null)
    return invalid("There is no such revision.", { path: "revision", message: `expected a whole number from 1 to ${MAX_REVISION}` });
  const [found, before] = await Promise.all([door.revision(name, number), door.revisionBefore(name, number)]);
  if (found === null) return refuse("no-revision", `There is no revision ${number}.`);
  const { published: head, ...file } = published(found);
  const { published: _, ...earlier } = before === null ? { unreadable: "" } : published(before);
  const comparable = !("unreadable" in earlier) && !("unreadable" in file);
  return Response.json({ ...(head as object), file, changes: comparable ? changesBetween(earlier, file) : [] });
}

/** `?back=` a revision: as putting it back would lay out the slots. */
export async function check({ request, env, name, snapshot }: Asking): Promise<Response> {
  const door = groupDoor(env, name);
  if (door === null) return noPublisher();
  const back = countIn(request, "back", 0, MAX_REVISION);
  if (!back.ok) return invalid("There is no such revision.", back.error);
  const text = await readText(request);
  if (!text.ok) return text.error;
  const checked = checkFile(text.value, name, snapshot, env);
  const { file, group, problems, warnings } = checked;
  if (file === null || group === null) return Response.json({ problems, warnings, against: null, moved: [], fallsBack: [], changes: [] });
  const known = await isKnown(env, snapshot, name);
  const good = known ? (await door.read(name)).good : null;
  const earlier = known && back.value > 0 ? await door.revision(name, back.value) : null;
  return Response.json({ problems, ...preview({ ...checked, file, group }, good, slotsIn(earlier?.text ?? ""), Date.now()) });
}
