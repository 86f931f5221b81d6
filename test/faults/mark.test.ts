/**
 * A copy stays a copy, and a chain its lane, whatever a client sends along and whatever the services between make of it (contract section 4).
 * The dark service passes its baggage on as an SDK does, and writes through the router.
 */
import { request as httpRequest } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { windowOf, writeContext } from "../../src/core/context.ts";
import { signerWith } from "../support/decision.ts";
import { headerOf, type Responder } from "../support/origin.ts";
import * as reply from "../support/replies.ts";
import { TEST_SECRET } from "../support/router.ts";
import { HOSTILE, SDKS, type Sdk } from "../support/sdks.ts";
import { type MirrorWorld, mirrored, startMirrors } from "./mirrors.ts";
import { clientSaw, sleep, until } from "./world.ts";

const signer = signerWith(TEST_SECRET);
const now = () => windowOf(Date.now() / 1000);
const WINDOWS_A_DAY = 288;
const context = (group: string, { lane = "s1", window = now(), mirror = null as string | null } = {}) =>
  writeContext({ group, lane, hop: 1, window, mirror }, signer);

let world: MirrorWorld;
let off: MirrorWorld;
let secretless: MirrorWorld;

beforeAll(async () => {
  const files = (origins: Pick<MirrorWorld, "s1" | "s2" | "s3">) => {
    const { s1, s2, s3 } = origins;
    const services = (name: string) => ({
      web: {},
      pay: { hosts: [`pay.${name}.example`], entry: false },
      partner: { hosts: [`partner.${name}.example`], entry: false, mirrored: "send" },
      safe: { hosts: [`safe.${name}.example`], entry: "signed" },
    });
    const live = { web: s1.url, pay: s2.url, partner: { url: s2.url, baggage: "none" }, safe: s2.url };
    const lanes = { s1: { weight: 1, origins: live }, s3: { origins: { web: s3.url } } };
    const of = (name: string, mirror: object | null, more = {}) =>
      mirrored(name, origins, mirror, { services: services(name), lanes, ...more });
    return [
      of("shop", {}),
      of("chain", null, { rules: [{ name: "tester", when: { header: { "x-tester": "1" } }, lane: "s3" }] }),
      of("other", null),
      of(
        "probing",
        { compare: { noisePercent: 100 } },
        { lanes: { ...lanes, s1: { weight: 1, origins: { ...live, web: { url: s1.url, baggage: "none" } } } } },
      ),
      of("strict", null, { mode: "strict", context: "open" }),
    ];
  };
  [world, off, secretless] = await Promise.all([
    startMirrors(files),
    startMirrors(files, { bindings: { LANEWAY_OFF: '"*"' } }),
    startMirrors(files, { bindings: { LANEWAY_SECRET: undefined } }),
  ]);
}, 60_000);
afterAll(() => Promise.all([world?.close(), off?.close(), secretless?.close()]));
beforeEach(() => {
  for (const each of [world, off, secretless]) each.reset();
});

interface Got {
  readonly status: number;
  readonly type: string;
}

function call(method: string, host: string, headers: Record<string, string>): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(world.router.url);
    const sent = httpRequest({ hostname, port, method, path: "/charge", headers: { host, ...headers } }, async (response) => {
      const text = (await response.toArray()).join("");
      resolve({ status: response.statusCode ?? 0, type: /"urn:laneway:([a-z-]+)"/.exec(text)?.[1] ?? "" });
    });
    sent.on("error", reject).end();
  });
}

/** What services got from the one that they called. */
let got: Got[] = [];

/** A service that writes to the next, with what its SDK made of the baggage. */
const calls =
  (sdk: Sdk, host: string, method = "POST"): Responder =>
  async (exchange) => {
    const { headers } = exchange.seen;
    const baggage = sdk(headerOf(headers, "baggage") ?? "");
    const traceparent = headerOf(headers, "traceparent")!;
    got.push(await call(method, host, { traceparent, ...(baggage !== null && { baggage }) }));
    await reply.json({})(exchange);
  };

