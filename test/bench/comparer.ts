/** CPU of one comparison in workerd, from bytes to named differences, by size of the bodies, beside two libraries; and with hostile bodies. */
import { bundleWorker, compatibility } from "../../src/demo/bundle.ts";
import { withProgress } from "../../src/demo/progress.ts";
import { startChild } from "./child.ts";
import { BODIES } from "./comparer-bodies.ts";
import type { Figure, Row } from "./figure.ts";
import type { Load, LoadResult } from "./load.ts";
import { median } from "./stats.ts";
import { startWorkerd } from "./workerd.ts";

const ROUNDS = 9;
const WARM_UP = 2;
const TURN_BYTES = 2_000_000;
const LIBRARIES = ["microdiff", "jsondiffpatch"];

export async function comparer(): Promise<Figure> {
  const load = startChild<Load, LoadResult>(`${import.meta.dirname}/load.ts`);
  const { code } = await bundleWorker("test/bench/workers/compare.ts", { minify: true });
  const workerd = await startWorkerd([{ name: "compare", ...compatibility(), code }]);
  const turns = Object.entries(BODIES).flatMap(([name, { hostile, type }]) => {
    const others = hostile || type !== "application/json" ? [] : LIBRARIES;
    return ["laneway", ...others].map((how) => ({ name, how, millis: [] as number[] }));
  });
  let turn = 0;
  try {
    await withProgress("comparer", (WARM_UP + ROUNDS) * turns.length, async () => {
      const { name, how, millis } = turns[turn % turns.length]!;
      const times = Math.max(1, Math.round(TURN_BYTES / BODIES[name]!.left.length));
      const before = workerd.cpuMicros();
      const request = `GET /${how}/${name}/${times} HTTP/1.1\r\nhost: compare\r\n\r\n`;
      const { statuses } = await load.ask({ port: workerd.port("compare"), request, connections: 1, count: 1, withinMs: 60_000 });
      if (statuses["200"] !== 1) throw new Error(`${how} ${name}: ${JSON.stringify(statuses)}`);
      if (turn++ >= WARM_UP * turns.length) millis.push((workerd.cpuMicros() - before) / 1000 / times);
    });
  } finally {
    workerd.stop();
    load.stop();
  }
  const rows: Row[] = Object.entries(BODIES).map(([name, { title, left }]) => {
    const mine = turns.filter((one) => one.name === name);
    const millis = Object.fromEntries(mine.map(({ how, millis }) => [how, median(millis)]));
    return { name: title, ...millis, rate: (2 * left.length) / 1000 / millis.laneway! };
  });
  return {
    name: "comparer",
    title: `CPU of one comparison in workerd, from bytes to named differences (${ROUNDS} interleaved rounds)`,
    columns: [
      { key: "name", label: "Two bodies" },
      { key: "laneway", label: "ms", digits: 2 },
      { key: "rate", label: "MB/s", digits: 0 },
      ...LIBRARIES.map((key) => ({ key, label: `${key} ms`, digits: 2 })),
    ],
    rows,
    notes: [
      "Budget: hostile bodies (the last nine) ≤ 50 ms. The libraries get the time of `JSON.parse` as well; jsondiffpatch with `id` as its hash.",
      "Through the router at most 256 KiB of an answer are read, so strings of 1 MB and 80,000 tags are more than it would meet.",
    ],
  };
}
