import { describe, expect, it } from "vitest";
import type { Origin } from "../../src/core/lane-group.ts";
import { endingOf, headerEdits, hopsOf, originUrl } from "../../src/core/target.ts";
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
  const { ends, remove, set, baggageDropped } = headerEdits(decisionOf(group, asking), facts, origin, by);
  return { ends, remove, set: new Map(set), names: set.map(([name]) => name), baggageDropped };
}

describe("the URL of an origin", () => {
  it("is its base, its path, and the request's path and query as they came", () => {
    expect(originUrl(originOf("s1"), factsOf({ url: "https://shop.example/a%2Fb?c=%zz" }))).toBe("https://one.test/prefix/a%2Fb?c=%zz");
  });

  it("of a binding is the public one", () => {
    expect(originUrl(originOf("s2"), factsOf({ url: "https://shop.example:8443/a?b" }))).toBe("https://shop.example:8443/a?b");
  });

  const stripped = groupOf({
    services: { web: { path: "/api/shop" }, api: { path: "/api/shop", hosts: ["b.shop.example"] } },
    lanes: {
      s1: {
        weight: 1,
        origins: {
          web: { url: "https://one.test", strip: "/api/shop" },
          api: { url: "https://one.test/v2", strip: "/api/shop/" },
        },
      },
      s2: { origins: { web: { binding: "WEB", strip: "/api/shop" } } },
    },
  });
  it.each([
    ["/api/shop/x?q", "/x?q", "/v2/x?q"],
    ["/api/shop", "/", "/v2"],
    ["/api/shop?q", "/?q", "/v2?q"],
    ["/api/shop/", "/", "/v2/"],
    ["/api/shop//evil.test/x", "//evil.test/x", "/v2//evil.test/x"],
    ["/api/shop/\\evil.test", "//evil.test", "/v2//evil.test"],
    ["/api/shop/..%2f..%2fx", "/..%2f..%2fx", "/v2/..%2f..%2fx"],
    ["/api/shop/@evil.test", "/@evil.test", "/v2/@evil.test"],
    ["/api/shop/%2e%2e/x", "/api/x", "/v2/api/x"],
    ["/api/shop/../../x", "/x", "/v2/x"],
    ["/api/shopping", "/api/shopping", "/v2/api/shopping"],
    ["/api/shop%2fx", "/api/shop%2fx", "/v2/api/shop%2fx"],
    ["/x", "/x", "/v2/x"],
  ])("less the prefix that it does not know, in whole segments, never by an escape: %s", (path, plain, prefixed) => {
    const facts = factsOf({ url: `https://shop.example${path}` });
    const urls = (
      [
        ["s1", "web"],
        ["s1", "api"],
        ["s2", "web"],
      ] as const
    ).map(([lane, service]) => originUrl(stripped.lanes.get(lane)!.origins.get(service)!, facts));
    expect(urls).toEqual([`https://one.test${plain}`, `https://one.test${prefixed}`, `https://shop.example${plain}`]);
    for (const [i, url] of urls.entries()) expect(new URL(url).host).toBe(["one.test", "one.test", "shop.example"][i]);
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
  const ends = (name: string, trusted = false, headers: Record<string, string> = {}, origin = originOf("s1")) =>
    endingOf(group, factsOf({ headers }), origin, trusted)(name);

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
    "content_length",
    "cf_connecting_ip",
  ])("fault 25: %s, whoever sent it", (name) => expect([ends(name), ends(name, true)]).toEqual([true, true]));

  it.each([
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-ssl",
    "x-forwarded-client-cert",
    "x-forwarded",
    "x-real-ip",
    "x-original-url",
    "x-original-forwarded-for",
    "x-rewrite-url",
    "x-rewrite-uri",
    "client-ip",
    "x-client-ip",
    "true-client-ip",
    "x-cluster-client-ip",
    "fastly-client-ip",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-appengine-user-ip",
    "proxy-client-ip",
    "wl-proxy-client-ip",
    "wl-proxy-ssl",
    "http-client-ip",
    "remote-addr",
    "x-remote-addr",
    "x-remote-ip",
    "x-envoy-external-address",
    "x-envoy-internal",
    "x-envoy-original-path",
    "x-envoy-original-dst-host",
    "x-host",
    "x-host-override",
    "x-http-host-override",
    "x-scheme",
    "x-url-scheme",
    "front-end-https",
    "x-script-name",
  ])("fault A7: %s, unless a valid context came with it", (name) => expect([ends(name), ends(name, true)]).toEqual([true, false]));

  it.each([
    "x_real_ip",
    "x_forwarded_prefix",
    "x.original.url",
    "x-rewrite_url",
    "forwarded_for",
    "client_ip",
    "HTTP_X_FORWARDED_FOR",
    "x.scheme",
  ])("fault A7: %s in any case, since no proxy spells it so", (name) =>
    expect([ends(name.toLowerCase()), ends(name.toLowerCase(), true)]).toEqual([true, true]),
  );

  it.each<[string, string | null, boolean]>([
    ["192.0.2.1", "192.0.2.1", false],
    ["2001:db8::1", "2001:db8::1", false],
    ["192.0.2.2", "192.0.2.1", true],
    ["192.0.2.1, 192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", null, true],
    ["", null, true],
  ])("fault A7: True-Client-IP, unless it is what the platform says: %s for %s", (said, ip, gone) => {
    const facts = factsOf({ headers: { "true-client-ip": said, true_client_ip: said, "x-client-ip": said }, ip });
    const ends = endingOf(group, facts, originOf("s1", "web"), false);
    expect(["true-client-ip", "true_client_ip", "x-client-ip"].map(ends)).toEqual([gone, true, true]);
  });

  const named = groupOf({
    lanes: {
      s1: {
        weight: 1,
        origins: { web: { url: "https://one.test", headers: { "X-Edge-User": "u", x_odd: "o" } }, api: "https://api.test" },
      },
    },
    propagate: { header: "x-tag", headers: ["version-id", { prefix: "user-" }] },
  });
  const namedOrigin = named.lanes.get("s1")!.origins.get("web")!;
  it.each<[string, boolean]>([
    ["x_edge_user", true],
    ["x.edge-user", true],
    ["x-odd", true],
    ["x_tag", true],
    ["version_id", true],
    ["user_tier", true],
    ["user.x", true],
    ["version-id", false],
    ["user-tier", false],
    ["x-edge-users", false],
    ["userx", false],
    ["user-x_y", false],
  ])("fault A8: %s, beside the header that the lane file sets: %s", (name, gone) => {
    for (const trusted of [false, true]) expect(endingOf(named, factsOf(), namedOrigin, trusted)(name)).toBe(gone);
  });

  it("fault A8: a plain spelling, where baggage becomes the odd one", () => {
    const odd = groupOf({ propagate: { headers: [{ prefix: "user_" }] } });
    const facts = factsOf({ headers: { baggage: "user_tier=gold" } });
    const { ends, set } = headerEdits(decisionOf(odd), facts, odd.lanes.get("s1")!.origins.get("web")!, signer);
    expect([new Map(set).get("user_tier"), ends("user-tier"), ends("user-other"), ends("user_other")]).toEqual(["gold", true, true, false]);
  });

  it("fault A8: no member of the baggage becomes another spelling of what the origin is told", () => {
    const wide = groupOf({
      lanes: { s1: { weight: 1, origins: { web: { url: "https://one.test", headers: { "x-edge-user": "u" } }, api: "https://api.test" } } },
      propagate: { headers: [{ prefix: "x" }] },
    });
    const facts = factsOf({
      headers: { baggage: "x_edge_user=admin,x-edge-user=admin,x-real-ip=1,x_original_url=/,x-client-ip=1,x_scheme=http,x-fine=1" },
    });
    const { set } = headerEdits(decisionOf(wide), facts, wide.lanes.get("s1")!.origins.get("web")!, signer);
    expect(set.map(([name]) => name).filter((name) => /user|real|original|client|scheme|fine/.test(name))).toEqual(["x-fine"]);
  });

  it.each([
    "accept",
    "user-agent",
    "x-real",
    "x-originally",
    "x-client",
    "client-ips",
    "x-remote-user",
    "remote-user",
    "x-envoy-peer-metadata",
    "x-hosts",
    "x-schema",
    "front-end",
    "via",
    "x-request-id",
    "xlane",
    "my-x-lane",
    "authorization",
    "cookie",
    "sec-ch-ua",
  ])("but not %s", (name) => expect(ends(name)).toBe(false));
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
    expect([named.remove, named.ends("cookie")]).toEqual([["tracestate"], true]);
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
