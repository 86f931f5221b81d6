/** Process of either end of large bodies: an origin that gives and takes them, or the client of many at once. Nothing is kept of them. */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

export type BodiesQuestion =
  | { readonly listen: number }
  | {
      readonly port: number;
      readonly host: string;
      readonly method: "GET" | "POST" | "PUT";
      /** Of each body: the answer's to a GET, else the request's. */
      readonly bytes: number;
      readonly declared: boolean;
      /** All at once. */
      readonly count: number;
    };
export interface BodiesAnswer {
  readonly ports?: readonly number[];
  /** Answers of 200 with all their bytes, or to requests of which all bytes arrived. */
  readonly whole?: number;
}

const block = Buffer.alloc(64 * 1024, "0123456789abcdef");

/** As fast as `into` takes them. */
const pour = (into: Writable, bytes: number): Promise<void> =>
  pipeline(function* () {
    for (let left = bytes; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
  }, into);

async function lengthOf(body: AsyncIterable<Buffer>): Promise<number> {
  let length = 0;
  for await (const chunk of body) length += chunk.length;
  return length;
}

/** `GET /<bytes>` gives so many; any other method takes what comes and answers how many those were. */
async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  if (incoming.method === "GET") {
    const bytes = Number(incoming.url!.slice(1));
    outgoing.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes });
    await pour(outgoing, bytes);
    return;
  }
  const text = String(await lengthOf(incoming));
  outgoing.writeHead(200, { "content-length": text.length }).end(text);
}

function listen(): Promise<number> {
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing).catch(() => outgoing.destroy()));
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
}

const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });

async function transfer({ port, host, method, bytes, declared }: Exclude<BodiesQuestion, { listen: number }>): Promise<boolean> {
  const headers = { host, ...(method !== "GET" && declared ? { "content-length": bytes } : {}) };
  const outgoing = request({ host: "127.0.0.1", port, agent, method, path: `/${bytes}`, headers });
  const incoming = new Promise<IncomingMessage>((resolve, reject) => outgoing.once("response", resolve).once("error", reject));
  if (method === "GET") outgoing.end();
  else await pour(outgoing, bytes);
  const response = await incoming;
  if (method === "GET") return (await lengthOf(response)) === bytes && response.statusCode === 200;
  return (await response.toArray()).join("") === String(bytes);
}

process.on("message", async (question: BodiesQuestion) => {
  try {
    if ("listen" in question) {
      const ports = await Promise.all(Array.from({ length: question.listen }, listen));
      process.send!({ ports } satisfies BodiesAnswer);
    } else {
      const all = await Promise.all(Array.from({ length: question.count }, () => transfer(question)));
      process.send!({ whole: all.filter(Boolean).length } satisfies BodiesAnswer);
    }
  } catch (error) {
    process.send!({ error: error instanceof Error ? error.message : String(error) });
  }
});
