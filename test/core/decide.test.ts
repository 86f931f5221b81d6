import { describe, expect, it } from "vitest";
import type { Signer } from "../../src/core/context.ts";
import { decide } from "../../src/core/decide.ts";
import { type Asking, contextText, factsOf, groupOf, signer, signerWith } from "../support/decision.ts";

const group = groupOf({
  lanes: {
    s1: { weight: 1, origins: { web: "https://one.test", api: "https://api-one.test" } },
    s2: { origins: { web: "https://two.test" } },
  },
});
const decided = (headers: Asking["headers"], by: Signer | null = signer, override: string | null = null) =>
  decide(group, factsOf({ headers: headers ?? {} }), { override, signer: by })!;
const lane = (headers: Asking["headers"]) => decided(headers).lane;

describe("the context of a request", () => {
  it("is the member of the group at hand, else the header", () => {
    expect(lane({ baggage: `a=1,laneway.shop=${contextText("s2")}` })).toBe("s2");
    expect(lane({ baggage: "laneway.shop=forged", "x-lane-context": contextText("s2") })).toBe("s2");
    expect(lane({ baggage: `laneway.shop=${contextText("s1")}`, "x-lane-context": contextText("s2") })).toBe("s1");
  });

  it("fault 15: is none if it is another group's, stands under another key, or is signed by another secret", () => {
    expect(decided({ baggage: `laneway.shop=${contextText("s2", { group: "other" })}` }).context).toBeNull();
    expect(decided({ baggage: `laneway.other=${contextText("s2")}` }).context).toBeNull();
    expect(decided({ baggage: `%6Caneway.shop=${contextText("s2")}` }).context).toBeNull();
    expect(decided({ baggage: `laneway.shop=${contextText("s2", { by: signerWith("x") })}` }).context).toBeNull();
    expect(decided({ baggage: `a=1;laneway.shop=${contextText("s2")}` }).context).toBeNull();
  });

  it("fault 13: is none before the window before and after the window after", () => {
    expect([-2, -1, 0, 1, 2].map((windows) => lane({ baggage: `laneway.shop=${contextText("s2", { windows })}` }))).toEqual([
      "s1",
      "s2",
      "s2",
      "s2",
      "s1",
    ]);
  });

  it("is none without a secret, and then the group stays on its baseline", () => {
    expect(decided({ baggage: `laneway.shop=${contextText("s2")}` }, null)).toMatchObject({
      lane: "s1",
      reason: "no-secret",
      context: null,
      copy: null,
    });
  });
});

describe("the mark of a copy", () => {
  const mark = { mirror: "shop/next" };

  it("is honoured in any group's member, of whatever age, and when the group is off", () => {
    for (const text of [
      contextText("s2", mark),
      contextText("s2", { ...mark, windows: -9_999 }),
      contextText("x", { ...mark, group: "other" }),
    ]) {
      for (const key of ["laneway.shop", "laneway.other"]) expect(decided({ baggage: `${key}=${text}` }).copy).toBe("shop/next");
      expect(decided({ "x-lane-context": text }, signer, "off")).toMatchObject({ copy: "shop/next", reason: "off" });
    }
    const old = decided({ baggage: `laneway.shop=${contextText("s2", { ...mark, windows: -9_999 })}` });
    expect(old).toMatchObject({ lane: "s1", context: null });
  });

  it("is none unless it is signed", () => {
    expect(
      decided({ "x-lane-mirror": "shop/next", baggage: `laneway.shop=${contextText("s2", { ...mark, by: signerWith("x") })}` }).copy,
    ).toBeNull();
  });
});

describe("contexts without end", () => {
  const signature = "A".repeat(43);
  it.each([
    [
      "one check of a signature each, however often they stand there",
      (i: number) => `laneway.g${i % 50}=1~g~l~1~${i % 50}~~~${signature}`,
      51,
    ],
    ["nothing where they have not the form of one", (i: number) => `laneway.g${i}=1~g~l~1~1~~~x`, 1],
  ])("fault 2: cost %s", (_, member, expected) => {
    let checks = 0;
    const counting: Signer = { ...signer, verify: (...given) => (++checks, signer.verify(...given)) };
    const baggage = Array.from({ length: 150 }, (__, i) => member(i)).join(",");
    decided({ baggage, "x-lane-context": contextText("s2") }, counting);
    expect(checks).toBe(expected);
  });
});
