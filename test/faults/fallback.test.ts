/** The table of contract section 6, row by row. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { headerOf, type Responder, type Seen } from "../support/origin.ts";
import * as reply from "../support/replies.ts";
import { clientSaw, group, newTraceId, refuse, sleep, startWorld, traceparent, type World } from "./world.ts";

const TIMEOUT_MS = 500;
const DEADLINE_MS = 1_200;
/** Far more than the tests of a group make: ejection has its own file. */
const eject = { failures: 1_000, seconds: 1 };
const ADMIN_TOKEN = "admin-token-admin-token-admin-token-0";
const quick = { timeoutMs: TIMEOUT_MS, deadlineMs: DEADLINE_MS, eject };

let world: World;

beforeAll(async () => {
  world = await startWorld(
    (origins) => {
      const of = (name: string, more = {}) => group(name, origins, more);
      const { s1, s2, s3 } = origins;
      const lanes = (s2web?: unknown, s3web: unknown = s3.url) => ({
        s1: { weight: 1, origins: { web: s1.url } },
        s2: { origins: s2web === undefined ? {} : { web: s2web } },
        s3: { origins: { web: s3web } },
      });
      const files = [
        of("plain", { fallback: { eject } }),
        of("faulty", { fallback: { eject } }),
        of("statuses", { fallback: { eject } }),
        of("chosen", { fallback: { statuses: [500, "510-511"], eject } }),
        of("quick", { fallback: quick }),
        of("writes", { fallback: quick }),
        of("service-time", { services: { web: { timeoutMs: 200 } }, fallback: { timeoutMs: 60_000, deadlineMs: 60_000, eject } }),
        of("keyed", { fallback: { idempotencyKey: true, eject } }),
        of("methods", { fallback: { methods: ["PUT"], maxBodyBytes: 1_000, eject } }),
        of("no-body", { fallback: { methods: ["GET", "PUT"], maxBodyBytes: 0, eject } }),
        of("missing", { lanes: lanes() }),
        of("missing-then-s3", { services: { web: { fallback: "s3" } }, lanes: lanes(), fallback: { eject } }),
        of("missing-then-expired", {
          services: { web: { fallback: "s3" } },
          lanes: { ...lanes(), s3: { expiresAt: "2020-01-01T00:00:00Z", origins: { web: s3.url } } },
        }),
        of("failing-with-s3", { services: { web: { fallback: "s3" } }, fallback: { eject } }),
        of("counted", { fallback: { methods: ["GET", "PUT"], maxBodyBytes: 10, timeoutMs: 300, eject: { failures: 4, seconds: 600 } } }),
        of("strict", { mode: "strict", fallback: { ...quick, eject: { failures: 1, seconds: 600 } } }),
        of("strict-missing", { mode: "strict", services: { web: { fallback: "s3" } }, lanes: lanes() }),
        of("strict-expired", {
          mode: "strict",
          lanes: { ...lanes(), s2: { expiresAt: "2020-01-01T00:00:00Z", origins: { web: s2.url } } },
        }),
        of("baseline-only", { rules: [], fallback: { timeoutMs: 100, deadlineMs: 200 } }),
        of("absent-binding", { lanes: lanes({ binding: "ABSENT" }) }),
        of("throwing-binding", { lanes: lanes({ binding: "THROWS" }), fallback: { eject } }),
        of("answering-binding", { lanes: lanes({ binding: "ANSWERS" }), fallback: { eject } }),
        of("hanging-binding", { lanes: lanes({ binding: "HANGS" }), fallback: quick }),
        {
          ...of("chain", { fallback: { timeoutMs: 4_000, eject: { failures: 1, seconds: 600 } } }),
          services: {
            a: {},
            b: { hosts: ["b.chain.example"], entry: false },
            c: { hosts: ["c.chain.example"], entry: false },
          },
          lanes: {
            s1: { weight: 1, origins: { a: s1.url, b: s1.url, c: s1.url } },
            s2: { origins: { a: `${s2.url}/a`, b: `${s2.url}/b`, c: `${s2.url}/c` } },
          },
        },
      ];
      return Object.fromEntries(files.map((file) => [file.name, file]));
    },
    {
      bindings: { LANEWAY_ADMIN_TOKEN: ADMIN_TOKEN },
      workers: {
        THROWS: `export default { fetch() { throw new Error("lane bug"); } }`,
        ANSWERS: `export default { fetch(request) { return new Response("from the binding", { status: Number(new URL(request.url).pathname.slice(1)) }); } }`,
        HANGS: "export default { fetch: () => new Promise((done) => setTimeout(done, 60000)) }",
      },
    },
  );
  await failInEveryWay();
}, 30_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

/** For the counters, which leave the isolate some seconds later. */
async function failInEveryWay(): Promise<void> {
  for (const fault of [reply.hang(), reply.answer(503), reply.resetBeforeHeaders()]) {
    world.s2.respond(fault);
    await world.ask("counted");
  }
  world.s2.respond(reply.answer(503));
  await world.ask("counted", { method: "PUT", body: "longer than the cap" });
  await world.ask("counted");
}

const DEAD = {
  "resets the connection before its headers": reply.resetBeforeHeaders(),
  "resets the connection in its headers": reply.resetInHeaders(),
  "speaks no HTTP": reply.rubbish(),
  "answers with a status that is none": reply.oddStatus(999),
  "closes without a word": reply.raw(""),
  "gives two lengths": reply.raw("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
};

describe("a lane that cannot be reached", () => {
  it("fault 46: refuses the connection, and the baseline answers what may be repeated", async () => {
    await refuse(world.s2);
    for (const method of ["GET", "HEAD", "OPTIONS"]) {
      const { client, asked, log } = await world.ask("plain", { method });
      expect(client).toEqual({ status: 200, text: method === "HEAD" ? "" : "s1", lane: "s2", servedBy: "s1", fallback: "connect" });
      expect(asked).toEqual(["s1"]);
      expect(log).toMatchObject({ method, lane: "s2", servedBy: "s1", fallback: "connect", status: 200 });
    }
  });

  it.each(Object.entries(DEAD))("fault 46: %s, and the baseline answers", async (_, fault) => {
    world.s2.respond(fault);
    const { client, asked, log } = await world.ask("faulty");
    expect(client).toEqual({ status: 200, text: "s1", lane: "s2", servedBy: "s1", fallback: "connect" });
    expect(asked).toEqual(["s2", "s1"]);
    expect(log).toMatchObject({ servedBy: "s1", fallback: "connect", status: 200 });
  });

  it("stays the decided lane in all that the baseline is told", async () => {
    world.s2.respond(reply.resetBeforeHeaders());
    const { seen } = await world.ask("plain", { path: "/p?q=1", headers: { baggage: "k=v" } });
    const [lane, baseline] = seen;
    expect(headerOf(baseline!.headers, "x-lane")).toBe("s2");
    expect(headerOf(baseline!.headers, "baggage")).toMatch(/^laneway\.plain=1~plain~s2~1~.*,k=v$/);
    expect(baseline!.url).toBe("/p?q=1");
    const without = (headers: Seen["headers"]) => headers.filter(([name]) => name.toLowerCase() !== "host");
    expect(without(baseline!.headers)).toEqual(without(lane!.headers));
  });
});

describe("a lane that does not answer in time", () => {
  it("fault 47: is given up after timeoutMs, its fetch aborted, and the baseline answers within the deadline", async () => {
    world.s2.respond(reply.hang());
    const { client, answer, asked, seen, log } = await world.ask("quick");
    expect(client).toEqual({ status: 200, text: "s1", lane: "s2", servedBy: "s1", fallback: "timeout" });
    expect(asked).toEqual(["s2", "s1"]);
    await seen[0]!.settled;
    expect(seen[0]!.aborted).toBe(true);
    expect(answer.headersMs).toBeGreaterThanOrEqual(TIMEOUT_MS - 20);
    expect(answer.headersMs).toBeLessThan(DEADLINE_MS);
    expect(log).toMatchObject({ servedBy: "s1", fallback: "timeout", status: 200 });
  });

  it("fault 47: leaves the baseline no more than the rest of the deadline", async () => {
    world.s2.respond(reply.hang());
    world.s1.respond(reply.hang());
    const { client, answer, asked, seen, log } = await world.ask("quick");
    expect(client).toMatchObject({ status: 504, servedBy: "s1", fallback: "timeout" });
    expect(JSON.parse(client.text)).toMatchObject({ type: "urn:laneway:timeout", status: 504 });
    expect(asked).toEqual(["s2", "s1"]);
    await Promise.all(seen.map(({ settled }) => settled));
    expect(seen.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(answer.headersMs).toBeGreaterThanOrEqual(DEADLINE_MS - 20);
    expect(answer.headersMs).toBeLessThan(TIMEOUT_MS + DEADLINE_MS - 50);
    expect(log).toMatchObject({ servedBy: "s1", fallback: "timeout", status: 504 });
  });

  it("fault 47: has the time that its service says", async () => {
    world.s2.respond(reply.hang());
    const { client, answer, log } = await world.ask("service-time");
    expect(client).toMatchObject({ status: 200, servedBy: "s1", fallback: "timeout" });
    expect(answer.headersMs).toBeLessThan(5_000);
    expect(log).toMatchObject({ fallback: "timeout" });
  });

  it("has until the deadline where its request may not be repeated", async () => {
    world.s2.respondOnce(reply.after(TIMEOUT_MS + 200, reply.answer(201, "made")));
    const slow = await world.ask("writes", { method: "POST", body: "order" });
    expect(slow.client).toEqual({ status: 201, text: "made", lane: "s2", servedBy: "s2", fallback: undefined });
    expect(slow.asked).toEqual(["s2"]);

    world.s2.respond(reply.hang());
    const never = await world.ask("writes", { method: "POST", body: "order" });
    expect(never.client).toMatchObject({ status: 504, servedBy: "s2", fallback: undefined });
    expect(never.asked).toEqual(["s2"]);
    expect(never.answer.headersMs).toBeGreaterThanOrEqual(DEADLINE_MS - 20);
    expect(never.log).toMatchObject({ servedBy: "s2", fallback: null, status: 504 });
  });

  it("has all the time it wants if it is the baseline", async () => {
    world.s1.respond(reply.after(400, reply.answer(200, "late")));
    const { client, asked, log } = await world.ask("baseline-only");
    expect(client).toMatchObject({ status: 200, text: "late", lane: "s1", servedBy: "s1", fallback: undefined });
    expect(asked).toEqual(["s1"]);
    expect(log).toMatchObject({ lane: "s1", fallback: null });
  });
});

describe("a lane that answers with an error", () => {
  it("fault 49: 502, 503, 504, and 520 to 530, send the request to the baseline", async () => {
    for (const status of [502, 503, 504, ...Array.from({ length: 11 }, (_, n) => 520 + n)]) {
      world.s2.respond(reply.answer(status, "of the lane"));
      const { client, asked, log } = await world.ask("statuses");
      expect(client).toEqual({ status: 200, text: "s1", lane: "s2", servedBy: "s1", fallback: `status:${status}` });
      expect(asked).toEqual(["s2", "s1"]);
      expect(log).toMatchObject({ servedBy: "s1", fallback: `status:${status}`, status: 200 });
    }
  });

  it("fault 49: any other is the lane's own answer", async () => {
    for (const status of [400, 401, 404, 429, 500, 501, 505, 519, 531, 599]) {
      world.s2.respond(reply.answer(status, "of the lane"));
      const { client, asked, log } = await world.ask("statuses");
      expect(client).toEqual({ status, text: "of the lane", lane: "s2", servedBy: "s2", fallback: undefined });
      expect(asked).toEqual(["s2"]);
      expect(log).toMatchObject({ servedBy: "s2", fallback: null, status });
    }
  });

  it("fault 49: only the statuses that the group lists count", async () => {
    for (const [status, servedBy] of [
      [500, "s1"],
      [510, "s1"],
      [511, "s1"],
      [503, "s2"],
      [512, "s2"],
    ] as const) {
      world.s2.respond(reply.answer(status));
      const { client, log } = await world.ask("chosen");
      expect(client).toMatchObject({ status: servedBy === "s1" ? 200 : status, servedBy });
      expect(log).toMatchObject({ servedBy, fallback: servedBy === "s1" ? `status:${status}` : null });
    }
  });
});

describe("a request that may not be repeated", () => {
  const faults = { ...DEAD, "answers 503": reply.answer(503, "of the lane") };

  it.each(Object.entries(faults))("fault 50: a POST is sent once, though the lane %s", async (name, fault) => {
    world.s2.respond(fault);
    const { client, asked, seen, log } = await world.ask("writes", { method: "POST", body: "order" });
    expect(asked).toEqual(["s2"]);
    expect(seen[0]!.body.toString()).toBe("order");
    const own = name === "answers 503";
    expect(client).toMatchObject({ status: own ? 503 : 502, servedBy: "s2", fallback: undefined });
    if (own) expect(client.text).toBe("of the lane");
    else expect(JSON.parse(client.text)).toMatchObject({ type: "urn:laneway:connect", status: 502 });
    expect(log).toMatchObject({ servedBy: "s2", fallback: null, status: own ? 503 : 502 });
  });

  it("fault 50: no write reaches two origins, whatever its method and its body", async () => {
    world.s2.respond(reply.resetBeforeHeaders());
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "MERGE"]) {
      for (const body of [undefined, "small", Buffer.alloc(100_000, 1)]) {
        const { asked, client, log } = await world.ask("writes", { method, ...(body === undefined ? {} : { body }) });
        expect(asked).toEqual(["s2"]);
        expect(client.status).toBe(502);
        expect(log).toMatchObject({ method, fallback: null });
      }
    }
  });

  it("fault 50: a lane that refuses the connection gives 502, because nobody can say that nothing was sent", async () => {
    await refuse(world.s2);
    const { client, asked, log } = await world.ask("writes", { method: "POST", body: "order" });
    expect(client).toMatchObject({ status: 502, servedBy: "s2", fallback: undefined });
    expect(asked).toEqual([]);
    expect(log).toMatchObject({ servedBy: "s2", fallback: null, status: 502 });
  });
});

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const bytes = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31) % 251));

