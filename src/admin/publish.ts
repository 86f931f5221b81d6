/** Revisioned writes (contract section 9): what the writer must have seen, what is written, and how a refusal reads. */
import { err, ok, type Result } from "../core/result.ts";
import { MAX_REVISION, readRevision } from "../core/revision.ts";
import type { Env } from "../edge/env.ts";
import type { Snapshot } from "../edge/groups-kv.ts";
import type { Refusal, Write, Written } from "../group/write.ts";
import { actor, words } from "./actor.ts";
import { readText } from "./body.ts";
import type { Caller } from "./caller.ts";
import { checkFile } from "./check.ts";
import { groupDoor, noPublisher } from "./door.ts";
import { refuse } from "./refuse.ts";

export interface Asking {
  readonly request: Request;
  readonly env: Env;
  readonly caller: Caller;
  readonly snapshot: Snapshot;
  readonly name: string;
}

/** RFC 9110, sections 13.1.1 and 13.1.2. Weak and foreign tags match nothing. */
export function expectedRevision(request: Request): Result<Write["expected"], Response> {
  const match = request.headers.get("if-match");
  if (match !== null) {
    if (match.trim() === "*") return ok("*");
    const revisions = [...match.matchAll(/(?:^|,)\s*"(\d+)"/g)].map(([, revision]) => readRevision(revision!) ?? 0);
    return ok(Math.max(0, ...revisions));
  }
  if (request.headers.get("if-none-match")?.trim() === "*") return ok(null);
  const detail = "Send `If-Match` with the ETag of the revision you have seen, or `If-None-Match: *` for a group that is new.";
  return err(refuse("precondition-required", detail));
}

function stale({ current, since, changes }: Refusal & { why: "stale" }): Response {
  const more = { current, since, changes };
  if (since.length > 0 && since.every(({ by }) => by === "kv"))
    return refuse("drift", "KV was changed outside since you looked. Look at the group again, then write.", more);
  if (current === 0) return refuse("stale", "There is no such group, so there is no revision of it that you could have seen.", more);
  return refuse("stale", `The group is at revision ${current}. Look at it again, then write.`, more);
}

export function refusal(refused: Refusal): Response {
  switch (refused.why) {
    case "stale":
      return stale(refused);
    case "drift":
      return refuse(
        "drift",
        `KV was changed outside; its value is revision ${refused.revision} now. Look at the group again, then write.`,
        {
          current: refused.revision,
        },
      );
    case "invalid":
      return refuse("invalid", "The file has problems; nothing was written.", { problems: refused.problems });
    case "unwritten": {
      const detail = `Revision ${refused.revision} is recorded, but KV has not taken it yet. It is tried again until it does.`;
      return refuse("unwritten", detail, { revision: refused.revision });
    }
    case "kv":
      return refuse("kv-unavailable", "KV cannot be read, so nothing was written.");
    case "exhausted":
      return refuse(
        "exhausted",
        `${MAX_REVISION} is the last revision that there can be, and it is used. Publish the group under another name.`,
      );
    case "busy":
      return refuse("busy", "Too many writes; wait a moment.");
  }
}

export function writtenAnswer(written: Written, more: object, created: boolean): Response {
  if ("refused" in written) return refusal(written.refused);
  return Response.json({ ...written, ...more }, { status: created ? 201 : 200, headers: { etag: `"${written.revision}"` } });
}

/** Check and publish one text; the way of `PUT`, and the end of the other two. */
export async function publishText(
  { request, env, caller, snapshot, name }: Asking,
  text: string,
  how: Pick<Write, "expected" | "action" | "slots"> & { readonly reason: string },
): Promise<Response> {
  const door = groupDoor(env, name);
  if (door === null) return noPublisher();
  const { file, problems, warnings } = checkFile(text, name, snapshot, env);
  if (file === null) return refuse("invalid", "The file has problems; nothing was written.", { problems });
  const written = await door.publish({ name, file, by: actor({ request, caller }), ...how });
  return writtenAnswer(written, { warnings }, how.expected === null);
}

/** `PUT /__lanes/api/groups/:name` */
export async function put(asking: Asking): Promise<Response> {
  const expected = expectedRevision(asking.request);
  if (!expected.ok) return expected.error;
  const text = await readText(asking.request);
  if (!text.ok) return text.error;
  const reason = words(asking.request, "x-reason");
  return await publishText(asking, text.value, { expected: expected.value, action: "publish", slots: null, reason });
}
