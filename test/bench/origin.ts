/**
 * Origin process: one fast keep-alive HTTP server on as many loopback ports as asked for. Every path answers the same small JSON
 * with ordinary headers; one that ends in `/echo` answers what the origin received.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface OriginQuestion {
  readonly ports: number;
}
export interface OriginAnswer {
  readonly ports: readonly number[];
  /** Every sixth request to it is answered with 503. */
  readonly refusing: number;
  /** Every sixth request to it has its connection closed. */
  readonly closing: number;
}
/** Body of `/echo`. */
export interface Echo {
  readonly port: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const body = JSON.stringify({
  items: Array.from({ length: 16 }, (_, id) => ({ id, name: `product ${id}`, price: id * 9.5, tags: ["a", "b"] })),
});
const headers = {
  "content-type": "application/json; charset=utf-8",
  "content-length": Buffer.byteLength(body),
  "cache-control": "no-cache",
  etag: '"5f2a-1"',
  vary: "accept-encoding",
  "x-request-cost": "1",
  "strict-transport-security": "max-age=31536000",
  "x-content-type-options": "nosniff",
};

const EVERY = 6;

/** `fail`: what happens to every sixth request. */
function listen(fail?: (response: ServerResponse) => void): Promise<number> {
  let count = 0;
  const server = createServer({ keepAliveTimeout: 120_000, maxHeaderSize: 256 * 1024 }, (request, response) => {
    request.resume();
    if (fail !== undefined && ++count % EVERY === 0) return fail(response);
    if (!request.url!.endsWith("/echo")) {
      response.writeHead(200, headers).end(body);
      return;
    }
    const echo = JSON.stringify({ port: (server.address() as AddressInfo).port, url: request.url, headers: request.headers });
    response.writeHead(200, { "content-type": "application/json" }).end(echo);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
}

process.once("disconnect", () => process.exit());
process.on("message", async (question: OriginQuestion) => {
  const ports: number[] = [];
  for (let i = 0; i < question.ports; i++) ports.push(await listen());
  const refusing = await listen((response) => void response.writeHead(503, { "content-length": 0 }).end());
  const closing = await listen((response) => void response.destroy());
  process.send!({ ports, refusing, closing } satisfies OriginAnswer);
});
