/** The way of every write: show what it does, ask, do it, say how to undo it. */
import { type AdminApi, isLocal, type Published } from "./admin-api.ts";
import { askText, askYes, canAsk } from "./ask.ts";
import { cannotAsk, type ExitCode, refused } from "./failure.ts";
import { bold, dim, green, say, sayJson } from "./say.ts";
import type { Changing } from "./verb.ts";

export interface Write<T extends object> {
  /** What `--json` says of it. */
  readonly preview: object;
  /** The same for people. */
  readonly show: () => void;
  readonly question: string;
  readonly perform: (reason: string) => Promise<T>;
  readonly done: (written: T) => void | Promise<void>;
  /** A history keeps why; a terminal is asked where `--reason` does not say. */
  readonly reasoned: boolean;
}

export async function write<T extends object>(
  options: Changing,
  { preview, show, question, perform, done, reasoned }: Write<T>,
): Promise<ExitCode> {
  const { json, dryRun, yes } = options;
  if (!json) show();
  if (dryRun) {
    if (json) sayJson({ dryRun: true, preview });
    else say(dim("Dry run: nothing was written."));
    return 0;
  }
  const reason = yes ? (options.reason ?? "") : await consent(options, question, reasoned, preview);
  const written = await perform(reason);
  if (json) sayJson({ ...written, preview });
  else await done(written);
  return 0;
}

/** The reason, from somebody who said yes. */
async function consent({ json, reason }: Changing, question: string, reasoned: boolean, preview: object): Promise<string> {
  if (json || !canAsk()) {
    const why = json ? "With --json nobody is asked." : "This is no terminal, so nobody can be asked.";
    throw cannotAsk(`${why} Nothing was written.`, "Add --yes to write, or --dry-run to only look.", json ? { preview } : {});
  }
  const given = reason ?? (reasoned ? await askText({ message: "Why? (the history keeps it)", initial: "" }) : "");
  if (!(await askYes(question))) throw refused("Nothing was written.");
  return given;
}

/** Said after a revision was written. */
export async function sayWritten(api: AdminApi, name: string, revision: number, before: Published | null): Promise<void> {
  say(`${green("✓")} ${bold(name)} is at revision ${revision}.`);
  await sayEffect(api);
  // A value that is no lane file was never in force: undone is what serves.
  if (before !== null && before.good !== null) say(`  Undo: npx lanes rollback ${name} ${before.good}`);
}

/** When visitors notice. The write is done whatever this finds out. */
export async function sayEffect(api: AdminApi): Promise<void> {
  if (isLocal(api.url)) return say(dim("  The local run follows within seconds."));
  const health = await api.ask("health").catch(() => null);
  if (health === null) return;
  const { busySeconds, idleSeconds } = health.value.staleness;
  say(dim(`  Isolates with traffic follow within about ${busySeconds} s, idle ones within ${idleSeconds} s.`));
}
