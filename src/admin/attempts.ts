/** What one client may do again and again without being anybody: counted by its network, so that nobody uses up what is left for others. */
import { networkOf } from "../core/network.ts";
import { Limiter } from "../group/limiter.ts";

const BURST = 10;
const PER_SECOND = 1 / 6;
/** No address is longer as a text (RFC 4291, section 2.2, form 3). */
const MAX_LENGTH = 45;
/** The network that was quiet for the longest gives way; whoever has so many networks is not stopped by this. */
const MAX_NETWORKS = 1_000;

/** The address that the platform saw; never one that a client names (contract section 4). */
export const addressOf = (request: Request): string => request.headers.get("cf-connecting-ip") ?? "";

export class Attempts {
  readonly #limiters = new Map<string, Limiter>();

  get size(): number {
    return this.#limiters.size;
  }

  /** False: this client's network has had its tries. */
  take(request: Request, now: number): boolean {
    const network = networkOf(addressOf(request).slice(0, MAX_LENGTH));
    const limiter = this.#limiters.get(network) ?? new Limiter(BURST, PER_SECOND);
    this.#limiters.delete(network);
    this.#limiters.set(network, limiter);
    if (this.#limiters.size > MAX_NETWORKS) this.#limiters.delete(this.#limiters.keys().next().value!);
    return limiter.take(now);
  }
}
