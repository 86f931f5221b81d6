/** CPU of a request whose headers are made to hurt, 120 kB of them (the platform takes no more than 128), through the whole pipeline. */
import { bundleWorker, compatibility } from "../../src/demo/bundle.ts";
import { startChild } from "./child.ts";
import { runContest } from "./contest.ts";
import type { Figure } from "./figure.ts";
import { benchHeaders, requestText, SLOT_OF_S2 } from "./fixture.ts";
import type { Load, LoadResult } from "./load.ts";
import type { OriginAnswer, OriginQuestion } from "./origin.ts";
import { routerSpec } from "./router.ts";
import { median } from "./stats.ts";
import { startWorkerd } from "./workerd.ts";

const ROUNDS = 15;
const PER_ROUND = 40;
const CONNECTIONS = 4;
const BYTES = 120_000;

/** `piece` again and again; what it makes of its number keeps them apart. */
const fill = (piece: (at: number) => string, separator: string): string => {
  const pieces: string[] = [];
  for (let length = 0, at = 0; length < BYTES; at++) {
    pieces.push(piece(at));
    length += pieces[at]!.length + separator.length;
  }
  return pieces.join(separator);
};

/** What is added to an ordinary request, as lines. */
const HOSTILE: Readonly<Record<string, string>> = {
  "an ordinary request": "",
  "baggage of many members": `baggage: ${fill((at) => `k${at}=v`, ",")}`,
  "baggage of nothing but commas": `baggage: ${",".repeat(BYTES)}`,
  "baggage, one member of escapes": `baggage: pr=${"%41".repeat(BYTES / 3)}`,
  "baggage of foreign contexts": `baggage: ${fill((at) => `laneway.mock${at}=1~mock~s2~1~5000000~~~${"A".repeat(43)}`, ",")}`,
  "cookies, many": `cookie: ${fill((at) => `c${at}=v`, "; ")}`,
  "cookies, ours forged again and again": `cookie: ${fill(() => "lane-mock=1.1.99999", ";")}`,
  "a Connection that names many": `connection: ${fill((at) => `x-n${at}`, ",")}`,
  "a value for the regex": `baggage: pr=${"1".repeat(8_000)}x\r\nx-fill: ${"1".repeat(BYTES - 8_000)}`,
  "x-forwarded-for": `x-forwarded-for: ${fill((at) => `10.0.0.${at % 256}`, ", ")}`,
};

function requestWith(lines: string): string {
  const name = /^[^:]*/.exec(lines)![0];
  const { [name]: _, ...headers } = benchHeaders(SLOT_OF_S2);
  return requestText("/products/42?page=2", headers).replace(/\r\n$/, lines === "" ? "\r\n" : `${lines}\r\n\r\n`);
}

export async function headers(): Promise<Figure> {
  const origin = startChild<OriginQuestion, OriginAnswer>(`${import.meta.dirname}/origin.ts`);
  const load = startChild<Load, LoadResult>(`${import.meta.dirname}/load.ts`);
  const { ports } = await origin.ask({ ports: 3 });
  const origins = ports.map((port) => `http://127.0.0.1:${port}`);
  const [router, bare] = await Promise.all(
    ["src/worker.ts", "test/bench/workers/pass-through.ts"].map(async (entry) => (await bundleWorker(entry, { minify: true })).code),
  );
  const passThrough = { name: "pass-through", ...compatibility(), code: bare!, text: { ORIGIN: origins[0]! } };
  const workerd = await startWorkerd([routerSpec(router!, origins), passThrough]);
  try {
    const contestants = Object.entries(HOSTILE).flatMap(([name, lines]) =>
      ["router", "pass-through"].map((worker) => ({ name, worker, request: requestWith(lines) })),
    );
    const ask = { title: "headers", workerd, load, contestants, rounds: ROUNDS, perRound: PER_ROUND, connections: CONNECTIONS };
    const series = await runContest(ask);
    const rows = Object.keys(HOSTILE).map((name, at) => {
      const [ours, theirs] = [series[2 * at]!, series[2 * at + 1]!].map(({ cpuMicros }) => median(cpuMicros) / 1000);
      return { name, ours: ours!, theirs: theirs!, more: ours! - theirs! };
    });
    return {
      name: "headers",
      title: `CPU of a request with ${BYTES / 1000} kB of headers (${ROUNDS} interleaved rounds of ${PER_ROUND} requests)`,
      columns: [
        { key: "name", label: "Headers" },
        { key: "ours", label: "ms", digits: 2 },
        { key: "theirs", label: "bare ms", digits: 2 },
        { key: "more", label: "more", digits: 2 },
      ],
      rows,
      notes: ["Budget: ≤ 5 ms. All of the workerd process: reading what came and sending on what stays as well."],
    };
  } finally {
    workerd.stop();
    origin.stop();
    load.stop();
  }
}
