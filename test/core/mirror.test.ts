import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Signer } from "../../src/core/context.ts";
import { contextKey, windowOf, writeContext } from "../../src/core/context.ts";
import { decide } from "../../src/core/decide.ts";
import { readFacts } from "../../src/core/facts.ts";
import type { LaneGroup } from "../../src/core/lane-group.ts";
import { chooseCopies, permitted, shadowHost } from "../../src/core/mirror.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";
import { SLOTS } from "../../src/core/slots.ts";

const NOW = 1_790_000_000;
const signer: Signer = { sign: () => "A".repeat(43), verify: (_, signature) => signature === "A".repeat(43) };

// biome-ignore lint/suspicious/noExplicitAny: parts of a lane file.
function groupOf(mirrors: readonly any[], more: Record<string, unknown> = {}): LaneGroup {
  const file = {
    schema: 1,
    name: "shop",
    hosts: ["*"],
    baseline: "s1",
    services: { web: {}, pay: { path: "/pay", entry: false } },
    lanes: {
      s1: { weight: 50, origins: { web: "https://a1.example", pay: "https://p1.example" } },
      s2: { weight: 50, origins: { web: "https://a2.example", pay: "https://p2.example" } },
      dark: { origins: { web: "https://a3.example", pay: "https://p3.example" } },
    },
    mirrors: mirrors.map((mirror, i) => ({ name: `m${i}`, lane: "dark", percent: 100, ...mirror })),
    ...more,
  };
  const parsed = parseLaneGroup(file, { insecureOrigins: false });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value.group;
}

interface Asked {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Record<string, string>;
  readonly now?: number;
  readonly requestId?: string;
  readonly markable?: boolean;
  readonly override?: string | null;
}

function choicesOf(group: LaneGroup, asked: Asked = {}) {
  const { method = "GET", url = "http://shop.example/", headers = {}, now = NOW, requestId = "0".repeat(32) } = asked;
  const facts = readFacts({ method, url, headers: new Map(Object.entries(headers)), ip: null, now, requestId, slot: null });
  const decision = decide(group, facts, { override: asked.override ?? null, signer })!;
  return { decision, choices: chooseCopies(decision, facts, decision.lane, asked.markable ?? true) };
}

const isSent = (group: LaneGroup, asked?: Asked): boolean => choicesOf(group, asked).choices[0]!.copy !== null;
const cookie = (slot: number) => ({ headers: { cookie: `lane-shop=1.1.${slot}` } });
const all = Array.from({ length: SLOTS }, (_, slot) => slot);
const context = (hop: number, mirror: string | null = null) =>
  `${contextKey("shop")}=${writeContext({ group: "shop", lane: "s1", hop, window: windowOf(NOW), mirror }, signer)}`;