describe("a request that may be repeated by its client's word", () => {
  it("fault 50: a POST of 10 kB with an Idempotency-Key is sent again, byte for byte", async () => {
    world.s2.respond(reply.answer(503));
    const body = bytes(10_000);
    const { client, asked, seen, log } = await world.ask("keyed", { method: "POST", body, headers: { "idempotency-key": "k1" } });
    expect(client).toEqual({ status: 200, text: "s1", lane: "s2", servedBy: "s1", fallback: "status:503" });
    expect(asked).toEqual(["s2", "s1"]);
    for (const each of seen) {
      expect(each.bodySha256).toBe(sha256(body));
      expect(headerOf(each.headers, "idempotency-key")).toBe("k1");
      expect(headerOf(each.headers, "content-length")).toBe("10000");
    }
    expect(log).toMatchObject({ fallback: "status:503", status: 200 });
  });

  it.each([
    ["without the header", "keyed", {}],
    ["in a group that does not take its word", "plain", { "idempotency-key": "k1" }],
    ["with a header that ends at this hop", "keyed", { "idempotency-key": "k1", connection: "idempotency-key" }],
  ])("fault 50: not %s", async (_, name, headers) => {
    world.s2.respond(reply.answer(503, "of the lane"));
    const { client, asked, log } = await world.ask(name, { method: "POST", body: "order", headers });
    expect(client).toMatchObject({ status: 503, text: "of the lane", servedBy: "s2" });
    expect(asked).toEqual(["s2"]);
    expect(log).toMatchObject({ fallback: null, status: 503 });
  });

  it("is never a GET where the group does not list GET", async () => {
    world.s2.respond(reply.answer(503, "of the lane"));
    const { client, asked, log } = await world.ask("methods");
    expect(client).toMatchObject({ status: 503, text: "of the lane", fallback: undefined });
    expect(asked).toEqual(["s2"]);
    expect(log).toMatchObject({ fallback: null });
  });
});

