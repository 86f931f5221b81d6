/** The copy never hurts the original: whatever becomes of a copy, the client gets what it would have got without a mirror. */
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Origin, startOrigin } from "../support/origin.ts";
import { connectRaw } from "../support/raw-client.ts";
import * as reply from "../support/replies.ts";
import { decided, type MirrorWorld, mirrored, type Sent, startMirrors } from "./mirrors.ts";
import { clientSaw, sleep, until } from "./world.ts";

/** A copy that finds nobody gives its place back soon. */
const TIMEOUT_MS = 300;
const compare = { noisePercent: 100 };

let world: MirrorWorld;
/** An isolate of its own: how many copies it holds is what is tested. */
let crowd: MirrorWorld;
/** Answers a byte a second for an hour; asked at the start, since it takes its time. */
let dripping: Origin;
let askedAt = 0;

beforeAll(async () => {
  dripping = await startOrigin("dripping");
  dripping.respond(reply.drip(Array(3_600).fill("x"), 1_000));
  const main = startMirrors(
    (origins) => {
      const of = (name: string, mirror: object | null, more = {}) => mirrored(name, origins, mirror, more);
      const toBinding = (binding: string) => ({
        lanes: { s1: { weight: 1, origins: { web: origins.s1.url } }, s3: { origins: { web: { binding } } } },
      });
      return [
        of("unmirrored", null),
        of("sends", { timeoutMs: TIMEOUT_MS, writes: "send" }),
        of("compares", { timeoutMs: TIMEOUT_MS, writes: "send", compare }),
        of("throws", { compare }, toBinding("THROWS")),
        of("absent", { compare }, toBinding("ABSENT")),
        of(
          "drips",
          { timeoutMs: 5_000, compare: { noisePercent: 0 } },
          {
            lanes: { s1: { weight: 1, origins: { web: origins.s1.url } }, s3: { origins: { web: dripping.url } } },
          },
        ),
        of("two-of-three", null, {
          mirrors: ["a", "b", "c"].map((name) => ({ name, lane: "s3", percent: 100, compare: { noisePercent: 0 } })),
        }),
      ];
    },
    { workers: { THROWS: `export default { fetch() { throw new Error("a bug of the dark lane"); } }` } },
  );
  const other = startMirrors((origins) => [
    mirrored("crowd", origins, { timeoutMs: 4_000 }),
    mirrored("bodies", origins, { writes: "send" }),
  ]);
  [world, crowd] = await Promise.all([main, other]);
  askedAt = performance.now();
  expect((await world.send("drips")).answer.totalMs).toBeLessThan(1_000);
}, 60_000);
afterAll(() => Promise.all([world?.close(), crowd?.close(), dripping?.close()]));
beforeEach(() => {
  world.reset();
  crowd.reset();
});

/** What the client can tell: status, bytes, and every header line but the date. */
function told({ answer: { status, rawHeaders, body, complete } }: Sent) {
  const lines: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return { status, body: body.toString("base64"), complete, lines: lines.filter((line) => !/^date:/i.test(line)) };
}

/** What the origin of the original was told, the group's name aside. */
const asked = ({ live }: Sent, group: string) => {
  const { method, url, headers, bodySha256, bodyLength } = live()[0]!;
  const kept = headers.filter(([name]) => !/^(traceparent|x-lane-context)$/i.test(name));
  const lines = kept.map(([name, value]) => `${name}: ${value}`.replaceAll(group, "group").replace(/~[\w-]{43}/, "~signature"));
  return { method, url, lines, bodySha256, bodyLength };
};

