/** One vote a slot and minute: whoever asks a thousand times a minute with one trace id draws one slot, and is one visitor. */
import { SLOTS } from "./slots.ts";

export class Votes {
  /** A bit for each slot. */
  readonly #taken = new Uint8Array(SLOTS / 8);
  #of = "";

  /** Is it this slot's first vote in this minute, under this revision? Votes of an earlier minute or another revision are forgotten. */
  take(revision: number, minute: number, slot: number): boolean {
    const of = `${revision}/${minute}`;
    if (of !== this.#of) {
      this.#of = of;
      this.#taken.fill(0);
    }
    const [byte, bit] = [slot >> 3, 1 << (slot & 7)];
    if ((this.#taken[byte]! & bit) !== 0) return false;
    this.#taken[byte]! |= bit;
    return true;
  }
}