describe("a body", () => {
  const chunked = (body: Buffer, parts = 3): Readable => {
    const size = Math.ceil(body.length / parts);
    return Readable.from(
      (function* () {
        for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
      })(),
    );
  };

  it.each([0, 1, 999, 1_000])("of %i bytes is under the cap, declared or not, and is sent again", async (length) => {
    world.s2.respond(reply.answer(503));
    const body = bytes(length);
    for (const each of [body, chunked(body)]) {
      const { client, asked, seen, log } = await world.ask("methods", { method: "PUT", body: each });
      expect(client).toMatchObject({ status: 200, servedBy: "s1", fallback: "status:503" });
      expect(asked).toEqual(["s2", "s1"]);
      expect(seen.map(({ bodySha256 }) => bodySha256)).toEqual([sha256(body), sha256(body)]);
      expect(log).toMatchObject({ fallback: "status:503" });
    }
  });

  /** An answer that comes before the body has been read ends the upload. */
  const read =
    (then: Responder): Responder =>
    async (exchange) => {
      await exchange.seen.received;
      await then(exchange);
    };

  it.each([1_001, 65_536, 300_000])("of %i bytes is over the cap, declared or not, and is streamed once", async (length) => {
    const body = bytes(length);
    for (const [status, text] of [
      [200, "well"],
      [503, "of the lane"],
    ] as const) {
      world.s2.respond(read(reply.answer(status, text)));
      for (const declared of [true, false]) {
        const { client, asked, seen, log } = await world.ask("methods", { method: "PUT", body: declared ? body : chunked(body) });
        expect(client).toEqual({ status, text, lane: "s2", servedBy: "s2", fallback: undefined });
        expect(asked).toEqual(["s2"]);
        expect(seen[0]!.bodySha256).toBe(sha256(body));
        expect(headerOf(seen[0]!.headers, declared ? "content-length" : "transfer-encoding")).toBe(declared ? String(length) : "chunked");
        expect(log).toMatchObject({ fallback: null, status });
      }
    }
  });

  it("of a GET means nothing that we know, and goes once, as it came", async () => {
    world.s2.respond(read(reply.answer(503, "of the lane")));
    const { client, asked, seen, log } = await world.ask("plain", { body: "query" });
    expect(client).toMatchObject({ status: 503, text: "of the lane", servedBy: "s2" });
    expect(asked).toEqual(["s2"]);
    expect(seen[0]!.body.toString()).toBe("query");
    expect(log).toMatchObject({ fallback: null, status: 503 });
  });

  it("is never kept where maxBodyBytes is 0, and a request without one is repeated all the same", async () => {
    world.s2.respond(reply.answer(503, "of the lane"));
    const put = await world.ask("no-body", { method: "PUT", body: "x" });
    expect(put.client).toMatchObject({ status: 503, text: "of the lane", servedBy: "s2" });
    expect(put.asked).toEqual(["s2"]);
    const get = await world.ask("no-body");
    expect(get.client).toMatchObject({ status: 200, servedBy: "s1", fallback: "status:503" });
    expect(get.log).toMatchObject({ fallback: "status:503" });
  });
});

