import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Context, isCurrent, readContext, windowOf, writeContext } from "../../src/core/context.ts";
import { contextText, NOW, signer, signerWith } from "../support/decision.ts";

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/);
const groupName = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,39}$/);
const context: fc.Arbitrary<Context> = fc.record({
  group: groupName,
  lane: name,
  hop: fc.integer({ min: 1, max: 99 }),
  window: fc.integer({ min: 0, max: 9_999_999 }),
  mirror: fc.option(fc.tuple(groupName, name).map((parts) => parts.join("/"))),
});

describe("a context", () => {
  it("reads as it was written, in unreserved characters", () => {
    const property = fc.property(context, (made) => {
      const text = writeContext(made, signer);
      expect(text).toMatch(/^[A-Za-z0-9._~-]{1,320}$/);
      expect(readContext(text, signer)).toEqual(made);
    });
    fc.assert(property, { seed: 4, numRuns: 1_000 });
  });

  it("fault 13: with one bit flipped, cut short or put together anew says nothing", () => {
    const flips = Array.from(contextText("s2"), (_, at) => [0, 1, 2, 3, 4, 5, 6].map((bit) => ({ at, bit }))).flat();
    const text = contextText("s2");
    for (const { at, bit } of flips) {
      const flipped = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)) + text.slice(at + 1);
      expect([flipped, readContext(flipped, signer)]).toEqual([flipped, null]);
    }
    for (let length = 0; length < text.length; length++) expect(readContext(text.slice(0, length), signer)).toBeNull();
    const other = contextText("s3");
    expect(readContext(text.slice(0, text.lastIndexOf("~")) + other.slice(other.lastIndexOf("~")), signer)).toBeNull();
    expect(readContext(`${text}~`, signer)).toBeNull();
    expect(readContext(text.replace("1~shop~s2~", "1~shop~s~2"), signer)).toBeNull();
  });

  it("fault 15: of another secret says nothing", () => {
    expect(readContext(contextText("s2", { by: signerWith("another") }), signer)).toBeNull();
  });

  it("holds in its window, the one before and the one after", () => {
    const at = (windows: number) => isCurrent(readContext(contextText("s2", { windows }), signer)!, NOW);
    expect([-2, -1, 0, 1, 2].map(at)).toEqual([false, true, true, true, false]);
    expect(windowOf(NOW + 299)).toBe(windowOf(NOW));
    expect(windowOf(NOW + 300)).toBe(windowOf(NOW) + 1);
  });
});
