/** Which requests are copied, how a copy is told from the original, and that it stays a copy. */
import { randomInt } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Signer, windowOf, writeContext } from "../../src/core/context.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";
import { within } from "../../src/core/slots.ts";
import { signerOf } from "../../src/edge/sign.ts";
import { headerOf, type Origin } from "../support/origin.ts";
import * as reply from "../support/replies.ts";
import { TEST_SECRET } from "../support/router.ts";
import { type Copies, decided, type MirrorWorld, mirrored, type Sent, startMirrors } from "./mirrors.ts";
import { clientSaw, sleep } from "./world.ts";

const METHODS = ["POST", "PUT", "PATCH", "DELETE", "PURGE"];
const PERCENTS = [0, 1, 10, 100];

let world: MirrorWorld;
/** Without a secret. */
let open: MirrorWorld;
/** With its groups switched off. */
let off: MirrorWorld;
let signer: Signer;
/** What the router must have counted in the end, by group: counters come seconds after. */
const counts = new Map<string, Pick<Copies, "sent" | "dropped">>();

beforeAll(async () => {
  signer = (await signerOf({ LANEWAY_SECRET: TEST_SECRET } as Parameters<typeof signerOf>[0]))!;
  const main = startMirrors((origins) => {
    const { s1, s2, s3 } = origins;
    const of = (name: string, mirror: object | null = {}, more = {}) => mirrored(name, origins, mirror, more);
    const chain = { web: {}, payment: { path: "/payment", entry: false }, ledger: { path: "/ledger", entry: false, mirrored: "send" } };
    const everywhere = (url: string) => ({ web: url, payment: url, ledger: url });
    const chained = { services: chain, lanes: { s1: { weight: 1, origins: everywhere(s1.url) }, s3: { origins: everywhere(s3.url) } } };
    return [
      of("reads"),
      of("marked"),
      of("writes", { writes: "send" }),
      of("streams"),
      of("hosts", {}, { hosts: ["*"] }),
      of("chain", { writes: "send", services: ["web", "payment", "ledger"] }, chained),
      of("other", { writes: "send", services: ["web"] }),
      of("expiring"),
      of(
        "gone",
        {},
        { lanes: { s1: { weight: 1, origins: { web: s1.url } }, s3: { expiresAt: "2020-01-01T00:00:00Z", origins: { web: s3.url } } } },
      ),
      of("lacking", { lane: "s2" }, { lanes: { s1: { weight: 1, origins: { web: s1.url } }, s2: { origins: {} } } }),
      of(
        "unmarkable",
        {},
        { lanes: { s1: { weight: 1, origins: { web: s1.url } }, s3: { origins: { web: { url: s3.url, baggage: "none" } } } } },
      ),
      of(
        "from",
        { from: ["s1"] },
        {
          lanes: { s1: { weight: 1, origins: { web: s1.url } }, s2: { origins: { web: s2.url } }, s3: { origins: { web: s3.url } } },
          rules: [
            { name: "two", when: { path: "/two" }, lane: "s2" },
            { name: "dark", when: { path: "/dark" }, lane: "s3" },
          ],
        },
      ),
      of("own-lane", { writes: "send" }, { rules: [{ name: "dark", when: { path: "/dark" }, lane: "s3" }] }),
      of("when", { when: { path: { prefix: "/api" }, not: { header: { "x-bot": { exists: true } } } } }),
      of(
        "synthetic",
        { writes: "synthetic" },
        { lanes: { s1: { weight: 1, origins: { web: s1.url } }, s3: { origins: { web: { url: s3.url, synthetic: true } } } } },
      ),
      of("no-promise", { writes: "synthetic" }),
      ...PERCENTS.map((percent) => of(`percent-${percent}`, { percent }, { sticky: { by: "cookie" } })),
      of("by-request", { percent: 10, by: "request" }, { sticky: { by: "cookie" } }),
    ];
  });
  const groups = (origins: Pick<MirrorWorld, "s1" | "s2" | "s3">) => [
    mirrored("open", origins, {}, { context: "open" }),
    mirrored("signed", origins, { writes: "send" }),
  ];
  const others = [
    startMirrors(groups, { bindings: { LANEWAY_SECRET: undefined } }),
    startMirrors(groups, { bindings: { LANEWAY_OFF: '"*"' } }),
  ];
  [world, open, off] = (await Promise.all([main, ...others])) as [MirrorWorld, MirrorWorld, MirrorWorld];
}, 60_000);
afterAll(() => Promise.all([world?.close(), open?.close(), off?.close()]));
beforeEach(() => world.reset());

