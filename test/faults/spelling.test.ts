/**
 * One thing in two spellings: a host, a path, a context, an origin. Whoever compares them must know them as one, and whoever sends them on must
 * not make another thing of them (contract sections 2, 4 and 7).
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { windowOf, writeContext } from "../../src/core/context.ts";
import { signerWith } from "../support/decision.ts";
import { headerOf, type Responder } from "../support/origin.ts";
import { sendRaw } from "../support/raw-client.ts";
import * as reply from "../support/replies.ts";
import { TEST_SECRET } from "../support/router.ts";
import { type MirrorWorld, mirrored, startMirrors } from "./mirrors.ts";
import { clientSaw, newTraceId, traceparent } from "./world.ts";

const APP = `export default { fetch: (request) => Response.json({ url: request.url, host: request.headers.get("host") }) }`;

const signer = signerWith(TEST_SECRET);
const window = () => windowOf(Date.now() / 1000);
const markOf = (group: string, mirror: string | null = `${group}/m`): string =>
  writeContext({ group, lane: "s3", hop: 1, window: window(), mirror }, signer);

let world: MirrorWorld;

beforeAll(async () => {
  world = await startMirrors(
    (origins) => {
      const { s1, s2, s3 } = origins;
      const of = (name: string, mirror: object | null, more = {}) => mirrored(name, origins, mirror, more);
      const services = { web: {}, pay: { path: "/pay", entry: false } };
      const send = { writes: "send" };
      return [
        of(
          "one-pay",
          { ...send, services: ["web"] },
          { services, lanes: lanesOf({ web: s1.url, pay: s2.url }, { web: s3.url, pay: s2.url }) },
        ),
        of(
          "pay-of-another",
          { ...send, from: ["s1"] },
          {
            services,
            lanes: {
              ...lanesOf({ web: s1.url, pay: s1.url }, { web: s3.url, pay: s2.url }),
              s2: { origins: { web: s1.url, pay: s2.url } },
            },
          },
        ),
        of(
          "pay-as-shop",
          { ...send, services: ["web"] },
          {
            services: { ...services, shop: { path: "/shop" } },
            lanes: lanesOf({ web: s1.url, pay: s1.url, shop: s2.url }, { web: s3.url, pay: `${s2.url}/` }),
          },
        ),
        of(
          "own-pay",
          { ...send, services: ["web"] },
          { services, lanes: lanesOf({ web: s1.url, pay: s1.url }, { web: s3.url, pay: s2.url }) },
        ),
        of("alike", null, { lanes: lanesOf({ web: s1.url }, { web: { url: s1.url, strip: "/nothing" } }) }),
        of("alike-path", null, { lanes: lanesOf({ web: `${s1.url}/%61` }, { web: { url: `${s1.url}/a`, strip: "/b" } }) }),
        of("apart", null, { lanes: lanesOf({ web: s1.url }, { web: s2.url }) }),
        of("chain", {}, { services, lanes: lanesOf({ web: s1.url, pay: s2.url }, { web: s3.url }) }),
        of("jaeger", {}, { propagate: { headers: [{ prefix: "ja" }, { prefix: "u" }, { prefix: "user-" }] } }),
        of("echo", { compare: { noisePercent: 0 } }, { log: { baggage: ["note"] } }),
        of("bind", null, {
          lanes: { s1: { weight: 1, origins: { web: s1.url } }, s2: { weight: 1, origins: { web: { binding: "APP" } } } },
          rules: [{ name: "all", when: { path: { prefix: "/" } }, lane: "s2" }],
        }),
        of("signed", null, {
          services: { web: {}, pay: { path: "/charge", entry: "signed" } },
          lanes: { s1: { weight: 1, origins: { web: s1.url, pay: s1.url } } },
        }),
        of("paths", null, {
          services: { web: {}, cafe: { path: "/x%c3%A9", entry: false } },
          lanes: {
            s1: { weight: 1, origins: { web: `${s1.url}/caf%c3%a9`, cafe: { url: s1.url, strip: "/x%C3%a9" } } },
            s2: { origins: { web: s2.url } },
          },
          rules: [
            { name: "exact", when: { path: "/a%2Fb" }, lane: "s2" },
            { name: "in", when: { path: { in: ["/c%2fd", "/%63~e"] } }, lane: "s2" },
            { name: "prefix", when: { path: { prefix: "/caf%C3%A9" } }, lane: "s2" },
            { name: "suffix", when: { path: { suffix: "%2fend" } }, lane: "s2" },
            { name: "regex", when: { path: { regex: "/r%2f[a-z]+" } }, lane: "s2" },
          ],
        }),
      ];
    },
    { workers: { APP } },
  );
}, 60_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

const lanesOf = (s1: object, s3: object) => ({ s1: { weight: 1, origins: s1 }, s3: { origins: s3 } });

/** One request by its bytes; `lines` are header lines. */
async function raw(host: string, target = "/x", { method = "GET", lines = [] as readonly string[] } = {}) {
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...lines, "Content-Length: 0"];
  const answer = await sendRaw(world.router.url, `${head.join("\r\n")}\r\n\r\n`);
  clientSaw(String(answer.status));
  return answer;
}