describe("a lane without an origin for the service", () => {
  it("leaves any request to the baseline, at once", async () => {
    for (const [method, body] of [["GET"], ["POST", "order"], ["DELETE"]] as const) {
      const { client, asked, seen, log } = await world.ask("missing", { method, ...(body === undefined ? {} : { body }) });
      expect(client).toEqual({ status: 200, text: "s1", lane: "s2", servedBy: "s1", fallback: "missing-service" });
      expect(asked).toEqual(["s1"]);
      expect(seen[0]!.body.toString()).toBe(body ?? "");
      expect(log).toMatchObject({ lane: "s2", servedBy: "s1", fallback: "missing-service", status: 200 });
    }
  });

  it("leaves it to the service's own fallback lane, if there is one", async () => {
    const { client, asked, log } = await world.ask("missing-then-s3", { method: "POST", body: "order" });
    expect(client).toEqual({ status: 200, text: "s3", lane: "s2", servedBy: "s3", fallback: "missing-service" });
    expect(asked).toEqual(["s3"]);
    expect(log).toMatchObject({ servedBy: "s3", fallback: "missing-service" });
  });

  it("leaves it to the baseline, if that lane is past its time", async () => {
    const { client, asked, log } = await world.ask("missing-then-expired");
    expect(client).toMatchObject({ status: 200, text: "s1", fallback: "missing-service" });
    expect(asked).toEqual(["s1"]);
    expect(log).toMatchObject({ servedBy: "s1", fallback: "missing-service" });
  });

  it("fault 53: never asks more than two origins", async () => {
    world.s3.respond(reply.answer(503));
    world.s1.respond(reply.answer(502, "of the baseline"));
    const { client, asked, log } = await world.ask("missing-then-s3");
    expect(client).toEqual({ status: 502, text: "of the baseline", lane: "s2", servedBy: "s1", fallback: "status:503" });
    expect(asked).toEqual(["s3", "s1"]);
    expect(log).toMatchObject({ servedBy: "s1", fallback: "status:503", status: 502 });
  });

  it("has nothing to do with a lane that fails: the baseline comes after it", async () => {
    world.s2.respond(reply.answer(503));
    const { client, asked, log } = await world.ask("failing-with-s3");
    expect(client).toMatchObject({ status: 200, text: "s1", fallback: "status:503" });
    expect(asked).toEqual(["s2", "s1"]);
    expect(log).toMatchObject({ servedBy: "s1" });
  });
});

