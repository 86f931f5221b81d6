/** Contract section 4: who is believed, and what of a request reaches an origin. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { windowOf, writeContext } from "../../src/core/context.ts";
import { signerWith } from "../support/decision.ts";
import { headerOf, type Seen } from "../support/origin.ts";
import { sendRaw } from "../support/raw-client.ts";
import * as reply from "../support/replies.ts";
import { type Router, startRouter, TEST_SECRET } from "../support/router.ts";
import { clientSaw, group, newTraceId, sleep, startWorld, traceparent, until, type World } from "./world.ts";

const NEW_SECRET = "another-secret-another-secret-another";
const TOKEN = "admin-token-admin-token-admin-token-1";
const READ_TOKEN = "read-token-read-token-read-token-0001";

let world: World;
/** Its secret is new, the other routers' is its previous one; and it has an admin. */
let rotated: Router;
let secretless: Router;

const files = ({ s1, s2, s3 }: Pick<World, "s1" | "s2" | "s3">) => {
  const of = (name: string, more: object) => group(name, { s1, s2, s3 }, more);
  const byMember = [{ name: "pr", when: { baggage: { pr: "1" } }, lane: "s2" }];
  return [
    of("shop", {
      services: { web: {}, api: { hosts: ["api.shop.example"], entry: false } },
      lanes: {
        s1: { weight: 1, origins: { web: s1.url, api: s1.url } },
        s2: { origins: { web: `${s2.url}/prefix`, api: s2.url } },
        old: { expiresAt: "2020-01-01T00:00:00Z", origins: { web: s3.url } },
      },
      rules: [
        ...byMember,
        {
          name: "ours",
          when: {
            any: ["x-lane", "x-lane-context", "x-tag", "x_tag", "cloudflare-workers-version-key"].map((name) => ({
              header: { [name]: { exists: true } },
            })),
          },
          lane: "s2",
        },
        {
          name: "member",
          when: { any: [{ baggage: { lane: { exists: true } } }, { baggage: { "laneway.shop": { exists: true } } }] },
          lane: "s2",
        },
      ],
      propagate: { header: "x-tag", baggage: "lane", headers: [{ prefix: "x" }] },
    }),
    of("open", { context: "open", rules: byMember }),
    of("mirrored", {
      rules: [],
      services: { web: { mirrored: "block" } },
      mirrors: [{ name: "m", lane: "s3", percent: 100, writes: "send" }],
    }),
  ];
};

beforeAll(async () => {
  world = await startWorld((origins) => Object.fromEntries(files(origins).map((file) => [file.name, file])));
  // A lane whose origin is the router itself, by the address that no group names.
  const loop = { ...group("loop", world), hosts: ["*"] };
  const looping = { ...loop, lanes: { ...loop.lanes, s2: { origins: { web: world.router.url } } } };
  await world.router.putGroup("loop", looping);
  await world.router.kv.put("groups", JSON.stringify([...files(world).map(({ name }) => name), "loop"]));
  const groups = Object.fromEntries(files(world).map((file) => [file.name, file]));
  rotated = await startRouter({
    groups,
    bindings: {
      LANEWAY_SECRET: NEW_SECRET,
      LANEWAY_SECRET_PREVIOUS: TEST_SECRET,
      LANEWAY_ADMIN_TOKEN: TOKEN,
      LANEWAY_READ_TOKEN: READ_TOKEN,
    },
  });
  secretless = await startRouter({ groups, bindings: { LANEWAY_SECRET: "too-short", LANEWAY_ADMIN_TOKEN: TOKEN } });
}, 30_000);
afterAll(() => Promise.all([world?.close(), rotated?.dispose(), secretless?.dispose()]));
beforeEach(() => world.reset());

interface Context {
  readonly group?: string;
  readonly windows?: number;
  readonly hop?: number;
  readonly mirror?: string | null;
  readonly secret?: string;
}

const contextText = (lane: string, { group = "shop", windows = 0, hop = 1, mirror = null, secret = TEST_SECRET }: Context = {}) =>
  writeContext({ group, lane, hop, window: windowOf(Date.now() / 1000) + windows, mirror }, signerWith(secret));

const asMember = (text: string) => ({ baggage: `laneway.shop=${text}` });