const typeOf = (text: string): string => JSON.parse(text).type;
const asked = () => [world.s1, world.s2, world.s3].map(({ requests }) => requests.length);

describe("an origin that a dark lane has in common with a live one", () => {
  it.each([
    ["one-pay", "its own lane's name stands over the live origin"],
    ["pay-of-another", "the live lane is none that the mirror copies from"],
    ["pay-as-shop", "the live lane has it for another service"],
  ])("fault A1: gets no write of a copy, whatever the mirror says of its own lane: %s (%s)", async (name) => {
    const copy = await (await world.send(name, { method: "POST", path: "/order" })).copy();
    world.reset();
    const baggage = headerOf(copy.headers, "baggage")!;
    const { answer } = await world.send(name, { method: "POST", path: "/pay", headers: { baggage } });
    expect([answer.status, typeOf(answer.text), asked()]).toEqual([403, "urn:laneway:mirror-blocked", [0, 0, 0]]);
    const read = await world.send(name, { path: "/pay", headers: { baggage } });
    expect([read.answer.status, asked()]).toEqual([200, [0, 1, 0]]);
  });

  it("is told from one that the dark lane has for itself", async () => {
    const copy = await (await world.send("own-pay", { method: "POST", path: "/order" })).copy();
    world.reset();
    const { answer } = await world.send("own-pay", {
      method: "POST",
      path: "/pay",
      headers: { baggage: headerOf(copy.headers, "baggage")! },
    });
    expect([answer.status, asked()]).toEqual([200, [0, 1, 0]]);
  });

  it.each([
    ["alike", true],
    ["alike-path", true],
    ["apart", false],
  ])("is asked past every cache, though a prefix that never comes is stripped: %s", async (name, shared) => {
    await world.send(name);
    expect(headerOf(world.s1.requests[0]!.headers, "cache-control") === "no-cache").toBe(shared);
  });
});

describe("a copy's mark", () => {
  const all = (text: string) => [...text].map((char) => `%${char.charCodeAt(0).toString(16)}`).join("");
  const LINES: readonly (readonly [string, (mark: string, other: string) => readonly string[]])[] = [
    ["the header twice", (mark) => [`x-lane-context: ${mark}`, `x-lane-context: ${mark}`]],
    ["the header behind another text", (mark) => ["x-lane-context: 1~x", `X-Lane-Context: ${mark}`]],
    ["the header behind a context of the same chain", (mark, other) => [`x-lane-context: ${other},${mark}`]],
    ["the header, escaped", (mark) => [`x-lane-context: ${mark.replaceAll("~", "%7E")}`]],
    ["the header, wholly escaped", (mark) => [`x-lane-context: ${all(mark)}`]],
    ["the header in quotes", (mark) => [`x-lane-context: "${mark}"`]],
    ["the header with a parameter", (mark) => [`x-lane-context: ${mark};q=1`]],
    ["the member, wholly escaped", (mark) => [`baggage: laneway.chain=${all(mark)}`]],
    ["the member in quotes", (mark) => [`baggage: a=1,laneway.chain="${mark}"`]],
  ];

  it.each(LINES)("fault A2: stays one in every spelling that a service makes of it: %s", async (_, lines) => {
    const answer = await raw("chain.example", "/pay", { method: "POST", lines: lines(markOf("chain"), markOf("chain", null)) });
    expect([answer.status, typeOf(answer.body.toString()), asked()]).toEqual([403, "urn:laneway:mirror-blocked", [0, 0, 0]]);
  });

  it("fault A2: has no second list of baggage beside it, whoever writes it and however it is spelled", async () => {
    const baggage = "jaeger-baggage=laneway.jaeger%3Dx,jaeger_baggage=laneway.jaeger%3Dx,uberctx-laneway=x,user-tier=gold";
    const sent = await world.send("jaeger", { headers: { baggage, jaeger_baggage: "laneway.jaeger=x", "baggage-laneway.jaeger": "x" } });
    const { headers } = await sent.copy();
    expect(headers.filter(([name]) => /jaeger|uber|baggage-/i.test(name))).toEqual([]);
    expect(headerOf(headers, "user-tier")).toBe("gold");
  });

  it("fault A13: stands without its signature in what is stored and logged", async () => {
    const echo: Responder = ({ seen, res }) => reply.json(Object.fromEntries(seen.headers))({ seen, res } as Parameters<Responder>[0]);
    world.s1.respond(echo);
    world.s3.respond(echo);
    const note = markOf("echo", null);
    const sent = await world.send("echo", { headers: { baggage: `note=${note}` } });
    await world.counted("echo", ({ compared }) => compared > 0);
    const stored = JSON.stringify(await world.differences("echo"));
    expect(stored).toMatch(/1~echo~s3~1~\d+~echo~m~…/);
    expect(stored).not.toMatch(/~[\w-]{43}\b/);
    expect((await world.logOf(sent.traceId)).baggage).toEqual({ note: note.replace(/[\w-]{43}$/, "…") });
  });
});

