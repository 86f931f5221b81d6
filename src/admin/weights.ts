/** `POST /__lanes/api/groups/:name/weights`: new shares in percent, in the file that is published now. */
import { parseLaneGroupText } from "../core/parse-lane-group.ts";
import { show } from "../core/problem.ts";
import { shiftWeights } from "../core/weights.ts";
import { originOptions } from "../edge/env.ts";
import { readObject } from "./body.ts";
import { groupDoor, noPublisher } from "./door.ts";
import { reasonIn } from "./input.ts";
import { type Asking, expectedRevision, publishText } from "./publish.ts";
import { invalid, refuse } from "./refuse.ts";

const UNREADABLE = "The newest revision is no lane file, so it has no weights to change. Publish a whole file, or roll back.";

export async function weights(asking: Asking): Promise<Response> {
  const { request, env, name } = asking;
  const expected = expectedRevision(request);
  if (!expected.ok) return expected.error;
  const body = await readObject(request);
  if (!body.ok) return body.error;
  const reason = reasonIn(request, body.value);
  if (!reason.ok) return invalid("Nothing was written.", reason.error);
  const door = groupDoor(env, name);
  if (door === null) return noPublisher();
  const { latest } = await door.read(name);
  if (latest === null) return refuse("no-group", "There is no such group.");
  const parsed = latest.text === null ? null : parseLaneGroupText(latest.text, originOptions(env));
  if (!parsed?.ok) return refuse("invalid", UNREADABLE, { problems: parsed?.error ?? [] });
  const { weights: wanted } = body.value;
  if (typeof wanted !== "object" || wanted === null || Array.isArray(wanted)) {
    const message = `expected an object of lanes and percentages, got ${show(wanted)}`;
    return invalid("Nothing was written.", { path: "weights", message });
  }
  const shares = shiftWeights(parsed.value.group, wanted as Record<string, unknown>);
  if (!shares.ok) return refuse("invalid", "These shares are not possible; nothing was written.", { problems: shares.error });
  const file = JSON.parse(latest.text!);
  for (const [lane, percent] of shares.value) file.lanes[lane].weight = percent;
  const how = { expected: expected.value, action: "weights", slots: null, reason: reason.value };
  return await publishText(asking, JSON.stringify(file), how);
}
