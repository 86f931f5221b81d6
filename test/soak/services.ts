/** What every origin of the soak serves when it is well, and what the lane file says of them. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Exchange, headerOf, type Origin, type Responder } from "../support/origin.ts";
import * as reply from "../support/replies.ts";
import type { Router } from "../support/router.ts";
import { CALLER_HEADER, idOf, isCopy, type Ledger } from "./ledger.ts";
import { contentOf } from "./random.ts";
import type { Weather } from "./weather.ts";

export const EVENTS = ["one", "two", "three", "four"];
/** A client that keeps this service waiting longer is hung up on. */
const PATIENCE_MS = 600;

/** s1 is the baseline; s3 has no `pay`; `steady` is a service of s2 that never fails of itself; nobody but copies gets to `dark`. */
export const laneFile = (urls: Readonly<Record<string, string>>, note: string) => ({
  schema: 1,
  name: "shop",
  note,
  hosts: ["shop.example", "*.shop.example"],
  baseline: "s1",
  services: {
    web: {},
    pay: { hosts: ["pay.shop.example"], entry: false, mirrored: "block" },
    // A busy machine is no lane that fails.
    steady: { path: "/steady", timeoutMs: 60_000 },
  },
  lanes: {
    s1: { weight: 40, origins: { web: urls.s1, pay: urls.s1, steady: urls.s1 } },
    s2: { weight: 30, origins: { web: urls.s2, pay: urls.s2, steady: urls.steady } },
    s3: { weight: 30, origins: { web: urls.s3 } },
    dark: { origins: { web: urls.dark } },
  },
  rules: [{ name: "steady", when: { path: { prefix: "/steady" } }, lane: "s2" }],
  fallback: {
    methods: ["GET", "HEAD", "OPTIONS", "PUT"],
    idempotencyKey: true,
    timeoutMs: 600,
    deadlineMs: 8_000,
    eject: { failures: 8, seconds: 1 },
  },
  mirrors: [
    {
      name: "next",
      lane: "dark",
      percent: 60,
      by: "request",
      services: ["web"],
      writes: "send",
      timeoutMs: 1_500,
      compare: { noisePercent: 30 },
    },
  ],
  log: { samplePercent: 0 },
});

/** `bytes=from-` or `bytes=from-to`, of `whole`; undefined: none that we know. */
function partOf(whole: Buffer, range: string | undefined): { from: number; bytes: Buffer } | undefined {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  if (first === undefined) return undefined;
  const from = Number(first);
  return { from, bytes: whole.subarray(from, last ? Number(last) + 1 : undefined) };
}

const file: Responder = (exchange) => {
  const { seen, origin } = exchange;
  const length = Number(/^\/file\/(\d+)/.exec(seen.url)?.[1] ?? 0);
  const whole = contentOf(origin, idOf(seen), length);
  const etag = `"${origin}"`;
  const condition = headerOf(seen.headers, "if-range");
  const part = condition === undefined || condition === etag ? partOf(whole, headerOf(seen.headers, "range")) : undefined;
  const headers = { etag, "x-origin": origin, "content-type": "application/octet-stream", "accept-ranges": "bytes" };
  if (part === undefined) return reply.answer(200, whole, headers)(exchange);
  const range = `bytes ${part.from}-${part.from + part.bytes.length - 1}/${length}`;
  return reply.answer(206, part.bytes, { ...headers, "content-range": range })(exchange);
};

const upload: Responder = async (exchange) => {
  const { seen, origin } = exchange;
  await seen.received;
  await reply.json({ origin, length: seen.bodyLength, sha256: seen.bodySha256 }, 200, { "x-origin": origin })(exchange);
};

/** Calls `pay` through the router, as a service does that passes its baggage, or one header, on. */
const callPay = async (router: Router, { seen, origin }: Exchange): Promise<number> => {
  const id = idOf(seen);
  const names = id.length % 2 === 0 ? ["baggage", "traceparent"] : ["x-lane-context", "traceparent"];
  const passed = names.flatMap((name) => {
    const value = headerOf(seen.headers, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const headers = { ...Object.fromEntries(passed), [CALLER_HEADER]: origin, connection: "close" };
  const answer = await router.fetch(`/pay?id=${id}.pay`, { method: "POST", host: "pay.shop.example", headers, body: `pay for ${id}` });
  return answer.status;
};

function honest(router: () => Router, ledger: Ledger): Responder {
  return async (exchange) => {
    const { seen, origin } = exchange;
    const path = seen.url.replace(/\?.*/, "");
    if (headerOf(seen.headers, "upgrade") === "websocket") return reply.webSocketEcho()(exchange);
    if (path.startsWith("/file/")) return file(exchange);
    if (path === "/up") return upload(exchange);
    if (path === "/events") return reply.events(EVENTS, 15)(exchange);
    await seen.received;
    // A dark version that writes where it should read: what its copies may do is the router's to say.
    const calls = path === "/order" || (origin === "dark" && path === "/page");
    const paid = calls ? await callPay(router(), exchange).catch(() => 0) : null;
    if (origin === "dark" && paid !== null) ledger.count(paid === 403 ? "later writes of copies refused" : "later writes of copies lost");
    return reply.json({ origin, id: idOf(seen), paid }, 200, { "x-origin": origin })(exchange);
  };
}

/** Every request goes into the ledger, and gets the fault of the hour or an honest answer. */
export function serveAt(place: Origin, weather: Weather | null, router: () => Router, ledger: Ledger): void {
  const well = honest(router, ledger);
  place.respond(async (exchange) => {
    const { seen } = exchange;
    const id = idOf(seen);
    const readsBody = seen.method === "GET" && headerOf(seen.headers, "upgrade") === undefined;
    const fault = weather?.faultFor(id, readsBody) ?? null;
    ledger.arrived({ origin: place.name, seen, fault });
    if (place.name === "dark") ledger.count("copies received");
    else if (isCopy(seen)) ledger.count("second askings received");
    // What has been seen is not kept: memory is to stay flat here, too.
    if (place.requests.length > 100) place.requests.splice(0, 50);
    if (fault === null) return well(exchange);
    ledger.count(`${place.name}: ${fault}`);
    return weather!.responder(fault, id, well)(exchange);
  });
}

/** Answers what has come whole, and hangs up on those who keep it waiting, as servers do. */
export function serveImpatiently(place: Origin, ledger: Ledger): void {
  place.respond(async (exchange) => {
    const { seen, socket } = exchange;
    ledger.arrived({ origin: place.name, seen, fault: null });
    if (place.requests.length > 100) place.requests.splice(0, 50);
    const hangUp = () => void socket.resetAndDestroy();
    if (headerOf(seen.headers, "upgrade") !== undefined) return hangUp();
    const whole = await Promise.race([seen.received.then(() => true), sleep(PATIENCE_MS, false)]);
    if (!whole) {
      ledger.count("steady: hung up on a client that kept it waiting");
      return hangUp();
    }
    return reply.json({ origin: place.name, id: idOf(seen) }, 200, { "x-origin": place.name })(exchange);
  });
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
