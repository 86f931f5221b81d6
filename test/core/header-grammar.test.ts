import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differingParts } from "../../src/core/header-grammar.ts";

describe("a header's values", () => {
  it.each([
    ["content-type", "text/html; charset=UTF-8", 'Text/HTML;Charset="utf-8"'],
    ["content-type", "a/b; x=1; y=2", "a/b;y=2;x=1"],
    ["vary", "Accept-Encoding, Origin", "origin,accept-encoding"],
    ["vary", "a, , a", "A"],
    ["cache-control", "Public, Max-Age=060", 'max-age="60",public'],
    ["cache-control", 'no-cache="Set-Cookie, X-A"', 'no-cache="x-a,set-cookie"'],
    ["allow", "GET, HEAD", "HEAD,GET"],
    ["accept-ranges", "Bytes", "bytes"],
    ["content-language", "de-DE, en", "EN,de-de"],
    ["content-encoding", "x-gzip", "GZIP"],
    ["content-disposition", 'Attachment; FileName="a.txt"', "attachment; filename=a.txt"],
    [
      "link",
      '<https://a/x,y>; rel="Preload next"; as=Style, </b>; rel=next',
      '</b>;rel="next",<https://a/x,y>;as="style";rel="next preload"',
    ],
    ["location", "HTTPS://Shop.example:443", "https://shop.example/"],
    ["location", "/a%2fb?c=%3d%41", "/a%2Fb?c=%3DA"],
    ["set-cookie", "a=1; Path=/; HttpOnly; Domain=.A.example\nb=2", "b=2\na=1; httponly; domain=a.example; path=/"],
    ["expires", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"],
    ["strict-transport-security", "max-age=31536000; includeSubDomains", 'includesubdomains;Max-Age="31536000"'],
    ["content-security-policy", "Default-Src 'self' a.example; img-src *", "img-src *; default-src a.example 'self';default-src x"],
    ["access-control-allow-headers", "X-A, x-b", "X-B,x-a"],
  ])("of %s mean the same: %j and %j", (name, left, right) => {
    expect(differingParts(name, left, right)).toBe(0);
  });

  it.each([
    ["content-type", "multipart/mixed; boundary=A", "multipart/mixed; boundary=a", 1],
    ["content-type", "text/html", "text/html; charset=utf-8", 1],
    ["cache-control", "max-age=60", "max-age=61", 1],
    ["cache-control", 'private="a"', "private", 1],
    ["allow", "GET", "get", 1],
    ["content-encoding", "gzip, br", "br, gzip", 2],
    ["referrer-policy", "no-referrer, origin", "origin, no-referrer", 2],
    ["location", "/A", "/a", 1],
    ["location", "/a?x&y", "/a?y&x", 2],
    ["location", "http://a.example/", "https://a.example/", 1],
    ["location", "https://a.example:8443/", "https://a.example/", 1],
    ["location", "/a?t=1&c=2", "/a?t=3&c=4", 2],
    ["location", "/orders/6fa459ea", "/error/16fd2706", 2],
    ["location", "/orders/6fa459ea", "/orders/16fd2706", 1],
    ["location", "/a%2fb", "/a/b", 2],
    ["link", "</a>; rel=next", "</A>; rel=next", 1],
    ["set-cookie", "sid=1; Path=/", "sid=2; Path=/x", 2],
    ["set-cookie", "sid=1; Secure", "sid=1", 1],
    ["etag", '"a"', 'W/"a"', 2],
    ["etag", '"a"', '"A"', 1],
    ["x-own", "a b", "A b", 1],
    ["__proto__", "a", "b", 1],
  ])("of %s differ: %j and %j in %s parts", (name, left, right, parts) => {
    expect(differingParts(name, left, right)).toBe(parts);
  });

  it("are relative to the address that was asked for", () => {
    const base = "http://shop.example/cart/items?x=1";
    for (const other of [
      "http://shop.example/login",
      "http://shop.example:80/login",
      "//SHOP.example/login",
      "../login",
      "/cart/../login",
    ]) {
      expect(differingParts("location", "/login", other, base)).toBe(0);
    }
    for (const other of ["https://shop.example/login", "http://other.example/login", "login", "/login?x=1"]) {
      expect(differingParts("location", "/login", other, base)).toBeGreaterThan(0);
    }
    expect(differingParts("content-location", "http://", "http://x y", base)).toBe(1);
  });

  it("never throw, and are the same as themselves, whatever they are", () => {
    const name = fc.constantFrom(
      "content-type",
      "vary",
      "cache-control",
      "link",
      "location",
      "set-cookie",
      "content-security-policy",
      "expires",
      "x",
    );
    const value = fc
      .array(fc.constantFrom('"', "\\", "<", ">", ",", ";", "=", "a", "B", " ", "/", ":", "?", "\n", "0"), { maxLength: 40 })
      .map((all) => all.join(""));
    fc.assert(
      fc.property(name, value, value, (name, left, right) => {
        expect(differingParts(name, left, left)).toBe(0);
        expect(differingParts(name, left, right)).toBe(differingParts(name, right, left));
      }),
      { seed: 5, numRuns: 3_000 },
    );
  });

  it("are read in time, and beyond 16 KiB only equal is equal", () => {
    const started = performance.now();
    for (const piece of ['"', "<", ",", ";", "a=", '"\\'])
      for (const name of ["content-type", "link", "cache-control", "set-cookie", "location"])
        differingParts(name, piece.repeat(40_000), piece.repeat(40_001));
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(differingParts("vary", `${"a,".repeat(10_000)}b`, `${"a,".repeat(10_000)}B`)).toBe(1);
  });
});
