import { describe, expect, it } from "vitest";
import type { Decision } from "../../src/core/decide.ts";
import { readFacts } from "../../src/core/facts.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";
import { effectOf, readingOf } from "../../src/core/reads.ts";
import { collaborate } from "../../src/core/stub.ts";

const MODES = ["block", "stub", "synthetic", "send"] as const;

/** What a copy does at the payment service of a lane. */
function does(
  at: { mirrored: string; writes?: string; synthetic?: boolean; lane?: string; copy?: string },
  method: string,
  path = "/charge",
): string {
  const url = (name: string) => ({ url: `https://${name}.example`, ...(at.synthetic && { synthetic: true }) });
  const file = {
    schema: 1,
    name: "shop",
    hosts: ["*"],
    baseline: "s1",
    services: { pay: { mirrored: at.mirrored } },
    lanes: { s1: { weight: 1, origins: { pay: url("live") } }, dark: { origins: { pay: url("dark") } } },
    mirrors: [{ name: "m", lane: "dark", percent: 100, writes: at.writes ?? "block" }],
    stubs: [
      { service: "pay", when: { method: "POST", path: { prefix: "/charge" } }, response: { status: 201, json: { id: "stubbed" } } },
      { service: "pay", when: { method: "GET", path: "/limits" }, response: { json: [] } },
    ],
  };
  const parsed = parseLaneGroup(file, { insecureOrigins: false });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const { group } = parsed.value;
  const facts = readFacts({ method, url: `http://a${path}`, headers: new Map(), ip: null, now: 0, requestId: "", slot: null });
  const lane = at.lane ?? "s1";
  const decision: Decision = {
    group,
    service: group.services.get("pay")!,
    lane,
    reason: "context",
    visitor: null,
    context: null,
    copy: at.copy ?? "shop/m",
    refused: null,
  };
  const { reads } = readingOf(facts, effectOf(facts, null), null);
  const found = collaborate(decision, facts, { lane, origin: group.lanes.get(lane)!.origins.get("pay")! }, reads);
  if (found.kind === "stub") return `stub ${found.stub.response.body}`;
  return found.kind === "send" && found.synthetic ? "synthetic" : found.kind;
}

describe("a copy at a collaborator", () => {
  it("writes as the service says", () => {
    expect(MODES.map((mirrored) => does({ mirrored }, "POST"))).toEqual(["blocked", 'stub {"id":"stubbed"}', "blocked", "send"]);
  });

  it("reads, whatever the service says", () => {
    expect(MODES.map((mirrored) => does({ mirrored }, "GET"))).toEqual(["send", "send", "send", "send"]);
  });

  it("is answered by a stub where the service is stubbed, a read too, and by none elsewhere", () => {
    expect(MODES.map((mirrored) => does({ mirrored }, "GET", "/limits"))).toEqual(["send", "stub []", "send", "send"]);
    expect(does({ mirrored: "stub" }, "HEAD", "/limits")).toBe("send");
  });

  it("is refused a write that no stub matches", () => {
    for (const [method, path] of [
      ["POST", "/refund"],
      ["PUT", "/charge"],
      ["DELETE", "/charge/1"],
    ] as const)
      expect(does({ mirrored: "stub" }, method, path)).toBe("blocked");
  });

  it("writes as synthetic only where the origin promises to roll back", () => {
    expect(does({ mirrored: "synthetic", synthetic: true }, "POST")).toBe("synthetic");
    expect(does({ mirrored: "synthetic", synthetic: true }, "GET")).toBe("send");
    expect(does({ mirrored: "synthetic", synthetic: false }, "POST")).toBe("blocked");
    expect(does({ mirrored: "send", synthetic: true }, "POST")).toBe("send");
  });

  it("follows the mirror's own writes at an origin of the mirror's lane, and nobody else's there", () => {
    const dark = (writes: string, synthetic = false) => does({ mirrored: "stub", writes, lane: "dark", synthetic }, "POST");
    expect([dark("block"), dark("send"), dark("synthetic"), dark("synthetic", true)]).toEqual(["blocked", "send", "blocked", "synthetic"]);
    expect(does({ mirrored: "block", writes: "send", lane: "s1" }, "POST")).toBe("blocked");
    expect(does({ mirrored: "block", writes: "send", lane: "dark", copy: "other/m" }, "POST")).toBe("blocked");
    expect(does({ mirrored: "block", writes: "send", lane: "dark", copy: "shop/gone" }, "POST")).toBe("blocked");
  });
});
