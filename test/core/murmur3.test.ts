import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { avalanche, murmur3 } from "../../src/core/murmur3.ts";
import vectors from "../vectors/murmur3.json" with { type: "json" };

/** MurmurHash3_x86_32 over bytes, written from the reference without any regard for speed. */
function reference(bytes: Uint8Array): number {
  const mask = 0xffffffffn;
  const rotl = (x: bigint, r: bigint) => ((x << r) | (x >> (32n - r))) & mask;
  const mixed = (k: bigint) => (rotl((k * 0xcc9e2d51n) & mask, 15n) * 0x1b873593n) & mask;
  let hash = 0n;
  for (let i = 0; i < bytes.length; i += 4) {
    const block = bytes.subarray(i, i + 4);
    const word = block.reduceRight((k, byte) => (k << 8n) | BigInt(byte), 0n);
    hash ^= mixed(word);
    if (block.length === 4) hash = (rotl(hash, 13n) * 5n + 0xe6546b64n) & mask;
  }
  hash ^= BigInt(bytes.length);
  hash = ((hash ^ (hash >> 16n)) * 0x85ebca6bn) & mask;
  hash = ((hash ^ (hash >> 13n)) * 0xc2b2ae35n) & mask;
  return Number(hash ^ (hash >> 16n));
}

describe("murmur3", () => {
  it.each(vectors.hashes)("gives $hash for $text, as $source has it", ({ text, hash }) => {
    expect(murmur3(text).toString(16).padStart(8, "0")).toBe(hash);
  });

  it("names a source for each vector", () => {
    const sources = new Set(vectors.hashes.map(({ source }) => source));
    expect([...sources].sort()).toEqual(Object.keys(vectors.sources).sort());
  });

  it("hashes the bytes that TextEncoder gives, lone surrogates too", () => {
    const edges = [0, 0x41, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff];
    const unit = fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(...edges));
    const text = fc.array(unit, { maxLength: 24 }).map((units) => String.fromCharCode(...units));
    const encoder = new TextEncoder();
    fc.assert(
      fc.property(text, (t) => murmur3(t) === reference(encoder.encode(t))),
      { seed: 3, numRuns: 2_000 },
    );
  });
});

describe("avalanche", () => {
  it("moves half of the 32 bits of the result for any bit of the input", () => {
    for (let bit = 0; bit < 32; bit++) {
      let moved = 0;
      for (let i = 0; i < 2_000; i++) {
        let difference = avalanche(i) ^ avalanche(i ^ (1 << bit));
        for (; difference !== 0; difference &= difference - 1) moved++;
      }
      expect(Math.abs(moved / 2_000 - 16)).toBeLessThan(0.6);
    }
  });
});
