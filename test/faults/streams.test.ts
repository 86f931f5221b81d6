/** Bodies of any size, shape and end pass unbuffered, neither decoded nor spliced (contract section 6). */
import { createHash } from "node:crypto";
import { get, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { decide } from "../../src/core/decide.ts";
import { readFacts } from "../../src/core/facts.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";
import { serve } from "../../src/edge/fallback.ts";
import { headerOf, type Responder } from "../support/origin.ts";
import { connectRaw, sendRaw } from "../support/raw-client.ts";
import * as reply from "../support/replies.ts";
import { canMeasure, growthDuring } from "./workerd-memory.ts";
import { clientSaw, group, newTraceId, refuse, sleep, startWorld, traceparent, until, type World } from "./world.ts";

const MB = 1024 * 1024;
const TIMEOUT_MS = 300;
const DEADLINE_MS = 600;
const fallback = {
  methods: ["GET", "HEAD", "OPTIONS", "PUT"],
  timeoutMs: TIMEOUT_MS,
  deadlineMs: DEADLINE_MS,
  eject: { failures: 1_000, seconds: 1 },
};

let world: World;

beforeAll(async () => {
  world = await startWorld((origins) => {
    // The copy goes to s3.
    const mirrors = [{ name: "m", lane: "s3", percent: 100, writes: "send", timeoutMs: 5_000, compare: { noisePercent: 0 } }];
    const files = [
      group("plain", origins, { fallback }),
      group("mirrored", origins, { fallback, mirrors }),
      group("patient", origins, { fallback: { methods: ["GET", "PUT"] }, mirrors }),
      group("baseline", origins, { rules: [] }),
      group("drawn", origins, {
        rules: [],
        lanes: { s1: { weight: 0, origins: { web: origins.s1.url } }, s2: { weight: 1, origins: { web: origins.s2.url } } },
      }),
    ];
    return Object.fromEntries(files.map((file) => [file.name, file]));
  });
}, 30_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Answers once the whole body is in. */
const onceRead =
  (then: Responder): Responder =>
  async (exchange) => {
    await exchange.seen.received;
    await then(exchange);
  };

/** An answer of which nothing is kept: its length, and its chunks by time. */
async function stream(
  host: string,
  path = "/x",
): Promise<{ status: number; length: number; times: number[]; complete: boolean; traceId: string }> {
  const traceId = newTraceId();
  const { hostname, port } = new URL(world.router.url);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ hostname, port, path, agent: false, headers: { host: `${host}.example`, traceparent: traceparent(traceId) } }, resolve).on(
      "error",
      reject,
    );
  });
  let length = 0;
  const times: number[] = [];
  for await (const chunk of response) {
    length += (chunk as Buffer).length;
    times.push(performance.now());
  }
  clientSaw(`${response.statusCode} and ${length} bytes`);
  return { status: response.statusCode ?? 0, length, times, complete: response.complete, traceId };
}

describe("big bodies", () => {
  const EACH = 25 * MB;
  const block = Buffer.alloc(64 * 1024, "0123456789abcdef");
  const blocks = (total: number): Readable =>
    Readable.from(
      (function* () {
        for (let left = total; left > 0; left -= block.length) yield block;
      })(),
    );
  const whole = sha256(Buffer.alloc(EACH, block));
  /** A tenth of what goes through; what is garbage now and then may be there. */
  const FLAT = 64 * MB;

  it.runIf(canMeasure)(
    "fault 51: eight uploads of 25 MB at once stream through, with mirrors and fallback on, and memory stays flat",
    async () => {
      world.s2.respond(onceRead(reply.answer(200, "stored")));
      const upload = (method: string, declared: boolean) =>
        world.ask("patient", { method, body: blocks(EACH), headers: declared ? { "content-length": EACH } : {} });
      await upload("POST", true);
      const growth = await growthDuring(async () => {
        const all = await Promise.all(
          ["POST", "PUT"].flatMap((method) => [true, false, true, false].map((declared) => upload(method, declared))),
        );
        for (const { client, asked, seen, log } of all) {
          expect(client).toMatchObject({ status: 200, text: "stored", servedBy: "s2", fallback: undefined });
          expect(asked).toEqual(["s2"]);
          expect(seen[0]).toMatchObject({ bodyLength: EACH, bodySha256: whole, complete: true });
          expect(log).toMatchObject({ servedBy: "s2", fallback: null, status: 200 });
        }
      });
      expect(growth).toBeLessThan(FLAT);
    },
    30_000,
  );

  it.runIf(canMeasure)(
    "eight downloads of 25 MB at once stream through, while their copies are compared, and memory stays flat",
    async () => {
      world.s2.respond(reply.large(EACH));
      world.s3.respond(reply.large(EACH));
      await stream("patient");
      const growth = await growthDuring(async () => {
        const all = await Promise.all(Array.from({ length: 8 }, () => stream("patient")));
        for (const { status, length, complete, traceId } of all) {
          expect({ status, length, complete }).toEqual({ status: 200, length: EACH, complete: true });
          expect(world.seenOf(traceId)[0]).toMatchObject({ origin: "s2", seen: { method: "GET" } });
          expect(await world.logOf(traceId)).toMatchObject({ servedBy: "s2", fallback: null, status: 200 });
        }
      });
      expect(growth).toBeLessThan(FLAT);
    },
    30_000,
  );
});

