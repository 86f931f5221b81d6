import { Miniflare, type WorkerOptions } from "miniflare";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { bundleWorker, compatibility } from "../../src/demo/bundle.ts";
import { ADMIN_TOKEN, FORM, shopFile, TOKENS } from "./world.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const file = shopFile("https://live.example", "https://dark.example");

/** The lane file of a group with this name. */
const fileOf = (name: string) => ({
  ...file,
  name,
  hosts: [`${name}.example`],
  services: { web: {} },
  lanes: { s1: { weight: 1, origins: { web: "https://live.example" } } },
  rules: [],
});

/** What remembers groups of these names: without figures; behind with KV; not at all; what no page can be made of. */
const ODD_OBJECTS = `import { DurableObject } from "cloudflare:workers";
  const text = (name) => ${JSON.stringify(JSON.stringify(fileOf("NAME")))}.replaceAll("NAME", name);
  const latest = (name) => ({ revision: 7, at: new Date().toISOString(), by: "ann", reason: "x", text: text(name) });
  export class Group extends DurableObject {
    read(name) { if (name === "broken") throw new Error("no memory"); return { latest: latest(name), good: latest(name), written: 6 } }
    names() { return { names: ["broken", "behind", "half", "weird"], off: ["behind"] } }
    switches() { return [] }
    knows() { return true }
    lately() { throw new Error("no figures") }
    stats(name) {
      if (name === "half") throw new Error("no figures");
      return { rows: [], minutes: [], lately: { minutes: 5, rows: [] }, latest: latest(name), assigned: [] };
    }
    differences() { if (this.ctx.id.name === "half") throw new Error("no differences"); return [] }
    history(name) { if (name === "half") throw new Error("no history"); return { written: 6, revisions: [latest(name)], refused: [], audit: name === "weird" ? null : [] } }
  }
  export default {}`;

interface Odd {
  get(path: string): Promise<{ status: number; text: string }>;
  dispose(): Promise<void>;
}

/** The router with these objects behind `GROUP`, or with none. */
async function oddRouter(objects: string | null): Promise<Odd> {
  const { code } = await bundleWorker("src/worker.ts");
  const texts = Object.entries({ ...TOKENS, INSECURE_ORIGINS: "true", LANEWAY_SECRET: "test-secret-test-secret-test-secret-0" });
  const env = Object.fromEntries(texts.map(([name, value]) => [name, { type: "text", value } as const]));
  const worker = (name: string, contents: string, config: object): WorkerOptions => ({
    config: {
      name,
      ...compatibility(),
      manifest: { mainModule: "worker.mjs", modules: { "worker.mjs": { type: "esm", contents } } },
      ...config,
    },
  });
  const group = { GROUP: { type: "durable-object", worker: "objects", exportName: "Group" } };
  const miniflare = new Miniflare({
    cf: false,
    workers: [
      worker("router", code, { env: { ...env, LANES: { type: "kv", id: "lanes" }, ...(objects !== null && group) } }),
      ...(objects === null ? [] : [worker("objects", objects, { exports: { Group: { type: "durable-object", storage: "sqlite" } } })]),
    ],
    handleStructuredLogs: () => {},
  });
  const url = await miniflare.ready;
  const kv = await miniflare.getKVNamespace("LANES", "router");
  await kv.put("group:shop", JSON.stringify(file));
  const published = { revision: 6, at: "2026-01-01T00:00:00Z", by: "ann", reason: "x", slots: [["s1", 10_000]] };
  await kv.put("group:behind", JSON.stringify({ ...fileOf("behind"), published }));
  await kv.put("groups", '["shop","behind"]');
  const headers = { ...FORM, "sec-fetch-site": "same-origin" };
  const login = await fetch(new URL("/__lanes/login", url), { method: "POST", headers, redirect: "manual", body: `token=${ADMIN_TOKEN}` });
  const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
  return {
    async get(path) {
      const answer = await fetch(new URL(path, url), { headers: { cookie } });
      return { status: answer.status, text: (await answer.text()).replace(/<[^>]*>/g, " ").replace(/\s+/g, " ") };
    },
    dispose: () => miniflare.dispose(),
  };
}

describe("a page never ends blank", () => {
  let odd: Odd;
  beforeAll(async () => {
    odd = await oddRouter(ODD_OBJECTS);
  });
  afterAll(() => odd?.dispose());

  it("where nothing is bound that remembers: it says so, and what is in force", async () => {
    const plain = await oddRouter(null);
    const list = await plain.get("/__lanes/");
    expect(list.status).toBe(200);
    expect(list.text).toContain("This router has no Durable Object bound as GROUP");
    expect(list.text).toMatch(/shop revision ~\w+ in force/);
    const group = await plain.get("/__lanes/g/shop");
    expect(group.status).toBe(501);
    expect(group.text).toContain("This router has no Durable Object bound as GROUP");
    await plain.dispose();
  });

  it("where only the figures cannot be had: the rest is there, and it says that something is left out", async () => {
    const { status, text } = await odd.get("/__lanes/g/half");
    expect(status).toBe(200);
    expect(text).toContain("Something is left out here.");
    expect(text).toContain("Who serves what");
    expect(text).toContain("This location does not serve the group yet.");
    // Not with zeros where the shares are not known.
    expect(text).not.toContain("Weights");
  });

  it("where a revision has not come to KV: it says so", async () => {
    const { text } = await odd.get("/__lanes/g/behind");
    expect(text).toMatch(/Revision 7 by ann, .* KV has not taken it yet; it is tried again until it does\. Here revision 6 still serves\./);
    expect(text).toContain("Switched off:");
  });

  it("where nobody foresaw it: it says so", async () => {
    const { status, text } = await odd.get("/__lanes/g/weird");
    expect(status).toBe(500);
    expect(text).toContain("This page could not be made. The router itself is not concerned; its log says why. Back to how it is now");
  });

  it.each(["", "/history", "/differences", "/back/1"])("where everything fails: broken%s says so, and where to go", async (path) => {
    const { status, text } = await odd.get(`/__lanes/g/broken${path}`);
    expect(text).toMatch(path === "/differences" ? /Nothing was compared yet/ : /The request could not be handled.*Back to how it is now/);
    expect(status).toBe(path === "/differences" ? 200 : 502);
  });
});
