/**
 * The runs of `npm run demo` and `npm run dev` that go on in this folder. Each has a number, a store of its own, and a note with its URL and
 * token, by which the command line finds it. Number 1 has the store that `wrangler` reads where nobody says another.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
/** Where number 1 listens, unless something else does; number 2 at the next, and so on. */
export const LOCAL_PORT = 8787;
/** Relative to the repository. */
const NOTES = ".wrangler/laneway";
/** So long a run may take to start, and its note says no URL. */
const STARTING_MS = 120_000;
const ANSWER_MS = 2_000;

interface Note {
  readonly pid: number;
  readonly token: string;
  /** Without a trailing slash; null while it starts. */
  readonly url: string | null;
}

export interface Claim {
  readonly number: number;
  /** For `--persist-to`, relative to the repository; null: the default one. */
  readonly persistTo: string | null;
  /** The folder in which the runtime keeps it. */
  readonly store: string;
  /** From now on the command line finds it. */
  started(url: string): void;
}

const pathOf = (number: number): string => join(root, NOTES, `${number}.json`);

function noteIn(path: string): Note | null {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

/** Is there a process of that number? */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A run that was killed leaves its note, and another process may have its number by now: only its own token is a proof. */
async function goesOn(path: string): Promise<boolean> {
  const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const note = noteIn(path);
  if (note === null) return age < ANSWER_MS;
  if (!lives(note.pid)) return false;
  if (note.url === null) return age < STARTING_MS;
  try {
    const headers = { authorization: `Bearer ${note.token}` };
    const answer = await fetch(`${note.url}/__lanes/health`, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
    return answer.ok && "groups" in ((await answer.json()) as object);
  } catch (error) {
    return (error as Error).name === "TimeoutError";
  }
}

/** The lowest number that is free; it is given back when the process ends. */
export async function claimRun(token: string): Promise<Claim> {
  mkdirSync(join(root, NOTES), { recursive: true });
  for (let number = 1; ; number++) {
    const path = pathOf(number);
    const text = (url: string | null) => JSON.stringify({ pid: process.pid, token, url } satisfies Note);
    if (await goesOn(path)) continue;
    rmSync(path, { force: true });
    try {
      writeFileSync(path, text(null), { flag: "wx", mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw error;
    }
    process.on("exit", () => rmSync(path, { force: true }));
    const persistTo = number === 1 ? null : `${NOTES}/${number}`;
    return {
      number,
      persistTo,
      store: join(root, persistTo ?? ".wrangler/state", "v3"),
      started: (url) => writeFileSync(path, text(url), { mode: 0o600 }),
    };
  }
}

interface Running {
  readonly url: string;
  readonly token: string;
}

/** The lowest number first, as far as can be told without asking them. */
function notes(): Note[] {
  try {
    return readdirSync(join(root, NOTES))
      .filter((file) => /^\d+\.json$/.test(file))
      .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
      .flatMap((file) => noteIn(join(root, NOTES, file)) ?? [])
      .filter(({ pid }) => lives(pid));
  } catch {
    return [];
  }
}

/** Those that are up. */
export const localRuns = (): Running[] => notes().flatMap(({ url, token }) => (url === null ? [] : { url, token }));

/** Is there one that is not up yet? */
export const isStarting = (): boolean => notes().some(({ url }) => url === null);
