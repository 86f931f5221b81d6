/** The router and the demo's services in one workerd, with real local KV and Durable Objects. */
import { randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { Miniflare, type WorkerOptions } from "miniflare";
import { bundleWorker, compatibility, localKvId } from "./bundle.ts";
import { GROUPS, type GroupName, laneFile, type ServiceWorker, serviceWorkers } from "./cast.ts";

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

/** So many are tried before any will do. */
const NEXT_PORTS = 10;

/** The port, or where it is taken one of the next, or any (0: any at once). */
export async function freePort(wanted: number): Promise<number> {
  const last = wanted === 0 ? 0 : Math.min(wanted + NEXT_PORTS, 65_536);
  for (let port = wanted; port < last; port++) if ((await listensAt(port)) !== null) return port;
  return (await listensAt(0))!;
}

/** The port if it is free (0: one that is); null where it is taken, or not ours to take. */
export async function listensAt(wanted: number): Promise<number | null> {
  const server = createServer();
  const port = await new Promise<number | null>((done) => {
    server.once("error", () => done(null));
    server.listen(wanted, "127.0.0.1", () => done((server.address() as AddressInfo).port));
  });
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
    LANES: { type: "kv", id: localKvId() },
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
  /** At least 32 characters. Left out: one is made up. */
  readonly adminToken?: string;
  /** Folder of the KV store; the demo's keys in it are written anew. Left out: a store of this run alone. */
  readonly state?: string;
  /** Gets each line of the router's access log. */
  readonly onLog: (line: string) => void;
}

export const newToken = (): string => randomBytes(24).toString("hex");

/** As `startLocalRun`; where another process takes the port at the same moment, at one of the next. */
export async function startAtFreePort(port: number, options: Omit<LocalRunOptions, "port">): Promise<LocalRun> {
  for (let tries = 1; ; tries++) {
    try {
      return await startLocalRun({ ...options, port: await freePort(port) });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_ADDRESS_IN_USE" || tries === NEXT_PORTS) throw error;
    }
  }
}

export async function startLocalRun({ port, adminToken = newToken(), state, onLog }: LocalRunOptions): Promise<LocalRun> {
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
  await publish(miniflare);
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
  return run;
}

/** As `group/group.ts` has it. */
interface Publisher {
  read(name: string): Promise<{ readonly latest: unknown }>;
  commit(write: object): Promise<{ readonly refused?: unknown }>;
}

/** Before the router looks for the first time, so that its first visitors have a revision to be counted under. */
async function publish(miniflare: Miniflare): Promise<void> {
  const kv = await miniflare.getKVNamespace("LANES", ROUTER);
  const objects = await miniflare.getDurableObjectNamespace("GROUP", ROUTER);
  await kv.put("groups", JSON.stringify(GROUPS));
  const commit = async (name: GroupName) => {
    const group = objects.get(objects.idFromName(name)) as unknown as Publisher;
    // It publishes over nothing that it has not looked at.
    const { latest } = await group.read(name);
    const write = { name, file: laneFile(name), expected: latest === null ? null : "*", by: "npm run demo", reason: "a new run" };
    const { refused } = await group.commit({ ...write, action: "publish", slots: null });
    if (refused !== undefined) throw new Error(`the demo's group ${name} was not published: ${JSON.stringify(refused)}`);
  };
  await Promise.all(GROUPS.map(commit));
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