describe("a Host header", () => {
  const NONE = [
    "bind.example:99999",
    "bind.example:65536",
    "evil.example:1@bind.example",
    "evil.example@bind.example",
    "bind.example?x",
    "bind.example#x",
    "bind.example/x@",
    "bind.example/x",
    "bind.example\\x",
    "b%69nd.example",
  ];

  it.each(NONE)("that is no host and port is nobody's: %s", async (host) => {
    for (let i = 0; i < 6; i++) {
      const answer = await raw(host);
      // The platform itself refuses some.
      expect([400, 404]).toContain(answer.status);
      if (answer.status === 404) expect(typeOf(answer.body.toString())).toBe("urn:laneway:no-group");
    }
    expect(asked()).toEqual([0, 0, 0]);
    const after = await raw("bind.example");
    expect([after.status, after.header("x-lane-served-by"), after.header("x-lane-fallback")]).toEqual([200, "s2", undefined]);
  });

  it.each(["bind.example", "BIND.example.:80", "bind.example:65535", "bind.example:"])(
    "in any other spelling is the group's: %s",
    async (host) => {
      const answer = await raw(host);
      expect([answer.status, answer.header("x-lane-served-by")]).toEqual([200, "s2"]);
    },
  );
});

describe("a path", () => {
  it.each([
    ["/a%2Fb", "rule:exact"],
    ["/a%2fb", "rule:exact"],
    ["/%61%2fb", "rule:exact"],
    ["/c%2Fd", "rule:in"],
    ["/c%7Ee", "rule:in"],
    ["/caf%C3%A9/x", "rule:prefix"],
    ["/caf%c3%a9/x", "rule:prefix"],
    ["/c%61f%c3%A9", "rule:prefix"],
    ["/z%2Fend", "rule:suffix"],
    ["/r%2fx", "rule:regex"],
    ["/a/b", "weight"],
    ["/a%252fb", "weight"],
    ["/caf%c3%a9x", "weight"],
  ])("is one with its escapes in either letter case, and of unreserved characters: %s by %s", async (path, reason) => {
    const traceId = newTraceId();
    await raw("paths.example", path, { lines: [`traceparent: ${traceparent(traceId)}`] });
    const log = await world.logOf(traceId);
    expect([log.reason, log.path]).toEqual([reason, path]);
    // What was matched in another spelling is sent in its own.
    const [{ origin, seen }] = world.seenOf(traceId) as [ReturnType<typeof world.seenOf>[0]];
    expect(seen.url).toBe(origin === "s2" ? path : `/caf%c3%a9${path}`);
  });

  it.each(["/x%C3%A9/a%2fb", "/x%c3%a9/a%2fb", "/%78%c3%A9/a%2fb"])("is stripped of a prefix in any of its spellings: %s", async (path) => {
    const answer = await raw("paths.example", path);
    expect([answer.header("x-lane-service"), world.s1.requests[0]!.url]).toEqual(["cafe", "/a%2fb"]);
  });

  it.each([
    ["/caf%C3%A9/n%c3%a9xt", "/n%c3%a9xt"],
    ["/caf%c3%a9/next", "/next"],
    ["/%63af%c3%A9/next", "/next"],
  ])("that the origin writes in another spelling than the lane file is mapped back: %s", async (location, mapped) => {
    world.s1.respond(reply.answer(302, "", { location, "set-cookie": `a=1; Path=${location}` }));
    const answer = await raw("paths.example");
    expect([answer.header("location"), answer.header("set-cookie")]).toEqual([mapped, `a=1; Path=${mapped}`]);
  });

  it.each(["/charge", "/%63harge", "/charg%65/x", "/%63%68%61%72%67%65?x"])(
    "fault A2: finds the signed service in any of its spellings: %s",
    async (path) => {
      const answer = await raw("signed.example", path, { method: "POST" });
      expect([answer.status, typeOf(answer.body.toString()), asked()]).toEqual([403, "urn:laneway:no-context", [0, 0, 0]]);
    },
  );
});