describe("a copy", () => {
  beforeEach(() => {
    got = [];
  });

  it.each(Object.entries(HOSTILE))("faults A1, A2: may not write through any SDK, whatever the client sent: %s", async (_, baggage) => {
    for (const [name, sdk] of Object.entries(SDKS)) {
      for (const host of ["pay.shop.example", "pay.other.example"]) {
        got = [];
        world.s3.respond(calls(sdk, host));
        const { answer } = await world.send("shop", { headers: { baggage } });
        clientSaw(`${answer.status} ${answer.text}`);
        expect([answer.status, answer.text]).toEqual([200, "s1"]);
        expect(await until(() => got.length === 1)).toBe(true);
        expect([name, host, got]).toEqual([name, host, [{ status: 403, type: "mirror-blocked" }]]);
      }
    }
    expect(world.s2.requests).toEqual([]);
  });

  it("faults A1, A2: may not write whatever mix a client sends, through any two SDKs", async () => {
    const piece = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...Object.values(HOSTILE)) },
      { weight: 2, arbitrary: fc.constantFrom("a=1", "k=", ";", "%zz=%", "laneway.shop", "=", `laneway.other=${context("other")}`) },
      { weight: 1, arbitrary: fc.constantFrom(`laneway.shop=${context("shop", { window: 1 })}`, `laneway.pay=${context("shop")}`) },
    );
    const header = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(","));
    const sdk = fc.constantFrom(...Object.values(SDKS));
    // Without the router between, what one does not encode may be what the other gives up all for.
    const encoding = sdk.filter((each) => each !== SDKS["decodes and does not encode"]);
    const host = fc.constantFrom("pay.shop.example", "pay.other.example");
    const property = fc.asyncProperty(header, encoding, sdk, host, async (baggage, first, second, host) => {
      got = [];
      world.s3.respond(calls((came) => second(first(came) ?? "lost") ?? "lost", host));
      await world.send("shop", { headers: { baggage } });
      expect(await until(() => got.length === 1)).toBe(true);
      expect(got).toEqual([{ status: 403, type: "mirror-blocked" }]);
    });
    await fc.assert(property, { seed: 20_261_129, numRuns: 100 });
    expect(world.s2.requests).toEqual([]);
  });

  it("fault A2: carries 32 members and 2,048 bytes of others at most, and the original all that came", async () => {
    const baggage = HOSTILE["180 members"]!;
    const sent = await world.send("shop", { headers: { baggage } });
    const members = headerOf((await sent.copy()).headers, "baggage")!.split(",");
    expect([members[0]!.startsWith("laneway.shop=1~shop~s3~"), members.length]).toEqual([true, 33]);
    const original = headerOf(sent.live()[0]!.headers, "baggage")!.split(",");
    expect(original.slice(1)).toEqual(baggage.split(",").slice(0, 179));
  });

  it("fault A2: of an old mark stays one behind any length of baggage, in the header, and when all is switched off", async () => {
    const old = context("shop", { window: 1, mirror: "shop/m" });
    const long = Array.from({ length: 300 }, (_, i) => `k${i}=${"x".repeat(40)}`).join(",");
    for (const headers of [
      { baggage: `${long},laneway.shop=${old}` },
      { baggage: `${long} , laneway.shop = ${old.replaceAll("~", "%7e")};p=1` },
      { baggage: `laneway.shop=${old},laneway.shop=1~shop~s1~1~1~~~x` },
      { "x-lane-context": old, baggage: "laneway.shop=1~shop~s1~1~1~~~x" },
    ]) {
      for (const each of [world, off]) {
        for (const group of ["shop", "other"]) {
          const { answer, traceId } = await each.send(group, { method: "POST", host: `pay.${group}.example`, headers });
          expect([answer.status, JSON.parse(answer.text).type]).toEqual([403, "urn:laneway:mirror-blocked"]);
          expect(each.seenOf(traceId)).toEqual([]);
        }
      }
    }
  });

  it("fault A2: has no other form of baggage beside it that an SDK would put over the mark", async () => {
    const ours = { "uberctx-laneway.shop": "x", "Ot-Baggage-Laneway.Shop": "x", uberctx_laneway_shop: "x" };
    const others = { "uberctx-user": "ann", "ot-baggage-user": "ann" };
    const sent = await world.send("shop", { headers: { ...ours, ...others, "jaeger-baggage": "laneway.shop=x,user=ann" } });
    const copy = await sent.copy();
    const namesOf = (headers: typeof copy.headers) =>
      headers.map(([name]) => name.toLowerCase()).filter((name) => /uberctx|-baggage/.test(name));
    expect(namesOf(copy.headers).sort()).toEqual(["ot-baggage-user", "uberctx-user"]);
    expect(namesOf(sent.live()[0]!.headers).sort()).toEqual(["jaeger-baggage", "ot-baggage-user", "uberctx-user"]);
  });

  it("fault A2: opens no WebSocket to a live service: what goes through it cannot be told from writes", async () => {
    const mark = `laneway.shop=${context("shop", { mirror: "shop/m" })}`;
    const headers = {
      connection: "upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    const { answer, traceId } = await world.send("shop", { host: "pay.shop.example", headers: { ...headers, baggage: mark } });
    expect([answer.status, JSON.parse(answer.text).type]).toEqual([403, "urn:laneway:mirror-blocked"]);
    expect(world.seenOf(traceId)).toEqual([]);
  });

  it("fault A2: is not asked for noise of an origin that gets no baggage", async () => {
    const sent = await world.send("probing");
    await sent.copy();
    await sleep(200);
    expect([sent.dark().length, sent.live().length]).toEqual([1, 1]);
  });

  it("fault A2: is not sent on to an origin that gets no baggage, not even to read", async () => {
    world.s3.respond(calls(SDKS["passes it on as it came"]!, "partner.shop.example", "GET"));
    await world.send("shop");
    expect(await until(() => got.length === 1)).toBe(true);
    expect([got, world.s2.requests]).toEqual([[{ status: 403, type: "mirror-blocked" }], []]);
    const { answer } = await world.send("shop", { host: "partner.shop.example" });
    expect([answer.status, answer.text]).toEqual([200, "s2"]);
  });
});

