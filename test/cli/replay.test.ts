import { describe, expect, it } from "vitest";
import { readDescribed } from "../../src/admin/explain.ts";
import { readHar, readLine } from "../../src/cli/recordings.ts";
import { differing, outcomeOf } from "../../src/cli/replay.ts";
import { windowOf } from "../../src/core/context.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";

const NOW = 1_800_000_000;
const URL_RULE = "an absolute URL of http or https, such as https://shop.example/cart";
const ID_RULE = "32 hexadecimal digits in lower case";

const file = (weights: readonly [number, number]) => ({
  schema: 1,
  name: "shop",
  hosts: ["shop.example"],
  baseline: "stable",
  services: { web: {}, api: { path: "/api" } },
  lanes: {
    stable: { weight: weights[0], origins: { web: "https://web.stable.example", api: "https://api.stable.example" } },
    next: { weight: weights[1], origins: { web: "https://web.next.example" } },
  },
  rules: [{ name: "try", when: { baggage: { try: "next" } }, lane: "next" }],
});

const groupOf = (weights: readonly [number, number]) => {
  const parsed = parseLaneGroup(file(weights), { insecureOrigins: false });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value.group;
};

const recorded = (...requests: readonly object[]) =>
  requests.map((request, at) => {
    const read = readLine(JSON.stringify(request), at + 1);
    if (!("request" in read)) throw new Error(JSON.stringify(read));
    return read.request;
  });

const outcome = (request: object, weights: readonly [number, number] = [50, 50]) => outcomeOf(groupOf(weights), recorded(request)[0]!, NOW);

