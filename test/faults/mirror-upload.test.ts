/** What becomes of a request's body when it is copied: whole or not at all, scrubbed or not at all, and never at the cost of the original. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { headerOf, type Responder, type Seen } from "../support/origin.ts";
import { connectRaw } from "../support/raw-client.ts";
import * as reply from "../support/replies.ts";
import { decided, type MirrorWorld, mirrored, type Sent, startMirrors } from "./mirrors.ts";
import { clientSaw, sleep, until } from "./world.ts";

let world: MirrorWorld;

const scrub = {
  headers: ["x-api-key", "user-email"],
  query: ["token"],
  baggage: ["email"],
  json: ["card.number", "users[].email", "tags.*.owner"],
};
const UNSCRUBBED = ["a form", "no type", "gzip", "broken JSON", "no UTF-8", "JSON that is too deep", "bytes"];
const slug = (text: string) => text.toLowerCase().replaceAll(" ", "-");

beforeAll(async () => {
  world = await startMirrors((origins) => {
    const of = (name: string, mirror: object | null, more = {}) =>
      mirrored(name, origins, mirror, { propagate: { headers: [{ prefix: "user-" }] }, ...more });
    const lanes = {
      s1: { origins: { web: origins.s1.url } },
      s2: { weight: 1, origins: { web: origins.s2.url } },
      s3: { origins: { web: origins.s3.url } },
    };
    return [
      of("plain", null),
      of("sends", { writes: "send", timeoutMs: 1_000 }),
      of("small", { writes: "send", maxBodyBytes: 1_000 }),
      of("scrubs", { writes: "send", scrub }),
      of("forwards", { writes: "send", credentials: "forward", scrub: { headers: ["x-api-key"] } }),
      // The lane that serves is not the baseline, so bodies may be read for a second try as well.
      of("lane", { writes: "send" }, { lanes }),
      ...UNSCRUBBED.map((name) => of(slug(name), { writes: "send", scrub })),
    ];
  });
}, 30_000);
afterAll(() => world?.close());
beforeEach(() => {
  world.reset();
  for (const origin of [world.s1, world.s2, world.s3]) origin.respond(afterBody);
});

/** An origin that answers at once may leave the rest of a body unread. */
const afterBody: Responder = async (exchange) => {
  await exchange.seen.received;
  reply.answer(200, exchange.origin)(exchange);
};

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const bytes = (length: number) => Buffer.alloc(length, "0123456789abcdef");
const post = (body: Uint8Array | string | Readable, headers = {}) => ({
  method: "POST",
  body,
  headers: { "content-type": "application/json", ...headers },
});

/** The framing as well as the bytes. */
const bodyOf = ({ bodySha256, bodyLength, headers }: Seen) => ({
  bodySha256,
  bodyLength,
  length: headerOf(headers, "content-length"),
  encoding: headerOf(headers, "transfer-encoding"),
});

async function original({ live }: Sent): Promise<Seen> {
  await live()[0]!.received;
  return live()[0]!;
}

