/** How many batches of counters one Durable Object takes (contract section 8): another Worker sends them, as isolates do, 32 at once. */
import { Miniflare, type WorkerOptions } from "miniflare";
import { bundleWorker, compatibility } from "../../src/demo/bundle.ts";
import { withProgress } from "../../src/demo/progress.ts";
import type { Figure } from "./figure.ts";
import { median } from "./stats.ts";

const ROUNDS = 7;
const TURN_MS = 2_000;
const AT_ONCE = 32;

/** Sends batches for so long, and says how many were taken. */
const DRIVER = `
const latency = new Array(66).fill(0); latency[30] = 40; latency[35] = 8;
const tally = () => ({ requests: 50, errors: 1, ejections: 0, bodyTooLarge: 0, baggageDropped: 0, fallbacks: { timeout: 1 }, copies: 0,
  sent: 5, dropped: { "sampled-out": 40 }, compared: 5, different: 1, uncompared: {}, latencyMs: 9000, latency });
const tallies = ["s1", "s2", "s3"].flatMap((lane) => ["a", "b", "c"].map((service) => ({ lane, service, tally: tally() })));
const assigned = ["s1", "s2", "s3"].map((lane) => ({ revision: 7, lane, count: 3 }));
const counts = { raw: 1, noise: 1, onlyRaw: 1, onlyNoise: 1 };
let next = 0;
const endpoint = (i) => ({ mirror: "next", endpoint: "GET /product/" + (i % 300), compared: 5, probed: 1, more: 0,
  places: Array.from({ length: 5 }, (_, j) => ({ path: "body.items[].k" + j, kind: "value", counts })),
  signatures: [{ signature: "value body.items[].k" + (i % 3), seen: 1, samples: ["x".repeat(1000)] }] });
const batches = {
  counters: () => ({ tallies, assigned, endpoints: [] }),
  comparisons: () => ({ tallies, assigned, endpoints: [endpoint(next++), endpoint(next++)] }),
};
export default { async fetch(request, { GROUP }) {
  const url = new URL(request.url), kind = url.searchParams.get("kind"), end = Date.now() + Number(url.searchParams.get("ms"));
  let taken = 0;
  await Promise.all(Array.from({ length: ${AT_ONCE} }, async () => {
    const group = GROUP.getByName(kind);
    while (Date.now() < end) { await group.count(batches[kind]()); taken++; }
  }));
  return new Response(String(taken));
} }`;

function workers(code: string): WorkerOptions[] {
  const config = (name: string, contents: string) => ({
    name,
    ...compatibility(),
    manifest: { mainModule: "worker.mjs", modules: { "worker.mjs": { type: "esm" as const, contents } } },
  });
  const GROUP = { type: "durable-object", worker: "router", exportName: "Group" } as const;
  return [
    {
      config: {
        ...config("router", code),
        env: { GROUP, LANES: { type: "kv", id: "lanes" } },
        exports: { Group: { type: "durable-object", storage: "sqlite" } },
      },
    },
    { config: { ...config("driver", DRIVER), env: { GROUP } }, dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] } },
  ];
}

export async function group(): Promise<Figure> {
  const { code } = await bundleWorker("src/worker.ts");
  const miniflare = new Miniflare({ host: "127.0.0.1", port: 0, cf: false, logRequests: false, workers: workers(code) });
  const rates: Record<string, number[]> = { counters: [], comparisons: [] };
  try {
    await miniflare.ready;
    const { origin } = await miniflare.unsafeGetDirectURL("driver");
    await withProgress("group", ROUNDS + 1, async () => {
      for (const [kind, series] of Object.entries(rates)) {
        const answer = await fetch(`${origin}/?kind=${kind}&ms=${TURN_MS}`);
        series.push((Number(await answer.text()) * 1000) / TURN_MS);
      }
    });
  } finally {
    await miniflare.dispose();
  }
  const row = (name: string, kind: string) => {
    // The first turn fills the tables.
    const series = rates[kind]!.slice(1);
    return { name, rate: median(series), low: Math.min(...series) };
  };
  return {
    name: "group",
    title: `Batches that one Durable Object takes (${ROUNDS} rounds of ${TURN_MS / 1000} s, ${AT_ONCE} at once)`,
    columns: [
      { key: "name", label: "Batch" },
      { key: "rate", label: "a second", digits: 0 },
      { key: "low", label: "at least", digits: 0 },
    ],
    rows: [
      row("counters of 3 lanes × 3 services", "counters"),
      row("the same, and 2 endpoints with 5 places and a sample each", "comparisons"),
    ],
    notes: ["An isolate sends one batch in five seconds: 1,000 a second are 5,000 isolates."],
  };
}
