/** The API's answers (contract section 9), as far as the pages show them. */

export interface Problem {
  readonly path: string;
  readonly message: string;
}

export interface GroupList {
  readonly off: "*" | readonly string[];
  readonly groups: readonly {
    readonly name: string;
    readonly revision: string | null;
    readonly source: string | null;
    readonly note?: string | null;
    readonly hosts?: readonly string[];
    readonly baseline?: string;
    readonly lanes?: readonly { readonly name: string; readonly owner: string | null; readonly percent: number }[];
  }[];
}

/** A published lane file. */
export interface GroupFile {
  readonly name: string;
  readonly baseline: string;
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
  readonly mirrors?: readonly { readonly name: string; readonly lane: string; readonly percent: number }[];
  readonly published: { readonly revision: number; readonly at: string; readonly by: string; readonly reason: string };
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
  readonly warnings: readonly Problem[];
  readonly moved: readonly { readonly from: string; readonly to: string; readonly percent: number }[];
  readonly fallsBack: readonly { readonly lane: string; readonly service: string; readonly to: string }[];
  readonly changes: readonly { readonly path: string; readonly from: string | null; readonly to: string | null }[];
}

export interface History {
  readonly written: number;
  readonly revisions: readonly { readonly revision: number; readonly at: string; readonly by: string; readonly reason: string }[];
  readonly audit: readonly {
    readonly at: string;
    readonly by: string;
    readonly action: string;
    readonly from: number | null;
    readonly to: number | null;
    readonly reason: string;
  }[];
}

export interface Differences {
  readonly endpoints: readonly {
    readonly mirror: string;
    readonly endpoint: string;
    readonly compared: number;
    readonly probed: number;
    readonly paths: readonly {
      readonly path: string;
      readonly kind: string;
      readonly verdict: string;
      readonly raw: number;
      readonly noise: number;
      readonly onlyRaw: number;
      readonly onlyNoise: number;
      readonly diffy: { readonly relative: number; readonly absolute: number };
    }[];
    readonly samples: readonly {
      readonly at: string;
      readonly seen: number;
      readonly sample: {
        readonly differences?: readonly {
          readonly path: string;
          readonly kind: string;
          readonly left: string | null;
          readonly right: string | null;
        }[];
      };
    }[];
  }[];
}

export interface Refused {
  readonly title: string;
  readonly detail: string;
  readonly problems?: readonly Problem[];
}