describe("a request's body", () => {
  it.each([0, 1, 900_000])("is in the copy what it is in the original: %i bytes of a declared length", async (length) => {
    const sent = await world.send("sends", post(bytes(length)));
    expect(sent.answer.text).toBe("s1");
    expect(bodyOf(await original(sent))).toEqual({
      bodySha256: sha256(bytes(length)),
      bodyLength: length,
      length: String(length),
      encoding: undefined,
    });
    expect(bodyOf(await sent.copy())).toMatchObject({ bodySha256: sha256(bytes(length)), length: String(length) });
  });

  it.each(["sends", "lane"])("is in the copy what it is in the original, where its length is not known: %s", async (group) => {
    const body = Readable.from([bytes(300_000), bytes(400_000), bytes(200_000)]);
    const whole = Buffer.concat([bytes(300_000), bytes(400_000), bytes(200_000)]);
    const sent = await world.send(group, post(body));
    const first = group === "sends" ? await original(sent) : world.s2.requests[0]!;
    await first.received;
    expect(bodyOf(first)).toMatchObject({ bodySha256: sha256(whole), encoding: "chunked" });
    expect(bodyOf(await sent.copy())).toMatchObject({ bodySha256: sha256(whole), bodyLength: 900_000 });
  });

  it.each(["of a declared length", "of unknown length"])("of 5 MB %s reaches the original whole, and is not copied", async (kind) => {
    const body = bytes(5_000_000);
    const sent = await world.send(
      "sends",
      post(kind === "of unknown length" ? Readable.from([body.subarray(0, 2_000_000), body.subarray(2_000_000)]) : body),
    );
    expect(sent.answer.status).toBe(200);
    expect(bodyOf(await original(sent))).toMatchObject({ bodySha256: sha256(body), bodyLength: 5_000_000 });
    await sleep(100);
    expect(sent.dark()).toEqual([]);
  });

  it("is not copied one byte over the mirror's cap, whatever length is declared", async () => {
    const at = await world.send("small", post(bytes(1_000)));
    const over = [await world.send("small", post(bytes(1_001))), await world.send("small", post(Readable.from([bytes(1_001)])))];
    expect((await at.copy()).bodyLength).toBe(1_000);
    const { sent, dropped } = await world.counted("small", (copies) => decided(copies) === 3);
    expect({ sent, dropped }).toEqual({ sent: 1, dropped: { "body-too-large": 2 } });
    expect(over.flatMap(({ dark }) => dark())).toEqual([]);
  }, 15_000);

  it("fault 62: reaches the original as fast as the client sends, and while the dark lane does not read", async () => {
    world.s3.respond(reply.stall());
    for (const group of ["plain", "sends"]) {
      world.s1.requests.length = 0;
      const client = await connectRaw(world.router.url);
      await client.write(`POST /slow HTTP/1.1\r\nhost: ${group}.example\r\ncontent-length: 400000\r\n\r\n`);
      for (let part = 1; part <= 4; part++) {
        await client.write(bytes(100_000));
        // The platform gathers a few kilobytes before it sends.
        expect(await until(() => (world.s1.requests[0]?.bodyLength ?? 0) > part * 100_000 - 40_000)).toBe(true);
      }
      expect((await client.read()).status).toBe(200);
      client.close();
    }
    clientSaw("the same as without a mirror");
  });

  it("may be answered before it is whole, and the answer waits for nothing", async () => {
    world.s1.respond(reply.answer(401, "early"));
    for (const group of ["plain", "sends"]) {
      const client = await connectRaw(world.router.url);
      await client.write(`POST /early HTTP/1.1\r\nhost: ${group}.example\r\ncontent-length: 100000\r\n\r\n0123456789`);
      const answer = await client.read({ timeoutMs: 1_000 });
      expect({ group, status: answer.status, body: answer.body.toString() }).toEqual({ group, status: 401, body: "early" });
      client.close();
    }
    await sleep(50);
    expect(world.s3.requests).toEqual([]);
  });

  it.each(["chunked", "declared"])(
    "fault 52: that the client breaks off is broken for the original, and not copied: %s",
    async (framing) => {
      const client = await connectRaw(world.router.url);
      const head = framing === "chunked" ? "transfer-encoding: chunked" : "content-length: 100000";
      await client.write(`POST /broken HTTP/1.1\r\nhost: sends.example\r\n${head}\r\n\r\n`);
      await client.write(framing === "chunked" ? "5\r\nhello\r\n" : "hello");
      expect(await until(() => world.s1.requests[0]?.bodyLength === 5)).toBe(true);
      client.reset();
      await world.s1.requests[0]!.received;
      expect(world.s1.requests[0]!.complete).toBe(false);
      await sleep(50);
      expect(world.s3.requests).toEqual([]);
    },
  );
});

