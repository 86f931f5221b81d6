/**
 * `npm run dev`: the router alone, on the lane files in `lanes/`, under `wrangler dev` and so with the bindings and variables of
 * `wrangler.toml` and `.dev.vars`. The files are written into the local KV at the start and whenever they change; a secret and an
 * admin token are made up for the run. What stands after `--` goes to `wrangler dev` (`npm run dev -- --port 9000`).
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, watch } from "node:fs";
import { parseArgs } from "node:util";
import { Miniflare } from "miniflare";
import { parseLaneGroupText } from "../core/parse-lane-group.ts";
import { compatibility } from "./bundle.ts";
import { LOCAL_STATE } from "./local-run.ts";

const root = `${import.meta.dirname}/../..`;
const LANES = `${root}/lanes`;
/** Editors write a file in several steps. */
const SETTLE_MS = 100;

function groupNames(): string[] {
  return readdirSync(LANES)
    .filter((file) => file.endsWith(".json") && !file.endsWith(".schema.json"))
    .map((file) => file.slice(0, -".json".length));
}

/** Lines for a person: where to send requests of that group, or everything that is wrong with its file. */
function described(name: string, text: string, port: string): string[] {
  const parsed = parseLaneGroupText(text, { insecureOrigins: true });
  if (!parsed.ok) return parsed.error.map(({ path, message }) => `lanes/${name}.json: ${path}: ${message}`);
  const host = parsed.value.group.hosts.find((one) => !one.includes("*"));
  return [`lanes/${name}.json: curl http://127.0.0.1:${port}/${host === undefined ? "" : ` -H "Host: ${host}"`}`];
}

/** The store that `wrangler dev` reads, without its router. */
function localKv(): Miniflare {
  const modules = { "kv.mjs": { type: "esm" as const, contents: "export default {}" } };
  const config = { name: "kv", ...compatibility(), manifest: { mainModule: "kv.mjs", modules } };
  return new Miniflare({
    resourcePersistencePath: LOCAL_STATE,
    enableDevRegistry: false,
    workers: [{ config: { ...config, env: { LANES: { type: "kv", id: "LANES" } } } }],
  });
}

type Kv = Awaited<ReturnType<Miniflare["getKVNamespace"]>>;

/** A broken file is written too: the router keeps the last good one and says so in its health, as it would in production. */
async function publish(kv: Kv, port: string): Promise<void> {
  const names = groupNames();
  for (const name of names) {
    const text = readFileSync(`${LANES}/${name}.json`, "utf8");
    if ((await kv.get(`group:${name}`, "text")) !== text) await kv.put(`group:${name}`, text);
    for (const line of described(name, text, port)) console.log(line);
  }
  await kv.put("groups", JSON.stringify(names));
}

const passedOn = process.argv.slice(2);
const { port } = parseArgs({ args: passedOn, strict: false, options: { port: { type: "string", default: "8787" } } }).values;
const store = localKv();
const kv = await store.getKVNamespace("LANES", "kv");
await publish(kv, String(port));

let settling: NodeJS.Timeout | undefined;
const watcher = watch(LANES, () => {
  clearTimeout(settling);
  settling = setTimeout(() => publish(kv, String(port)), SETTLE_MS);
});

const token = randomBytes(24).toString("hex");
console.log(`Dashboard: http://127.0.0.1:${port}/__lanes/\nAdmin token of this run: ${token}`);
const vars = { INSECURE_ORIGINS: "true", LANEWAY_SECRET: randomBytes(32).toString("hex"), LANEWAY_ADMIN_TOKEN: token };
const wrangler = spawn(
  process.execPath,
  [
    `${root}/node_modules/wrangler/bin/wrangler.js`,
    "dev",
    ...Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
    ...passedOn,
  ],
  { cwd: root, stdio: "inherit" },
);
// Ctrl-C reaches wrangler too, SIGTERM does not; we end after it.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => wrangler.kill());
wrangler.on("exit", async (code) => {
  watcher.close();
  clearTimeout(settling);
  await store.dispose();
  process.exitCode = code ?? 0;
});
