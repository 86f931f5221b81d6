/** What was seen where, and what must never be: the first thing that breaks a rule ends the soak, with the request that shows it. */
import { headerOf, type Seen } from "../support/origin.ts";

export interface Violation {
  readonly invariant: string;
  readonly request: string;
}

/** How often a write may arrive at live origins: `once` in all, or once at each of two (its client or its group said that it may be repeated). */
export type Writes = "once" | "repeatable";

/** What a client is about to send. */
export interface Promised {
  readonly writes: Writes;
  /** The client will break it off: no origin may take it for whole. */
  readonly broken: boolean;
}

export interface Arrival {
  readonly origin: string;
  readonly seen: Seen;
  /** The fault that answered it. */
  readonly fault: string | null;
}

const SAFE = ["GET", "HEAD", "OPTIONS"];
const DARK = "dark";

/** Of a service's own call through the router: who made it. */
export const CALLER_HEADER = "x-soak-from";
/** Named in `Connection`, so that it ends at the router. */
export const HOP_HEADER = "x-soak-hop";
/** Makes a write of whatever bears it. */
export const OVERRIDE_HEADER = "x-http-method-override";

export const idOf = ({ url }: Seen): string => new URL(url, "http://any").searchParams.get("id") ?? "";
export const isCopy = ({ headers }: Seen): boolean => headerOf(headers, "x-lane-mirror") !== undefined;

export class Ledger {
  readonly violations: Violation[] = [];
  readonly #promised = new Map<string, Promised>();
  readonly #faults = new Map<string, string[]>();
  readonly #writes = new Map<string, string[]>();
  readonly counts = new Map<string, number>();

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  violate(invariant: string, request: string): void {
    this.violations.push({ invariant, request });
  }

  get isBroken(): boolean {
    return this.violations.length > 0;
  }

  promise(id: string, promised: Promised): void {
    this.#promised.set(id, promised);
  }

  /** Faults that answered this request at live origins. */
  faultsOf(id: string): readonly string[] {
    return this.#faults.get(id) ?? [];
  }

  /** Called for every request at every origin, as soon as its head is read. */
  arrived({ origin, seen, fault }: Arrival): void {
    const id = idOf(seen);
    const told = `${id}: ${seen.method} ${seen.url} at ${origin}\n${seen.headers.map(([name, value]) => `  ${name}: ${value}`).join("\n")}`;
    const must = (holds: boolean, invariant: string) => holds || this.violate(invariant, told);
    const write = !SAFE.includes(seen.method) || headerOf(seen.headers, OVERRIDE_HEADER) !== undefined;
    if (origin === DARK) {
      must(isCopy(seen), "nobody but copies gets to the dark lane");
      return;
    }
    must(!(write && isCopy(seen)), "no copy writes at a live origin");
    must(!(write && headerOf(seen.headers, CALLER_HEADER) === DARK), "no copy's later call writes at a live origin");
    must(headerOf(seen.headers, HOP_HEADER) === undefined, "what Connection names ends at the router");
    must(!/lane-shop=/.test(headerOf(seen.headers, "cookie") ?? ""), "the lane cookie reaches no origin");
    const forwarded = ["forwarded", "x-forwarded-prefix", "x-original-url", "x_real_ip"];
    must(
      forwarded.every((name) => headerOf(seen.headers, name) === undefined),
      "what says whom the client came from is the router's word",
    );
    if (isCopy(seen)) return;
    must(/^[a-z.]*shop\.example$/.test(headerOf(seen.headers, "x-forwarded-host") ?? ""), "X-Forwarded-Host is the router's word");
    if (fault !== null) this.#faults.set(id, [...this.faultsOf(id), `${fault} at ${origin}`]);
    if (write) this.#wrote(id, origin, told);
    void seen.settled.then(() => this.#settled(id, seen, fault, told));
  }

  #wrote(id: string, origin: string, told: string): void {
    const before = this.#writes.get(id) ?? [];
    this.#writes.set(id, [...before, origin]);
    const { writes } = this.#promised.get(id) ?? { writes: "once" };
    const allowed = writes === "once" ? before.length === 0 : before.length < 2 && !before.includes(origin);
    if (!allowed) this.violate(`no write twice (before: ${before.join(", ")})`, told);
  }

  #settled(id: string, { complete }: Seen, fault: string | null, told: string): void {
    // An answer before the upload's end ends a chunked upload, with or without the router.
    if (complete && fault === null && this.#promised.get(id)?.broken) this.violate("no broken upload is whole to an origin", told);
  }
}
