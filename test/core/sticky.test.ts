import { describe, expect, it } from "vitest";
import { slotFromId, slotOf } from "../../src/core/slots.ts";
import { cookieName, isDocument, isLaneCookie, readCookie, visitorOf, writeCookie } from "../../src/core/sticky.ts";
import { type Asking, factsOf, groupOf, NOW } from "../support/decision.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const visitor = (sticky: object, asking: Asking = {}) => visitorOf(groupOf({ sticky }), factsOf(asking));

describe("the cookie", () => {
  it("is named and bound as its scheme and domain allow", () => {
    const [plain, wide] = [groupOf(), groupOf({ sticky: { domain: "shop.example", epoch: 3 } })];
    expect([cookieName(plain, true), cookieName(plain, false), cookieName(wide, true)]).toEqual([
      "__Host-lane-shop",
      "lane-shop",
      "__Secure-lane-shop",
    ]);
    expect(writeCookie(plain, 5, factsOf())).toBe("__Host-lane-shop=1.1.5; Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=Lax");
    expect(writeCookie(plain, 5, factsOf({ url: "http://shop.example/" }))).toBe(
      "lane-shop=1.1.5; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax",
    );
    expect(writeCookie(wide, 5, factsOf())).toBe(
      "__Secure-lane-shop=1.3.5; Max-Age=2592000; Path=/; Domain=shop.example; HttpOnly; Secure; SameSite=Lax",
    );
  });

  it.each(["", "1", "1.1", "1.1.", "1.1.x", "1.1.-1", "1.1.10000", "1.1.1e3", "1.2.5", "2.1.5", "1.1.5.6", "01.1.5", "1.1.٥"])(
    "fault 13: %j makes a new visitor",
    (value) => {
      expect(visitor({}, { headers: { cookie: `__Host-lane-shop=${value}` } })?.fresh).toBe(true);
    },
  );

  it("keeps its slot, also where it stands twice: the first counts", () => {
    expect(readCookie("1.1.0", 1)).toBe(0);
    expect(visitor({}, { headers: { cookie: "a=1; __Host-lane-shop=1.1.9999; __Host-lane-shop=1.1.1" } })).toEqual({
      slot: 9_999,
      fresh: false,
    });
  });

  it.each([
    "__Host-lane-shop=1.1.5; __Host-lane-shop=1.2.7",
    "__Host-lane-shop=; __Host-lane-shop=1.2.7",
    "__Host-lane-shop=x; a=1; __Host-lane-shop=1.1.9; __Host-lane-shop=1.2.7; __Host-lane-shop=1.2.8",
    "__Host-lane-shop=1.2.99999, __Host-lane-shop=1.2.7",
  ])("fault B1: that cannot be used does not hide one that can: %s", (cookie) => {
    expect(visitor({ epoch: 2 }, { headers: { cookie } })).toEqual({ slot: 7, fresh: false });
  });

  it.each<[string, string, boolean]>([
    ["lane-shop", "anything", true],
    ["__Host-lane-shop", "", true],
    ["__Secure-lane-dom", "1.1.55", true],
    ["lane-a-b-c", "1.10.0", true],
    ["lane-color", "blue", false],
    ["lane-dom", "1.1.x", false],
    ["lane-Dom", "1.1.5", false],
    ["lane-", "1.1.5", false],
    ["xlane-dom", "1.1.5", false],
    ["__Host-a", "lane-dom=1.1.5", false],
  ])("is told from a stranger's by its name and value: %s=%s", (name, value, ours) => {
    expect(isLaneCookie(groupOf())(name, value)).toBe(ours);
  });

  it("of the other scheme or another group is none", () => {
    expect(visitor({}, { headers: { cookie: "lane-shop=1.1.5; __Host-lane-other=1.1.5; __Secure-lane-shop=1.1.5" } })?.fresh).toBe(true);
  });
});