describe("a live chain", () => {
  /** Where an SDK gives up the whole header, or drops what grew too long, the lane is lost with it: the next service has the baseline. */
  const LOST: Readonly<Record<string, readonly string[]>> = {
    "OpenTelemetry for JavaScript": ["numbers for keys"],
    "OpenTelemetry for Go": ["one member of 8 kB", "broken escapes"],
    "Datadog for Node": ["empty values"],
  };

  it.each(Object.entries(HOSTILE))("faults A1, A2: keeps its lane, whatever the client sent: %s", async (what, baggage) => {
    for (const [name, sdk] of Object.entries(SDKS)) {
      world.s3.respond(calls(sdk, "pay.chain.example", "GET"));
      const before = world.router.logs().length;
      const { answer } = await world.send("chain", { headers: { baggage, "x-tester": "1" } });
      expect([answer.status, answer.headers["x-lane"]]).toEqual([200, "s3"]);
      await expect.poll(() => world.router.logs().length).toBe(before + 2);
      const { lane, reason } = world.router.logs()[before]!;
      const lost = LOST[name]?.includes(what);
      expect([name, lane, reason]).toEqual([name, lost ? "s1" : "s3", lost ? "baseline" : "context"]);
    }
  });

  it("fault A1: is in its lane by a context behind 300 members, or 8 kB, or forgeries under its own key", async () => {
    const own = `laneway.chain=${context("chain", { lane: "s3" })}`;
    const forged = Array.from({ length: 40 }, (_, n) => `laneway.chain=1~chain~s1~1~${n}~~~${"A".repeat(43)}`);
    const short = "laneway.chain=1~,".repeat(40).slice(0, -1);
    for (const before of [HOSTILE["180 members"]!.repeat(3), `a=${"x".repeat(8_200)}`, forged.join(","), short]) {
      const { answer } = await world.send("chain", { headers: { baggage: `${before},${own}` } });
      expect([answer.headers["x-lane"], answer.headers["x-lane-reason"]]).toEqual(["s3", "context"]);
    }
  });
});

