import { describe, expect, it } from "vitest";
import { actor, oneLine, stranger } from "../../src/admin/actor.ts";
import { Attempts } from "../../src/admin/attempts.ts";
import { pageAfterLogin } from "../../src/admin/session.ts";

const from = (address: string | null, headers: Readonly<Record<string, string>> = {}) =>
  new Request("https://lanes.example/", { headers: { ...headers, ...(address !== null && { "cf-connecting-ip": address }) } });

describe("attempts", () => {
  it("are ten at once for each client, then one in six seconds", () => {
    const attempts = new Attempts();
    const taken = (address: string, now: number) =>
      Array.from({ length: 30 }, () => attempts.take(from(address), now)).filter(Boolean).length;
    expect([taken("192.0.2.1", 1_000_000), taken("192.0.2.1", 1_012_000), taken("192.0.2.2", 1_012_000)]).toEqual([10, 2, 10]);
  });

  it("are remembered of so many networks, whatever clients call themselves", () => {
    const attempts = new Attempts();
    for (let i = 0; i < 5_000; i++) attempts.take(from(`2001:db8:${(i % 5_000).toString(16)}::1`), 1_000_000);
    expect(attempts.size).toBe(1_000);
    for (let i = 0; i < 30; i++) attempts.take(from(null), 1_000_000);
    expect([attempts.size, attempts.take(from(null, { "x-forwarded-for": "192.0.2.9" }), 1_000_000)]).toEqual([1_000, false]);
  });
});

describe("a name in a sentence", () => {
  const named = (name: string | null, claimed = "") =>
    actor({ request: from(null, { "x-actor": encodeURIComponent(claimed) }), caller: { scope: "write", name, by: "api" } });

  it.each([
    ["ann", "ann"],
    ["ann@example.com", "ann@example.com"],
    ["Zoë O'Neil (ops)", "Zoë O'Neil (ops)"],
    ["李雷", "李雷"],
    ["", "api"],
    ["KV", '"KV"'],
    ["rollout", '"rollout"'],
    ["ann: all is well", '"ann: all is well"'],
    ['a" at 10.0.0.1, "b', '"a\\" at 10.0.0.1, \\"b"'],
    ["a\u2028b\r\nc\u202ed", "a b c d"],
    ["-", '"-"'],
  ])("%j is %s", (claimed, written) => {
    expect(named(null, claimed)).toBe(written);
    if (claimed !== "") expect(named(oneLine(claimed))).toBe(written);
  });

  it("of a stranger is always quoted, and comes before the address that the platform saw", () => {
    expect(stranger(from("192.0.2.1", { "x-actor": "ann at 10.0.0.1" }))).toBe('"ann at 10.0.0.1" at 192.0.2.1');
    expect(stranger(from(null, { "x-actor": "%0A" }))).toBe("somebody at an unknown address");
    expect(stranger(from("192.0.2.1", { "x-actor": "x".repeat(9_999) })).length).toBeLessThan(250);
  });
});

describe("a log-in", () => {
  it.each([
    ["/__lanes/g/shop?before=3", "/__lanes/g/shop?before=3"],
    [null, "/__lanes/"],
    ["", "/__lanes/"],
    ["/", "/__lanes/"],
    ["//evil.example/__lanes/", "/__lanes/"],
    ["/\\evil.example", "/__lanes/"],
    ["https://evil.example/__lanes/", "/__lanes/"],
    ["/__lanes/../../evil", "/__lanes/"],
    ["/__lanes/..//evil.example/", "/__lanes/"],
    ["/__lanes/\t//evil.example/", "/__lanes///evil.example/"],
    ["/__lanes/login?to=x", "/__lanes/"],
    ["/__lanes/logout", "/__lanes/"],
    ["/__lanes/api/groups", "/__lanes/"],
  ])("that was asked to lead to %j leads to %s", (to, page) => {
    expect(pageAfterLogin(to, new URL("https://lanes.example/__lanes/login"))).toBe(page);
  });
});
