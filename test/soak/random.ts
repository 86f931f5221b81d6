/** Chance that can be had again: the same seed and name give the same numbers, whatever else is drawn meanwhile. */
import { murmur3 } from "../../src/core/murmur3.ts";

export interface Random {
  /** 0 ≤ x < 1 */
  next(): number;
  /** Whole, both ends included. */
  between(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
}

/** Mulberry32. */
export function randomOf(seed: number, name: string): Random {
  let state = murmur3(`${seed}/${name}`) | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  return { next, between, chance: (probability) => next() < probability, pick: (list) => list[between(0, list.length - 1)]! };
}

/** The bytes of a file as one origin has it; another origin's are others. */
export function contentOf(origin: string, id: string, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const block = Buffer.from(`${origin}/${id}/${murmur3(`${origin}/${id}`).toString(16)};`);
  for (let at = 0; at < length; at += block.length) block.copy(bytes, at);
  // So that no two places are alike.
  for (let at = 0; at + 4 <= length; at += 1024) bytes.writeUInt32BE(at, at);
  return bytes;
}