describe("the share of a mirror", () => {
  it.each([0, 0.01, 1, 10, 99.99, 100])("is exactly %d percent of the visitors", (percent) => {
    const group = groupOf([{ percent }]);
    expect(all.filter((slot) => isSent(group, cookie(slot)))).toHaveLength(Math.round(percent * 100));
  });

  it("is the same in every lane, and of another mirror's, within what chance allows", () => {
    const group = groupOf([{ percent: 10 }, { percent: 10 }]);
    const drawn = all.map((slot) => choicesOf(group, cookie(slot)));
    const count = (lane: string, mirror: number) =>
      drawn.filter(({ decision, choices }) => decision.lane === lane && choices[mirror]!.copy !== null).length;
    // 500 expected of the 5,000 of a lane, four standard deviations are 85.
    for (const lane of ["s1", "s2"]) for (const mirror of [0, 1]) expect(Math.abs(count(lane, mirror) - 500)).toBeLessThan(85);
    const both = drawn.filter(({ choices }) => choices.every(({ copy }) => copy !== null)).length;
    expect(Math.abs(both - 100)).toBeLessThan(40);
  });

  it("by request is drawn anew for each, nine to eleven percent of ten thousand at 10", () => {
    const group = groupOf([{ percent: 10, by: "request" }]);
    const count = all.filter((n) => isSent(group, { ...cookie(7), requestId: n.toString(16).padStart(32, "0") })).length;
    expect(count).toBeGreaterThan(900);
    expect(count).toBeLessThan(1_100);
  });

  it("keeps a session whole, though a rule decides the lane of some of its requests", () => {
    const group = groupOf([{ percent: 50 }], { rules: [{ name: "beta", when: { path: { prefix: "/beta" } }, lane: "s2" }] });
    for (const slot of all.slice(0, 200)) {
      expect(isSent(group, { ...cookie(slot), url: "http://shop.example/beta" })).toBe(isSent(group, cookie(slot)));
    }
  });

  it("is of whole traces where no visitor is known, so that a chain is copied whole or not at all", () => {
    const group = groupOf([{ percent: 50, services: ["web", "pay"] }]);
    const sent = all.slice(0, 200).map((n) => {
      const traceparent = `00-${n.toString(16).padStart(31, "0")}1-00f067aa0ba902b7-01`;
      const at = (path: string, hop: number, requestId: string) =>
        isSent(group, { url: `http://shop.example${path}`, headers: { traceparent, baggage: context(hop) }, requestId });
      const hops = [at("/", 1, "1".repeat(32)), at("/pay", 2, "2".repeat(32)), at("/pay", 3, "3".repeat(32))];
      expect(new Set(hops).size).toBe(1);
      return hops[0]!;
    });
    expect(sent.filter(Boolean).length).toBeGreaterThan(60);
    expect(sent.filter(Boolean).length).toBeLessThan(140);
  });
});

const whyOf = (group: LaneGroup, asked?: Asked) =>
  choicesOf(group, asked).choices.map(({ copy, drop, why }) => (copy ? "sent" : (drop ?? why)));

