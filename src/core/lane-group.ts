/**
 * The resolved lane group: what a lane file means, with every default filled in, every pattern compiled and every table laid
 * out, so that a decision only looks things up. Plain data, shared by all requests of an isolate; never changed after it was made.
 */
/** One test of one value. `exists: false` is the only one that an absent value can pass. */
export type Matcher =
  | { readonly kind: "exact"; readonly value: string }
  | { readonly kind: "prefix"; readonly value: string }
  | { readonly kind: "suffix"; readonly value: string }
  | { readonly kind: "in"; readonly values: ReadonlySet<string> }
  | { readonly kind: "regex"; readonly source: string; readonly matches: (value: string) => boolean }
  | { readonly kind: "exists"; readonly value: boolean };

/** One line of a `when`. Values by key (`header` keys are lower case), or the whole path, method or host (lower case), or a nested `any` / `not`. */
export type Condition =
  | { readonly on: "baggage" | "cookie" | "query" | "header"; readonly key: string; readonly matcher: Matcher }
  | { readonly on: "path" | "method" | "host"; readonly matcher: Matcher }
  | { readonly on: "any"; readonly of: readonly When[] }
  | { readonly on: "not"; readonly of: When };

/** All of these hold. Never empty at the top of a rule. */
export type When = readonly Condition[];

/** Slots 0…9,999 cut into runs: slot `s` belongs to `lanes[i]` for the first `i` with `s < ends[i]`; the last end is 10,000. */
export interface SlotTable {
  readonly ends: readonly number[];
  readonly lanes: readonly string[];
}

export interface Service {
  readonly name: string;
  /** Lower case, exact or `*.suffix`; empty: any host of the group. */
  readonly hosts: readonly string[];
  /** Path prefix in whole segments, as `pathPrefix` writes it; `""` is every path. */
  readonly path: string;
  /** May a visitor be given a lane here? */
  readonly entry: boolean;
  /** A request without a true context of ours is refused (contract section 4). Then nobody enters here, either. */
  readonly signed: boolean;
  /** May two visitors get answers of different origins under one URL? Then no shared cache keeps any of them. */
  readonly varies: boolean;
  readonly mirrored: "block" | "stub" | "synthetic" | "send";
  readonly timeoutMs: number | null;
  readonly fallback: string | null;
}

export interface Origin {
  /** `scheme://host[:port]`, or null for a binding. */
  readonly base: string | null;
  /** Prefix before the request's path: `""` or `/prefix`, without a trailing slash. */
  readonly path: string;
  readonly binding: string | null;
  /** Taken off the request's path first, and put back where an answer names a URL: `""` or `/api/shop`, without a trailing slash. */
  readonly strip: string;
  readonly headers: readonly { readonly name: string; readonly value: string | { readonly env: string } }[];
  /** Set on the origin's answers; null removes. Lower-case names. */
  readonly answerHeaders: readonly { readonly name: string; readonly value: string | null }[];
  /** `none`: this origin gets no baggage at all. */
  readonly baggage: "all" | "none";
  /** The origin promises to roll back a request marked `x-lane-synthetic: true`. */
  readonly synthetic: boolean;
  /** Two lanes share this URL for this service: an answer must not come from a cache keyed by URL. */
  readonly noStore: boolean;
  /** Another lane that sends requests to the same place, so that this is not the lane's own; null: none does. */
  readonly sharedWith: string | null;
  /** Folded names of the headers that every request to it gets by the lane file: `headers`, and the one that carries the lane. */
  readonly sets: ReadonlySet<string>;
}

export interface Lane {
  readonly name: string;
  readonly weight: number;
  readonly owner: string | null;
  readonly note: string | null;
  /** Unix seconds; from then on the lane gives the baseline. */
  readonly expiresAt: number | null;
  readonly origins: ReadonlyMap<string, Origin>;
}

export interface Rule {
  readonly name: string;
  readonly when: When;
  /** Exactly one of the two is set. */
  readonly lane: string | null;
  readonly slots: SlotTable | null;
}

export type StickyBy = "none" | "ip" | "cookie" | { readonly on: "baggage" | "header" | "cookie" | "query"; readonly key: string };

export interface Sticky {
  readonly by: StickyBy;
  readonly maxAgeSeconds: number;
  readonly epoch: number;
  readonly domain: string | null;
  /** `none`: for pages in other sites' frames; the cookie is then partitioned by the site on top (CHIPS). */
  readonly sameSite: "lax" | "none";
}

export interface Propagate {
  /** Lower case name of the header that carries the lane's name. */
  readonly header: string;
  /** Baggage key that carries the lane's name, if wanted. */
  readonly baggage: string | null;
  /** Lower-case header names restored from baggage members of the same name. */
  readonly names: ReadonlySet<string>;
  readonly prefixes: readonly string[];
  /** The same, folded. */
  readonly folded: { readonly names: ReadonlySet<string>; readonly prefixes: readonly string[] };
}

