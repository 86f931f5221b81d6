import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { headerOf, type Origin, startOrigin } from "./support/origin.ts";
import { connectRaw, sendRaw } from "./support/raw-client.ts";
import * as reply from "./support/replies.ts";
import { type Router, startRouter } from "./support/router.ts";

/** Starting workerd takes under a second, but several times that on a busy machine. */
const START_MS = 30_000;

describe("an origin", () => {
  let origin: Origin;
  beforeAll(async () => {
    origin = await startOrigin("a1");
  });
  afterEach(() => origin.reset());
  afterAll(() => origin.close());
  const get = (target = "/", headers = "") =>
    sendRaw(origin.url, `GET ${target} HTTP/1.1\r\nHost: a1\r\n${headers}\r\n`, { timeoutMs: 400 });

  test("answers with its name, and records target and header lines as they were spelled", async () => {
    const answer = await get("//a/../b?x=%zz", "X-One: 1\r\nx-one: 2\r\nx_two: \xfc\r\n");
    expect(answer).toMatchObject({ status: 200, ended: "whole" });
    expect(answer.body.toString()).toBe("a1");
    const [seen] = origin.requests;
    expect(seen).toMatchObject({ method: "GET", url: "//a/../b?x=%zz", bodyLength: 0, complete: true, aborted: false });
    expect(seen?.headers).toEqual([
      ["Host", "a1"],
      ["X-One", "1"],
      ["x-one", "2"],
      ["x_two", "\xfc"],
    ]);
    expect(headerOf(seen?.headers ?? [], "X-ONE")).toBe("1, 2");
  });

  test("records a body by bytes, and a long one by length and hash", async () => {
    const long = Buffer.alloc(5 * 1024 * 1024, 7);
    for (const body of [Buffer.from("a\r\nb"), long]) {
      origin.reset();
      const client = await connectRaw(origin.url);
      await client.write(`POST / HTTP/1.1\r\nHost: a1\r\nContent-Length: ${body.length}\r\n\r\n`);
      await client.write(body);
      await client.read();
      client.close();
      await origin.requests[0]?.received;
      expect(origin.requests[0]).toMatchObject({
        bodyLength: body.length,
        bodySha256: createHash("sha256").update(body).digest("hex"),
        complete: true,
        body: body === long ? Buffer.alloc(0) : body,
      });
    }
  });

  test("notices a client that leaves in its body, and one that leaves in the answer", async () => {
    origin.respond(reply.hang());
    for (const text of ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"]) {
      origin.reset();
      origin.respond(reply.hang());
      for (const leave of ["close", "reset"] as const) {
        const client = await connectRaw(origin.url);
        await client.write(text);
        await vi.waitFor(() => expect(origin.requests.at(-1)?.aborted).toBe(false));
        client[leave]();
        await origin.requests.at(-1)?.settled;
        expect(origin.requests.at(-1)).toMatchObject({ aborted: true, complete: text.startsWith("GET") });
        origin.requests.length = 0;
      }
    }
  });

  test("answers the next requests from a queue, then as told before", async () => {
    origin.respond(reply.answer(204));
    origin.respondOnce(reply.json({ n: 1 }, 201));
    expect([(await get()).status, (await get()).status, (await get()).status]).toEqual([201, 204, 204]);
  });

  test("refuses connections while it is down, and answers on the same port after", async () => {
    await origin.down();
    await expect(get()).rejects.toThrow("ECONNREFUSED");
    await origin.up();
    expect((await get()).status).toBe(200);
  });

  test.each([
    ["hang", reply.hang(), { status: 0, ended: "timeout" }],
    ["reset before the headers", reply.resetBeforeHeaders(), { status: 0, ended: "reset" }],
    ["reset in the headers", reply.resetInHeaders(), { status: 200, ended: "reset", headerLines: ["content-type: text/pl"] }],
    ["reset in the body", reply.resetInBody(5), { status: 200, ended: "reset", body: Buffer.from("xxxxx") }],
    ["short body", reply.shortBody(), { status: 200, ended: "short", body: Buffer.from("short") }],
    ["bad chunk", reply.badChunk(), { status: 200, ended: "short", body: Buffer.from("good") }],
    ["rubbish", reply.rubbish(), { status: 0, ended: "short" }],
    ["status 600", reply.oddStatus(600), { status: 600, ended: "whole", body: Buffer.from("odd") }],
    ["status 999", reply.answer(999, "nine"), { status: 999, ended: "whole", body: Buffer.from("nine") }],
    ["early hints", reply.earlyHints(reply.answer(200, "x")), { status: 200, interim: ["HTTP/1.1 103 Early Hints"] }],
    ["gzip", reply.gzipped("hello"), { status: 200, ended: "whole", body: gzipSync("hello") }],
    ["drip", reply.drip(["a", "b", "c"], 10), { status: 200, ended: "whole", body: Buffer.from("abc") }],
    ["events", reply.events(["1", "2"], 10), { ended: "whole", body: Buffer.from("data: 1\n\ndata: 2\n\n") }],
    ["delay", reply.after(50, reply.answer(503)), { status: 503, ended: "whole" }],
    ["redirect", reply.redirect("/x"), { status: 302, headerLines: expect.arrayContaining(["location: /x"]) }],
  ])("can answer with: %s", async (_, responder, expected) => {
    origin.respond(responder);
    expect(await get()).toMatchObject(expected);
  });

  test("floods until the reader leaves, and holds back while nobody reads", async () => {
    origin.respond(reply.flood());
    const client = await connectRaw(origin.url);
    await client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.received(1_000_000);
    client.reset();
    await origin.requests[0]?.settled;
    expect(origin.requests[0]?.aborted).toBe(true);
  });

  test("speaks WebSocket", async () => {
    origin.respond(reply.webSocketEcho());
    const socket = new WebSocket(origin.url.replace("http", "ws"));
    const got = new Promise((done) => socket.addEventListener("message", ({ data }) => done(data)));
    socket.addEventListener("open", () => socket.send("hello"));
    expect(await got).toBe("hello");
    const closed = new Promise<CloseEvent>((done) => socket.addEventListener("close", done));
    socket.close(1000);
    expect((await closed).wasClean).toBe(true);
  });
});

