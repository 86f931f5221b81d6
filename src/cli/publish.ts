import { isDeepStrictEqual } from "node:util";
import type { Command } from "commander";
import { changesBetween } from "../core/changes.ts";
import { AdminApi, type Published, type RevisionHead } from "./admin-api.ts";
import type { ExitCode } from "./failure.ts";
import { FOLDER } from "./folder.ts";
import { fileOf, parse, readFile } from "./lane-files.ts";
import { sayChanges, sayPreview } from "./preview.ts";
import { ago, say, sayJson } from "./say.ts";
import { exits, type Writing, writing } from "./verb.ts";
import { sayWritten, write } from "./write.ts";

export const publish = (): Command =>
  writing("publish", "put a lane file in force").argument("<file>", `lane file, or name of a group in ${FOLDER}/`).action(exits(run));

async function run(nameOrPath: string, options: Writing): Promise<ExitCode> {
  const text = readFile(nameOrPath);
  // Which origins are allowed is the Worker's to say.
  const { name } = parse(text, true).group;
  const file = fileOf(text);
  const api = new AdminApi(options);
  const before = await api.groupIfAny(name);
  if (before !== null && isDeepStrictEqual(before.file, file)) return await sayUnchanged(api, name, before, options);
  const preview = await api.check(name, file);
  return await write(options, {
    preview,
    show: () => sayPreview(preview, before?.head.revision ?? null),
    question: before === null ? `Publish the new group ${name}?` : `Publish ${name}, as revision ${before.head.revision + 1}?`,
    reasoned: true,
    perform: (reason) => api.write(`groups/${name}`, "PUT", file, before?.etag ?? null, { ...options, reason }),
    done: ({ revision }) => sayWritten(api, name, revision, before),
  });
}

/** Somebody was here before, such as `npm run dev`, which watches the files: who, and what it changed. */
async function sayUnchanged(api: AdminApi, name: string, { file, head }: Published, { json }: Writing): Promise<ExitCode> {
  const { revision, by, at, reason } = head;
  if (json) sayJson({ unchanged: true, revision, by, at, reason });
  else {
    say(`Nothing to do: revision ${revision} of ${name} says the same, published ${ago(at, Date.now())} by ${by}.`);
    const { revisions } = (await api.askOf(name, `/history?before=${revision}&limit=1`)).value as { revisions: readonly RevisionHead[] };
    if (revisions[0] === undefined || revisions[0].broken) return 0;
    const earlier = (await api.askOf(name, `/history/${revisions[0].revision}`)).value.file;
    if ("unreadable" in earlier) return 0;
    say();
    sayChanges(changesBetween(earlier, file), `What it changed in revision ${revisions[0].revision}`);
  }
  return 0;
}