const PERSONAL = {
  path: "/charge?token=secret&x=1&t%6fken=again&y",
  ...post(
    '{"card":{"number":"4111111111111111"},"users":[{"email":"a@b","n":1.50}],"tags":{"x":{"owner":"o"}},"big":12345678901234567890}',
    {
      authorization: "Bearer secret",
      "proxy-authorization": "Basic secret",
      cookie: "session=secret",
      "x-api-key": "secret",
      baggage: "email=a%40b,user-email=a%40b,keep=1;p=2",
    },
  ),
};

describe("what is personal", () => {
  it("fault 62: is taken out of the copy, and stays in the original", async () => {
    const [plain, sent] = [await world.send("plain", PERSONAL), await world.send("scrubs", PERSONAL)];
    const [first, original_] = [await original(plain), await original(sent)];
    expect(original_.body).toEqual(first.body);
    expect(original_.url).toBe(PERSONAL.path);
    for (const name of ["authorization", "cookie", "x-api-key", "user-email"]) {
      expect(headerOf(original_.headers, name)).toBe(headerOf(first.headers, name));
      expect(headerOf(original_.headers, name)).toBeDefined();
    }
    expect(headerOf(original_.headers, "baggage")).toMatch(/,email=a%40b,user-email=a%40b,keep=1;p=2$/);

    const copy = await sent.copy();
    expect(copy.url).toBe("/charge?x=1&y");
    expect(copy.body.toString()).toBe(
      '{"card":{"number":null},"users":[{"email":null,"n":1.50}],"tags":{"x":{"owner":null}},"big":12345678901234567890}',
    );
    expect(headerOf(copy.headers, "content-length")).toBe(String(copy.body.length));
    expect(headerOf(copy.headers, "baggage")).toMatch(/^laneway\.scrubs=[^,]+,user-email=a%40b,keep=1;p=2$/);
    for (const name of ["authorization", "proxy-authorization", "cookie", "x-api-key", "user-email"])
      expect(headerOf(copy.headers, name), name).toBeUndefined();
    clientSaw("the same as without a mirror");
  });

  it("goes along where the mirror says so", async () => {
    const copy = await (await world.send("forwards", PERSONAL)).copy();
    expect(headerOf(copy.headers, "authorization")).toBe("Bearer secret");
    expect(headerOf(copy.headers, "cookie")).toBe("session=secret");
    expect(headerOf(copy.headers, "x-api-key")).toBeUndefined();
    expect(copy.url).toBe(PERSONAL.path);
  });

  const FORMS: Readonly<Record<string, Parameters<MirrorWorld["send"]>[1]>> = {
    "a form": post("card.number=4111", { "content-type": "application/x-www-form-urlencoded" }),
    "no type": { method: "POST", body: '{"card":{"number":"4111"}}' },
    gzip: post(gzipSync('{"card":{"number":"4111"}}'), { "content-encoding": "gzip" }),
    "broken JSON": post('{"card":{"number":"4111"}'),
    "no UTF-8": post(Buffer.from('{"card":{"number":"\xff4111"}}', "latin1")),
    "JSON that is too deep": post(`${"[".repeat(5_000)}1${"]".repeat(5_000)}`),
    bytes: post(bytes(1_000), { "content-type": "application/octet-stream" }),
  };

  it("fault 63: keeps the whole copy back where it cannot be found for sure, and counts that", async () => {
    const all = await Promise.all(UNSCRUBBED.map(async (name) => [name, await world.send(slug(name), FORMS[name])] as const));
    for (const [name, { answer, live }] of all) {
      expect({ name, status: answer.status, text: answer.text }).toEqual({ name, status: 200, text: "s1" });
      await live()[0]!.received;
      expect(live()[0]!.complete, name).toBe(true);
    }
    for (const [name, { dark }] of all) {
      const { sent, dropped } = await world.counted(slug(name), (copies) => decided(copies) > 0);
      expect({ name, sent, dropped }).toEqual({ name, sent: 0, dropped: { scrub: 1 } });
      expect(dark()).toEqual([]);
    }
  }, 15_000);
});
