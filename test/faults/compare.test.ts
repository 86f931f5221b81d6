/** Two answers compared through the router: every body gives a result or a named skip, and the verdict comes from counts. */
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Exchange, headerOf, type Responder } from "../support/origin.ts";
import * as reply from "../support/replies.ts";
import { type Copies, type Endpoint, type MirrorWorld, mirrored, startMirrors } from "./mirrors.ts";
import { sleep } from "./world.ts";

/** The primary's answer, the copy's, and the second asking's where it is not as the primary's. */
interface Case {
  readonly live: Responder;
  readonly dark: Responder;
  readonly again?: Responder;
  /** How often it is asked; 1 if left out. */
  readonly times?: number;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `kind path`, or `kind path: verdict`. */
  readonly found: readonly string[];
}

const page = (text: string) =>
  reply.answer(200, `<!doctype html><html><body>${text}</body></html>`, { "content-type": "text/html; charset=utf-8" });
const typed = (type: string, body: string | Uint8Array, headers = {}) => reply.answer(200, body, { "content-type": type, ...headers });
const coded = (coding: string, body: Uint8Array) => typed("application/json", body, { "content-encoding": coding });
const text = JSON.stringify({ a: 1, list: Array.from({ length: 50 }, (_, id) => ({ id })) });
const plain = typed("application/json", text);
const deep = (depth: number, inner: string) => `${"[".repeat(depth)}${inner}${"]".repeat(depth)}`;
const keys = (count: number, value: number) =>
  JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, value])));
const objects = (from: number) => JSON.stringify(Array.from({ length: 10_000 }, (_, i) => ({ id: from + i, v: `value ${from + i}` })));

const ONCE: Readonly<Record<string, Case>> = {
  "equal JSON": { live: plain, dark: plain, found: [] },
  "equal JSON in another order of keys": { live: reply.json({ a: 1, b: 2 }), dark: reply.json({ b: 2, a: 1 }), found: [] },
  "a value in a list": {
    live: reply.json({ items: [{ price: 1 }, { price: 2 }] }),
    dark: reply.json({ items: [{ price: 1 }, { price: 3 }] }),
    found: ["value body.items[].price"],
  },
  "another order": { live: reply.json({ items: [1, 2] }), dark: reply.json({ items: [2, 1] }), found: ["order body.items"] },
  "another type": { live: reply.json({ n: 1 }), dark: reply.json({ n: "1" }), found: ["type body.n"] },
  "broken JSON": { live: reply.json({ n: 1 }), dark: typed("application/json", '{"n":'), found: ["parse body"] },
  "twice broken JSON": { live: typed("application/json", "{a}"), dark: typed("application/json", "{b}"), found: ["value body[]"] },
  "lines of JSON": {
    live: typed("application/x-ndjson", '{"n":1}\n{"n":2}\n'),
    dark: typed("application/x-ndjson", '{"n":1}\n{"n":3}\n'),
    found: ["value body[].n"],
  },
  "a page": {
    live: page("<p class=a>one<br><svg><path d='x'/></svg>"),
    dark: page("<p class=b>two<br><svg><path d='x'/></svg>"),
    found: ["value body.html.body.p.#text", "value body.html.body.p.@class"],
  },
  "a page that says more": {
    live: page("<ul><li>a<li>b</ul>"),
    dark: page("<ul><li>a<li>b<li>c</ul>"),
    found: ["extra body.html.body.ul.li", "extra body.html.body.ul.li.#text"],
  },
  "lines of text": { live: typed("text/plain", "a\nb\nc"), dark: typed("text/plain", "a\nx\nc"), found: ["value body[]"] },
  "text in another charset": {
    live: typed("text/plain; charset=utf-8", "é"),
    dark: typed("text/plain; charset=latin1", Buffer.from("é", "latin1")),
    found: ["value headers.content-type"],
  },
  "an unknown charset": {
    live: typed("text/plain; charset=klingon", "a"),
    dark: typed("text/plain; charset=klingon", "b"),
    found: ["value body"],
  },
  "bytes of another length": {
    live: typed("image/png", Buffer.alloc(100)),
    dark: typed("image/png", Buffer.alloc(101)),
    found: ["length body"],
  },
  "other bytes": { live: typed("image/png", Buffer.alloc(100)), dark: typed("image/png", Buffer.alloc(100, 1)), found: ["value body"] },
  "an empty body": { live: reply.json({ a: 1 }), dark: typed("application/json", ""), found: ["missing body"] },
  "no body twice": { live: reply.answer(204), dark: reply.answer(204), found: [] },
  "gzip against none": { live: coded("gzip", gzipSync(text)), dark: plain, found: [] },
  "brotli against gzip": { live: coded("br", brotliCompressSync(text)), dark: coded("gzip", gzipSync(text)), found: [] },
  "zstd against deflate": { live: coded("zstd", zstdCompressSync(text)), dark: coded("deflate", deflateSync(text)), found: [] },
  "none against gzip that differs": { live: plain, dark: coded("gzip", gzipSync(text.replace('"a":1', '"a":2'))), found: ["value body.a"] },
  "another status": { live: reply.json({ a: 1 }), dark: reply.json({ a: 2 }, 500), found: ["status status"] },
  "a copy that is refused": { live: plain, dark: reply.resetBeforeHeaders(), found: ["status status"] },
  "a copy that never answers": { live: plain, dark: reply.hang(), found: ["status status"] },
  "a copy that breaks off": { live: plain, dark: reply.resetInBody(1_000), found: ["status status"] },
  "fault 76: headers that always differ": {
    live: typed("text/plain", "a", { age: "1", server: "one", "set-cookie": "a=1", "x-request-id": "1", etag: '"1"' }),
    dark: typed("text/plain", "a", {
      age: "2",
      server: "two",
      "set-cookie": "b=2",
      "x-request-id": "2",
      etag: '"2"',
      date: "Thu, 01 Jan 1970 00:00:00 GMT",
    }),
    found: [],
  },
  "headers that matter": {
    live: typed("text/plain", "a", { vary: "accept", "cache-control": "no-store" }),
    dark: typed("text/plain", "a", { vary: "accept", "cache-control": "max-age=60", location: "/a" }),
    found: ["extra headers.location", "value headers.cache-control"],
  },
  "fault 75: keys that are traps": {
    live: typed("application/json", '{"__proto__":{"x":1},"a.b":1,"a/b":1,"":1,"constructor":1}'),
    dark: typed("application/json", '{"__proto__":{"x":2},"a.b":2,"a/b":2,"":2,"constructor":2}'),
    found: ["value body.__proto__.x", "value body.a/b", "value body.constructor", "value body['']", "value body['a.b']"],
  },
  "a HEAD": {
    live: reply.answer(200, "a", { vary: "a" }),
    dark: reply.answer(200, "b", { vary: "b" }),
    method: "HEAD",
    found: ["value headers.vary"],
  },
};

