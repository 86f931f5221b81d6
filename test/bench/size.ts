/** What a deployment weighs, and what an isolate costs before its first request. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { withProgress } from "../../src/demo/progress.ts";
import type { Figure } from "./figure.ts";
import { routerSpec } from "./router.ts";
import { median } from "./stats.ts";
import { startWorkerd, type WorkerSpec } from "./workerd.ts";

const ROUNDS = 21;
/** The same bindings and nothing else. */
const EMPTY = "export class Group {} export default { fetch: () => new Response(null, { status: 404 }) };";
const root = join(import.meta.dirname, "../..");

/** The JavaScript that `wrangler deploy` would upload; needs no account and no network. */
async function uploaded(): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), "laneway-bench-"));
  try {
    const arguments_ = [join(root, "node_modules/wrangler/bin/wrangler.js"), "deploy", "--dry-run", "--outdir", folder];
    await promisify(execFile)(process.execPath, arguments_, { cwd: root, env: { ...process.env, WRANGLER_SEND_METRICS: "false" } });
    const scripts = readdirSync(folder).filter((name) => /\.m?js$/.test(name));
    return Buffer.concat(scripts.map((name) => readFileSync(join(folder, name))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const kib = (bytes: number) => bytes / 1024;

function firstAnswer(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", headers: { host: "elsewhere.example" }, agent: false };
    get(options, (response) => response.resume().on("end", resolve)).on("error", reject);
  });
}

/** CPU of a new workerd process in milliseconds: until it listens, when the Worker's modules have run; and until its first answer. */
interface StartUp {
  readonly listening: number;
  readonly answered: number;
}

async function startUp(worker: WorkerSpec): Promise<StartUp> {
  const workerd = await startWorkerd([worker]);
  try {
    const listening = workerd.cpuMicros() / 1000;
    await firstAnswer(workerd.port(worker.name));
    return { listening, answered: workerd.cpuMicros() / 1000 };
  } finally {
    workerd.stop();
  }
}

export async function size(): Promise<Figure> {
  const upload = await uploaded();
  const code = upload.toString();
  const router = routerSpec(code, ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"]);
  const empty = { ...router, code: EMPTY };
  const [without, with_]: [StartUp[], StartUp[]] = [[], []];
  await withProgress("size", ROUNDS, async () => {
    without.push(await startUp(empty));
    with_.push(await startUp(router));
  });
  const over = (until: keyof StartUp) => {
    const [base, ours] = [without.map((run) => run[until]), with_.map((run) => run[until])];
    return { value: median(ours.map((ms, round) => ms - base[round]!)), lowest: Math.min(...ours) - Math.min(...base) };
  };
  return {
    name: "size",
    title: "Bundle and start-up",
    columns: [
      { key: "name", label: "" },
      { key: "value", label: "measured", digits: 1 },
      { key: "lowest", label: "lowest", digits: 1 },
      { key: "unit", label: "" },
      { key: "budget", label: "budget" },
    ],
    rows: [
      { name: "bundle, as `wrangler deploy` uploads it, gzip", value: kib(gzipSync(upload).length), unit: "KiB", budget: "≤ 150" },
      { name: "the same, not compressed", value: kib(upload.length), unit: "KiB", budget: "" },
      { name: "start-up: modules compiled and run", ...over("listening"), unit: "ms CPU", budget: "≤ 30" },
      { name: "start-up and the first answer, with a lane group from KV", ...over("answered"), unit: "ms CPU", budget: "" },
    ],
    notes: [`Start-up is CPU of the whole process less that of an empty Worker; median of ${ROUNDS} pairs, and lowest less lowest.`],
  };
}