/** Whether the copies came, once all had the time to. */
async function copied(sent: readonly Sent[]): Promise<boolean[]> {
  await sleep(250);
  return sent.map(({ dark }) => dark().length > 0);
}

describe("the end of a mirror", () => {
  it("comes with the second in which it expires", async () => {
    const expiresAt = Math.ceil(Date.now() / 1000) + 2;
    // Nobody has asked the router yet: it reads this.
    await world.router.putGroup("expiring", mirrored("expiring", world, { expiresAt: new Date(expiresAt * 1000).toISOString() }));
    const sent: { second: number; one: Sent }[] = [];
    while (Date.now() < (expiresAt + 1) * 1000) {
      const one = await world.send("expiring");
      const { time } = await world.logOf(one.traceId);
      sent.push({ second: Math.floor(Date.parse(String(time)) / 1000), one });
      await sleep(30);
    }
    const came = await copied(sent.map(({ one }) => one));
    expect(came).toEqual(sent.map(({ second }) => second < expiresAt));
    const copies = came.filter(Boolean).length;
    expect(copies).toBeGreaterThan(0);
    expect(copies).toBeLessThan(came.length);
    counts.set("expiring", { sent: copies, dropped: { expired: came.length - copies } });
  });
});

describe("writes", () => {
  it("fault 61: are not copied unless the mirror says so, by whatever name the method comes", async () => {
    const requests = [
      ...METHODS.map((method) => ({ method })),
      { headers: { "x-http-method-override": "DELETE" } },
      { headers: { "X-Method-Override": "post" } },
      { method: "HEAD", headers: { "x-http-method": "PUT" } },
      ...["GET", "HEAD", "OPTIONS"].map((method) => ({ method })),
    ];
    const blocked = await copied(await Promise.all(requests.map((request) => world.send("reads", request))));
    expect(blocked).toEqual(requests.map((_, i) => i >= METHODS.length + 3));
    const sent = await copied(await Promise.all(requests.map((request) => world.send("writes", request))));
    expect(sent).toEqual(requests.map(() => true));
    counts.set("reads", { sent: 3, dropped: { method: METHODS.length + 3 } });
    clientSaw("the same as without a mirror");
  });

  it("go marked as synthetic to an origin that promises to roll back, and to no other", async () => {
    const [promised, unpromised] = [
      await world.send("synthetic", { method: "POST", body: "1" }),
      await world.send("no-promise", { method: "POST", body: "1" }),
    ];
    const [read] = [await world.send("synthetic")];
    expect(headerOf((await promised.copy()).headers, "x-lane-synthetic")).toBe("true");
    expect(headerOf((await read!.copy()).headers, "x-lane-synthetic")).toBeUndefined();
    expect(promised.live().map(({ headers }) => headerOf(headers, "x-lane-synthetic"))).toEqual([undefined]);
    expect(await copied([unpromised])).toEqual([false]);
    counts.set("no-promise", { sent: 0, dropped: { method: 1 } });
  });
});

describe("a copy", () => {
  it("is marked for whoever looks, with a span of its own in the same trace", async () => {
    const sent = await world.send("marked", { host: "a.marked.example:8080", headers: { tracestate: "k=v" } });
    const [copy, original] = [await sent.copy(), sent.live()[0]!];
    const of = (name: string) => [headerOf(copy.headers, name), headerOf(original.headers, name)];
    expect(of("x-lane-mirror")).toEqual(["marked/m", undefined]);
    expect(of("x-lane")).toEqual(["s3", "s1"]);
    expect(of("x-forwarded-host")).toEqual(["a.marked.example-shadow:8080", "a.marked.example:8080"]);
    expect(of("baggage")[0]).toMatch(/^laneway\.marked=1~marked~s3~1~\d+~marked~m~[\w-]{43}$/);
    expect(of("x-lane-context")[0]).toBe(of("baggage")[0]!.slice("laneway.marked=".length));
    expect(of("tracestate")).toEqual(["k=v", "k=v"]);
    const [own, first] = of("traceparent") as [string, string];
    expect(own).toMatch(new RegExp(`^00-${sent.traceId}-[0-9a-f]{16}-01$`));
    expect(own.slice(36, 52)).not.toBe(first.slice(36, 52));
  });

  it("fault 69: has a span of its own where no trace came", async () => {
    const answer = await world.router.fetch("/no-trace", { host: "marked.example" });
    expect(answer.status).toBe(200);
    await sleep(200);
    const of = (origin: Origin) => headerOf(origin.requests.find(({ url }) => url === "/no-trace")!.headers, "traceparent")!;
    expect(of(world.s3).slice(0, 36)).toBe(of(world.s1).slice(0, 36));
    expect(of(world.s3)).not.toBe(of(world.s1));
  });

  it.each([
    ["hosts.example:8080", "hosts.example-shadow:8080"],
    ["[::1]:8080", "[::1]-shadow:8080"],
    ["[::1]", "[::1]-shadow"],
  ])("fault 66: of %s says %s", async (host, shadow) => {
    const copy = await (await world.send("hosts", { host })).copy();
    expect(headerOf(copy.headers, "x-forwarded-host")).toBe(shadow);
  });

  it("is never made of upgrades, event streams, ranges and preflights", async () => {
    const headers = [
      { range: "bytes=0-1" },
      { accept: "Text/Event-Stream" },
      { accept: "text/html, text/event-stream;q=0.5" },
      { connection: "upgrade", upgrade: "foo" },
    ];
    const preflight = { method: "OPTIONS", headers: { origin: "https://a.example", "access-control-request-method": "GET" } };
    const sent = await Promise.all([...headers.map((one) => world.send("streams", { headers: one })), world.send("streams", preflight)]);
    world.s1.respond(reply.events(["a", "b"], 10));
    const events = await world.send("streams");
    expect(events.answer.text).toBe("data: a\n\ndata: b\n\n");
    expect(await copied([...sent, events])).toEqual(Array(6).fill(false));
    counts.set("streams", { sent: 0, dropped: { stream: 6 } });
  });
});