/** Larger than anything is read, or deeper: they end, and say that they were cut. */
const HOSTILE: Readonly<Record<string, Case>> = {
  "a flood each": { live: reply.large(100_000_000), dark: reply.flood(), found: [] },
  "a hundred thousand levels": {
    live: typed("application/json", deep(100_000, "1")),
    dark: typed("application/json", deep(100_000, "2")),
    found: [],
  },
  "fifteen thousand keys": {
    live: typed("application/json", keys(15_000, 1)),
    dark: typed("application/json", keys(15_000, 2)),
    found: [],
  },
  "nothing in common": {
    live: typed("application/json", objects(0)),
    dark: typed("application/json", objects(50_000)),
    found: ["value body[].id", "value body[].v"],
  },
  "a page of nothing but tags": { live: page("<a>".repeat(80_000)), dark: page("<b>".repeat(80_000)), found: [] },
  "one long string": { live: reply.json({ s: "x".repeat(1_000_000) }), dark: reply.json({ s: "y".repeat(1_000_000) }), found: [] },
};

let now = 0;
const counter = (): Responder => (exchange) => reply.json({ n: now++ })(exchange);
const list = (stamp: number, price: number) => reply.json({ items: [{ v: stamp }, { v: price }] });
/** Fails three times in ten, by a fixed sequence of its own. */
function flaky(seed: number): Responder {
  let state = seed;
  return (exchange) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state / 2 ** 32 < 0.3 ? reply.answer(500, "no") : plain)(exchange);
  };
}

/** By the trace id, which the copies share. */
const whereHalf =
  (one: Responder, other: Responder): Responder =>
  (exchange) =>
    (Number.parseInt(headerOf(exchange.seen.headers, "traceparent")![3]!, 16) < 8 ? one : other)(exchange);

