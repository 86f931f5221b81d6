/** `POST /__lanes/api/groups/:name/rollback`: an earlier revision's file and slots, as a new revision. */
import { parseLaneGroupText } from "../core/parse-lane-group.ts";
import { show } from "../core/problem.ts";
import { isRevision } from "../core/revision.ts";
import type { Runs } from "../group/write.ts";
import { readObject } from "./body.ts";
import { groupDoor, noPublisher } from "./door.ts";
import { reasonIn } from "./input.ts";
import { type Asking, expectedRevision, publishText } from "./publish.ts";
import { invalid, refuse } from "./refuse.ts";

export async function rollback(asking: Asking): Promise<Response> {
  const { request, env, name } = asking;
  const expected = expectedRevision(request);
  if (!expected.ok) return expected.error;
  const body = await readObject(request);
  if (!body.ok) return body.error;
  const { revision } = body.value;
  const given = reasonIn(request, body.value);
  if (!given.ok) return invalid("Nothing was written.", given.error);
  if (!isRevision(revision)) {
    const message = `expected the number of an earlier revision, got ${show(revision)}`;
    return invalid("Nothing was written.", { path: "revision", message });
  }
  const door = groupDoor(env, name);
  if (door === null) return noPublisher();
  const earlier = await door.revision(name, revision);
  if (earlier === null) return refuse("no-revision", `There is no revision ${revision}; the history lists those that there are.`);
  if (earlier.text === null) return refuse("gone", `Revision ${revision} is too old, or was too long, to be kept.`);
  const why = given.value || `back to revision ${revision}`;
  const how = { expected: expected.value, action: `rollback to ${revision}`, slots: slotsIn(earlier.text), reason: why };
  return await publishText(asking, earlier.text, how);
}

/** Where visitors were, so that they come back to it; null: the text was not published by us, and its slots lie as its weights say. */
export function slotsIn(text: string): Runs | null {
  const parsed = parseLaneGroupText(text, { insecureOrigins: true });
  return (parsed.ok && (parsed.value.group.published?.slots as Runs | null | undefined)) || null;
}
