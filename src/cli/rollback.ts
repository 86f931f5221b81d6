import type { Command } from "commander";
import { review } from "../core/review.ts";
import { AdminApi, type LaneFile, type RevisionHead } from "./admin-api.ts";
import { cannotAsk, type ExitCode, refused } from "./failure.ts";
import { parse, parsePublished } from "./lane-files.ts";
import { sayChanges, sayReview, UNREADABLE } from "./preview.ts";
import { ago, dim, say } from "./say.ts";
import { exits, groupName, type Writing, writing } from "./verb.ts";
import { sayWritten, write } from "./write.ts";

/** An earlier revision: its file, and whose slots were whose. */
interface Earlier extends RevisionHead {
  readonly slots?: unknown;
  readonly file: LaneFile;
}

export const rollback = (): Command =>
  writing("rollback", "put an earlier revision back in force, as a new one")
    .argument("<group>", "name of the group", groupName)
    .argument("[revision]", "number of the revision (default: the one before the current)")
    .action(exits(run));

async function run(name: string, number: string | undefined, options: Writing): Promise<ExitCode> {
  const api = new AdminApi(options);
  const before = await api.group(name);
  const revision = number === undefined ? await revisionBefore(api, name, before.head.revision) : revisionOf(number);
  if (revision === before.head.revision) throw refused(`${name} is at revision ${revision} already. Nothing was written.`);
  const earlier: Earlier = (await api.ask(`api/groups/${name}/history/${revision}`)).value;
  const { file, slots, at, by, reason } = earlier;
  if ("unreadable" in file) throw refused(`Revision ${revision} is no lane file, or no longer kept. Nothing was written.`);
  const published = { revision, at, by, reason, ...(slots !== undefined && { slots }) };
  const { group } = parse({ path: `Revision ${revision} of ${name}`, text: JSON.stringify({ ...file, published }) }, true);
  // Visitors come back to the very slots they had; the check would lay them out anew.
  const { moved } = review(group, before.file === null ? null : parsePublished(name, before).group, Math.floor(Date.now() / 1000));
  const checked = await api.check(name, file);
  const preview = { ...checked, moved, to: revision };
  return await write(options, {
    preview,
    show: () => {
      say(`Back to revision ${revision} of ${name} ${dim(`(${ago(at, Date.now())}, by ${by}${reason === "" ? "" : `: ${reason}`})`)}\n`);
      sayChanges(preview.changes);
      sayReview(preview, before.file === null ? UNREADABLE : undefined);
    },
    question: `Roll ${name} back to revision ${revision}?`,
    reasoned: true,
    perform: (why) => api.write(`groups/${name}/rollback`, "POST", { revision }, before.etag, { ...options, reason: why }),
    done: (written) => sayWritten(api, name, written.revision, before.head.revision),
  });
}

async function revisionBefore(api: AdminApi, name: string, current: number): Promise<number> {
  const { value } = await api.ask(`api/groups/${name}/history?before=${current}&limit=1`);
  const [earlier] = value.revisions as RevisionHead[];
  if (earlier === undefined) throw refused(`Revision ${current} is the first of ${name}: there is nothing to go back to.`);
  return earlier.revision;
}

function revisionOf(number: string): number {
  if (/^\d{1,15}$/.test(number)) return Number(number);
  throw cannotAsk(`"${number}" is no revision.`, "Revisions are numbers: `lanes history <group>` lists them.");
}
