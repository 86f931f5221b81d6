/** The API's answers (contract section 9), as far as the pages show them. */

export interface Problem {
  readonly path: string;
  readonly message: string;
}

export interface Change {
  readonly path: string;
  readonly from: string | null;
  readonly to: string | null;
}

export interface Refused {
  readonly title: string;
  readonly detail: string;
  readonly problems?: readonly Problem[];
  readonly changes?: readonly Change[];
}

export interface GroupList {
  readonly off: "*" | readonly string[];
  readonly groups: readonly {
    readonly name: string;
    /** In force at this location; null: not yet. */
    readonly revision: string | null;
    readonly hosts?: readonly string[];
    readonly lanes?: readonly { readonly name: string; readonly percent: number }[];
    /** What is wrong with its lanes now, in words. */
    readonly concerns?: readonly string[];
  }[];
}

export interface Health {
  readonly groups: readonly { readonly name: string; readonly revision: string; readonly source: "kv" | "bundled" | "fallback" }[];
  readonly staleness: { readonly busySeconds: number };
  readonly problems: readonly { readonly key: string; readonly problems: readonly Problem[] }[];
  readonly missingSecrets: readonly string[];
}

export interface Published {
  readonly revision: number;
  readonly at: string;
  readonly by: string;
  readonly reason: string;
  /** Of the newest: the newest that is a lane file, which serves on where this one is none; null: none is known. */
  readonly good?: number | null;
  /** In a history: it is no lane file, so nobody can go back to it. */
  readonly broken?: true;
}

/** A published lane file, or whatever else somebody put into KV: `view.ts` tells which. */
export interface GroupFile {
  readonly hosts: readonly string[];
  readonly baseline: string;
  readonly mode?: string;
  readonly note?: string;
  readonly services: Readonly<Record<string, unknown>>;
  readonly lanes: Readonly<
    Record<
      string,
      {
        readonly weight?: number;
        readonly owner?: string;
        readonly expiresAt?: string;
        readonly origins: Readonly<Record<string, unknown>>;
      }
    >
  >;
  readonly mirrors?: readonly { readonly name: string; readonly lane: string; readonly percent: number; readonly expiresAt?: string }[];
  readonly published: Published;
  readonly unreadable?: string;
}

export interface StatsRow {
  readonly lane: string;
  readonly service: string;
  readonly requests: number;
  readonly errors: number;
  readonly fallbacks: Readonly<Record<string, number>>;
  readonly ejections: number;
  readonly copies: {
    readonly sent: number;
    readonly dropped: Readonly<Record<string, number>>;
    readonly compared: number;
    readonly different: number;
    readonly uncompared: Readonly<Record<string, number>>;
  };
  readonly latency: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };
}

export interface Stats {
  readonly minutes: number;
  /** What is wrong with the lanes now, in words. */
  readonly concerns: readonly string[];
  readonly rows: readonly StatsRow[];
  readonly series: readonly { readonly at: string; readonly lane: string; readonly requests: number; readonly errors: number }[];
  readonly visitors: readonly {
    readonly lane: string;
    readonly configured: number;
    readonly observed: number | null;
    readonly assigned: number;
  }[];
  readonly ratio: { readonly verdict: "ok" | "invalid" | "none"; readonly causes: readonly string[] };
}

export interface Checked {
  readonly problems: readonly Problem[];
  /** The revision that the file is held against; null: none is known. */
  readonly against: number | null;
  readonly warnings: readonly Problem[];
  readonly moved: readonly { readonly from: string; readonly to: string; readonly percent: number }[];
  readonly fallsBack: readonly { readonly lane: string; readonly service: string; readonly to: string }[];
  readonly changes: readonly Change[];
}

export interface AuditEntry {
  readonly at: string;
  readonly by: string;
  readonly action: string;
  readonly to: number | null;
  readonly reason: string;
}

export interface RefusedWrite {
  /** The last time. */
  readonly at: string;
  readonly by: string;
  readonly action: string;
  readonly times: number;
}

export interface History {
  /** The newest revision that KV has taken. */
  readonly written: number;
  readonly revisions: readonly Published[];
  readonly audit: readonly AuditEntry[];
  readonly refused: readonly RefusedWrite[];
  readonly switches: readonly AuditEntry[];
}

export interface Endpoint {
  readonly mirror: string;
  readonly endpoint: string;
  readonly compared: number;
  readonly probed: number;
  /** Of so many requests only a beginning of the answers was compared. */
  readonly truncated?: number;
  /** Sightings of places that are not listed. */
  readonly more: number;
  readonly paths: readonly {
    readonly path: string;
    readonly kind: string;
    readonly verdict: string;
    /** Of `undecided`, in words. */
    readonly why: string | null;
    readonly raw: number;
    readonly noise: number;
    readonly onlyRaw: number;
    readonly onlyNoise: number;
    readonly diffy: { readonly relative: number; readonly absolute: number };
  }[];
  readonly samples: readonly {
    /** The set of places in which `seen` requests differed. */
    readonly paths: readonly { readonly path: string; readonly kind: string }[];
    readonly seen: number;
    readonly at: string;
    readonly sample: {
      readonly traceId?: string;
      readonly truncated?: boolean;
      readonly differences?: readonly {
        readonly path: string;
        readonly kind: string;
        readonly left: string | null;
        readonly right: string | null;
      }[];
    };
  }[];
}

export interface Differences {
  readonly endpoints: readonly Endpoint[];
}

export interface Explained {
  readonly group: string | null;
  readonly revision?: string;
  readonly service?: string;
  readonly lane?: string;
  readonly reason: string;
  readonly baggage?: readonly { readonly key: string; readonly value: string }[];
  /** Laneway's own answer, which no origin is asked for; null: one is. */
  readonly answered?: { readonly status: number; readonly reason: string; readonly why: string } | null;
  readonly slot?: number | null;
  /** Where the slot came from, or why there is none; null: it decides nothing. */
  readonly visitor?: string | null;
  readonly origin?: string | null;
  readonly servedBy?: string | null;
  readonly fallback?: {
    readonly reason: string | null;
    readonly onFailure: { readonly lane: string; readonly origin: string; readonly afterMs: number } | null;
    readonly whyOnce: string | null;
  };
  readonly rules?: readonly { readonly name: string; readonly matched: boolean; readonly why: string }[];
  readonly mirrors?: readonly { readonly name: string; readonly sent: boolean; readonly why: string }[];
  readonly removedHeaders?: readonly { readonly name: string; readonly why: string }[];
  readonly requestHeaders?: Readonly<Record<string, string>>;
  readonly responseHeaders?: Readonly<Record<string, string>>;
  readonly removedResponseHeaders?: readonly { readonly name: string }[];
}