const MANY: Readonly<Record<string, Case>> = {
  "fault 70: a field that is never the same": { live: counter(), dark: counter(), times: 30, found: ["value body.n: noise"] },
  "fault 70: a field that the copy has wrong": {
    live: reply.json({ a: 1 }),
    dark: reply.json({ a: 2 }),
    times: 30,
    found: ["value body.a: regression"],
  },
  "fault 70: a wrong field beside a stamp in one list": {
    live: (exchange) => list(now++, 1)(exchange),
    dark: (exchange) => list(now++, 2)(exchange),
    times: 30,
    found: ["value body.items[].v: regression"],
  },
  "fault 77: a wrong field that somebody makes noisy, too": {
    live: whereHalf(counter(), reply.json({ n: "right" })),
    dark: whereHalf(counter(), reply.json({ n: "wrong" })),
    times: 90,
    found: ["value body.n: regression"],
  },
  "fault 77: a service that fails now and then is shown all the same": {
    live: plain,
    dark: flaky(1),
    again: flaky(2),
    times: 60,
    found: ["status status: noise"],
  },
};

const slug = (name: string) => name.toLowerCase().replace(/[^a-z]+/g, "-");
const cases = new Map(Object.entries({ ...ONCE, ...HOSTILE, ...MANY }).map(([name, one]) => [`/s/${slug(name)}`, one]));

const SECRETS = [
  "s3cr3t-value",
  "ann@example.com",
  "4111111111111111",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
  "hunter2",
  "scrubbed-by-the-file",
];
/** Another answer each time. */
function secrets(first: number): Responder {
  let turn = first;
  return (exchange) =>
    reply.json({
      turn: turn++,
      password: `hunter2-${turn}`,
      user: { email: "ann@example.com", note: `write to ann@example.com ${turn}` },
      card: `4111111111111111 ${turn}`,
      header: `Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl ${turn}`,
      nested: [{ apiToken: `s3cr3t-value-${turn}`, "ann@example.com": turn }],
      ours: { code: `scrubbed-by-the-file ${turn}` },
    })(exchange);
}

const items = (first: number, second: number) => [
  { id: 1, v: first },
  { id: 2, v: second },
];
const toOwn =
  (path: string): Responder =>
  (exchange) =>
    reply.redirect(`http://${exchange.req.headers.host}${path}`)(exchange);

/** Asked once each, in groups of their own. */
const OTHERS: Readonly<Record<string, Pick<Case, "live" | "dark">>> = {
  "/coded": { live: typed("application/json", "x", { "content-encoding": "x-own" }), dark: plain },
  "/broken": { live: reply.resetInBody(1_000), dark: plain },
  "/rules": {
    live: reply.json({ at: 1, tags: [1, 2], items: items(1, 2), score: 1 }, 200, { "x-own": "a", vary: "a" }),
    dark: reply.json({ at: 2, tags: [2, 1], items: items(9, 2).reverse(), score: 1.4 }, 200, { "x-own": "b", vary: "b" }),
  },
  "/same": { live: toOwn("/there?x=1"), dark: toOwn("/there?x=1") },
  "/other": { live: toOwn("/there"), dark: reply.redirect("https://elsewhere.example/there") },
  "/login/ann@example.com/x": { live: secrets(0), dark: secrets(100) },
  "/moment": { live: plain, dark: reply.after(300, plain) },
};

let world: MirrorWorld;
let endpoints: ReadonlyMap<string, Endpoint>;
let counts: Readonly<Record<string, Copies>>;
let stored = "";

const caseOf = ({ seen }: Exchange): Case | undefined => {
  const { pathname } = new URL(seen.url, "http://x");
  const other = OTHERS[pathname];
  return cases.get(pathname) ?? (other && { ...other, found: [] });
};

const answering =
  (pick: (one: Case, exchange: Exchange) => Responder): Responder =>
  (exchange) => {
    const one = caseOf(exchange);
    return (one === undefined ? reply.answer(200, exchange.origin) : pick(one, exchange))(exchange);
  };

async function askAll(): Promise<void> {
  for (const [path, { times = 1, method = "GET", headers = {} }] of cases) {
    const group = times > 1 ? "probed" : "compared";
    for (let at = 0; at < times; at += 5) {
      await Promise.all(Array.from({ length: Math.min(5, times - at) }, () => world.send(group, { path, method, headers })));
      // No more copies at once than an isolate holds.
      await sleep(20);
    }
  }
}

