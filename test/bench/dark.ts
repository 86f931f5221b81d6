/**
 * Process of dark lanes: one answers as the live origin does, one takes requests and never answers, one answers without an end, one is not
 * there. It gets only the CPU that others leave, because in truth it runs on another machine.
 */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { constants, setPriority } from "node:os";

export interface DarkQuestion {
  /** Port of the live origin. */
  readonly live: number;
}
export interface DarkAnswer {
  readonly up: number;
  readonly hanging: number;
  readonly flooding: number;
  readonly dead: number;
}

const block = Buffer.alloc(64 * 1024, "0123456789abcdef");

function flood(response: Parameters<RequestListener>[1]): void {
  const pour = () => {
    while (!response.closed && response.write(block));
  };
  response.writeHead(200, { "content-type": "application/octet-stream" }).on("drain", pour);
  pour();
}

function listen(answer: (response: Parameters<RequestListener>[1]) => void): Promise<{ port: number; close: () => void }> {
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 120_000 }, (request, response) => {
    request.resume();
    response.on("error", () => {});
    answer(response);
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve({ port: (server.address() as AddressInfo).port, close: () => server.close() })),
  );
}

process.once("disconnect", () => process.exit());
process.on("message", async ({ live }: DarkQuestion) => {
  setPriority(constants.priority.PRIORITY_LOW);
  const answer = await fetch(`http://127.0.0.1:${live}/`);
  const body = Buffer.from(await answer.arrayBuffer());
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !["date", "connection", "keep-alive"].includes(name)));
  const up = await listen((response) => response.writeHead(200, headers).end(body));
  const [hanging, flooding, dead] = await Promise.all([listen(() => {}), listen(flood), listen(() => {})]);
  dead.close();
  process.send!({ up: up.port, hanging: hanging.port, flooding: flooding.port, dead: dead.port } satisfies DarkAnswer);
});