describe("time", () => {
  it("fault 47: the timer ends with the headers, though a copy is still under way: a slow body is not cut", async () => {
    world.s3.respond(reply.hang());
    world.s2.respond(reply.drip(["a", "b", "c", "d", "e", "f"], 250));
    const { client, answer, asked, log } = await world.ask("mirrored");
    expect(client).toMatchObject({ status: 200, text: "abcdef", servedBy: "s2", fallback: undefined });
    expect(answer.complete).toBe(true);
    expect(answer.totalMs).toBeGreaterThan(2 * DEADLINE_MS);
    expect(asked[0]).toBe("s2");
    expect(asked).not.toContain("s1");
    expect(log).toMatchObject({ servedBy: "s2", fallback: null });
  });

  const slowly = (parts: number, length: number, everyMs: number): Readable =>
    Readable.from(
      (async function* () {
        for (let part = 0; part < parts; part++) {
          yield Buffer.alloc(length, part);
          await sleep(everyMs);
        }
      })(),
    );

  it("fault 90: a client that uploads slowly is no lane that hangs: a write, and what may be repeated, under the cap and over it, declared or not", async () => {
    world.s2.respond(onceRead(reply.answer(200, "stored")));
    const kinds = [
      ["POST", 1_000],
      ["PUT", 1_000],
      ["PUT", 20_000],
    ] as const;
    const upload = async (method: string, length: number, declared: boolean) => {
      const headers = declared ? { "content-length": 8 * length } : {};
      const { client, answer, asked, seen, log } = await world.ask("plain", { method, body: slowly(8, length, 150), headers });
      expect(client).toMatchObject({ status: 200, text: "stored", servedBy: "s2", fallback: undefined });
      expect(answer.headersMs).toBeGreaterThan(DEADLINE_MS);
      expect(asked).toEqual(["s2"]);
      expect(seen[0]).toMatchObject({ bodyLength: 8 * length, complete: true });
      expect(log).toMatchObject({ servedBy: "s2", fallback: null });
    };
    await Promise.all(kinds.flatMap(([method, length]) => [upload(method, length, true), upload(method, length, false)]));
  });

  it("fault 90: the lane's own time begins when the upload has ended", async () => {
    world.s2.respond(reply.hang());
    const { client, answer, asked, log } = await world.ask("plain", { method: "POST", body: slowly(4, 20_000, 150) });
    expect(client).toMatchObject({ status: 504, servedBy: "s2", fallback: undefined });
    expect(answer.headersMs).toBeGreaterThanOrEqual(450 + DEADLINE_MS);
    expect(asked).toEqual(["s2"]);
    expect(log).toMatchObject({ fallback: null, status: 504 });
  });
});