const FAULTS = {
  "answers as well": reply.json({ a: 1 }),
  "resets the connection before its headers": reply.resetBeforeHeaders(),
  "resets the connection in its headers": reply.resetInHeaders(),
  "resets the connection in its body": reply.resetInBody(2_000),
  "never answers": reply.hang(),
  "does not even read": reply.stall(),
  "answers 500": reply.answer(500, "no"),
  "answers 503": reply.answer(503, "no", { "retry-after": "60" }),
  "floods without an end": reply.flood(),
  "sends less than it promised": reply.shortBody(),
  "sends a chunk that is none": reply.badChunk(),
  "speaks no HTTP": reply.rubbish(),
  "answers with a status that is none": reply.oddStatus(999),
  "gives two lengths": reply.raw("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
  "lies about its coding": reply.answer(200, "no gzip", { "content-type": "application/json", "content-encoding": "gzip" }),
  "sends a body of 5 MB": reply.large(5_000_000),
  "sets cookies and clears the site": reply.answer(200, "{}", {
    "set-cookie": ["dark=1; Path=/", "session=stolen; Path=/"],
    "clear-site-data": '"cookies", "storage"',
    "x-lane": "s3",
  }),
  "redirects elsewhere": reply.redirect("https://elsewhere.example/"),
};

describe("the original", () => {
  it.each(Object.entries(FAULTS))("fault 57: is the same where the dark lane %s", async (_, fault) => {
    world.s3.respond(fault);
    world.s1.respond(
      reply.json({ a: 1 }, 201, { "set-cookie": ["one=1", "two=2"], location: "/made", "cache-control": "public, max-age=60" }),
    );
    const request = {
      path: "/p/1?q=%20x",
      method: "POST",
      body: '{"n":1}',
      headers: { "content-type": "application/json", baggage: "k=v" },
    };
    const [off, sends, compares] = [
      await world.send("unmirrored", request),
      await world.send("sends", request),
      await world.send("compares", request),
    ];
    for (const [group, sent] of Object.entries({ sends, compares })) {
      expect(told(sent)).toEqual(told(off));
      expect(asked(sent, group)).toEqual(asked(off, "unmirrored"));
      // Waiting for a copy would take its timeout.
      expect(sent.answer.totalMs).toBeLessThan(TIMEOUT_MS);
      await sent.copy();
    }
    clientSaw("the same as without a mirror");
    expect(world.router.output()).toEqual([]);
  });

  it("fault 57: is the same where the dark lane refuses connections", async () => {
    await world.s3.down();
    try {
      const [off, sends, compares] = [await world.send("unmirrored"), await world.send("sends"), await world.send("compares")];
      expect(told(sends)).toEqual(told(off));
      expect(told(compares)).toEqual(told(off));
    } finally {
      await world.s3.up();
    }
  });

  it.each(["throws", "absent"])("fault 60: is the same where the binding of the dark lane %s", async (group) => {
    const [off, sends] = [await world.send("unmirrored"), await world.send(group)];
    expect(told(sends)).toEqual(told(off));
    await sleep(50);
    expect(world.router.output()).toEqual([]);
  });

  it("fault 67: never shows what the dark lane sets, and nobody follows its redirects", async () => {
    world.s3.respond(reply.answer(302, "", { location: `${world.s2.url}/stolen`, "set-cookie": "dark=1", "clear-site-data": '"*"' }));
    const { answer, copy } = await world.send("compares");
    await copy();
    await sleep(100);
    expect(answer.headers["set-cookie"]).toBeUndefined();
    expect(answer.headers["clear-site-data"]).toBeUndefined();
    expect(world.s2.requests).toEqual([]);
  });

  it("goes to at most two mirrors", async () => {
    const { dark, answer } = await world.send("two-of-three");
    expect(answer.text).toBe("s1");
    await until(() => dark().length === 2);
    await sleep(50);
    expect(dark().map(({ headers }) => headers.find(([name]) => name.toLowerCase() === "x-lane-mirror")?.[1])).toEqual([
      "two-of-three/a",
      "two-of-three/b",
    ]);
  });
});

const text = JSON.stringify(Array.from({ length: 400 }, (_, id) => ({ id, name: `product ${id}` })));
const ANSWERS = {
  "plain JSON": reply.json(JSON.parse(text)),
  gzip: reply.answer(200, gzipSync(text), { "content-type": "application/json", "content-encoding": "gzip" }),
  brotli: reply.answer(200, brotliCompressSync(text), { "content-type": "application/json", "content-encoding": "br" }),
  "a coding that is none": reply.answer(200, text, { "content-type": "application/json", "content-encoding": "gzip" }),
  "an unknown coding": reply.answer(200, text, { "content-type": "application/json", "content-encoding": "x-own" }),
  chunks: reply.drip(["one", "two", "three"], 30),
  "nothing: 204": reply.answer(204),
  "nothing: 304": reply.answer(304, "", { etag: '"1"' }),
  "an empty body": reply.answer(200, ""),
  "a page": reply.answer(200, "<!doctype html><p>é", { "content-type": "text/html; charset=utf-8" }),
  "5 MB": reply.large(5_000_000),
  "an error": reply.answer(500, "no"),
  "a redirect": reply.redirect("/there"),
  "less than it promised": reply.shortBody(),
};

describe("an answer that is compared", () => {
  it.each(Object.entries(ANSWERS))("is the same byte for byte: %s", async (_, answer) => {
    world.s1.respond(answer);
    world.s3.respond(answer);
    const request = { headers: { "accept-encoding": "gzip, br" } };
    const [off, compares] = [await world.send("unmirrored", request), await world.send("compares", request)];
    expect(told(compares)).toEqual(told(off));
    await compares.copy();
    await until(() => compares.live().length === 2);
    expect(compares.live()).toHaveLength(2);
  });

  it("is the same byte for byte to a HEAD", async () => {
    world.s1.respond(ANSWERS.gzip);
    const [off, compares] = [await world.send("unmirrored", { method: "HEAD" }), await world.send("compares", { method: "HEAD" })];
    expect(told(compares)).toEqual(told(off));
    expect(compares.answer.headers["content-length"]).toBe(String(gzipSync(text).length));
  });

  it("is passed on as it comes, while it is read", async () => {
    world.s1.respond(reply.drip(["first", "second"], 200));
    const headersMs: number[] = [];
    for (let round = 0; round < 3; round++) {
      const client = await connectRaw(world.router.url);
      const started = performance.now();
      await client.write("GET /x HTTP/1.1\r\nhost: compares.example\r\n\r\n");
      await client.received(1);
      headersMs.push(performance.now() - started);
      expect((await client.read()).body.toString()).toBe("firstsecond");
      client.close();
      expect(performance.now() - started).toBeGreaterThan(390);
    }
    expect(Math.min(...headersMs)).toBeLessThan(200);
  });
});

describe("a crowd of copies", () => {
  it("fault 59: is 32 at once for an isolate; the others are counted as busy, and places come back", async () => {
    crowd.s3.respond(reply.hang());
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => crowd.router.fetch("/x", { host: "crowd.example" })));
    expect(answers.filter(({ status, text }) => status === 200 && text === "s1")).toHaveLength(1_000);
    expect(await until(() => crowd.s3.requests.length === 32)).toBe(true);
    const busy = await crowd.counted("crowd", (copies) => decided(copies) === 1_000);
    expect({ sent: busy.sent, dropped: busy.dropped }).toEqual({ sent: 32, dropped: { busy: 968 } });
    expect(crowd.s3.requests).toHaveLength(32);
    clientSaw("200 from s1, a thousand times");
    // The counters took so long that the copies have given up.
    crowd.s3.reset();
    await sleep(500);
    await crowd.send("crowd");
    expect(await until(() => crowd.s3.requests.length === 1)).toBe(true);
  }, 20_000);

  it("fault 59: is 16 MiB of bodies for an isolate, those of clients who are still sending included", async () => {
    crowd.s1.respond(async (exchange) => {
      await exchange.seen.received;
      reply.answer(200, "s1")(exchange);
    });
    // Of unknown length, so that each may become as large as the mirror's cap, 1 MiB.
    const clients = await Promise.all(Array.from({ length: 40 }, () => connectRaw(crowd.router.url)));
    for (const client of clients) {
      await client.write("POST /slow HTTP/1.1\r\nhost: bodies.example\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
    }
    expect(await until(() => crowd.s1.requests.filter(({ url }) => url === "/slow").length === 40)).toBe(true);
    crowd.s3.reset();
    for (const client of clients) await client.write("0\r\n\r\n");
    for (const client of clients) {
      expect((await client.read()).status).toBe(200);
      client.close();
    }
    expect(await until(() => crowd.s3.requests.length >= 16)).toBe(true);
    await sleep(200);
    expect(crowd.s3.requests).toHaveLength(16);
    // All is given back.
    expect((await (await crowd.send("bodies", { method: "POST", body: "x" })).copy()).body.toString()).toBe("x");
  });
});

describe("a copy's answer", () => {
  it("fault 58: is read to 256 KiB and let go, or not read at all, however much comes", async () => {
    for (const group of ["sends", "compares"]) {
      world.s3.reset();
      let written = 0;
      world.s3.respond(async (exchange) => {
        exchange.res.on("close", () => {
          written = exchange.socket.bytesWritten;
        });
        await reply.flood()(exchange);
      });
      await (await world.send(group)).copy();
      expect(await until(() => written > 0)).toBe(true);
      // What lies in sockets and buffers between the two.
      expect(written).toBeLessThan(16_000_000);
    }
  });

  it("fault 58: that drips for an hour is let go before 25 s", async () => {
    await Promise.race([dripping.requests[0]!.settled, sleep(27_000)]);
    expect(dripping.requests[0]!.aborted).toBe(true);
    expect(performance.now() - askedAt).toBeLessThan(27_000);
  }, 30_000);
});
