/** So many writes at once, then so many a second; a script gone wild must not fill the history. In memory: an eviction forgives. */

const BURST = 60;
const PER_SECOND = 2;

export class Limiter {
  #tokens = BURST;
  #at = 0;

  take(now: number): boolean {
    this.#tokens = Math.min(BURST, this.#tokens + (Math.max(0, now - this.#at) / 1000) * PER_SECOND);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
