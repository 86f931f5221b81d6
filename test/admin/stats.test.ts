import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bucketOf } from "../../src/core/latency.ts";
import { emptyTally, type Tally } from "../../src/core/tally.ts";
import { type Batch, countAssigned, countComparison, countCopy, countUncompared, takeBatches, tallyOf } from "../../src/edge/batch.ts";
import { flush, flushSoon } from "../../src/edge/flush.ts";
import { call, create, READ_TOKEN, refreshGroups } from "../support/admin.ts";
import { groupNamed, laneFile, workerEnv } from "../support/group.ts";

// KV takes one write a second, so tests of several revisions take as many.
vi.setConfig({ testTimeout: 20_000 });

const url = (name: string, rest: string) => `/__lanes/api/groups/${name}${rest}`;
const row = (lane: string, service: string, changes: Partial<Tally>): Batch["tallies"][number] => ({
  lane,
  service,
  tally: { ...emptyTally(), ...changes },
});

beforeEach(() => void takeBatches());
afterEach(() => void takeBatches());

interface Stats {
  readonly rows: { readonly lane: string; readonly latency: { readonly buckets: object[] } }[];
  readonly visitors: object[];
  readonly ratio: { readonly verdict: string; readonly causes: string[] };
}
const statsOf = async (name: string, query = "") => (await call("GET", url(name, `/stats${query}`), { token: READ_TOKEN })).json<Stats>();

describe("stats", () => {
  it("come back as they were counted in the isolate", async () => {
    await create("round", laneFile("round"));
    const tally = tallyOf("round", "s1", "web");
    tally.requests += 8;
    tally.errors += 1;
    tally.fallbacks["status:503"] = 1;
    tally.latency[bucketOf(100)]! += 7;
    tally.latencyMs += 700;
    tallyOf("round", "s2", "web").requests += 2;
    countCopy("round", "s3", "web", null);
    countCopy("round", "s3", "web", "busy");
    countUncompared("round", "s3", "web", "type");
    await flush(workerEnv);
    expect(takeBatches().size).toBe(0);
    expect(await statsOf("round")).toMatchObject({
      group: "round",
      revision: 1,
      minutes: 60,
      rows: [
        {
          lane: "s1",
          service: "web",
          requests: 8,
          share: 80,
          errors: 1,
          fallbacks: { "status:503": 1 },
          ejections: 0,
          latency: { p50: 98.7, p95: 98.7, p99: 98.7, buckets: [{ upToMs: expect.closeTo(107.6, 0), count: 7 }] },
        },
        { lane: "s2", requests: 2, share: 20, latency: { p50: null, buckets: [] } },
        { lane: "s3", requests: 0, share: 0, copies: { sent: 1, dropped: { busy: 1 }, uncompared: { type: 1 } } },
      ],
      series: [
        { lane: "s1", requests: 8, errors: 1 },
        { lane: "s2", requests: 2 },
        { lane: "s3", requests: 0 },
      ],
    });
    expect((await statsOf("round", "?minutes=9999")).rows).toHaveLength(3);
    expect((await call("GET", url("nobody", "/stats"))).status).toBe(404);
  });

  it("judge new visitors against the configured shares, under the revision that drew them", async () => {
    await create("ratio", laneFile("ratio"));
    let slot = 0;
    const visitors = (revision: number, counts: Record<string, number>) => {
      for (const [lane, count] of Object.entries(counts))
        for (let i = 0; i < count; i++) countAssigned("ratio", { revision, lane, drawn: true }, slot++, Date.now());
      return flush(workerEnv);
    };
    await visitors(1, { s1: 600, s2: 200, s3: 200 });
    expect(await statsOf("ratio")).toMatchObject({
      visitors: [
        { lane: "s1", configured: 60, observed: 60, assigned: 600 },
        { lane: "s2", configured: 20, observed: 20 },
        { lane: "s3", configured: 20, observed: 20 },
      ],
      ratio: { verdict: "ok", causes: [] },
    });
    await visitors(1, { s1: 900, s3: 300 });
    expect((await statsOf("ratio")).ratio).toMatchObject({ verdict: "invalid", causes: expect.arrayContaining([expect.any(String)]) });
    await call("POST", url("ratio", "/weights"), { body: { weights: { s2: 0 } }, headers: { "if-match": '"1"' } });
    await visitors(1, { s2: 50 });
    expect((await statsOf("ratio")).ratio.verdict).toBe("none");
    await visitors(2, { s1: 80, s3: 20 });
    expect((await statsOf("ratio")).ratio.verdict).toBe("ok");
  });

  it("leave a lane out of the judgement once it has expired", async () => {
    const file = laneFile("late");
    const lanes = { ...file.lanes, s3: { ...file.lanes.s3, expiresAt: "2020-01-01T00:00:00Z" } };
    await create("late", { ...file, lanes });
    for (let i = 0; i < 600; i++) countAssigned("late", { revision: 1, lane: i % 4 === 0 ? "s2" : "s1", drawn: true }, i, Date.now());
    await flush(workerEnv);
    expect((await statsOf("late")).ratio.verdict).toBe("ok");
  });
});

