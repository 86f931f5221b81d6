import { describe, expect, it } from "vitest";
import { cookieFor, isChosen, privateCacheControl } from "../../src/core/answer.ts";
import { type Asking, contextText, decisionOf, factsOf, groupOf } from "../support/decision.ts";

const group = groupOf();

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
    ['public=1, s-maxage="5"', "private"],
    ["private,max-age=5", "private,max-age=5"],
    ['no-cache="a, s-maxage=5", max-age=1', 'private, no-cache="a, s-maxage=5", max-age=1'],
    ['x="a, private", public', 'private, x="a, private"'],
    ['public, x="\ufffd", max-age=1', "private, max-age=1"],
    ['x="\ufffd, y"', "private"],
    ['private, x="\ufffd"', 'private, x="\ufffd"'],
    ['no-store, x="\ufffd", s-maxage=1', "no-store"],
    ['x="open, s-maxage=5', 'private, x="open, s-maxage=5'],
  ])("fault B9: %j becomes %j", (before, after) => expect(privateCacheControl(before)).toBe(after));
});
