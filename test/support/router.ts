import { readFileSync } from "node:fs";
import { Agent, request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { type BuildOptions, build } from "esbuild";
import { Miniflare, type WorkerOptions } from "miniflare";

const root = `${import.meta.dirname}/../..`;
type Env = NonNullable<WorkerOptions["config"]["env"]>;

/** The secret of every test router, unless `bindings` say otherwise. */
export const TEST_SECRET = "test-secret-test-secret-test-secret-0";

export type RouterOptions = {
  /** Lane files by group name, in KV before the first request. Left out: KV is empty, so the bundled files serve. */
  readonly groups?: Readonly<Record<string, unknown>>;
  /** Variables and secrets. `INSECURE_ORIGINS` and `LANEWAY_SECRET` are set already; undefined takes one away. */
  readonly bindings?: Readonly<Record<string, string | undefined>>;
  /** Service bindings: the binding's name and the ES module of the Worker behind it. One named `LANES` takes the place of KV. */
  readonly workers?: Readonly<Record<string, string>>;
  /** False: no `LANES` binding at all. */
  readonly kv?: boolean;
  /** Also on `secureUrl`, behind a certificate that nobody has signed, and behind Miniflare's own proxy Worker. */
  readonly https?: boolean;
  /** Another Worker than the deployed one: `plant.ts` puts faults into it. */
  readonly build?: BuildOptions;
};

export type RouterRequest = {
  readonly method?: string;
  /** The Host header; the router's own address when left out. */
  readonly host?: string;
  readonly headers?: OutgoingHttpHeaders;
  /** A stream goes out chunked unless `headers` give its length. */
  readonly body?: string | Uint8Array | Readable;
  /** Leaves when aborted. */
  readonly signal?: AbortSignal;
};

export type RouterAnswer = {
  readonly status: number;
  /** Lower-case names; several Set-Cookie lines are an array. */
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  /** As sent: no content coding is removed. */
  readonly body: Buffer;
  readonly text: string;
  /** False when the connection ended before the body did. */
  readonly complete: boolean;
  /** Milliseconds to the headers, and to the end. */
  readonly headersMs: number;
  readonly totalMs: number;
};

export type RouterKv = {
  get(key: string): Promise<string | null>;
  put(key: string, value: string | Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
};

export type Router = {
  /** `http://127.0.0.1:<port>`, without a trailing slash. */
  readonly url: string;
  /** `https://127.0.0.1:<port>`, with `https` only. */
  readonly secureUrl: string | null;
  /** Sends exactly the given headers, plus Host and the body's length. Rejects only if no answer's head came. */
  fetch(path: string, request?: RouterRequest): Promise<RouterAnswer>;
  readonly kv: RouterKv;
  putGroup(name: string, group: unknown): Promise<void>;
  /** The JSON lines of the Worker's console so far. A line may come a few milliseconds after its answer. */
  logs(): Record<string, unknown>[];
  /** All else that the Worker and the runtime said. */
  output(): string[];
  dispose(): Promise<void>;
};

/** The real Worker in workerd, reached without Miniflare's own proxy Worker, which would rewrite Accept-Encoding and encode answers. */
export async function startRouter(options: RouterOptions = {}): Promise<Router> {
  const { code, exportsGroup } = await bundle(options.build);
  const lines: string[] = [];
  const services = Object.keys(options.workers ?? {});
  const hasKv = options.kv !== false && !services.includes("LANES");
  const vars = { INSECURE_ORIGINS: "true", LANEWAY_SECRET: TEST_SECRET, ...options.bindings };
  const env: Env = {};
  for (const [name, value] of Object.entries(vars)) if (value !== undefined) env[name] = { type: "text", value };
  for (const name of services) env[name] = { type: "worker", worker: name };
  if (hasKv) env.LANES = { type: "kv", id: "lanes" };
  if (exportsGroup) env.GROUP = { type: "durable-object", worker: "router", exportName: "Group" };

  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    https: options.https === true,
    cf: false,
    logRequests: false,
    enableDevRegistry: false,
    handleStructuredLogs: ({ message }) => lines.push(message),
    workers: [
      worker("router", code, env, exportsGroup ? { Group: { type: "durable-object", storage: "sqlite" } } : {}),
      worker("kv-door", KV_DOOR, { LANES: { type: "kv", id: "lanes" } }),
      ...Object.entries(options.workers ?? {}).map(([name, module]) => worker(name, module)),
    ],
  });
  const proxy = await miniflare.ready;
  const url = (await miniflare.unsafeGetDirectURL("router")).origin;
  const kv = kvThrough((await miniflare.unsafeGetDirectURL("kv-door")).origin);
  const putGroup = (name: string, group: unknown): Promise<void> => kv.put(`group:${name}`, JSON.stringify(group));
  if (options.groups !== undefined) {
    await Promise.all(Object.entries(options.groups).map(([name, group]) => putGroup(name, group)));
    await kv.put("groups", JSON.stringify(Object.keys(options.groups)));
  }
  const agent = new Agent({ keepAlive: true });
  return {
    url,
    secureUrl: options.https === true ? proxy.origin : null,
    fetch: (path, request = {}) => send(url, agent, path, request),
    kv,
    putGroup,
    logs: () => lines.map(asJsonObject).filter((line) => line !== undefined),
    output: () => lines.filter((line) => asJsonObject(line) === undefined),
    async dispose() {
      agent.destroy();
      await miniflare.dispose();
    },
  };
}

