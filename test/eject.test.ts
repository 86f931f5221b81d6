/** `edge/eject.ts` by an injected clock: what takes hours, and what takes thousands of lanes. */
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { Fallback } from "../src/core/lane-group.ts";
import { admit, ejectedFor, failed, forgetHealth, healthKey, release, succeeded } from "../src/edge/eject.ts";

const settings = (failures: number, seconds: number): Fallback => ({
  statuses: new Set([503]),
  timeoutMs: 10_000,
  deadlineMs: 30_000,
  methods: new Set(["GET"]),
  idempotencyKey: false,
  maxBodyBytes: 65_536,
  eject: { failures, seconds },
});
const key = healthKey("shop", "s2", "web");
/** Of a probe, in milliseconds. */
const LEASE = 10_000;
const ordinary = { probe: false, repeated: true };
const probe = { probe: true, repeated: true };
const START = 1_800_000_000_000;

beforeEach(forgetHealth);

/** Fails until ejected; gives the time of the ejection. */
function eject(lane: string, fallback: Fallback, now: number): number {
  for (let failure = 1; failure < fallback.eject.failures; failure++) expect(failed(lane, ordinary, fallback, now)).toBe(false);
  expect(failed(lane, ordinary, fallback, now)).toBe(true);
  return now;
}

describe("an ejection", () => {
  it("lasts for its seconds, twice as long after each probe that fails, and ten minutes at most", () => {
    const fallback = settings(5, 30);
    let now = eject(key, fallback, START);
    for (const seconds of [30, 60, 120, 240, 480, 600, 600, 600]) {
      expect(ejectedFor(key, now)).toBe(seconds);
      expect(admit(key, () => true, LEASE, now + seconds * 1000 - 1)).toBe("ejected");
      now += seconds * 1000;
      expect(admit(key, () => true, LEASE, now)).toBe("probe");
      expect(failed(key, probe, fallback, now)).toBe(true);
    }
  });

  it("ends with a probe that is answered, and the next one is short again", () => {
    const fallback = settings(2, 30);
    const first = eject(key, fallback, START);
    expect(admit(key, () => true, LEASE, first + 30_000)).toBe("probe");
    failed(key, probe, fallback, first + 30_000);
    expect(admit(key, () => true, LEASE, first + 90_000)).toBe("probe");
    succeeded(key, true);
    expect(admit(key, () => true, LEASE, first + 90_100)).toBe("open");
    expect(ejectedFor(key, first + 90_100)).toBeNull();
    expect(ejectedFor(key, eject(key, fallback, first + 100_000))).toBe(30);
  });

  it("has one probe at a time, which must be repeatable, and another when it never comes back", () => {
    const fallback = settings(1, 30);
    const now = eject(key, fallback, START) + 30_000;
    expect(admit(key, () => false, LEASE, now)).toBe("ejected");
    expect(admit(key, () => true, LEASE, now)).toBe("probe");
    expect(admit(key, () => true, LEASE, now)).toBe("ejected");
    expect(admit(key, () => true, LEASE, now + LEASE - 1)).toBe("ejected");
    expect(admit(key, () => true, LEASE, now + LEASE)).toBe("probe");
  });

  it("fault A5: has its next probe at once where one came to nothing", () => {
    const fallback = settings(1, 30);
    const now = eject(key, fallback, START) + 30_000;
    expect(admit(key, () => true, LEASE, now)).toBe("probe");
    release(key);
    expect(admit(key, () => true, LEASE, now)).toBe("probe");
    expect(admit(key, () => true, LEASE, now)).toBe("ejected");
  });

  it("is neither ended nor drawn out by answers to requests that are no probe, however late", () => {
    const fallback = settings(1, 30);
    const now = eject(key, fallback, START);
    for (const late of [now + 1_000, now + 30_000]) {
      succeeded(key, false);
      expect(failed(key, ordinary, fallback, late)).toBe(false);
    }
    expect(ejectedFor(key, now)).toBe(30);
    expect(admit(key, () => true, LEASE, now + 29_999)).toBe("ejected");
    expect(admit(key, () => true, LEASE, now + 30_000)).toBe("probe");
  });

  it("is one origin's own", () => {
    const fallback = settings(1, 30);
    eject(key, fallback, START);
    for (const other of [healthKey("shop", "s2", "api"), healthKey("shop", "s3", "web"), healthKey("news", "s2", "web")])
      expect(admit(other, () => true, LEASE, START)).toBe("open");
  });
});

describe("an hour of a dead lane", () => {
  it("fault 54: costs the lane one probe per interval, and the baseline no more than the lane's share", () => {
    const fallback = settings(5, 30);
    let [lane, baseline] = [0, 0];
    const perSecond = 100;
    for (let at = 0; at < 3_600 * perSecond; at++) {
      const now = START + (at * 1000) / perSecond;
      const admission = admit(key, () => true, LEASE, now);
      if (admission !== "ejected") {
        lane += 1;
        failed(key, admission === "probe" ? probe : ordinary, fallback, now);
      }
      baseline += 1;
    }
    // 5 failures, then probes after 30, 60, 120, 240, 480 s and five times 600 s.
    expect(lane).toBe(5 + 9);
    expect(baseline).toBe(3_600 * perSecond);
  });
});

describe("the retry budget", () => {
  it("allows 20 repeats and a fifth of the answered requests, whatever the order", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 400 }), (answers) => {
        forgetHealth();
        const fallback = settings(1_000_000, 30);
        let [repeats, answered] = [0, 0];
        for (const answer of answers) {
          if (answer) {
            succeeded(key, false);
            answered += 1;
          } else {
            repeats += 1;
            if (failed(key, ordinary, fallback, START)) break;
          }
        }
        expect(repeats).toBeLessThanOrEqual(20 + answered / 5);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it("is not spent by failures that nobody repeats", () => {
    const fallback = settings(1_000_000, 30);
    for (let failure = 0; failure < 500; failure++) expect(failed(key, { probe: false, repeated: false }, fallback, START)).toBe(false);
  });
});

describe("the memory of lanes", () => {
  it("fault 95: holds 2,000 of them; the oldest give way", () => {
    const fallback = settings(1, 600);
    const lane = (n: number) => healthKey("shop", `lane-${n}`, "web");
    for (let n = 0; n < 5_000; n++) eject(lane(n), fallback, START);
    const known = Array.from({ length: 5_000 }, (_, n) => admit(lane(n), () => true, LEASE, START)).map(
      (admission) => admission === "ejected",
    );
    expect(known.filter(Boolean)).toHaveLength(2_000);
    expect(known.slice(3_000).every(Boolean)).toBe(true);
  });
});
