import { describe, expect, it } from "vitest";
import { slotFromId, slotOf } from "../../src/core/slots.ts";
import { cookieName, readCookie, visitorOf, writeCookie } from "../../src/core/sticky.ts";
import { type Asking, factsOf, groupOf } from "../support/decision.ts";

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
    expect(writeCookie(plain, 5, true)).toBe("__Host-lane-shop=1.1.5; Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=Lax");
    expect(writeCookie(plain, 5, false)).toBe("lane-shop=1.1.5; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax");
    expect(writeCookie(wide, 5, true)).toBe(
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

  it("of the other scheme or another group is none", () => {
    expect(visitor({}, { headers: { cookie: "lane-shop=1.1.5; __Host-lane-other=1.1.5; __Secure-lane-shop=1.1.5" } })?.fresh).toBe(true);
  });
});

describe("a request without a slot", () => {
  it.each<[string, Asking["method"], Record<string, string>, boolean]>([
    ["of an old client", "GET", {}, true],
    ["for a document", "GET", { "sec-fetch-dest": "document", "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }, true],
    ["of a script", "POST", { "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin" }, true],
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
