/** `GET` and `DELETE /__lanes/api/groups/:name/differences`: endpoints → places → counts, verdict, samples (contract section 7, compare). */
import { compareRules, ignores } from "../core/compare-rules.ts";
import { diffyFigures, evidence, evidenceNeeded, verdict, whyUndecided } from "../core/noise.ts";
import type { Env } from "../edge/env.ts";
import type { Snapshot } from "../edge/groups-kv.ts";
import type { EndpointRow, PlaceRow } from "../group/differences.ts";
import { actor } from "./actor.ts";
import { groupDoor, noPublisher } from "./door.ts";
import type { Asking } from "./publish.ts";

/** What the mirror's `compare.ignore` says today; what it said when the place was counted does not matter. */
function ignoring(snapshot: Snapshot, name: string, mirror: string): (path: string) => boolean {
  const found = snapshot.groups.get(name)?.group.mirrors.find((each) => each.name === mirror)?.compare;
  const rules = found ? compareRules(found) : null;
  return (path) => rules?.ok === true && ignores(rules.value, path);
}

function placeOf({ rank, opaque, ...place }: PlaceRow, probed: number, ignored: boolean) {
  const { path, kind, ...counts } = place;
  const called = verdict(counts, probed, rank, ignored, opaque);
  return {
    path,
    kind,
    verdict: called,
    why: called === "undecided" ? whyUndecided(probed) : null,
    ...counts,
    evidence: evidence(counts.onlyRaw, counts.onlyNoise),
    evidenceNeeded: rank === null ? null : evidenceNeeded(rank),
    diffy: diffyFigures(counts, probed),
  };
}

const placesOf = (signature: string) =>
  (signature === "" ? [] : signature.split("\n")).map((line) => {
    const space = line.indexOf(" ");
    return { kind: line.slice(0, space), path: line.slice(space + 1) };
  });

function endpointOf({ places, samples, ...counts }: EndpointRow, isIgnoredPath: (path: string) => boolean) {
  return {
    ...counts,
    paths: places.map((place) => placeOf(place, counts.probed, isIgnoredPath(place.path))),
    samples: samples.map(({ signature, at, seen, text }) => ({ paths: placesOf(signature), at, seen, sample: JSON.parse(text) })),
  };
}

/** How many places of a group's mirrors are proven to be different. What cannot be had is none. */
export async function regressions(env: Env, snapshot: Snapshot, name: string): Promise<number> {
  if ((snapshot.groups.get(name)?.group.mirrors.length ?? 0) === 0) return 0;
  const rows =
    (await groupDoor(env, name)
      ?.differences()
      .catch(() => null)) ?? [];
  const places = rows.flatMap((row) => endpointOf({ ...row, samples: [] }, ignoring(snapshot, name, row.mirror)).paths);
  return places.filter(({ verdict: called }) => called === "regression").length;
}

export async function differences({ env, name, snapshot }: Asking): Promise<Response> {
  const door = groupDoor(env, name);
  if (door === null) return noPublisher();
  const rows = await door.differences();
  const ignored = new Map([...new Set(rows.map(({ mirror }) => mirror))].map((mirror) => [mirror, ignoring(snapshot, name, mirror)]));
  return Response.json({ group: name, endpoints: rows.map((row) => endpointOf(row, ignored.get(row.mirror)!)) });
}

/** What isolates have counted in the last seconds may still come in after it. */
export async function forget(asking: Asking): Promise<Response> {
  const door = groupDoor(asking.env, asking.name);
  if (door === null) return noPublisher();
  await door.forgetDifferences(asking.name, actor(asking));
  return new Response(null, { status: 204 });
}
