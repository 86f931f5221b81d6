/** What a comparison finds: each kind of difference once per place, however many elements show it. */

/**
 * Seen from the primary's answer (left): `missing` and `extra` in the copy's (right); another `type` or `value`; the same elements in another
 * `order`; another `length`; another `status`; one side does not `parse`.
 */
export type Kind = "missing" | "extra" | "type" | "value" | "order" | "length" | "status" | "parse";

export interface Difference {
  /** `status`, `headers.vary`, `body.items[].price`. */
  readonly path: string;
  readonly kind: Kind;
  /** The first example, as it was found: to be redacted before it is kept. Undefined: nothing is there. */
  readonly left: unknown;
  readonly right: unknown;
  /** In how many elements of lists, or words of a text. At least 1. */
  readonly times: number;
  /** The place stands for a text, or for bytes, without a structure that could be read: if it always differs, it hides all else in it. */
  readonly opaque?: true;
}

/** More tell nobody more. */
const MAX_DIFFERENCES = 200;

/** Collects at most 200 differences of one comparison. */
export class Differences {
  readonly #found = new Map<string, { -readonly [K in keyof Difference]: Difference[K] }[]>();
  #count = 0;
  /** Something was not looked at, or not listed. */
  truncated = false;
  /** There were more: nothing is gained by looking on. */
  full = false;

  add(path: string, kind: Kind, left: unknown, right: unknown, { times = 1, opaque = false } = {}): void {
    const here = this.#found.get(path);
    const known = here?.find((difference) => difference.kind === kind);
    if (known) {
      known.times += times;
      if (opaque) known.opaque = true;
    } else if (this.#count === MAX_DIFFERENCES) this.full = this.truncated = true;
    else {
      this.#count++;
      const difference = { path, kind, left, right, times, ...(opaque && { opaque }) };
      if (here) here.push(difference);
      else this.#found.set(path, [difference]);
    }
  }

  /** Places and kinds so far. */
  get count(): number {
    return this.#count;
  }

  list(): Difference[] {
    return [...this.#found.values()].flat();
  }
}