describe("a mark behind forgeries of any number", () => {
  const mark = context("shop", { lane: "s3", mirror: "shop/next" });
  const forgery = (n: number) => `1~x${n}~s1~1~1~~~${"A".repeat(43)}`;
  it.each<[string, string, Record<string, string>]>([
    ["its own key, in short", "pay.shop.example", { baggage: `${"laneway.shop=1~,".repeat(40)}laneway.shop=${mark}` }],
    ["its own key, as long as ours", "pay.shop.example", { baggage: `${forgeriesOf(() => "shop")}laneway.shop=${mark}` }],
    ["other groups' keys", "pay.other.example", { baggage: `${forgeriesOf((n) => `x${n}`)}laneway.shop=${mark}` }],
    [
      "one list in the header",
      "pay.shop.example",
      { "x-lane-context": `${Array.from({ length: 40 }, (_, n) => forgery(n)).join(", ")}, ${mark}` },
    ],
  ])("fault A1: keeps its copy from writing: %s", async (_, host, headers) => {
    const answer = await call("POST", host, headers);
    expect(answer).toEqual({ status: 403, type: "mirror-blocked" });
    expect(world.s2.requests).toEqual([]);
    clientSaw("403 mirror-blocked");
  });

  function forgeriesOf(group: (n: number) => string): string {
    return Array.from({ length: 40 }, (_, n) => `laneway.${group(n)}=${forgery(n)},`).join("");
  }
});

describe("the copy's trace", () => {
  const id = "4bf92f3577b34da6a3ce929d0e0e4736";
  const traceOf = async (traceparent: string) => {
    const answer = await world.router.fetch("/x", { host: "shop.example", headers: { traceparent, tracestate: "k=v" } });
    expect(answer.status).toBe(200);
    expect(await until(() => world.s3.requests.length > 0)).toBe(true);
    const of = (headers: (typeof world.s1.requests)[0]["headers"]) => [headerOf(headers, "traceparent"), headerOf(headers, "tracestate")];
    return { live: of(world.s1.requests[0]!.headers), copy: of(world.s3.requests[0]!.headers) };
  };

  it.each([
    [`00-${id}-00f067aa0ba902b7-ff`, "03"],
    [`00-${id}-00f067aa0ba902b7-fe`, "02"],
    [`00-${id}-00f067aa0ba902b7-08`, "00"],
    [`cc-${id}-00f067aa0ba902b7-09`, "01"],
    [`01-${id}-00f067aa0ba902b7-ff-what-the-future-will-be`, "03"],
  ])("fault A19: of %s is of our version, with the flags %s, and passes as it came to the original", async (traceparent, flags) => {
    const { live, copy } = await traceOf(traceparent);
    expect(live).toEqual([traceparent, "k=v"]);
    expect(copy).toEqual([expect.stringMatching(new RegExp(`^00-${id}-[0-9a-f]{16}-${flags}$`)), "k=v"]);
  });

  it.each([
    `00-${id.toUpperCase()}-00f067aa0ba902b7-01`,
    `ff-${id}-00f067aa0ba902b7-01`,
    `00-${id}-00f067aa0ba902b7-01-more`,
    `00-${id}-00f067aa0ba902b7-0`,
    `00-${"0".repeat(32)}-00f067aa0ba902b7-01`,
    `00-${id}-00f067aa0ba902b7-01, 00-${id}-00f067aa0ba902b7-01`,
  ])("fault A19: for %s, which is none, is a new one, without the state of the old", async (traceparent) => {
    const { live, copy } = await traceOf(traceparent);
    const made = /^00-([0-9a-f]{32})-([0-9a-f]{16})-00$/;
    expect([live[1], copy[1], live[0], copy[0]]).toEqual([undefined, undefined, expect.stringMatching(made), expect.stringMatching(made)]);
    const [, trace, span] = made.exec(live[0]!)!;
    expect([made.exec(copy[0]!)![1], made.exec(copy[0]!)![2] === span, trace === id]).toEqual([trace, false, false]);
  });
});

