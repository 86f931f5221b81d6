/** What two answers mean alike and write otherwise, and a wrong price beside a time stamp in any format, through the router. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { FORMATS, OPAQUE } from "../support/formats.ts";
import { runLanes } from "../support/lanes.ts";
import { headerOf, type Responder } from "../support/origin.ts";
import * as reply from "../support/replies.ts";
import { type Endpoint, type MirrorWorld, mirrored, startMirrors, TOKEN } from "./mirrors.ts";
import { sleep } from "./world.ts";

interface Case {
  readonly live: Responder;
  readonly dark: Responder;
  readonly times: number;
  /** `kind path: verdict` */
  readonly found: readonly string[];
}

let now = 0;
const stamp = () => `2026-11-25T09.${++now}`;
const typed = (type: string, body: string | Uint8Array, headers = {}) => reply.answer(200, body, { "content-type": type, ...headers });
const always = (live: Responder, dark: Responder, found: readonly string[]): Case => ({
  live,
  dark,
  found,
  times: found.length > 0 ? 40 : 3,
});

const formats = Object.entries(FORMATS).map(([name, { type, write, at, price }]): [string, Case] => {
  const asking =
    (price: string): Responder =>
    (exchange) =>
      typed(type, write(stamp(), price))(exchange);
  const found = at === price ? [`${price}: regression`] : [`${at}: noise`, `${price}: regression`];
  return [`fault C2: a time stamp and a wrong price in ${name}`, always(asking("12.50"), asking("13.50"), found)];
});
const opaque = Object.entries(OPAQUE).map(([name, { type, write, place }]): [string, Case] => {
  const asking =
    (price: string): Responder =>
    (exchange) =>
      typed(type, write(stamp().padStart(24, "0"), price))(exchange);
  return [
    `fault C2: nothing is said of what nobody can take apart, ${name}`,
    always(asking("12.50"), asking("13.50"), [`${place}: undecided`]),
  ];
});

/** As an origin that builds its addresses from the host that it is told. */
const ofHost =
  (make: (host: string) => Responder): Responder =>
  (exchange) =>
    make(headerOf(exchange.seen.headers, "x-forwarded-host")!)(exchange);
const alike = (make: (host: string) => Responder): Case => always(ofHost(make), ofHost(make), []);
const unlike = (live: (host: string) => Responder, dark: (host: string) => Responder, ...found: string[]): Case =>
  always(ofHost(live), ofHost(dark), found);

const HOSTS: Readonly<Record<string, Case>> = {
  "a redirect to the host of the copy is the primary's": alike((host) =>
    reply.redirect(`https://${host}/login?back=http%3A%2F%2F${host}%2Fcart`),
  ),
  "links in JSON, escaped or not, are the primary's": alike((host) =>
    typed("application/json", `{"self":"https://${host}/1","next":"https:\\/\\/${host}\\/2","u":"\\u002f\\u002f${host}"}`),
  ),
  "links in a page are the primary's": alike((host) =>
    typed("text/html", `<a href="//${host}/x">${host}</a><script>base="https:\\/\\/${host}"</script>`),
  ),
  "links in text are the primary's": alike((host) =>
    typed("text/plain", `see http://${host.toUpperCase().replace("-SHADOW", "-shadow")}.`),
  ),
  "headers are the primary's": alike((host) =>
    typed("text/plain", "x", {
      link: `<https://${host}/next>; rel=next`,
      refresh: `1; url=https://${host}/`,
      "set-cookie": ["a=1", `b=2; Domain=.${host}; Path=/`],
    }),
  ),
  "a redirect that is broken is a regression": unlike(
    (host) => reply.redirect(`https://${host}/login`),
    (host) => reply.redirect(`https://${host}/logon`),
    "value headers.location: regression",
  ),
  "a link to another host is a regression": unlike(
    (host) => reply.json({ self: `https://${host}/1` }),
    (host) => reply.json({ self: `https://${host}.evil.example/1` }),
    "value body.self: regression",
  ),
  "a cookie of a wrong path beside a random one is a regression": unlike(
    (host) => typed("text/plain", "x", { "set-cookie": ["b=2; Path=/", `sid=${++now}; Domain=${host}`] }),
    (host) => typed("text/plain", "x", { "set-cookie": ["b=2; Path=/x", `sid=${++now}; Domain=${host}`] }),
    "value headers.set-cookie: regression",
  ),
};

const number = (left: string, right: string, differs: boolean): Case =>
  always(
    typed("application/json", `{"n":[${left}]}`),
    typed("application/json", `{"n":[${right}]}`),
    differs ? ["value body.n[]: regression"] : [],
  );
