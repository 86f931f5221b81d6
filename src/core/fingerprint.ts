/**
 * 52-bit fingerprints, to find equal elements of two lists without comparing each with each. Two MurmurHash3-like lanes; an accident has a
 * chance of 2^-52 per pair, but whoever wants two values with one fingerprint can make them: nothing here is a proof.
 */
import { avalanche } from "./murmur3.ts";

const HALF = 2 ** 32;
/** Two 52-bit numbers add up exactly in a double. */
const LIMIT = 2 ** 52;

export function fingerprintText(text: string): number {
  let low = 0x9e3779b1 ^ text.length;
  let high = 0x85ebca77;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul((high << 5) ^ (high >>> 27) ^ unit, 0x5bd1e995);
  }
  return join(low, high);
}

export function fingerprintBytes(bytes: Uint8Array): number {
  let low = 0x9e3779b1 ^ bytes.length;
  let high = 0x85ebca77;
  for (const byte of bytes) {
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul((high << 5) ^ (high >>> 27) ^ byte, 0x5bd1e995);
  }
  return join(low, high);
}

/** Of a sequence: `b` comes after `a`. */
export function chain(a: number, b: number): number {
  const low = Math.imul((a | 0) ^ Math.imul(b | 0, 0xcc9e2d51), 0x1b873593);
  const high = Math.imul(((a / HALF) | 0) ^ Math.imul((b / HALF) | 0, 0x85ebca6b) ^ (low >>> 15), 0xc2b2ae35);
  return join(low ^ high, high + Math.imul(b | 0, 5));
}

/** Of a collection: in any order. */
export function gather(a: number, b: number): number {
  const sum = a + b;
  return sum < LIMIT ? sum : sum - LIMIT;
}

function join(low: number, high: number): number {
  const first = avalanche(low);
  return (avalanche(high ^ first) & 0xfffff) * HALF + first;
}
