/**
 * Contract section 6: who may be blamed, and who may probe. What a client can bring about by itself says nothing about the lane: after it
 * an ordinary request is still answered there.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { headerOf, type Responder } from "../support/origin.ts";
import { connectRaw, type RawClient, sendRaw } from "../support/raw-client.ts";
import * as reply from "../support/replies.ts";
import { clientSaw, group, sleep, startWorld, type Told, until, type World } from "./world.ts";

/** Long enough for a busy machine: a lane that is late by itself would be blamed, and rightly. */
const TIMEOUT_MS = 1_500;
const DEADLINE_MS = 3_000;
const ADMIN_TOKEN = "admin-token-admin-token-admin-token-0";

/** Each test takes groups of its own, so that nobody's failures are another's. */
const KINDS = {
  /** One failure is enough, and for good. */
  plain: {},
  /** Back after a second. */
  probed: { eject: { failures: 1, seconds: 1 } },
  puts: { methods: ["GET", "PUT"], eject: { failures: 1, seconds: 1 } },
  keyed: { idempotencyKey: true },
  hasty: { timeoutMs: 300 },
  missing: { statuses: [404, 503] },
  probed404: { statuses: [404, 503], eject: { failures: 1, seconds: 1 } },
  /** Only the retry budget can put it aside. */
  patient: { statuses: [404, 503], eject: { failures: 1_000, seconds: 600 } },
} as const;
type Kind = keyof typeof KINDS;
const EACH = { plain: 80, others: 20 };
const howMany = (kind: Kind): number => (kind === "plain" ? EACH.plain : EACH.others);

let world: World;
const taken = new Map<Kind, number>();
function take(kind: Kind): string {
  const next = (taken.get(kind) ?? 0) + 1;
  taken.set(kind, next);
  if (next > howMany(kind)) throw new Error(`only ${howMany(kind)} groups are ${kind}`);
  return `${kind}-${next}`;
}

