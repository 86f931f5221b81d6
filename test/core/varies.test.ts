import { describe, expect, it } from "vitest";
import { groupOf } from "../support/decision.ts";

const [one, two, three] = ["https://one.test", "https://two.test", "https://three.test"];
const rule = (when: object, what: object) => ({ rules: [{ name: "r", when, ...what }] });
const URL_ONLY = {
  path: { prefix: "/" },
  query: { a: "1" },
  host: "shop.example",
  method: "GET",
  any: [{ path: "/" }],
  not: { path: "/y" },
};

/** Of the service `web`; s1 is the baseline. */
const varies = (s2: unknown, weight: number, more: object = {}) =>
  groupOf({
    services: { web: {} },
    lanes: {
      s1: { weight: 1, origins: { web: one } },
      s2: { weight, origins: s2 === null ? {} : { web: s2 } },
      s3: { origins: { web: three } },
    },
    ...more,
  }).services.get("web")!.varies;

describe("answers under one URL", () => {
  it.each<[string, unknown, number, object]>([
    ["two origins with weight", two, 1, {}],
    ["two paths", `${one}/v2`, 1, {}],
    ["a prefix that one strips", { url: one, strip: "/api" }, 1, {}],
    ["headers that the origin gets", { url: one, headers: { "x-env": "s2" } }, 1, {}],
    ["a binding", { binding: "WEB" }, 1, {}],
    ["a fallback lane of its own", null, 1, { services: { web: { fallback: "s3" } } }],
    ["a rule by cookie", two, 0, rule({ cookie: { beta: "1" } }, { lane: "s2" })],
    ["a rule by header", two, 0, rule({ any: [{ path: "/" }, { header: { "x-a": { exists: true } } }] }, { lane: "s2" })],
    ["a rule without a member", two, 0, rule({ not: { baggage: { pr: "1" } } }, { lane: "s2" })],
    ["a rule's weights", two, 0, rule({ path: "/" }, { weights: { s1: 1, s2: 1 } })],
    [
      "a rule's weights where nobody enters",
      two,
      0,
      { services: { web: { entry: false } }, ...rule({ path: "/" }, { weights: { s2: 1 } }) },
    ],
    ["a lane that anybody may name", two, 0, { context: "open" }],
    [
      "what a rule by cookie leaves to one by path",
      two,
      0,
      {
        rules: [
          { name: "a", when: { cookie: { a: "1" } }, lane: "s1" },
          { name: "b", when: { path: "/b" }, lane: "s2" },
        ],
      },
    ],
  ])("vary by %s", (_, s2, weight, more) => expect(varies(s2, weight, more)).toBe(true));

  it.each<[string, unknown, number, object]>([
    ["a lane has no weight", two, 0, {}],
    ["a lane has the baseline's origin", one, 1, {}],
    ["a lane has none, and falls back", null, 1, {}],
    ["all weight is the baseline's, and a lane is a matter of the URL", two, 0, rule(URL_ONLY, { lane: "s2" })],
    ["nobody enters", two, 1, { services: { web: { entry: false } } }],
  ])("do not where %s", (_, s2, weight, more) => expect(varies(s2, weight, more)).toBe(false));
});
