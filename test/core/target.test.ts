import { describe, expect, it } from "vitest";
import type { Origin } from "../../src/core/lane-group.ts";
import { endsHere, headerEdits, hopsOf, originUrl } from "../../src/core/target.ts";
import { type Asking, contextText, decisionOf, factsOf, groupOf, signer } from "../support/decision.ts";

const group = groupOf({
  lanes: {
    s1: { weight: 1, origins: { web: { url: "https://one.test/prefix" }, api: { url: "https://api-one.test", baggage: "none" } } },
    s2: { origins: { web: { binding: "WEB" } } },
  },
  propagate: { header: "x-tag", baggage: "lane", headers: ["version", { prefix: "user-" }, { prefix: "x" }] },
});
const originOf = (lane: string, service = "web") => group.lanes.get(lane)!.origins.get(service)!;

function sent(asking: Asking, origin: Origin = originOf("s1"), by = signer as typeof signer | null) {
  const facts = factsOf(asking);
  const { remove, set, baggageDropped } = headerEdits(decisionOf(group, asking), facts, origin, by);
  return { remove, set: new Map(set), names: set.map(([name]) => name), baggageDropped };
}

describe("the URL of an origin", () => {
  it("is its base, its path, and the request's path and query as they came", () => {
    expect(originUrl(originOf("s1"), factsOf({ url: "https://shop.example/a%2Fb?c=%zz" }))).toBe("https://one.test/prefix/a%2Fb?c=%zz");
  });

  it("of a binding is the public one", () => {
    expect(originUrl(originOf("s2"), factsOf({ url: "https://shop.example:8443/a?b" }))).toBe("https://shop.example:8443/a?b");
  });

  it.each([
    "//evil.test/x",
    "/\\evil.test/x",
    "///evil.test",
    "/@evil.test",
    "/:80",
    "/..%2f..",
    "/%2e%2e/%2e%2e/x",
    "/a/../../..",
    "/%00",
    "/;x",
  ])("fault 23: names the origin's host and path, whatever the path: %s", (path) => {
    const url = new URL(originUrl(originOf("s1"), factsOf({ url: `https://shop.example${path}` })));
    expect([url.host, url.pathname.startsWith("/prefix/")]).toEqual(["one.test", true]);
  });
});

describe("headers that end here", () => {
  it.each([
    "x-lane",
    "x-lane-context",
    "x_lane_mirror",
    "x-lane_mirror",
    "x.lane",
    "x-laneway",
    "cloudflare-workers-version-overrides",
    "cloudflare_workers_version_key",
    "forwarded",
    "x_forwarded_host",
    "x.forwarded.for",
    "connection",
    "te",
    "transfer_encoding",
    "upgrade",
    "proxy-authorization",
    "x_tag",
    "x.tag",
  ])("fault 25: %s", (name) => expect(endsHere(name, "x-tag")).toBe(true));

  it.each([
    "accept",
    "user-agent",
    "x-real-ip",
    "x_custom",
    "x-forwarded-port",
    "xlane",
    "my-x-lane",
    "authorization",
    "cookie",
    "sec-ch-ua",
  ])("but not %s", (name) => expect(endsHere(name, "x-tag")).toBe(false));
});