describe("a flush", () => {
  it("is taken on by one request in five seconds, behind its answer", async () => {
    const waits: Promise<unknown>[] = [];
    const ctx = { waitUntil: (promise: Promise<unknown>) => waits.push(promise) } as unknown as ExecutionContext;
    for (let i = 0; i < 100; i++) flushSoon(workerEnv, ctx, 1_000_000 + i);
    expect(waits).toHaveLength(1);
    flushSoon(workerEnv, ctx, 1_000_000 + 10_001);
    expect(waits).toHaveLength(2);
    const { GROUP: _, ANALYTICS: __, ...plain } = workerEnv;
    flushSoon(plain, ctx, 2_000_000);
    expect(waits).toHaveLength(2);
  });

  it("never rejects, and tells Analytics Engine too, where it is bound", async () => {
    const points: AnalyticsEngineDataPoint[] = [];
    const ANALYTICS = { writeDataPoint: (point: AnalyticsEngineDataPoint) => void points.push(point) };
    tallyOf("points", "s1", "web").requests += 3;
    tallyOf("points", "s1", "web").fallbacks.timeout = 2;
    await flush({ ...workerEnv, ANALYTICS });
    expect(points).toEqual([{ indexes: ["points"], blobs: ["s1", "web"], doubles: [3, 0, 2, 0, 0, 0, 0] }]);
    const GROUP = { getByName: () => ({ count: () => Promise.reject(new Error("down")) }) } as unknown as DurableObjectNamespace;
    tallyOf("points", "s1", "web").requests += 3;
    await flush({ ...workerEnv, GROUP });
    expect(takeBatches().size).toBe(0);
  });
});

describe("a batch", () => {
  it("holds so many endpoints and samples, whatever is asked for", () => {
    const observed = [{ path: "body.a", kind: "value" as const, counts: { raw: 1, noise: 0, onlyRaw: 1, onlyNoise: 0 } }];
    for (let i = 0; i < 500; i++) {
      countComparison("flood", "s2", "web", {
        mirror: "m",
        endpoint: `GET /${i}`,
        named: true,
        probed: true,
        truncated: false,
        observed,
        sample: "x".repeat(10_000),
      });
    }
    const { endpoints, tallies } = takeBatches().get("flood")!;
    expect(endpoints).toHaveLength(201);
    expect(endpoints.find(({ endpoint }) => endpoint === "other")).toMatchObject({
      endpoint: "other",
      compared: 300,
      probed: 300,
      places: [{ path: "body.a", kind: "value", counts: { onlyRaw: 300 } }],
    });
    const samples = endpoints.flatMap(({ signatures }) => signatures.flatMap((each) => each.samples));
    expect(samples.length).toBeGreaterThan(45);
    expect(samples.length).toBeLessThanOrEqual(52);
    expect(tallies).toMatchObject([{ lane: "s2", tally: { compared: 500, different: 500 } }]);
  });
});

