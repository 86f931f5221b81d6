/** What strangers, mistakes by hand, and bad lanes do to those who operate: history, log-in, revisions, figures, pages. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { slotOf } from "../../src/core/slots.ts";
import { runLanes } from "../support/lanes.ts";
import { connectRaw } from "../support/raw-client.ts";
import * as reply from "../support/replies.ts";
import type { RouterAnswer, RouterRequest } from "../support/router.ts";
import { clientSaw, group, newTraceId, sleep, startWorld, traceparent, type World } from "./world.ts";

// Isolates look at KV every five seconds, and tell what they counted as often.
vi.setConfig({ testTimeout: 60_000 });

const ADMIN = "admin-token-admin-token-admin-token-0";
const READ = "read-token-read-token-read-token-read";
const FORM = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
const MAX = 999_999_999_999;

/** Half of the visitors each, by cookie. */
const halves = (name: string, world: Pick<World, "s1" | "s2" | "s3">, more = {}) =>
  group(name, world, {
    rules: [],
    lanes: { s1: { weight: 50, origins: { web: world.s1.url } }, s2: { weight: 50, origins: { web: world.s2.url } } },
    ...more,
  });

const ORDINARY = ["audited", "numbers", "behind", "last", "hand"];
const HALVES = ["voted", "chosen", "hasty", "broken", "hidden", "few"];

let world: World;
beforeAll(async () => {
  world = await startWorld(
    (origins) => ({
      ...Object.fromEntries(ORDINARY.map((name) => [name, group(name, origins)])),
      ...Object.fromEntries(HALVES.map((name) => [name, halves(name, origins)])),
      dark: group("dark", origins, {
        mirrors: [{ name: "m", lane: "s3", percent: 100, compare: { noisePercent: 0 } }],
        rules: [],
      }),
      new: { ...group("new", origins), baseline: "nobody" },
    }),
    { bindings: { LANEWAY_ADMIN_TOKEN: ADMIN, LANEWAY_READ_TOKEN: READ } },
  );
});
afterAll(() => world?.close());
beforeEach(() => world.reset());

// biome-ignore lint/suspicious/noExplicitAny: answers of every kind.
type Json = any;

