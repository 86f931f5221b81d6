/** Contract section 4: which headers of a request reach an origin, what an answer says of the origin's own address, and that bytes stay what they are. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { windowOf, writeContext } from "../../src/core/context.ts";
import { signerWith } from "../support/decision.ts";
import { headerOf } from "../support/origin.ts";
import { PLANT_HEADER, plantable } from "../support/plant.ts";
import { sendRaw } from "../support/raw-client.ts";
import * as reply from "../support/replies.ts";
import { startRouter, TEST_SECRET } from "../support/router.ts";
import { clientSaw, group, sleep, startWorld, until, type World } from "./world.ts";

const TOKEN = "admin-token-admin-token-admin-token-1";

let world: World;

beforeAll(async () => {
  world = await startWorld(
    (origins) => {
      const { s1, s2, s3 } = origins;
      const lanes = (web: (url: string) => unknown) => ({
        s1: { weight: 1, origins: { web: web(s1.url) } },
        s2: { origins: { web: web(s2.url) } },
        s3: { origins: { web: web(s3.url) } },
      });
      const files = [
        group("shop", origins, {
          lanes: lanes((url) => ({ url, headers: { "x-edge-user": "nobody", x_odd: "ours" } })),
          propagate: { header: "x-tag", headers: ["version-id", { prefix: "user-" }] },
        }),
        group("prefixed", origins, {
          lanes: lanes((url) => ({ url: `${url}/prefix`, headers: { "x-edge-user": "nobody" } })),
          propagate: { headers: [{ prefix: "x" }] },
        }),
        group("named", origins, { lanes: lanes((url) => `${url.replace("127.0.0.1", "localhost")}/prefix`) }),
        group("stripped", origins, {
          services: { web: { path: "/api/shop" } },
          lanes: lanes((url) => ({ url: `${url}/v2`, strip: "/api/shop" })),
        }),
        group("bound", origins, {
          services: { web: { path: "/api/shop" } },
          lanes: { s1: { weight: 1, origins: { web: { binding: "SHOP", strip: "/api/shop" } } } },
          rules: [],
        }),
        group("answers", origins, {
          lanes: lanes((url) => ({ url, answerHeaders: { "Cache-Control": "public, s-maxage=60", "x-old": null, "X-New": "1" } })),
          rules: [],
        }),
        group("compared", origins, {
          rules: [],
          lanes: {
            s1: { weight: 1, origins: { web: s1.url } },
            s3: { origins: { web: { url: `${s3.url}/v3`, answerHeaders: { "cache-control": "no-cache", vary: null } } } },
          },
          mirrors: [
            { name: "m", lane: "s3", percent: 100, compare: { noisePercent: 0, headers: ["cache-control", "vary", "link", "refresh"] } },
          ],
        }),
        group("cookies", origins, {
          rules: [
            { name: "date", when: { cookie: { last: "Mon, 30 Nov 2026 10:00:00 GMT" } }, lane: "s2" },
            { name: "json", when: { cookie: { prefs: '{"a": 1, "b": 2}' } }, lane: "s3" },
            { name: "second", when: { cookie: { second: "2" } }, lane: "s2" },
          ],
        }),
      ];
      return Object.fromEntries(files.map((file) => [file.name, file]));
    },
    {
      build: plantable,
      bindings: { LANEWAY_ADMIN_TOKEN: TOKEN, ADMIN_HOST: "admin.example" },
      workers: {
        SHOP: `export default { async fetch(request) {
          const url = new URL(request.url);
          if (url.pathname !== "/go") return Response.json({ url: request.url, host: request.headers.get("host") });
          return new Response(null, { status: 302, headers: { location: new URL("/there?x=1", request.url).href, "set-cookie": "a=1; Path=/" } });
        } }`,
      },
    },
  );
  for (let i = 0; i < 100 && (await world.router.fetch("/", { host: "shop.example" })).status !== 200; i++) await sleep(20);
}, 30_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

const contextOf = (name: string) =>
  writeContext({ group: name, lane: "s2", hop: 1, window: windowOf(Date.now() / 1000), mirror: null }, signerWith(TEST_SECRET));

/** The decision fails, so that the request takes the way that is open then. */
const failing = { [PLANT_HEADER]: "decide" };

