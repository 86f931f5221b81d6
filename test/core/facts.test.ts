import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { headerFact, hostName, parseQuery } from "../../src/core/facts.ts";
import { factsOf } from "../support/decision.ts";

const at = (url: string) => {
  const { secure, authority, host, path, search } = factsOf({ url });
  return { secure, authority, host, path, search };
};

describe("the URL", () => {
  it("gives the host as it is compared, and the authority as it came", () => {
    expect(at("http://Shop.Example.:8080/a?b=c")).toEqual({
      secure: false,
      authority: "Shop.Example.:8080",
      host: "shop.example",
      path: "/a",
      search: "?b=c",
    });
  });

  it("gives the path as the platform will send it", () => {
    const paths = [
      "/a/../b",
      "/%2e%2e/x",
      "/a/./b",
      "/a\\b",
      "//evil.example/x",
      "/..%2fx",
      "/%00",
      "/a;b",
      "/x.y/z",
      "/a/.",
      "/...",
      "/.a",
    ];
    for (const path of paths)
      expect([path, at(`https://h.example${path}`).path]).toEqual([path, new URL(`https://h.example${path}`).pathname]);
  });

  it("is read in one way, whether it is plain or not", () => {
    const character = fc.constantFrom(..."abZ09-._~!$&'()*+,;=:@%/?#[]\\ \t\"<>^`{|}é", "..", "%2e", "%2F", "//", "/./");
    const url = fc.array(character, { maxLength: 12 }).map((parts) => `https://h.example/${parts.join("")}`);
    fc.assert(
      fc.property(url, (text) => {
        const whole = new URL(text);
        const { path, search } = at(text);
        expect([path, search === "?" ? "" : search]).toEqual([whole.pathname, whole.search]);
      }),
      { seed: 1, numRuns: 3_000 },
    );
  });

  it("that is none has no host, and throws nothing", () => {
    for (const url of ["http://a b/x", "http://[/x", "http://h:99999/%78", "http://:80/", "http:///", "x", ""])
      expect([url, at(url).host]).toEqual([url, ""]);
  });
});

describe("a host", () => {
  it.each(["h:65536", "h:99999", "u@h", "u:1@h", "%68", "h%2e", "é"])(
    "is none of another grammar, which a URL parser repairs: %s",
    (host) => expect(at(`http://${host}/x`).host).toBe(""),
  );

  it.each(["h/x", "h?x", "h#x", "h\\x", "h/x@", "h?x@i"])(
    "is none where the header holds more than it, though the URL reads well: %s",
    (host) => {
      expect(at(`http://${host}/x`).host).toBe("h");
      expect(factsOf({ url: `http://${host}/x`, headers: { host } }).host).toBe("");
    },
  );

  it.each(["h:0", "h:65535", "h:", "h:080", "[::1]:8080", "h.", "a_b"])("and port may be any there are: %s", (host) =>
    expect(factsOf({ url: `http://${host}/x`, headers: { host } }).host).not.toBe(""),
  );
});

describe("a host name", () => {
  it.each([
    ["A.example", "a.example"],
    ["a.example.", "a.example"],
    ["a.example:80", "a.example"],
    ["a.example.:80", "a.example"],
    ["[::1]", "[::1]"],
    ["[::1]:80", "[::1]"],
  ])("%s is compared as %s", (authority, host) => expect(hostName(authority)).toBe(host));
});

describe("the query", () => {
  it("has the first of a key, decoded as forms are", () => {
    expect([...parseQuery("?a=1&a=2&b+c=d%2B+e&f&=g&&h=%zz")]).toEqual([
      ["a", "1"],
      ["b c", "d+ e"],
      ["f", ""],
      ["", "g"],
      ["h", "%zz"],
    ]);
  });
});

describe("a header, as rules see it,", () => {
  it("fault 25: is nothing of ours, whatever it is spelled like", () => {
    const names = [
      "x-lane",
      "x-lane-context",
      "x_lane_mirror",
      "x.lane",
      "cloudflare-workers-version-key",
      "cloudflare_workers_version_overrides",
    ];
    const facts = factsOf({ headers: Object.fromEntries(names.map((name) => [name, "s2"])) });
    for (const name of names) expect([name, headerFact(facts, name)]).toEqual([name, undefined]);
  });

  it.each([
    "x-forwarded-host",
    "x-forwarded-for",
    "forwarded",
    "x-real-ip",
    "x_original_url",
    "x-rewrite-url",
    "client-ip",
    "x-scheme",
    "x_remote_addr",
  ])("fault A7: is no client's word about addresses: %s", (name) =>
    expect(headerFact(factsOf({ headers: { [name]: "x" } }), name)).toBeUndefined(),
  );

  it("fault B11: is the host of the URL, where none is beside it", () => {
    const url = "https://Shop.example:8443/x";
    expect(headerFact(factsOf({ url }), "host")).toBe("Shop.example:8443");
    expect(headerFact(factsOf({ url, headers: { host: "other.example" } }), "host")).toBe("other.example");
    expect(headerFact(factsOf({ url: "none" }), "host")).toBeUndefined();
  });

  it("is nothing that ends at this hop, or that Connection names", () => {
    const facts = factsOf({ headers: { connection: "close, X-Own, a b, ,é", "x-own": "1", "keep-alive": "1", "x-other": "2" } });
    expect(["connection", "keep-alive", "x-own", "x-other"].map((name) => headerFact(facts, name))).toEqual([
      undefined,
      undefined,
      undefined,
      "2",
    ]);
  });

  it("is not the baggage, trace or cookie that Connection names either", () => {
    const headers = { baggage: "a=1", cookie: "a=1", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
    const facts = factsOf({ headers: { ...headers, connection: "Baggage, cookie, traceparent" } });
    expect([facts.baggage.members.length, facts.cookies.size, facts.traceId]).toEqual([0, 0, null]);
    const kept = factsOf({ headers });
    expect([kept.baggage.members.length, kept.cookies.size, kept.traceId]).toEqual([1, 1, "0af7651916cd43dd8448eb211c80319c"]);
  });
});
