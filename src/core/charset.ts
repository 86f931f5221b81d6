/** Bytes → text, by the charset that they are in (Encoding Standard). */

export interface Decoded {
  readonly text: string;
  /** The bytes are not what was declared, or nothing known was: read as windows-1252, in which every byte is a character. */
  readonly guessed: boolean;
}

/** In this order of trust: a byte order mark (Encoding Standard, section 6), the header, the document's own words, UTF-8. */
export function decode(bytes: Uint8Array, type: string | null, cut: boolean): Decoded {
  const declared = markOf(bytes) ?? charsetOf(type) ?? ownCharset(bytes) ?? "utf-8";
  const text = decodeAs(bytes, declared, cut);
  return text === null ? { text: decodeAs(bytes, "windows-1252", cut) ?? "", guessed: true } : { text, guessed: false };
}

/** JSON is UTF-8 whatever its type says (RFC 8259, section 8.1); where it is not, what its type says is the next best. */
export function decodeJson(bytes: Uint8Array, type: string | null, cut: boolean): Decoded {
  const text = markOf(bytes) === null ? decodeAs(bytes, "utf-8", cut) : null;
  return text === null ? decode(bytes, type, cut) : { text, guessed: false };
}

const MARKS: readonly (readonly [mark: readonly number[], charset: string])[] = [
  [[0xef, 0xbb, 0xbf], "utf-8"],
  [[0xfe, 0xff], "utf-16be"],
  [[0xff, 0xfe], "utf-16le"],
];

const markOf = (bytes: Uint8Array): string | null => MARKS.find(([mark]) => mark.every((byte, at) => bytes[at] === byte))?.[1] ?? null;

const charsetOf = (type: string | null): string | null => /;\s*charset\s*=\s*["']?([^\s"';]+)/i.exec(type ?? "")?.[1] ?? null;

/** As many bytes as browsers look through (HTML Standard, section 13.2.3.2). */
const PRESCAN = 1024;
const OWN = /^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)|<meta\s[^>]*?charset\s*=\s*["']?([\w.:-]+)/i;

/** `<?xml … encoding="…"?>` (XML 1.0, section 4.3.3), `<meta charset="…">`. */
function ownCharset(bytes: Uint8Array): string | null {
  // Only markup has such words.
  if (bytes.subarray(0, 16).indexOf(0x3c) < 0) return null;
  const found = OWN.exec(String.fromCharCode(...bytes.subarray(0, PRESCAN)));
  const named = found?.[1] ?? found?.[2] ?? null;
  // Whoever could read these words has not read UTF-16 (section 13.2.3.2, step 13).
  return named !== null && /^utf-?16/i.test(named) ? "utf-8" : named;
}

/** null: nobody knows the charset, or the bytes are not valid in it. */
function decodeAs(bytes: Uint8Array, charset: string, cut: boolean): string | null {
  try {
    // A cut may go through a character: streaming keeps its first bytes back.
    return new TextDecoder(charset, { fatal: true, ignoreBOM: false }).decode(bytes, { stream: cut });
  } catch {
    return null;
  }
}