describe("a body that breaks", () => {
  it.each([
    ["is reset", reply.resetInBody(1_000), "x".repeat(1_000)],
    ["ends before its length", reply.shortBody(), "short"],
    ["is framed wrongly", reply.badChunk(), "good"],
  ])("fault 48: an answer that %s reaches the client broken, and nothing is spliced", async (_, fault, text) => {
    world.s2.respond(fault);
    const { client, answer, asked, log } = await world.ask("plain");
    expect(client).toMatchObject({ status: 200, servedBy: "s2", fallback: undefined });
    expect(text.startsWith(client.text)).toBe(true);
    expect(answer.complete).toBe(false);
    expect(asked).toEqual(["s2"]);
    expect(log).toMatchObject({ servedBy: "s2", fallback: null, status: 200 });
  });

  const partial = (method: string, host: string, length: number, declared: boolean, traceId = newTraceId()): string => {
    const framing = declared ? `content-length: ${length * 2}` : "transfer-encoding: chunked";
    const part = "x".repeat(length);
    const body = declared ? part : `${length.toString(16)}\r\n${part}\r\n`;
    return `${method} /x HTTP/1.1\r\nHost: ${host}.example\r\ntraceparent: ${traceparent(traceId)}\r\n${framing}\r\n\r\n${body}`;
  };

  it.each([
    ["a write", "POST", 5_000, true],
    ["under the cap", "PUT", 5_000, false],
    ["over the cap", "PUT", 70_000, true],
  ] as const)(
    "fault 52: an upload that breaks is whole to no origin, not repeated, and not copied: %s",
    async (_, method, length, isAsked) => {
      world.s2.respond(onceRead(reply.answer(503)));
      const breakOff = async (leave: "reset" | "close", host: string, declared: boolean) => {
        const traceId = newTraceId();
        const client = await connectRaw(world.router.url);
        await client.write(partial(method, host, length, declared, traceId));
        if (isAsked) await until(() => world.seenOf(traceId).length > 0);
        await sleep(50);
        client[leave]();
        await sleep(200);
        const seen = world.seenOf(traceId).map(({ origin, seen: { complete, aborted } }) => ({ origin, complete, aborted }));
        expect({ leave, host, declared, seen }).toEqual({
          ...{ leave, host, declared },
          seen: isAsked ? [{ origin: "s2", complete: false, aborted: true }] : [],
        });
      };
      const hosts = ["plain", "mirrored"].flatMap((host) => [true, false].map((declared) => [host, declared] as const));
      await Promise.all((["reset", "close"] as const).flatMap((leave) => hosts.map(([host, declared]) => breakOff(leave, host, declared))));
      clientSaw("nothing: it left");
      expect(world.router.output().filter((line) => line.includes("internal"))).toEqual([]);
    },
  );

  it("fault 52: gets 400 where its client still listens", async () => {
    const client = await connectRaw(world.router.url);
    await client.write(partial("PUT", "plain", 100, true));
    client.end();
    const answer = await client.read();
    clientSaw(String(answer.status));
    expect(answer).toMatchObject({ status: 400, ended: "whole" });
    expect(JSON.parse(answer.body.toString())).toMatchObject({ type: "urn:laneway:incomplete" });
    expect(world.s2.requests).toHaveLength(0);
  });
});

describe("an answer that nobody gets", () => {
  it("is let go at once, though a copy is still under way", async () => {
    world.s3.respond(reply.hang());
    world.s2.respond(reply.flood(503));
    const { client, seen, asked, log } = await world.ask("mirrored");
    expect(client).toMatchObject({ status: 200, text: "s1", fallback: "status:503" });
    expect(asked.slice(0, 2)).toEqual(["s2", "s1"]);
    expect(await until(() => seen[0]!.aborted)).toBe(true);
    expect(log).toMatchObject({ servedBy: "s1", fallback: "status:503" });
  });
});

