/**
 * Load generator process at a fixed rate (open loop): requests are sent when they are due, whatever became of those before, and an answer's
 * time counts from then, so that a proxy that stalls is charged for all that waits meanwhile.
 */
import { connect, type Socket } from "node:net";
import { answerLength } from "./answer-length.ts";

export interface Rate {
  readonly port: number;
  /** The whole request as sent. */
  readonly request: string;
  readonly perSecond: number;
  readonly count: number;
}

export interface RateResult {
  readonly statuses: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const CONNECTIONS = 64;
const LATE_MS = 30_000;

function run({ port, request, perSecond, count }: Rate): Promise<RateResult> {
  const statuses: Record<string, number> = {};
  const times = new Float64Array(count);
  const bytes = Buffer.from(request, "latin1");
  const free: ((dueAt: number) => void)[] = [];
  const waiting: number[] = [];
  const sockets: Socket[] = [];
  let answered = 0;
  return new Promise<RateResult>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${answered} of ${count} answers within ${LATE_MS} ms`)), LATE_MS);
    const done = () => {
      times.sort();
      clearTimeout(late);
      resolve({ statuses, p50Ms: times[count >> 1]!, p99Ms: times[Math.floor(count * 0.99)]! });
    };
    const open = () => {
      let dueAt = 0;
      let received: Buffer = Buffer.alloc(0);
      const send = (due: number) => {
        dueAt = due;
        socket.write(bytes);
      };
      const socket = connect(port, "127.0.0.1", () => free.push(send));
      socket.setNoDelay(true);
      socket.on("data", (chunk) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        if (answerLength(received) === 0) return;
        const status = received.toString("latin1", 9, 12);
        statuses[status] = (statuses[status] ?? 0) + 1;
        received = Buffer.alloc(0);
        times[answered++] = performance.now() - dueAt;
        if (answered === count) return done();
        const next = waiting.shift();
        if (next === undefined) free.push(send);
        else send(next);
      });
      socket.on("error", reject);
      sockets.push(socket);
    };
    for (let i = 0; i < CONNECTIONS; i++) open();
    let began = 0;
    let sent = 0;
    const tick = () => {
      const now = performance.now();
      began ||= now;
      for (; sent < count && (sent * 1000) / perSecond <= now - began; sent++) {
        const send = free.pop();
        if (send === undefined) waiting.push(now);
        else send(now);
      }
      if (sent < count) setTimeout(tick, 1);
    };
    setTimeout(tick, 50);
  }).finally(() => {
    for (const socket of sockets) socket.destroy();
  });
}

process.once("disconnect", () => process.exit());
process.on("message", (rate: Rate) => {
  run(rate).then(
    (result) => process.send!(result),
    (error: Error) => process.send!({ error: error.message }),
  );
});
