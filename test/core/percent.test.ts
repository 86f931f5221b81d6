import fc from "fast-check";
import { expect, it } from "vitest";
import { percentDecode } from "../../src/core/percent.ts";

it.each([
  ["a+b%20c", "a+b c"],
  ["%41%4a%4A", "AJJ"],
  ["100%", "100%"],
  ["%G1%4", "%G1%4"],
  ["%%41", "%A"],
  ["%F0%9F%92%BC", "\u{1f4bc}"],
  ["%EF%BB%BFx", "\ufeffx"],
  ["%E2%82x%ff", "\ufffdx\ufffd"],
  ["%C0%80", "\ufffd\ufffd"],
  ["%ED%A0%80", "\ufffd\ufffd\ufffd"],
  ["%F4%90%80%80", "\ufffd\ufffd\ufffd\ufffd"],
  ["%E2%E2%82%AC", "\ufffd€"],
  ["\u00e9%C3\u00a9", "\u00e9\ufffd\u00a9"],
  ["\ud800%41", "\ud800A"],
])("decodes %j to %j", (text, decoded) => {
  expect(percentDecode(text)).toBe(decoded);
});

it("decodes any octets as the Encoding Standard does", () => {
  const edges = fc.constantFrom(
    0x00,
    0x41,
    0x7f,
    0x80,
    0x8f,
    0x90,
    0x9f,
    0xa0,
    0xbf,
    0xc1,
    0xc2,
    0xdf,
    0xe0,
    0xed,
    0xef,
    0xf0,
    0xf4,
    0xf5,
    0xff,
  );
  const octets = fc.array(fc.oneof(edges, fc.integer({ min: 0, max: 255 })), { maxLength: 12 });
  const standard = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  fc.assert(
    fc.property(octets, (bytes) => {
      const text = bytes.map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
      expect(percentDecode(text)).toBe(standard.decode(Uint8Array.from(bytes)));
    }),
    { seed: 20_270_131, numRuns: 10_000 },
  );
});

it("never throws", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.constantFrom("", "%", "%f", "%ff", "%e2%82"), (text, cut) => {
      percentDecode(`%41${text}${cut}`);
    }),
    { seed: 20_270_131, numRuns: 2000 },
  );
});
