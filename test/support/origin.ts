import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Bodies longer than this are recorded by length and hash alone. */
const KEPT_BODY_BYTES = 4 * 1024 * 1024;

/** One request as it stood on the wire. The body fields grow until `settled`. */
export type Seen = {
  readonly method: string;
  /** The request target, not decoded and not normalised. */
  readonly url: string;
  /** Header lines in order, names as spelled, duplicates kept. */
  readonly headers: readonly (readonly [string, string])[];
  /** Milliseconds of `performance.now()` when the head had been read. */
  readonly at: number;
  /** Empty once `bodyLength` has passed 4 MiB. */
  body: Buffer;
  bodyLength: number;
  /** Hex; known once the body has ended. */
  bodySha256: string;
  /** The whole body arrived. */
  complete: boolean;
  /** The peer left before the exchange was over: in its own body, or in our answer. */
  aborted: boolean;
  /** Resolves when the body has ended or the peer has left. */
  readonly received: Promise<void>;
  /** Resolves when the exchange is over, whoever ended it. */
  readonly settled: Promise<void>;
};

/** What a responder may use: `res` for an honest answer, `socket` for the other kind, `req.pause()` to stop reading. */
export type Exchange = {
  readonly origin: string;
  readonly seen: Seen;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly socket: Socket;
};
/** Answers one request. It runs as soon as the head is read, while the body is still arriving. */
export type Responder = (exchange: Exchange) => void | Promise<void>;

export type Origin = {
  readonly name: string;
  /** `http://127.0.0.1:<port>`, without a trailing slash. */
  readonly url: string;
  /** In the order of arrival. */
  readonly requests: Seen[];
  /** Answers every request from now on. */
  respond(responder: Responder): void;
  /** Answers the next request only; several calls queue up. */
  respondOnce(responder: Responder): void;
  /** Refuses connections from now on, and cuts those that are open. */
  down(): Promise<void>;
  /** Listens again, on the same port. */
  up(): Promise<void>;
  /** Forgets the requests, and answers 200 with the origin's name again. */
  reset(): void;
  close(): Promise<void>;
};

/** The value of a header, any case; several lines joined by `, `; undefined when absent. */
export function headerOf(headers: Seen["headers"], name: string): string | undefined {
  const values = headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

/** A real HTTP/1.1 server on a free loopback port. Until told otherwise it answers 200 with its name as body and as `x-origin`. */
export async function startOrigin(name: string): Promise<Origin> {
  const requests: Seen[] = [];
  const queue: Responder[] = [];
  const sockets = new Set<Socket>();
  let always = answerWithName;
  let port = 0;

  const take = (req: IncomingMessage, res: ServerResponse): void => {
    const seen = record(req, res);
    requests.push(seen);
    const responder = queue.shift() ?? always;
    // A responder that fails is a mistake in a test: let the peer see it at once instead of a hang.
    Promise.resolve()
      .then(() => responder({ origin: name, seen, req, res, socket: req.socket }))
      .catch((error: unknown) => {
        if (!req.socket.destroyed) req.socket.end(`HTTP/1.1 500 responder\r\nconnection: close\r\n\r\n${String(error)}`);
      });
  };
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, maxHeaderSize: 1024 * 1024 }, take);
  server.on("checkContinue", (req, res) => {
    res.writeContinue();
    take(req, res);
  });
  server.on("upgrade", (req: IncomingMessage, socket: Duplex) => take(req, responseFor(req, socket as Socket)));
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });

  const listen = (): Promise<void> => new Promise((done, fail) => server.once("error", fail).listen(port, "127.0.0.1", () => done()));
  const stop = (): Promise<void> =>
    new Promise((done) => {
      server.close(() => done());
      for (const socket of sockets) socket.destroy();
    });
  await listen();
  port = (server.address() as AddressInfo).port;

  return {
    name,
    url: `http://127.0.0.1:${port}`,
    requests,
    respond(responder) {
      always = responder;
    },
    respondOnce(responder) {
      queue.push(responder);
    },
    down: stop,
    up: listen,
    reset() {
      requests.length = 0;
      queue.length = 0;
      always = answerWithName;
    },
    close: () => (server.listening ? stop() : Promise.resolve()),
  };
}

function answerWithName({ origin, res }: Exchange): void {
  res.writeHead(200, { "content-type": "text/plain", "x-origin": origin }).end(origin);
}

/** An upgrade comes without a response object; this one closes the connection after its answer. */
function responseFor(req: IncomingMessage, socket: Socket): ServerResponse {
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket);
  res.on("finish", () => socket.end());
  return res;
}

function record(req: IncomingMessage, res: ServerResponse): Seen {
  const chunks: Buffer[] = [];
  const hash = createHash("sha256");
  const received = Promise.withResolvers<void>();
  const settled = Promise.withResolvers<void>();
  const raw = req.rawHeaders;
  const seen: Seen = {
    method: req.method ?? "",
    url: req.url ?? "",
    headers: Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i] ?? "", raw[2 * i + 1] ?? ""] as const),
    at: performance.now(),
    body: Buffer.alloc(0),
    bodyLength: 0,
    bodySha256: "",
    complete: false,
    aborted: false,
    received: received.promise,
    settled: settled.promise,
  };
  const socket = req.socket;
  const left = (): void => {
    if (!(res.writableFinished && req.complete) && !socket.writableEnded) seen.aborted = true;
  };
  // Before the server's own listener, which would end our side first.
  socket.prependListener("end", left);
  socket.prependListener("error", left);

  req.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    seen.bodyLength += chunk.length;
    if (seen.bodyLength <= KEPT_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  });
  req.on("error", () => {});
  const bodyOver = (): void => {
    if (seen.bodySha256 !== "") return;
    seen.body = Buffer.concat(chunks);
    seen.bodySha256 = hash.digest("hex");
    seen.complete = req.complete;
    received.resolve();
  };
  req.on("end", bodyOver);
  socket.on("close", bodyOver);
  // An answer may be over before the body is.
  const answered = new Promise<void>((done) => res.on("close", done));
  Promise.all([answered, received.promise]).then(() => {
    socket.off("end", left).off("error", left).off("close", bodyOver);
    settled.resolve();
  });
  return seen;
}
