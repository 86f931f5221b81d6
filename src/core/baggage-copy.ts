/**
 * What a copy carries of the baggage that a client sent (contract section 4, "A copy stays a copy"). Behind the mark stands only what no
 * service's SDK stumbles over: of several, one bad member loses the whole header (Go rejects it, Datadog stops at an empty value), others
 * read 64 members, put them in another order, decode keys, or write values longer than they read them.
 */
import type { Baggage, BaggageMember } from "./baggage.ts";

/** With ours far under 64 members, and even with every octet escaped (three for one) under 8,192 bytes: W3C Baggage, section "Limits". */
export const MAX_FOREIGN_MEMBERS = 32;
export const MAX_FOREIGN_BYTES = 2048;

/** `own` first, then the members that `remove` leaves, each written plainly; what gave way is counted in `dropped`. */
export function writeCopyBaggage(
  { members }: Baggage,
  own: readonly string[],
  remove: (member: BaggageMember) => boolean,
): { readonly header: string; readonly dropped: number } {
  const kept: string[] = [];
  let bytes = 0;
  let dropped = 0;
  for (const member of members) {
    if (remove(member)) continue;
    const text = kept.length === MAX_FOREIGN_MEMBERS ? null : plainMember(member);
    if (text === null || bytes + text.length + 1 > MAX_FOREIGN_BYTES) dropped++;
    else {
      kept.push(text);
      bytes += text.length + 1;
    }
  }
  return { header: [...own, ...kept].join(","), dropped };
}

/** Without white space, every escape one of UTF-8. null: some reader would take the key for another, or have no value. */
function plainMember({ key, raw, value, properties }: BaggageMember): string | null {
  if (value === "" || /[%+]/.test(key)) return null;
  return [`${key}=${plainValue(raw, value)}`, ...properties.split(";").flatMap(plainProperty)].join(";");
}

/** As it came where that is plain already; `=` is not, since some readers split at each. */
function plainValue(raw: string, value: string): string {
  return isEscaped(raw) && !raw.includes("=") ? raw : encodeURIComponent(value);
}

/** A property is not decoded by all, so it stays as it came or goes: `key`, or `key=value`. */
function plainProperty(text: string): string[] {
  const plain = text.replaceAll(/[ \t]/g, "");
  return /^[^=]+(?:=[^=]+)?$/.test(plain) && isEscaped(plain) ? [plain] : [];
}

/** Does every `%` begin an escape, and do they make UTF-8? */
function isEscaped(text: string): boolean {
  if (!text.includes("%")) return true;
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
