import { describe, expect, it } from "vitest";
import { cookieFor, isChosen, privateCacheControl, publicLocation, publicSetCookie } from "../../src/core/answer.ts";
import { type Asking, contextText, decisionOf, factsOf, groupOf } from "../support/decision.ts";

const group = groupOf();
const prefixed = group.lanes.get("s2")!.origins.get("web")!;
const plain = group.lanes.get("s1")!.origins.get("web")!;

describe("Set-Cookie of the lane", () => {
  const set = (asking: Asking, status = 200) => cookieFor(decisionOf(group, asking), factsOf(asking), status);
  const document = { "sec-fetch-dest": "document" };

  it("is set for new visitors, and renewed on documents", () => {
    expect(set({})).toMatch(/^__Host-lane-shop=1\.1\.\d+; /);
    expect(set({ headers: { cookie: "__Host-lane-shop=1.1.5", ...document } })).toMatch(/^__Host-lane-shop=1\.1\.5; /);
    expect(set({ headers: { cookie: "__Host-lane-shop=1.1.5" } })).toBeNull();
  });

  it("is never set on errors, within a chain, at a service that is no entry, or where no slot decided", () => {
    expect([399, 400, 404, 500].map((status) => set({}, status) !== null)).toEqual([true, false, false, false]);
    expect(set({ headers: { ...document, baggage: `laneway.shop=${contextText("s1")}` } })).toBeNull();
    expect(set({ url: "https://api.shop.example/", headers: document })).toBeNull();
    expect(set({ headers: { "sec-fetch-dest": "image" } })).toBeNull();
  });
});

describe("an answer that was chosen", () => {
  it.each([
    ["weight", true],
    ["sticky", true],
    ["named", true],
    ["rule:x", true],
    ["expired", true],
    ["baseline", true],
    ["off", false],
    ["no-secret", false],
  ])("by %s: %s", (reason, is) => {
    const decision = decisionOf(group);
    expect(isChosen({ ...decision, reason })).toBe(is);
    expect(isChosen({ ...decision, reason, service: { ...decision.service, varies: false } })).toBe(false);
  });

  it("is none within a chain", () => {
    expect(isChosen(decisionOf(group, { headers: { "x-lane-context": contextText("s2") } }))).toBe(false);
  });
});

describe("Cache-Control of one visitor's answer", () => {
  it.each([
    [null, "private"],
    ["", "private"],
    ["public, max-age=60", "private, max-age=60"],
    ["Public,S-MaxAge=60, s-maxage=60", "private"],
    ["max-age=60, must-revalidate", "private, max-age=60, must-revalidate"],
    ["no-store", "no-store"],
    ["no-cache", "private, no-cache"],
    ["no-cache, public", "private, no-cache"],
    ["no-store, public, max-age=0", "no-store, max-age=0"],
    ["private, max-age=5", "private, max-age=5"],
    ['private="set-cookie", max-age=5', 'private, private="set-cookie", max-age=5'],
    ["proxy-revalidate, immutable", "private, immutable"],
  ])("%j becomes %j", (before, after) => expect(privateCacheControl(before)).toBe(after));
});

describe("an address of the origin's own", () => {
  const facts = factsOf({ url: "https://shop.example:8443/x" });

  it.each([
    ["https://one.test/a?b#c", "https://shop.example:8443/a?b#c"],
    ["HTTPS://ONE.test:443/a", "https://shop.example:8443/a"],
    ["//one.test/a", "https://shop.example:8443/a"],
    ["https://one.test", "https://shop.example:8443/"],
    ["https://one.test?a", "https://shop.example:8443/?a"],
    ["/a", "/a"],
    ["https://one.test.evil.test/a", null],
    ["https://one.test:8443/a", null],
    ["https://one.testing/a", null],
    ["https://one.test@evil.test/a", null],
    ["http://one.test/a", null],
    ["https://other.test/a", null],
    ["//other.test/a", null],
    ["/\\other.test/a", null],
    ["a/b", null],
    ["?a", null],
    ["", null],
    ["javascript:alert(1)", null],
    ["https://[/a", null],
  ])("%s becomes %s", (location, mapped) => expect(publicLocation(location, plain, facts)).toBe(mapped));

  it.each([
    ["https://two.test/prefix/a", "https://shop.example:8443/a"],
    ["https://two.test/prefix", "https://shop.example:8443/"],
    ["/prefix/a?b", "/a?b"],
    ["/prefix?b", "/?b"],
    ["/prefixed/a", null],
    ["/a", null],
    ["https://two.test/a", null],
    ["/prefix//evil.test/a", "https://shop.example:8443//evil.test/a"],
    ["/prefix/\\evil.test/a", "https://shop.example:8443/\\evil.test/a"],
  ])("less its path: %s becomes %s", (location, mapped) => expect(publicLocation(location, prefixed, facts)).toBe(mapped));

  it("is dropped from a cookie's Domain, which is left alone otherwise", () => {
    expect(publicSetCookie("a=1; Domain=one.test; Path=/", plain)).toBe("a=1; Path=/");
    expect(publicSetCookie("a=1; domain = .ONE.test", plain)).toBe("a=1");
    for (const cookie of ["a=1; Domain=shop.example", "a=domain=one.test", "a=1; Domain=test", "a=1; Domain=x.one.test"]) {
      expect(publicSetCookie(cookie, plain)).toBe(cookie);
    }
  });
});