interface Call {
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

async function api(method: string, path: string, { token = ADMIN, body, headers = {} }: Call = {}) {
  const sent: RouterRequest = {
    method,
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  };
  const { status, text } = await world.router.fetch(`/__lanes/api${path}`, sent);
  return { status, body: (text === "" ? null : JSON.parse(text)) as Json };
}

const historyOf = async (name: string) => (await api("GET", `/groups/${name}/history`)).body;
const inKv = async (name: string): Promise<Json> => JSON.parse((await world.router.kv.get(`group:${name}`))!);
const published = (revision: number) => ({ revision, at: "2026-01-01T00:00:00Z", by: "somebody", reason: "by hand" });

/** By the publisher, over whatever there is. */
async function publish(name: string, file: unknown, headers: Readonly<Record<string, string>> = {}) {
  await api("GET", `/groups/${name}`);
  return await api("PUT", `/groups/${name}`, {
    body: file,
    headers: { "if-match": "*", "x-actor": "ann", "x-reason": "planned", ...headers },
  });
}

/** A request a moment makes the isolate look at KV. */
async function untilInForce(name: string, revision: string): Promise<Told> {
  for (const end = Date.now() + 20_000; ; await sleep(200)) {
    const told = await world.ask(name);
    if (told.log.revision === revision) return told;
    if (Date.now() > end) throw new Error(`${name} is at ${told.log.revision}, not ${revision}`);
  }
}
type Told = Awaited<ReturnType<World["ask"]>>;

/** Ten at a time. */
async function visit(host: string, count: number, request: (at: number) => RouterRequest & { path?: string } = () => ({})) {
  const answers: RouterAnswer[] = [];
  for (let at = 0; at < count; at += 10) {
    const some = Array.from({ length: Math.min(10, count - at) }, (_, each) => {
      const { path = "/", ...sent } = request(at + each);
      return world.router.fetch(path, { host, ...sent });
    });
    answers.push(...(await Promise.all(some)));
  }
  return answers;
}

const stats = async (name: string) => (await api("GET", `/groups/${name}/stats`)).body;
const requestsIn = ({ rows }: Json) => rows.reduce((sum: number, row: Json) => sum + row.requests, 0);
const counted = (name: string, requests: number) =>
  vi.waitFor(async () => expect(requestsIn(await stats(name))).toBeGreaterThanOrEqual(requests), { timeout: 20_000, interval: 500 });

describe("writes that nobody was let make", () => {
  const put = (name: string, headers: Readonly<Record<string, string>>, token: string | null = null, rest = "") =>
    api("PUT", `/groups/${name}${rest}`, { token, body: {}, headers });

  it("fault A6: sixty of them leave who published visible, stand apart, and name nobody else", async () => {
    await publish("audited", group("audited", world));
    const mallory = { "x-actor": 'mallory" at 10.0.0.1, "alice', "cf-connecting-ip": "203.0.113.9" };
    const answers = await Promise.all(Array.from({ length: 60 }, () => put("audited", mallory)));
    expect(answers.every(({ status }) => status === 401)).toBe(true);
    clientSaw("401");
    await vi.waitFor(async () => expect((await historyOf("audited")).refused).toHaveLength(1));
    const { audit, refused } = await historyOf("audited");
    expect(audit.map(({ action, by }: Json) => `${action} by ${by}`)).toEqual(["publish by ann", "changed outside by kv"]);
    expect(refused).toEqual([
      {
        at: expect.any(String),
        by: '"mallory\\" at 10.0.0.1, \\"alice" at 203.0.113.9',
        action: "PUT /__lanes/api/groups/audited: 401",
        times: expect.any(Number),
      },
    ]);
    const { out } = await runLanes(["history", "audited"], { env: { LANEWAY_URL: world.router.url, LANEWAY_ADMIN_TOKEN: ADMIN } });
    expect(out.indexOf("publish")).toBeLessThan(out.indexOf("Refused writes"));
    expect(out.slice(0, out.indexOf("Refused writes"))).not.toContain("mallory");
  });

  it("fault A6: endless names and paths grow nothing, and one client's do not hide another's", async () => {
    for (let i = 0; i < 300; i++)
      await put("numbers", { "x-actor": `eve ${i}`, "cf-connecting-ip": `198.51.100.${i % 8}` }, null, `/${i}${"x".repeat(2_000)}`);
    await put("numbers", { "cf-connecting-ip": "192.0.2.77" }, READ);
    await vi.waitFor(async () => expect((await historyOf("numbers")).refused[0]).toMatchObject({ by: "somebody at 192.0.2.77" }));
    const { refused } = (await api("GET", "/groups/numbers/history?limit=500")).body;
    expect(refused.length).toBeLessThanOrEqual(100);
    expect(refused[0].action).toBe("PUT /__lanes/api/groups/numbers: 403");
    expect(JSON.stringify(refused).length).toBeLessThan(60_000);
  });

  it.each([
    ["kv", '"kv"'],
    ["laneway", '"laneway"'],
    ['ann", published by "bob', '"ann\\", published by \\"bob"'],
    ["ann%E2%80%A8bob", "ann bob"],
    ["ann%E2%80%AEbob", "ann bob"],
    ["Zo%C3%AB%20O'Neil%20(ops)", "Zoë O'Neil (ops)"],
  ])("fault A6: a writer who calls himself %s is written %s", async (actor, by) => {
    expect((await publish("audited", group("audited", world), { "x-actor": actor })).status).toBe(200);
    expect((await historyOf("audited")).audit[0]).toMatchObject({ action: "publish", by });
  });
});

describe("failed log-ins", () => {
  const logIn = async (token: string, address: string) => {
    const headers = { ...FORM, "cf-connecting-ip": address };
    const { status, headers: answered } = await world.router.fetch("/__lanes/login", { method: "POST", headers, body: `token=${token}` });
    return status === 303 ? String(answered.location) : status;
  };

  it("fault A14: eighty from one address stop that one alone, and never who knows the token", async () => {
    const answers: unknown[] = [];
    for (let i = 0; i < 80; i++) answers.push(await logIn("wrong", "203.0.113.1"));
    expect([answers[0], answers.at(-1)]).toEqual(["/__lanes/login?failed", 429]);
    expect(await logIn("wrong", "203.0.113.2")).toBe("/__lanes/login?failed");
    expect(await logIn(ADMIN, "203.0.113.2")).toBe("/__lanes/");
    expect(await logIn(ADMIN, "203.0.113.1")).toBe("/__lanes/");
    clientSaw("429, others 303");
  });

  it("fault A14: of an IPv6 network count as one client's, whichever of its addresses they use", async () => {
    let last: unknown;
    for (let i = 0; i < 80; i++) last = await logIn("wrong", `2001:db8:0:1::${i.toString(16)}`);
    expect(last).toBe(429);
    expect(await logIn("wrong", "2001:db8:0:2::1")).toBe("/__lanes/login?failed");
  });

  it("fault A14: are not read to a mebibyte, and wrong bearers never keep out a right one", async () => {
    const { status } = await world.router.fetch("/__lanes/login", { method: "POST", headers: FORM, body: `token=${"x".repeat(100_000)}` });
    expect(status).toBe(413);
    for (let i = 0; i < 80; i++) expect((await api("GET", "/groups", { token: `${ADMIN}${i}` })).status).toBe(401);
    expect((await api("GET", "/groups")).status).toBe(200);
  });
});

describe("revisions", () => {
  it("fault A16: a value put by hand with a number past the last is refused, and the publisher goes on", async () => {
    await publish("numbers", group("numbers", world));
    const before = (await inKv("numbers")).published.revision;
    await untilInForce("numbers", String(before));
    await world.router.kv.put("group:numbers", JSON.stringify({ ...(await inKv("numbers")), published: published(MAX + 1) }));
    await vi.waitFor(
      async () => {
        await world.ask("numbers");
        const { text } = await world.router.fetch("/__lanes/health", { headers: { authorization: `Bearer ${ADMIN}` } });
        const found = JSON.parse(text).problems.find(({ key }: Json) => key === "group:numbers");
        expect(found.problems).toEqual([{ path: "published.revision", message: expect.stringContaining(`from 1 to ${MAX}`) }]);
      },
      { timeout: 20_000, interval: 500 },
    );
    expect((await world.ask("numbers")).log.revision).toBe(String(before));
    const written = await publish("numbers", group("numbers", world, { note: "after" }));
    expect(written.status).toBe(200);
    const told = await untilInForce("numbers", String(written.body.revision));
    expect(told.client).toMatchObject({ status: 200, lane: "s2" });
  });

  it("fault A16: a number that isolates have seen, and the publisher never did, is passed by the next publish", async () => {
    await publish("behind", group("behind", world));
    const own = (await world.router.kv.get("group:behind"))!;
    await untilInForce("behind", String(JSON.parse(own).published.revision));
    const note = "nobody's";
    await world.router.kv.put("group:behind", JSON.stringify({ ...group("behind", world, { note }), published: published(500_000) }));
    await untilInForce("behind", "500000");
    await world.router.kv.put("group:behind", own);
    // Isolates tell within a batch.
    await world.ask("behind");
    await sleep(6_000);
    const written = await publish("behind", group("behind", world, { note: "after" }));
    expect(written.body.revision).toBeGreaterThan(500_000);
    await untilInForce("behind", String(written.body.revision));
  });

  it("fault A16: the last number is a number; what would come after it is refused in words", async () => {
    await world.router.kv.put("group:last", JSON.stringify({ ...group("last", world), published: published(MAX) }));
    await untilInForce("last", String(MAX));
    const refused = await publish("last", group("last", world, { note: "after" }));
    expect([refused.status, refused.body.title, refused.body.detail]).toEqual([409, "exhausted", expect.stringContaining(String(MAX))]);
    expect((await world.ask("last")).log.revision).toBe(String(MAX));
  });

  it("fault A16: no way in takes a larger one", async () => {
    for (const revision of [MAX + 1, 2 ** 53 - 1, 0, -1, 1.5, "1"]) {
      const { status, body } = await api("POST", "/groups/audited/rollback", { body: { revision }, headers: { "if-match": "*" } });
      expect([status, body.problems?.[0].path]).toEqual([422, "revision"]);
    }
    const stale = await api("PUT", "/groups/audited", { body: group("audited", world), headers: { "if-match": `"${MAX + 1}"` } });
    expect(stale.status).toBe(412);
    expect((await api("GET", `/groups/audited/history/${MAX + 1}`)).status).toBe(422);
    expect((await api("GET", `/groups/audited/history/${MAX}`)).status).toBe(404);
  });
});

describe("what is asked", () => {
  const URL_ = "https://audited.example/";

  it.each([
    ["requestId", { requestId: "a\r\nb" }],
    ["requestId", { requestId: `${"a".repeat(32)}\n` }],
    ["ip", { ip: "10.0.0.1\nx: y" }],
    ["ip", { ip: "not an address" }],
    ["now", { now: 1e18 }],
    ["slot", { slot: 10_000 }],
    ["method", { method: "GET\r\n" }],
    ["url", { url: "https://audited.example/\r\nx" }],
    ["url", { url: "file:///etc/passwd" }],
    ["headers.x", { headers: { x: "a\r\nb" } }],
    ["headers.x[1]", { headers: { x: ["a", "\u0000"] } }],
    ['headers["x\\ny"]', { headers: { "x\ny": "a" } }],
  ])("fault A17: explain refuses a bad %s before it is used, and says where it is", async (path, more) => {
    const { status, body } = await api("POST", "/explain", { token: READ, body: { url: URL_, ...more } });
    expect([status, body.problems?.map((each: Json) => each.path)]).toEqual([422, [path]]);
  });

  it("fault A17: other routes do the same", async () => {
    const asked: [string, string, unknown, string][] = [
      ["GET", "/groups/audited/stats?minutes=ten", undefined, "minutes"],
      ["GET", "/groups/audited/stats?minutes=-1", undefined, "minutes"],
      ["GET", "/groups/audited/history?limit=%0a1", undefined, "limit"],
      ["GET", "/groups/audited/history?before=x", undefined, "before"],
      ["PUT", "/off", { groups: ["audited\nx"] }, "groups[0]"],
      ["DELETE", "/off", { groups: ["audited", "x\r\ny"] }, "groups[1]"],
      ["PUT", "/off", { groups: ["audited"], reason: { a: 1 } }, "reason"],
      ["POST", "/groups/audited/weights", { weights: {}, reason: 5 }, "reason"],
    ];
    for (const [method, path, body, problem] of asked) {
      const answer = await api(method, path, { body, headers: { "if-match": "*" } });
      expect([path, answer.status, answer.body.problems?.[0].path]).toEqual([path, 422, problem]);
    }
    expect((await historyOf("audited")).switches).toEqual([]);
  });

  it("fault A17: of a group that is none there is nothing, whoever asks", async () => {
    for (const rest of ["", "/differences", "/stats", "/history", "/history/1"]) {
      for (const name of ["nobody", "NOBODY", "no%0abody", "a".repeat(41)]) {
        const { status, body } = await api("GET", `/groups/${name}${rest}`, { token: READ });
        expect([name, rest, status, body.detail]).toEqual([name, rest, 404, "There is no such group."]);
      }
    }
    const headers = { "if-match": "*" };
    expect((await api("DELETE", "/groups/nobody/differences", { headers })).status).toBe(404);
    expect((await api("POST", "/groups/nobody/weights", { headers, body: { weights: {} } })).status).toBe(404);
    expect((await api("POST", "/groups/nobody/rollback", { headers, body: { revision: 1 } })).status).toBe(404);
  });
});

describe("figures in a stranger's hands", () => {
  const names = async (): Promise<string[]> =>
    (await api("GET", "/groups/dark/differences")).body.endpoints.map((each: Json) => each.endpoint);
  const differing = (): void => {
    world.s1.respond(reply.json({ price: 1 }));
    world.s3.respond(reply.json({ price: 2 }));
  };

  it("fault A18: junk paths that nobody knows take no name of an endpoint", async () => {
    world.s1.respond(reply.json({}, 404));
    world.s3.respond(reply.json({}, 404));
    await visit("dark.example", 250, (at) => ({ path: `/junk-${at % 26}/${String.fromCharCode(97 + (at % 26))}${"x".repeat(at)}` }));
    await sleep(300);
    differing();
    await visit("dark.example", 5, () => ({ path: "/cart" }));
    await vi.waitFor(async () => expect(await names()).toContain("GET /cart"), { timeout: 20_000, interval: 500 });
    expect(await names()).toEqual(["GET /cart", "other"]);
  });

  it("fault A18: nor do they for ever where every path is answered: the least used gives way", async () => {
    differing();
    await visit("dark.example", 400, (at) => ({ path: `/page${"-x".repeat(at % 20)}/${"y".repeat(Math.floor(at / 20) + 1)}` }));
    await sleep(300);
    await visit("dark.example", 20, () => ({ path: "/late" }));
    await vi.waitFor(async () => expect(await names()).toContain("GET /late"), { timeout: 20_000, interval: 500 });
    expect((await names()).length).toBeLessThanOrEqual(201);
  });

  it("fault A18: one trace id is one visitor a minute, however often it comes", async () => {
    const { revision } = (await publish("voted", halves("voted", world))).body;
    await untilInForce("voted", String(revision));
    const same = { traceparent: traceparent(newTraceId()) };
    await visit("voted.example", 400, () => ({ headers: same }));
    await counted("voted", 400);
    const { visitors, ratio } = await stats("voted");
    expect(ratio.verdict).not.toBe("invalid");
    expect(visitors.reduce((sum: number, each: Json) => sum + each.assigned, 0)).toBeLessThan(20);
  });

  it("fault A18: four hundred trace ids that all choose one lane do not make the shares invalid either", async () => {
    const { revision } = (await publish("chosen", halves("chosen", world))).body;
    await untilInForce("chosen", String(revision));
    const low: string[] = [];
    while (low.length < 400) {
      const id = newTraceId();
      if (slotOf("chosen", 1, id) < 5_000) low.push(id);
    }
    const answers = await visit("chosen.example", 400, (at) => ({ headers: { traceparent: traceparent(low[at]!) } }));
    expect(new Set(answers.map(({ headers }) => headers["x-lane"]))).toEqual(new Set(["s1"]));
    await visit("chosen.example", 60);
    await counted("chosen", 460);
    expect((await stats("chosen")).ratio.verdict).toBe("ok");
  });

  it("fault A18: four hundred who leave before the slower lane answers do not make the shares invalid", async () => {
    const { revision } = (await publish("hasty", halves("hasty", world))).body;
    await untilInForce("hasty", String(revision));
    world.s2.respond(reply.after(300, reply.answer(200)));
    for (let at = 0; at < 400; at += 20) {
      const clients = await Promise.all(Array.from({ length: 20 }, () => connectRaw(world.router.url)));
      for (const client of clients) await client.write("GET /x HTTP/1.1\r\nHost: hasty.example\r\n\r\n");
      await sleep(150);
      for (const client of clients) client.reset();
    }
    world.s2.reset();
    // Somebody who stays sends on what was counted.
    await visit("hasty.example", 20);
    await counted("hasty", 420);
    const { visitors, ratio } = await stats("hasty");
    expect(ratio.verdict).toBe("ok");
    for (const { assigned } of visitors.filter(({ configured }: Json) => configured > 0)) expect(assigned).toBeGreaterThan(100);
  });
});

describe("a lane that fails", () => {
  const status = (...args: string[]) =>
    runLanes(["status", ...args], { env: { LANEWAY_URL: world.router.url, LANEWAY_ADMIN_TOKEN: ADMIN } });
  const listed = async (name: string) => (await api("GET", "/groups")).body.groups.find((each: Json) => each.name === name);

  it("is named first, in words, beside the baseline's figure, and status says no", async () => {
    const { revision } = (await publish("broken", halves("broken", world))).body;
    await untilInForce("broken", String(revision));
    world.s2.respond(reply.answer(500));
    await visit("broken.example", 400);
    await counted("broken", 400);
    const said = /^s2 answers \d+(\.\d)? % of \d+ requests with errors, the baseline 0 %$/;
    const { concerns } = await stats("broken");
    expect(concerns).toEqual([expect.stringMatching(said)]);
    expect((await listed("broken")).concerns).toEqual(concerns);
    const { code, out } = await status("broken");
    expect([code, out.split("\n")[0]]).toEqual([1, `✗ broken: ${concerns[0]}.`]);
    const all = await status("--json");
    expect([all.code, JSON.parse(all.out).concerns]).toEqual([1, [`broken: ${concerns[0]}`]]);
  });

  it("is named, too, where a fallback hides it from clients, ejected or not", async () => {
    const { revision } = (await publish("hidden", halves("hidden", world))).body;
    await untilInForce("hidden", String(revision));
    world.s2.respond(reply.answer(503));
    const answers = await visit("hidden.example", 300);
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    await counted("hidden", 300);
    const { concerns, rows } = await stats("hidden");
    expect(rows.find(({ lane }: Json) => lane === "s2").fallbacks.ejected).toBeGreaterThan(50);
    const share = Number(/s2 answers ([\d.]+) % of \d+ requests with errors, the baseline 0 %; \d+ fell back$/.exec(concerns[0])?.[1]);
    expect(share).toBeGreaterThan(90);
  });

  it("three times out of three is no reason to cry", async () => {
    const { revision } = (await publish("few", halves("few", world))).body;
    await untilInForce("few", String(revision));
    await visit("few.example", 150, () => ({ headers: { cookie: "lane-few=1.1.7" } }));
    world.s2.respond(reply.answer(500));
    await visit("few.example", 3, () => ({ headers: { cookie: "lane-few=1.1.9900" } }));
    await counted("few", 153);
    expect((await stats("few")).concerns).toEqual([]);
  });
});

it("a value put into KV by hand is as old as its first use, not as the first look at it", async () => {
  await publish("hand", group("hand", world));
  await untilInForce("hand", String((await inKv("hand")).published.revision));
  const file = group("hand", world, { note: "by hand" });
  await world.router.kv.put("group:hand", JSON.stringify(file));
  let told = await world.ask("hand");
  for (const end = Date.now() + 20_000; !String(told.log.revision).startsWith("~") && Date.now() < end; await sleep(200))
    told = await world.ask("hand");
  const used = Date.now();
  await sleep(9_000);
  const looked = Date.now();
  const newest = (await api("GET", "/groups/hand")).body.published;
  expect(newest.by).toBe("kv");
  expect(Date.parse(newest.at)).toBeLessThanOrEqual(used);
  const [entry] = (await historyOf("hand")).audit;
  expect([entry.action, entry.at]).toEqual(["changed outside", newest.at]);
  expect(looked - Date.parse(newest.at)).toBeGreaterThan(8_000);
  const { out } = await runLanes(["history", "hand"], { env: { LANEWAY_URL: world.router.url, LANEWAY_ADMIN_TOKEN: ADMIN } });
  expect(out).toMatch(/seen \d+ seconds ago/);
});

describe("a group that cannot be read", () => {
  const detail = async (host: string) => {
    const { status, text } = await world.router.fetch("/", { host });
    return [status, JSON.parse(text).title, JSON.parse(text).detail];
  };

  it("is what its visitors are told of, and nobody else's", async () => {
    expect(await detail("new.example")).toEqual([503, "no-config", "The lane group of this host cannot be read."]);
    expect(await detail("www.new.example")).toEqual([503, "no-config", "The lane group of this host cannot be read."]);
    expect(await detail("stranger.example")).toEqual([404, "no-group", "No lane group serves this host."]);
    const { text } = await world.router.fetch("/__lanes/health", { headers: { authorization: `Bearer ${READ}` } });
    expect(JSON.parse(text).problems).toContainEqual({
      key: "group:new",
      problems: [expect.objectContaining({ path: "baseline" })],
    });
    expect((await world.router.fetch("/__lanes/health")).text).not.toContain("new");
  });

  it("may be any host's where not even its hosts can be read", async () => {
    const names = (await world.router.kv.get("groups"))!;
    await world.router.kv.put("group:blind", "{ not json");
    await world.router.kv.put("groups", JSON.stringify([...JSON.parse(names), "blind"]));
    await vi.waitFor(
      async () =>
        expect(await detail("stranger.example")).toEqual([
          503,
          "no-config",
          "A lane group cannot be read, and no other one serves this host.",
        ]),
      { timeout: 20_000, interval: 500 },
    );
    await world.router.kv.put("groups", names);
  });
});
