import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { headerOf, type Origin, startOrigin } from "./support/origin.ts";
import { connectRaw, sendRaw } from "./support/raw-client.ts";
import * as reply from "./support/replies.ts";
import { type Router, startRouter } from "./support/router.ts";

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
  let router: Router;
  beforeAll(async () => {
    router = await startRouter({
      groups: { mock: { name: "mock" } },
      workers: { MOCKB: `export default { fetch: () => new Response("b") }` },
    });
  });
  afterAll(() => router.dispose());

  test("is the Worker of this repository, with KV filled before the first request", async () => {
    expect((await router.fetch("/a/b?c", { host: "mock.example.com" })).status).toBeGreaterThan(0);
    expect(await router.kv.get("groups")).toBe('["mock"]');
    expect(await router.kv.get("group:mock")).toBe('{"name":"mock"}');
    await router.kv.delete("groups");
    expect(await router.kv.get("groups")).toBeNull();
  });

  test("can be spoken to in raw bytes", async () => {
    const answer = await sendRaw(router.url, "GET /%2e%2e/x HTTP/1.1\r\nhost: MOCK.example.com.\r\n\r\n");
    expect(answer.statusLine).toMatch(/^HTTP\/1\.1 \d{3} /);
    expect(answer.ended).toBe("whole");
  });
});