const NUMBERS: Readonly<Record<string, Case>> = {
  "the last of nineteen digits": number("1.000000000000000001", "1.000000000000000002", true),
  "cents behind seventeen digits": number("12345678901234567.89", "12345678901234567.88", true),
  "beyond a double's integers, written otherwise": number("9007199254740993", "9007199254740992.0", true),
  "beyond a double's range": number("1e400", "2e400", true),
  "below a double's range": number("1e-400", "2e-400", true),
  "an exponent of nine digits": number("1e999999999", "1e999999998", true),
  "one in four spellings": number("1,1,1,100", "1.0,1e0,10E-1,1e2", false),
  "no sign of nothing": number("-0,0.0", "0,-0e5", false),
  "large ones, written otherwise": number("12345678901234567890,1e400", "1.234567890123456789e19,10.0e399", false),
  "a key twice": always(typed("application/json", '{"a":1,"a":2}'), typed("application/json", '{"a":2}'), ["type body.a: regression"]),
  "a key twice, the last the same": always(typed("application/json", '{"a":1,"a":2}'), typed("application/json", '{"a":0,"a":2}'), [
    "value body.a[]: regression",
  ]),
};

const headers = (left: object, right: object, ...names: string[]): Case =>
  always(
    typed("text/plain", "x", left),
    typed("text/plain", "x", right),
    names.map((name) => `value headers.${name}: regression`),
  );
const HEADERS: Readonly<Record<string, Case>> = {
  "a charset and a type in another letter case": headers(
    { "content-type": "text/plain;charset=UTF-8" },
    { "content-type": 'Text/Plain; Charset="utf-8"' },
  ),
  "fields in another order and letter case": headers({ vary: "Accept-Encoding, Origin" }, { vary: "origin,accept-encoding" }),
  "directives in another order and letter case": headers(
    { "cache-control": 'Public, Max-Age=60, no-cache="Set-Cookie"' },
    { "cache-control": "no-cache=set-cookie,max-age=060,public" },
  ),
  "a host in another letter case": headers({ location: "HTTPS://Other.Example:443/A" }, { location: "https://other.example/A" }),
  "links in another order": headers({ link: '</a>; rel=next, </b>; rel="prev"' }, { link: "</b>;rel=Prev,</a>;rel=next" }),
  "cookies in another order": headers(
    { "set-cookie": ["a=1; Path=/; HttpOnly", "b=2"] },
    { "set-cookie": ["b=2", "a=1; httponly; path=/"] },
  ),
  "a path in another letter case differs": headers({ location: "/A" }, { location: "/a" }, "location"),
  "a method in another letter case differs": headers({ allow: "GET" }, { allow: "get" }, "allow"),
  "a tag of another strength differs": headers({ etag: '"a"' }, { etag: 'W/"a"' }, "etag"),
  "another directive differs": headers(
    { "cache-control": "max-age=60, public" },
    { "cache-control": "public, max-age=61" },
    "cache-control",
  ),
  "a boundary in another letter case differs": headers(
    { "content-type": "multipart/mixed; boundary=A" },
    { "content-type": "multipart/mixed; boundary=a" },
    "content-type",
  ),
};

let drawn = 0;
/** As a UUID is written; never one twice. */
const uuid = () => `${(++drawn).toString(16).padStart(8, "0")}-ee8a-4ca4-894e-${(drawn * 7919).toString(16).padStart(12, "0")}`;
const same = (type: string, left: string, right: string): Case => always(typed(type, left), typed(type, right), []);
/** Each answer is made anew. */
const unsteady = (type: string, left: () => string, right: () => string, ...found: string[]): Case =>
  always(
    (exchange) => typed(type, left())(exchange),
    (exchange) => typed(type, right())(exchange),
    found,
  );
const table = (...cells: string[]) => `<p>${stamp()}</p><table>${cells.map((cell) => `<tr><td>${cell}</td></tr>`).join("")}</table>`;
const items = (one: object) => JSON.stringify({ items: Array.from({ length: 1 + (++drawn % 37) }, (_, id) => ({ id, ...one })) });
const coded = (price: number) => JSON.stringify({ state: btoa(JSON.stringify({ at: stamp(), price, pad: "x".repeat(600) })) });
const sentence = (text: string) => JSON.stringify({ m: `${stamp()} ${text}` });
const link = (role: string) => JSON.stringify({ link: `${uuid()}_${role}` });
const TEXTS: Readonly<Record<string, Case>> = {
  "attributes in another order": same("text/html", '<a href="/x" class="c d">x</a>', '<a class="d c" href="/x">x</a>'),
  "references to characters": same("application/xml", '<r a="&#39;">caf&#233; &lt;</r>', '<r a="\'">caf\u00e9 <![CDATA[<]]></r>'),
  "cells that changed their places beside a time stamp": unsteady(
    "text/html",
    () => table("Apple", "1", "Pear", "2"),
    () => table("Apple", "2", "Pear", "1"),
    "value body.p.#text: noise",
    "order body.table.tr.td.#text: regression",
  ),
  "elements of lists that are never of one length": unsteady(
    "application/json",
    () => items({ price: 5, stock: 3 }),
    () => items({ price: "NaN" }),
    "length body.items: noise",
    "missing body.items[].stock: regression",
    "type body.items[].price: regression",
  ),
  "words that changed their places": unsteady(
    "application/json",
    () => sentence("debit 100 credit 200"),
    () => sentence("debit 200 credit 100"),
    "value body.m: regression",
  ),
  "a word joined to a random one": unsteady(
    "application/json",
    () => link("guest"),
    () => link("admin"),
    "value body.link: regression",
  ),
  "a long text that is coded": unsteady(
    "application/json",
    () => coded(10),
    () => coded(99),
    "value body.state: undecided",
  ),
};
const redirect = (left: (exchange: Parameters<Responder>[0]) => string, right: typeof left, ...found: string[]): Case =>
  always(
    (exchange) => reply.redirect(left(exchange))(exchange),
    (exchange) => reply.redirect(right(exchange))(exchange),
    found,
  );