describe("a router", () => {
  let origin: Origin;
  let router: Router;
  beforeAll(async () => {
    origin = await startOrigin("a1");
    router = await startRouter({
      groups: { small: group({ url: origin.url }), bound: group({ binding: "WEB" }, "bound") },
      workers: {
        WEB: `export default { fetch: (request) => Response.json({ host: request.headers.get("host"), flags: Cloudflare.compatibilityFlags }) }`,
      },
    });
  }, START_MS);
  afterEach(() => origin.reset());
  afterAll(() => Promise.all([router.dispose(), origin.close()]));

  const group = (target: object, name = "small") => ({
    schema: 1,
    name,
    hosts: [`${name}.example.com`],
    baseline: "main",
    services: { web: {} },
    lanes: { main: { weight: 1, origins: { web: target } } },
  });

  test("is the real Worker: the group comes from KV, the request reaches the origin, a log line is kept", async () => {
    origin.respond(reply.echo());
    const answer = await router.fetch("/a?b", { method: "POST", host: "small.example.com", headers: { "X-One": "1" }, body: "hello" });
    expect(answer).toMatchObject({ status: 200, complete: true, headers: { "x-lane": "main" } });
    expect(JSON.parse(answer.text)).toMatchObject({ method: "POST", url: "/a?b", body: "hello" });
    expect(headerOf(origin.requests[0]?.headers ?? [], "x-one")).toBe("1");
    await vi.waitFor(() => expect(router.logs()).toContainEqual(expect.objectContaining({ group: "small", path: "/a", status: 200 })));
  });

  test("has service bindings", async () => {
    expect(JSON.parse((await router.fetch("/", { host: "bound.example.com" })).text).host).toBe("bound.example.com");
  });

  test("takes a streamed body, and bytes of any kind", async () => {
    const body = Readable.from([Buffer.from("ab"), Buffer.from("cd")]);
    await router.fetch("/", { method: "PUT", host: "small.example.com", body });
    await origin.requests[0]?.received;
    expect(origin.requests[0]).toMatchObject({ bodyLength: 4, complete: true });
    const answer = await sendRaw(router.url, "GET /a/..%2fb HTTP/1.1\r\nhost: SMALL.example.com.\r\n\r\n");
    expect(answer).toMatchObject({ status: 200, ended: "whole" });
    expect(origin.requests[1]?.url).toBe("/a/..%2fb");
  });

  test("leaves when it is told to", async () => {
    origin.respond(reply.hang());
    const leaving = new AbortController();
    const asked = router.fetch("/", { host: "small.example.com", signal: leaving.signal });
    await vi.waitFor(() => expect(origin.requests).toHaveLength(1));
    leaving.abort();
    await expect(asked).rejects.toThrow("abort");
  });

  test("reads and changes the Worker's own KV", async () => {
    expect(await router.kv.get("groups")).toBe('["small","bound"]');
    await router.kv.put("k", new Uint8Array([104, 105]));
    expect(await router.kv.get("k")).toBe("hi");
    await router.kv.delete("k");
    expect(await router.kv.get("k")).toBeNull();
  });

  test("runs with the date and flags of wrangler.toml", async () => {
    const { flags } = JSON.parse((await router.fetch("/", { host: "bound.example.com" })).text);
    // The first is set there; the second came with the date, on 2026-04-07.
    expect(flags).toMatchObject({ enable_request_signal: true, web_socket_auto_reply_to_close: true });
  });
});

test(
  "KV can be a Worker that fails as it is told",
  async () => {
    const router = await startRouter({
      workers: {
        LANES: `import { WorkerEntrypoint } from "cloudflare:workers";
        export default class extends WorkerEntrypoint { get() { throw new Error("planted") } }`,
      },
    });
    onTestFinished(() => router.dispose());
    const answer = await router.fetch("/", { host: "small.example.com" });
    expect([answer.status, JSON.parse(answer.text).type]).toEqual([503, expect.stringContaining("no-config")]);
  },
  START_MS,
);