/** Through another router than the world's. */
async function askOf(router: Router, headers: Record<string, string> = {}, host = "shop.example", method = "GET") {
  const traceId = newTraceId();
  const answer = await router.fetch("/x", { host, method, headers: { traceparent: traceparent(traceId), ...headers } });
  clientSaw(`${answer.status}`);
  await until(() => router.logs().some((line) => line.traceId === traceId));
  return { answer, seen: world.seenOf(traceId).map(({ seen }) => seen), log: router.logs().find((line) => line.traceId === traceId)! };
}

describe("the secret", () => {
  it("fault 17: is changed without a lane lost: what the previous one signed is believed, what goes on bears the new one", async () => {
    const { answer, seen } = await askOf(rotated, asMember(contextText("s2")));
    expect(answer.headers).toMatchObject({ "x-lane": "s2", "x-lane-reason": "context" });
    const text = headerOf(seen[0]!.headers, "x-lane-context")!;
    const payload = text.slice(0, text.lastIndexOf("~"));
    expect(payload).toMatch(/^1~shop~s2~2~/);
    expect(text).toBe(`${payload}~${signerWith(NEW_SECRET).sign(payload)}`);
    const stranger = await askOf(rotated, asMember(contextText("s2", { secret: "x".repeat(40) })));
    expect(stranger.answer.headers).toMatchObject({ "x-lane": "s1", "x-lane-reason": "weight" });
  });

  it("fault 16: that is missing, or too short, keeps signed groups on their baseline, unsigned and without a cookie, and health says so", async () => {
    const { answer, seen, log } = await askOf(secretless, { baggage: "pr=1,a=b,laneway.shop=x,%6Caneway.shop=y,l%61ne=s2" });
    expect(answer.headers).toMatchObject({ "x-lane": "s1", "x-lane-reason": "no-secret" });
    expect(answer.headers["set-cookie"]).toBeUndefined();
    expect([headerOf(seen[0]!.headers, "x-lane-context"), headerOf(seen[0]!.headers, "baggage")]).toEqual([undefined, "lane=s1,pr=1,a=b"]);
    expect(log).toMatchObject({ lane: "s1", reason: "no-secret", status: 200 });
    const health = await secretless.fetch("/__lanes/health", { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(JSON.parse(health.text)).toMatchObject({ status: "degraded", missingSecrets: ["LANEWAY_SECRET"] });
    expect((await secretless.fetch("/__lanes/health")).text).toBe('{"status":"degraded"}');
  });

  it("is not needed by an open group, whose rules go on", async () => {
    const { answer } = await askOf(secretless, { baggage: "pr=1" }, "open.example");
    expect(answer.headers).toMatchObject({ "x-lane": "s2", "x-lane-reason": "rule:pr" });
  });

  it("is needed to mark a copy, so without one none is sent", async () => {
    expect((await askOf(secretless, {}, "mirrored.example")).answer.status).toBe(200);
    await sleep(100);
    expect(world.s3.requests).toEqual([]);
  });
});

describe("a context", () => {
  it("fault 13: decides in its window, the one before and the one after, and not when it is replayed later", async () => {
    const left = 300 - ((Date.now() / 1000) % 300);
    if (left < 3) await sleep(left * 1000 + 100);
    const lanes: unknown[] = [];
    for (const windows of [-2, -1, 0, 1, 2]) {
      const { client, asked, seen, log } = await world.ask("shop", { headers: asMember(contextText("s2", { windows })) });
      lanes.push(client.lane);
      expect(asked).toEqual([client.lane]);
      expect(log).toMatchObject({ lane: client.lane, reason: client.lane === "s2" ? "context" : "weight" });
      expect(headerOf(seen[0]!.headers, "x-lane-context")).toMatch(
        new RegExp(`^1~shop~${client.lane}~${client.lane === "s2" ? 2 : 1}~${windowOf(Date.now() / 1000)}~`),
      );
    }
    expect(lanes).toEqual(["s1", "s2", "s2", "s2", "s1"]);
  });

  const text = () => contextText("s2");
  it.each<[string, () => Record<string, string>]>([
    ["another group's", () => asMember(contextText("s2", { group: "open" }))],
    ["under another group's key", () => ({ baggage: `laneway.open=${text()}` })],
    ["under a key that decodes to ours", () => ({ baggage: `%6Caneway.shop=${text()}` })],
    ["in a property", () => ({ baggage: `a=1;laneway.shop=${text()}` })],
    ["signed with another secret", () => asMember(contextText("s2", { secret: NEW_SECRET }))],
    ["cut short", () => asMember(text().slice(0, -1))],
    ["with a changed lane", () => asMember(contextText("s1").replace("~s1~", "~s2~"))],
    ["without a signature", () => asMember(text().replace(/~[^~]*$/, "~"))],
    [
      "in a header that Connection and case disguise",
      () => ({ "X-LANE-CONTEXT": contextText("s2", { group: "open" }), connection: "x-lane-context" }),
    ],
  ])("fault 15: is not believed if it is %s, and none of it goes on", async (_, headers) => {
    const forged = headers();
    const { client, asked, seen, log } = await world.ask("shop", { headers: forged });
    expect([client.lane, asked, log.reason]).toEqual(["s1", ["s1"], "weight"]);
    const own = seen[0]!.headers.filter(([name]) => /^x-lane-context$/i.test(name)).map(([, value]) => value);
    expect(own).toEqual([expect.stringMatching(/^1~shop~s1~1~/)]);
    expect(
      headerOf(seen[0]!.headers, "baggage")!
        .split(",")
        .filter((member) => /^(%6c|l)aneway\.shop=/i.test(member)),
    ).toHaveLength(1);
  });

  it("is believed in the header, for services that pass on no baggage, and rules do not overrule it", async () => {
    const { client, log } = await world.ask("shop", { headers: { "x-lane-context": contextText("s1"), baggage: "pr=1" } });
    expect([client.lane, log.reason]).toEqual(["s1", "context"]);
  });

  it("fault 14: for a lane that is gone or expired gives the baseline, and no new draw", async () => {
    const gone = await world.ask("shop", { headers: asMember(contextText("gone")) });
    expect([gone.client.lane, gone.log.reason, gone.answer.headers["set-cookie"]]).toEqual(["s1", "context", undefined]);
    const old = await world.ask("shop", { headers: asMember(contextText("old")) });
    expect([old.client.lane, old.log.reason, old.asked]).toEqual(["s1", "expired", ["s1"]]);
  });
});

/** Names of ours, and of what an origin might take for them. */
const isOurs = (name: string) => /^(x[^a-z0-9]lane|x[^a-z0-9]tag|x[^a-z0-9]forwarded|forwarded|cloudflare)/i.test(name);
const ownHeaders = (seen: Seen) => seen.headers.filter(([name]) => isOurs(name)).map(([name, value]) => [name.toLowerCase(), value]);

const OURS = (lane: string) => [
  ["x-forwarded-host", "shop.example"],
  ["x-forwarded-proto", "http"],
  ["x-lane-context", expect.stringMatching(new RegExp(`^1~shop~${lane}~1~`))],
  ["x-lane-hops", "1"],
  ["x-tag", lane],
];

describe("our headers from outside", () => {
  it.each([
    "X-LANE: s2",
    "x-lane-context: s2",
    "X-Lane-Mirror: mirrored/m",
    "x-lane-synthetic: true",
    "X_LANE: s2",
    "x_lane_context: s2",
    "X-Lane_Mirror: mirrored/m",
    "X.Lane.Mirror: mirrored/m",
    "x-laneway: s2",
    "X-Tag: s2",
    "x_tag: s2",
    "x.TAG: s2",
    "Cloudflare-Workers-Version-Key: k",
    "cloudflare-workers-version-overrides: a",
    "Cloudflare_Workers_Version_Key: k",
    "Forwarded: host=evil.example",
    "X_Forwarded_Host: evil.example",
    "X-Tag: s2\r\nConnection: x-tag",
    "X-Lane: s2\r\nConnection: close, X-Lane",
    "baggage: lane=s2",
    "baggage: l%61ne=s2,lane+=s2",
    "baggage: laneway.shop=s2,%6Caneway.shop=s2",
    "baggage: x-tag=s2,x_tag=s2,x-lane=s2,x_lane_mirror=s2,x.lane=s2,x_forwarded_host=e",
  ])("fault 25: %j is gone before rules run and before any origin", async (line) => {
    const traceId = newTraceId();
    const answer = await sendRaw(
      world.router.url,
      `GET /x HTTP/1.1\r\nHost: shop.example\r\ntraceparent: ${traceparent(traceId)}\r\n${line}\r\n\r\n`,
    );
    clientSaw(`${answer.status}`);
    expect([answer.header("x-lane"), answer.header("x-lane-reason")]).toEqual(["s1", "weight"]);
    expect(await world.logOf(traceId)).toMatchObject({ lane: "s1", reason: "weight" });
    const [seen] = world.seenOf(traceId);
    expect(ownHeaders(seen!.seen).sort()).toEqual(OURS("s1"));
    expect(
      headerOf(seen!.seen.headers, "baggage")!
        .split(",")
        .filter((member) => /lane/.test(decodeURIComponent(member.split("=")[0]!)) && !member.startsWith("x")),
    ).toEqual([expect.stringMatching(/^laneway\.shop=1~shop~s1~1~/), "lane=s1"]);
  });

  it("fault 26: that Connection names arrive all the same, as ours", async () => {
    const named = "x-tag, x-lane-context, X-Lane-Hops, baggage, x-forwarded-host, x-forwarded-proto, x-own";
    const { seen } = await world.ask("shop", { headers: { connection: named, "x-own": "1", "x-other": "2", baggage: "a=b" } });
    expect(ownHeaders(seen[0]!).sort()).toEqual(OURS("s1"));
    expect([headerOf(seen[0]!.headers, "baggage"), headerOf(seen[0]!.headers, "x-own"), headerOf(seen[0]!.headers, "x-other")]).toEqual([
      expect.stringMatching(/^laneway\.shop=[^,]+,lane=s1$/),
      undefined,
      "2",
    ]);
  });

  it.each(["a b", "x(y", ", ,", "é", '"', "close;x=y"])(
    "a Connection of %j, which names no header, costs nobody anything",
    async (connection) => {
      for (let i = 0; i < 6; i++) {
        const answer = await sendRaw(
          world.router.url,
          `GET /x HTTP/1.1\r\nHost: shop.example\r\nbaggage: pr=1\r\nConnection: ${connection}\r\n\r\n`,
        );
        expect([answer.status, answer.header("x-lane-served-by"), answer.header("x-lane-fallback")]).toEqual([200, "s2", undefined]);
      }
    },
  );

  it("fault 27: of other proxies change neither group, lane, path nor method, and what we say of the client is true", async () => {
    const { client, seen, log } = await world.ask("shop", {
      headers: {
        "x-forwarded-host": "open.example",
        "x-forwarded-proto": "https",
        "x-forwarded-for": "203.0.113.9",
        forwarded: "for=203.0.113.9;host=open.example",
        "x-original-url": "/prefix/admin",
        "x-rewrite-url": "/admin",
        "x-http-method-override": "DELETE",
        "x-host": "open.example",
      },
    });
    expect([client.lane, log.group, log.path, log.method]).toEqual(["s1", "shop", "/x", "GET"]);
    expect([seen[0]!.method, seen[0]!.url]).toEqual(["GET", "/x"]);
    expect(
      ["x-forwarded-host", "x-forwarded-proto", "x-forwarded-for", "forwarded"].map((name) => headerOf(seen[0]!.headers, name)),
    ).toEqual(["shop.example", "http", undefined, undefined]);
  });

  it("pass byte for byte where they are nobody's: order of members, white space, unknown headers", async () => {
    const baggage = "a=1 ,b=2;p=q ; r,  laneway.other=1~other~s2~1~1~~~x,c=%zz";
    const { seen } = await world.ask("shop", { headers: { baggage, "x-Custom_Header": "v", "X-Real-Name": "203.0.113.9" } });
    expect(headerOf(seen[0]!.headers, "baggage")).toMatch(
      new RegExp(`^laneway\\.shop=[^,]+,lane=s1,${baggage.replaceAll(/[.~;]/g, "\\$&")}$`),
    );
    expect([headerOf(seen[0]!.headers, "x-custom_header"), headerOf(seen[0]!.headers, "x-real-name")]).toEqual(["v", "203.0.113.9"]);
  });
});

describe("a loop", () => {
  it.each([
    ["16", 200],
    ["17", 508],
    ["99999", 508],
    ["9".repeat(400), 508],
    ["-1", 200],
    ["x", 200],
  ])("fault 31: after %s hops, claimed by anybody, is %s", async (hops, status) => {
    const { client, asked, seen, log } = await world.ask("shop", { headers: { "x-lane-hops": hops } });
    expect([client.status, log.status]).toEqual([status, status]);
    if (status === 508) {
      expect([asked, log.reason, JSON.parse(client.text)]).toEqual([
        [],
        "loop",
        { type: "urn:laneway:loop", title: "loop", status: 508, detail: expect.any(String) },
      ]);
    } else expect(headerOf(seen[0]!.headers, "x-lane-hops")).toBe(hops === "16" ? "17" : "1");
  });

  it("fault 31: through a lane that is the router itself by another name ends after sixteen hops, and the baseline hears nothing", async () => {
    const { client, asked, log } = await world.ask("loop", { host: "nobody-knows.example" });
    expect([client.status, asked]).toEqual([508, []]);
    const hops = world.router.logs().filter((line) => line.traceId === log.traceId);
    expect(hops.length).toBe(18);
    expect(hops.filter(({ reason }) => reason === "loop")).toHaveLength(1);
    expect(new Set(hops.map(({ status }) => status))).toEqual(new Set([508]));
  });
});

describe("an origin's answer", () => {
  const answered = async (headers: Record<string, string | string[]>, status = 302, baggage = "pr=1", more = {}) => {
    world.s1.respond(reply.answer(status, "moved", headers));
    world.s2.respond(reply.answer(status, "moved", headers));
    return world.ask("shop", { headers: { baggage }, ...more });
  };

  it("fault 33: that redirects elsewhere is passed on, and nobody follows it", async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const { answer, asked } = await answered({ location: `${world.s3.url}/other` }, status);
      expect([answer.status, answer.headers.location, asked]).toEqual([status, `${world.s3.url}/other`, ["s2"]]);
    }
    expect(world.s3.requests).toEqual([]);
  });

  it("names the public address where it named its own, less its path", async () => {
    const { port } = new URL(world.s2.url);
    const own = [
      [`${world.s2.url}/prefix/a?b#c`, "http://shop.example:8080/a?b#c"],
      [`//127.0.0.1:${port}/prefix/a`, "http://shop.example:8080/a"],
      ["/prefix/a", "/a"],
      ["/prefix//evil.example", "http://shop.example:8080//evil.example"],
      ["/elsewhere", "/elsewhere"],
      [`http://127.0.0.1:${port}1/prefix/a`, `http://127.0.0.1:${port}1/prefix/a`],
    ];
    for (const [location, mapped] of own) {
      const { answer } = await answered({ location: location!, "content-location": location! }, 201, "pr=1", { host: "shop.example:8080" });
      expect([answer.headers.location, answer.headers["content-location"]]).toEqual([mapped, mapped]);
    }
  });

  it("sets its cookies for the public host, each of them, and says nothing in our name", async () => {
    const cookies = ["a=1; Domain=127.0.0.1; Path=/", "b=2; Domain=.example; HttpOnly", "c=3; domain=127.0.0.1", "lane-shop=1.1.5"];
    const { answer } = await answered(
      { "set-cookie": cookies, "x-lane": "s3", "X-Lane-Served-By": "s3", "x-lane-secret": "1", "x-other": "kept" },
      200,
    );
    expect(answer.headers["set-cookie"]).toEqual(["a=1; Path=/", "b=2; Domain=.example; HttpOnly", "c=3"]);
    expect(Object.fromEntries(Object.entries(answer.headers).filter(([name]) => name.startsWith("x-")))).toEqual({
      "x-other": "kept",
      "x-lane": "s2",
      "x-lane-reason": "rule:pr",
      "x-lane-service": "web",
      "x-lane-served-by": "s2",
    });
  });
});