beforeAll(async () => {
  world = await startWorld(
    (origins) => {
      const files: Record<string, unknown> = {};
      for (const [kind, more] of Object.entries(KINDS)) {
        const fallback = { timeoutMs: TIMEOUT_MS, deadlineMs: DEADLINE_MS, eject: { failures: 1, seconds: 600 }, ...more };
        for (let n = 1; n <= howMany(kind as Kind); n++) files[`${kind}-${n}`] = group(`${kind}-${n}`, origins, { fallback });
      }
      const { s1, s3 } = origins;
      const fallback = { timeoutMs: TIMEOUT_MS, eject: { failures: 1, seconds: 600 } };
      const lanes = { s1: { weight: 1, origins: { web: s1.url } }, s2: {}, s3: { origins: { web: s3.url } } };
      files.lacking = group("lacking", origins, { fallback, lanes });
      files["lacking-then-s3"] = group("lacking-then-s3", origins, { fallback, lanes, services: { web: { fallback: "s3" } } });
      files["s2-then-s3"] = group("s2-then-s3", origins, { fallback, services: { web: { fallback: "s3" } } });
      files["at-baseline"] = group("at-baseline", origins, { rules: [] });
      files.copied = group("copied", origins, { rules: [], mirrors: [{ name: "m", lane: "s3", percent: 100 }] });
      return files;
    },
    { bindings: { LANEWAY_ADMIN_TOKEN: ADMIN_TOKEN } },
  );
}, 60_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

const inLane = ({ client, asked, log }: Told): void => {
  expect(client).toMatchObject({ status: 200, text: "s2", servedBy: "s2", fallback: undefined });
  expect(asked).toEqual(["s2"]);
  expect(log).toMatchObject({ servedBy: "s2", fallback: null, status: 200 });
};
const ejected = ({ client, asked }: Told): void => {
  expect(client).toMatchObject({ status: 200, text: "s1", lane: "s2", servedBy: "s1", fallback: "ejected" });
  expect(asked).toEqual(["s1"]);
};

/** Answers once the body is there, and hangs up on who keeps it waiting, as servers do. */
const impatient =
  (ms: number): Responder =>
  async (exchange) => {
    const { seen, socket } = exchange;
    const came = await Promise.race([seen.received.then(() => true), sleep(ms).then(() => false)]);
    if (came) await reply.answer(200, exchange.origin)(exchange);
    else socket.resetAndDestroy();
  };

const head = (line: string, host: string, ...lines: string[]) =>
  [`${line} HTTP/1.1`, `Host: ${host}.example`, ...lines, "", ""].join("\r\n");

/** Whatever it gets, after a while it leaves. */
async function say(bytes: string, more: (client: RawClient) => Promise<void> = async () => {}): Promise<void> {
  const client = await connectRaw(world.router.url);
  await client.write(bytes);
  await more(client);
  const { status } = await client.read({ timeoutMs: DEADLINE_MS + 2_000 });
  clientSaw(`${status || "nothing"}, its own doing`);
  client.close();
}

const drip =
  (bytes: string, everyMs: number) =>
  async (client: RawClient): Promise<void> => {
    for (const byte of bytes) {
      await sleep(everyMs);
      await client.write(byte);
    }
  };

describe("a client whose content does not come", () => {
  it.each<[string, (host: string) => Promise<void>]>([
    ["a GET that promises ten bytes", (host) => say(head("GET /x", host, "Content-Length: 10"))],
    ["a HEAD that promises ten bytes", (host) => say(head("HEAD /x", host, "Content-Length: 10"))],
    ["a GET that drips them", (host) => say(head("GET /x", host, "Content-Length: 10"), drip("123456789", 100))],
    ["a GET that brings one, and leaves", (host) => say(head("GET /x", host, "Content-Length: 10"), async (client) => client.reset())],
    ["a GET in chunks that never come", (host) => say(head("GET /x", host, "Transfer-Encoding: chunked"))],
    ["a POST in chunks that stall", (host) => say(`${head("POST /x", host, "Transfer-Encoding: chunked")}3\r\nabc\r\n`)],
    ["a POST that stalls", (host) => say(`${head("POST /x", host, "Content-Length: 10")}abc`)],
    ["a POST that sends nothing at all", (host) => say(head("POST /x", host, "Content-Length: 10"))],
    ["a POST that expects 100 and stalls", (host) => say(head("POST /x", host, "Content-Length: 10", "Expect: 100-continue"))],
    ["a POST that drips", (host) => say(head("POST /x", host, "Content-Length: 50"), drip("x".repeat(20), 100))],
    ["a POST whose chunk is none", (host) => say(`${head("POST /x", host, "Transfer-Encoding: chunked")}3\r\nabc\r\nzz\r\n`)],
    ["a POST that ends short", (host) => say(`${head("POST /x", host, "Content-Length: 10")}abc`, async (client) => client.close())],
    ["a PUT in chunks that stall", (host) => say(`${head("PUT /x", host, "Transfer-Encoding: chunked")}3\r\nabc\r\n`)],
  ])(
    "fault A3: %s, five times: nobody else notices",
    async (_, attack) => {
      const host = take("plain");
      world.s2.respond(impatient(1_000));
      await Promise.all([1, 2, 3, 4, 5].map(() => attack(host)));
      world.s2.reset();
      inLane(await world.ask(host));
    },
    20_000,
  );

  it("but whole uploads that the lane breaks off count, read or unread, and refused connections", async () => {
    const whole = { method: "POST", body: Buffer.alloc(2_000_000) };
    for (const responder of [reply.resetBeforeHeaders(), reply.after(100, reply.resetBeforeHeaders()), reply.answer(503)]) {
      const host = take("plain");
      world.s2.respondOnce(responder);
      expect((await world.ask(host, whole)).client.status).toBeGreaterThanOrEqual(502);
      ejected(await world.ask(host));
    }
    const host = take("plain");
    await world.s2.down();
    expect((await world.ask(host, whole)).client).toMatchObject({ status: 502 });
    await world.s2.up();
    ejected(await world.ask(host));
  });
});

describe("content in chunks that a GET or HEAD brings, whole", () => {
  const chunks = [
    ["GET", "0\r\n\r\n", ""],
    ["GET", "3\r\nabc\r\n0\r\n\r\n", "abc"],
    ["HEAD", "0\r\n\r\n", ""],
    ["HEAD", "3\r\nabc\r\n0\r\n\r\n", "abc"],
  ] as const;
  const send = async (method: string, host: string, content: string) => {
    const client = await connectRaw(world.router.url);
    await client.write(`${head(`${method} /x`, host, "Transfer-Encoding: chunked")}${content}`);
    const answer = await client.read({ head: method === "HEAD", timeoutMs: DEADLINE_MS + 2_000 });
    clientSaw(String(answer.status));
    client.close();
    return [answer.status, answer.header("x-lane-served-by"), answer.header("x-lane-fallback")];
  };

  it.each(chunks)("fault A3: %s %j reaches the lane, and the baseline, and is answered", async (method, content, body) => {
    for (const [host, origin] of [[take("plain"), "s2"] as const, ["at-baseline", "s1"] as const, ["copied", "s1"] as const]) {
      const before = world[origin].requests.length;
      expect(await send(method, host, content)).toEqual([200, origin, undefined]);
      const [seen] = world[origin].requests.slice(before);
      expect(seen?.method).toBe(method);
      await seen?.received;
      expect(["", body]).toContain(seen?.body.toString());
    }
  });

  it.each(chunks)("fault A3: %s %j, failing at the lane, five times: nobody is blamed", async (method, content) => {
    const host = take("plain");
    world.s2.respond(reply.resetBeforeHeaders());
    for (let time = 1; time <= 5; time++) expect((await send(method, host, content))[0]).toBe(502);
    world.s2.reset();
    inLane(await world.ask(host));
  });
});

const WEBSOCKET = ["Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"];
const upgrade = (host: string) => say(head("GET /x", host, "Upgrade: websocket", ...WEBSOCKET));

describe("an upgrade that the service does not want", () => {
  it.each<[string, Responder]>([
    ["by hanging up", reply.resetBeforeHeaders()],
    ["by a clean end without a word", reply.raw("")],
    ["by 503", reply.answer(503)],
    ["by rubbish", reply.rubbish()],
  ])("fault A4: %s, five times: ordinary requests stay in the lane", async (_, refusal) => {
    const host = take("plain");
    world.s2.respond(refusal);
    for (let time = 1; time <= 5; time++) await upgrade(host);
    world.s2.reset();
    inLane(await world.ask(host));
  });

  it("fault A4: whatever its letter case and its method", async () => {
    const host = take("plain");
    world.s2.respond(reply.resetBeforeHeaders());
    await say(head("GET /x", host, "upgrade: WebSocket", ...WEBSOCKET));
    await say(head("HEAD /x", host, "Upgrade: websocket", ...WEBSOCKET));
    await say(head("POST /x", host, "Upgrade: websocket", ...WEBSOCKET, "Content-Length: 0"));
    world.s2.reset();
    inLane(await world.ask(host));
  });

  it("fault A4: an upgrade to what we do not pass on is an ordinary request, and counts", async () => {
    const host = take("plain");
    world.s2.respondOnce(reply.resetBeforeHeaders());
    const answer = await sendRaw(world.router.url, head("GET /x", host, "Upgrade: h2c", "Connection: Upgrade"));
    expect(answer.header("x-lane-fallback")).toBe("connect");
    ejected(await world.ask(host));
  });
});

/** The lane of a group of this kind has failed, and its time is up: whoever comes next may probe. Nobody is waited for. */
async function due(kind: Kind): Promise<string> {
  const host = take(kind);
  world.s2.respondOnce(reply.answer(503));
  expect((await world.ask(host)).client.fallback).toBe("status:503");
  ejected(await world.ask(host));
  await sleep(1_100);
  world.s2.reset();
  return host;
}

describe("a probe", () => {
  const leavers: [string, (host: string) => string, "reset" | "close", Kind?][] = [
    ["by a reset", (host) => head("GET /x", host), "reset"],
    ["as a HEAD", (host) => head("HEAD /x", host), "reset"],
    ["after its upload", (host) => `${head("PUT /x", host, "Content-Length: 3")}abc`, "reset", "puts"],
    ["in its upload", (host) => `${head("PUT /x", host, "Content-Length: 10")}abc`, "reset", "puts"],
    ["in a chunked upload, by a close", (host) => `${head("PUT /x", host, "Transfer-Encoding: chunked")}3\r\nabc\r\n`, "close", "puts"],
  ];
  it.each(leavers)("fault A5: whose client leaves %s makes room for the next at once", async (_, bytes, leave, kind = "probed") => {
    const host = await due(kind);
    world.s2.respond(reply.hang());
    const client = await connectRaw(world.router.url);
    await client.write(bytes(host));
    await sleep(100);
    client[leave]();
    clientSaw("nothing: it left");
    await sleep(100);
    world.s2.reset();
    // Its lease is not over.
    inLane(await world.ask(host));
  });

  it("fault A5: that is kept waiting by its client holds nobody's place", async () => {
    const host = await due("puts");
    const client = await connectRaw(world.router.url);
    await client.write(`${head("PUT /x", host, "Content-Length: 10")}abc`);
    await sleep(100);
    inLane(await world.ask(host));
    client.close();
  });

  it("fault A5: is one at a time, an upload, too, once it is there", async () => {
    const host = await due("puts");
    world.s2.respond(reply.hang());
    const put = { method: "PUT", body: "order" };
    const probe = world.ask(host, put);
    await sleep(300);
    ejected(await world.ask(host, put));
    expect((await probe).client).toMatchObject({ servedBy: "s1", fallback: "timeout" });
  });

  it("fault A5: may be an upload, short or long: what gets nothing else comes back", async () => {
    for (const body of ["order", Buffer.alloc(200_000)]) {
      const host = await due("puts");
      inLane(await world.ask(host, { method: "PUT", body }));
      inLane(await world.ask(host));
    }
  });

  it.each<[string, (host: string) => Promise<unknown>]>([
    ["a GET that keeps its content back", (host) => say(head("GET /x", host, "Content-Length: 10"))],
    ["an OPTIONS that keeps its content back", (host) => say(head("OPTIONS /x", host, "Content-Length: 10"))],
    ["an OPTIONS in chunks that never come", (host) => say(head("OPTIONS /x", host, "Transfer-Encoding: chunked"))],
    ["an OPTIONS of more than is kept", (host) => say(head("OPTIONS /x", host, "Content-Length: 100000"))],
    ["an upgrade", upgrade],
    ["a write", (host) => world.ask(host, { method: "POST", body: "order" })],
    ["a range of the lane's version", (host) => world.ask(host, { headers: { range: "bytes=1-" } })],
  ])(
    "faults A3, A4: is never %s",
    async (_, other) => {
      const host = await due("probed");
      world.s2.respond(reply.hang());
      const waiting = other(host);
      await sleep(100);
      world.s2.reset();
      inLane(await world.ask(host));
      await waiting;
    },
    20_000,
  );

  it("fault B7: ends the ejection with any answer below 500, though it falls back", async () => {
    const host = take("probed404");
    world.s2.respondOnce(reply.answer(503));
    await world.ask(host);
    await sleep(1_100);
    world.s2.respondOnce(reply.answer(404));
    expect((await world.ask(host)).client).toMatchObject({ status: 200, text: "s1", fallback: "status:404" });
    inLane(await world.ask(host));
  });
});

describe("five clients that leave", () => {
  it.each([
    ["waiting", (host: string) => head("GET /x", host)],
    ["in a download", (host: string) => head("GET /x", host)],
    ["in an upload", (host: string) => `${head("POST /x", host, "Content-Length: 10")}abc`],
  ])("faults A3, A5: %s: nobody is blamed", async (where, bytes) => {
    const host = take("plain");
    world.s2.respond(where === "in a download" ? reply.drip([..."abcdefghij"], 50) : reply.hang());
    const clients = await Promise.all([1, 2, 3, 4, 5].map(() => connectRaw(world.router.url)));
    for (const client of clients) await client.write(bytes(host));
    await until(() => world.s2.requests.length === 5);
    await sleep(50);
    for (const client of clients) client.reset();
    clientSaw("nothing: it left");
    await sleep(TIMEOUT_MS + 200);
    world.s2.reset();
    inLane(await world.ask(host));
  });
});

describe("a part of a file", () => {
  const part: Responder = (exchange) => {
    const range = headerOf(exchange.seen.headers, "range");
    if (range === undefined) return reply.answer(200, `whole of ${exchange.origin}`)(exchange);
    return reply.answer(206, `part of ${exchange.origin}`, { "content-range": "bytes 50-59/60" })(exchange);
  };
  const headers = { range: "bytes=50-" };

  it.each<[string, Responder, number]>([
    ["says 503", reply.answer(503, "not now"), 503],
    ["resets the connection", reply.resetBeforeHeaders(), 502],
    ["does not answer", reply.hang(), 504],
  ])("fault B6: is of no other version when its lane %s", async (_, fault, status) => {
    const host = take("plain");
    world.s1.respond(part);
    world.s2.respondOnce(fault);
    const { client, asked } = await world.ask(host, { headers });
    expect([client.status, client.servedBy, client.fallback, asked]).toEqual([status, "s2", undefined, ["s2"]]);
    // The lane failed, and is put aside for the others; a part is still asked of it.
    expect((await world.ask(host)).client).toMatchObject({ text: "whole of s1", fallback: "ejected" });
    world.s2.respond(part);
    const again = await world.ask(host, { headers });
    expect([again.client.status, again.client.text, again.client.fallback]).toEqual([206, "part of s2", undefined]);
  });

  it("fault B6: is of any version where the client says which it has, so that another is sent whole", async () => {
    world.s2.respondOnce(reply.answer(503));
    const { client, seen } = await world.ask(take("plain"), { headers: { ...headers, "if-range": '"v2"' } });
    expect(client).toMatchObject({ status: 200, text: "s1", fallback: "status:503" });
    expect(headerOf(seen[1]!.headers, "if-range")).toBe('"v2"');
  });

  it.each([
    ["an empty If-Range is none", { ...headers, "if-range": "" }],
    ["nor is one that ends here", { ...headers, "if-range": '"v2"', connection: "if-range" }],
    ["units other than bytes are parts, too", { range: "pages=2-3" }],
  ])("fault B6: %s", async (_, sent) => {
    world.s2.respondOnce(reply.answer(503));
    const { client, asked } = await world.ask(take("plain"), { headers: sent });
    expect([client.status, client.fallback, asked]).toEqual([503, undefined, ["s2"]]);
  });

  it.each<[string, { method?: string; headers: Record<string, string> }]>([
    ["an empty Range", { headers: { range: "" } }],
    ["a Range that ends here", { headers: { ...headers, connection: "range" } }],
    ["a HEAD", { method: "HEAD", headers }],
  ])("fault B6: %s asks for none", async (_, request) => {
    world.s2.respondOnce(reply.answer(503));
    const { client, asked } = await world.ask(take("plain"), request);
    expect([client.status, client.fallback, asked]).toEqual([200, "status:503", ["s2", "s1"]]);
  });

  it("fault B6: comes from the baseline where nobody else has the service", async () => {
    world.s1.respond(part);
    const { client, asked } = await world.ask("lacking", { headers });
    expect([client.status, client.text, client.fallback, asked]).toEqual([206, "part of s1", "missing-service", ["s1"]]);
  });

  it("fault B6: comes from the service's fallback lane or from nobody, where that has it", async () => {
    world.s3.respond(part);
    const { client } = await world.ask("lacking-then-s3", { headers });
    expect([client.status, client.text, client.fallback]).toEqual([206, "part of s3", "missing-service"]);
    world.s3.respondOnce(reply.answer(503));
    const failing = await world.ask("lacking-then-s3", { headers });
    expect([failing.client.status, failing.asked]).toEqual([503, ["s3"]]);
    world.s2.respondOnce(reply.answer(503));
    await world.ask("s2-then-s3");
    world.s2.respond(part);
    const ejectedLane = await world.ask("s2-then-s3", { headers });
    expect([ejectedLane.client.text, ejectedLane.client.fallback, ejectedLane.asked]).toEqual(["part of s2", undefined, ["s2"]]);
  });
});

describe("a status below 500 that sends a request to the baseline", () => {
  const missing: Responder = (exchange) =>
    exchange.seen.url.startsWith("/gone")
      ? reply.answer(404, `gone from ${exchange.origin}`)(exchange)
      : reply.answer(200, exchange.origin)(exchange);

  it("fault B7: sends that page alone, and the lane keeps the others", async () => {
    const host = take("missing");
    world.s2.respond(missing);
    for (let page = 1; page <= 6; page++) {
      const { client, asked } = await world.ask(host, { path: `/gone/${page}` });
      expect(client).toMatchObject({ status: 200, text: "s1", servedBy: "s1", fallback: "status:404" });
      expect(asked).toEqual(["s2", "s1"]);
    }
    inLane(await world.ask(host));
  });

  it("fault B7: even where the baseline says 404, too", async () => {
    const host = take("missing");
    world.s1.respond(missing);
    world.s2.respond(missing);
    for (let page = 1; page <= 6; page++) {
      const { client } = await world.ask(host, { path: `/gone/${page}` });
      expect(client).toMatchObject({ status: 404, text: "gone from s1", servedBy: "s1", fallback: "status:404" });
    }
    inLane(await world.ask(host));
  });

  it("fault B7: spends nothing of the retry budget", async () => {
    const host = take("patient");
    world.s2.respond(missing);
    for (let page = 1; page <= 60; page++) expect((await world.ask(host, { path: "/gone" })).client.fallback).toBe("status:404");
    inLane(await world.ask(host));
  });

  it("fault B7: neither hides nor mends what does count: 503 in between", async () => {
    const host = take("missing");
    world.s2.respond(missing);
    await world.ask(host, { path: "/gone" });
    world.s2.respondOnce(reply.answer(503));
    expect((await world.ask(host)).client.fallback).toBe("status:503");
    ejected(await world.ask(host));
  });

  it("fault B7: counts as a fallback, and not as an error of the lane", async () => {
    const host = take("missing");
    world.s2.respond(missing);
    await world.ask(host, { path: "/gone" });
    inLane(await world.ask(host));
    // Of this group alone: the metrics ask every group's object.
    const told = async () => {
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
      const { text } = await world.router.fetch(`/__lanes/api/groups/${host}/stats`, { headers });
      return (JSON.parse(text).rows as { lane: string; requests: number }[]).find(({ lane }) => lane === "s2");
    };
    for (let left = 60; left > 0 && (await told())?.requests !== 2; left--) await sleep(200);
    expect(await told()).toMatchObject({ requests: 2, fallbacks: { "status:404": 1 }, errors: 0 });
  }, 20_000);
});

describe("what the baseline does, too", () => {
  const DOWN = "/down";
  const down =
    (how: Responder): Responder =>
    (exchange) =>
      exchange.seen.url === DOWN ? how(exchange) : reply.answer(200, exchange.origin)(exchange);

  it.each<[string, Kind, Responder, Responder]>([
    ["says 503", "plain", reply.answer(503), reply.answer(503)],
    ["hangs up", "plain", reply.resetBeforeHeaders(), reply.resetBeforeHeaders()],
    ["says 500 where the lane hangs up", "plain", reply.resetBeforeHeaders(), reply.answer(500)],
    ["does not answer", "plain", reply.hang(), reply.hang()],
    ["is as slow, and answers", "hasty", reply.after(700, reply.answer(200)), reply.after(700, reply.answer(200))],
  ])(
    "fault A3: with one page, which %s, five times: the lane keeps the others",
    async (_, kind, lane, baseline) => {
      const host = take(kind);
      world.s2.respond(down(lane));
      world.s1.respond(down(baseline));
      const told = await Promise.all([1, 2, 3, 4, 5].map(() => world.ask(host, { path: DOWN })));
      for (const { asked, client } of told) expect([asked, client.servedBy]).toEqual([["s2", "s1"], "s1"]);
      inLane(await world.ask(host));
    },
    20_000,
  );

  it("fault A3: spends nothing of the retry budget", async () => {
    const host = take("patient");
    for (const origin of [world.s1, world.s2]) origin.respond(down(reply.answer(503)));
    for (let time = 1; time <= 30; time++) expect((await world.ask(host, { path: DOWN })).client.fallback).toBe("status:503");
    inLane(await world.ask(host));
  });

  it("fault A3: neither hides nor mends what the lane does alone", async () => {
    const host = take("plain");
    world.s1.respond(down(reply.answer(503)));
    world.s2.respond(reply.answer(503));
    await world.ask(host, { path: DOWN });
    expect((await world.ask(host)).client.fallback).toBe("status:503");
    ejected(await world.ask(host));
  });

  it("fault A3: leaves an ejected lane to be probed by the next", async () => {
    const host = await due("probed");
    for (const origin of [world.s1, world.s2]) origin.respond(down(reply.answer(503)));
    expect((await world.ask(host, { path: DOWN })).asked).toEqual(["s2", "s1"]);
    inLane(await world.ask(host));
  });
});

describe("a method that the client thought of", () => {
  it.each([
    ["501", reply.answer(501)],
    ["no word", reply.resetBeforeHeaders()],
  ])("fault A3: answered by %s, five times, tells nothing of the lane", async (_, refusal) => {
    const host = take("plain");
    world.s2.respond(refusal);
    for (const method of ["PROPFIND", "REPORT", "LOCK", "MKCOL", "PURGE"]) await world.ask(host, { method });
    world.s2.reset();
    inLane(await world.ask(host));
  });
});

describe("the figures", () => {
  /** Of the lane, once so many requests have arrived there. */
  const errorsOf = async (host: string, requests: number) => {
    for (const end = Date.now() + 20_000; Date.now() < end; await sleep(300)) {
      await world.ask("at-baseline");
      const { text } = await world.router.fetch(`/__lanes/api/groups/${host}/stats`, {
        headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
      });
      const row = JSON.parse(text).rows.find(({ lane }: { lane: string }) => lane === "s2");
      if (row?.requests === requests) return row.errors as number;
    }
    throw new Error(`${host} never had ${requests} requests`);
  };

  it("fault A3: know of no errors that clients alone brought about", async () => {
    const host = take("plain");
    world.s2.respond(impatient(300));
    await say(head("GET /x", host, "Content-Length: 10"));
    await say(head("POST /x", host, "Content-Length: 10"));
    await say(head("POST /x", host, "Transfer-Encoding: chunked"));
    world.s2.respond(reply.resetBeforeHeaders());
    await upgrade(host);
    world.s2.respond(reply.answer(501));
    await world.ask(host, { method: "PROPFIND" });
    expect(await errorsOf(host, 5)).toBe(0);
    world.s2.respond(reply.answer(500));
    expect((await world.ask(host)).client.status).toBe(500);
    expect(await errorsOf(host, 6)).toBe(1);
  }, 60_000);

  it("fault A18: know of requests whose clients left before the answer", async () => {
    const host = take("plain");
    world.s2.respond(reply.hang());
    for (let time = 1; time <= 5; time++) {
      const client = await connectRaw(world.router.url);
      await client.write(head("GET /x", host));
      await until(() => world.s2.requests.length === time);
      client.reset();
    }
    expect(await errorsOf(host, 5)).toBe(0);
  }, 30_000);
});

describe("explain", () => {
  const explain = async (host: string, described: object = {}) => {
    const body = JSON.stringify({ url: `http://${host}.example/x`, ...described });
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
    const { text } = await world.router.fetch("/__lanes/api/explain", { method: "POST", headers, body });
    return JSON.parse(text).fallback;
  };
  const onFailure = { lane: "s1", origin: expect.stringContaining("/x"), afterMs: TIMEOUT_MS };

  it.each<[string, object, string | null]>([
    ["a GET", {}, null],
    ["a range that says of which version", { headers: { range: "bytes=1-", "if-range": '"v2"' } }, null],
    ["an upgrade", { headers: { upgrade: "websocket" } }, null],
    ["a range", { headers: { range: "bytes=1-" } }, "a range without If-Range is of this version"],
    ["a GET with content", { headers: { "content-length": "10" } }, "the content of a GET goes to one origin"],
    ["a POST", { method: "POST" }, "POST may not be repeated"],
    ["a POST with an empty key", { method: "POST", headers: { "idempotency-key": '""' } }, "POST may not be repeated"],
  ])("faults A3, B6: says who is asked after the lane of %s, or why nobody is", async (_, described, whyOnce) => {
    const told = await explain(take("keyed"), described);
    expect(told).toEqual({ reason: null, onFailure: whyOnce === null ? onFailure : null, whyOnce });
  });

  it("fault B6: shows a range in its lane, though that is ejected", async () => {
    const host = take("plain");
    world.s2.respondOnce(reply.answer(503));
    await world.ask(host);
    expect(await explain(host)).toEqual({ reason: "ejected", onFailure: null, whyOnce: "it is the baseline" });
    expect((await explain(host, { headers: { range: "bytes=1-" } })).reason).toBeNull();
  });
});

describe("an Idempotency-Key", () => {
  it.each(["", " ", '""', ", ", '"", ""'])("fault 50: that is empty is none: %j", async (key) => {
    world.s2.respondOnce(reply.resetBeforeHeaders());
    const { client, asked } = await world.ask(take("keyed"), { method: "POST", body: "order", headers: { "idempotency-key": key } });
    expect([client.status, asked]).toEqual([502, ["s2"]]);
  });

  it.each(['"k1"', "k1", "0"])("fault 50: of any other text is one: %s", async (key) => {
    world.s2.respondOnce(reply.resetBeforeHeaders());
    const { client, asked } = await world.ask(take("keyed"), { method: "POST", body: "order", headers: { "idempotency-key": key } });
    expect([client.status, client.fallback, asked]).toEqual([200, "connect", ["s2", "s1"]]);
  });
});

describe("a request that asks to be taken for one of another method", () => {
  const REFUSALS: readonly [string, Responder][] = [
    ["answers 503", reply.answer(503)],
    ["hangs up", reply.resetBeforeHeaders()],
  ];
  const DISGUISES: readonly [string, { path?: string; headers?: Record<string, string> }][] = [
    ["by a header", { headers: { "x-http-method-override": "DELETE" } }],
    ["by a header that origins fold", { headers: { X_Method_Override: "post" } }],
    ["by its query", { path: "/x?_method=PATCH" }],
  ];
  it.each(REFUSALS.flatMap(([how, responder]) => DISGUISES.map(([where, request]) => [where, how, request, responder] as const)))(
    "fault A11: is sent once, %s, though its lane %s",
    async (_, __, request, responder) => {
      world.s2.respond(responder);
      const { asked, client } = await world.ask(take("plain"), request);
      expect(asked).toEqual(["s2"]);
      expect(client.status).toBeGreaterThanOrEqual(500);
    },
  );

  it("fault A11: is sent again where the method that it asks for only reads", async () => {
    world.s2.respond(reply.answer(503));
    const { asked, client } = await world.ask(take("plain"), { headers: { "x-http-method-override": "GET" } });
    expect([client.status, asked]).toEqual([200, ["s2", "s1"]]);
  });
});