describe("a baseline that fails too", () => {
  it("fault 53: refuses the connection, and the client gets 502", async () => {
    world.s2.respond(reply.resetBeforeHeaders());
    await refuse(world.s1);
    const { client, asked, log } = await world.ask("plain");
    expect(client).toMatchObject({ status: 502, servedBy: "s1", fallback: "connect" });
    expect(JSON.parse(client.text)).toMatchObject({ type: "urn:laneway:connect", title: "connect", status: 502 });
    expect(asked).toEqual(["s2"]);
    expect(log).toMatchObject({ servedBy: "s1", fallback: "connect", status: 502 });
  });

  it("fault 53: its own error goes to the client, and nobody is asked a third time", async () => {
    for (const status of [404, 500, 502, 503, 530]) {
      world.s2.respond(reply.answer(503));
      world.s1.respond(reply.answer(status, "of the baseline"));
      const { client, asked, log } = await world.ask("plain");
      expect(client).toEqual({ status, text: "of the baseline", lane: "s2", servedBy: "s1", fallback: "status:503" });
      expect(asked).toEqual(["s2", "s1"]);
      expect(log).toMatchObject({ servedBy: "s1", fallback: "status:503", status });
    }
  });

  it("fault 53: is asked once where it is the decided lane", async () => {
    for (const [fault, status] of [
      [reply.answer(503), 503],
      [reply.resetBeforeHeaders(), 502],
    ] as const) {
      world.s1.respond(fault);
      const { client, asked, log } = await world.ask("baseline-only");
      expect(client).toMatchObject({ status, lane: "s1", servedBy: "s1", fallback: undefined });
      expect(asked).toEqual(["s1"]);
      expect(log).toMatchObject({ fallback: null, status });
    }
  });
});

