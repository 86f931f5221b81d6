/**
 * Load generator process. Closed loop: each connection sends one request, waits for the whole answer, sends the next. It speaks
 * HTTP/1.1 on bare sockets, because a client library costs more CPU than the proxy under test and two cores must carry everything.
 */
import { connect, type Socket } from "node:net";
import { answerLength } from "./answer-length.ts";

export interface Load {
  readonly port: number;
  /** The whole request as sent: head, blank line, body. */
  readonly request: string;
  readonly connections: number;
  /** Ends after this many answers … */
  readonly count: number;
  /** … or after this many milliseconds. */
  readonly withinMs: number;
  /** Text in the head of answers that are timed apart. */
  readonly marker?: string;
}

export interface LoadResult {
  readonly seconds: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the answers with the marker, how many there were and their median time. */
  readonly marked: number;
  readonly markedP50Ms: number;
}

function run(load: Load): Promise<LoadResult> {
  const statuses: Record<string, number> = {};
  const times: number[] = [];
  const markedTimes: number[] = [];
  const request = Buffer.from(load.request, "latin1");
  const sockets: Socket[] = [];
  let started = 0;

  return new Promise<LoadResult>((resolve, reject) => {
    const begin = performance.now();
    const fail = (error: Error) => reject(error);
    const timer = setTimeout(() => finish(), load.withinMs);

    const open = () => {
      let sentAt = 0;
      let received: Buffer | null = null;
      const send = () => {
        if (started === load.count) return;
        started++;
        sentAt = performance.now();
        socket.write(request);
      };
      const socket = connect(load.port, "127.0.0.1", send);
      socket.setNoDelay(true);
      socket.on("data", (chunk) => {
        const answer: Buffer = received === null ? chunk : Buffer.concat([received, chunk]);
        received = answer;
        if (answerLength(answer) === 0) return;
        const status = answer.toString("latin1", 9, 12);
        statuses[status] = (statuses[status] ?? 0) + 1;
        received = null;
        const time = performance.now() - sentAt;
        times.push(time);
        if (load.marker !== undefined && answer.includes(load.marker)) markedTimes.push(time);
        if (times.length === load.count) finish();
        else send();
      });
      socket.on("error", fail);
      socket.on("close", () => fail(new Error("the server closed a connection")));
      sockets.push(socket);
    };

    const finish = () => {
      const seconds = (performance.now() - begin) / 1000;
      times.sort((a, b) => a - b);
      markedTimes.sort((a, b) => a - b);
      clearTimeout(timer);
      resolve({
        seconds,
        statuses,
        p50Ms: times[times.length >> 1] ?? 0,
        p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
        marked: markedTimes.length,
        markedP50Ms: markedTimes[markedTimes.length >> 1] ?? 0,
      });
    };

    for (let i = 0; i < load.connections; i++) open();
  }).finally(() => {
    for (const socket of sockets) socket.removeAllListeners("close").destroy();
  });
}

process.once("disconnect", () => process.exit());
process.on("message", (load: Load) => {
  run(load).then(
    (result) => process.send!(result),
    (error: Error) => process.send!({ error: error.message }),
  );
});
