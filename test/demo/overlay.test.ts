/** The sample Worker's own tests, on its namespace and on the overlay; and production before and after. */
import { Miniflare, type WorkerOptions } from "miniflare";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { bundleWorker, compatibility } from "../../src/demo/bundle.ts";

let miniflare: Miniflare;

/** Not a part of the product: puts the production namespace into a state, and shows all of it. */
const DOOR = `export default { async fetch(request, { KV }) {
  if (request.method === "PUT") { await Promise.all((await request.json()).map((entry) => KV.put(...entry))); return new Response(); }
  const keys = []; let cursor;
  do { const page = await KV.list({ cursor }); keys.push(...page.keys); cursor = page.list_complete ? null : page.cursor; } while (cursor);
  const rows = [];
  for (let at = 0; at < keys.length; at += 100) {
    const values = await KV.getWithMetadata(keys.slice(at, at + 100).map(({ name }) => name));
    for (const { name, expiration } of keys.slice(at, at + 100)) rows.push([name, values.get(name), expiration ?? null]);
  }
  return Response.json(rows);
} }`;

const PAGES = 1_050;
/** What is in production: one of each kind, and more than one page of a list. */
const PRODUCTION: readonly (readonly [key: string, value: string, options?: object])[] = [
  ["note:live", "from production", { metadata: { author: "ann" } }],
  ["note:keep", "stays", { expirationTtl: 86_400 }],
  ["note:über", "umlaut"],
  ["count", '{"count":41}'],
  ...Array.from({ length: PAGES }, (_, i) => [`note:page-${String(i).padStart(4, "0")}`, "x"] as const),
];

beforeAll(async () => {
  const [notes, overlay] = await Promise.all(
    ["notes-service", "overlay"].map(async (name) => (await bundleWorker(`src/demo/${name}.ts`)).code),
  );
  const worker = (
    name: string,
    code: string,
    env: WorkerOptions["config"]["env"],
    exported: WorkerOptions["config"]["exports"] = {},
  ): WorkerOptions => ({
    config: {
      name,
      ...compatibility(),
      manifest: { mainModule: "worker.mjs", modules: { "worker.mjs": { type: "esm", contents: code } } },
      env,
      exports: exported,
    },
    dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] },
  });
  const run = (name: string, of = "overlay") =>
    ({ KV: { type: "worker", worker: of, exportName: "KvOverlay", props: { run: name } } }) as const;
  const scratch = (name: string, more: WorkerOptions["config"]["env"] = {}) =>
    worker(
      name,
      overlay!,
      { KV: { type: "kv", id: "production" }, SCRATCH: { type: "durable-object", worker: name, exportName: "Scratch" }, ...more },
      { Scratch: { type: "durable-object", storage: "sqlite" } },
    );
  miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    logRequests: false,
    workers: [
      worker("door", DOOR, { KV: { type: "kv", id: "production" } }),
      worker("plain", notes!, { KV: { type: "kv", id: "own" } }),
      scratch("overlay"),
      scratch("brief", { RUN_SECONDS: { type: "text", value: "1" } }),
      worker("laid", notes!, run("suite")),
      worker("one", notes!, run("one")),
      worker("other", notes!, run("other")),
      worker("passing", notes!, run("passing", "brief")),
    ],
  });
  await miniflare.ready;
  await fetch(await miniflare.unsafeGetDirectURL("door"), { method: "PUT", body: JSON.stringify(PRODUCTION) });
}, 60_000);
afterAll(() => miniflare?.dispose());

const production = async () => await (await fetch(await miniflare.unsafeGetDirectURL("door"))).text();

async function ask(worker: string, path: string, init: RequestInit = {}) {
  const answer = await fetch(new URL(path, await miniflare.unsafeGetDirectURL(worker)), init);
  return { status: answer.status, text: await answer.text(), author: answer.headers.get("x-author") };
}
const put = (worker: string, path: string, body: string | Uint8Array, author = "bob") =>
  ask(worker, path, { method: "PUT", body: body as BodyInit, headers: { "x-author": author } });
const list = async (worker: string, query: string) =>
  JSON.parse((await ask(worker, `/?${query}`)).text) as { notes: { name: string; author?: string }[]; cursor: string | null };

