/** The example of the contract's section 2, without its comments. A new object each time, for tests to change. */
// biome-ignore lint/suspicious/noExplicitAny: tests break it in every way.
export const exampleFile = (): any => ({
  $schema: "./lane-group.schema.json",
  schema: 1,
  name: "mock",
  note: "free text, shown by explain",
  hosts: ["mock.example.com", "*.mock.example.com"],
  baseline: "s1",
  mode: "permissive",
  context: "signed",
  expose: true,
  services: {
    mocka: {},
    mockb: { hosts: ["mockb.mock.example.com"], entry: false },
    mockc: { hosts: ["mockc.mock.example.com"], path: "/", entry: false, mirrored: "block", timeoutMs: 4000 },
  },
  lanes: {
    s1: { weight: 60, origins: { mocka: "https://a1.example", mockb: "https://b1.example", mockc: "https://c1.example" } },
    s2: {
      weight: 20,
      origins: {
        mocka: "https://a2.example",
        mockc: { url: "https://c2.example/prefix", headers: { "x-env": "s2", "x-key": { env: "C2_KEY" } }, baggage: "none" },
      },
    },
    s3: { weight: 20, owner: "payments", expiresAt: "2027-01-31T00:00:00Z", origins: { mockb: { binding: "MOCKB_V3" } } },
  },
  rules: [
    { name: "pr", when: { baggage: { pr: { regex: "[0-9]+" } } }, lane: "s2" },
    { name: "beta", when: { path: { prefix: "/beta" }, not: { header: { "x-bot": { exists: true } } } }, weights: { s1: 50, s3: 50 } },
  ],
  sticky: { by: "cookie", maxAgeSeconds: 2592000, epoch: 1 },
  propagate: { header: "x-asm-prefer-tag", baggage: "lane", headers: ["version", { prefix: "user-" }] },
  fallback: {
    statuses: [502, 503, 504, "520-530"],
    timeoutMs: 10000,
    deadlineMs: 30000,
    methods: ["GET", "HEAD", "OPTIONS"],
    idempotencyKey: false,
    maxBodyBytes: 65536,
    eject: { failures: 5, seconds: 30 },
  },
  mirrors: [
    {
      name: "next",
      lane: "s3",
      percent: 10,
      by: "visitor",
      from: ["s1"],
      services: ["mockb"],
      when: { path: { prefix: "/" } },
      writes: "block",
      timeoutMs: 5000,
      maxBodyBytes: 1048576,
      credentials: "strip",
      scrub: { headers: ["x-api-key"], query: ["token"], baggage: ["email"], json: ["card.number", "users[].email", "tags.*.owner"] },
      compare: {
        noisePercent: 20,
        headers: ["content-type", "location", "cache-control", "vary"],
        ignore: ["headers.date", "body.items[].updatedAt"],
        unordered: ["body.tags"],
        key: { "body.items": "id" },
        tolerance: { "body.score": 0.01 },
      },
      expiresAt: "2027-01-31T00:00:00Z",
    },
  ],
  stubs: [
    {
      service: "mockc",
      when: { method: "POST", path: { prefix: "/charge" } },
      response: { status: 200, json: { ok: true }, delayMs: 0 },
    },
  ],
  log: { baggage: ["pr"], samplePercent: 100 },
});

/** As little as a lane file can say. */
// biome-ignore lint/suspicious/noExplicitAny: tests break it in every way.
export const smallestFile = (): any => ({
  schema: 1,
  name: "small",
  hosts: ["small.example.com"],
  baseline: "main",
  services: { web: {} },
  lanes: { main: { weight: 1, origins: { web: "https://web.example" } } },
});

/** `value` at `path` of a lane file; undefined takes the key away. */
export function withValue(file: unknown, path: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(file);
  let holder = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>;
  const last = path.at(-1)!;
  if (value === undefined && Array.isArray(holder)) holder.splice(Number(last), 1);
  else if (value === undefined) delete holder[last];
  else Object.defineProperty(holder, last, { value, enumerable: true, configurable: true, writable: true });
  return copy;
}
