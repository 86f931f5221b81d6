/**
 * The soak: the real Worker in workerd, between clients of all kinds and origins that fail in all ways, while an operator publishes and what
 * it stands on breaks. Everything that is drawn comes from the seed. It ends with the first invariant that does not hold.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { BuildOptions } from "esbuild";
import { residentBytes } from "../faults/workerd-memory.ts";
import { startFakeKv } from "../support/fake-kv.ts";
import { startOrigin } from "../support/origin.ts";
import { killable } from "../support/plant.ts";
import { type Router, startRouter } from "../support/router.ts";
import { live } from "./clients.ts";
import { Ledger, type Violation } from "./ledger.ts";
import { ADMIN_TOKEN, type Office, operate, settled } from "./operator.ts";
import { randomOf } from "./random.ts";
import { laneFile, serveAt, serveImpatiently } from "./services.ts";
import { type Weather, weatherAt } from "./weather.ts";

export interface Soak {
  readonly seed: number;
  readonly minutes: number;
  /** Another Worker than the deployed one, to see the soak fail. It must be made by `killable`. */
  readonly build?: BuildOptions;
  /** Share of the time that the baseline is well. */
  readonly calm?: number;
  /** A line, every few seconds. */
  readonly say?: (line: string) => void;
}

/** Bytes. */
export interface Memory {
  /** In the minute after it was warm; null: it was not run for so long. */
  readonly warm: number | null;
  /** In the last minute. */
  readonly end: number;
}

export interface Report {
  readonly violations: readonly Violation[];
  /** What was tried and what came of it: how often, by name. */
  readonly counts: ReadonlyMap<string, number>;
  /** Resident memory of workerd; null where it cannot be read. */
  readonly memory: Memory | null;
}

const CLIENTS = 12;
const SAY_MS = 5_000;
const MB = 1024 * 1024;
/** The heap has its size by then (measured). A shorter run knows only that memory has an end. */
const WARM_MS = 180_000;
const MEMORY_SLACK = 96 * MB;
const MAX_MEMORY = 800 * MB;
const CALM_MS = 60_000;

const KILLABLE = killable();

export async function soak({ seed, minutes, build = KILLABLE, calm = 0.85, say = () => {} }: Soak): Promise<Report> {
  const ledger = new Ledger();
  const count = (what: string) => ledger.count(what);
  const places = await Promise.all(["s1", "s2", "s3", "dark", "steady"].map(startOrigin));
  const urls = Object.fromEntries(places.map(({ name, url }) => [name, url]));
  const file = (note: string) => laneFile(urls, note);
  const kv = await startFakeKv({ groups: ["shop"], "group:shop": file("at first") });
  const router: Router = await startRouter({ workers: { LANES: kv.module }, bindings: { LANEWAY_ADMIN_TOKEN: ADMIN_TOKEN }, build });
  await router.fetch("/page?id=first", { host: "shop.example" });
  const ends = performance.now() + minutes * 60_000;
  const isOver = () => performance.now() > ends || ledger.isBroken;

  const weather = new Map<string, Weather>();
  for (const place of places) {
    if (place.name === "steady") {
      serveImpatiently(place, ledger);
      continue;
    }
    const spells = weatherAt(seed, { ...place, calm: place.name === "s1" ? calm : 0.35, dark: place.name === "dark" }, sleep, count);
    if (place.name !== "dark") weather.set(place.name, spells);
    serveAt(place, spells, () => router, ledger);
    void spells.reign(isOver);
  }
  const town = { router, ledger, weather };
  const office: Office = { router, ledger, kv, random: randomOf(seed, "operator"), file, acknowledged: new Set() };
  const memory = watchMemory(isOver);
  const saying = (async () => {
    while (!isOver()) {
      await sleep(SAY_MS);
      say(progress(ledger, ends, memory.now()));
    }
  })();
  try {
    await Promise.all([
      ...Array.from({ length: CLIENTS }, (_, n) => live(town, `c${n + 1}`, randomOf(seed, `client/${n}`), isOver)),
      operate(office, isOver),
      saying,
    ]);
    if (!ledger.isBroken) await calmDown(office, town, say);
    await sleep(200);
    for (const line of unexplained(router)) ledger.violate("nothing unhandled is on the console", line);
    const measured = memory.measured();
    if (measured !== null && measured.end > Math.min(MAX_MEMORY, (measured.warm ?? MAX_MEMORY) + MEMORY_SLACK))
      ledger.violate("memory is flat", `${JSON.stringify(measured)} bytes`);
    return { violations: ledger.violations, counts: ledger.counts, memory: measured };
  } finally {
    await router.dispose();
    await Promise.all([...places.map((place) => place.close()), kv.close()]);
  }
}

