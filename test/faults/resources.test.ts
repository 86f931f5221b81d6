/** What a hostile or simply busy client may use up: bytes, connections, memory, log lines. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Facts } from "../../src/core/facts.ts";
import type { Origin as Target } from "../../src/core/lane-group.ts";
import { countComparison, takeBatches } from "../../src/edge/batch.ts";
import { type Attempt, forward, type Outcome } from "../../src/edge/forward.ts";
import { headerOf } from "../support/origin.ts";
import * as reply from "../support/replies.ts";
import { canMeasure, growthDuring } from "./workerd-memory.ts";
import { clientSaw, group, newTraceId, sleep, startWorld, traceparent, until, type World } from "./world.ts";

const MB = 1024 * 1024;
let world: World;

beforeAll(async () => {
  world = await startWorld((origins) => {
    const mirror = (name: string, more = {}) => ({ name, lane: "s3", percent: 100, timeoutMs: 3_000, ...more });
    const files = [
      group("plain", origins, { log: { baggage: ["note"] } }),
      group("quiet", origins, { log: { samplePercent: 0 }, fallback: { methods: ["GET", "PUT"] } }),
      group("sampled", origins, { log: { samplePercent: 10 } }),
      group("crowded", origins, { mirrors: ["m1", "m2", "m3"].map((name) => mirror(name, { compare: { noisePercent: 100 } })) }),
      group("hanging-mirror", origins, { mirrors: [mirror("m")] }),
      group("writing-mirror", origins, { mirrors: [mirror("m", { writes: "send" })] }),
    ];
    return Object.fromEntries(files.map((file) => [file.name, file]));
  });
}, 30_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

describe("a request of great size", () => {
  it.each([
    ["500 headers", Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`x-h${n}`, "v"]))],
    ["128 kB of headers", Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`x-h${n}`, "v".repeat(8_000)]))],
    ["16 kB of cookies", { cookie: `;;${Array.from({ length: 300 }, (_, n) => `c${n}=${"v".repeat(46)}`).join("; ")}` }],
    ["100 kB of baggage", { baggage: Array.from({ length: 5_000 }, (_, n) => `k${n}=${"v".repeat(12)}`).join(",") }],
    ["60 kB of Connection", { connection: Array.from({ length: 5_000 }, (_, n) => `x-gone-${n}`).join(",") }],
  ])("fault 89: %s are answered by the lane, in one short log line", async (_, headers) => {
    const { client, asked, seen, log } = await world.ask("plain", { headers });
    expect(client).toMatchObject({ status: 200, text: "s2", servedBy: "s2" });
    expect(asked).toEqual(["s2"]);
    const own = Object.entries(headers).filter(([name]) => name.startsWith("x-h"));
    expect(own.filter(([name, value]) => headerOf(seen[0]!.headers, name) !== value)).toEqual([]);
    expect(headerOf(seen[0]!.headers, "baggage")!.length).toBeLessThanOrEqual(8_192);
    expect(JSON.stringify(log).length).toBeLessThan(1_000);
  });

  it("fault 89: a URL of 16 kB is passed on whole, and cut in the log", async () => {
    const path = `/${"p/".repeat(4_000)}?${"q=%20&".repeat(1_300)}`;
    const { client, seen, log } = await world.ask("plain", { path });
    expect(client).toMatchObject({ status: 200, text: "s2" });
    expect(seen[0]!.url).toBe(path);
    expect(log.path).toBe(path.slice(0, 256));
  });
});

describe("connections", () => {
  it("fault 91: the primary is asked first, and what follows is bounded: two copies, and two second askings", async () => {
    world.s2.respond(reply.after(200, reply.json({ from: "s2" })));
    const traceId = newTraceId();
    const sent = performance.now();
    const answer = await world.router.fetch("/x", { host: "crowded.example", headers: { traceparent: traceparent(traceId) } });
    clientSaw(String(answer.status));
    expect(answer.text).toBe('{"from":"s2"}');
    expect(await until(() => world.seenOf(traceId).length >= 5)).toBe(true);
    await sleep(100);
    const [first, ...later] = world.seenOf(traceId);
    expect(first).toMatchObject({ origin: "s2" });
    expect(headerOf(first!.seen.headers, "x-lane-mirror")).toBeUndefined();
    expect(later.map(({ origin }) => origin).sort()).toEqual(["s2", "s2", "s3", "s3"]);
    for (const { seen } of later) {
      expect(headerOf(seen.headers, "x-lane-mirror")).toMatch(/^crowded\/m[12]$/);
      expect(seen.at - sent).toBeGreaterThanOrEqual(190);
    }
    expect(await world.logOf(traceId)).toMatchObject({ servedBy: "s2", status: 200, mirror: null });
  });

  it("fault 91: both origins are asked before any copy leaves", async () => {
    world.s2.respond(reply.answer(503));
    const { client, log } = await world.ask("crowded");
    expect(client).toMatchObject({ status: 200, text: "s1", fallback: "status:503" });
    const asked = () => [...world.s1.requests, ...world.s2.requests, ...world.s3.requests].sort((a, b) => a.at - b.at);
    expect(await until(() => asked().length >= 4)).toBe(true);
    expect(asked().map(({ headers }) => headerOf(headers, "x-lane-mirror") !== undefined)).toEqual([false, false, true, true]);
    expect(log).toMatchObject({ servedBy: "s1", fallback: "status:503" });
  });

  it("fault 93: bodies for copies are the first to go: 16 MB of them, and no more", async () => {
    world.s3.respond(reply.hang());
    world.s2.respond(async (exchange) => {
      await exchange.seen.received;
      await reply.answer(200, "stored")(exchange);
    });
    const body = Buffer.alloc(MB, 7);
    const all = await Promise.all(Array.from({ length: 24 }, () => world.ask("writing-mirror", { method: "POST", body })));
    for (const { client, seen, log } of all) {
      expect(client).toMatchObject({ status: 200, text: "stored", servedBy: "s2" });
      expect(seen[0]).toMatchObject({ bodyLength: MB, complete: true });
      expect(log).toMatchObject({ servedBy: "s2", status: 200 });
    }
    expect(await until(() => world.s3.requests.length > 0)).toBe(true);
    await sleep(300);
    expect(world.s3.requests.length).toBeLessThanOrEqual(16);
  }, 15_000);

  it("fault 92: nobody waits behind a mirror that hangs, however many are under way", async () => {
    world.s3.respond(reply.hang());
    const all = await Promise.all(Array.from({ length: 60 }, () => world.ask("hanging-mirror")));
    for (const { client, answer, log } of all) {
      expect(client).toMatchObject({ status: 200, text: "s2", servedBy: "s2", fallback: undefined });
      // Before a single copy has been given up.
      expect(answer.totalMs).toBeLessThan(3_000);
      expect(log).toMatchObject({ servedBy: "s2", fallback: null });
    }
    expect(await until(() => world.s3.requests.length > 0)).toBe(true);
    await sleep(300);
    expect(world.s3.requests.length).toBeLessThanOrEqual(32);
  });
});

describe("log lines", () => {
  it("fault 94: one a request, whatever user text is in it", async () => {
    const before = world.router.logs().length + world.router.output().length;
    const note = encodeURIComponent(`line\r\nbreak " \u2028 ${"x".repeat(300)}`);
    const { client, log } = await world.ask("plain", { path: `/%0A%0D/${"y".repeat(300)}?secret=1`, headers: { baggage: `note=${note}` } });
    expect(client.status).toBe(200);
    await sleep(50);
    expect(world.router.logs().length + world.router.output().length).toBe(before + 1);
    expect(log.path).toBe(`/%0A%0D/${"y".repeat(300)}`.slice(0, 256));
    expect((log.baggage as { note: string }).note).toHaveLength(256);
    expect(JSON.stringify(log)).not.toContain("secret");
  });

  it("fault 94: one a request also for hosts that nobody serves and lanes that fail", async () => {
    const before = world.router.logs().length + world.router.output().length;
    world.s2.respond(reply.resetBeforeHeaders());
    await Promise.all([
      ...Array.from({ length: 20 }, (_, n) => world.router.fetch(`/${n}`, { host: `h${n}.nowhere` })),
      ...Array.from({ length: 3 }, () => world.router.fetch("/", { host: "plain.example" })),
    ]);
    clientSaw("404; 200 from s1 (connect)");
    await sleep(100);
    expect(world.router.logs().length + world.router.output().length).toBe(before + 23);
  });

  it("fault 94: as many as the group wants: none, or a tenth", async () => {
    const lines = (host: string) => world.router.logs().filter((line) => line.host === host).length;
    const send = (host: string, count: number) => Promise.all(Array.from({ length: count }, () => world.router.fetch("/", { host })));
    await send("quiet.example", 30);
    await send("sampled.example", 300);
    clientSaw("200");
    await sleep(100);
    expect(lines("quiet.example")).toBe(0);
    // Four sigma around 30.
    expect(lines("sampled.example")).toBeGreaterThan(9);
    expect(lines("sampled.example")).toBeLessThan(51);
  });
});

describe("memory", () => {
  it("fault 95: what is counted is bounded, whatever paths clients ask for", () => {
    takeBatches();
    const counts = { raw: 1, noise: 0, onlyRaw: 1, onlyNoise: 0 };
    for (let n = 0; n < 2_000; n++) {
      const observed = Array.from({ length: 3 }, (_, place) => ({ path: `body.k${n}-${place}`, kind: "value" as const, counts }));
      const sample = JSON.stringify({ n, text: "x".repeat(1_000) });
      countComparison("shop", "s3", "web", {
        mirror: "m",
        endpoint: `GET /${n}`,
        named: true,
        probed: true,
        truncated: false,
        observed,
        sample,
      });
    }
    const batch = takeBatches().get("shop")!;
    expect(batch.tallies.map(({ tally }) => tally.compared)).toEqual([2_000]);
    expect(batch.endpoints.length).toBeLessThan(250);
    expect(Math.max(...batch.endpoints.map(({ places }) => places.length))).toBeLessThan(250);
    expect(JSON.stringify(batch).length).toBeLessThan(MB);
    expect(takeBatches().size).toBe(0);
  });

  it.runIf(canMeasure)(
    "fault 96: a thousand requests with bodies, some repeated, leave nothing of them behind",
    async () => {
      world.s1.respond(reply.answer(200, Buffer.alloc(60_000)));
      world.s2.respond(reply.answer(200, Buffer.alloc(60_000)));
      const body = Buffer.alloc(60_000, 7);
      let whole = 0;
      const send = async (count: number) => {
        for (let left = count; left > 0; left -= 40) {
          if (left % 400 === 0) world.s2.respondOnce(reply.answer(503));
          const ask = () => world.router.fetch(`/${newTraceId()}`, { host: "quiet.example", method: "PUT", body });
          const all = await Promise.all(Array.from({ length: 40 }, ask));
          whole += all.filter((answer) => answer.status === 200 && answer.body.length === 60_000).length;
          for (const origin of [world.s1, world.s2]) origin.requests.length = 0;
        }
      };
      await send(200);
      const growth = await growthDuring(() => send(800));
      clientSaw("200, 1,000 times");
      expect(whole).toBe(1_000);
      // They are 96 MB in all.
      expect(growth).toBeLessThan(64 * MB);
    },
    30_000,
  );
});

describe("timers", () => {
  const origin: Target = {
    base: "http://127.0.0.1",
    path: "",
    binding: null,
    strip: "",
    headers: [],
    answerHeaders: [],
    baggage: "all",
    synthetic: false,
    noStore: false,
    sharedWith: null,
    sets: new Set(),
  };
  const request = new Request("http://shop.example/");
  const aborted = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
  const start = (fetched: (signal: AbortSignal) => Promise<Response>, more: Partial<Attempt>): Promise<Outcome> => {
    vi.stubGlobal("fetch", (_: string, { signal }: { signal: AbortSignal }) => fetched(signal));
    const body = { content: null, replayable: true, uploaded: null };
    const attempt = {
      url: "http://127.0.0.1/",
      facts: { headerNames: [] as readonly string[] } as Facts,
      origin,
      edits: { ends: () => false, remove: [], set: [], baggageDropped: 0 },
      body,
      limitMs: 1_000,
      rawAnswer: false,
    };
    return forward(request as never, { ...attempt, ...more }, {} as never);
  };
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  const done = async (outcome: Promise<Outcome>, expected: string) => {
    const came = await outcome;
    expect(came.kind === "answer" ? "answer" : came.reason).toBe(expected);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
    vi.unstubAllGlobals();
  };

  it("fault 96: none is left when the answer is there", async () => {
    await done(
      start(async () => new Response(), {}),
      "answer",
    );
  });

  it("fault 96: none is left when the fetch fails", async () => {
    await done(
      start(() => Promise.reject(new Error("lost")), {}),
      "connect",
    );
  });

  it("fault 96: none is left when time is up", async () => {
    const outcome = start(aborted, {});
    await vi.advanceTimersByTimeAsync(1_000);
    await done(outcome, "timeout");
  });

  it("fault 96: none is set by an upload that ends after the answer", async () => {
    const upload = Promise.withResolvers<boolean>();
    const outcome = start(async () => new Response(), { body: { content: null, replayable: false, uploaded: upload.promise } });
    await outcome;
    upload.resolve(true);
    await upload.promise;
    await done(outcome, "answer");
  });

  it("fault 96: none is left by an upload that breaks", async () => {
    const outcome = start(aborted, { body: { content: null, replayable: false, uploaded: Promise.resolve(false) } });
    await vi.advanceTimersByTimeAsync(1_000);
    await done(outcome, "incomplete");
  });
});
