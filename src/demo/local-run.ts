/** The router and the demo's services in one workerd, with real local KV and Durable Objects. */
import { randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { Miniflare, type WorkerOptions } from "miniflare";
import { bundleWorker, compatibility } from "./bundle.ts";
import { GROUPS, type GroupName, laneFile, type ServiceWorker, serviceWorkers } from "./cast.ts";

const root = `${import.meta.dirname}/../..`;
/** Where wrangler keeps local state: beside `wrangler.toml`, whatever the current directory is. */
export const LOCAL_STATE = `${root}/.wrangler/state/v3`;
const ROUTER = "laneway";
/** A cold router may answer before it has read KV for the first time. */
const READY_MS = 15_000;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface LocalRun {
  readonly port: number;
  /** Made up for this run. */
  readonly adminToken: string;
  /** A real HTTP request to the router under the given host. */
  get(host: string, path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  dispose(): Promise<void>;
}

/** The port, or another where it is taken (0: any). */
export async function freePort(wanted: number): Promise<number> {
  const server = createServer();
  const port = await new Promise<number | null>((done) => {
    server.once("error", () => done(null));
    server.listen(wanted, "127.0.0.1", () => done((server.address() as AddressInfo).port));
  });
  if (port === null) return await freePort(0);
  await new Promise((done) => server.close(done));
  return port;
}

type Env = NonNullable<WorkerOptions["config"]["env"]>;
const texts = (vars: Readonly<Record<string, string>>): Env =>
  Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, { type: "text", value }]));

function worker(name: string, code: string, env: Env, more: Partial<WorkerOptions["config"]> = {}): WorkerOptions["config"] {
  const manifest = { mainModule: "worker.mjs", modules: { "worker.mjs": { type: "esm" as const, contents: code } } };
  return { name, ...compatibility(), manifest, env, ...more };
}

async function workers(port: number, adminToken: string): Promise<WorkerOptions[]> {
  const services = serviceWorkers(port);
  const entries = ["src/worker.ts", ...new Set(services.map(({ entry }) => entry))];
  const code = new Map(await Promise.all(entries.map(async (entry) => [entry, (await bundleWorker(entry)).code] as const)));
  const secrets = { LANEWAY_SECRET: randomBytes(32).toString("hex"), LANEWAY_ADMIN_TOKEN: adminToken, INSECURE_ORIGINS: "true" };
  const origins: Env = Object.fromEntries(services.map(({ binding }) => [binding, { type: "worker", worker: binding }]));
  const memory: Env = {
    LANES: { type: "kv", id: "LANES" },
    GROUP: { type: "durable-object", worker: ROUTER, exportName: "Group" },
  };
  const router = worker(
    ROUTER,
    code.get("src/worker.ts")!,
    { ...memory, ...texts(secrets), ...origins },
    {
      exports: { Group: { type: "durable-object", storage: "sqlite" } },
    },
  );
  // The services' network is the router, as a sidecar is in a mesh: names under .localhost need no resolver then.
  const dev = { outboundService: { type: "worker", worker: ROUTER } } as const;
  const service = ({ binding, entry, vars }: ServiceWorker) => ({ config: worker(binding, code.get(entry)!, texts(vars)), dev });
  return [{ config: router }, ...services.map(service)];
}

export interface LocalRunOptions {
  /** Free, and known beforehand: the services call each other by it. */
  readonly port: number;
  /** Folder of the KV store; the demo's keys in it are written anew. Left out: a store of this run alone. */
  readonly state?: string;
  /** Gets each line of the router's access log. */
  readonly onLog: (line: string) => void;
}

export async function startLocalRun({ port, state, onLog }: LocalRunOptions): Promise<LocalRun> {
  const adminToken = randomBytes(24).toString("hex");
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port,
    cf: false,
    logRequests: false,
    enableDevRegistry: false,
    ...(state && { resourcePersistencePath: state }),
    handleStructuredLogs: ({ message }) => onLog(message),
    workers: await workers(port, adminToken),
  });
  const kv = await miniflare.getKVNamespace("LANES", ROUTER);
  await Promise.all(GROUPS.map((group) => kv.put(`group:${group}`, laneFile(group))));
  await kv.put("groups", JSON.stringify(GROUPS));
  const agent = new Agent({ keepAlive: true });
  const run: LocalRun = {
    port,
    adminToken,
    get: (host, path, headers = {}) => get(agent, port, host, path, headers),
    async dispose() {
      agent.destroy();
      await miniflare.dispose();
    },
  };
  await ready(run);
  await Promise.all(GROUPS.map((group) => publish(run, group)));
  return run;
}

/** Once more, by the admin API: what is put into KV beside it has no revision, and visitors are counted by revision. */
async function publish({ port, adminToken }: LocalRun, group: GroupName): Promise<void> {
  const url = `http://127.0.0.1:${port}/__lanes/api/groups/${group}`;
  const headers = { authorization: `Bearer ${adminToken}` };
  // It publishes over nothing that it has not looked at.
  await fetch(url, { headers });
  const how = { "if-match": "*", "x-actor": "npm run demo", "x-reason": "a new run" };
  const answer = await fetch(url, { method: "PUT", headers: { ...headers, ...how }, body: laneFile(group) });
  if (!answer.ok) throw new Error(`the demo's group ${group} was not published: ${await answer.text()}`);
}

async function ready(run: LocalRun): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while ((await run.get("product.localhost", "/product/0")).status !== 200) {
    if (Date.now() > deadline) throw new Error(`the router did not serve the demo's groups within ${READY_MS} ms`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Node does not resolve names under .localhost everywhere, so the address is given and the name goes in Host. */
function get(agent: Agent, port: number, host: string, path: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: "127.0.0.1", port, path, headers: { host: `${host}:${port}`, ...headers } }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on("error", reject).end();
  });
}