describe("a copy's mark", () => {
  it.each<[string, () => Record<string, string>]>([
    ["claimed by header", () => ({ "x-lane-mirror": "mirrored/m", "x-lane-synthetic": "true" })],
    [
      "signed with another secret",
      () => ({ baggage: `laneway.mirrored=${contextText("s1", { group: "mirrored", mirror: "mirrored/m", secret: NEW_SECRET })}` }),
    ],
    ["cut short", () => ({ "x-lane-context": contextText("s1", { group: "mirrored", mirror: "mirrored/m" }).slice(0, -2) })],
  ])("is not believed if it is %s: the write is live, and copied", async (_, headers) => {
    const { client, seen, log } = await world.ask("mirrored", { method: "POST", headers: headers() });
    expect([client.status, client.text, log.mirror]).toEqual([200, "s1", null]);
    await until(() => world.s3.requests.length > 0);
    const live = seen.find(({ headers: sent }) => headerOf(sent, "x-lane") === "s1")!;
    expect([headerOf(live.headers, "x-lane-mirror"), headerOf(live.headers, "x-lane-synthetic")]).toEqual([undefined, undefined]);
    expect(world.s3.requests.map(({ headers: sent }) => headerOf(sent, "x-lane-mirror"))).toEqual(["mirrored/m"]);
  });

  it("is believed for ever where its signature is true, from any group's member: the write is refused and nothing is sent", async () => {
    for (const key of ["laneway.mirrored", "laneway.other"]) {
      const text = contextText("s1", { group: "mirrored", mirror: "mirrored/m", windows: -9_000 });
      const { client, asked, log } = await world.ask("mirrored", { method: "POST", headers: { baggage: `${key}=${text}` } });
      expect([client.status, asked, log.mirror]).toEqual([403, [], "mirrored/m"]);
    }
    await sleep(50);
    expect(world.s3.requests).toEqual([]);
  });
});