const FAMILY = {
  forwarded: "for=203.0.113.9",
  "x-forwarded-prefix": "//evil.example",
  "x-forwarded-port": "1",
  "x-forwarded-ssl": "on",
  "x-forwarded-scheme": "https",
  "x-forwarded-user": "admin",
  "x-forwarded-client-cert": "x",
  "x-original-url": "/admin",
  "x-original-forwarded-for": "203.0.113.9",
  "x-rewrite-url": "/admin",
  "x-real-ip": "203.0.113.9",
  "client-ip": "203.0.113.9",
  "x-client-ip": "203.0.113.9",
  "true-client-ip": "203.0.113.9",
  "x-cluster-client-ip": "203.0.113.9",
  "fastly-client-ip": "203.0.113.9",
  "remote-addr": "203.0.113.9",
  "x-remote-addr": "203.0.113.9",
  "x-envoy-external-address": "203.0.113.9",
  "x-envoy-original-path": "/admin",
  "x-rewrite-uri": "/admin",
  "x-script-name": "//evil.example",
  "x-host": "evil.example",
  "x-http-host-override": "evil.example",
  "x-scheme": "http",
  "front-end-https": "off",
};
const SPELLINGS = {
  X_Real_IP: "203.0.113.9",
  "x_forwarded-prefix": "//evil",
  "x.original.url": "/admin",
  Content_Length: "1",
  CF_Connecting_IP: "203.0.113.9",
  True_Client_IP: "203.0.113.9",
  "x.host": "evil.example",
};

describe("a client's word about addresses", () => {
  it.each<[string, Record<string, string>]>([
    ["to a lane", {}],
    ["on the road that is open when our own code fails", failing],
  ])("fault A7: ends here, whole and in every spelling: %s", async (_, more) => {
    const { client, seen } = await world.ask("shop", { headers: { ...FAMILY, ...SPELLINGS, ...more, "x-other": "1" } });
    const sent = new Map(seen[0]!.headers.map(([name, value]) => [name.toLowerCase(), value]));
    expect([...Object.keys(FAMILY), ...Object.keys(SPELLINGS)].filter((name) => sent.has(name.toLowerCase()))).toEqual([]);
    expect([client.status, sent.get("x-forwarded-host"), sent.get("x-forwarded-proto"), sent.get("x-other")]).toEqual([
      200,
      "shop.example",
      "http",
      "1",
    ]);
  });

  it("fault A7: reaches no copy", async () => {
    for (const origin of [world.s1, world.s3]) origin.respond(reply.answer(200, "x", { "cache-control": "no-cache" }));
    await world.ask("compared", { headers: { ...FAMILY, ...SPELLINGS } });
    expect(await until(() => world.s3.requests.length > 0)).toBe(true);
    const names = world.s3.requests[0]!.headers.map(([name]) => name.toLowerCase());
    expect([...Object.keys(FAMILY), ...Object.keys(SPELLINGS)].filter((name) => names.includes(name.toLowerCase()))).toEqual([]);
    expect(headerOf(world.s3.requests[0]!.headers, "x-forwarded-host")).toBe("compared.example-shadow");
  });

  it("fault A7: passes within a chain, our own set and the addresses appended, but in no other spelling", async () => {
    const headers = { ...FAMILY, ...SPELLINGS, "x-lane-context": contextOf("shop"), "x-forwarded-host": "evil.example" };
    const { client, seen } = await world.ask("shop", {
      headers: { ...headers, "x-forwarded-for": "198.51.100.7", "cf-connecting-ip": "192.0.2.1" },
    });
    const sent = new Map(seen[0]!.headers.map(([name, value]) => [name.toLowerCase(), value]));
    const { forwarded: _, ...passed } = FAMILY;
    expect([client.lane, Object.keys(passed).filter((name) => sent.get(name) !== passed[name as keyof typeof passed])]).toEqual(["s2", []]);
    expect(["forwarded", ...Object.keys(SPELLINGS)].filter((name) => sent.has(name.toLowerCase()))).toEqual([]);
    expect([sent.get("x-forwarded-host"), sent.get("x-forwarded-for")]).toEqual(["shop.example", "198.51.100.7, 192.0.2.1"]);
  });

  it("fault A7: is believed of no visitor, but passes as the platform's own, by the name that Cloudflare can give it", async () => {
    const asked = async (said: string) => {
      world.reset();
      const { seen } = await world.ask("shop", { headers: { "true-client-ip": said, "cf-connecting-ip": "192.0.2.1" } });
      const sent = seen[0]!.headers;
      return [headerOf(sent, "true-client-ip"), headerOf(sent, "x-forwarded-for")];
    };
    expect(await asked("192.0.2.1")).toEqual(["192.0.2.1", "192.0.2.1"]);
    expect(await asked("203.0.113.9")).toEqual([undefined, "192.0.2.1"]);
  });

  it("faults A7, A8: becomes no header by way of the baggage", async () => {
    const members = ["x-real-ip", "x-original-url", "x_rewrite_url", "x-client-ip", "x_host", "x_edge_user", "x-user-id"];
    const { seen } = await world.ask("prefixed", { headers: { baggage: members.map((key) => `${key}=1`).join(",") } });
    expect([...members, "x-edge-user"].map((name) => headerOf(seen[0]!.headers, name))).toEqual([
      ...Array(6).fill(undefined),
      "1",
      "nobody",
    ]);
  });
});

