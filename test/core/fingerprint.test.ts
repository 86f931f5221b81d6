import fc from "fast-check";
import { expect, it } from "vitest";
import { chain, fingerprintBytes, fingerprintText, gather } from "../../src/core/fingerprint.ts";

const LIMIT = 2 ** 52;

it("tells 80,000 neighbouring texts and sequences apart", () => {
  const prints = new Set<number>();
  for (let i = 0; i < 20_000; i++) {
    prints.add(fingerprintText(`item ${i}`)).add(fingerprintText("x".repeat(i & 1023) + i));
    prints.add(chain(fingerprintText("a"), fingerprintText(`${i}`))).add(chain(fingerprintText(`${i}`), fingerprintText("a")));
  }
  expect(prints.size).toBe(80_000);
  expect(Math.max(...[...prints].slice(0, 1000))).toBeLessThan(LIMIT);
});

it("is a whole number below 2^52, alike for alike texts, and for a text of single bytes as for these bytes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii" }), (text) => {
      const print = fingerprintText(text);
      expect(Number.isInteger(print) && print >= 0 && print < LIMIT).toBe(true);
      expect(fingerprintText(`${text} `.slice(0, -1))).toBe(print);
      expect(fingerprintBytes(new TextEncoder().encode(text))).toBe(print);
    }),
    { seed: 4, numRuns: 200 },
  );
});

it("gathers in any order and chains in one", () => {
  const prints = Array.from({ length: 1000 }, (_, i) => fingerprintText(`${i}`));
  expect(prints.reduce(gather)).toBe(prints.toReversed().reduce(gather));
  expect(prints.reduce(chain)).not.toBe(prints.toReversed().reduce(chain));
  expect(gather(LIMIT - 1, LIMIT - 1)).toBe(LIMIT - 2);
});