describe('a service with "entry": "signed"', () => {
  const ask = async (each: MirrorWorld, headers: Record<string, string>, group = "shop", method = "POST") => {
    const sent = await each.send(group, { method, host: `safe.${group}.example`, headers });
    const { answer, traceId } = sent;
    clientSaw(`${answer.status}`);
    const { reason, status, service, servedBy } = await each.logOf(traceId);
    expect([status, each.seenOf(traceId).length]).toEqual([answer.status, answer.status === 200 ? 1 : 0]);
    if (answer.status === 200) return `200 ${reason}`;
    const problem = JSON.parse(answer.text);
    expect([answer.headers["content-type"], problem.type, problem.status, problem.title, service, servedBy]).toEqual([
      "application/problem+json",
      `urn:laneway:${reason}`,
      answer.status,
      reason,
      null,
      null,
    ]);
    expect(answer.headers["set-cookie"]).toBeUndefined();
    return `${answer.status} ${reason}`;
  };
  const member = (text: string, group = "shop") => ({ baggage: `a=1,laneway.${group}=${text}` });

  it("admits what a group of ours sent within the last 24 hours", async () => {
    expect(await ask(world, member(context("shop")))).toBe("200 context");
    expect(await ask(world, member(context("other"), "other"))).toBe("200 baseline");
    expect(await ask(world, { "x-lane-context": context("other") })).toBe("200 baseline");
    for (const window of [now() - 2, now() - WINDOWS_A_DAY + 1])
      expect(await ask(world, member(context("shop", { window })))).toBe("200 baseline");
    expect(await ask(world, member(context("shop")), "shop", "GET")).toBe("200 context");
  });

  it("refuses everybody else, whatever they say of themselves, by any method", async () => {
    const [old, early] = [context("shop", { window: now() - WINDOWS_A_DAY - 2 }), context("shop", { window: now() + 3 })];
    for (const headers of [
      {},
      member(old),
      member(early),
      member(context("shop").replace("~s1~", "~s3~")),
      member(context("shop").slice(0, -1)),
      { baggage: `%6Caneway.shop=${context("shop")}` },
      { baggage: `a=1;laneway.shop=${context("shop")}` },
      { "x-lane": "s3", "x-lane-mirror": "shop/m", "x-lane-hops": "3" },
      { "x-lane-hops": "99" },
    ])
      for (const method of ["POST", "GET", "OPTIONS"]) expect(await ask(world, headers, "shop", method)).toBe("403 no-context");
    expect(await ask(world, {}, "strict")).toBe("403 no-context");
    expect(await ask(world, { "x-lane": "s1" }, "strict")).toBe("403 no-context");
  });

  it("never lets a copy write there whose mark was lost on the way", async () => {
    for (const sdk of [() => null, () => "a=1", (header: string) => header.replace(/~[^~]+$/, "~x")]) {
      got = [];
      world.s3.respond(calls(sdk, "safe.shop.example"));
      await world.send("shop");
      expect(await until(() => got.length === 1)).toBe(true);
      expect([got, world.s2.requests]).toEqual([[{ status: 403, type: "no-context" }], []]);
    }
  });

  it("is as closed when all is switched off, and open to what came through", async () => {
    expect(await ask(off, {})).toBe("403 no-context");
    expect(await ask(off, member(context("shop")))).toBe("200 off");
    const copy = await off.send("shop", {
      method: "POST",
      host: "safe.shop.example",
      headers: member(context("shop", { mirror: "shop/m" })),
    });
    expect([copy.answer.status, JSON.parse(copy.answer.text).type, off.s2.requests.length]).toEqual([403, "urn:laneway:mirror-blocked", 1]);
  });

  it("is closed to all without a secret", async () => {
    for (const group of ["shop", "strict"]) {
      expect(await ask(secretless, {}, group)).toBe("503 no-secret");
      expect(await ask(secretless, member(context(group), group), group)).toBe("503 no-secret");
    }
  });
});