describe("a strict group", () => {
  it("gives 503 where the lane has no origin, and asks nobody", async () => {
    const { client, asked, log } = await world.ask("strict-missing");
    expect(client).toMatchObject({ status: 503, lane: "s2", servedBy: "s2" });
    expect(JSON.parse(client.text)).toMatchObject({ type: "urn:laneway:missing-service", status: 503 });
    expect(asked).toEqual([]);
    expect(log).toMatchObject({ lane: "s2", servedBy: null, fallback: "missing-service", status: 503 });
  });

  it.each([
    ["503 is the lane's answer", reply.answer(503, "of the lane"), 503],
    ["a reset is 502", reply.resetBeforeHeaders(), 502],
    ["a hanging lane is 504 after the deadline", reply.hang(), 504],
  ] as const)("keeps a failure: %s", async (_, fault, status) => {
    world.s2.respond(fault);
    const { client, asked, log } = await world.ask("strict");
    expect(client).toMatchObject({ status, lane: "s2", servedBy: "s2", fallback: undefined });
    expect(asked).toEqual(["s2"]);
    expect(log).toMatchObject({ servedBy: "s2", fallback: null, status });
  });

  it("ejects nobody: after its failures the lane is still asked", async () => {
    world.s2.respondOnce(reply.answer(503));
    await world.ask("strict");
    const { client, asked, log } = await world.ask("strict");
    expect(client).toMatchObject({ status: 200, text: "s2", fallback: undefined });
    expect(asked).toEqual(["s2"]);
    expect(log).toMatchObject({ fallback: null });
  });

  it("gives the baseline for a lane past its time", async () => {
    const { client, asked, log } = await world.ask("strict-expired");
    expect(client).toMatchObject({ status: 200, text: "s1", lane: "s1", servedBy: "s1" });
    expect(asked).toEqual(["s1"]);
    expect(log).toMatchObject({ lane: "s1", reason: "expired", fallback: null });
  });
});

