/**
 * MurmurHash3_x86_32 with seed 0 over the UTF-8 bytes of a text, as an unsigned 32-bit number; a lone surrogate counts as U+FFFD,
 * as TextEncoder has it. No protection against chosen texts: anybody can find one for a given hash.
 * Source: Austin Appleby, SMHasher, MurmurHash3.cpp.
 */
export function murmur3(text: string): number {
  let hash = 0;
  let at = 0;
  // Keys are mostly ASCII: four units are one word, until the first other unit.
  for (const end = text.length - 3; at < end; at += 4) {
    const [a, b, c, d] = [text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2), text.charCodeAt(at + 3)];
    if ((a | b | c | d) >= 0x80) break;
    hash = absorb(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  let bytes = at;
  let word = 0;
  for (; at < text.length; at++) {
    const code = text.codePointAt(at)!;
    if (code > 0xffff) at++;
    const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code <= 0xffff ? 3 : 4;
    const packed = size === 1 ? code : utf8(code);
    const shift = (bytes & 3) << 3;
    word |= packed << shift;
    bytes += size;
    if (shift + (size << 3) >= 32) {
      hash = absorb(hash, word);
      // JavaScript takes a shift by 32 for a shift by 0.
      word = shift === 0 ? 0 : packed >>> (32 - shift);
    }
  }
  return avalanche(hash ^ scramble(word) ^ bytes);
}

/** MurmurHash3's finalizer: a permutation of the 32-bit numbers in which every bit of the input moves half the bits of the (unsigned) result. */
export function avalanche(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const rotl = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** 0 stays 0, so an empty tail needs no case of its own. */
const scramble = (word: number): number => Math.imul(rotl(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);

const absorb = (hash: number, word: number): number => (Math.imul(rotl(hash ^ scramble(word), 13), 5) + 0xe6546b64) | 0;

/** The UTF-8 bytes of a code point from U+0080 on in one 32-bit number, the first byte lowest. */
function utf8(code: number): number {
  const last = 0x80 | (code & 63);
  if (code < 0x800) return 0xc0 | (code >> 6) | (last << 8);
  const third = 0x80 | ((code >> 6) & 63);
  if (code > 0xffff) return 0xf0 | (code >> 18) | ((0x80 | ((code >> 12) & 63)) << 8) | (third << 16) | (last << 24);
  const surrogate = code >= 0xd800 && code <= 0xdfff;
  return surrogate ? 0xbdbfef : 0xe0 | (code >> 12) | (third << 8) | (last << 16);
}
