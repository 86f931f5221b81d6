import { createHash } from "node:crypto";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { Responder } from "./origin.ts";

// Honest answers.

/** Any status Node can write (200-999), with its `content-length`; several lines of one header are given as an array. */
export function answer(status: number, body: string | Uint8Array = "", headers: OutgoingHttpHeaders = {}): Responder {
  return ({ res }) => {
    const bytes = Buffer.from(body);
    const length = status === 204 || status === 304 ? {} : { "content-length": bytes.length };
    res.writeHead(status, { ...length, ...headers }).end(bytes);
  };
}

export function json(value: unknown, status = 200, headers: OutgoingHttpHeaders = {}): Responder {
  return answer(status, JSON.stringify(value), { "content-type": "application/json", ...headers });
}

/** Answers, as JSON, what arrived: `{ origin, method, url, headers, body }`, once the whole body has. */
export function echo(): Responder {
  return async (exchange) => {
    const { origin, seen } = exchange;
    await seen.received;
    const { method, url, headers } = seen;
    await json({ origin, method, url, headers, body: seen.body.toString() })(exchange);
  };
}

/** The compressed bytes are the same for the same text, so a test can compare them. */
export function gzipped(text: string, type = "text/plain"): Responder {
  return answer(200, gzipSync(text), { "content-type": type, "content-encoding": "gzip" });
}

export function redirect(location: string, status = 302): Responder {
  return answer(status, "", { location });
}

/** A 103 with a `Link`, then the answer. */
export function earlyHints(then: Responder): Responder {
  return (exchange) => {
    exchange.socket.write("HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n");
    return then(exchange);
  };
}

export function after(ms: number, then: Responder): Responder {
  return async (exchange) => {
    await sleep(ms);
    if (!exchange.socket.destroyed) await then(exchange);
  };
}

/** `total` bytes of zeros with a `content-length`, written only as fast as they are read. */
export function large(total: number): Responder {
  return async ({ res }) => {
    res.writeHead(200, { "content-type": "application/octet-stream", "content-length": total });
    const block = Buffer.alloc(64 * 1024);
    for (let left = total; left > 0 && !res.closed; left -= block.length) {
      if (!res.write(block.subarray(0, Math.min(left, block.length)))) await writable(res);
    }
    res.end();
  };
}

/** Resolves when the peer has read enough for more, or has left. */
function writable(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      res.off("drain", done).off("close", done);
      resolve();
    };
    res.on("drain", done).on("close", done);
  });
}

/** Server-sent events, one each `everyMs`. The stream ends after the last. */
export function events(data: readonly string[], everyMs: number): Responder {
  return drip(
    data.map((item) => `data: ${item}\n\n`),
    everyMs,
    "text/event-stream",
  );
}

/** The parts, one chunk each `everyMs`; headers go out at once. */
export function drip(parts: readonly string[], everyMs: number, type = "text/plain"): Responder {
  return async ({ res }) => {
    res.writeHead(200, { "content-type": type }).flushHeaders();
    for (const part of parts) {
      await sleep(everyMs);
      if (res.closed) return;
      res.write(part);
    }
    res.end();
  };
}

/** RFC 6455: accepts, echoes short text and binary frames, answers a close frame with the same. */
export function webSocketEcho(protocol?: string): Responder {
  return ({ seen, socket }) => {
    const key = seen.headers.find(([name]) => name.toLowerCase() === "sec-websocket-key")?.[1] ?? "";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    const chosen = protocol === undefined ? "" : `sec-websocket-protocol: ${protocol}\r\n`;
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n${chosen}\r\n`,
    );
    let pending = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      for (let used = echoFrame(pending, socket); used > 0; used = echoFrame(pending, socket)) pending = pending.subarray(used);
    });
  };
}

/** Echoes the first whole frame in `bytes` (payloads under 126 bytes); the bytes it took, or 0. */
function echoFrame(bytes: Buffer, socket: Socket): number {
  const length = (bytes[1] ?? 0) & 0x7f;
  const total = 6 + length;
  if (bytes.length < total || bytes.length < 2) return 0;
  const unmasked = Buffer.from(bytes.subarray(6, total));
  for (let i = 0; i < length; i++) unmasked[i] = (unmasked[i] ?? 0) ^ (bytes[2 + (i % 4)] ?? 0);
  socket.write(Buffer.concat([Buffer.from([bytes[0] ?? 0, length]), unmasked]));
  if (((bytes[0] ?? 0) & 0x0f) === 8) socket.end();
  return total;
}

// Faults.

/** Bytes as they are, then the end of the connection. For statuses and framing that no honest server writes. */
export function raw(bytes: string | Uint8Array): Responder {
  return ({ socket }) => {
    socket.end(bytes);
  };
}

/** A status line with any number in it, and a short body. */
export function oddStatus(status: number): Responder {
  return raw(`HTTP/1.1 ${status} Odd\r\ncontent-length: 3\r\nconnection: close\r\n\r\nodd`);
}

/** Reads the request and never says a word. */
export function hang(): Responder {
  return () => {};
}

/** Does not even read: the sender's body backs up. */
export function stall(): Responder {
  return ({ req }) => {
    req.pause();
  };
}

/** TCP reset before a byte of the answer. */
export function resetBeforeHeaders(): Responder {
  return ({ socket }) => {
    socket.resetAndDestroy();
  };
}

/** TCP reset in the middle of a header line. */
export function resetInHeaders(): Responder {
  return writeThenReset("HTTP/1.1 200 OK\r\ncontent-type: text/pl");
}

/** Headers of a body twice as long, `bytes` of it, then TCP reset. */
export function resetInBody(bytes: number): Responder {
  return writeThenReset(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes * 2 + 1}\r\n\r\n${"x".repeat(bytes)}`);
}

function writeThenReset(text: string): Responder {
  return async ({ socket }) => {
    await new Promise((done) => socket.write(text, done));
    // A reset overtakes bytes that the peer has not read yet.
    await sleep(30);
    socket.resetAndDestroy();
  };
}

/** A body without an end, as fast as it is read. */
export function flood(status = 200): Responder {
  return async ({ res }) => {
    res.writeHead(status, { "content-type": "application/octet-stream" });
    const block = Buffer.alloc(64 * 1024, 120);
    while (!res.closed) {
      if (!res.write(block)) await writable(res);
    }
  };
}

/** More promised than sent, then a clean end of the connection. */
export function shortBody(): Responder {
  return raw("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\nshort");
}

/** A chunk size that is no number, after one good chunk. */
export function badChunk(): Responder {
  return raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\ngood\r\nzz\r\nbad\r\n0\r\n\r\n");
}

/** Not HTTP at all. */
export function rubbish(): Responder {
  return raw("\u0000\u0001 220 mail.example ESMTP\r\n\r\n");
}