beforeAll(async () => {
  world = await startMirrors((origins) => {
    const of = (name: string, compare: object, mirror = {}, more = {}) =>
      mirrored(name, origins, { timeoutMs: 500, compare, ...mirror }, more);
    const { s1, s2, s3 } = origins;
    return [
      of("compared", { noisePercent: 0 }),
      of("probed", { noisePercent: 100 }),
      of("credentials", { noisePercent: 0 }),
      of(
        "fallback",
        { noisePercent: 0 },
        {},
        { lanes: { s1: { origins: { web: s1.url } }, s2: { weight: 1, origins: { web: s2.url } }, s3: { origins: { web: s3.url } } } },
      ),
      of("type", { noisePercent: 0 }),
      of("unfinished", { noisePercent: 0 }),
      of("writes", { noisePercent: 100 }, { writes: "send" }),
      of("paths", { noisePercent: 0 }),
      of("secret", { noisePercent: 100 }, { scrub: { json: ["ours.code"] } }),
      of("rules", {
        noisePercent: 0,
        headers: ["x-own"],
        ignore: ["body.at", "status"],
        unordered: ["body.tags"],
        key: { "body.items": "id" },
        tolerance: { "body.score": 0.5 },
      }),
      of("located", { noisePercent: 0 }),
    ];
  });
  world.s3.respond(answering(({ dark }) => dark));
  world.s1.respond(
    answering(({ live, again }, { seen }) => (headerOf(seen.headers, "x-lane-mirror") === undefined ? live : (again ?? live))),
  );
  await askAll();
  const cookie = "lane-credentials=1.1.5; session=1";
  await world.send("credentials", { headers: { cookie } });
  await world.send("credentials", { headers: { authorization: "Bearer x" } });
  await world.send("credentials", { headers: { cookie: "lane-credentials=1.1.5" } });
  await world.send("credentials", { headers: { "proxy-authorization": "Basic x" } });
  await world.s2.down();
  await world.send("fallback");
  await world.s2.up();
  await world.send("type", { path: "/coded" });
  await world.send("unfinished", { path: "/broken" });
  await world.send("writes", { method: "POST", body: "{}" });
  await world.send("writes", { method: "OPTIONS" });
  await world.send("rules", { path: "/rules" });
  for (const path of ["/same", "/other"]) await world.send("located", { path });
  for (let turn = 0; turn < 3; turn++) await world.send("secret", { path: "/login/ann@example.com/x?who=s3cr3t-value" });
  const word = (n: number) => Array.from({ length: 6 }, (_, i) => String.fromCharCode(103 + (Math.floor(n / 20 ** i) % 20))).join("");
  for (let n = 0; n < 260; n += 10)
    await Promise.all(Array.from({ length: 10 }, (_, i) => world.send("paths", { path: `/${word(n + i)}` })));
  await world.counted("paths", ({ sent, dropped }) => sent + (dropped.busy ?? 0) === 260);
  const groups = ["compared", "probed", "credentials", "fallback", "type", "unfinished", "writes", "paths", "secret", "rules", "located"];
  counts = Object.fromEntries(await Promise.all(groups.map(async (group) => [group, await world.copies(group)])));
  const found = await Promise.all(["compared", "probed"].map((group) => world.differences(group)));
  endpoints = new Map(found.flat().map((one) => [one.endpoint, one]));
  stored = (await world.admin("groups/secret/differences")).text;
}, 60_000);
afterAll(() => world?.close());

const endpointOf = (name: string, method = "GET"): Endpoint => {
  const one = endpoints.get(`${method} /s/${slug(name)}`);
  if (one === undefined) throw new Error(`${name}: not compared; ${[...endpoints.keys()].join(", ")}`);
  return one;
};
const places = ({ paths }: Pick<Endpoint, "paths">) => paths.map(({ kind, path }) => `${kind} ${path}`).sort();

describe("fault 74: a body of any kind has a defined result", () => {
  it.each(Object.entries(ONCE))("%s", (name, { found, method }) => {
    const one = endpointOf(name, method);
    expect(one.compared).toBe(1);
    expect(places(one)).toEqual([...found].sort());
    for (const path of one.paths) expect(path).toMatchObject({ raw: 1, noise: 0, verdict: "undecided" });
  });
});

describe("fault 73: a body that is too large, too deep or too much", () => {
  it.each(Object.entries(HOSTILE))("%s", (name, { found }) => {
    const one = endpointOf(name);
    expect(one.compared).toBe(1);
    for (const place of found) expect(places(one)).toContain(place);
    for (const { sample } of one.samples) expect(sample).toMatchObject({ truncated: true });
  });
});

describe("a verdict", () => {
  it.each(Object.entries(MANY))("%s", (name, { found, times }) => {
    const one = endpointOf(name);
    expect(one).toMatchObject({ compared: times, probed: times });
    expect(one.paths.map(({ kind, path, verdict }) => `${kind} ${path}: ${verdict}`)).toEqual(found);
  });
});

