import { describe, expect, it } from "vitest";
import { bucketOf } from "../../src/core/latency.ts";
import { emptyTally, type Tally } from "../../src/core/tally.ts";
import { Counters } from "../../src/group/counters.ts";
import { insideGroup } from "../support/group.ts";

const MINUTE = 60_000;
const NOW = 30_000_000 * MINUTE;

function tally(changes: Partial<Tally>): Tally {
  return { ...emptyTally(), ...changes };
}

const one = (lane: string, changes: Partial<Tally>) => ({ tallies: [{ lane, service: "web", tally: tally(changes) }], assigned: [] });

/** Slots `first`…`first + count - 1`. */
const visitors = (revision: number, lane: string, first: number, count: number, drawn = true) => ({
  revision,
  lane,
  drawn,
  slots: Array.from({ length: count }, (_, i) => first + i),
});

const withCounters = <T>(name: string, run: (counters: Counters, sql: SqlStorage) => T): Promise<T> =>
  insideGroup(name, (_, { storage }) => run(new Counters(storage.sql), storage.sql));

describe("counters", () => {
  it("are the sums of all batches, reasons and latencies included", async () => {
    await withCounters("sums", (counters) => {
      const slow = emptyTally().latency;
      slow[bucketOf(900)]! += 2;
      const batch = one("s1", { requests: 3, errors: 1, fallbacks: { timeout: 1 }, latencyMs: 1_800, latency: slow });
      for (let i = 0; i < 4; i++) counters.add(batch, NOW);
      counters.add(
        one("s1", { requests: 1, fallbacks: { timeout: 1, "status:503": 2 }, sent: 5, dropped: { busy: 1 }, different: 2 }),
        NOW,
      );
      const [row] = counters.totals(NOW);
      expect(row).toMatchObject({
        lane: "s1",
        service: "web",
        tally: {
          requests: 13,
          errors: 4,
          fallbacks: { timeout: 5, "status:503": 2 },
          sent: 5,
          dropped: { busy: 1 },
          different: 2,
          latencyMs: 7_200,
        },
      });
      expect(row!.tally.latency[bucketOf(900)]).toBe(8);
    });
  });

  it("outlive the object once they are written, and are lost before", async () => {
    await withCounters("evicted", (counters, sql) => {
      counters.add(one("s1", { requests: 2 }), NOW);
      counters.write(NOW);
      counters.add(one("s1", { requests: 40 }), NOW);
      expect(new Counters(sql).totals(NOW)[0]!.tally.requests).toBe(2);
    });
  });

  it("keep minutes for three hours, and totals for as long as the lane has requests", async () => {
    await withCounters("minutes", (counters, sql) => {
      for (let minute = 0; minute < 400; minute++) {
        counters.add(one("s1", { requests: 1, errors: minute % 2 }), NOW);
        counters.write(NOW + minute * MINUTE);
      }
      const end = NOW + 399 * MINUTE;
      expect(sql.exec("SELECT COUNT(*) AS n FROM minutes").one()).toEqual({ n: 180 });
      expect(counters.recent(60, end).rows).toMatchObject([{ lane: "s1", tally: { requests: 60, errors: 30 } }]);
      expect(counters.recent(3, end).minutes).toEqual(
        [397, 398, 399].map((i) => ({ minute: 30_000_000 + i, lane: "s1", requests: 1, errors: i % 2 })),
      );
      expect(counters.totals(end)[0]!.tally.requests).toBe(400);
      expect(counters.totals(end + 29 * 24 * 60 * MINUTE)).toHaveLength(1);
      expect(counters.totals(end + 31 * 24 * 60 * MINUTE)).toHaveLength(0);
    });
  });

  it("tell new visitors apart by the revision that drew them", async () => {
    await withCounters("assigned", (counters) => {
      for (const [at, revision] of [1, 2, 2].entries())
        counters.add({ tallies: [], assigned: [visitors(revision, "s1", 0, 5), visitors(revision, "s2", 9_000, 1)] }, NOW + at * MINUTE);
      counters.write(NOW);
      expect(counters.assigned(2)).toEqual([
        { lane: "s1", count: 10, drawn: 10 },
        { lane: "s2", count: 2, drawn: 2 },
      ]);
      expect(counters.assigned(1)).toEqual([
        { lane: "s1", count: 5, drawn: 5 },
        { lane: "s2", count: 1, drawn: 1 },
      ]);
    });
  });

  it("take one vote a slot and minute, from however many isolates, and note whose slot a client chose", async () => {
    await withCounters("votes", (counters) => {
      for (let isolate = 0; isolate < 50; isolate++) {
        counters.add({ tallies: [], assigned: [visitors(1, "s1", 0, 1, false), visitors(1, "s2", 7_000, 2)] }, NOW + isolate * 1_000);
      }
      counters.add({ tallies: [], assigned: [visitors(1, "s1", 0, 1, false)] }, NOW + MINUTE);
      counters.write(NOW);
      expect(counters.assigned(1)).toEqual([
        { lane: "s1", count: 2, drawn: 0 },
        { lane: "s2", count: 2, drawn: 2 },
      ]);
    });
  });

  it("keep the newest twenty revisions' visitors, whatever numbers they have", async () => {
    await withCounters("revisions", (counters) => {
      const revisions = [...Array.from({ length: 20 }, (_, i) => i + 1), 999_999_999_999];
      for (const revision of revisions) counters.add({ tallies: [], assigned: [visitors(revision, "s1", 0, 1)] }, NOW);
      counters.write(NOW);
      expect(revisions.filter((revision) => counters.assigned(revision).length > 0)).toEqual(revisions.slice(1));
    });
  });
});