describe("a service binding", () => {
  it("that throws is a dead origin", async () => {
    const { client, asked, log } = await world.ask("throwing-binding");
    expect(client).toEqual({ status: 200, text: "s1", lane: "s2", servedBy: "s1", fallback: "connect" });
    expect(asked).toEqual(["s1"]);
    expect(log).toMatchObject({ fallback: "connect", status: 200 });
    const post = await world.ask("throwing-binding", { method: "POST", body: "order" });
    expect(post.client).toMatchObject({ status: 502, servedBy: "s2" });
    expect(post.client.text).not.toContain("lane bug");
    expect(post.asked).toEqual([]);
  });

  it("that throws behind an error page of the platform is judged by its status", async () => {
    const dead = await world.ask("answering-binding", { path: "/530" });
    expect(dead.client).toEqual({ status: 200, text: "s1", lane: "s2", servedBy: "s1", fallback: "status:530" });
    expect(dead.asked).toEqual(["s1"]);
    const thrown = await world.ask("answering-binding", { path: "/500" });
    expect(thrown.client).toEqual({ status: 500, text: "from the binding", lane: "s2", servedBy: "s2", fallback: undefined });
    expect(thrown.log).toMatchObject({ servedBy: "s2", fallback: null, status: 500 });
  });

  it("that hangs is given up after timeoutMs", async () => {
    const { client, asked, log } = await world.ask("hanging-binding");
    expect(client).toMatchObject({ status: 200, servedBy: "s1", fallback: "timeout" });
    expect(asked).toEqual(["s1"]);
    expect(log).toMatchObject({ fallback: "timeout" });
  });

  it("that the Worker does not have is as if the lane lacked the service", async () => {
    const { client, asked, log } = await world.ask("absent-binding", { method: "POST", body: "order" });
    expect(client).toMatchObject({ status: 200, text: "s1", servedBy: "s1", fallback: "missing-service" });
    expect(asked).toEqual(["s1"]);
    expect(log).toMatchObject({ fallback: "missing-service" });
  });
});