describe("a client that leaves", () => {
  it.each(["plain", "mirrored", "baseline"])("fault 55: ends the download at its origin, and nobody else is asked: %s", async (host) => {
    const origin = host === "baseline" ? world.s1 : world.s2;
    origin.respond(reply.flood());
    world.s3.respond(reply.hang());
    const client = await connectRaw(world.router.url);
    await client.write(`GET /x HTTP/1.1\r\nHost: ${host}.example\r\n\r\n`);
    await client.received(200_000);
    client.reset();
    clientSaw("nothing more: it left");
    const [seen] = origin.requests;
    await seen!.settled;
    expect(seen!.aborted).toBe(true);
    expect((host === "baseline" ? world.s2 : world.s1).requests).toHaveLength(0);
  });

  it("fault 55: ends a fetch that waits, though a copy of an earlier request is still under way, and nobody else is asked", async () => {
    world.s3.respond(reply.hang());
    await world.ask("mirrored");
    world.s2.respond(reply.hang());
    const client = await connectRaw(world.router.url);
    await client.write("GET /x HTTP/1.1\r\nHost: mirrored.example\r\n\r\n");
    await until(() => world.s2.requests.length === 2);
    client.reset();
    clientSaw("nothing: it left");
    await world.s2.requests[1]!.settled;
    expect(world.s2.requests[1]!.aborted).toBe(true);
    await sleep(TIMEOUT_MS + 100);
    expect(world.s1.requests).toHaveLength(0);
  });

  it("fault 55: while something else keeps the request alive: no baseline is asked for nobody, no lane blamed", async () => {
    const { s1, s2, s3 } = world;
    const parsed = parseLaneGroup(group("plain", { s1, s2, s3 }, { fallback }), { insecureOrigins: true });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    const client = new AbortController();
    const request = new Request("http://plain.example/x", { signal: client.signal });
    const facts = readFacts({
      method: "GET",
      url: request.url,
      headers: request.headers,
      ip: null,
      now: 0,
      requestId: newTraceId(),
      slot: null,
    });
    const decision = decide(parsed.value.group, facts, { override: null, signer: { sign: () => "", verify: () => false } as never })!;
    const asked: string[] = [];
    vi.stubGlobal("fetch", (url: string, { signal }: RequestInit) => {
      asked.push(url);
      return new Promise((_, reject) => signal!.addEventListener("abort", () => reject(new Error("aborted"))));
    });
    onTestFinished(() => void vi.unstubAllGlobals());
    const serving = serve({
      request: request as never,
      upload: request as never,
      decision,
      facts,
      env: {} as never,
      signer: null,
      synthetic: false,
      rawAnswer: false,
    });
    await until(() => asked.length === 1);
    client.abort();
    expect(await serving).toMatchObject({ outcome: { kind: "failed", reason: "timeout" }, ejected: false });
    expect(asked).toEqual([`${s2.url}/x`]);
  });

  it("fault 55: has not left when it only ends its side", async () => {
    world.s2.respond(reply.after(100, reply.answer(200, "s2")));
    const client = await connectRaw(world.router.url);
    await client.write("GET /x HTTP/1.1\r\nHost: plain.example\r\n\r\n");
    client.end();
    const answer = await client.read();
    expect(answer).toMatchObject({ status: 200, ended: "whole" });
    expect(answer.body.toString()).toBe("s2");
    expect(world.s1.requests).toHaveLength(0);
  });
});

