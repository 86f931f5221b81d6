/**
 * `npm run dev`: the router alone, on the lane files in `lanes/`, under `wrangler dev` and so with the bindings and variables of
 * `wrangler.toml` and `.dev.vars`. The files are published at the start and whenever they change, as `lanes publish` would do it; a secret
 * and an admin token are made up for the run.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { watch } from "node:fs";
import { Command } from "commander";
import { FOLDER, localNames, pathOf } from "../cli/folder.ts";
import { claimRun, LOCAL_PORT } from "../cli/local-runs.ts";
import { say } from "../cli/say.ts";
import { LaneFolder } from "./lane-folder.ts";
import { freePort, listensAt, newToken } from "./local-run.ts";

const root = `${import.meta.dirname}/../..`;
/** Editors write a file in several steps. */
const SETTLE_MS = 100;

interface Options {
  readonly port?: string;
  readonly persistTo?: string;
}

async function given(port: string, command: Command): Promise<number> {
  const number = /^\d{1,5}$/.test(port) ? await listensAt(Number(port)).catch(() => null) : null;
  return number ?? command.error(`error: ${port} is no port, or is taken; without --port a free one is found`);
}

async function run(options: Options, command: Command): Promise<void> {
  process.chdir(root);
  const asked = options.port === undefined ? null : await given(options.port, command);
  const token = newToken();
  const claim = await claimRun(token);
  const port = asked ?? (await freePort(LOCAL_PORT + claim.number - 1));
  const persistTo = options.persistTo ?? claim.persistTo;
  const url = `http://127.0.0.1:${port}`;
  const folder = new LaneFolder({ url, token, store: options.persistTo === undefined ? claim.store : `${options.persistTo}/v3` });
  await folder.list();
  if (persistTo !== null) say(`Its store is ${persistTo}, so: npx wrangler kv key put --persist-to ${persistTo} …`);
  say(`The dashboard: ${url}/__lanes/\nLog in with:   ${token}`);
  const files = localNames().map(pathOf);
  if (files.length > 0)
    say(`Publishing ${files.join(", ")} as soon as the router is up: ready it is when they are in force, as is said below.`);
  const vars = { INSECURE_ORIGINS: "true", LANEWAY_SECRET: randomBytes(32).toString("hex"), LANEWAY_ADMIN_TOKEN: token };
  const wrangler = spawn(
    process.execPath,
    [
      `${root}/node_modules/wrangler/bin/wrangler.js`,
      "dev",
      ...["--port", String(port)],
      ...(persistTo === null ? [] : ["--persist-to", persistTo]),
      ...Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
      ...command.args,
    ],
    { cwd: root, stdio: "inherit", env: { ...process.env, LANEWAY_BUNDLE: "none" } },
  );
  let settling: NodeJS.Timeout | undefined;
  const watcher = watch(FOLDER, () => {
    clearTimeout(settling);
    settling = setTimeout(() => folder.publish(), SETTLE_MS);
  });
  // Ctrl-C reaches wrangler too, SIGTERM does not; we end after it.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => wrangler.kill());
  wrangler.on("exit", async (code) => {
    watcher.close();
    clearTimeout(settling);
    await folder.close();
    process.exit(code ?? 0);
  });
  await folder.publish();
  claim.started(url);
}

await new Command("npm run dev --")
  .description(`The router alone, on your own files in ${FOLDER}/, which are published when they change.`)
  .option("--port <port>", `where it listens (default: ${LOCAL_PORT}, or the next that is free)`)
  .option("--persist-to <folder>", "its store (default: wrangler's, or one of its own where another run goes on in this folder)")
  .argument("[options of wrangler dev...]", "all others go to it: npx wrangler dev --help")
  .allowUnknownOption()
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action((_: string[], options: Options, command: Command) => run(options, command))
  .parseAsync();
