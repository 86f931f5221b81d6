import { describe, expect, it } from "vitest";
import { whyVisitor } from "../../src/core/why-visitor.ts";
import { type Asking, contextText, decisionOf, factsOf, groupOf } from "../support/decision.ts";

const why = (sticky: object, asking: Asking = {}, override: string | null = null) =>
  whyVisitor(decisionOf(groupOf({ sticky }), asking, override), factsOf(asking));

describe("where a visitor's slot came from", () => {
  it.each<[string, object, Asking, string | null]>([
    ["a cookie", {}, { headers: { cookie: "__Host-lane-shop=1.1.5" } }, "came with its cookie"],
    ["a draw", {}, {}, "new, and drawn now"],
    [
      "a script's request",
      {},
      { headers: { "sec-fetch-dest": "empty" } },
      "new: in a lane from the next request on, if the client keeps the cookie",
    ],
    [
      "another site's frame",
      {},
      { headers: { "sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site" } },
      "none: without a cookie, and a request with Sec-Fetch-Dest: iframe, Sec-Fetch-Site: cross-site makes no visitor",
    ],
    [
      "a preflight",
      {},
      { method: "OPTIONS", headers: { "access-control-request-method": "PUT" } },
      "none: without a cookie, and a preflight or a page's WebSocket makes no visitor",
    ],
    ["none kept", { by: "none" }, {}, "drawn for each request"],
    ["an address", { by: "ip" }, {}, "of the client's address"],
    ["no address", { by: "ip" }, { ip: null }, "none: the client's address is absent or empty"],
    ["a header", { by: { header: "X-User" } }, { headers: { "x-user": "ann" } }, "of header x-user"],
    ["an empty cookie", { by: { cookie: "uid" } }, { headers: { cookie: "uid=" } }, "none: cookie uid is absent or empty"],
    ["a context, which needs none", {}, { headers: { "x-lane-context": contextText("s2") } }, null],
    ["a service where nobody enters", {}, { url: "https://api.shop.example/" }, 'none: api gives nobody a lane ("entry": false)'],
  ])("is told for %s", (_, sticky, asking, text) => expect(why(sticky, asking)).toBe(text));

  it("is told for a rule's weights, and not for its one lane", () => {
    const rules = [
      { name: "half", when: { path: "/half" }, weights: { s1: 1, s2: 1 } },
      { name: "one", when: { path: "/one" }, lane: "s2" },
    ];
    const asked = (path: string) => ({ url: `https://shop.example${path}` });
    const of = groupOf({ rules });
    expect(["/half", "/one"].map((path) => whyVisitor(decisionOf(of, asked(path)), factsOf(asked(path))))).toEqual([
      "new, and drawn now",
      null,
    ]);
  });

  it("is not told where everybody has the baseline", () => {
    expect([why({}, {}, "off"), why({}, {}, "baseline")]).toEqual([null, null]);
  });
});
