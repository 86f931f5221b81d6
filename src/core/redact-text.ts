/** A text as it may be kept: what looks like a secret, or stands where one does, becomes `…` (contract section 7). */
import { withoutSignatures } from "./context.ts";
import { type Range, secretRanges } from "./redact-context.ts";

export const HIDDEN = "…";

/** Texts that look like secrets wherever they stand, with what is kept of them. All linear, or bounded by their counts. */
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g, HIDDEN],
  [/\/\/[^/\s@:]{1,64}:[^/\s@]{1,64}@/g, `//${HIDDEN}@`],
  [/\beyJ[\w-]{4,}\.[\w-]{4,}(?:\.[\w-]*){0,3}/g, HIDDEN],
  [/\b(bearer|basic|digest|negotiate)\s+[\w.~+/=-]{6,}/gi, `$1 ${HIDDEN}`],
  [
    /\b(?:[srp]k_(?:live|test)_\w{8,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abeoprs]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,}|sk-[\w-]{20,})/g,
    HIDDEN,
  ],
  [/[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g, HIDDEN],
  [/\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,4})?\b/g, HIDDEN],
];
/** Payment cards (ISO/IEC 7812): 13 to 19 digits, grouped or not, with a right check digit. */
const CARD = /\b\d(?:[ -]?\d){12,18}\b/g;

/** As much of a text as may be kept before it is cut. */
const MAX_READ = 4096;

/** @param names more names that are secret, by `plainName` */
export function redactText(text: string, names: ReadonlySet<string>): string {
  let kept = withoutSignatures(text.length > MAX_READ ? withoutEnd(text.slice(0, MAX_READ)) : text);
  kept = withoutRanges(kept, secretRanges(kept, names));
  for (const [pattern, replacement] of SECRET_TEXTS) kept = kept.replace(pattern, replacement);
  return kept.replace(CARD, (digits) => (isLuhn(digits) ? HIDDEN : digits));
}

function withoutRanges(text: string, ranges: readonly Range[]): string {
  let kept = "";
  let at = 0;
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    if (end <= at || end <= start) continue;
    kept += start >= at ? text.slice(at, start) + HIDDEN : "";
    at = end;
  }
  return kept + text.slice(at);
}

/** A secret across the cut would not be known by its first half: what could be the beginning of one goes, too. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && !/\s/.test(text[end - 1]!)) end--;
  while (end > 0 && /[\d -]/.test(text[end - 1]!)) end--;
  return text.slice(0, end) + HIDDEN;
}

/** ISO/IEC 7812-1, annex B. */
function isLuhn(text: string): boolean {
  let sum = 0;
  const digits = text.replace(/\D/g, "");
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    sum += i % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum % 10 === 0;
}
