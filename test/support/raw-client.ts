import { connect, type Socket } from "node:net";

/**
 * How the exchange ended: the framing says whole; the peer closed (`short` if the framing asked for more); a TCP reset;
 * or nothing more came in time.
 */
export type Ended = "whole" | "short" | "reset" | "timeout";

export type RawAnswer = {
  readonly statusLine: string;
  /** 0 when no status line came. */
  readonly status: number;
  /** The header lines as sent. */
  readonly headerLines: readonly string[];
  /** The value of the first line of that name, in any case. */
  readonly header: (name: string) => string | undefined;
  /** Chunked framing removed; content codings untouched. */
  readonly body: Buffer;
  /** Status lines of the 1xx answers that came before. */
  readonly interim: readonly string[];
  readonly ended: Ended;
  /** Everything, as it came. */
  readonly bytes: Buffer;
};

export type RawClient = {
  /** Writes bytes; a string is sent as Latin-1, so that any byte can be written. Resolves when the kernel has them. */
  write(bytes: string | Uint8Array): Promise<void>;
  /** Half-closes: nothing more will be sent, the answer can still be read. */
  end(): void;
  /** Leaves with a TCP reset. */
  reset(): void;
  /** Leaves with an orderly close of both directions. */
  close(): void;
  /** Resolves when at least `bytes` have arrived in all, or the connection is over. */
  received(bytes: number): Promise<void>;
  /** Reads one answer. `head`: it belongs to a HEAD request, so no body follows. */
  read(options?: { head?: boolean; timeoutMs?: number }): Promise<RawAnswer>;
};

/** A TCP connection to `url`'s host and port, without any HTTP of its own. */
export async function connectRaw(url: string): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let bytes = Buffer.alloc(0);
  let over: "open" | "closed" | "reset" = "open";
  let wake = Promise.withResolvers<void>();
  const changed = (): void => {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    changed();
  });
  socket.on("end", () => {
    over = "closed";
    changed();
  });
  socket.on("close", () => {
    if (over === "open") over = "closed";
    changed();
  });
  await new Promise<void>((done, fail) => {
    socket.once("error", fail);
    socket.once("connect", () => {
      socket.off("error", fail);
      socket.on("error", () => {
        if (over === "open") over = "reset";
        changed();
      });
      done();
    });
  });

  return {
    write: (data) =>
      new Promise((done) => {
        socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data, () => done());
      }),
    end: () => socket.end(),
    reset: () => socket.resetAndDestroy(),
    close: () => socket.destroy(),
    async received(count) {
      while (bytes.length < count && over === "open") await wake.promise;
    },
    async read({ head = false, timeoutMs = 5000 } = {}) {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        changed();
      }, timeoutMs);
      for (;;) {
        const parsed = parse(bytes, head, over !== "open");
        if (parsed.whole || over !== "open" || late) {
          clearTimeout(timer);
          const ended: Ended = parsed.whole ? "whole" : over === "reset" ? "reset" : over === "closed" ? "short" : "timeout";
          const answer = { ...parsed.answer, ended, bytes: bytes.subarray(0, parsed.used) };
          bytes = bytes.subarray(parsed.used);
          return answer;
        }
        await wake.promise;
      }
    },
  };
}

/** One connection, one request, one answer. */
export async function sendRaw(
  url: string,
  request: string | Uint8Array,
  options?: { head?: boolean; timeoutMs?: number },
): Promise<RawAnswer> {
  const client = await connectRaw(url);
  await client.write(request);
  const answer = await client.read(options);
  client.close();
  return answer;
}

type Parsed = { whole: boolean; used: number; answer: Omit<RawAnswer, "ended" | "bytes"> };

/** Reads what has come so far by RFC 9112 section 6.3. `closed`: nothing more will come. */
function parse(bytes: Buffer, head: boolean, closed: boolean): Parsed {
  const interim: string[] = [];
  let start = 0;
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n", start, "latin1");
    const lines = bytes.toString("latin1", start, end < 0 ? bytes.length : end).split("\r\n");
    const statusLine = lines[0] ?? "";
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? 0);
    const headerLines = lines.slice(1);
    const header = (name: string): string | undefined =>
      headerLines
        .find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
        ?.slice(name.length + 1)
        .trim();
    const answer = { statusLine, status, headerLines, header, interim, body: Buffer.alloc(0) };
    if (end < 0 || status === 0) return { whole: false, used: bytes.length, answer };
    const rest = bytes.subarray(end + 4);
    if (status >= 100 && status < 200 && status !== 101) {
      interim.push(statusLine);
      start = end + 4;
      continue;
    }
    if (head || status === 204 || status === 304 || status === 101) return { whole: true, used: end + 4, answer };
    if (/chunked/i.test(header("transfer-encoding") ?? "")) {
      const { body, used, whole } = dechunk(rest);
      return { whole, used: end + 4 + used, answer: { ...answer, body } };
    }
    const declared = header("content-length");
    const length = declared === undefined ? rest.length : Math.min(Number(declared), rest.length);
    const whole = declared === undefined ? closed : rest.length >= Number(declared);
    return { whole, used: end + 4 + length, answer: { ...answer, body: rest.subarray(0, length) } };
  }
}

function dechunk(bytes: Buffer): { body: Buffer; used: number; whole: boolean } {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf("\r\n", at, "latin1");
    const size = line < 0 ? Number.NaN : Number.parseInt(bytes.toString("latin1", at, line), 16);
    if (Number.isNaN(size)) return { body: Buffer.concat(parts), used: bytes.length, whole: false };
    if (size === 0) {
      const trailerEnd = bytes.indexOf("\r\n\r\n", line, "latin1");
      return { body: Buffer.concat(parts), used: trailerEnd < 0 ? bytes.length : trailerEnd + 4, whole: trailerEnd >= 0 };
    }
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
    if (at > bytes.length) return { body: Buffer.concat(parts), used: bytes.length, whole: false };
  }
}