describe("another spelling of what the lane file sets", () => {
  const SET = {
    x_edge_user: "admin",
    "X.Edge.User": "admin",
    "x-odd": "theirs",
    x_tag: "s1",
    version_id: "9",
    user_tier: "gold",
    "user.tier": "gold",
  };
  it.each<[string, Record<string, string>]>([
    ["to a lane", {}],
    ["within a chain", { "x-lane-context": "shop" }],
    ["on the road that is open when our own code fails", failing],
  ])("fault A8: ends here: %s", async (_, more) => {
    const context = more["x-lane-context"] === undefined ? more : { "x-lane-context": contextOf("shop") };
    const { client, seen } = await world.ask("shop", { headers: { ...SET, ...context, "version-id": "8", "user-name": "n" } });
    const sent = new Map(seen[0]!.headers.map(([name, value]) => [name.toLowerCase(), value]));
    expect([client.status, ...Object.keys(SET).filter((name) => sent.has(name.toLowerCase()))]).toEqual([200]);
    expect(["x-edge-user", "x_odd", "version-id", "user-name"].map((name) => sent.get(name))).toEqual(["nobody", "ours", "8", "n"]);
  });
});

describe("what an answer says of the origin's own address", () => {
  /** As a browser reads it. */
  const followed = (location: string | undefined, host: string, path = "/x") => new URL(location!, `http://${host}${path}`).href;

  it.each<[string, string]>([
    ["\t/evil.example/", "/"],
    ["/\t/evil.example/", ""],
    ["\\/evil.example/", ""],
    ["/./\\evil.example/", ""],
    ["///evil.example/", "/"],
  ])("fault A9: is on our host for a browser, too: /prefix%j", async (rest, more) => {
    world.s2.respond(
      reply.raw(
        `HTTP/1.1 302 Found\r\nlocation: /prefix${rest}\r\nrefresh: 0;url=/prefix${rest}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
      ),
    );
    const { answer } = await world.ask("prefixed");
    const expected = rest.startsWith("\t") ? "http://prefixed.example/evil.example/" : `http://prefixed.example${more}//evil.example/`;
    expect(followed(answer.headers.location, "prefixed.example")).toBe(expected);
    expect(followed(String(answer.headers.refresh).slice("0;url=".length), "prefixed.example")).toBe(expected);
  });

  const redirecting = (origin: string) => {
    const own = new URL(origin);
    const other = `http://${own.hostname}:1`;
    return reply.answer(302, "", {
      location: `${other}/prefix/login?x=1#f`,
      "content-location": `https://${own.hostname}/prefix/here`,
      refresh: `5; url="http://${own.host}/prefix/next"`,
      link: `<${other}/prefix/style.css>; rel=preload, </prefix/b>; rel=next; title="</prefix/c>", <https://cdn.example/prefix/d>`,
      "set-cookie": ["sid=1; Path=/prefix; HttpOnly", "b=2; Path=/prefix/deep; Domain=localhost", "c=3; Domain=shop.example"],
      connection: "x-hop",
      "x-hop": "1",
      "keep-alive": "timeout=5",
      "proxy-authenticate": "Basic",
      "x-lane": "s9",
      "x-other": "1",
    });
  };

  it.each<[string, Record<string, string>, "s1" | "s2"]>([
    ["of a lane", {}, "s2"],
    ["of the baseline on the road that is open when our own code fails", failing, "s1"],
  ])("faults B4, B5: is the public one, whatever scheme and port it has, and nothing else: %s", async (_, headers, lane) => {
    world[lane].respond(redirecting(world[lane].url.replace("127.0.0.1", "localhost")));
    const { answer, asked } = await world.ask("named", { headers });
    expect([asked, answer.status]).toEqual([[lane], 302]);
    expect(answer.headers).toMatchObject({
      location: "http://named.example/login?x=1#f",
      "content-location": "http://named.example/here",
      refresh: '5; url="http://named.example/next"',
      link: '<http://named.example/style.css>; rel=preload, </b>; rel=next; title="</prefix/c>", <https://cdn.example/prefix/d>',
      "set-cookie": ["sid=1; Path=/; HttpOnly", "b=2; Path=/deep", "c=3; Domain=shop.example"],
      "x-other": "1",
    });
    expect(["x-hop", "proxy-authenticate"].filter((name) => name in answer.headers)).toEqual([]);
    expect(answer.headers["keep-alive"]).not.toBe("timeout=5");
    expect(answer.headers["x-lane"]).toBe(lane === "s2" ? "s2" : undefined);
  });

  it("fault B4: on the public host, with the origin's own port", async () => {
    world.s2.respond(reply.redirect(`http://named.example:${new URL(world.s2.url).port}/prefix/login`));
    expect((await world.ask("named")).answer.headers.location).toBe("http://named.example/login");
    // Meant: it would go in circles.
    world.s2.respond(reply.redirect("https://named.example/x"));
    expect((await world.ask("named")).answer.headers.location).toBe("https://named.example/x");
  });
});

describe("a prefix that the origin does not know", () => {
  it.each([
    ["/api/shop/x?q=1", "/v2/x?q=1"],
    ["/api/shop", "/v2"],
    ["/api/shop/", "/v2/"],
    ["/api/shop//evil.example", "/v2//evil.example"],
    ["/api/shop/..%2f..%2fadmin", "/v2/..%2f..%2fadmin"],
    ["/api/shop/@evil.example/", "/v2/@evil.example/"],
    ["/api/shop/:1/", "/v2/:1/"],
  ])("is taken off: %s becomes %s", async (path, url) => {
    const { client, seen } = await world.ask("stripped", { path });
    expect([client.status, seen.map((each) => each.url)]).toEqual([200, [url]]);
  });

  it.each(["/api/shop/../admin", "/api/shop/%2e%2e/admin", "/api/shop%2fx", "/api/shopping", "/api"])(
    "cannot be left: %s is none of that service's",
    async (path) => {
      const { client, seen } = await world.ask("stripped", { path });
      expect([client.status, seen]).toEqual([404, []]);
    },
  );

  it.each<[string, Record<string, string>, "s1" | "s2"]>([
    ["of a lane", {}, "s2"],
    ["of the baseline when our own code fails", failing, "s1"],
  ])("is put back in every answer, so that a client that follows it comes to where the origin meant: %s", async (_, headers, lane) => {
    const { url } = world[lane];
    for (const [location, meant] of [
      ["/v2/a?b", "/v2/a?b"],
      [`${url}/v2`, "/v2"],
      ["//evil.example", null],
      ["/v2//evil.example/", "/v2//evil.example/"],
      ["../v2/c", "/v2/c"],
      ["d", "/v2/d"],
      ["/v2/api/shop/e", "/v2/api/shop/e"],
    ] as const) {
      world.reset();
      const link = `<${location}>; rel=next`;
      world[lane].respondOnce(reply.answer(302, "", { location, link, "set-cookie": ["a=1; Path=/v2/a", "b=2; Path=/"] }));
      const { answer } = await world.ask("stripped", { path: "/api/shop/x", headers });
      const next = followedFrom(answer.headers.location!);
      expect(followedFrom(/^<(.*)>/.exec(String(answer.headers.link))![1]!).href).toBe(next.href);
      expect(answer.headers["set-cookie"]).toEqual(["a=1; Path=/api/shop/a", "b=2; Path=/api/shop"]);
      if (meant === null) {
        expect(next.host).toBe("evil.example");
        continue;
      }
      expect(next.host).toBe("stripped.example");
      const { seen } = await world.ask("stripped", { path: next.pathname + next.search, headers });
      expect(seen.at(-1)!.url).toBe(meant);
    }
  });
  const followedFrom = (location: string) => new URL(location, "http://stripped.example/api/shop/x");

  it("is taken off and put back for a binding, too, which gets the public host", async () => {
    const direct = await world.router.fetch("/api/shop/a?b", { host: "bound.example:81" });
    expect(JSON.parse(direct.text)).toEqual({ url: "http://bound.example:81/a?b", host: "bound.example:81" });
    const { headers } = await world.router.fetch("/api/shop/go", { host: "bound.example" });
    clientSaw("302");
    expect([headers.location, headers["set-cookie"]?.[0]]).toEqual(["http://bound.example/api/shop/there?x=1", "a=1; Path=/api/shop"]);
  });
});

describe("headers that the lane file sets on answers", () => {
  it.each<[string, Record<string, string>]>([
    ["of a lane", {}],
    ["on the road that is open when our own code fails", failing],
  ])("are set and removed: %s", async (_, headers) => {
    world.s1.respond(reply.answer(200, "x", { "cache-control": "no-store", "x-old": "1", "x-new": ["2", "3"], "x-other": "1" }));
    const { answer } = await world.ask("answers", { headers: { ...headers, cookie: "lane-answers=1.1.5" } });
    expect(["cache-control", "x-old", "x-new", "x-other"].map((name) => answer.headers[name])).toEqual([
      "public, s-maxage=60",
      undefined,
      "1",
      "1",
    ]);
  });

  it("open no shared cache to what is one visitor's own", async () => {
    const { answer } = await world.ask("answers", { headers: { "sec-fetch-dest": "document" } });
    expect([answer.headers["cache-control"], answer.headers["set-cookie"]?.length]).toEqual(["private", 1]);
  });

  it("are what copies are compared by, as are URLs that were mapped back", async () => {
    const headers = (prefix: string) => ({ link: `<${prefix}/a>`, refresh: `1;url=${prefix}/b` });
    world.s1.respond(reply.answer(200, "x", { "cache-control": "no-cache", ...headers("") }));
    world.s3.respond(reply.answer(200, "x", { "cache-control": "public", vary: "cookie", ...headers("/v3") }));
    await world.ask("compared");
    const stats = async () => {
      const { text } = await world.router.fetch("/__lanes/api/groups/compared/differences", {
        host: "admin.example",
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      return JSON.parse(text) as { endpoints?: { paths?: unknown[]; requests?: number; compared?: number }[] };
    };
    let told = await stats();
    for (let i = 0; i < 300 && (told.endpoints?.length ?? 0) === 0; i++) {
      await sleep(30);
      // A batch leaves with a later request.
      if (i % 20 === 0) await world.router.fetch("/", { host: "shop.example" });
      told = await stats();
    }
    expect(world.s3.requests.length).toBeGreaterThan(0);
    expect(told.endpoints!.flatMap(({ paths }) => paths ?? [])).toEqual([]);
  }, 20_000);

  it("are shown by explain, with the URL that the origin is asked for", async () => {
    const explain = async (url: string) => {
      const answer = await world.router.fetch("/__lanes/api/explain", {
        host: "admin.example",
        method: "POST",
        headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
        body: JSON.stringify({
          url,
          headers: { x_real_ip: "1", "x-forwarded-prefix": "/", "X-Client-IP": "1", cookie: "lane-answers=1.1.5" },
        }),
      });
      return JSON.parse(answer.text);
    };
    const answers = await explain("http://answers.example/x");
    expect(answers.responseHeaders).toMatchObject({ "cache-control": "public, s-maxage=60", "x-new": "1" });
    expect(answers.removedResponseHeaders).toEqual([{ name: "x-old", why: "the lane file removes it" }]);
    expect(answers.removedHeaders).toEqual([
      { name: "cookie", why: "held the lane cookie only" },
      { name: "x-client-ip", why: "a client's word about addresses" },
      { name: "x-forwarded-prefix", why: "a client's word about addresses" },
      { name: "x_real_ip", why: "a client's word about addresses" },
    ]);
    expect((await explain("http://stripped.example/api/shop/x?q")).origin).toBe(`${world.s2.url}/v2/x?q`);
  });
});

describe("bytes that are no UTF-8", () => {
  const get = (host: string, lines: readonly string[]) =>
    sendRaw(world.router.url, [`GET /x HTTP/1.1`, `Host: ${host}`, ...lines, "Connection: close", "", ""].join("\r\n"));
  const cookieOf = (name: "s1" | "s2") => headerOf(world[name].requests.at(-1)!.headers, "cookie");

  it.each<[string, string[]]>([
    ["to a lane", []],
    ["when our own code fails", [`${PLANT_HEADER}: decide`]],
  ])("fault B8: in Cookie come as they were sent: %s", async (_, more) => {
    for (const bytes of ["Z\xfcrich", "\xff\x80", "Z\xc3\xbcrich", "a\xfc; b=\xe9\xe8"]) {
      const { status } = await get("shop.example", [`Cookie: city=${bytes}; lane-shop=1.1.77; z=1`, ...more]);
      clientSaw(`${status}`);
      const cookie = cookieOf(more.length === 0 ? "s2" : "s1")!;
      expect(cookie).toContain(`city=${bytes}`);
      // Ours can only be taken out where nothing is lost.
      if (bytes === "Z\xc3\xbcrich") expect(cookie).toBe(`city=${bytes}; z=1`);
    }
  });

  it("fault B8: in Cookie come as they were sent where nothing of ours is beside them, by the road that is open then", async () => {
    await get("shop.example", ["Cookie: city=Z\xfcrich", `${PLANT_HEADER}: decide`]);
    expect(cookieOf("s1")).toBe("city=Z\xfcrich");
  });

  const answering = (lines: readonly string[]) =>
    reply.raw(Buffer.from(["HTTP/1.1 200 OK", ...lines, "Content-Length: 0", "Connection: close", "", ""].join("\r\n"), "latin1"));
  const linesOf = (answer: Awaited<ReturnType<typeof get>>, name: string) =>
    answer.headerLines.filter((line) => line.toLowerCase().startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));

  it.each<[string, "s1" | "s2", string[]]>([
    ["of a lane", "s2", []],
    ["when our own code fails", "s1", [`${PLANT_HEADER}: decide`]],
  ])("fault B8: in Set-Cookie come as they were sent, whatever stands beside them: %s", async (_, lane, more) => {
    world[lane].respond(
      answering([
        "Set-Cookie: city=Z\xfcrich; Path=/prefix",
        "Set-Cookie: sid=1; Domain=localhost",
        "Set-Cookie: b=Z\xc3\xbcrich; Path=/prefix",
      ]),
    );
    const cookies = linesOf(await get("named.example", more), "set-cookie").filter((line) => !line.startsWith("lane-"));
    expect(cookies).toEqual([
      "city=Z\xfcrich; Path=/prefix",
      // A browser refuses the first of these two, and takes the second.
      "sid=1; Domain=localhost",
      "b=Z\xc3\xbcrich; Path=/prefix",
      "sid=1",
      "b=Z\xc3\xbcrich; Path=/",
    ]);
  });

  it("fault B8: in Location and Link come as they were sent, and UTF-8 is mapped", async () => {
    world.s2.respond(
      answering(["Location: /prefix/Z\xfcrich", "Link: </prefix/a>; title=\xfc", "Refresh: 0;url=/prefix/Z\xc3\xbcrich", "X-Any: \xff"]),
    );
    const answer = await get("named.example", []);
    expect([
      ...linesOf(answer, "location"),
      ...linesOf(answer, "link"),
      ...linesOf(answer, "refresh"),
      ...linesOf(answer, "x-any"),
    ]).toEqual(["/prefix/Z\xfcrich", "</prefix/a>; title=\xfc", "0;url=/Z%C3%BCrich", "\xff"]);
  });

  it("stay, too, in a header that would not change: its very spelling is kept", async () => {
    world.s2.respond(answering(['Location: /a b?c="d"', "Set-Cookie:  x = 1 ;Path=/other", "Link: <a>,<b>"]));
    const answer = await get("named.example", []);
    expect([linesOf(answer, "location"), linesOf(answer, "set-cookie")[0], linesOf(answer, "link")]).toEqual([
      ['/a b?c="d"'],
      "x = 1 ;Path=/other",
      ["<a>,<b>"],
    ]);
  });
});

describe("a cookie whose value holds a comma", () => {
  it.each<[string, string, string]>([
    ["a date", "a=1; last=Mon, 30 Nov 2026 10:00:00 GMT; b=2", "rule:date"],
    ["JSON", 'prefs={"a": 1, "b": 2}', "rule:json"],
    ["JSON at the end, beside ours", 'lane-cookies=1.1.5; prefs={"a": 1, "b": 2}', "rule:json"],
  ])("fault B10: is matched whole: %s", async (_, cookie, reason) => {
    const { answer, seen } = await world.ask("cookies", { headers: { cookie } });
    expect(answer.headers["x-lane-reason"]).toBe(reason);
    expect(headerOf(seen[0]!.headers, "cookie")).toBe(cookie.replace("lane-cookies=1.1.5; ", ""));
  });

  it("fault B10: is told from two lines, of which none of ours goes on", async () => {
    for (const [lines, left] of [
      [["Cookie: first=1", "Cookie: second=2"], "first=1, second=2"],
      [["Cookie: last=Mon, 30 Nov 2026", "Cookie: lane-cookies=1.1.5; second=2"], "last=Mon, 30 Nov 2026; second=2"],
      [['Cookie: a="open', "Cookie: lane-cookies=1.1.5", "Cookie: b=1"], 'a="open, b=1'],
    ] as const) {
      const answer = await sendRaw(
        world.router.url,
        ["GET /x HTTP/1.1", "Host: cookies.example", ...lines, "Connection: close", "", ""].join("\r\n"),
      );
      if (left.includes("second=2")) expect(answer.header("x-lane-reason")).toBe("rule:second");
      const served = answer.header("x-lane-served-by") as "s1" | "s2";
      expect(headerOf(world[served].requests.at(-1)!.headers, "cookie")).toBe(left);
    }
  });
});

describe("ADMIN_HOST", () => {
  it("fault A15: as an origin is refused, by the check and by a Worker that reads it from KV", async () => {
    const file = { ...group("loop", world), lanes: { s1: { weight: 1, origins: { web: "http://Admin.Example:80/x" } } }, rules: [] };
    const message = 'expected an origin outside Laneway, got "admin.example", which is ADMIN_HOST: requests would come back here';
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
    const check = await world.router.fetch("/__lanes/api/groups/loop/check", {
      host: "admin.example",
      method: "POST",
      headers,
      body: JSON.stringify(file),
    });
    clientSaw(`${check.status}`);
    expect(JSON.parse(check.text).problems).toContainEqual({ path: "lanes.s1.origins.web", message });
    const put = await world.router.fetch("/__lanes/api/groups/loop", {
      host: "admin.example",
      method: "PUT",
      headers: { ...headers, "if-none-match": "*", "x-reason": "x" },
      body: JSON.stringify(file),
    });
    expect(put.status).toBe(422);
    const router = await startRouter({ groups: { loop: file }, bindings: { ADMIN_HOST: "admin.example." } });
    onTestFinished(() => router.dispose());
    const { status, text } = await router.fetch("/x", { host: "loop.example" });
    expect([status, JSON.parse(text).type]).toEqual([503, "urn:laneway:no-config"]);
  });

  it.each<[string, object, string]>([
    ["group", { hosts: ["shop.example", "ADMIN.example."], services: { web: {} } }, "hosts"],
    ["service", { hosts: ["*"], services: { web: { hosts: ["Admin.Example"] } } }, "services.web.hosts"],
  ])("fault A15: as a host of a %s is refused, by the check and by a Worker that reads it from KV", async (_, hosts, path) => {
    const file = { ...group("claims", world), ...hosts, lanes: { s1: { weight: 1, origins: { web: world.s1.url } } }, rules: [] };
    const check = await world.router.fetch("/__lanes/api/groups/claims/check", {
      host: "admin.example",
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(file),
    });
    clientSaw(`${check.status}`);
    const message = 'expected other hosts than ADMIN_HOST, which proxies nothing, got "admin.example"';
    expect(JSON.parse(check.text).problems).toContainEqual({ path, message });
    const router = await startRouter({ groups: { claims: file }, bindings: { ADMIN_HOST: "admin.example:443" } });
    onTestFinished(() => router.dispose());
    expect((await router.fetch("/x", { host: "shop.example" })).status).toBe(503);
  });

  it("fault A15: under a wildcard of a group proxies nothing, in no spelling", async () => {
    const file = { ...group("wide", world), hosts: ["*.example"], services: { web: { hosts: ["*.example"] } }, rules: [] };
    const lanes = { s1: { weight: 1, origins: { web: world.s1.url } } };
    const bindings = { ADMIN_HOST: "admin.example", LANEWAY_ADMIN_TOKEN: TOKEN };
    const router = await startRouter({ groups: { wide: { ...file, lanes } }, bindings });
    onTestFinished(() => router.dispose());
    expect((await router.fetch("/x", { host: "other.example" })).status).toBe(200);
    world.reset();
    const seen = [];
    for (const host of ["admin.example", "ADMIN.example", "admin.example.", "admin.example:8443"]) {
      for (const path of ["/x", "//x", "/__lanes/api/groups"]) seen.push((await router.fetch(path, { host })).status);
    }
    clientSaw(seen.join(" "));
    expect(seen).toEqual(Array(4).fill([404, 404, 401]).flat());
    expect(world.s1.requests).toEqual([]);
  });
});
