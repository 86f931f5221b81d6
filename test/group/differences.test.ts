import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import type { EndpointBatch } from "../../src/core/comparisons.ts";
import { Differences, RETENTION_MS } from "../../src/group/differences.ts";
import { groupNamed, insideGroup } from "../support/group.ts";

// KV takes one write a second, so tests of several revisions take as many.
vi.setConfig({ testTimeout: 20_000 });

const NOW = 1_800_000_000_000;
const counts = (raw: number, noise: number, onlyRaw: number, onlyNoise: number) => ({ raw, noise, onlyRaw, onlyNoise });

const batch = (endpoint: string, changes: Partial<EndpointBatch> = {}): EndpointBatch => ({
  mirror: "next",
  endpoint,
  compared: 10,
  probed: 2,
  more: 0,
  places: [],
  signatures: [],
  ...changes,
});

const seen = (signature: string, ...samples: string[]) => [{ signature, seen: samples.length, samples }];

function add(store: Differences, batches: readonly EndpointBatch[], now = NOW): void {
  store.add(batches);
  store.write(now);
}

const withStore = <T>(name: string, run: (store: Differences, sql: SqlStorage) => T, random = () => 0.99): Promise<T> =>
  insideGroup(name, (_, { storage }) => run(new Differences(storage.sql, random), storage.sql));

