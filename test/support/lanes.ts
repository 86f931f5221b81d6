/** The command line as scripts run it, and as a person at a terminal does. */
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { main } from "../../src/cli/lanes.ts";

const LANES = `${import.meta.dirname}/../../src/cli/lanes.ts`;

export type Ran = {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
};

export type RunOptions = {
  readonly cwd?: string;
  /** Besides PATH; nothing else of ours reaches it. */
  readonly env?: Readonly<Record<string, string>>;
};

/** Hundreds of starts: what Node has once compiled is kept. */
const NODE_COMPILE_CACHE = join(tmpdir(), "lanes-compile-cache");

const environment = (env: RunOptions["env"]) => ({ PATH: process.env.PATH, HOME: process.env.HOME, NODE_COMPILE_CACHE, ...env });

let last: Promise<unknown> = Promise.resolve();

/**
 * `lanes …args` in this process, which saves half a second of start: as in a pipe, with nothing to read. Output, exit code, folder and
 * environment are the process's own, so that one call waits for the other.
 */
export function runLanes(args: readonly string[], { cwd = process.cwd(), env = {} }: RunOptions = {}): Promise<Ran> {
  const ran = last.then(() => runHere(args, cwd, env));
  last = ran.catch(() => {});
  return ran;
}

async function runHere(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<Ran> {
  const before = { cwd: process.cwd(), env: { ...process.env } };
  const texts = { stdout: "", stderr: "" };
  const taps = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      texts[name] += String(text);
      return true;
    }),
  );
  try {
    process.chdir(cwd);
    for (const name of ["FORCE_COLOR", "INSECURE_ORIGINS", ...Object.keys(process.env).filter((key) => key.startsWith("LANEWAY_"))])
      delete process.env[name];
    Object.assign(process.env, env);
    process.exitCode = undefined;
    await main(args);
    return { code: Number(process.exitCode ?? 0), out: texts.stdout, err: texts.stderr };
  } finally {
    process.exitCode = undefined;
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, before.env);
    process.chdir(before.cwd);
    for (const tap of taps) tap.mockRestore();
  }
}

/** `lanes …args` as a process of its own, with pipes for all that it says. */
export function spawnLanes(args: readonly string[], { cwd, env }: RunOptions = {}): Promise<Ran> {
  const child = spawn(process.execPath, [LANES, ...args], { cwd, env: environment(env), stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    out += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    err += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (code) => resolve({ code, out, err }));
  });
}

export type Terminal = {
  /** Resolves when the text has been on the screen since the last call, escape sequences left out; rejects when the process ends before, or after ten seconds. */
  sees(text: string): Promise<void>;
  types(keys: string): void;
  /** All that was written, escape sequences included. */
  screen(): string;
  ended: Promise<number | null>;
};

const ESC = String.fromCharCode(27);
const SEQUENCE = new RegExp(`${ESC}\\[[\\d;?]*[A-Za-z]`, "g");

/** What is not on the screen by then will not come. */
const PATIENCE_MS = 10_000;

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

/** `lanes …args` at a pseudo-terminal of 200 columns, which util-linux's `script` makes. */
export function openTerminal(args: readonly string[], { cwd, env }: RunOptions = {}): Terminal {
  const command = `stty cols 200 rows 40; exec ${[process.execPath, LANES, ...args].map(quoted).join(" ")}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    cwd,
    env: environment({ TERM: "xterm-256color", SHELL: "/bin/sh", ...env }),
  });
  let [screen, seen, over] = ["", 0, false];
  const late = () => new Promise<void>((done) => setTimeout(done, PATIENCE_MS).unref());
  let wake = Promise.withResolvers<void>();
  const changed = () => {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    screen += chunk;
    changed();
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", (code) => {
      over = true;
      changed();
      resolve(code);
    });
  });
  return {
    async sees(text) {
      const deadline = Date.now() + PATIENCE_MS;
      for (;;) {
        const plain = screen.replace(SEQUENCE, "");
        const found = plain.indexOf(text, seen);
        if (found >= 0) {
          seen = found + text.length;
          return;
        }
        if (over || Date.now() >= deadline) {
          child.kill();
          throw new Error(`"${text}" is not on the screen:\n${plain.slice(seen)}`);
        }
        await Promise.race([wake.promise, late()]);
      }
    },
    types: (keys) => child.stdin.write(keys),
    screen: () => screen,
    ended,
  };
}
