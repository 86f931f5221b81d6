/** `PUT` and `DELETE /__lanes/api/off`: groups to their baselines, and back. What is not named stays as it is. */
import { isGroupName } from "../core/group-name.ts";
import { at, type Problem, show, unknownName } from "../core/problem.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Off } from "../group/registry.ts";
import { actor } from "./actor.ts";
import { readObject } from "./body.ts";
import { noPublisher, registryDoor } from "./door.ts";
import { reasonIn } from "./input.ts";
import { type Asking, refusal } from "./publish.ts";
import { invalid, refuse } from "./refuse.ts";

function groupsIn(value: unknown): Result<Off, Problem[]> {
  if (value === "*") return ok("*");
  if (!Array.isArray(value) || value.length === 0)
    return err([{ path: "groups", message: `expected "*" or a list of names, got ${show(value)}` }]);
  const wrong = value.flatMap((name, place) =>
    isGroupName(name) ? [] : [{ path: at("groups", place), message: `expected a group's name, got ${show(name)}` }],
  );
  return wrong.length === 0 ? ok(value) : err(wrong);
}

/** `off: false` without a body: everything back on. */
export async function turn(asking: Omit<Asking, "name">, off: boolean): Promise<Response> {
  const { request, env, snapshot } = asking;
  const door = registryDoor(env);
  if (door === null) return noPublisher();
  const body = !off && request.body === null ? ok<Readonly<Record<string, unknown>>>({ groups: "*" }) : await readObject(request);
  if (!body.ok) return body.error;
  const [groups, reason] = [groupsIn(body.value.groups), reasonIn(request, body.value)];
  if (!groups.ok) return invalid("Nothing was switched.", ...groups.error);
  if (!reason.ok) return invalid("Nothing was switched.", reason.error);
  const known = new Set([...snapshot.groups.keys(), ...(await door.names().catch(() => ({ names: [] }))).names]);
  const unknown = groups.value === "*" ? [] : groups.value.filter((name) => !known.has(name));
  if (off && unknown.length > 0) {
    const problems = unknown.map((name) => ({ path: "groups", message: unknownName("group", name, [...known]) }));
    return invalid("Nothing was switched.", ...problems);
  }
  const turned = await door.turn({ groups: groups.value, off, by: actor(asking), reason: reason.value });
  if (!("refused" in turned)) return Response.json(turned);
  if (turned.refused.why === "busy") return refusal({ why: "busy" });
  return refuse("unwritten", "The switch is recorded, but KV has not taken it yet. It is tried again until it does.");
}