describe("a copy of a copy", () => {
  /** What a service sends when it has got a copy: the baggage, as OpenTelemetry passes it on. */
  const onward = async () => {
    const { headers } = await (await world.send("chain")).copy();
    return { baggage: headerOf(headers, "baggage")!, context: headerOf(headers, "x-lane-context")! };
  };
  const HOPS = [
    ["the same service", "chain", "/x"],
    ["another service that is mirrored, too", "chain", "/payment"],
    ["another group", "other", "/x"],
  ] as const;

  it.each(HOPS)("fault 64: is not made at %s", async (_, group, path) => {
    const { baggage, context } = await onward();
    const sent = [
      await world.send(group, { path, headers: { baggage } }),
      await world.send(group, { path, headers: { "x-lane-context": context } }),
      await world.send(group, { path, headers: { baggage: `a=b,${baggage},c=d` } }),
    ];
    await sleep(200);
    // Each went where the copy goes, once; nobody copied it again.
    for (const { traceId } of sent) expect(world.seenOf(traceId)).toHaveLength(1);
    for (const { traceId } of sent) expect(headerOf(world.seenOf(traceId)[0]!.seen.headers, "x-lane-mirror")).toBe("chain/m");
  });

  it("fault 64: is not made when the mark has outlived its window, and the mark still keeps its writes away", async () => {
    const context = writeContext(
      { group: "chain", lane: "s3", hop: 1, window: windowOf(Date.now() / 1000) - 100, mirror: "chain/m" },
      signer,
    );
    const headers = { baggage: `laneway.chain=${context}` };
    const [read, write] = [await world.send("chain", { headers }), await world.send("other", { method: "POST", headers, body: "1" })];
    await sleep(200);
    expect(world.seenOf(read.traceId)).toHaveLength(1);
    expect(write.answer.status).toBe(403);
    expect(JSON.parse(write.answer.text)).toMatchObject({ type: "urn:laneway:mirror-blocked", status: 403 });
    expect(world.seenOf(write.traceId)).toEqual([]);
    clientSaw("403 mirror-blocked for a write");
  });

  it.each([
    ["the header alone", { "x-lane-mirror": "chain/m", x_lane_mirror: "chain/m", "X-Lane-Synthetic": "true" }],
    ["a member with a wrong signature", { baggage: `laneway.chain=1~chain~s3~1~0~chain~m~${"A".repeat(43)}` }],
    ["a member of another form", { baggage: "laneway.chain=copy,laneway%2Echain=1,lane=s3" }],
  ])("is not forged by %s: the request is an ordinary one", async (_, headers) => {
    const sent = await world.send("chain", { method: "POST", body: "1", headers });
    expect(sent.answer).toMatchObject({ status: 200, text: "s1" });
    const copy = await sent.copy();
    for (const name of ["x-lane-mirror", "x_lane_mirror", "x-lane-synthetic"])
      expect(headerOf(sent.live()[0]!.headers, name), name).toBeUndefined();
    expect(headerOf(copy.headers, "x-lane-mirror")).toBe("chain/m");
    expect(headerOf(copy.headers, "x-lane-synthetic")).toBeUndefined();
    expect(headerOf(copy.headers, "baggage")!.match(/laneway/g)).toHaveLength(1);
  });
});

