/** What clients do, and what must hold of every answer. */
import type { OutgoingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { connectRaw } from "../support/raw-client.ts";
import type { Router, RouterAnswer, RouterRequest } from "../support/router.ts";
import { hostileHeaders } from "./hostile.ts";
import { type Ledger, OVERRIDE_HEADER } from "./ledger.ts";
import { contentOf, type Random } from "./random.ts";
import { EVENTS, sha256 } from "./services.ts";
import { breaksBody, type Weather } from "./weather.ts";

export interface Town {
  readonly router: Router;
  readonly ledger: Ledger;
  /** Of the live origins, by name; s1 is the baseline. */
  readonly weather: ReadonlyMap<string, Weather>;
}

/** One client's next request. */
interface Turn extends Town {
  readonly id: string;
  readonly random: Random;
}

/** A machine under any load answers within. */
const PATIENCE_MS = 60_000;
const HOST = "shop.example";
/** The group's `maxBodyBytes`: what is longer goes once. */
const REPLAYED_BYTES = 65_536;

interface Asked {
  readonly answer: RouterAnswer;
  readonly told: string;
  /** Milliseconds of `performance.now()`. */
  readonly from: number;
  readonly to: number;
}

const headerIn = (answer: RouterAnswer, name: string) => [answer.headers[name]].flat().join(", ");

function tell(id: string, method: string, path: string, headers: OutgoingHttpHeaders, answer: RouterAnswer | null): string {
  const sent = Object.entries(headers).map(([name, value]) => `  ${name}: ${String(value).slice(0, 200)}`);
  const got = answer === null ? "  no answer" : `  ${answer.status}${answer.complete ? "" : ", broken off"} ${answer.text.slice(0, 200)}`;
  const ours = Object.entries(answer?.headers ?? {}).map(([name, value]) => `  ${name}: ${value}`);
  return [`${id}: ${method} ${path}`, ...sent, "answered:", got, ...ours].join("\n");
}

/** What went wrong at origins, if anything, that may have touched this request. */
function excuses({ id, ledger, weather }: Turn, from: number, to: number) {
  const faults = ledger.faultsOf(id);
  const baselineIll = weather.get("s1")!.wasIll(from, to);
  const refused = [...weather.values()].some((each) => each.wasRefusing(from, to));
  return { faults, baselineIll, any: faults.length > 0 || refused || baselineIll };
}

/** null: the client left, or nobody answered, which is a violation. */
async function ask(turn: Turn, path: string, request: RouterRequest = {}): Promise<Asked | null> {
  const { id, random, router, ledger } = turn;
  const method = request.method ?? "GET";
  const leaving = random.chance(0.06) ? random.between(0, 200) : null;
  const headers = {
    connection: "close",
    ...(random.chance(0.3) ? hostileHeaders(random, (what) => ledger.count(what)) : {}),
    ...request.headers,
  };
  const client = new AbortController();
  const timer = setTimeout(() => client.abort(), leaving ?? PATIENCE_MS);
  const from = performance.now();
  let answer: RouterAnswer | null = null;
  let lost = "";
  try {
    answer = await router.fetch(`${path}?id=${id}`, { ...request, host: HOST, headers, signal: client.signal });
  } catch (error) {
    lost = String(error);
  } finally {
    clearTimeout(timer);
  }
  const to = performance.now();
  const told = tell(id, method, path, headers, answer);
  if (leaving !== null && (answer === null || !answer.complete)) {
    ledger.count("clients that left");
    return null;
  }
  // An answer before the upload's end ends the upload, and a client that still writes may never read it (TCP).
  if (answer === null && request.body !== undefined && /ECONNRESET|EPIPE/.test(lost) && excuses(turn, from, to).any) {
    ledger.count("uploads cut by an early answer");
    return null;
  }
  if (answer === null) {
    ledger.violate(
      "every request is answered",
      `${told}\n  after ${Math.round(to - from)} ms, ${lost}; faults: ${ledger.faultsOf(id).join(", ")}`,
    );
    return null;
  }
  const fallback = headerIn(answer, "x-lane-fallback");
  ledger.count("requests");
  if (fallback !== "") ledger.count(`fell back: ${fallback}`);
  return { answer, told, from, to };
}

/** Answers that may be looked at further: whole, and not of a fault that its client has to bear. */
function stands(turn: Turn, { answer, told, from, to }: Asked, repeatable: boolean): boolean {
  const { ledger } = turn;
  const { faults, baselineIll, any: excused } = excuses(turn, from, to);
  if (headerIn(answer, "x-soak-own") !== "") return false;
  if (answer.status >= 500) {
    ledger.count("5xx that clients had to bear");
    // A method in disguise may not be repeated, whatever its own name says.
    if (repeatable && !told.includes(OVERRIDE_HEADER) && !baselineIll)
      ledger.violate("no 5xx for a repeatable request while the baseline is well", told);
    else if (!excused) ledger.violate("no failure without a fault", told);
    return false;
  }
  if (answer.status >= 300) {
    ledger.violate("every answer is an origin's own, or says what failed", told);
    return false;
  }
  const servedBy = headerIn(answer, "x-lane-served-by");
  if (answer.complete && !faults.some((fault) => breaksBody(fault) && fault.endsWith(` ${servedBy}`))) return true;
  if (!excused) ledger.violate("every body arrives whole", told);
  ledger.count("bodies that broke off");
  return false;
}

const must = ({ ledger }: Turn, { told }: Asked, holds: boolean, invariant: string): void => {
  if (!holds) ledger.violate(invariant, told);
};

async function page(turn: Turn): Promise<void> {
  const method = turn.random.pick(["GET", "GET", "HEAD", "OPTIONS"]);
  const asked = await ask(turn, "/page", { method });
  if (asked === null || !stands(turn, asked, true) || method === "HEAD") return;
  const { origin, id } = JSON.parse(asked.answer.text);
  must(turn, asked, origin === headerIn(asked.answer, "x-origin") && id === turn.id, "every answer is of its own request");
}

const LENGTHS = [0, 1, 1_000, 65_536, 65_537, 300_000];

/** The bytes are those of the origin that gave the headers: nothing is spliced. */
async function file(turn: Turn): Promise<void> {
  const length = turn.random.pick([...LENGTHS, 2_000_000]);
  const asked = await ask(turn, `/file/${length}`);
  if (asked === null || !stands(turn, asked, true)) return;
  const expected = contentOf(headerIn(asked.answer, "x-origin"), turn.id, length);
  must(turn, asked, sha256(asked.answer.body) === sha256(expected), "every body is right, by its hash");
}

/** Parts without a word of their version are of the lane's own; with one, another version comes whole. */
async function part(turn: Turn): Promise<void> {
  const [length, from] = [20_000, turn.random.between(0, 19_000)];
  const version = turn.random.chance(0.4) ? turn.random.pick(["s1", "s2", "s3"]) : null;
  const range = `bytes=${from}-${turn.random.chance(0.5) ? from + 500 : ""}`;
  const asked = await ask(turn, `/file/${length}`, { headers: { range, ...(version !== null && { "if-range": `"${version}"` }) } });
  if (asked === null || !stands(turn, asked, version !== null)) return;
  const { answer } = asked;
  const origin = headerIn(answer, "x-origin");
  const whole = contentOf(origin, turn.id, length);
  const expected = answer.status === 206 ? whole.subarray(from, range.endsWith("-") ? undefined : from + 501) : whole;
  must(turn, asked, sha256(answer.body) === sha256(expected), "every part is right, by its hash");
  if (version !== null) must(turn, asked, (answer.status === 206) === (origin === version), "a part is of the version that its client has");
  else must(turn, asked, headerIn(answer, "x-lane") === headerIn(answer, "x-lane-served-by"), "a part is of no other version");
}

/** Chunks with pauses in between, now and then a long one. */
async function* inPieces(bytes: Buffer, random: Random): AsyncGenerator<Buffer> {
  const size = Math.max(1, Math.ceil(bytes.length / random.between(1, 6)));
  for (let at = 0; at < bytes.length; at += size) {
    yield bytes.subarray(at, at + size);
    await sleep(random.chance(0.05) ? 700 : random.between(0, 10));
  }
}

async function upload(turn: Turn): Promise<void> {
  const { id, random, ledger } = turn;
  const method = random.pick(["POST", "POST", "PUT"]);
  const bytes = contentOf("client", id, random.pick([...LENGTHS, 1_000_000]));
  const keyed = method === "POST" && random.chance(0.3);
  ledger.promise(id, { writes: keyed || method === "PUT" ? "repeatable" : "once", broken: false });
  const declared = random.chance(0.5);
  const headers = {
    ...(keyed && { "idempotency-key": `"${id}"` }),
    ...(declared ? { "content-length": bytes.length } : { "transfer-encoding": "chunked" }),
    ...(method === "POST" && !keyed && random.chance(0.2) && { "idempotency-key": random.pick(["", '""', " "]) }),
  };
  const body = random.chance(0.4) && declared ? bytes : Readable.from(inPieces(bytes, random), { objectMode: false });
  const asked = await ask(turn, "/up", { method, headers, body });
  if (asked === null || !stands(turn, asked, (keyed || method === "PUT") && bytes.length <= REPLAYED_BYTES)) return;
  const { length, sha256: got } = JSON.parse(asked.answer.text);
  must(turn, asked, length === bytes.length && got === sha256(bytes), "every upload arrives as it was sent, by its hash");
}

async function order(turn: Turn): Promise<void> {
  turn.ledger.promise(turn.id, { writes: "once", broken: false });
  const asked = await ask(turn, "/order", { method: turn.random.pick(["POST", "DELETE", "PATCH"]), body: "one" });
  if (asked === null || !stands(turn, asked, false)) return;
  must(turn, asked, JSON.parse(asked.answer.text).id === turn.id, "every answer is of its own request");
}

async function events(turn: Turn): Promise<void> {
  const asked = await ask(turn, "/events", { headers: { accept: "text/event-stream" } });
  if (asked === null || !stands(turn, asked, true)) return;
  must(turn, asked, asked.answer.text === EVENTS.map((event) => `data: ${event}\n\n`).join(""), "every event arrives, in order");
}

/** While the others fail, this one never does: whoever keeps it waiting is its own fault, and nobody else's. */
async function steady(turn: Turn): Promise<void> {
  const method = turn.random.pick(["GET", "GET", "POST"]);
  if (method === "POST") turn.ledger.promise(turn.id, { writes: "once", broken: false });
  const asked = await ask(turn, "/steady", { method, ...(method === "POST" && { body: "x".repeat(100) }) });
  if (asked === null) return;
  const { answer } = asked;
  if (headerIn(answer, "x-lane-reason") === "off") return;
  must(turn, asked, answer.status === 200 && headerIn(answer, "x-lane-served-by") === "s2", "a lane that answers is never put aside");
}

const HEAD = `HTTP/1.1\r\nHost: ${HOST}\r\n`;
const WEBSOCKET =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** At once, so that they are failures in a row, if they are failures of anybody. */
async function attack({ id, random, router, ledger }: Turn): Promise<void> {
  const shape = random.pick([
    "GET that keeps its content back",
    "HEAD that keeps its content back",
    "POST that stalls",
    "upgrade that is refused",
  ]);
  ledger.count(`attack: twelve at once, ${shape}`);
  const method = shape.split(" ")[0]!;
  await Promise.all(
    Array.from({ length: 12 }, async (_, n) => {
      const target = `/steady?id=${id}.${n}`;
      ledger.promise(`${id}.${n}`, { writes: "once", broken: method !== "upgrade" });
      const client = await connectRaw(router.url);
      if (method === "upgrade") await client.write(`GET ${target} ${HEAD}${WEBSOCKET}`);
      else await client.write(`${method} ${target} ${HEAD}Content-Length: 10\r\n\r\n${method === "POST" ? "abc" : ""}`);
      await client.read({ timeoutMs: 1_500, head: method === "HEAD" });
      client.close();
    }),
  );
}

async function brokenUpload({ id, random, router, ledger }: Turn): Promise<void> {
  const method = random.pick(["POST", "PUT"]);
  ledger.promise(id, { writes: method === "PUT" ? "repeatable" : "once", broken: true });
  ledger.count("uploads broken in the middle");
  const client = await connectRaw(router.url);
  const bytes = "x".repeat(random.pick([1, 1_000, 100_000]));
  const framing = random.pick([
    `Content-Length: ${bytes.length * 2}\r\n\r\n${bytes}`,
    `Transfer-Encoding: chunked\r\n\r\n${bytes.length.toString(16)}\r\n${bytes}\r\n`,
    `Transfer-Encoding: chunked\r\n\r\n${bytes.length.toString(16)}\r\n${bytes}\r\nzz\r\n`,
  ]);
  await client.write(`${method} /up?id=${id} ${HEAD}${framing}`);
  await sleep(random.between(0, 100));
  client[random.pick(["close", "reset"] as const)]();
}

const TEXT = "hello";
/** RFC 6455, section 5.2: a final text frame, masked by zeros. */
const FRAME = Buffer.concat([Buffer.from([0x81, 0x80 | TEXT.length, 0, 0, 0, 0]), Buffer.from(TEXT)]);

async function socket(turn: Turn): Promise<void> {
  const { id, router, ledger, weather } = turn;
  const from = performance.now();
  const client = await connectRaw(router.url);
  await client.write(`GET /socket?id=${id} ${HEAD}${WEBSOCKET}`);
  // An upgrade has no deadline: who gives it up is its client.
  const answer = await client.read({ timeoutMs: 3_000 });
  const trouble = () => ledger.faultsOf(id).length > 0 || [...weather.values()].some((each) => each.wasIll(from, performance.now()));
  const told = `${id}: a WebSocket, answered ${answer.statusLine} (${answer.ended})`;
  if (answer.status !== 101) {
    if (!trouble()) ledger.violate("no failure without a fault", told);
  } else {
    await client.write(FRAME);
    await Promise.race([client.received(2 + TEXT.length), sleep(3_000)]);
    const got = (await client.read({ timeoutMs: 20 })).bytes.toString("latin1");
    if (got !== `\x81\x05${TEXT}` && !trouble()) ledger.violate("every frame is echoed", `${told}, then ${JSON.stringify(got)}`);
    ledger.count("WebSockets that spoke");
  }
  client.close();
}

const KINDS: readonly (readonly [name: string, weight: number, (turn: Turn) => Promise<void>])[] = [
  ["pages", 26, page],
  ["downloads", 12, file],
  ["ranges", 8, part],
  ["uploads", 16, upload],
  ["orders through two services", 8, order],
  ["event streams", 5, events],
  ["a steady service", 14, steady],
  ["attacks on it", 2, attack],
  ["uploads that break", 5, brokenUpload],
  ["WebSockets", 4, socket],
];
const DECK = KINDS.flatMap(([name, weight, go]) => Array.from({ length: weight }, () => [name, go] as const));

/** One request after the other until it is over. */
export async function live(town: Town, name: string, random: Random, isOver: () => boolean): Promise<void> {
  for (let n = 1; !isOver() && !town.ledger.isBroken; n++) {
    const [kind, go] = random.pick(DECK);
    const id = `${name}-${n}`;
    town.ledger.count(`client: ${kind}`);
    await go({ ...town, id, random });
    await sleep(random.between(0, 80));
  }
}