/** All is well again: every lane is taken back, and the newest revision serves. */
async function calmDown(office: Office, town: Parameters<typeof live>[0], say: (line: string) => void): Promise<void> {
  const { ledger, router } = office;
  say("calm: the newest revision must serve, and every lane");
  const missing = await settled(office, CALM_MS);
  if (missing !== null) ledger.violate("what was acknowledged serves in the end", missing);
  const until = performance.now() + CALM_MS;
  const wanted = new Set(["s1", "s2", "s3"]);
  for (let n = 0; wanted.size > 0; n++) {
    const { headers } = await router.fetch(`/page?id=calm-${n}`, { host: "shop.example", headers: { connection: "close" } });
    if (headers["x-lane-fallback"] === undefined) wanted.delete(String(headers["x-lane-served-by"]));
    if (performance.now() > until) return ledger.violate("every lane is taken back in the end", [...wanted].join(", "));
    await sleep(20);
  }
  // One more round, in which nothing is excused.
  const over = performance.now() + 1_500;
  await Promise.all([1, 2].map((n) => live(town, `calm${n}`, randomOf(n, "calm"), () => performance.now() > over)));
}

/** The Durable Object was killed by us, and KV failed by us: that this is said is right. The last is the runtime's, of an alarm set anew while it rang. */
const EXPECTED = /killed by the soak|"error":"(?:publish|off)"|SQLite alarm handler canceled/;

function unexplained(router: Router): string[] {
  const errors = router.logs().filter((line) => "error" in line);
  return [...errors.map((line) => JSON.stringify(line)), ...router.output()].filter((line) => !EXPECTED.test(line));
}

function watchMemory(isOver: () => boolean) {
  const samples: { readonly at: number; readonly bytes: number }[] = [];
  const began = performance.now();
  const now = () => samples.at(-1)?.bytes ?? 0;
  if (process.platform !== "linux") return { now, measured: () => null };
  void (async () => {
    while (!isOver()) {
      samples.push({ at: performance.now() - began, bytes: residentBytes() });
      await sleep(500);
    }
  })();
  const medianFrom = (from: number) => {
    const bytes = samples.flatMap(({ at, bytes }) => (at >= from && at < from + 60_000 ? [bytes] : [])).sort((a, b) => a - b);
    return bytes[Math.floor(bytes.length / 2)] ?? 0;
  };
  return {
    now,
    measured: (): Memory => {
      const last = (samples.at(-1)?.at ?? 0) - 60_000;
      return { warm: last > WARM_MS ? medianFrom(WARM_MS) : null, end: medianFrom(last) };
    },
  };
}

function progress({ counts, violations }: Ledger, ends: number, bytes: number): string {
  const sum = (what: RegExp) => [...counts].reduce((total, [name, times]) => total + (what.test(name) ? times : 0), 0);
  const left = Math.max(0, Math.round((ends - performance.now()) / 1000));
  const parts = [
    `${sum(/^requests$/)} requests`,
    `${sum(/^(?:s\d|dark): /)} faults`,
    `${sum(/^operator: .* published$/)} publishes`,
    `${sum(/killed/)} kills`,
    `${Math.round(bytes / MB)} MB`,
  ];
  return `${String(left).padStart(4)} s left: ${parts.join(", ")}${violations.length > 0 ? ", VIOLATED" : ""}`;
}