function worker(name: string, code: string, env: Env = {}, exported: WorkerOptions["config"]["exports"] = {}): WorkerOptions {
  const { date, flags } = compatibility();
  return {
    config: {
      name,
      compatibilityDate: date,
      compatibilityFlags: flags,
      manifest: { mainModule: "worker.mjs", modules: { "worker.mjs": { type: "esm", contents: code } } },
      env,
      exports: exported,
    },
    // Miniflare would take CF-Connecting-IP off outgoing requests and add CF-Worker.
    dev: { stripCfConnectingIp: false, unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] },
  };
}

/** The deployed date and flags, so that tests cannot drift from them. */
function compatibility(): { date: string; flags: string[] } {
  const toml = readFileSync(`${root}/wrangler.toml`, "utf8");
  const date = /^compatibility_date\s*=\s*"([^"]+)"/m.exec(toml)?.[1];
  const flags = /^compatibility_flags\s*=\s*\[([^\]]*)\]/m.exec(toml)?.[1];
  if (date === undefined || flags === undefined) throw new Error("wrangler.toml: compatibility_date or compatibility_flags not found");
  return { date, flags: [...flags.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? "") };
}

const bundled = new Map<BuildOptions | undefined, Promise<{ code: string; exportsGroup: boolean }>>();

function bundle(changes?: BuildOptions): Promise<{ code: string; exportsGroup: boolean }> {
  const known = bundled.get(changes) ?? bundleAnew(changes);
  bundled.set(changes, known);
  return known;
}

/** As wrangler bundles it; once per process. */
async function bundleAnew(changes?: BuildOptions): Promise<{ code: string; exportsGroup: boolean }> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: ["src/worker.ts"],
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "silent",
    ...changes,
    write: false,
    metafile: true,
  });
  return {
    code: result.outputFiles[0]?.text ?? "",
    exportsGroup: Object.values(result.metafile.outputs).some((output) => output.exports.includes("Group")),
  };
}

/** Reaches the same namespace as the Worker, without the 0.3 s that Miniflare's own binding proxy takes to start. */
const KV_DOOR = `export default { async fetch(request, { LANES }) {
  const key = new URL(request.url).searchParams.get("key");
  if (request.method === "PUT") return new Response(await LANES.put(key, await request.arrayBuffer()));
  if (request.method === "DELETE") return new Response(await LANES.delete(key));
  const value = await LANES.get(key, "stream");
  return new Response(value, { status: value === null ? 404 : 200 });
} }`;

function kvThrough(door: string): RouterKv {
  const call = async (method: string, key: string, body?: string | Uint8Array): Promise<Response> => {
    const init = body === undefined ? { method } : { method, body };
    const answer = await fetch(`${door}/?key=${encodeURIComponent(key)}`, init);
    if (answer.status >= 500) throw new Error(`KV ${method} ${key}: ${await answer.text()}`);
    return answer;
  };
  return {
    async get(key) {
      const answer = await call("GET", key);
      return answer.status === 404 ? null : answer.text();
    },
    put: async (key, value) => void (await call("PUT", key, value)),
    delete: async (key) => void (await call("DELETE", key)),
  };
}

function send(
  url: string,
  agent: Agent,
  path: string,
  { method = "GET", host, headers = {}, body, signal }: RouterRequest,
): Promise<RouterAnswer> {
  const { hostname, port } = new URL(url);
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const options = { hostname, port, agent, method, path, setDefaultHeaders: false, signal };
    const request = httpRequest({ ...options, headers: { host: host ?? `${hostname}:${port}`, ...headers } }, (response) => {
      const headersMs = performance.now() - started;
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", () => {});
      response.on("close", () => {
        const whole = Buffer.concat(chunks);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          rawHeaders: response.rawHeaders,
          body: whole,
          text: whole.toString(),
          complete: response.complete,
          headersMs,
          totalMs: performance.now() - started,
        });
      });
    });
    request.on("error", reject);
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    const framed = request.hasHeader("content-length") || request.hasHeader("transfer-encoding");
    if (bytes === undefined) request.end();
    else if (bytes instanceof Uint8Array) {
      if (!framed) request.setHeader("content-length", bytes.length);
      request.end(bytes);
    } else {
      if (!framed) request.setHeader("transfer-encoding", "chunked");
      bytes.pipe(request);
    }
  });
}

function asJsonObject(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