/** What its authors test: they know nothing of an overlay. */
describe.each(["plain", "laid"])("the notes service on %s KV", (worker) => {
  it("keeps a note and who wrote it", async () => {
    expect((await put(worker, "/notes/a", "first")).status).toBe(204);
    expect(await ask(worker, "/notes/a")).toEqual({ status: 200, text: "first", author: "bob" });
    await put(worker, "/notes/a", "second", "cleo");
    expect(await ask(worker, "/notes/a")).toEqual({ status: 200, text: "second", author: "cleo" });
  });

  it("keeps bytes as they are", async () => {
    const bytes = new Uint8Array(300_000).map((_, i) => i % 256);
    await put(worker, "/notes/bytes", bytes);
    const answer = await fetch(new URL("/notes/bytes", await miniflare.unsafeGetDirectURL(worker)));
    expect(Buffer.compare(Buffer.from(await answer.arrayBuffer()), bytes)).toBe(0);
  });

  it("keeps an empty note", async () => {
    await put(worker, "/notes/empty", "");
    expect(await ask(worker, "/notes/empty")).toMatchObject({ status: 200, text: "" });
  });

  it("has no note that was never written or was deleted", async () => {
    expect((await ask(worker, "/notes/never")).status).toBe(404);
    await put(worker, "/notes/gone", "x");
    await ask(worker, "/notes/gone", { method: "DELETE" });
    expect((await ask(worker, "/notes/gone")).status).toBe(404);
  });

  it("refuses a note that is to be kept for less than a minute", async () => {
    expect(await put(worker, "/notes/short?seconds=5", "x")).toMatchObject({
      status: 400,
      text: "KV PUT failed: 400 Invalid expiration_ttl of 5. Expiration TTL must be at least 60.",
    });
    expect((await put(worker, "/notes/short?seconds=60", "x")).status).toBe(204);
  });

  it("lists notes by prefix, in the order of their bytes, page by page", async () => {
    const names = ["z", "a", "é", "b", "\u{1f600}", "\uffee"].map((end) => `list-${end}`);
    for (const name of names) await put(worker, `/notes/${encodeURIComponent(name)}`, "x");
    const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect((await list(worker, "prefix=list-")).notes).toEqual(sorted.map((name) => ({ name, author: "bob" })));
    const paged: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page = await list(worker, `prefix=list-&limit=4${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      expect(page.notes.length).toBeLessThanOrEqual(4);
      paged.push(...page.notes.map(({ name }) => name));
      cursor = page.cursor;
    }
    expect(paged).toEqual(sorted);
  });

  it("reads several at once, and counts", async () => {
    await put(worker, "/notes/one", "1");
    await put(worker, "/notes/two", "2");
    const first = JSON.parse((await ask(worker, "/several?ids=one,two,three")).text);
    expect(first.notes).toEqual({ "note:one": "1", "note:two": "2", "note:three": null });
    expect(JSON.parse((await ask(worker, "/several?ids=one")).text).count).toBe(first.count + 1);
  });
});

describe("the overlay", () => {
  it("shows production, hides what a run has deleted, and leaves production as it is, byte for byte", async () => {
    const before = await production();
    expect(await ask("one", "/notes/live")).toEqual({ status: 200, text: "from production", author: "ann" });
    expect(JSON.parse((await ask("one", "/several?ids=live,keep")).text)).toEqual({
      notes: { "note:live": "from production", "note:keep": "stays" },
      count: 41,
    });
    await put("one", "/notes/live", "changed");
    await put("one", "/notes/new", "new");
    await ask("one", "/notes/keep", { method: "DELETE" });
    expect(await ask("one", "/notes/live")).toMatchObject({ text: "changed", author: "bob" });
    expect((await ask("one", "/notes/keep")).status).toBe(404);
    expect(JSON.parse((await ask("one", "/several?ids=live,keep,new")).text)).toEqual({
      notes: { "note:live": "changed", "note:keep": null, "note:new": "new" },
      count: 42,
    });
    expect(await production()).toBe(before);
  });

  it("keeps the writes of one run from every other", async () => {
    await put("one", "/notes/mine", "one's");
    expect((await ask("other", "/notes/mine")).status).toBe(404);
    expect((await ask("other", "/notes/live")).text).toBe("from production");
  });

  it("merges a list of many pages with what was written and deleted, each name once", async () => {
    await put("other", "/notes/page-0500", "written over");
    await put("other", "/notes/page-0500a", "between");
    await put("other", "/notes/page-9999", "last");
    await ask("other", "/notes/page-0001", { method: "DELETE" });
    const names = Array.from({ length: PAGES }, (_, i) => `page-${String(i).padStart(4, "0")}`).filter((name) => name !== "page-0001");
    const expected = [...names, "page-0500a", "page-9999"].sort();
    for (const limit of [1_000, 333]) {
      const seen: string[] = [];
      let cursor: string | null = "";
      while (cursor !== null) {
        const page = await list("other", `prefix=page-&limit=${limit}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
        seen.push(...page.notes.map(({ name }) => name));
        cursor = page.cursor;
      }
      expect(seen).toEqual(expected);
    }
  });

  it("forgets a run when its time is over", async () => {
    await put("passing", "/notes/live", "changed");
    expect((await ask("passing", "/notes/live")).text).toBe("changed");
    await vi.waitFor(async () => expect((await ask("passing", "/notes/live")).text).toBe("from production"), { timeout: 5_000 });
    await put("passing", "/notes/again", "works");
    expect((await ask("passing", "/notes/again")).text).toBe("works");
  });
});