describe("a WebSocket", () => {
  const upgrade = (host: string): string =>
    `GET /socket HTTP/1.1\r\nHost: ${host}.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
  /** RFC 6455, section 5.2: a final text frame, masked by zeros. */
  const frame = (text: string): Uint8Array => Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);

  it("fault 32: reaches its lane, is not copied, and outlives every deadline", async () => {
    world.s2.respond(reply.webSocketEcho("chat"));
    const client = await connectRaw(world.router.url);
    await client.write(upgrade("mirrored"));
    const answer = await client.read();
    clientSaw(`${answer.status}, and its frames echoed`);
    expect(answer.status).toBe(101);
    expect(answer.header("sec-websocket-protocol")).toBe("chat");
    expect(answer.header("x-lane-served-by")).toBe("s2");
    for (const text of ["one", "two"]) {
      await client.write(frame(text));
      await client.received(5);
      expect((await client.read({ timeoutMs: 50 })).bytes.toString("latin1")).toBe(`\x81\x03${text}`);
      await sleep(DEADLINE_MS + 100);
    }
    client.close();
    expect(world.s2.requests).toHaveLength(1);
    expect(headerOf(world.s2.requests[0]!.headers, "upgrade")).toBe("websocket");
    expect(world.s3.requests).toHaveLength(0);
    await until(() => world.router.logs().some(({ path }) => path === "/socket"));
    expect(world.router.logs().find(({ path }) => path === "/socket")).toMatchObject({ servedBy: "s2", fallback: null, status: 101 });
  });

  it("fault 32: goes to the baseline where the lane refuses the connection", async () => {
    await refuse(world.s2);
    world.s1.respond(reply.webSocketEcho("chat"));
    const client = await connectRaw(world.router.url);
    await client.write(upgrade("plain"));
    const answer = await client.read();
    clientSaw(`${answer.status} from ${answer.header("x-lane-served-by")}`);
    expect(answer.status).toBe(101);
    expect(answer.header("x-lane-fallback")).toBe("connect");
    await client.write(frame("hello"));
    await client.received(7);
    expect((await client.read({ timeoutMs: 50 })).bytes.toString("latin1")).toBe("\x81\x05hello");
    client.close();
  });
});

describe("an answer passes as it is", () => {
  it("fault 32: server-sent events arrive one by one, and are not copied", async () => {
    world.s2.respond(reply.events(["1", "2", "3", "4"], 250));
    const traceId = newTraceId();
    const { hostname, port } = new URL(world.router.url);
    const headers = { host: "mirrored.example", accept: "text/event-stream", traceparent: traceparent(traceId) };
    const response = await new Promise<IncomingMessage>((done) => get({ hostname, port, path: "/events", agent: false, headers }, done));
    const chunks: { text: string; at: number }[] = [];
    for await (const chunk of response) chunks.push({ text: String(chunk), at: performance.now() });
    clientSaw(`${response.statusCode} and ${chunks.length} events`);
    expect(chunks.map(({ text }) => text)).toEqual(["data: 1\n\n", "data: 2\n\n", "data: 3\n\n", "data: 4\n\n"]);
    expect(chunks[3]!.at - chunks[0]!.at).toBeGreaterThan(600);
    expect(world.seenOf(traceId).map(({ origin }) => origin)).toEqual(["s2"]);
    expect(await world.logOf(traceId)).toMatchObject({ servedBy: "s2", fallback: null });
  });

  it("fault 32: HEAD keeps the length of the body that is not sent", async () => {
    world.s2.respond(({ res }) => void res.writeHead(200, { "content-length": 1234, etag: '"e"' }).end());
    const answer = await sendRaw(world.router.url, "HEAD /x HTTP/1.1\r\nHost: plain.example\r\n\r\n", { head: true });
    clientSaw(String(answer.status));
    expect(answer).toMatchObject({ status: 200, ended: "whole" });
    expect([answer.header("content-length"), answer.header("etag")]).toEqual(["1234", '"e"']);
    expect(world.s2.requests.map(({ method }) => method)).toEqual(["HEAD"]);
  });

  it.each([204, 205, 304])("fault 32: %i has headers and no body", async (status) => {
    world.s2.respond(({ res }) => void res.writeHead(status, { etag: '"e"', "x-own": "1" }).end());
    const { answer, client, asked, log } = await world.ask("plain", { headers: { "if-none-match": '"e"' } });
    expect(client).toMatchObject({ status, text: "", servedBy: "s2" });
    expect(answer.headers).toMatchObject({ etag: '"e"', "x-own": "1" });
    expect(asked).toEqual(["s2"]);
    expect(log).toMatchObject({ status });
  });

  it("fault 32: ranges are asked and answered, and not copied", async () => {
    world.s2.respondOnce(reply.answer(206, "cde", { "content-range": "bytes 2-4/10", "accept-ranges": "bytes" }));
    const part = await world.ask("mirrored", { headers: { range: "bytes=2-4", "if-range": '"e"' } });
    expect(part.client).toMatchObject({ status: 206, text: "cde", servedBy: "s2" });
    expect(part.answer.headers).toMatchObject({ "content-range": "bytes 2-4/10", "content-length": "3" });
    expect([headerOf(part.seen[0]!.headers, "range"), headerOf(part.seen[0]!.headers, "if-range")]).toEqual(["bytes=2-4", '"e"']);
    expect(part.asked).toEqual(["s2"]);
    world.s2.respondOnce(reply.answer(416, "", { "content-range": "bytes */10" }));
    const beyond = await world.ask("mirrored", { headers: { range: "bytes=90-" } });
    expect(beyond.client.status).toBe(416);
    expect(beyond.answer.headers["content-range"]).toBe("bytes */10");
    expect(beyond.log).toMatchObject({ status: 416, fallback: null });
  });

  it("fault 32: early hints of an origin end here, and its answer follows", async () => {
    world.s2.respond(reply.earlyHints(reply.answer(200, "s2")));
    const answer = await sendRaw(world.router.url, "GET /x HTTP/1.1\r\nHost: plain.example\r\n\r\n");
    clientSaw(String(answer.status));
    expect(answer).toMatchObject({ status: 200, interim: [], ended: "whole" });
    expect(answer.body.toString()).toBe("s2");
    expect(world.s1.requests).toHaveLength(0);
  });

  it("fault 32: a client that expects 100 gets it, and its answer", async () => {
    world.s2.respond(onceRead(reply.answer(200, "stored")));
    const client = await connectRaw(world.router.url);
    await client.write("POST /x HTTP/1.1\r\nHost: plain.example\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    await client.received(10);
    await client.write("body");
    const answer = await client.read();
    clientSaw(String(answer.status));
    expect(answer).toMatchObject({ status: 200, interim: ["HTTP/1.1 100 Continue"], ended: "whole" });
    expect(world.s2.requests[0]!.body.toString()).toBe("body");
  });

  const text = "The same text, again and again. ".repeat(400);
  const CODINGS: [string, Uint8Array][] = [
    ["gzip", gzipSync(text)],
    ["br", brotliCompressSync(text)],
    ["deflate", deflateSync(text)],
    ["zstd", zstdCompressSync(text)],
    ["x-own", Buffer.from("nobody knows this coding")],
    ["gzip", Buffer.from("no gzip at all")],
    ["gzip, br", brotliCompressSync(gzipSync(text))],
  ];

  it.each(CODINGS)(
    "compressed by %s it is the same byte for byte, for a visitor, a copy's primary, and after a fallback",
    async (coding, body) => {
      const coded = reply.answer(200, body, { "content-type": "text/html", "content-encoding": coding, vary: "accept-encoding" });
      for (const origin of [world.s1, world.s2, world.s3]) origin.respond(coded);
      for (const host of ["plain", "mirrored", "drawn", "baseline"]) {
        const { answer, client, log } = await world.ask(host, { headers: { "accept-encoding": "gzip, br, zstd" } });
        expect(client.status).toBe(200);
        expect(answer.headers["content-encoding"]).toBe(coding);
        expect(answer.body.equals(body)).toBe(true);
        expect(log).toMatchObject({ status: 200, fallback: null });
      }
      world.s2.respond(reply.answer(503));
      const after = await world.ask("mirrored", { headers: { "accept-encoding": "gzip" } });
      expect(after.client).toMatchObject({ servedBy: "s1", fallback: "status:503" });
      expect(after.answer.body.equals(body)).toBe(true);
    },
  );

  it("compressed it is the same where a comparison was wanted and no copy could be made", async () => {
    const body = gzipSync(text);
    world.s2.respond(onceRead(reply.answer(200, body, { "content-encoding": "gzip" })));
    const { answer, asked } = await world.ask("mirrored", { method: "POST", body: Buffer.alloc(2 * MB) });
    expect(answer.headers["content-encoding"]).toBe("gzip");
    expect(answer.body.equals(body)).toBe(true);
    expect(asked).toEqual(["s2"]);
  });

  it("a compressed request is the same byte for byte", async () => {
    const body = gzipSync(text);
    world.s2.respond(onceRead(reply.answer(200)));
    const { seen } = await world.ask("plain", { method: "POST", body, headers: { "content-encoding": "gzip" } });
    expect(seen[0]!.bodySha256).toBe(sha256(body));
    expect(headerOf(seen[0]!.headers, "content-encoding")).toBe("gzip");
  });

  it("several Set-Cookie stay several, in their order, and ours comes after them", async () => {
    const cookies = ["a=1; Path=/; Expires=Wed, 09 Jun 2027 10:18:14 GMT", "b=2; HttpOnly", 'c="x, y"'];
    for (const origin of [world.s1, world.s2]) origin.respond(reply.answer(200, "", { "set-cookie": cookies }));
    const inLane = await world.ask("plain");
    expect(inLane.answer.headers["set-cookie"]).toEqual(cookies);
    const drawn = await world.ask("drawn");
    expect(drawn.answer.headers["set-cookie"]).toEqual([...cookies, expect.stringMatching(/^lane-drawn=1\.1\.\d+; /)]);
    expect(drawn.log).toMatchObject({ lane: "s2", reason: "weight" });
  });

  it.each([200, 201, 203, 218, 226, 299, 300, 306, 399, 418, 420, 444, 451, 498, 499, 509, 599])(
    "status %i is the lane's own",
    async (status) => {
      world.s2.respond(reply.oddStatus(status));
      const { client, asked, log } = await world.ask("plain");
      expect(client).toMatchObject({ status, text: "odd", servedBy: "s2", fallback: undefined });
      expect(asked).toEqual(["s2"]);
      expect(log).toMatchObject({ status, fallback: null });
    },
  );

  it.each([600, 700, 999])("status %i is none that a client could use: the baseline answers, or the client gets 502", async (status) => {
    world.s2.respond(reply.oddStatus(status));
    const get = await world.ask("plain");
    expect(get.client).toMatchObject({ status: 200, text: "s1", fallback: "connect" });
    expect(get.asked).toEqual(["s2", "s1"]);
    const post = await world.ask("plain", { method: "POST", body: "order" });
    expect(post.client).toMatchObject({ status: 502, servedBy: "s2" });
    expect(post.asked).toEqual(["s2"]);
    expect(post.log).toMatchObject({ status: 502, fallback: null });
  });
});