describe("a mirror", () => {
  it("acts where a request enters, or at the services it names", () => {
    const [entering, named] = [groupOf([{}]), groupOf([{ services: ["pay"] }])];
    const inChain = { headers: { baggage: context(1) } };
    expect(whyOf(entering)).toEqual(["sent"]);
    expect(whyOf(entering, inChain)).toEqual(["the request is within a chain, and the mirror names no services"]);
    expect(whyOf(named)).toEqual(["acts on pay only"]);
    expect(whyOf(named, { ...inChain, url: "http://shop.example/pay" })).toEqual(["sent"]);
  });

  it("never copies a copy, whoever's mark it is", () => {
    const group = groupOf([{ services: ["web", "pay"] }]);
    for (const mirror of ["shop/m0", "other/x"])
      expect(whyOf(group, { headers: { baggage: context(1, mirror) } })).toEqual(["the request is a copy itself"]);
  });

  it("copies nothing of a group that is off, and nothing that it cannot mark", () => {
    expect(whyOf(groupOf([{}]), { override: "off" })).toEqual(["the group is off"]);
    expect(whyOf(groupOf([{}]), { markable: false })).toEqual(["unmarkable"]);
  });

  it("copies no request with a one-time secret where it strips credentials, and says so", () => {
    const at = (mirror: object, url: string, method?: string) =>
      whyOf(groupOf([mirror]), { url: `http://shop.example${url}`, ...(method && { method }) });
    expect(at({}, "/verify?token=x&code=y")).toEqual(["credentials"]);
    expect(at({}, "/cart;jsessionid=1")).toEqual(["credentials"]);
    expect(at({ credentials: "forward" }, "/verify?token=x")).toEqual(["sent"]);
    expect(at({ secrets: ["Invite_Id"] }, "/verify?token=x")).toEqual(["sent"]);
    expect(at({ secrets: ["Invite_Id"] }, "/verify?inviteId=x")).toEqual(["credentials"]);
    expect(at({ secrets: [] }, "/verify?token=x")).toEqual(["sent"]);
    // What is scrubbed is in no copy.
    expect(at({ scrub: { query: ["Token"] } }, "/verify?token=x")).toEqual(["sent"]);
    expect(at({ scrub: { query: ["token"] } }, "/verify?token=x&code=y")).toEqual(["credentials"]);
    expect(at({}, "/verify?token=x", "POST")).toEqual(["method"]);
    expect(["/reset/AbCd1234EfGh", "/cb/token/abcdef123456", "/invite/42/hQxVbNmKpLrTzWsD"].flatMap((path) => at({}, path))).toEqual([
      "credentials",
      "credentials",
      "credentials",
    ]);
    expect(at({ secrets: [] }, "/reset/AbCd1234EfGh")).toEqual(["credentials"]);
    const plain = [
      "/reset/done",
      "/share/2024-report-x",
      "/auth/getUserById",
      "/login/app-3f2a9c.js",
      "/tokens/app-3f2a9c.css",
      "/product/4211111",
    ];
    expect(plain.flatMap((path) => at({}, path))).toEqual(plain.map(() => "sent"));
    expect(choicesOf(groupOf([{}]), { url: "http://shop.example/?code=1" }).choices[0]!.why).toBe(
      "its query or path holds a one-time secret, and this mirror strips credentials",
    );
  });

  it("says that what it calls a read is sent unless its content says otherwise", () => {
    const group = groupOf([{ reads: { path: "/graphql" } }]);
    const choice = choicesOf(group, { url: "http://shop.example/graphql", method: "POST" }).choices[0]!;
    expect(choice.why).toBe("sent, unless its content is a GraphQL mutation");
    expect(permitted(choice.copy!, true)).toBe(choice.copy);
    expect(permitted(choice.copy!, false)).toBeNull();
    expect(whyOf(group, { url: "http://shop.example/graphql", method: "POST", headers: { x_method_override: "PUT" } })).toEqual(["method"]);
    expect(whyOf(group, { url: "http://shop.example/pay", method: "POST" })).toEqual(["method"]);
  });

  it("ends with its second", () => {
    const group = groupOf([{ expiresAt: new Date(NOW * 1000).toISOString() }]);
    expect([NOW - 1, NOW, NOW + 1].map((now) => whyOf(group, { now })[0])).toEqual(["sent", "expired", "expired"]);
  });

  it("copies what the lanes of `from` served, and never what its own lane did", () => {
    const group = groupOf([{ from: ["s1"] }, {}], { rules: [{ name: "dark", when: { path: "/dark" }, lane: "dark" }] });
    const [one, two] = [0, 9_999].map((slot) => whyOf(group, cookie(slot)));
    expect(one).toEqual(["sent", "sent"]);
    expect(two).toEqual(["served by s2, copies what s1 served", "sent"]);
    expect(whyOf(group, { url: "http://shop.example/dark" })).toEqual([
      "served by dark, copies what s1 served",
      "served by dark, copies what other lanes served",
    ]);
  });

  it("is one of at most two for a request, counted after `from`", () => {
    const group = groupOf([{}, { from: ["s2"] }, {}, {}]);
    expect(whyOf(group, cookie(0))).toEqual(["sent", "served by s1, copies what s2 served", "sent", "busy"]);
  });
});

describe("the shadow's host", () => {
  it.each([
    ["foobar:8080", "foobar-shadow:8080"],
    ["foobar", "foobar-shadow"],
    ["[::1]:80", "[::1]-shadow:80"],
    ["[::1]", "[::1]-shadow"],
  ])("of %s is %s", (authority, shadow) => {
    expect(shadowHost(authority)).toBe(shadow);
  });

  it("is the host with the mark before its port, for every host and port", () => {
    const host = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((ip) => `[${ip}]`),
    );
    fc.assert(
      fc.property(host, fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: null }), (name, port) => {
        const ending = port === null ? "" : `:${port}`;
        expect(shadowHost(name + ending)).toBe(`${name}-shadow${ending}`);
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});
