import { isDeepStrictEqual } from "node:util";
import type { Command } from "commander";
import { AdminApi, type Published } from "./admin-api.ts";
import type { ExitCode } from "./failure.ts";
import { FOLDER } from "./folder.ts";
import { fileOf, parse, readFile } from "./lane-files.ts";
import { NEW, sayChanges, sayReview, UNREADABLE } from "./preview.ts";
import { say, sayJson } from "./say.ts";
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
  if (before !== null && isDeepStrictEqual(before.file, file)) return sayUnchanged(name, before, options);
  const preview = await api.check(name, file);
  return await write(options, {
    preview,
    show: () => {
      if (before !== null) sayChanges(preview.changes);
      sayReview(preview, before === null ? NEW : before.file === null ? UNREADABLE : undefined);
    },
    question: before === null ? `Publish the new group ${name}?` : `Publish ${name}, as revision ${before.head.revision + 1}?`,
    reasoned: true,
    perform: (reason) => api.write(`groups/${name}`, "PUT", file, before?.etag ?? null, { ...options, reason }),
    done: ({ revision }) => sayWritten(api, name, revision, before?.head.revision ?? null),
  });
}

function sayUnchanged(name: string, { head: { revision } }: Published, { json }: Writing): ExitCode {
  if (json) sayJson({ unchanged: true, revision });
  else say(`Nothing to do: revision ${revision} of ${name} says the same.`);
  return 0;
}