describe("a request without a slot", () => {
  it.each<[string, Asking["method"], Record<string, string>, boolean]>([
    ["of an old client", "GET", {}, true],
    ["for a document", "GET", { "sec-fetch-dest": "document", "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }, true],
    ["of a script", "POST", { "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin" }, true],
    ["of a browser's WebSocket", "GET", { "sec-websocket-version": "13", origin: "https://shop.example" }, false],
    ["of a program's WebSocket", "GET", { "sec-websocket-version": "13" }, true],
    ["for an image", "GET", { "sec-fetch-dest": "image" }, false],
    ["for a frame", "GET", { "sec-fetch-dest": "iframe" }, false],
    ["of a preflight", "OPTIONS", { "access-control-request-method": "POST" }, false],
    ["for options, no preflight", "OPTIONS", {}, true],
    [
      "by a link from another site",
      "GET",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
      true,
    ],
    [
      "by a form from another site",
      "POST",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
      false,
    ],
    ["of another site's script", "GET", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" }, false],
  ])("%s (%s) makes a visitor: %4$s", (_, method, headers, makes) => {
    expect(visitor({}, { method: method!, headers })?.fresh ?? false).toBe(makes);
    // With a slot it keeps it, whatever it is for.
    expect(visitor({}, { method: method!, headers: { ...headers, cookie: "__Host-lane-shop=1.1.5" } })).toEqual({ slot: 5, fresh: false });
  });
});

describe("a script's request without a slot", () => {
  const script = (headers: object = {}) => ({
    "sec-fetch-dest": "empty",
    "sec-fetch-site": "same-origin",
    "user-agent": "one",
    ...headers,
  });
  const promised = (asking: Asking = {}, changes: object = {}) => visitorOf(groupOf(changes), factsOf({ headers: script(), ...asking }));

  it("is given one that waits: of the group, epoch, hour, network and User-Agent, whatever trace it is part of", () => {
    const one = promised();
    expect(one).toEqual({ slot: slotOf("shop", 1, [Math.floor(NOW / 3600), "192.0.2.1", "one"].join("\0")), fresh: true, waits: true });
    const same: Asking[] = [
      { requestId: "f".repeat(32) },
      { now: NOW - (NOW % 3600) },
      { headers: script({ traceparent: `00-${TRACE}-b7ad6b7169203331-01`, "sec-fetch-site": "same-site" }), method: "POST" },
    ];
    for (const asking of same) expect(promised(asking)).toEqual(one);
    const others = [
      promised({ now: NOW + 3600 }),
      promised({ ip: "192.0.2.2" }),
      promised({ headers: script({ "user-agent": "two" }) }),
      promised({}, { name: "other" }),
      promised({}, { sticky: { epoch: 2 } }),
    ];
    expect(new Set([one, ...others].map((each) => each!.slot)).size).toBe(6);
    expect(promised({ slot: 7 })?.slot).toBe(7);
    expect(promised({ ip: null, headers: { "sec-fetch-dest": "empty" } })?.waits).toBe(true);
  });

  it("has the same from all addresses of an IPv6 network", () => {
    const [a, b, c] = ["2001:db8:1:2::1", "2001:DB8:1:2:3:4:5:6", "2001:db8:1:3::1"].map((ip) => promised({ ip })?.slot);
    expect([a === b, a === c]).toEqual([true, false]);
  });
});

describe('a cookie with `"sameSite": "none"`', () => {
  const framed = groupOf({ sticky: { sameSite: "none" } });
  const page = (dest: string, site = "cross-site") => ({ "sec-fetch-dest": dest, "sec-fetch-site": site, "sec-fetch-mode": "navigate" });
  const becomes = (headers: Record<string, string>, more: Asking = {}, of = framed) => {
    const found = visitorOf(of, factsOf({ headers, ...more }));
    return found === null ? "none" : found.waits ? "next" : "now";
  };

  it("is for each site on top apart, and stays Lax on plain http, where browsers refuse it", () => {
    const sent = (url: string, of = framed) => writeCookie(of, 5, factsOf({ url }));
    expect(sent("https://shop.example/")).toBe(
      "__Host-lane-shop=1.1.5; Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=None; Partitioned",
    );
    expect(sent("http://shop.example/")).toBe("lane-shop=1.1.5; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax");
    expect(sent("https://shop.example/", groupOf({ sticky: { sameSite: "none", domain: "shop.example" } }))).toBe(
      "__Secure-lane-shop=1.1.5; Max-Age=2592000; Path=/; Domain=shop.example; HttpOnly; Secure; SameSite=None; Partitioned",
    );
  });

  it("is given to pages in frames, from the next request on, and to other sites' forms, with which it would have come", () => {
    for (const dest of ["iframe", "frame", "fencedframe", "embed", "object"]) {
      expect([becomes(page(dest)), becomes(page(dest), {}, groupOf())]).toEqual(["next", "none"]);
      expect(becomes(page(dest), { url: "http://shop.example/" })).toBe("none");
    }
    expect([becomes(page("document"), { method: "POST" }), becomes(page("document"), { method: "POST" }, groupOf())]).toEqual([
      "now",
      "none",
    ]);
    expect([becomes({ "sec-fetch-dest": "empty", "sec-fetch-site": "cross-site" }), becomes(page("image"))]).toEqual(["none", "none"]);
  });

  it("is set again with pages in frames", () => {
    const renewed = (headers: Record<string, string>, of = framed) => isDocument(of, factsOf({ headers }));
    expect([renewed(page("iframe")), renewed(page("document")), renewed(page("image")), renewed({})]).toEqual([true, true, false, false]);
    expect([renewed(page("iframe"), groupOf()), renewed(page("document"), groupOf())]).toEqual([false, true]);
  });
});

describe("a visitor", () => {
  it("is drawn from the slot given, else the trace, else the request", () => {
    const traced = { headers: { traceparent: `00-${TRACE}-b7ad6b7169203331-01` } };
    expect(visitor({}, { slot: 7, ...traced })?.slot).toBe(7);
    expect(visitor({}, traced)?.slot).toBe(visitor({ by: "none" }, traced)?.slot);
    expect(visitor({}, traced)?.slot).toBe(visitor({}, { ...traced, requestId: "f".repeat(32) })?.slot);
    expect(visitor({}, {})?.slot).not.toBe(visitor({}, { requestId: "f".repeat(32) })?.slot);
    expect(typeof slotFromId(TRACE)).toBe("number");
  });

  it.each<[string, object, Asking]>([
    ["baggage", { baggage: "user" }, { headers: { baggage: "user=ann" } }],
    ["header", { header: "X-User" }, { headers: { "x-user": "ann" } }],
    ["cookie", { cookie: "user" }, { headers: { cookie: "user=ann" } }],
    ["query", { query: "user" }, { url: "https://shop.example/?user=ann" }],
    ["ip", "ip" as unknown as object, { ip: "ann" }],
  ])("by %s has the slot of the value, and none without it", (_, by, asking) => {
    expect(visitor({ by, epoch: 2 }, asking)).toEqual({ slot: slotOf("shop", 2, "ann"), fresh: false });
    expect(visitor({ by, epoch: 2 }, { ip: null })).toBeNull();
  });
});
