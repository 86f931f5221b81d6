import type { Command } from "commander";
import { AdminApi, type LaneFile, type Published, type RevisionHead } from "./admin-api.ts";
import { cannotAsk, type ExitCode, refused } from "./failure.ts";
import { sayPreview } from "./preview.ts";
import { ago, dim, say } from "./say.ts";
import { exits, groupName, type Writing, writing } from "./verb.ts";
import { sayWritten, write } from "./write.ts";

export const rollback = (): Command =>
  writing("rollback", "put an earlier revision back in force, as a new one")
    .argument("<group>", "name of the group", groupName)
    .argument("[revision]", "number of the revision (default: the last lane file before the current)")
    .action(exits(run));

async function run(name: string, number: string | undefined, options: Writing): Promise<ExitCode> {
  const api = new AdminApi(options);
  const before = await api.group(name);
  const current = before.head.revision;
  const revision = number === undefined ? await revisionBefore(api, name, before) : revisionOf(number);
  if (revision === current) throw refused(`${name} is at revision ${revision} already. Nothing was written.`);
  const { file, at, by, reason }: RevisionHead & { readonly file: LaneFile } = (await api.ask(`api/groups/${name}/history/${revision}`))
    .value;
  if ("unreadable" in file) throw refused(`Revision ${revision} is no lane file, or no longer kept. Nothing was written.`);
  const preview = { ...(await api.check(name, file, revision)), to: revision };
  return await write(options, {
    preview,
    show: () => {
      say(`Back to revision ${revision} of ${name} ${dim(`(${ago(at, Date.now())}, by ${by}${reason === "" ? "" : `: ${reason}`})`)}\n`);
      sayPreview(preview, current);
    },
    question: `Roll ${name} back to revision ${revision}?`,
    reasoned: true,
    perform: (why) => api.write(`groups/${name}/rollback`, "POST", { revision }, before.etag, { ...options, reason: why }),
    done: (written) => sayWritten(api, name, written.revision, before),
  });
}

/** As many as are asked for at once. */
const PAGE = 100;

/** Broken ones were never in force. */
async function revisionBefore(api: AdminApi, name: string, { head: { revision: current }, good }: Published): Promise<number> {
  if (good !== null && good < current) return good;
  const { revisions } = (await api.ask(`api/groups/${name}/history?before=${current}&limit=${PAGE}`)).value;
  const earlier = (revisions as RevisionHead[]).find(({ broken }) => !broken);
  if (earlier !== undefined) return earlier.revision;
  throw refused(
    revisions.length === 0
      ? `Revision ${current} is the first of ${name}: there is nothing to go back to.`
      : `No revision before ${current} of ${name} is a lane file: there is nothing to go back to.`,
    `Publish a whole file: npx lanes publish <file>.`,
  );
}

function revisionOf(number: string): number {
  if (/^\d{1,15}$/.test(number)) return Number(number);
  throw cannotAsk(`"${number}" is no revision.`, "Revisions are numbers: `npx lanes history <group>` lists them.");
}
