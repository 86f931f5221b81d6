import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shadowHost } from "../../src/core/mirror.ts";
import { unshadowed } from "../../src/core/shadow-host.ts";

const FORMS: readonly ((host: string) => string)[] = [
  (host) => `https://${host}/login`,
  (host) => `see ${host}.`,
  (host) => JSON.stringify({ self: `https://${host}/` }).replaceAll("/", "\\/"),
  (host) => `\\u002f\\u002f${host}\\u002fx`,
  (host) => `/login?back=${encodeURIComponent(`https://${host}/cart`)}`,
  (host) => `<a href="//${host}?x">&#47;${host}</a>`,
  (host) => `wss://api.${host}/socket, @${host}`,
];

describe("the host of a copy", () => {
  it.each([
    "shop.example",
    "shop.example:8080",
    "a.b.shop.example.com",
    "localhost",
    "localhost:8787",
    "127.0.0.1:80",
    "[::1]:80",
    "xn--bcher-kva.example",
  ])("is the public one again wherever an origin writes it: %s", (authority) => {
    for (const form of FORMS) expect(unshadowed(authority)(form(shadowHost(authority)))).toBe(form(authority));
  });

  it.each([
    ["shop.example:8080", "http://SHOP.example-shadow/", "http://SHOP.example/"],
    ["www.shop.example", "sid=1; Domain=.shop.example-shadow", "sid=1; Domain=.shop.example"],
    ["shop.example", "http://shop.example-shadow.evil.example/", "http://shop.example-shadow.evil.example/"],
    ["shop.example", "http://bishop.example-shadows/", "http://bishop.example-shadows/"],
    ["shop.example", "http://workshop.example-shadow/", "http://workshop.example-shadow/"],
    ["shop.example", "text-shadow: 1px; box-shadow", "text-shadow: 1px; box-shadow"],
  ])("of %s: %s → %s", (authority, text, expected) => {
    expect(unshadowed(authority)(text)).toBe(expected);
  });

  it("changes nothing in other texts", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(unshadowed("shop.example")(text)).toBe(text);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