const ADDRESSES: Readonly<Record<string, Case>> = {
  "an address relative to the one that was asked": redirect(
    () => "/login",
    ({ seen }) => `http://${headerOf(seen.headers, "x-forwarded-host")}:80/login`,
  ),
  "an encoded octet in another letter case": redirect(
    () => "/a%2fb",
    () => "/a%2Fb",
  ),
  "a segment beside a random one": redirect(
    () => `/orders/${uuid()}`,
    () => `/error/${uuid()}`,
    "value headers.location: regression",
  ),
};

const named = (fault: string, cases: Readonly<Record<string, Case>>) =>
  Object.entries(cases).map(([name, one]): [string, Case] => [`fault ${fault}: ${name}`, one]);
const ALL = [
  ...formats,
  ...opaque,
  ...named("C2", TEXTS),
  ...named("C2, C5", ADDRESSES),
  ...named("C1", HOSTS),
  ...named("C3", NUMBERS),
  ...named("C5", HEADERS),
];
/** Words of letters only, so that no endpoint is taken for an id. */
const pathOf = (at: number) => `/case/${String.fromCharCode(97 + Math.floor(at / 26))}${String.fromCharCode(97 + (at % 26))}`;

let world: MirrorWorld;
const endpoints = new Map<string, Endpoint>();

beforeAll(async () => {
  world = await startMirrors((origins) =>
    // Each in a mirror of its own: the more places differ by themselves, the more evidence the next one needs.
    ALL.map((_, at) =>
      mirrored(`g${at}`, origins, {
        timeoutMs: 2_000,
        compare: {
          noisePercent: 100,
          headers: ["content-type", "location", "cache-control", "vary", "link", "refresh", "set-cookie", "allow", "etag"],
        },
      }),
    ),
  );
  const side =
    (pick: (one: Case) => Responder): Responder =>
    (exchange) => {
      const at = ALL.findIndex((_, at) => pathOf(at) === exchange.seen.url);
      return at < 0 ? reply.answer(200, "")(exchange) : pick(ALL[at]![1])(exchange);
    };
  world.s1.respond(side(({ live }) => live));
  world.s3.respond(side(({ dark }) => dark));
  for (const [at, [, { times }]] of ALL.entries()) {
    for (let done = 0; done < times; done += 10) {
      await Promise.all(Array.from({ length: Math.min(10, times - done) }, () => world.send(`g${at}`, { path: pathOf(at) })));
      // No more copies at once than an isolate holds.
      await sleep(10);
    }
  }
  const last = ALL.length - 1;
  await world.counted(`g${last}`, ({ compared }) => compared >= ALL[last]![1].times);
  for (const at of ALL.keys()) for (const one of await world.differences(`g${at}`)) endpoints.set(one.endpoint, one);
}, 120_000);
afterAll(() => world?.close());

it("what nobody can take apart is said to be so on the command line, too", async () => {
  const group = `g${ALL.findIndex(([name]) => name.includes("one word as text/html"))}`;
  const { code, out } = await runLanes(["differences", group], { env: { LANEWAY_URL: world.router.url, LANEWAY_ADMIN_TOKEN: TOKEN } });
  expect(out).toMatch(/^ {2}undecided +body\[\] +value +40 +40\n {2}undecided: .*may hide in it$/m);
  expect(code).toBe(1);
});

it("fault C2: an answer whose beginning alone was compared says so, though nothing differs in it", async () => {
  const of = (end: string) => reply.answer(200, "x ".repeat(150_000) + end, { "content-type": "text/plain" });
  world.s1.respond(of("1"));
  world.s3.respond(of("2"));
  await world.send("g0", { path: "/long" });
  await world.send("g0", { path: "/long" });
  await vi.waitFor(
    async () => {
      const long = (await world.differences("g0")).find(({ endpoint }) => endpoint === "GET /long");
      expect(long).toMatchObject({ compared: 2, truncated: 2, paths: [] });
    },
    { timeout: 15_000, interval: 500 },
  );
  const { out } = await runLanes(["differences", "g0"], { env: { LANEWAY_URL: world.router.url, LANEWAY_ADMIN_TOKEN: TOKEN } });
  expect(out).toMatch(/of 2 requests only a beginning of the answers was compared/);
});

describe("a comparison", () => {
  it.each(ALL.map(([name, { times, found }], at) => [name, times, found, pathOf(at)] as const))("%s", (_, times, found, path) => {
    const one = endpoints.get(`GET ${path}`);
    expect(one).toMatchObject({ compared: times, probed: times });
    expect(one!.paths.map(({ kind, path, verdict }) => `${kind} ${path}: ${verdict}`).sort()).toEqual([...found].sort());
  });
});