describe("fault 71: a copy that has no whole answer", () => {
  it("is a difference, never equal, and says why", () => {
    const why = (name: string) =>
      endpointOf(name).samples.map(({ sample }) => (sample as { differences: { right: string }[] }).differences[0]!.right);
    expect(why("a copy that is refused")).toEqual(['"connect"']);
    expect(why("a copy that never answers")).toEqual(['"timeout"']);
    expect(why("a copy that breaks off")).toEqual(['"connect"']);
  });
});

describe("what is not compared", () => {
  it("is counted: the copy lost credentials, of which our own cookie and what is hop-by-hop are none", () => {
    expect(counts.credentials).toMatchObject({ sent: 4, compared: 2, uncompared: { credentials: 2 } });
  });

  it("is counted: the primary fell back, came in a coding that nobody knows, or not whole", () => {
    expect(counts.fallback).toMatchObject({ sent: 1, compared: 0, uncompared: { fallback: 1 } });
    expect(counts.type).toMatchObject({ sent: 1, compared: 0, uncompared: { type: 1 } });
    expect(counts.unfinished).toMatchObject({ sent: 1, compared: 0, uncompared: { unfinished: 1 } });
  });

  it("is said by the lane file: ignored places, order, keys and tolerance, and headers of its own choice", async () => {
    expect((await world.differences("rules")).flatMap(places)).toEqual(["order body.items", "value body.items[].v", "value headers.x-own"]);
  });

  it("is an origin's own address in a Location", async () => {
    const [other, same] = await world.differences("located");
    expect([same!.endpoint, places(same!)]).toEqual(["GET /same", []]);
    expect([other!.endpoint, places(other!)]).toEqual(["GET /other", ["value headers.location"]]);
  });
});

describe("the second asking", () => {
  it("fault 72: is what a verdict needs: without it nothing is called noise or regression", () => {
    const verdicts = Object.keys(ONCE).flatMap((name) => endpointOf(name, ONCE[name]!.method).paths.map(({ verdict }) => verdict));
    expect(new Set(verdicts)).toEqual(new Set(["undecided"]));
  });

  it("is for GET and HEAD only", async () => {
    const found = await world.differences("writes");
    expect(found.map(({ endpoint, compared, probed }) => [endpoint, compared, probed])).toEqual([
      ["OPTIONS /x", 1, 0],
      ["POST /x", 1, 0],
    ]);
  });

  it("is a marked copy itself, and asked for at the same moment as the candidate", async () => {
    const { answer, live, copy } = await world.send("probed", { path: "/moment?who=x", headers: { accept: "application/json" } });
    const candidate = await copy();
    await sleep(50);
    const [first, again] = live();
    expect(answer.status).toBe(200);
    expect(Math.abs(again!.at - candidate.at)).toBeLessThan(150);
    expect(again!.at).toBeGreaterThan(first!.at);
    expect(headerOf(again!.headers, "x-lane-mirror")).toBe("probed/m");
    expect(headerOf(again!.headers, "x-lane")).toBe("s1");
    expect(headerOf(again!.headers, "x-forwarded-host")).toBe("probed.example-shadow");
    expect(headerOf(again!.headers, "traceparent")).not.toBe(headerOf(candidate.headers, "traceparent"));
  });
});

describe("fault 78: endless paths", () => {
  it("are 200 endpoints, and one for all others", async () => {
    const found = await world.differences("paths");
    expect(found).toHaveLength(201);
    const { sent, compared } = counts.paths!;
    expect(found.reduce((sum, one) => sum + one.compared, 0)).toBe(compared);
    expect(compared).toBe(sent);
    expect(found.find(({ endpoint }) => endpoint === "other")!.compared).toBe(sent - 200);
  });
});

describe("fault 79: what is stored", () => {
  it("has no secret in any row, and still says what differs", () => {
    for (const secret of [...SECRETS, encodeURIComponent("ann@example.com"), "ann"]) expect(stored, secret).not.toContain(secret);
    const [one] = JSON.parse(stored).endpoints as Endpoint[];
    expect(one).toMatchObject({ endpoint: "GET /login/:id/x", compared: 3 });
    expect(places(one!)).toContain("value body.turn");
    expect(places(one!)).toContain("value body.password");
    expect(one!.samples.length).toBeGreaterThan(0);
  });

  it("is gone once it is deleted", async () => {
    expect((await world.admin("groups/secret/differences", "DELETE")).status).toBe(204);
    expect(await world.differences("secret")).toEqual([]);
  });
});