describe("metrics", () => {
  it("are Prometheus text, of all groups", async () => {
    await create("prom", laneFile("prom"));
    refreshGroups();
    const latency = emptyTally().latency;
    latency[bucketOf(3)]! += 2;
    latency[bucketOf(100_000)]! += 1;
    const tallies = [row("s1", "web", { requests: 3, errors: 1, fallbacks: { timeout: 1, "status:503": 2 }, latency, latencyMs: 100_006 })];
    await groupNamed("prom").count({ tallies, assigned: [], endpoints: [] });
    const answer = await call("GET", "/__lanes/metrics", { token: READ_TOKEN });
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const text = await answer.text();
    const labels = 'group="prom",lane="s1",service="web"';
    for (const line of [
      "# TYPE laneway_requests_total counter",
      `laneway_requests_total{${labels}} 3`,
      `laneway_errors_total{${labels}} 1`,
      `laneway_fallbacks_total{${labels},reason="status:503"} 2`,
      "# TYPE laneway_origin_seconds histogram",
      `laneway_origin_seconds_bucket{${labels},le="0.002"} 0`,
      `laneway_origin_seconds_bucket{${labels},le="0.004"} 2`,
      `laneway_origin_seconds_bucket{${labels},le="65.536"} 2`,
      `laneway_origin_seconds_bucket{${labels},le="+Inf"} 3`,
      `laneway_origin_seconds_sum{${labels}} 100.006`,
      `laneway_origin_seconds_count{${labels}} 3`,
      'laneway_lane_share{group="prom",lane="s1"} 0.6',
      'laneway_revision{group="prom"} 1',
      'laneway_off{group="prom"} 0',
    ])
      expect(text.split("\n")).toContain(line);
    for (const line of text.split("\n")) expect(line).toMatch(/^(?:|# (?:HELP|TYPE) laneway_\w+ .+|laneway_\w+\{[^{}]+\} [\d.e+-]+)$/);
    expect((await call("GET", "/__lanes/metrics", { token: null })).status).toBe(401);
  });
});

describe("differences", () => {
  it("are shown with verdict and samples, and deleted", async () => {
    const file = { ...laneFile("diff"), mirrors: [{ name: "m", lane: "s2", percent: 10, compare: { ignore: ["body.noisy"] } }] };
    await create("diff", file);
    refreshGroups();
    const place = (path: string, onlyRaw: number, noise: number) => ({
      path,
      kind: "value",
      counts: { raw: onlyRaw, noise, onlyRaw, onlyNoise: noise },
    });
    const text = { ...place("body[]", 20, 20), opaque: true as const };
    const places = [place("body.broken", 40, 0), place("body.noisy[].at", 40, 0), place("body.clock", 20, 20), text];
    const signatures = [{ signature: "value body.broken\nvalue body.clock", seen: 1, samples: ['{"left":"<script>"}'] }];
    const endpoints = [{ mirror: "m", endpoint: "GET /", compared: 60, probed: 50, more: 0, places, signatures }];
    await groupNamed("diff").count({ tallies: [], assigned: [], endpoints });
    const answer = await (await call("GET", url("diff", "/differences"), { token: READ_TOKEN })).json<{
      endpoints: { paths: { path: string; verdict: string; why: string | null }[] }[];
    }>();
    expect(answer).toMatchObject({
      group: "diff",
      endpoints: [
        {
          mirror: "m",
          endpoint: "GET /",
          compared: 60,
          probed: 50,
          samples: [
            {
              paths: [
                { kind: "value", path: "body.broken" },
                { kind: "value", path: "body.clock" },
              ],
              seen: 1,
              sample: { left: "<script>" },
            },
          ],
        },
      ],
    });
    expect(answer.endpoints[0]!.paths.map(({ path, verdict, why }) => [path, verdict, why])).toEqual([
      ["body.broken", "regression", null],
      ["body.clock", "noise", null],
      ["body.noisy[].at", "ignored", null],
      ["body[]", "undecided", expect.stringContaining("may hide in it")],
    ]);
    expect((await call("DELETE", url("diff", "/differences"))).status).toBe(204);
    expect(await (await call("GET", url("diff", "/differences"))).json()).toEqual({ group: "diff", endpoints: [] });
  });
});