describe("a mirror", () => {
  it("fault 65: to the origin that has served already is refused, and at run time a lane is not asked again for what it did", async () => {
    const file = mirrored(
      "same",
      world,
      {},
      { lanes: { s1: { weight: 1, origins: { web: world.s1.url } }, s3: { origins: { web: world.s1.url } } } },
    );
    const parsed = parseLaneGroup(file, { insecureOrigins: true });
    expect(parsed.ok ? [] : parsed.error.map(({ path }) => path)).toEqual(["mirrors[0].lane"]);
    const sent = await world.send("own-lane", { path: "/dark", method: "POST", body: "1" });
    expect(sent.answer.text).toBe("s3");
    await sleep(200);
    expect(sent.dark()).toHaveLength(1);
  });

  it("copies what the lanes in `from` served, never what its own lane did", async () => {
    const paths = ["/x", "/two", "/dark"];
    const sent = [];
    for (const path of paths) sent.push(await world.send("from", { path }));
    expect(sent.map(({ answer }) => answer.text)).toEqual(["s1", "s2", "s3"]);
    await sleep(200);
    expect(sent.map(({ dark }) => dark().length)).toEqual([1, 0, 1]);
    expect(headerOf(sent[2]!.dark()[0]!.headers, "x-lane-mirror")).toBeUndefined();
  });

  it("copies only requests for which `when` holds", async () => {
    const sent = [
      await world.send("when", { path: "/api/x" }),
      await world.send("when", { path: "/apix" }),
      await world.send("when", { path: "/api", headers: { "x-bot": "1" } }),
    ];
    expect(await copied(sent)).toEqual([true, false, false]);
  });

  it("that cannot mark, or whose lane is gone or lacks the service, sends nothing and counts why", async () => {
    const groups = { unmarkable: "unmarkable", gone: "expired", lacking: "missing-service" };
    const sent = await Promise.all(Object.keys(groups).map((group) => world.send(group)));
    expect(await copied(sent)).toEqual([false, false, false]);
    for (const [group, reason] of Object.entries(groups)) counts.set(group, { sent: 0, dropped: { [reason]: 1 } });
  });
});

describe("a share", () => {
  const slots = Array.from({ length: 150 }, () => randomInt(10_000));
  const cookie = (group: string, slot: number) => ({ headers: { cookie: `lane-${group}=1.1.${slot}` } });

  it.each(PERCENTS)("fault 68: of %i percent is that of the visitors' slots, request for request", async (percent) => {
    const group = `percent-${percent}`;
    const sent: Sent[] = [];
    for (let at = 0; at < slots.length; at += 10)
      sent.push(...(await Promise.all(slots.slice(at, at + 10).map((slot) => world.send(group, cookie(group, slot))))));
    const expected = slots.map((slot) => within(`mirror/${group}/m`, slot, percent));
    expect(await copied(sent)).toEqual(expected);
    if (percent === 0 || percent === 100) expect(new Set(expected)).toEqual(new Set([percent === 100]));
  });

  it("by request takes some of one visitor's requests", async () => {
    const sent = await Promise.all(Array.from({ length: 100 }, () => world.send("by-request", cookie("by-request", 7))));
    const count = (await copied(sent)).filter(Boolean).length;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(35);
  });
});

describe("without a secret, or switched off", () => {
  it("nothing is copied", async () => {
    const sent = [await open.send("open"), await open.send("signed"), await off.send("signed")];
    expect(sent.map(({ answer }) => answer.text)).toEqual(["s1", "s1", "s1"]);
    expect(await copied(sent)).toEqual([false, false, false]);
  });

  it("a mark is still believed where it can be", async () => {
    const context = writeContext({ group: "signed", lane: "s3", hop: 1, window: windowOf(Date.now() / 1000), mirror: "signed/m" }, signer);
    for (const group of ["signed", "open"]) {
      const write = await off.send(group, { method: "POST", body: "1", headers: { baggage: `laneway.signed=${context}` } });
      expect(write.answer.status).toBe(403);
      expect(off.seenOf(write.traceId)).toEqual([]);
    }
  });
});

describe("every copy that was not sent", () => {
  it("is counted under its reason", async () => {
    const found = new Map<string, unknown>();
    for (const [group, { sent, dropped }] of counts) {
      const copies = await world.counted(group, (now) => decided(now) >= decided({ ...now, sent, dropped }));
      found.set(group, { sent: copies.sent, dropped: copies.dropped });
    }
    expect(found).toEqual(counts);
    expect(await open.counted("open", (copies) => decided(copies) > 0)).toMatchObject({ sent: 0, dropped: { unmarkable: 1 } });
    expect(decided(await off.copies("signed"))).toBe(0);
  }, 30_000);
});