describe("the admin's paths", () => {
  it.each([
    "/__lanes",
    "/__lanes/",
    "/__lanes/health",
    "/__LANES/health",
    "/%5f%5flanes/health",
    "/_%5Flanes/health",
    "/%5F_lanes/health%zz",
    "/__l%61nes/health",
    "//__lanes/health",
    "///__lanes/health",
    "/./__lanes/health",
    "/x/../__lanes/health",
    "/x/%2e%2e/__lanes/health",
    "/x/..%2f__lanes/health",
    "/x%2f..%2f__lanes/health",
    "/x%5c..%5c__lanes/health",
    "/\\__lanes/health",
    "/__lanes%2fhealth",
    "/__lanes;x=y",
    "/__lanes-and-more",
  ])("never reach an origin, with a token set or without, spelled %s", async (path) => {
    for (const router of [world.router, rotated]) {
      const answer = await sendRaw(router.url, `GET ${path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n`);
      clientSaw(`${answer.status}`);
      expect(router === rotated ? [404, 200, 303] : [404]).toContain(answer.status);
      if (answer.status === 200) expect(answer.body.toString()).toBe('{"status":"ok"}');
      if (answer.status === 404) expect(JSON.parse(answer.body.toString())).toMatchObject({ type: "urn:laneway:not-found" });
    }
    expect([...world.s1.requests, ...world.s2.requests, ...world.s3.requests]).toEqual([]);
  });

  it.each(["/x__lanes", "/a/__lanes/x", "/_lanes", "/lanes", "/%255f_lanes", "/a?b=/../__lanes"])("but %s is anybody's", async (path) => {
    const { client, seen } = await world.ask("shop", { path });
    expect([client.status, seen[0]!.url]).toEqual([200, path]);
  });

  it.each<[string, string | undefined, number]>([
    ["no token", undefined, 401],
    ["an empty one", "Bearer ", 401],
    ["a wrong one", `Bearer ${TOKEN}x`, 401],
    ["another scheme", `Basic ${TOKEN}`, 401],
    ["the read token", `Bearer ${READ_TOKEN}`, 200],
    ["the admin token", `bearer ${TOKEN}`, 200],
  ])("explain and whole health with %s", async (_, authorization, status) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const body = JSON.stringify({
      url: "http://shop.example/beta",
      headers: { baggage: "pr=1", cookie: "a=secret", authorization: "Bearer live-secret" },
    });
    const explained = await rotated.fetch("/__lanes/api/explain", {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body,
    });
    expect(explained.status).toBe(status);
    const health = await rotated.fetch("/__lanes/health", { headers });
    expect([health.status, Object.keys(JSON.parse(health.text)).includes("groups")]).toEqual([
      authorization === undefined ? 200 : status,
      status === 200,
    ]);
    if (status === 200) {
      expect(JSON.parse(explained.text)).toMatchObject({
        group: "shop",
        lane: "s2",
        reason: "rule:pr",
        origin: `${world.s2.url}/prefix/beta`,
      });
      expect(explained.text).not.toMatch(/secret|~[\w-]{43}/);
    } else expect(explained.text + health.text).not.toMatch(/127\.0\.0\.1|shop/);
    expect([...world.s1.requests, ...world.s2.requests]).toEqual([]);
  });
});
