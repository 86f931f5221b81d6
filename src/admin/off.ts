/** `PUT` and `DELETE /__lanes/api/off`: groups to their baselines, and back. What is not named stays as it is. */
import { type Problem, show, unknownName } from "../core/problem.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Off } from "../group/registry.ts";
import { readObject } from "./body.ts";
import { noPublisher, registryDoor } from "./door.ts";
import { type Asking, actor, oneLine, refusal, words } from "./publish.ts";
import { refuse } from "./refuse.ts";

function groupsIn(value: unknown): Result<Off, Problem[]> {
  if (value === "*") return ok("*");
  if (Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === "string")) return ok(value);
  return err([{ path: "groups", message: `expected "*" or a list of names, got ${show(value)}` }]);
}

/** `off: false` without a body: everything back on. */
export async function turn(asking: Omit<Asking, "name">, off: boolean): Promise<Response> {
  const { request, env, snapshot } = asking;
  const door = registryDoor(env);
  if (door === null) return noPublisher();
  const body = !off && request.body === null ? ok({ groups: "*" }) : await readObject(request);
  if (!body.ok) return body.error;
  const { groups: given, reason = "" }: Readonly<Record<string, unknown>> = body.value;
  const groups = groupsIn(given);
  if (!groups.ok) return refuse("invalid", "Nothing was switched.", { problems: groups.error });
  const known = new Set([...snapshot.groups.keys(), ...(await door.names().catch(() => ({ names: [] }))).names]);
  const unknown = groups.value === "*" ? [] : groups.value.filter((name) => !known.has(name));
  if (off && unknown.length > 0) {
    const problems = unknown.map((name) => ({ path: "groups", message: unknownName("group", name, [...known]) }));
    return refuse("invalid", "Nothing was switched.", { problems });
  }
  const why = oneLine(typeof reason === "string" ? reason : "") || words(request, "x-reason");
  const turned = await door.turn({ groups: groups.value, off, by: actor(asking), reason: why });
  if (!("refused" in turned)) return Response.json(turned);
  if (turned.refused.why === "busy") return refusal({ why: "busy" });
  return refuse("unwritten", "The switch is recorded, but KV has not taken it yet. It is tried again until it does.");
}
