/** Percent-decoding that never throws: RFC 3986 section 2.1, then UTF-8 as in the Encoding Standard, section 8.1.1. */

const PERCENT = 0x25;

/**
 * Each maximal part of the decoded octets that is not UTF-8 becomes one U+FFFD; a `%` without two hexadecimal digits stands for itself;
 * `+` is a plus. O(length). By hand because `decodeURIComponent` throws (2 µs each, as often as an attacker likes) and handing a short
 * value to `TextDecoder` takes longer than reading it.
 */
export function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  let decoded = "";
  let point = 0;
  let needed = 0;
  let lower = 0x80;
  let upper = 0xbf;
  for (let at = 0; at < text.length; at++) {
    const octet = text.charCodeAt(at) === PERCENT ? octetAt(text, at + 1) : -1;
    if (needed > 0 && octet >= lower && octet <= upper) {
      point = (point << 6) | (octet & 0x3f);
      lower = 0x80;
      upper = 0xbf;
      if (--needed === 0) decoded += String.fromCodePoint(point);
    } else {
      if (needed > 0) decoded += "\ufffd";
      needed = octet < 0xc2 || octet > 0xf4 ? 0 : octet < 0xe0 ? 1 : octet < 0xf0 ? 2 : 3;
      point = octet & (0x3f >> needed);
      // No overlong forms, no surrogates, nothing past U+10FFFF.
      lower = octet === 0xe0 ? 0xa0 : octet === 0xf0 ? 0x90 : 0x80;
      upper = octet === 0xed ? 0x9f : octet === 0xf4 ? 0x8f : 0xbf;
      if (octet < 0x80) decoded += octet < 0 ? text[at] : String.fromCharCode(octet);
      else if (needed === 0) decoded += "\ufffd";
    }
    if (octet >= 0) at += 2;
  }
  return needed > 0 ? `${decoded}\ufffd` : decoded;
}

/** The octet that two hexadecimal digits at `at` write; -1 if they are none. */
function octetAt(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