describe("a chain of three hops", () => {
  /** Each service asks the next through the router, and passes on the baggage as OpenTelemetry would. */
  const chained =
    (lane: string): Responder =>
    async (exchange) => {
      const { headers, url } = exchange.seen;
      const host = headerOf(headers, "x-forwarded-host")!;
      const service = host === "chain.example" ? "a" : host.slice(0, 1);
      const next = { a: "b.chain.example", b: "c.chain.example" }[service];
      if (next === undefined) return reply.answer(200, `c@${lane}`)(exchange);
      const passed = { baggage: headerOf(headers, "baggage"), traceparent: headerOf(headers, "traceparent") };
      const answer = await world.router.fetch(url.replace(/^\/[abc]\//, "/"), { host: next, headers: passed as Record<string, string> });
      return reply.answer(answer.status, `${service}@${lane} > ${answer.text}`)(exchange);
    };
  const c2 = ({ url }: { url: string }): boolean => url.startsWith("/c/");

  it("fault 47: with the last lane hanging, the innermost hop falls back, that lane is blamed and ejected, and no other", async () => {
    world.s1.respond(chained("s1"));
    world.s2.respond((exchange) => (c2(exchange.seen) ? undefined : chained("s2")(exchange)));
    const go = async () => {
      const traceId = newTraceId();
      const answer = await world.router.fetch("/x", { host: "chain.example", headers: { traceparent: traceparent(traceId) } });
      clientSaw(`${answer.status} ${answer.text}`);
      await sleep(20);
      const lines = world.router.logs().filter((line) => line.traceId === traceId);
      return { answer, lines: Object.fromEntries(lines.map((line) => [line.service, line])), asked: world.seenOf(traceId) };
    };

    const first = await go();
    expect(first.answer).toMatchObject({ status: 200, text: "a@s2 > b@s2 > c@s1" });
    expect(first.answer.headers).toMatchObject({ "x-lane": "s2", "x-lane-served-by": "s2" });
    // 4 s at the first hop, 2 s at the second, 1 s at the third.
    expect(first.answer.headersMs).toBeGreaterThanOrEqual(980);
    expect(first.answer.headersMs).toBeLessThan(2_000);
    expect(first.lines).toMatchObject({
      a: { lane: "s2", reason: "rule:all", servedBy: "s2", fallback: null },
      b: { lane: "s2", reason: "context", servedBy: "s2", fallback: null },
      c: { lane: "s2", reason: "context", servedBy: "s1", fallback: "timeout" },
    });
    expect(first.asked.map(({ origin, seen }) => `${origin}${seen.url}`)).toEqual(["s2/a/x", "s2/b/x", "s2/c/x", "s1/x"]);

    const second = await go();
    expect(second.answer.text).toBe("a@s2 > b@s2 > c@s1");
    expect(second.answer.headersMs).toBeLessThan(900);
    expect(second.lines).toMatchObject({ a: { fallback: null }, b: { fallback: null }, c: { servedBy: "s1", fallback: "ejected" } });
    expect(second.asked.map(({ origin, seen }) => `${origin}${seen.url}`)).toEqual(["s2/a/x", "s2/b/x", "s1/x"]);
  });
});

describe("the counters", () => {
  it("tell each fallback by its reason, errors, ejections, and bodies that were too long", async () => {
    const labels = 'group="counted",lane="s2",service="web"';
    const read = async (): Promise<string[]> => {
      const { text } = await world.router.fetch("/__lanes/metrics", { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
      return text.split("\n").flatMap((line) => (line.includes(labels) ? [line.replace(labels, "")] : []));
    };
    await vi.waitFor(async () => expect(await read()).toContain("laneway_requests_total{} 5"), { timeout: 15_000, interval: 250 });
    const lines = await read();
    expect(lines).toEqual(
      expect.arrayContaining([
        "laneway_errors_total{} 5",
        "laneway_ejections_total{} 1",
        "laneway_bodies_too_large_total{} 1",
        'laneway_fallbacks_total{,reason="timeout"} 1',
        'laneway_fallbacks_total{,reason="status:503"} 1',
        'laneway_fallbacks_total{,reason="connect"} 1',
        'laneway_fallbacks_total{,reason="ejected"} 1',
      ]),
    );
    expect(lines.filter((line) => line.startsWith("laneway_fallbacks_total"))).toHaveLength(4);
  }, 20_000);
});
