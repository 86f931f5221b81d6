import { describe, expect, it } from "vitest";
import { differing, outcomeOf, readRecorded } from "../../src/cli/replay.ts";
import { windowOf } from "../../src/core/context.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";

const NOW = 1_800_000_000;

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

const recorded = (...requests: readonly object[]) => {
  const read = readRecorded(requests.map((request) => JSON.stringify(request)).join("\n"));
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value;
};

const outcome = (request: object, weights: readonly [number, number] = [50, 50]) => outcomeOf(groupOf(weights), recorded(request)[0]!, NOW);

describe("recorded requests", () => {
  it("need a URL only; blank lines count, further keys do not", () => {
    const read = readRecorded('{"url":"https://shop.example/"}\n\n{"url":"https://shop.example/a","method":"POST","status":200}\n');
    expect(read).toMatchObject({
      ok: true,
      value: [
        { line: 1, method: "GET" },
        { line: 3, method: "POST" },
      ],
    });
  });

  it("that are none are all listed, by line", () => {
    const read = readRecorded('{"url":"nowhere"}\nGET /\n{"url":"https://a.example/","slot":10000,"headers":{"a":1}}\n[]');
    expect(read).toMatchObject({
      ok: false,
      error: [
        { path: "line 1, url", message: "expected an absolute URL, such as https://shop.example/cart" },
        { path: "line 2", message: "expected a JSON object on one line" },
        { path: "line 3, headers.a" },
        { path: "line 3, slot" },
        { path: "line 4", message: "expected a JSON object on one line" },
      ],
    });
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
