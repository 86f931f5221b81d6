import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Difference } from "../../src/core/difference.ts";
import { type Counts, diffyFigures, evidence, evidenceNeeded, pair, verdict, whyUndecided } from "../../src/core/noise.ts";

const difference = (path: string, kind: Difference["kind"] = "value", times = 1): Difference => ({ path, kind, left: 1, right: 2, times });

/** `path kind: raw noise onlyRaw onlyNoise`. */
const paired = (raw: Difference[], noise: Difference[] | null): string[] =>
  pair(raw, noise).map(({ path, kind, counts }) => `${path} ${kind}: ${counts.raw}${counts.noise}${counts.onlyRaw}${counts.onlyNoise}`);

describe("one request's pairs", () => {
  it("are places where one of the two answers differs and the other does not", () => {
    expect(paired([difference("body.a"), difference("body.b")], [difference("body.b"), difference("body.c")])).toEqual([
      "body.a value: 1010",
      "body.b value: 1100",
      "body.c value: 0101",
    ]);
  });

  it("are places where one of them differs in more elements, so that noise in one does not hide another", () => {
    expect(paired([difference("body.l[].x", "value", 2)], [difference("body.l[].x", "value", 1)])).toEqual(["body.l[].x value: 1110"]);
    expect(paired([difference("body.l[].x", "value", 2)], [difference("body.l[].x", "value", 5)])).toEqual(["body.l[].x value: 1101"]);
  });

  it("keep kinds apart, so that a noisy value does not hide a missing one", () => {
    expect(paired([difference("body.a", "missing")], [difference("body.a", "value")])).toEqual([
      "body.a missing: 1010",
      "body.a value: 0101",
    ]);
  });

  it("are none where nobody asked twice", () => {
    expect(paired([difference("body.a")], null)).toEqual(["body.a value: 1000"]);
    expect(paired([], null)).toEqual([]);
  });

  it("are none at places that one comparison could not see", () => {
    const [status, list, root] = [difference("status", "status"), difference("body.items", "length"), difference("body", "parse")];
    expect(paired([status], [difference("body.at"), difference("headers.vary")])).toEqual([
      "status status: 1010",
      "body.at value: 0100",
      "headers.vary value: 0100",
    ]);
    expect(paired([difference("body.items[].at"), difference("body.items2")], [list])).toEqual([
      "body.items[].at value: 1010",
      "body.items2 value: 1010",
      "body.items length: 0101",
    ]);
    expect(paired([root], [difference("body.a.b"), difference("headers.vary")])).toEqual([
      "body parse: 1010",
      "body.a.b value: 0100",
      "headers.vary value: 0101",
    ]);
  });

  it("say the same of two answers that are swapped, with the sides swapped", () => {
    const kind = fc.constantFrom<Difference["kind"]>("value", "missing", "length", "status");
    const path = fc.constantFrom("body", "body.a", "body.a[].b", "body.a[].c", "body.ab", "headers.x", "status");
    const differences = fc.array(
      fc.record({ path, kind, times: fc.integer({ min: 1, max: 3 }), left: fc.constant(1), right: fc.constant(2) }),
    );
    fc.assert(
      fc.property(differences, differences, (raw, noise) => {
        const swapped = pair(noise, raw).map(({ counts, ...at }) => ({
          ...at,
          counts: { raw: counts.noise, noise: counts.raw, onlyRaw: counts.onlyNoise, onlyNoise: counts.onlyRaw },
        }));
        const byName = (list: object[]) => list.map((entry) => JSON.stringify(entry)).sort();
        expect(byName(pair(raw, noise))).toEqual(byName(swapped));
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe("the evidence", () => {
  it("is a likelihood ratio: its mean after any pair is what it was before", () => {
    for (const [b, c] of [
      [0, 0],
      [5, 1],
      [50, 60],
      [400, 380],
    ] as const) {
      const next = (Math.exp(evidence(b + 1, c)) + Math.exp(evidence(b, c + 1))) / 2;
      expect(next / Math.exp(evidence(b, c))).toBeCloseTo(1, 10);
    }
  });

  it("starts at nothing, grows with pairs against the candidate and shrinks with pairs against the probe", () => {
    expect(evidence(0, 0)).toBeCloseTo(0, 12);
    for (let n = 0; n < 30; n++) {
      expect(evidence(n + 1, 3)).toBeGreaterThan(evidence(n, 3));
      expect(evidence(3, n + 1)).toBeLessThan(evidence(3, n));
    }
    expect(Number.isFinite(evidence(1e7, 1e7)) && Number.isFinite(evidence(0, 1e7)) && Number.isFinite(evidence(1e7, 0))).toBe(true);
  });

  /** The exact chance that the evidence ever reaches `needed` within `pairs` pairs, each against the candidate with chance `share`. */
  const everReached = (needed: number, pairs: number, share: number): number => {
    let alive = new Map([[0, 1]]);
    let reached = 0;
    for (let n = 1; n <= pairs; n++) {
      const next = new Map<number, number>();
      for (const [b, chance] of alive) {
        for (const [count, part] of [
          [b + 1, chance * share],
          [b, chance * (1 - share)],
        ] as const) {
          if (part < 1e-12) continue;
          if (evidence(count, n - count) >= needed) reached += part;
          else next.set(count, (next.get(count) ?? 0) + part);
        }
      }
      alive = next;
    }
    return reached;
  };

  it("reaches 100 with a chance of at most 1 % if nothing is wrong, however often one looks", () => {
    const chance = everReached(Math.log(100), 500, 0.5);
    expect(chance).toBeLessThan(0.01);
    expect(chance).toBeGreaterThan(0.004);
    expect(everReached(Math.log(100), 200, 0.45)).toBeLessThan(0.005);
  });

  it("finds a place at which 6 of 10 pairs are against the candidate within 500 pairs in 80 %, at the second rank, too", () => {
    expect(everReached(evidenceNeeded(1), 500, 0.6)).toBeGreaterThan(0.85);
    expect(everReached(evidenceNeeded(2), 500, 0.6)).toBeGreaterThan(0.8);
  });

  it("needed by all ranks together is a chance of 1 %", () => {
    let sum = 0;
    for (let rank = 1; rank <= 100_000; rank++) sum += Math.exp(-evidenceNeeded(rank));
    expect(sum).toBeLessThanOrEqual(0.01);
    expect(sum).toBeGreaterThan(0.0099);
  });
});

describe("the verdict", () => {
  const counts = (raw: number, noise: number, onlyRaw: number, onlyNoise: number): Counts => ({ raw, noise, onlyRaw, onlyNoise });
  it.each([
    ["undecided where nobody asked twice", counts(500, 0, 0, 0), 0, null, "undecided"],
    ["suspect where it differs and the noise never does", counts(1, 0, 1, 0), 1, 1, "suspect"],
    ["suspect where only requests that were asked once differ", counts(5, 0, 0, 0), 40, null, "suspect"],
    ["noise where the service differs from itself", counts(200, 200, 0, 0), 200, null, "noise"],
    ["noise where both differ alike", counts(100, 104, 50, 54), 200, 1, "noise"],
    ["suspect one short of enough", counts(10, 0, 10, 0), 200, 1, "suspect"],
    ["regression with 11 of 11 at the first place", counts(11, 0, 11, 0), 11, 1, "regression"],
    ["not yet a regression with 11 of 11 at the tenth place", counts(11, 0, 11, 0), 11, 10, "suspect"],
    ["regression in spite of noise", counts(300, 200, 160, 60), 400, 3, "regression"],
    ["never against a candidate that differs less than the service itself", counts(0, 500, 0, 500), 500, 1, "noise"],
  ] as const)("is %s", (_, counts, probed, rank, expected) => {
    expect(verdict(counts, probed, rank, false)).toBe(expected);
    expect(verdict(counts, probed, rank, true)).toBe("ignored");
  });

  it("is undecided, never noise, where the place hides what is in it", () => {
    expect(verdict(counts(50, 50, 0, 0), 50, null, false, true)).toBe("undecided");
    expect(verdict(counts(50, 50, 3, 4), 50, 1, false, true)).toBe("undecided");
    expect(verdict(counts(50, 0, 5, 0), 50, 9, false, true)).toBe("suspect");
    expect(verdict(counts(50, 50, 40, 0), 50, 1, false, true)).toBe("regression");
    expect(verdict(counts(50, 50, 0, 0), 50, null, true, true)).toBe("ignored");
    expect(whyUndecided(0)).toContain("never asked twice");
    expect(whyUndecided(50)).toContain("may hide in it");
  });

  it("is regression within 20 requests for what always differs, at the first 35 places", () => {
    expect(verdict(counts(20, 0, 20, 0), 20, 35, false)).toBe("regression");
  });
});

it("a pair keeps that its place hides what is in it, whichever of the two shows it", () => {
  const opaque = (times: number): Difference => ({ ...difference("body[]", "value", times), opaque: true });
  const more = { path: "body[]", kind: "value", opaque: true, counts: { raw: 1, noise: 1, onlyRaw: 1, onlyNoise: 0 } };
  expect(pair([opaque(2)], [opaque(1)])).toEqual([more]);
  expect(pair([difference("body[]", "value", 2)], [opaque(1)])).toEqual([more]);
  expect(pair([], [opaque(1)])).toMatchObject([{ opaque: true }]);
  expect(pair([difference("a")], null)[0]).not.toHaveProperty("opaque");
});

describe("Diffy's figures", () => {
  it("are those of its rule, over requests that were asked twice", () => {
    // 30 of 100 differ, 10 by themselves; 400 more were asked once.
    expect(diffyFigures({ raw: 150, noise: 10, onlyRaw: 25, onlyNoise: 5 }, 100)).toEqual({
      raw: 30,
      noise: 10,
      relative: 50,
      absolute: 20,
      real: true,
    });
  });

  it("count a request once, though both differ and the copy in more words", () => {
    expect(diffyFigures({ raw: 75, noise: 75, onlyRaw: 25, onlyNoise: 0 }, 75)).toMatchObject({ raw: 100, noise: 100, absolute: 0 });
  });

  it("need more raw than noise, 20 % relative and 0.03 % absolute, each exceeded", () => {
    expect(diffyFigures({ raw: 10, noise: 30, onlyRaw: 5, onlyNoise: 25 }, 100).real).toBe(false);
    expect(diffyFigures({ raw: 6, noise: 4, onlyRaw: 6, onlyNoise: 4 }, 100)).toMatchObject({ relative: 20, absolute: 2, real: false });
    expect(diffyFigures({ raw: 3, noise: 0, onlyRaw: 3, onlyNoise: 0 }, 10_000)).toMatchObject({
      relative: 100,
      absolute: 0.03,
      real: false,
    });
    expect(diffyFigures({ raw: 1, noise: 0, onlyRaw: 1, onlyNoise: 0 }, 1)).toMatchObject({ relative: 100, absolute: 100, real: true });
    expect(diffyFigures({ raw: 0, noise: 0, onlyRaw: 0, onlyNoise: 0 }, 0)).toEqual({
      raw: 0,
      noise: 0,
      relative: 0,
      absolute: 0,
      real: false,
    });
  });
});