describe("recorded requests", () => {
  it("need a URL only; further keys do not count", () => {
    expect(readLine('{"url":"https://shop.example/"}', 1)).toMatchObject({ request: { line: 1, method: "GET" } });
    expect(readLine('{"url":"https://shop.example/a","method":"POST","status":200}', 3)).toMatchObject({
      request: { line: 3, method: "POST" },
    });
  });

  it.each([
    ['{"url":"nowhere"}', [{ path: "line 7, url", message: `expected ${URL_RULE}, got "nowhere"` }]],
    ["GET /", [{ path: "line 7", message: expect.stringMatching(/^expected a JSON object on one line: a request, a line of/) }]],
    ['{"url":"https://a.example/","slot":10000,"headers":{"a":1}}', [{ path: "line 7, headers.a" }, { path: "line 7, slot" }]],
    ["[]", [{ path: "line 7" }]],
    ["null", [{ path: "line 7" }]],
    ['{"ClientRequestHost":"shop.example","ClientRequestURI":"/","ClientRequestMethod":5}', [{ path: "line 7, method" }]],
    ['{"host":"shop.example","path":5,"reason":"weight","method":5}', [{ path: "line 7, method" }]],
  ])("that are none are named by line and key: %s", (line, problems) => {
    expect(readLine(line, 7)).toMatchObject({ problems });
  });

  it.each<[object, string]>([
    [{ requestId: "7" }, `requestId: expected ${ID_RULE}, got "7"`],
    [{ requestId: "0AF7651916CD43DD8448EB211C80319C" }, `requestId: expected ${ID_RULE}, got "0AF7651916CD43DD8448EB211C80319C"`],
    [{ requestId: "" }, `requestId: expected ${ID_RULE}, got ""`],
    [{ requestId: 7 }, `requestId: expected ${ID_RULE}, got 7`],
    [{ ip: "a\nb" }, 'ip: expected an IPv4 or IPv6 address, got "a\\nb"'],
    [{ method: "GET /" }, 'method: expected an HTTP method, got "GET /"'],
    [{ now: 1e15 }, "now: expected a whole number of seconds since 1970 from 0 to 253402300799, got 1000000000000000"],
    [{ url: "https://shop.example/ a" }, `url: expected ${URL_RULE}, got "https://shop.example/ a"`],
    [{ headers: { "a b": "1" } }, `headers["a b"]: expected the key to be a header's name, got "a b"`],
    [{ headers: { a: ["1", "b\r\nc: d"] } }, 'headers.a[1]: expected a text without line breaks and control characters, got "b\\r\\nc: d"'],
  ])("fault A17: are judged as explain judges a request: %j", (wrong, message) => {
    const request = { url: "https://shop.example/", ...wrong };
    const here = readLine(JSON.stringify(request), 7);
    const there = readDescribed(request);
    if (there.ok || !("problems" in here)) throw new Error("accepted");
    expect(here.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([`line 7, ${message}`]);
    expect(there.error.map(({ path, message }) => `${path}: ${message}`)).toEqual([message]);
  });

  it("fault A17: of the access log say which id is none", () => {
    const line = { host: "shop.example", path: "/", method: "GET", reason: "weight", group: "shop", traceId: "none" };
    expect(readLine(JSON.stringify(line), 7)).toEqual({
      problems: [{ path: "line 7, requestId", message: `expected ${ID_RULE}, got "none"` }],
    });
  });

  it("fault D9: may be lines of Cloudflare's Logpush, with the headers and cookies that were chosen for it", () => {
    const line = {
      ClientIP: "192.0.2.7",
      ClientRequestHost: "shop.example",
      ClientRequestMethod: "POST",
      ClientRequestURI: "/cart?item=1",
      ClientRequestScheme: "http",
      ClientRequestUserAgent: "curl/8",
      ClientRequestReferer: "",
      EdgeStartTimestamp: "2026-11-29T00:00:00Z",
      RequestHeaders: { Baggage: "try=next" },
      Cookies: { plan: "pro", lane: "x" },
      EdgeResponseStatus: 200,
    };
    const read = recorded(line)[0]!;
    expect(read).toMatchObject({ method: "POST", url: "http://shop.example/cart?item=1", ip: "192.0.2.7", now: 1_795_910_400 });
    expect([...(read.lookup as Map<string, string>)]).toEqual([
      ["user-agent", "curl/8"],
      ["baggage", "try=next"],
      ["cookie", "plan=pro; lane=x"],
    ]);
    for (const EdgeStartTimestamp of [1_795_910_400, 1_795_910_400_123_456_000])
      expect(recorded({ ...line, EdgeStartTimestamp })[0]!.now).toBe(1_795_910_400);
    expect(recorded({ ClientRequestHost: "shop.example", ClientRequestPath: "/a" })[0]!.url).toBe("https://shop.example/a");
  });

  it("fault D9: may be lines of our own access log: the same slot is drawn, a context is believed, copies are left out", () => {
    const line = {
      time: "2026-11-29T00:00:00.000Z",
      group: "shop",
      revision: "2",
      host: "shop.example",
      method: "GET",
      path: "/a",
      service: "web",
      lane: "next",
      reason: "context",
      mirror: null,
      traceId: "0af7651916cd43dd8448eb211c80319c",
      baggage: { try: "n e" },
    };
    const [read] = recorded(line);
    expect(read).toMatchObject({ url: "https://shop.example/a", now: 1_795_910_400, requestId: line.traceId });
    expect(outcomeOf(groupOf([100, 0]), read!, NOW)).toMatchObject({ lane: "next", reason: "context" });
    expect(recorded({ ...line, reason: "weight" })[0]!.lookup.get("baggage")).toBe("try=n%20e");
    expect(readLine(JSON.stringify({ ...line, mirror: "shop/dark" }), 1)).toEqual({ skipped: "copies" });
    expect(readLine(JSON.stringify({ ...line, group: null }), 1)).toEqual({ skipped: "requests of no group" });
  });

  it("fault D9: may be a HAR, whose entries that are no http requests are left out", () => {
    const entry = (url: string, headers: object[] = []) => ({
      startedDateTime: "2026-11-29T01:00:00.000+01:00",
      request: { method: "GET", url, headers },
    });
    const headers = [
      { name: ":authority", value: "shop.example" },
      { name: "Cookie", value: "a=1" },
      { name: "cookie", value: "b=2" },
      { name: "baggage", value: "try=next" },
    ];
    const har = {
      log: { version: "1.2", entries: [entry("https://shop.example/a", headers), entry("data:text/plain,x"), entry("nowhere:")] },
    };
    const [first, ...others] = [...readHar(`\ufeff${JSON.stringify(har, null, 2)}`)];
    expect(first).toMatchObject({ request: { line: 1, url: "https://shop.example/a", now: 1_795_910_400 } });
    expect([...((first as { request: { lookup: unknown } }).request.lookup as Map<string, string>)]).toEqual([
      ["cookie", "a=1; b=2"],
      ["baggage", "try=next"],
    ]);
    expect(others).toEqual(Array(2).fill({ skipped: "entries that are no http requests" }));
    expect([...readHar('{"log":{"entries":[{"request":{}}]}}')]).toMatchObject([{ problems: [{ path: "log.entries[0], url" }] }]);
    expect([...readHar('{"log":{"entries":[')]).toMatchObject([
      { problems: [{ message: expect.stringMatching(/^not JSON, so no HAR: /) }] },
    ]);
    expect([...readHar('{"log":{}}')]).toMatchObject([{ problems: [{ path: "log.entries" }] }]);
  });

  it("without a slot draw the same one each time, and each its own", () => {
    const [first, same, other] = [{ url: "https://shop.example/a" }, { url: "https://shop.example/a" }, { url: "https://shop.example/b" }];
    expect(recorded(first)[0]!.requestId).toBe(recorded(same)[0]!.requestId);
    expect(recorded(first)[0]!.requestId).not.toBe(recorded(other)[0]!.requestId);
    expect(recorded(first)[0]!.requestId).toMatch(/^[\da-f]{32}$/);
  });
});

describe("the outcome of a recorded request", () => {
  it("is lane, service, origin and who serves", () => {
    expect(outcome({ url: "https://shop.example/a?b", slot: 0 })).toEqual({
      service: "web",
      lane: "next",
      reason: "weight",
      origin: "https://web.next.example/a?b",
      servedBy: "next",
    });
  });

  it("names the baseline's origin where the lane lacks the service", () => {
    const request = { url: "https://shop.example/api/x", headers: { Baggage: ["a=1", "try=next"] } };
    expect(outcome(request)).toMatchObject({
      lane: "next",
      reason: "rule:try",
      origin: "https://api.stable.example/api/x",
      servedBy: "stable",
    });
  });

  it("believes a recorded context, whose signature is gone, at the time of the recording", () => {
    const context = `laneway.shop=1~shop~next~1~${windowOf(NOW)}~~~…`;
    const request = { url: "https://shop.example/", headers: { baggage: context }, slot: 9999 };
    expect(outcome({ ...request, now: NOW })).toMatchObject({ lane: "next", reason: "context" });
    expect(outcome({ ...request, now: NOW + 3600 })).toMatchObject({ lane: "stable", reason: "weight" });
  });

  it("is nobody's for another host", () => {
    expect(outcome({ url: "https://else.example/" })).toEqual({
      service: null,
      lane: null,
      reason: "no-group",
      origin: null,
      servedBy: null,
    });
  });

  it("differs where lane, service or origin do, and not where only the reason does", () => {
    const [before, after] = [
      outcome({ url: "https://shop.example/", slot: 4000 }, [50, 50]),
      outcome({ url: "https://shop.example/", slot: 4000 }, [90, 10]),
    ];
    expect([before.lane, after.lane]).toEqual(["next", "stable"]);
    expect(differing(before, after)).toEqual(["lane", "origin"]);
    expect(differing(before, { ...before, reason: "sticky" })).toEqual([]);
    expect(differing(before, { ...before, service: "api" })).toEqual(["service"]);
  });
});
