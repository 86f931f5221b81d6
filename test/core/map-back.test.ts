import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Origin } from "../../src/core/lane-group.ts";
import { publicCookies, publicHeader, publicUrl } from "../../src/core/map-back.ts";
import { originUrl } from "../../src/core/target.ts";
import { factsOf, groupOf } from "../support/decision.ts";

const group = groupOf({
  lanes: {
    s1: { weight: 50, origins: { web: "https://one.test", api: "https://web.v2.stage.example.net" } },
    s2: { origins: { web: "https://two.test/prefix", api: { binding: "API", strip: "/api" } } },
    s3: { origins: { web: { url: "https://three.test", strip: "/api/shop" }, api: { url: "https://three.test/v2", strip: "/api/shop" } } },
  },
});
const originOf = (lane: string, service = "web") => group.lanes.get(lane)!.origins.get(service)!;
const [plain, prefixed, stripped, both] = [originOf("s1"), originOf("s2"), originOf("s3"), originOf("s3", "api")];
const facts = factsOf({ url: "https://shop.example:8443/x" });
const within = factsOf({ url: "https://shop.example:8443/api/shop/x" });

describe("a URL of the origin's own", () => {
  it.each([
    ["https://one.test/a?b#c", "https://shop.example:8443/a?b#c"],
    ["HTTPS://ONE.test:443/a", "https://shop.example:8443/a"],
    ["https://one.test./a", "https://shop.example:8443/a"],
    ["//one.test/a", "https://shop.example:8443/a"],
    ["https://one.test", "https://shop.example:8443/"],
    ["https://one.test?a", "https://shop.example:8443/?a"],
    ["https://user:word@one.test/a", "https://shop.example:8443/a"],
    ["/\\one.test/a", "https://shop.example:8443/a"],
  ])("%s becomes %s", (location, mapped) => expect(publicUrl(location, plain, facts)).toBe(mapped));

  it.each([
    ["http://one.test/login", "https://shop.example:8443/login"],
    ["http://one.test:8080/login", "https://shop.example:8443/login"],
    ["https://one.test:8443/a", "https://shop.example:8443/a"],
    ["https://shop.example:8080/a", "https://shop.example:8443/a"],
    ["https://shop.example/a", "https://shop.example:8443/a"],
    ["http://shop.example:8443/a", "https://shop.example:8443/a"],
    ["http://SHOP.example.:8080/a", "https://shop.example:8443/a"],
  ])("fault B4: whatever its scheme and port, %s becomes %s", (location, mapped) => expect(publicUrl(location, plain, facts)).toBe(mapped));

  it("fault B4: but a change of scheme on the public host is meant, and would go in circles", () => {
    expect(publicUrl("https://shop.example/x", plain, factsOf({ url: "http://shop.example/x" }))).toBeNull();
    expect(publicUrl("http://shop.example/x", plain, factsOf({ url: "https://shop.example/x" }))).toBeNull();
  });

  it.each([
    ["ws://one.test/a?b", "wss://shop.example:8443/a?b"],
    ["WSS://one.test:8080/a", "wss://shop.example:8443/a"],
    ["wss://shop.example/a", "wss://shop.example:8443/a"],
    ["wss://shop.example:8443/a", null],
    ["ws://shop.example/a", null],
    ["wss://other.test/a", null],
  ])("fault B4: of a WebSocket, %s becomes %s", (location, mapped) => expect(publicUrl(location, plain, facts)).toBe(mapped));

  it("fault B4: of a WebSocket, has the client's security", () => {
    const insecure = factsOf({ url: "http://shop.example/x" });
    expect(publicUrl("wss://one.test/a", plain, insecure)).toBe("ws://shop.example/a");
    expect(publicUrl("wss://two.test/prefix/a", prefixed, insecure)).toBe("ws://shop.example/a");
    expect(publicUrl("wss://two.test/outside", prefixed, insecure)).toBeNull();
    expect(publicUrl("wss://three.test/a", stripped, within)).toBe("wss://shop.example:8443/api/shop/a");
    expect(publicUrl("wss://shop.example/a", stripped, insecure)).toBe("wss://shop.example/api/shop/a");
  });

  it.each([
    "https://one.test.evil.test/a",
    "https://one.testing/a",
    "https://one.test@evil.test/a",
    "https://other.test/a",
    "//other.test/a",
    "/\\other.test/a",
    "/\t/other.test/a",
    "/a",
    "a/b",
    "?a",
    "#a",
    "",
    "https://shop.example:8443/a",
    "javascript:alert(1)",
    "mailto:a@one.test",
    "https://[/a",
  ])("%j stays as it came", (location) => expect(publicUrl(location, plain, facts)).toBeNull());

  it.each([
    ["https://two.test/prefix/a", "https://shop.example:8443/a"],
    ["https://two.test/prefix", "https://shop.example:8443/"],
    ["/prefix/a?b", "/a?b"],
    ["/prefix?b", "/?b"],
    ["/prefix/a b", "/a%20b"],
    ["/prefix/%41%2f?%zz", "/%41%2f?%zz"],
    ["/prefix/?", "/?"],
    ["/other/../prefix/a", "/a"],
    ["https://shop.example:1/prefix/a", "https://shop.example:8443/a"],
    ["https://shop.example:1/a", "https://shop.example:8443/a"],
    ["/prefixed/a", null],
    ["/a", null],
    ["/prefix/../a", null],
    ["/prefix/%2e%2e/a", null],
    ["https://two.test/a", null],
    ["a", null],
    ["../../prefix/a", "/a"],
  ])("less its path: %s becomes %s", (location, mapped) => expect(publicUrl(location, prefixed, facts)).toBe(mapped));

  it.each([
    "/prefix//evil.test/a",
    "/prefix/\\evil.test/a",
    "/prefix\\/evil.test/a",
    "/prefix/\t/evil.test/a",
    "/prefix\t//evil.test/a",
    "/prefix/\n/evil.test/a",
    "/pre\tfix//evil.test/a",
    "/prefix/\r\n\\evil.test/a",
    " \x01/prefix//evil.test/a",
    "/prefix/.//evil.test/a",
    "/prefix/a/..//evil.test/a",
    "https://two.test/prefix/\t/evil.test/a",
    "\\prefix\\\\evil.test/a",
    "/prefix///evil.test/a",
  ])("fault A9: %j never reads as another host", (location) => {
    const mapped = publicUrl(location, prefixed, facts);
    const read = new URL(mapped ?? location, facts.url);
    expect([read.host, read.pathname]).toEqual(["shop.example:8443", location.includes("///") ? "///evil.test/a" : "//evil.test/a"]);
  });

  it.each([
    ["/a", "/api/shop/a"],
    ["/", "/api/shop/"],
    ["https://three.test/a", "https://shop.example:8443/api/shop/a"],
    ["http://three.test:81", "https://shop.example:8443/api/shop/"],
    ["/api/shop/a", "/api/shop/api/shop/a"],
    ["//three.test//evil.test", "https://shop.example:8443/api/shop//evil.test"],
    ["/../a", "/api/shop/a"],
    ["..", "/api/shop/"],
    ["a", null],
    ["?a", null],
    ["https://shop.example:8443/a", "https://shop.example:8443/api/shop/a"],
    ["https://shop.example:8443/api/shop/a", null],
    ["https://shop.example:1/api/shop/a", "https://shop.example:8443/api/shop/a"],
    ["https://other.test/a", null],
  ])("with the prefix that was stripped: %s becomes %s", (location, mapped) => expect(publicUrl(location, stripped, within)).toBe(mapped));

  it.each([
    ["https://shop.example/login", "https://shop.example/api/shop/login"],
    ["https://SHOP.example.:443/login?a#b", "https://shop.example./api/shop/login?a#b"],
    ["https://shop.example/api/shop/login", null],
    ["//shop.example/login", "http://shop.example/api/shop/login"],
    ["http://shop.example/login", "http://shop.example/api/shop/login"],
    ["https://shop.example:8443/login", "http://shop.example/api/shop/login"],
    ["https://other.test/login", null],
  ])("fault B4: with the prefix that was stripped, and another scheme as the origin said: %s becomes %s", (location, mapped) => {
    const insecure = factsOf({ url: "http://shop.example/api/shop/x" });
    expect(publicUrl(location, stripped, insecure)).toBe(mapped);
    const bound = publicUrl(location, { ...originOf("s2", "api"), strip: "/api/shop" }, insecure);
    expect(bound).toBe(mapped);
  });

  it("fault B4: without a scheme, has the client's, whatever the origin's is", () => {
    const plainly: Origin = { ...stripped, base: "http://three.test" };
    expect(publicUrl("//shop.example:8443/a", plainly, within)).toBe("https://shop.example:8443/api/shop/a");
    expect(publicUrl("//three.test/a", plainly, within)).toBe("https://shop.example:8443/api/shop/a");
  });

  it("is relative to what the origin was asked for, not to what the client asked", () => {
    const root = factsOf({ url: "https://shop.example/api/shop" });
    expect(publicUrl("a", stripped, root)).toBe("/api/shop/a");
    expect(publicUrl("a", both, root)).toBeNull();
    expect([publicUrl("/v2/a", both, root), publicUrl("/v2", both, root), publicUrl("/a", both, root)]).toEqual([
      "/api/shop/a",
      "/api/shop",
      null,
    ]);
  });

  it("of a binding is the public one, with the prefix that was stripped", () => {
    const binding = originOf("s2", "api");
    const asked = factsOf({ url: "https://shop.example/api/x" });
    expect(publicUrl("https://shop.example/a", binding, asked)).toBe("https://shop.example/api/a");
    expect(publicUrl("/a", binding, asked)).toBe("/api/a");
    expect(publicUrl("/a", { ...binding, strip: "" }, asked)).toBeNull();
  });

  it.each([
    ["/api/y", "/api/api/y"],
    ["/api", "/api/api"],
    ["..", "/api/"],
    ["//evil.test/a", null],
    ["/.//evil.test/a", "/api//evil.test/a"],
    ["y", null],
    ["https://shop.example/api/y", null],
  ])("fault B4: of a binding leads back to what it named, as any other's: %s becomes %s", (location, mapped) => {
    const asked = factsOf({ url: "https://shop.example/api/x" });
    expect(publicUrl(location, originOf("s2", "api"), asked)).toBe(mapped);
    expect(publicUrl(location, { ...stripped, strip: "/api" }, asked)).toBe(mapped);
  });

  const segment = fc.constantFrom("a", "api", "shop", "v2", "%2e", "%2F", "..", ".", "", "a b", "é", "@x", ":", "\\", "\t", "evil.test");
  const path = fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join("/")}`);
  const own = fc.constantFrom("", "/v2", "/api/shop");
  const suffix = fc.constantFrom("", "?q=1", "?", "#f", "?a/../b");
  const reference = fc.constantFrom<(base: string, rest: string) => string>(
    (base, rest) => base + rest,
    (_, rest) => rest.slice(1),
    (base, rest) => `https://three.test${base}${rest}`,
    (base, rest) => `//three.test${base}${rest}`,
    (base, rest) => `http://three.test:8080${base}${rest}`,
    (base, rest) => `HTTPS://Three.test.${base}${rest}`,
  );
  const leadsBack = (map: typeof publicUrl) =>
    fc.property(own, own, path, reference, path, suffix, (base, strip, asked, refer, named, more) => {
      const origin: Origin = { ...stripped, path: base, strip };
      const from = factsOf({ url: `https://shop.example${strip}${new URL(`https://x.test${asked}`).pathname}` });
      const location = refer(base, named + more);
      const meant = URL.parse(location, originUrl(origin, from));
      // Another host, or what the client cannot ask this origin for, is none of ours.
      if (meant?.hostname.replace(/\.$/, "") !== "three.test" || !`${meant.pathname}/`.startsWith(`${base}/`)) return;
      const followed = new URL(map(location, origin, from) ?? location, from.url);
      expect(followed.host).toBe("shop.example");
      const reached = new URL(originUrl(origin, factsOf({ url: followed.href })));
      // The origin's own root has one spelling only where nothing is stripped.
      const [was, is] = [meant.pathname, reached.pathname].map((each) => (each === base ? `${base}/` : each));
      expect([reached.host, is, reached.search, followed.hash]).toEqual(["three.test", was, meant.search, meant.hash]);
    });
  const RUNS = { seed: 20_261_125, numRuns: 3_000 };

  it("leads back to the origin, to the very URL that it named", () => fc.assert(leadsBack(publicUrl), RUNS));

  it.each<[string, typeof publicUrl]>([
    [
      "writes no host where a path begins with two slashes",
      (...given) => publicUrl(...given)?.replace(/^https:..shop.example/, "") ?? null,
    ],
    ["forgets the prefix", (text, origin, from) => publicUrl(text, { ...origin, strip: "" }, from)],
    ["puts the prefix before a path by itself", (text, origin) => (text.startsWith("/") ? origin.strip + text : text)],
    ["leaves what is relative", (text, origin, from) => (/^(?:https?:)?\//i.test(text) ? publicUrl(text, origin, from) : null)],
  ])("would be found out if it %s", (_, broken) => expect(fc.check(leadsBack(broken), RUNS).failed).toBe(true));
});

describe("headers that name URLs", () => {
  const of = (name: string, value: string, origin = prefixed, asked = facts) => publicHeader(name, value, origin, asked);

  it.each([
    ["0;url=https://two.test/prefix/a", "0;url=https://shop.example:8443/a"],
    ["5; URL = 'http://two.test:81/prefix/a'", "5; URL = 'https://shop.example:8443/a'"],
    ['1.5 , url="/prefix/a" x', '1.5 , url="/a" x'],
    ["0;/prefix/a", "0;/a"],
    ["0 /prefix/a", "0 /a"],
    ["0;url=/prefix//evil.test", "0;url=https://shop.example:8443//evil.test"],
    ["5", null],
    ["5;url=", null],
    ["url=/prefix/a", null],
    ["0;url=https://other.test/prefix", null],
  ])("fault B4: Refresh: %s becomes %s", (value, mapped) => expect(of("refresh", value)).toBe(mapped));

  it.each([
    ["<https://two.test/prefix/a>; rel=preload", "<https://shop.example:8443/a>; rel=preload"],
    [
      '</prefix/a>; rel="next"; title="<https://two.test/prefix/b>", <https://other.test>; rel=x, <http://two.test/prefix?p=2>; rel=last',
      '</a>; rel="next"; title="<https://two.test/prefix/b>", <https://other.test>; rel=x, <https://shop.example:8443/?p=2>; rel=last',
    ],
    ['<a>; title="\\"<https://two.test/prefix/b>"', null],
    ["<https://two.test/prefix/a", null],
    ["", null],
  ])("fault B4: Link: %s becomes %s", (value, mapped) => expect(of("link", value)).toBe(mapped));

  it.each([
    ['</prefix/a>; rel=next; anchor="http://two.test/prefix/b"', '</a>; rel=next; anchor="https://shop.example:8443/b"'],
    ["<a>; ANCHOR = 'x'; anchor=https://two.test/prefix", "<a>; ANCHOR = 'x'; anchor=\"https://shop.example:8443/\""],
    ['<a>;anchor="/prefix/\\b#\\"x"', '<a>;anchor="/b#%22x"'],
    ['<a>; anchor="#b"', null],
    ['<a>; title="; anchor="; anchor="/prefix/b"', '<a>; title="; anchor="; anchor="/b"'],
    ['<a>; title=x; anchor="/prefix', null],
    ["<wss://two.test/prefix/a>; rel=x", "<wss://shop.example:8443/a>; rel=x"],
  ])("fault B4: Link with its context: %s becomes %s", (value, mapped) => expect(of("link", value)).toBe(mapped));

  it.each([
    ["location", "https://two.test/prefix/a, https://two.test/prefix/b", "https://shop.example:8443/a"],
    ["location", "/prefix/a, https://two.test/prefix/b, /prefix/c", "/a"],
    ["location", "https://other.test/a, http://two.test:81/prefix/b", "https://other.test/a"],
    ["content-location", "/a, https://two.test/prefix/b", "/a"],
    ["location", "https://two.test/prefix/?q=a, b", "https://shop.example:8443/?q=a,%20b"],
    ["location", "https://other.test/a, https://other.test/b", null],
    ["refresh", "0;url=https://two.test/prefix/a, 0;url=https://two.test/prefix/b", "0;url=https://shop.example:8443/a"],
    ["refresh", "5;url=/a, 0;url=https://two.test/prefix/b", "5;url=/a"],
    ["refresh", "5, https://two.test/prefix/a", "5, https://shop.example:8443/a"],
  ])("fault B4: %s twice is the first of them, where one names the origin: %s", (name, value, mapped) => {
    expect(of(name, value)).toBe(mapped);
  });

  it("takes linear time for a Link of many quotes or brackets", () => {
    const started = performance.now();
    for (const text of ["<", '"', '\\"', "<>", '"\\', "<a>,", ';anchor="', "; ", ";anchor=", ';anchor=\\"'])
      of("link", text.repeat(32_768 / text.length));
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it("fault B8: stays as it came where its bytes would be lost, or where nothing changes", () => {
    expect(of("location", "https://two.test/prefix/Z\ufffdrich")).toBeNull();
    expect(of("location", "https://two.test/prefix/Zürich")).toBe("https://shop.example:8443/Z%C3%BCrich");
    expect(of("x-other", "https://two.test/prefix/a")).toBeNull();
    expect(of("location", "/a", plain)).toBeNull();
  });
});

describe("cookies", () => {
  const one = (cookie: string, origin = plain, asked = facts) => publicCookies([cookie], origin, asked)?.lines[0] ?? cookie;

  it.each([
    ["a=1; Domain=one.test; Path=/", "a=1; Path=/"],
    ["a=1; domain = .ONE.test", "a=1"],
    ["a=1; Domain=one.test.; Secure", "a=1; Secure"],
    ["a=1; Domain=test", "a=1"],
    ["a=domain=one.test", "a=domain=one.test"],
    ["a=1; Domain=shop.example", "a=1; Domain=shop.example"],
    ["a=1; Domain=x.one.test", "a=1; Domain=x.one.test"],
    ["a=1; Domain=", "a=1; Domain="],
  ])("lose the origin's domain: %s becomes %s", (cookie, mapped) => expect(one(cookie)).toBe(mapped));

  it.each(["web.v2.stage.example.net", "stage.example.net", ".V2.stage.example.net", "example.net", "net"])(
    "fault B4: lose a domain above the origin's: %s",
    (domain) => expect(one(`a=1; Domain=${domain}; Secure`, originOf("s1", "api"))).toBe("a=1; Secure"),
  );

  it("fault B4: keep a domain above both hosts, and no part of an address is one", () => {
    const near = factsOf({ url: "https://shop.example.net/" });
    expect(one("a=1; Domain=example.net", originOf("s1", "api"), near)).toBe("a=1; Domain=example.net");
    expect(one("a=1; Domain=0.1", { ...plain, base: "http://127.0.0.1:80" })).toBe("a=1; Domain=0.1");
  });

  it.each([
    ["sid=1; Path=/prefix", "sid=1; Path=/"],
    ["sid=1; path = /prefix/", "sid=1; path =/"],
    ["sid=1; Path=/prefix/a; Secure", "sid=1; Path=/a; Secure"],
    ["sid=1; Path=/", "sid=1; Path=/"],
    ["sid=1; Path=/prefixed", "sid=1; Path=/prefixed"],
    ["sid=1; Path=prefix", "sid=1; Path=prefix"],
    ["sid=1; Path", "sid=1; Path"],
    ["sid=/prefix", "sid=/prefix"],
  ])("fault B4: lose the origin's path: %s becomes %s", (cookie, mapped) => expect(one(cookie, prefixed)).toBe(mapped));

  it.each([
    ["sid=1; Path=/", "sid=1; Path=/api/shop", "sid=1; Path=/api/shop"],
    ["sid=1; Path=/v2/a", "sid=1; Path=/api/shop/v2/a", "sid=1; Path=/api/shop/a"],
    ["sid=1; Path=/v2", "sid=1; Path=/api/shop/v2", "sid=1; Path=/api/shop"],
    ["sid=1; Path=/other", "sid=1; Path=/api/shop/other", "sid=1; Path=/other"],
    ["sid=1", "sid=1", "sid=1"],
    ["__Host-sid=1; Path=/; Secure", "__Host-sid=1; Path=/; Secure", "__Host-sid=1; Path=/; Secure"],
  ])("get the prefix that was stripped: %s", (cookie, ...mapped) => expect([one(cookie, stripped), one(cookie, both)]).toEqual(mapped));

  it("fault B8: whose bytes would be lost stay, and those that change come behind", () => {
    const lines = ["a=Z\ufffdrich; Domain=one.test", "b=2; Domain=one.test", "c=3"];
    expect(publicCookies(lines, plain, facts)).toEqual({ lines: [...lines, "b=2"], kept: 3 });
    expect(publicCookies([lines[0]!, "c=3"], plain, facts)).toBeNull();
    expect(publicCookies(lines.slice(1), plain, facts)).toEqual({ lines: ["b=2", "c=3"], kept: 0 });
  });
});