export interface Fallback {
  /** `statuses.has(503)`. */
  readonly statuses: ReadonlySet<number>;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly methods: ReadonlySet<string>;
  readonly idempotencyKey: boolean;
  readonly maxBodyBytes: number;
  readonly eject: { readonly failures: number; readonly seconds: number };
}

export interface Compare {
  readonly noisePercent: number;
  /** Lower case. */
  readonly headers: readonly string[];
  readonly ignore: readonly string[];
  readonly unordered: readonly string[];
  readonly key: Readonly<Record<string, string>>;
  readonly tolerance: Readonly<Record<string, number>>;
}

export interface Mirror {
  readonly name: string;
  readonly lane: string;
  readonly percent: number;
  readonly by: "visitor" | "request";
  /** Lanes that served; null: any. */
  readonly from: ReadonlySet<string> | null;
  /** Services the mirror acts on even within a chain; null: requests without an incoming context only. */
  readonly services: ReadonlySet<string> | null;
  readonly when: When | null;
  readonly writes: "block" | "synthetic" | "send";
  /** Requests that are reads whatever their method says, unless their content is a GraphQL mutation; null: none. */
  readonly reads: When | null;
  /** Query keys that hold one-time secrets, by `plainName`, so that a request with one is not copied; null: the list in `secret-names.ts`. */
  readonly secrets: ReadonlySet<string> | null;
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  readonly credentials: "strip" | "forward";
  readonly scrub: {
    readonly headers: readonly string[];
    readonly query: readonly string[];
    readonly baggage: readonly string[];
    readonly json: readonly string[];
  };
  readonly compare: Compare | null;
  readonly expiresAt: number | null;
}

export interface Stub {
  readonly service: string;
  readonly when: When | null;
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    /** The body as it is sent; `json` of the file is already serialised. */
    readonly body: string;
    readonly delayMs: number;
  };
}

export interface Published {
  readonly revision: number;
  readonly at: string;
  readonly by: string;
  readonly reason: string;
  readonly slots: readonly (readonly [lane: string, count: number])[] | null;
}

/** Numbers are places in `rules`. Rules that want exactly one value of a key, and those that want the key to be there. */
export interface RuleShelf {
  readonly exact: Map<string, number[]>;
  readonly present: number[];
}

/** Rules filed by what they need, made by `indexRules`. */
export interface RuleIndex {
  readonly rules: readonly Rule[];
  /** Nothing to look up: always tried. */
  readonly always: number[];
  readonly baggage: ReadonlyMap<string, RuleShelf>;
  readonly cookie: ReadonlyMap<string, RuleShelf>;
  readonly query: ReadonlyMap<string, RuleShelf>;
  readonly header: ReadonlyMap<string, RuleShelf>;
  readonly path: ReadonlyMap<string, RuleShelf>;
  readonly host: ReadonlyMap<string, RuleShelf>;
  readonly prefixes: ReadonlyMap<string, number[]>;
  /** No prefix is longer, so that a path of ten thousand slashes is not walked to its end. */
  readonly longestPrefix: number;
}

/** Services by host, then by path, made by `indexServices`. Suffixes are keyed by what follows the `*`. */
export interface ServiceIndex {
  readonly exact: ReadonlyMap<string, ReadonlyMap<string, Service>>;
  readonly suffix: ReadonlyMap<string, ReadonlyMap<string, Service>>;
  readonly any: ReadonlyMap<string, Service>;
  readonly longestPath: number;
}

/** Named in the file, laid out for look-up when the file is parsed: `indexRules(rules)`, `indexServices(services.values())`. */
export interface LaneGroup {
  readonly name: string;
  readonly note: string | null;
  /** Lower case: exact, `*.suffix` or `*`. */
  readonly hosts: readonly string[];
  readonly baseline: string;
  readonly mode: "permissive" | "strict";
  readonly context: "signed" | "open";
  readonly expose: boolean;
  readonly services: ReadonlyMap<string, Service>;
  readonly serviceIndex: ServiceIndex;
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly rules: readonly Rule[];
  readonly ruleIndex: RuleIndex;
  readonly sticky: Sticky;
  /** What the weights (and `published.slots`) give every visitor. */
  readonly slots: SlotTable;
  readonly propagate: Propagate;
  readonly fallback: Fallback;
  readonly mirrors: readonly Mirror[];
  readonly stubs: readonly Stub[];
  readonly log: { readonly baggage: readonly string[]; readonly samplePercent: number };
  readonly published: Published | null;
}
