/** Contract section 6: an exception in our own code sends the request to the baseline while its body is unread; a copy never takes that way. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { windowOf, writeContext } from "../../src/core/context.ts";
import { signerWith } from "../support/decision.ts";
import { headerOf } from "../support/origin.ts";
import { PLANT_HEADER, plantable } from "../support/plant.ts";
import * as reply from "../support/replies.ts";
import { TEST_SECRET } from "../support/router.ts";
import { clientSaw, group, newTraceId, sleep, startWorld, traceparent, type World } from "./world.ts";

const TOKEN = "admin-token-admin-token-admin-token-1";

let world: World;

beforeAll(async () => {
  world = await startWorld(
    (origins) => {
      const { s1, s2 } = origins;
      const eject = { failures: 1_000, seconds: 1 };
      const files = [
        group("shop", origins, {
          lanes: {
            s1: { weight: 1, origins: { web: { url: `${s1.url}/base`, headers: { "x-env": "s1" } } } },
            s2: { origins: { web: s2.url } },
          },
          propagate: { header: "x-tag", baggage: "lane", headers: ["version"] },
          fallback: { eject },
        }),
        group("slots", origins, {
          rules: [],
          lanes: { s1: { weight: 1, origins: { web: s1.url } }, s2: { weight: 1, origins: { web: s2.url } } },
          fallback: { eject },
        }),
        group("mirrored", origins, {
          fallback: { eject },
          mirrors: [{ name: "m", lane: "s3", percent: 100, writes: "send", compare: {} }],
        }),
        group("strict", origins, { mode: "strict" }),
        group("signed", origins, { services: { web: { entry: "signed" } }, fallback: { eject } }),
      ];
      return Object.fromEntries(files.map((file) => [file.name, file]));
    },
    { build: plantable, bindings: { LANEWAY_ADMIN_TOKEN: TOKEN } },
  );
  for (let i = 0; i < 100 && (await world.router.fetch("/", { host: "shop.example" })).status !== 200; i++) await sleep(20);
}, 30_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

const plant = (step: string, headers: Record<string, string> = {}) => ({ [PLANT_HEADER]: step, ...headers });
const everybody = () => (["s1", "s2", "s3"] as const).flatMap((name) => world[name].requests.map(() => name));

async function ask(
  step: string,
  { name = "shop", ...request }: { name?: string; method?: string; body?: string | Uint8Array; headers?: Record<string, string> } = {},
) {
  const traceId = newTraceId();
  const answer = await world.router.fetch("/x?q=1", {
    host: `${name}.example`,
    ...request,
    headers: { traceparent: traceparent(traceId), ...plant(step, request.headers) },
  });
  clientSaw(`${answer.status}${answer.status === 200 ? ` ${answer.text}` : ""}`);
  await sleep(15);
  const asked = world.seenOf(traceId);
  const log = world.router.logs().find((line) => line.traceId === traceId);
  const told = world.router.logs().filter((line) => line.error !== undefined && line.message === "planted").length;
  return { answer, asked: asked.map(({ origin }) => origin), seen: asked.map(({ seen }) => seen), log, told };
}

const INTERNAL = { type: "urn:laneway:internal", title: "internal", status: 502, detail: expect.any(String) };

describe("an exception", () => {
  it.each([
    "signerOf",
    "overrideOf",
    "decide",
    "assign",
    "firstRule",
    "matches",
    "hopsOf",
    "serve",
    "isRepeatable",
    "firstCandidate",
    "isExpired",
    "admit",
  ])("fault 56: in %s, before anybody is asked, sends the request to the baseline, with its body", async (step) => {
    const told = world.router.logs().length;
    const get = await ask(step);
    expect([get.answer.status, get.answer.text, get.asked, get.seen[0]!.url]).toEqual([200, "s1", ["s1"], "/base/x?q=1"]);
    expect(get.log).toMatchObject({ group: "shop", reason: "internal", status: 200, lane: null, servedBy: null });
    expect(world.router.logs().slice(told)).toContainEqual({ error: "internal", group: "shop", message: "planted" });
    const post = await ask(step, { method: "POST", body: "a body" });
    expect([post.answer.status, post.asked, post.seen[0]!.method, post.seen[0]!.body.toString()]).toEqual([200, ["s1"], "POST", "a body"]);
  });

  it.each(["visitorOf", "laneAt", "readCookie"])("fault 56: in %s, where a slot decides, too", async (step) => {
    const { answer, asked, log } = await ask(step, { name: "slots", headers: { cookie: "lane-slots=1.1.9999" } });
    expect([answer.status, asked, log!.reason]).toEqual([200, ["s1"], "internal"]);
  });

  it.each(["readContext", "isCurrent"])("fault 56: in %s, where a context came, too", async (step) => {
    const context = writeContext(
      { group: "shop", lane: "s2", hop: 1, window: windowOf(Date.now() / 1000), mirror: null },
      signerWith(TEST_SECRET),
    );
    const { answer, asked, log } = await ask(step, { headers: { "x-lane-context": context } });
    expect([answer.status, asked, log!.reason]).toEqual([200, ["s1"], "internal"]);
  });

  it("faults 56, B9: keeps an answer of a service whose lanes differ out of shared caches", async () => {
    const shared = { "cdn-cache-control": "max-age=600", "x-accel-expires": "600" };
    world.s1.respond(reply.answer(200, "x", { "cache-control": "public, s-maxage=600, max-age=5", ...shared }));
    for (const step of ["decide", "visitorOf", "respond"]) {
      const { answer, asked } = await ask(step, { name: "slots", headers: { cookie: "lane-slots=1.1.1" } });
      expect(asked.at(-1)).toBe("s1");
      expect([answer.headers["cache-control"], ...Object.keys(shared).map((name) => answer.headers[name])]).toEqual([
        "private, max-age=5",
        undefined,
        undefined,
      ]);
    }
    // Every visitor gets the same there.
    expect((await ask("decide", { name: "strict" })).answer.headers["cache-control"]).toBe("public, s-maxage=600, max-age=5");
  });

  it("faults 56, B6: gives the whole file for a part, since nobody knows of which version it is to be", async () => {
    const { answer, seen } = await ask("decide", { headers: { range: "bytes=50-" } });
    expect(answer.status).toBe(200);
    expect(seen.map(({ headers }) => headerOf(headers, "range"))).toEqual([undefined]);
  });

  it.each(["secondCandidate", "timeoutMsOf", "headerEdits", "writeContext", "mayPropagate"])(
    "fault 56: in %s, on the way to the lane, sends to the baseline what has no body, and never half of one",
    async (step) => {
      const headers = { baggage: "version=1" };
      const get = await ask(step, { headers });
      expect([get.answer.status, get.asked, get.log!.reason]).toEqual([200, ["s1"], "internal"]);
      const post = await ask(step, { method: "POST", body: "a body", headers });
      if (post.answer.status === 200) expect(post.seen.map(({ body }) => body.toString())).toEqual(["a body"]);
      else expect([post.answer.status, post.asked, JSON.parse(post.answer.text)]).toEqual([502, [], INTERNAL]);
    },
  );

  it.each(["isKnown", "respond", "cookieFor", "isChosen"])(
    "fault 56: in %s, after the lane was asked, asks again only what may be asked twice",
    async (step) => {
      for (const origin of [world.s1, world.s2])
        origin.respond(reply.answer(200, origin.name, { "content-type": "text/html", location: "/x" }));
      const get = await ask(step);
      expect([get.answer.status, get.answer.text, get.asked, get.log!.reason]).toEqual([200, "s1", ["s2", "s1"], "internal"]);
      // Without a body to tell, it would be easy to send it twice.
      for (const body of ["", "a body"]) {
        const post = await ask(step, { method: "POST", body });
        expect([post.answer.status, post.asked, post.log!.reason, JSON.parse(post.answer.text)]).toEqual([
          502,
          ["s2"],
          "internal",
          INTERNAL,
        ]);
      }
    },
  );

  it.each(["failed"])("fault 56: in %s, after the lane failed, still finds the baseline", async (step) => {
    world.s2.respond(reply.resetBeforeHeaders());
    const { answer, asked } = await ask(step);
    expect([answer.status, asked]).toEqual([200, ["s2", "s1"]]);
  });

  it.each(["count", "tallyOf", "bucketOf", "log", "within", "flushSoon"])(
    "fault 56: in %s, behind the answer, costs the client nothing",
    async (step) => {
      const { answer, asked } = await ask(step, { method: "POST", body: "a body" });
      expect([answer.status, answer.text, asked, answer.headers["x-lane"]]).toEqual([200, "s2", ["s2"], "s2"]);
    },
  );

  it.each(["considerCopies", "settleCopies", "losesCredentials", "take", "copyEdits", "compareAnswers"])(
    "fault 56: in %s, on the way to a copy, costs the original nothing",
    async (step) => {
      const { answer, asked } = await ask(step, { name: "mirrored" });
      expect([answer.status, answer.text, asked.filter((name) => name !== "s3" && name !== "s2"), answer.headers["x-lane"]]).toEqual([
        200,
        "s2",
        [],
        "s2",
      ]);
    },
  );

  it.each(["readFacts", "currentGroups", "findGroup"])(
    "fault 56: in %s, before the group is known, is 502, and nothing is sent",
    async (step) => {
      const { answer } = await ask(step);
      expect([answer.status, JSON.parse(answer.text), everybody()]).toEqual([502, INTERNAL, []]);
      expect(answer.headers["content-type"]).toBe("application/problem+json");
    },
  );

  it.each(["findService", "originUrl", "endingNames", "decide,writeBaggage", "decide,isOwnMember", "decide,failOpen"])(
    "fault 56: in %s, which the way out needs itself, is 502, and nothing is sent",
    async (step) => {
      const { answer } = await ask(step);
      expect([answer.status, everybody()]).toEqual([502, []]);
      expect(answer.text).not.toMatch(/planted|127\.0\.0\.1|at /);
    },
  );

  it("fault 56: in a strict group still gives the baseline", async () => {
    expect((await ask("decide", { name: "strict" })).asked).toEqual(["s1"]);
  });
});

describe("what goes to the baseline then", () => {
  it("is less all that is ours, or ends here, and says who sent it", async () => {
    const { seen } = await ask("decide", {
      headers: {
        baggage: "a=1 ,lane=s2,l%61ne=s2,laneway.shop=1~shop~s2~1~1~~~x,%6Caneway.shop=y,laneway.other=z,b=2",
        cookie: "c=1; lane-shop=1.1.5; d=2",
        "x-lane": "s2",
        X_Lane_Mirror: "x",
        "x-tag": "s2",
        "x-lane-hops": "3",
        "cloudflare-workers-version-key": "k",
        forwarded: "for=x",
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-host": "evil.example",
        connection: "x-own",
        "x-own": "1",
        "x-other": "2",
      },
    });
    const sent = Object.fromEntries(seen[0]!.headers.map(([name, value]) => [name.toLowerCase(), value]));
    delete sent.traceparent;
    delete sent[PLANT_HEADER];
    expect(sent).toEqual({
      host: new URL(world.s1.url).host,
      baggage: "a=1,laneway.other=z,b=2",
      cookie: "c=1; d=2",
      "x-lane-hops": "4",
      "x-forwarded-host": "shop.example",
      "x-forwarded-proto": "http",
      "x-other": "2",
      "x-env": "s1",
    });
  });

  it("is streamed, however long it is, and so is the answer, less what only we may say", async () => {
    const body = Buffer.alloc(3 * 1024 * 1024, "laneway");
    const done = reply.answer(201, "done", { "x-lane": "s9", "x-lane-served-by": "s9", "set-cookie": ["a=1", "b=2"] });
    world.s1.respond(async (exchange) => {
      await exchange.seen.received;
      await done(exchange);
    });
    const { answer, seen } = await ask("decide", { method: "PUT", body });
    expect([
      answer.status,
      answer.text,
      answer.headers["set-cookie"],
      answer.headers["x-lane"],
      answer.headers["x-lane-served-by"],
    ]).toEqual([201, "done", ["a=1", "b=2"], undefined, undefined]);
    expect(seen[0]!.bodySha256).toBe(createHash("sha256").update(body).digest("hex"));
  });

  it("is nothing after sixteen hops", async () => {
    const { answer, asked } = await ask("decide", { headers: { "x-lane-hops": "17" } });
    expect([answer.status, asked]).toEqual([508, []]);
  });

  it("may fail, too", async () => {
    world.s1.respond(reply.resetBeforeHeaders());
    const { answer, asked } = await ask("decide");
    expect([answer.status, asked, JSON.parse(answer.text).type]).toEqual([502, ["s1"], "urn:laneway:connect"]);
  });
});

describe("a copy", () => {
  const text = (group: string, mirror: string | null) =>
    writeContext({ group, lane: "s1", hop: 1, window: 1, mirror }, signerWith(TEST_SECRET));
  it.each<[string, Record<string, string>]>([
    ["by its group's member", { baggage: `laneway.shop=${text("shop", "shop/m")}` }],
    ["by another group's", { baggage: `a=1,laneway.other=${text("other", "other/m")}` }],
    ["by an escaped value", { baggage: `laneway.other=${text("other", "other/m").replaceAll("~", "%7E")}` }],
    ["by the header", { "x-lane-context": text("shop", "shop/m") }],
    ["by the header of its mirror", { "x-lane-mirror": "shop/m" }],
  ])("fault 56: marked %s never takes that way", async (_, headers) => {
    for (const step of ["decide", "headerEdits", "serve", "signerOf"]) {
      const { answer, asked } = await ask(step, { headers });
      expect([step, answer.status, asked]).toEqual([step, 502, []]);
    }
  });

  it("is not every request that bears a context", async () => {
    const { asked } = await ask("decide", { headers: { baggage: `laneway.shop=${text("shop", null)}` } });
    expect(asked).toEqual(["s1"]);
  });
});

describe("a service that admits only what came through the router", () => {
  const from = (name: string, windows: number) => ({
    baggage: `laneway.${name}=${writeContext(
      { group: name, lane: "s2", hop: 1, window: windowOf(Date.now() / 1000) + windows, mirror: null },
      signerWith(TEST_SECRET),
    )}`,
  });

  it("fault 56: stays closed on that way, too, to everybody else, and to all where no signature can be checked", async () => {
    for (const step of ["decide", "assign", "hopsOf", "headerEdits", "serve"]) {
      for (const headers of [{}, { baggage: "laneway.signed=1~signed~s2~1~1~~~x" }, from("signed", -290), { "x-lane": "s1" }]) {
        const { answer, asked, log } = await ask(step, { name: "signed", headers });
        const before = step === "decide" ? [502, "internal"] : [403, "no-context"];
        expect([step, answer.status, log!.reason, asked]).toEqual([step, ...before, []]);
      }
      for (const headers of [from("signed", 0), from("shop", -280)]) {
        const { answer, asked } = await ask(step, { name: "signed", headers });
        expect([step, answer.status, asked]).toEqual([step, 200, ["s1"]]);
      }
    }
    for (const step of ["signerOf", "readContext", "readIncoming", "isRecent", "refusalOf"]) {
      const { answer, asked } = await ask(step, { name: "signed", headers: from("signed", 0) });
      expect([step, answer.status, JSON.parse(answer.text), asked]).toEqual([step, 502, INTERNAL, []]);
    }
  });
});

describe("the admin's paths", () => {
  it.each([
    ["/__lanes/health", "currentGroups"],
    ["/__lanes/api/groups", "currentGroups"],
    ["/__lanes/api/explain", "decide"],
    ["/__lanes/api/explain", "readFacts"],
  ])("fault 56: %s fails closed when %s does", async (path, step) => {
    const explain = path.endsWith("explain");
    const answer = await world.router.fetch(path, {
      host: "shop.example",
      method: explain ? "POST" : "GET",
      headers: plant(step, { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" }),
      ...(explain ? { body: JSON.stringify({ url: "http://shop.example/x" }) } : {}),
    });
    clientSaw(`${answer.status}`);
    expect([answer.status, JSON.parse(answer.text), everybody()]).toEqual([502, INTERNAL, []]);
  });
});