describe("what an origin is told", () => {
  it("the lane, our context first in the baggage, the hops and the public address", () => {
    const { set } = sent({ url: "https://Shop.example:8443/", headers: { baggage: "a=1 , b=2;p" } });
    expect(set.get("x-tag")).toBe("s1");
    expect(set.get("baggage")).toMatch(/^laneway\.shop=1~shop~s1~1~\d+~~~[\w-]{43},lane=s1,a=1 , b=2;p$/);
    expect(set.get("x-lane-context")).toBe(set.get("baggage")!.slice("laneway.shop=".length, set.get("baggage")!.indexOf(",")));
    expect([set.get("x-lane-hops"), set.get("x-forwarded-host"), set.get("x-forwarded-proto"), set.get("x-forwarded-for")]).toEqual([
      "1",
      "Shop.example:8443",
      "https",
      "192.0.2.1",
    ]);
  });

  it("fault 11: no baggage and no context, where the lane file says so", () => {
    const { set, remove } = sent({ url: "https://api.shop.example/", headers: { baggage: "a=1" } }, originOf("s1", "api"));
    expect([set.has("baggage"), set.has("x-lane-context"), remove.includes("baggage")]).toEqual([false, false, true]);
  });

  it("fault 5: other groups' members, but none that some reader would take for ours", () => {
    const mine = ["laneway.shop=x", "%6Caneway.shop=x", "laneway.shop+=x", "lane=s2", "l%61ne=s2", "%6Cane+=s2"];
    const others = ["laneway.other=y", "Lane=z", "lanes=1", "%6Cane%20x=1"];
    const { set } = sent({ headers: { baggage: [...mine, ...others].join(",") } });
    expect(set.get("baggage")!.split(",").slice(2)).toEqual(others);
    const unsigned = sent({ headers: { baggage: [...mine, ...others].join(",") } }, originOf("s1"), null);
    expect(unsigned.set.get("baggage")!.split(",").slice(1)).toEqual(others);
  });

  it("fault 25: nothing of ours by way of a baggage member that becomes a header", () => {
    const members = [
      "version=2",
      "user-id=a%20b",
      "x-ok=1",
      "user-bad=%0d%0a",
      "x-lane=s2",
      "x_lane_mirror=m",
      "x.lane=1",
      "x_forwarded_host=e",
      "x-tag=s2",
      "x_tag=s2",
      "x-forwarded-for=1",
    ];
    const { set, names } = sent({ headers: { baggage: members.join(",") } });
    expect(names.filter((name) => !/^(x-tag|baggage|x-lane-|x-forwarded-|traceparent)/.test(name))).toEqual(["version", "user-id", "x-ok"]);
    expect([set.get("user-id"), set.get("x-tag"), set.get("x-forwarded-for")]).toEqual(["a b", "s1", "192.0.2.1"]);
  });

  it("at most 32 headers made of baggage", () => {
    const baggage = Array.from({ length: 60 }, (_, i) => `user-${i}=1`).join(",");
    expect(sent({ headers: { baggage } }).names.filter((name) => name.startsWith("user-"))).toHaveLength(32);
  });

  it("the addresses before ours only within a chain", () => {
    const headers = { "x-forwarded-for": "198.51.100.7" };
    expect(sent({ headers }).set.get("x-forwarded-for")).toBe("192.0.2.1");
    expect(sent({ headers: { ...headers, "x-lane-context": contextText("s1") } }).set.get("x-forwarded-for")).toBe(
      "198.51.100.7, 192.0.2.1",
    );
  });

  it("no cookie of ours, and nothing of a header that Connection named", () => {
    expect(sent({ headers: { cookie: "a=1; __Host-lane-shop=1.1.5" } }).set.get("cookie")).toBe("a=1");
    expect(sent({ headers: { cookie: "__Host-lane-shop=1.1.5" } }).remove).toContain("cookie");
    const named = sent({ headers: { cookie: "a=1; __Host-lane-shop=1.1.5", connection: "Cookie, x-tag, bad name" } });
    expect([named.set.has("cookie"), named.set.get("x-tag")]).toEqual([false, "s1"]);
    expect(named.remove).toEqual(["tracestate"]);
  });

  it("a trace: the client's, or a new one by W3C Trace Context", () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    expect(sent({ headers: { traceparent, tracestate: "a=1" } }).set.has("traceparent")).toBe(false);
    const { set, remove } = sent({ headers: { traceparent: "00-bad", tracestate: "a=1" } });
    expect(set.get("traceparent")).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/);
    expect(remove).toContain("tracestate");
  });

  it("fault 12: ours whole, where baggage would grow too long; the last of the others give way, counted", () => {
    const member = (i: number) => `k${i}=${"x".repeat(400)}`;
    const baggage = Array.from({ length: 20 }, (_, i) => member(i)).join(",");
    const { set, baggageDropped } = sent({ headers: { baggage } });
    const members = set.get("baggage")!.split(",");
    expect(members[0]).toMatch(/^laneway\.shop=/);
    expect(members.slice(2)).toEqual(Array.from({ length: members.length - 2 }, (_, i) => member(i)));
    expect(set.get("baggage")!.length).toBeLessThanOrEqual(8_192);
    expect(baggageDropped).toBe(20 - (members.length - 2));
  });
});

describe("hops", () => {
  it.each<[string, Record<string, string>, number]>([
    ["none", {}, 0],
    ["claimed by anybody", { "x-lane-hops": "17" }, 17],
    ["claimed beyond all measure", { "x-lane-hops": "9".repeat(400) }, Number.POSITIVE_INFINITY],
    ["not a number", { "x-lane-hops": "1, 2" }, 0],
    ["signed", { "x-lane-context": contextText("s1", { hop: 5 }), "x-lane-hops": "3" }, 5],
  ])("%s", (_, headers, hops) => expect(hopsOf(decisionOf(group, { headers }), factsOf({ headers }))).toBe(hops));
});
