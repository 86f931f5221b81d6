/** What somebody has who has just cloned this repository and run `npm ci`: its files in a folder of their own, and nothing beside them. */
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "../..");
const OWN_LANE_FILE = /^lanes\/(?!lane-group\.schema\.json)[^/]+\.json$/;

export type Ran = {
  readonly code: number | null;
  /** Standard output and error, as they came. */
  readonly text: string;
};

export type LongRun = {
  /** All that it has said so far. */
  said(): string;
  /** Resolves when this has been said; rejects when it has ended without, or after a minute. */
  says(text: string): Promise<void>;
  end(): Promise<void>;
};

export type FreshCopy = {
  readonly folder: string;
  /** A line as typed into bash, in that folder; with `answers` at a terminal, each typed when its question is on the screen. */
  bash(line: string, answers?: readonly (readonly [question: string, keys: string])[]): Promise<Ran>;
  /** A line that goes on until it is ended. */
  start(line: string): LongRun;
  /** What git sees as changed or new. */
  changes(): string;
  /** With all that still goes on in it. */
  remove(): Promise<void>;
};

const PATIENCE_MS = 60_000;
const ESC = String.fromCharCode(27);
const SEQUENCE = new RegExp(`${ESC}\\[[\\d;?]*[A-Za-z]`, "g");

export function freshCopy(): FreshCopy {
  const folder = mkdtempSync(join(tmpdir(), "laneway-copy-"));
  const git = (cwd: string, ...args: string[]) => execFileSync("git", args, { cwd, encoding: "utf8" });
  const files = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate").split("\0");
  const gone = new Set(git(root, "ls-files", "-z", "--deleted").split("\0"));
  for (const file of files) {
    if (file === "" || gone.has(file) || OWN_LANE_FILE.test(file)) continue;
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  git(folder, "init", "--quiet");
  // A link is no folder to `.gitignore`.
  git(folder, "config", "core.excludesFile", join(folder, ".git/excludes"));
  execFileSync("bash", ["-c", "echo node_modules > .git/excludes"], { cwd: folder });
  git(folder, "add", "--all");
  git(folder, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "all");

  const { LANEWAY_URL, LANEWAY_ADMIN_TOKEN, INSECURE_ORIGINS, FORCE_COLOR, CI, ...inherited } = process.env;
  const env = { ...inherited, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1", TERM: "xterm", SHELL: "/bin/bash" };
  const options = { cwd: folder, env, detached: true } as const;
  const running = new Set<LongRun>();

  function start(line: string): LongRun {
    const child = spawn("bash", ["-c", line], { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let [said, over] = ["", false];
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        said += chunk;
      });
    const ended = new Promise<void>((resolve) => child.on("close", () => resolve())).then(() => {
      over = true;
    });
    const run: LongRun = {
      said: () => said,
      async says(text) {
        for (const end = Date.now() + PATIENCE_MS; !said.includes(text); ) {
          if (over || Date.now() > end) throw new Error(`${line} has not said ${text}:\n${said}`);
          await new Promise((done) => setTimeout(done, 50));
        }
      },
      async end() {
        running.delete(run);
        // The whole group: npm, node, and the runtime.
        if (!over) process.kill(-child.pid!, "SIGINT");
        await Promise.race([ended, new Promise((done) => setTimeout(done, 5_000))]);
        if (!over) process.kill(-child.pid!, "SIGKILL");
      },
    };
    running.add(run);
    return run;
  }

  function bash(line: string, answers?: readonly (readonly [string, string])[]): Promise<Ran> {
    const [command, args] = answers
      ? (["script", ["-qec", `stty cols 200 rows 40; ${line}`, "/dev/null"]] as const)
      : (["bash", ["-c", line]] as const);
    const child = spawn(command, args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
    const [...left] = answers ?? [];
    let [text, seen] = ["", 0];
    const hear = (chunk: string) => {
      text += chunk.replace(SEQUENCE, "");
      const [question, keys] = left[0] ?? ["", ""];
      const at = question === "" ? -1 : text.indexOf(question, seen);
      if (at < 0) return;
      seen = at + question.length;
      left.shift();
      child.stdin.write(keys);
    };
    child.stdout.setEncoding("utf8").on("data", hear);
    child.stderr.setEncoding("utf8").on("data", hear);
    if (!answers) child.stdin.end();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        process.kill(-child.pid!, "SIGKILL");
        reject(new Error(`${line} did not end:\n${text}`));
      }, PATIENCE_MS);
      child.on("error", reject).on("close", (code) => {
        clearTimeout(timer);
        resolve({ code, text: text.replaceAll("\r\n", "\n") });
      });
    });
  }

  return {
    folder,
    bash,
    start,
    changes: () => git(folder, "status", "--porcelain"),
    async remove() {
      await Promise.all([...running].map((run) => run.end()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
