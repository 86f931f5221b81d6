/** RFC 3986, section 6.2.2: two spellings of one path. */

const ESCAPE = /%([0-9A-Fa-f]{2})/g;

/** Never escaped where it may stand itself (RFC 3986, section 2.3). */
const UNRESERVED = /[\w.~-]/;

const charOf = (hex: string): string => String.fromCharCode(Number.parseInt(hex, 16));

/** Escapes in capitals, and none where the character itself may stand; all else as it came. O(length), nothing to do without a `%`. */
export function normalPath(path: string): string {
  if (!path.includes("%")) return path;
  return path.replace(ESCAPE, (written, hex: string) => {
    const char = charOf(hex);
    return UNRESERVED.test(char) ? char : written.toUpperCase();
  });
}

/** How much of `path`, as it came, the first `length` characters of `normalPath(path)` stand for. */
export function lengthAsItCame(path: string, length: number): number {
  if (!path.includes("%")) return length;
  let at = 0;
  for (let left = length; left > 0; left--) at += path[at] === "%" && isPlainEscape(path.slice(at + 1, at + 3)) ? 3 : 1;
  return at;
}

const isPlainEscape = (hex: string): boolean => /^[0-9A-Fa-f]{2}$/.test(hex) && UNRESERVED.test(charOf(hex));
