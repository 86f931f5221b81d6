/**
 * Numbers of JSON by the decimal value that they write (RFC 8259, section 6, sets no limit): `1` = `1.0` = `1e0`, and two ids that are one
 * double stay two. Linear in the digits, whatever the exponent is.
 */

/** Doubles tell all decimals of so many digits apart, within the exponents below (IEEE 754: ⌊52 · log10 2⌋ = 15). */
const SAFE_DIGITS = 15;
const SAFE_EXPONENT = 290;
/** An exponent of more digits is not calculated with: such a number equals what is written alike. */
const MAX_EXPONENT_DIGITS = 15;

/** A number that no double stands for alone. */
export class Decimal {
  /** `-1.234e56`: without needless zeros, so that equal values are equal texts. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

const PARTS = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?)(\d+))?$/;

/** `text` as JSON writes numbers. Equal numbers give equal results, be it a double or a `Decimal`. */
export function readDecimal(text: string): number | Decimal {
  // The common case: so few characters write no more digits.
  if (text.length <= SAFE_DIGITS) {
    const value = Number(text);
    const size = Math.abs(value);
    if (size > 1e-290 && size < 1e290) return value;
  }
  const [, sign, whole, fraction = "", exponentSign = "", exponentDigits = "0"] = PARTS.exec(text)!;
  const written = whole! + fraction;
  const first = firstOther(written);
  if (first === written.length) return 0;
  const digits = written.slice(first, endOfDigits(written));
  const exponent = exponentDigits.slice(firstOther(exponentDigits));
  // Not calculated with: `1.5e<400 digits>`.
  if (exponent.length > MAX_EXPONENT_DIGITS)
    return new Decimal(`${sign}${whole}.${fraction}e${exponentSign === "-" ? "-" : ""}${exponent}`);
  const power = Number(`${exponentSign}${exponent || "0"}`) + whole!.length - first - 1;
  if (digits.length <= SAFE_DIGITS && Math.abs(power) <= SAFE_EXPONENT) return Number(`${sign}${digits[0]}.${digits.slice(1)}e${power}`);
  return new Decimal(`${sign}${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ""}e${power}`);
}

/** Where the first digit stands that is no zero. By hand: a pattern for zeros at the end would be quadratic. */
function firstOther(digits: string): number {
  let at = 0;
  while (digits.charCodeAt(at) === 0x30) at++;
  return at;
}

function endOfDigits(digits: string): number {
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === 0x30) end--;
  return end;
}

/** Numbers of more digits than this, aligned, are subtracted as doubles. */
const MAX_ALIGNED = 1_000;

/** Is the distance of two numbers at most `tolerance`? By decimal value, so that 1.1 is within 0.1 of 1. */
export function isWithin(left: number | Decimal, right: number | Decimal, tolerance: number): boolean {
  const parts = [left, right, tolerance].map(scaled);
  const exact = parts.flatMap((part) => part ?? []);
  const lowest = Math.min(...exact.map(({ power }) => power));
  if (exact.length < 3 || exact.some(({ power, size }) => power - lowest + size > MAX_ALIGNED)) {
    return Math.abs(Number(left) - Number(right)) <= tolerance;
  }
  const [one, other, most] = exact.map(({ digits, power }) => digits * 10n ** BigInt(power - lowest)) as [bigint, bigint, bigint];
  const distance = one - other;
  return (distance < 0n ? -distance : distance) <= most;
}

/** `digits · 10^power`; null: no number, or one that is not calculated with. */
function scaled(value: number | Decimal): { readonly digits: bigint; readonly power: number; readonly size: number } | null {
  const parts = PARTS.exec(String(value));
  if (parts === null || (parts[5]?.length ?? 0) > MAX_EXPONENT_DIGITS) return null;
  const [, sign, whole, fraction = "", exponentSign = "", exponentDigits = "0"] = parts;
  const size = whole!.length + fraction.length;
  if (size > MAX_ALIGNED) return null;
  const power = Number(`${exponentSign}${exponentDigits}`) - fraction.length;
  // Zero has any power.
  const digits = BigInt(`${sign}${whole}${fraction}`);
  return { digits, power: digits === 0n ? 0 : power, size };
}
