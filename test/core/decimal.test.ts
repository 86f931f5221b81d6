import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Decimal, isWithin, readDecimal } from "../../src/core/decimal.ts";

const text = (written: string): string => {
  const value = readDecimal(written);
  return value instanceof Decimal ? value.text : `double ${value}`;
};

/** `digits · 10^power`, written in ways of its own choice. */
const spelled = fc
  .record({
    negative: fc.boolean(),
    digits: fc.bigInt({ min: 0n, max: 10n ** 25n }),
    power: fc.integer({ min: -420, max: 420 }),
    zeros: fc.nat(4),
    point: fc.nat(30),
    plus: fc.boolean(),
  })
  .map((one) => {
    const all = `${one.digits}${"0".repeat(one.zeros)}`;
    const behind = Math.min(one.point, all.length - 1);
    const mantissa = behind === 0 ? all : `${all.slice(0, -behind)}.${all.slice(-behind)}`;
    const exponent = one.power - one.zeros + behind;
    const written = `${one.negative ? "-" : ""}${mantissa}${exponent === 0 ? "" : `${one.plus ? "E" : "e"}${one.plus && exponent > 0 ? "+" : ""}${exponent}`}`;
    return { written, digits: one.negative ? -one.digits : one.digits, power: one.power };
  });
type Spelled = { readonly digits: bigint; readonly power: number };
const scaled = ({ digits, power }: Spelled): bigint => digits * 10n ** BigInt(power + 420);
const same = (left: Spelled, right: Spelled): boolean => scaled(left) === scaled(right);

describe("a number as it is written", () => {
  it("is equal to all that write the same value, and to no other", () => {
    fc.assert(
      fc.property(spelled, spelled, (left, right) => {
        expect(text(left.written) === text(right.written), `${left.written} ${right.written}`).toBe(same(left, right));
      }),
      { seed: 3, numRuns: 3_000 },
    );
    fc.assert(
      fc.property(spelled, fc.nat(6), (one, zeros) => {
        // The same with more zeros at its end.
        const power = one.power - zeros;
        const other = `${one.digits}${"0".repeat(zeros)}e${power}`;
        expect(text(other), `${one.written} ${other}`).toBe(text(one.written));
      }),
      { seed: 3, numRuns: 3_000 },
    );
  });

  it.each([
    ["1", "1.0"],
    ["1", "1e0"],
    ["1", "10E-1"],
    ["0", "-0"],
    ["0", "0e999999999999999999999"],
    ["100", "1e+2"],
    ["100000000000000000000", "1e20"],
    ["12345678901234567890", "1.234567890123456789e19"],
    ["1e400", "10.0e399"],
    ["1e000400", "1e400"],
  ])("is one value: %s = %s", (left, right) => {
    expect(text(left)).toBe(text(right));
  });

  it.each([
    ["1.000000000000000001", "1.000000000000000002"],
    ["12345678901234567.89", "12345678901234567.88"],
    ["9007199254740993", "9007199254740992.0"],
    ["1e400", "2e400"],
    ["1e400", "-1e400"],
    ["1e-400", "0"],
    ["5e-324", "4e-324"],
    ["1e999999999", "1e999999998"],
    ["1e99999999999999999999", "1e99999999999999999998"],
    ["0.1", "0.1000000000000000055"],
  ])("is another value: %s ≠ %s", (left, right) => {
    expect(text(left)).not.toBe(text(right));
  });

  it("is read in no more than its length, whatever it is", () => {
    const started = performance.now();
    for (const hostile of [
      `1e${"9".repeat(500_000)}`,
      `${"0".repeat(250_000)}1${"0".repeat(250_000)}`,
      `1.${"0".repeat(250_000)}1${"0".repeat(250_000)}`,
      "9".repeat(500_000),
    ])
      readDecimal(hostile);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe("a tolerance", () => {
  it.each([
    ["1.1", "1", 0.1, true],
    ["0.3", "0.1", 0.2, true],
    ["1.1000000000000000001", "1", 0.1, false],
    ["12345678901234567.89", "12345678901234567.88", 0.01, true],
    ["12345678901234567.89", "12345678901234567.88", 0.001, false],
    ["1e400", "1e400", 1, true],
    ["1e400", "2e400", 1e300, false],
    ["1e999999999", "1e999999998", 1, false],
    ["-1", "1", 2, true],
    ["0", "1e-9", 1e-9, true],
  ])("of %s and %s by %d: %s", (left, right, tolerance, expected) => {
    expect(isWithin(readDecimal(left), readDecimal(right), tolerance)).toBe(expected);
    expect(isWithin(readDecimal(right), readDecimal(left), tolerance)).toBe(expected);
  });
});