describe("stored differences", () => {
  it("are sums by mirror, endpoint, place and kind", async () => {
    await withStore("sums", (store) => {
      const places = [
        { path: "body.total", kind: "value", counts: counts(3, 1, 2, 0) },
        { path: "body.total", kind: "type", counts: counts(1, 0, 0, 0) },
      ];
      add(store, [batch("GET /cart", { places }), batch("GET /cart", { mirror: "other" })]);
      add(store, [batch("GET /cart", { places: places.slice(0, 1), compared: 5, probed: 1 })]);
      expect(store.read(NOW)).toEqual([
        {
          mirror: "next",
          endpoint: "GET /cart",
          compared: 15,
          probed: 3,
          truncated: 0,
          more: 0,
          places: [
            { path: "body.total", kind: "type", ...counts(1, 0, 0, 0), rank: null },
            { path: "body.total", kind: "value", ...counts(6, 2, 4, 0), rank: 1 },
          ],
          samples: [],
        },
        { mirror: "other", endpoint: "GET /cart", compared: 10, probed: 2, truncated: 0, more: 0, places: [], samples: [] },
      ]);
    });
  });

  it("keep that a place hides what is in it, once it was so, also in a store that was made before", async () => {
    await withStore("opaque", (store, sql) => {
      sql.exec("ALTER TABLE places DROP COLUMN opaque");
      const upgraded = new Differences(sql, () => 0.5);
      const place = (opaque: boolean) => [
        { path: "body[]", kind: "value", counts: counts(1, 1, 0, 0), ...(opaque && { opaque: true as const }) },
      ];
      for (const opaque of [false, true, false]) add(upgraded, [batch("GET /text", { places: place(opaque) })]);
      add(store, [batch("GET /json", { places: place(false) })]);
      expect(upgraded.read(NOW).map(({ endpoint, places }) => [endpoint, places])).toEqual([
        ["GET /json", [{ path: "body[]", kind: "value", ...counts(1, 1, 0, 0), rank: null }]],
        ["GET /text", [{ path: "body[]", kind: "value", ...counts(3, 3, 0, 0), rank: null, opaque: true }]],
      ]);
    });
  });

  it("rank places by when they first had a pair, per mirror over all endpoints, together by name", async () => {
    await withStore("ranks", (store) => {
      const place = (path: string, onlyRaw: number) => ({ path, kind: "value", counts: counts(1, 0, onlyRaw, 0) });
      add(store, [batch("GET /a", { places: [place("z", 1), place("y", 1), place("x", 0)] })]);
      add(store, [batch("GET /b", { places: [place("a", 1)] }), batch("GET /a", { mirror: "other", places: [place("z", 1)] })]);
      add(store, [batch("GET /a", { places: [place("x", 1), place("z", 1)] })]);
      const ranks = store
        .read(NOW)
        .flatMap(({ mirror, endpoint, places }) => places.map(({ path, rank }) => `${mirror} ${endpoint} ${path} ${rank}`));
      expect(ranks).toEqual(["next GET /a x 4", "next GET /a y 1", "next GET /a z 2", "next GET /b a 3", "other GET /a z 1"]);
    });
  });

  it("cannot grow by endless endpoints: past the 200th they are `other`", async () => {
    await withStore("endless", (store, sql) => {
      const place = [{ path: "body.a", kind: "value", counts: counts(1, 0, 1, 0) }];
      for (let i = 0; i < 1_000; i++) add(store, [batch(`GET /${i}`, { places: place, signatures: seen("value body.a", "{}") })]);
      const size = sql.databaseSize;
      const rows = store.read(NOW);
      expect(rows).toHaveLength(201);
      expect(rows.find(({ endpoint }) => endpoint === "other")).toMatchObject({ compared: 8_000, places: [{ onlyRaw: 800 }] });
      for (let i = 1_000; i < 3_000; i++) add(store, [batch(`GET /${i}`, { places: place, signatures: seen("value body.a", "{}") })]);
      expect(sql.databaseSize - size).toBeLessThan(64 * 1024);
    });
  });

  it("give the name of the least used endpoint to who comes, and tell the rest as `other`", async () => {
    await withStore("gives way", (store) => {
      const place = [{ path: "body.a", kind: "value", counts: counts(1, 0, 1, 0) }];
      add(store, [batch("GET /cart", { compared: 50, places: place })]);
      for (let i = 0; i < 400; i++) add(store, [batch(`GET /junk-${i}`, { compared: 1, places: place })]);
      add(store, [batch("GET /late", { compared: 5 })]);
      for (let i = 400; i < 600; i++) add(store, [batch(`GET /junk-${i}`, { compared: 1 })]);
      const rows = store.read(NOW);
      expect(rows).toHaveLength(201);
      expect(rows.find(({ endpoint }) => endpoint === "GET /cart")).toMatchObject({ compared: 50, places: [{ rank: 1 }] });
      expect(rows.find(({ endpoint }) => endpoint === "GET /late")).toMatchObject({ compared: 5 });
      expect(rows.reduce((sum, { compared }) => sum + compared, 0)).toBe(655);
      // A rank is used once, though the place that had it is gone.
      add(store, [batch("GET /cart", { places: [{ ...place[0]!, path: "body.b" }] })]);
      const rank = store.read(NOW).find(({ endpoint }) => endpoint === "GET /cart")!.places[1]!.rank;
      expect(rank).toBeGreaterThan(400);
    });
  });

  it("let names of yesterday's paths give way to today's", async () => {
    await withStore("yesterday", (store) => {
      for (let i = 0; i < 200; i++) add(store, [batch(`GET /old-${i}`, { compared: 1_000 })]);
      const later = NOW + 12 * 24 * 60 * 60 * 1000;
      for (let i = 0; i < 5; i++) for (let j = 0; j < 100; j++) add(store, [batch(`GET /new-${j}`, { compared: 5 })], later);
      const names = store.read(later).map(({ endpoint }) => endpoint);
      expect(names.filter((name) => name.startsWith("GET /new"))).toHaveLength(100);
    });
  });

  it("cannot grow by endless places or signatures: what is too much is counted", async () => {
    await withStore("places", (store, sql) => {
      for (let i = 0; i < 50; i++) {
        const places = Array.from({ length: 100 }, (_, j) => ({ path: `body.k${i * 100 + j}`, kind: "extra", counts: counts(1, 0, 1, 0) }));
        add(store, [batch("GET /", { places, signatures: seen(`extra body.k${i}`, "{}") })]);
      }
      const [row] = store.read(NOW);
      expect([row!.places.length, row!.more, row!.samples.length]).toEqual([200, 4_800, 20]);
      expect(sql.exec("SELECT COUNT(*) AS n FROM signatures").one()).toEqual({ n: 20 });
      add(store, [batch("GET /", { places: [{ path: "x".repeat(600), kind: "extra", counts: counts(1, 0, 1, 0) }] })]);
      expect(store.read(NOW)[0]!.more).toBe(4_801);
    });
  });

  it("tell of how many requests only a beginning was compared, also in a store that was made before", async () => {
    await withStore("cut", (store, sql) => {
      add(store, [batch("GET /", { truncated: 3 }), batch("GET /", { truncated: 1 }), batch("GET /")]);
      expect(store.read(NOW)).toMatchObject([{ compared: 30, truncated: 4, probed: 6, more: 0 }]);
      sql.exec("ALTER TABLE endpoints DROP COLUMN truncated");
      const after = new Differences(sql, () => 0);
      add(after, [batch("GET /", { truncated: 2, more: 1 })]);
      expect(after.read(NOW)).toMatchObject([{ compared: 40, truncated: 2, probed: 8, more: 1 }]);
    });
  });

  it("keep a place that comes late among endless keys that are ids, and its rank", async () => {
    await withStore("ids", (store) => {
      const places = (from: number) =>
        Array.from({ length: 100 }, (_, j) => ({ path: `body.byId.k${from + j}x.price`, kind: "extra", counts: counts(1, 0, 1, 0) }));
      for (let i = 0; i < 10; i++) add(store, [batch("GET /", { places: places(i * 100) })]);
      const total = { path: "body.total", kind: "value", counts: counts(1, 0, 1, 0) };
      add(store, [batch("GET /", { places: [...places(1_000), total] })]);
      for (let i = 11; i < 21; i++) add(store, [batch("GET /", { places: places(i * 100) })]);
      add(store, [batch("GET /", { places: [total] })]);
      const [row] = store.read(NOW);
      expect(row!.places).toHaveLength(200);
      expect(row!.places.find(({ path }) => path === "body.total")).toMatchObject({ raw: 2, rank: 1_101 });
      expect(row!.more).toBe(2_100 - 199);
    });
  });

  it("have five samples per set of places, each request with the same chance to be one", async () => {
    let state = 1;
    const random = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return state / 0x80000000;
    };
    await withStore(
      "reservoir",
      (store) => {
        const chosen = new Array<number>(10).fill(0);
        for (let run = 0; run < 60; run++) {
          store.clear();
          for (let i = 0; i < 100; i++) add(store, [batch("GET /", { signatures: seen("value a", String(i)) })]);
          const { samples } = store.read(NOW)[0]!;
          expect(samples).toHaveLength(5);
          expect(samples[0]!.seen).toBe(100);
          for (const { text } of samples) chosen[Math.floor(Number(text) / 10)]!++;
        }
        // 300 draws over ten parts: 30 each, five standard deviations either way.
        for (const count of chosen) expect(Math.abs(count - 30)).toBeLessThan(27);
      },
      random,
    );
  });

  it("keep samples small, in all, and for a week", async () => {
    await withStore("samples", (store, sql) => {
      add(store, [batch("GET /", { signatures: seen("value a", "x".repeat(16 * 1024 + 1)) })]);
      expect(store.read(NOW)[0]!.samples).toEqual([]);
      for (let i = 0; i < 200; i++) {
        const signatures = Array.from({ length: 4 }, (_, j) => seen(`value k${j}`, "x".repeat(15_000))).flat();
        add(store, [batch(`GET /${i}`, { signatures })], NOW + i);
      }
      const size = () => sql.exec<{ n: number }>("SELECT COALESCE(SUM(length(text)), 0) AS n FROM samples").one().n;
      expect(size()).toBeLessThanOrEqual(4 * 1024 * 1024);
      expect(size()).toBeGreaterThan(3.5 * 1024 * 1024);
      store.write(NOW + RETENTION_MS + 150);
      expect(store.expiresAt()).toBe(NOW + 151 + RETENTION_MS);
      store.write(NOW + RETENTION_MS + 200);
      expect([size(), store.expiresAt()]).toEqual([0, null]);
    });
  });

  it("go by the object's alarm when nobody comes any more", async () => {
    const group = groupNamed("alarm");
    await group.count({ tallies: [], assigned: [], endpoints: [batch("GET /", { signatures: seen("value a", "{}") })] });
    expect((await group.differences())[0]!.samples).toHaveLength(1);
    await insideGroup("alarm", async (_, { storage }) => {
      expect(Math.abs((await storage.getAlarm())! - Date.now() - RETENTION_MS)).toBeLessThan(10_000);
      storage.sql.exec("UPDATE samples SET at = at - ?", RETENTION_MS);
    });
    await runDurableObjectAlarm(group);
    await insideGroup("alarm", (_, { storage }) => {
      expect(storage.sql.exec("SELECT COUNT(*) AS n FROM samples").one()).toEqual({ n: 0 });
    });
  });

  it("never put off a write that is due", async () => {
    const group = groupNamed("due");
    await insideGroup("due", (_, { storage }) => storage.setAlarm(Date.now() + 3_600_000));
    await group.count({ tallies: [], assigned: [], endpoints: [batch("GET /", { signatures: seen("value a", "{}") })] });
    await insideGroup("due", async (_, { storage }) => {
      expect(await storage.getAlarm()).toBeLessThan(Date.now() + 3_600_001);
    });
  });

  it("are all gone after they were deleted, ranks too", async () => {
    const group = groupNamed("gone");
    const places = [{ path: "body.a", kind: "value", counts: counts(1, 0, 1, 0) }];
    const sent = { tallies: [], assigned: [], endpoints: [batch("GET /", { places, signatures: seen("value a", "{}") })] };
    await group.count(sent);
    await group.forgetDifferences("gone", "ann");
    expect(await group.differences()).toEqual([]);
    await insideGroup("gone", (_, { storage }) => {
      for (const table of ["endpoints", "places", "signatures", "samples"])
        expect(storage.sql.exec(`SELECT COUNT(*) AS n FROM ${table}`).one()).toEqual({ n: 0 });
    });
    await group.count(sent);
    expect((await group.differences())[0]!.places[0]!.rank).toBe(1);
    expect((await group.history("gone", 9, 9)).audit).toMatchObject([{ action: "delete differences", by: "ann" }]);
  });
});
