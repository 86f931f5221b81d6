/** One raw `workerd serve` process with several Workers, each on its own loopback port; no wrangler or Miniflare in front. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { ownedByBench } from "./child.ts";

export interface WorkerSpec {
  readonly name: string;
  /** One bundled ES module. */
  readonly code: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags?: readonly string[];
  /** Text bindings, with their values. */
  readonly text?: Readonly<Record<string, string>>;
  /** KV bindings by name: key → value, read only. */
  readonly kv?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Durable Object bindings by name: the exported class; SQLite, kept in memory. */
  readonly durableObjects?: Readonly<Record<string, string>>;
}

export interface Workerd {
  readonly pid: number;
  port(name: string): number;
  /** User and system CPU of the whole process so far, in microseconds. */
  cpuMicros(): number;
  /** Resident memory in bytes. */
  residentBytes(): number;
  stop(): void;
}

const quote = (text: string) => JSON.stringify(text);
const list = (items: readonly string[]) => `[${items.join(", ")}]`;

/** workerd asks a KV namespace over HTTP: `GET /<key>`, 404 where there is none, and `POST /bulk/get` for several keys. */
const kvWorker = `export default { async fetch(request, env) {
  const url = new URL(request.url), at = (key) => Object.hasOwn(env.VALUES, key) ? env.VALUES[key] : null;
  if (url.pathname === "/bulk/get") {
    const { keys } = await request.json();
    return Response.json(Object.fromEntries(keys.map((key) => [key, at(key)])));
  }
  const value = at(decodeURIComponent(url.pathname.slice(1)));
  return value === null ? new Response(null, { status: 404 }) : new Response(value);
} };`;

const namedList = (entries: object | undefined, value: (value: string, name: string) => string) =>
  Object.entries(entries ?? {}).map(([name, text]) => `(name = ${quote(name)}, ${value(text, name)})`);

function workerService(worker: WorkerSpec, bindings: readonly string[], file: (name: string, text: string) => string): string {
  const classes = Object.values(worker.durableObjects ?? {});
  const parts = [
    `modules = [(name = "worker.js", esModule = embed ${quote(file(`${worker.name}.js`, worker.code))})]`,
    `compatibilityDate = ${quote(worker.compatibilityDate)}`,
    `compatibilityFlags = ${list((worker.compatibilityFlags ?? []).map(quote))}`,
    `bindings = ${list(bindings)}`,
    `durableObjectNamespaces = ${list(classes.map((name) => `(className = ${quote(name)}, uniqueKey = ${quote(name)}, enableSql = true)`))}`,
    "durableObjectStorage = (inMemory = void)",
  ];
  return `(name = ${quote(worker.name)}, worker = (${parts.join(", ")}))`;
}

function configOf(workers: readonly WorkerSpec[], file: (name: string, text: string) => string): string {
  const services = [`(name = "internet", network = (allow = ["public", "private"]))`];
  for (const worker of workers) {
    const { compatibilityDate, kv } = worker;
    const storeOf = (name: string) => `${worker.name}-kv-${name}`;
    for (const [name, values] of Object.entries(kv ?? {})) {
      const json = file(`${storeOf(name)}.json`, JSON.stringify(values));
      const store = { name: storeOf(name), code: kvWorker, compatibilityDate };
      services.push(workerService(store, [`(name = "VALUES", json = embed ${quote(json)})`], file));
    }
    const bindings = [
      ...namedList(worker.text, (value) => `text = ${quote(value)}`),
      ...namedList(kv, (_, name) => `kvNamespace = ${quote(storeOf(name))}`),
      ...namedList(worker.durableObjects, (value) => `durableObjectNamespace = ${quote(value)}`),
    ];
    services.push(workerService(worker, bindings, file));
  }
  const sockets = workers.map(({ name }) => `(name = ${quote(name)}, address = "127.0.0.1:0", http = (), service = ${quote(name)})`);
  return `using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = (services = ${list(services)}, sockets = ${list(sockets)});\n`;
}

/** The real executable of the workerd that Miniflare pins, so that its pid is the one that is measured. */
function binary(): string {
  const miniflare = createRequire(import.meta.resolve("miniflare"));
  return (miniflare("workerd") as { default: string }).default;
}

/** CPU of all threads in nanosecond resolution; `utime + stime` of `/proc/<pid>/stat` says the same in steps of 10 ms. */
export function cpuMicros(pid: number): number {
  let nanos = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanos += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  return nanos / 1000;
}

/** Resolves when every Worker listens. Rejects with what workerd wrote to stderr. */
export async function startWorkerd(workers: readonly WorkerSpec[]): Promise<Workerd> {
  const folder = mkdtempSync(join(tmpdir(), "laneway-bench-"));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return name;
  };
  const config = join(folder, file("config.capnp", configOf(workers, file)));
  const child = spawn(binary(), ["serve", "--control-fd=3", config], { stdio: ["ignore", "ignore", "pipe", "pipe"] });
  ownedByBench(child);

  const ports = new Map<string, number>();
  let complaints = "";
  child.stderr!.on("data", (chunk) => {
    complaints = (complaints + chunk).slice(-4000);
  });
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`workerd ended with code ${code}: ${complaints}`)));
    let text = "";
    (child.stdio[3] as Readable).on("data", (chunk) => {
      text += chunk;
      const lines = text.split("\n");
      text = lines.pop()!;
      for (const line of lines) {
        const message = JSON.parse(line) as { event: string; socket: string; port: number };
        if (message.event === "listen") ports.set(message.socket, message.port);
      }
      if (ports.size === workers.length) resolve();
    });
  }).finally(() => rmSync(folder, { recursive: true }));

  const pid = child.pid!;
  return {
    pid,
    port: (name) => ports.get(name)!,
    cpuMicros: () => cpuMicros(pid),
    residentBytes: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1024,
    stop: () => child.kill("SIGKILL"),
  };
}
