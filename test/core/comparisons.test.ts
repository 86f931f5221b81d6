import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Comparisons, type EndpointBatch, mergeSamples } from "../../src/core/comparisons.ts";

/** mulberry32: the same numbers in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const batch = (changes: Partial<EndpointBatch> = {}): EndpointBatch => ({
  mirror: "m",
  endpoint: "GET /",
  compared: 1,
  probed: 0,
  more: 0,
  places: [],
  signatures: [],
  ...changes,
});
const place = (path: string, kind = "value") => ({ path, kind, counts: { raw: 1, noise: 0, onlyRaw: 1, onlyNoise: 0 } });
const seen = (signature: string, ...samples: string[]) => ({ signature, seen: samples.length, samples });

describe("sums of comparisons", () => {
  it("are the same in whatever parts and order they come", () => {
    const part = fc.record({
      path: fc.constantFrom("a", "b"),
      kind: fc.constantFrom("value", "type"),
      endpoint: fc.constantFrom("GET /a", "GET /b"),
      cut: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        const whole = new Comparisons(() => 0);
        const outer = new Comparisons(() => 0);
        let inner = new Comparisons(() => 0);
        for (const { path, kind, endpoint, cut } of parts) {
          const one = batch({ endpoint, probed: 1, places: [place(path, kind)] });
          whole.add(one);
          inner.add(one);
          if (!cut) continue;
          for (const sum of inner.take()) outer.add(sum);
          inner = new Comparisons(() => 0);
        }
        for (const sum of inner.take()) outer.add(sum);
        expect(outer.take()).toEqual(whole.take());
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it("have so many endpoints, places and signatures, and a short name for the rest", () => {
    const sums = new Comparisons(() => 0.5);
    for (let i = 0; i < 300; i++) {
      sums.add(batch({ endpoint: `GET /${i}` }));
      sums.add(batch({ endpoint: "GET /0", places: [place(`body.k${i}`)], signatures: [seen(`value body.k${i}`, "{}")] }));
    }
    const all = sums.take();
    expect([all.length, all.find(({ endpoint }) => endpoint === "other")]).toMatchObject([201, { compared: 100 }]);
    expect([all[0]!.places.length, all[0]!.more, all[0]!.signatures.length]).toEqual([200, 100, 20]);
    expect([sums.size, sums.take()]).toEqual([0, []]);
    sums.add(batch({ endpoint: "x".repeat(9_999), places: [place("y".repeat(513))] }));
    expect(sums.take()[0]).toMatchObject({ endpoint: "x".repeat(512), more: 1, places: [] });
  });

  it.each<[string, (id: number) => string]>([
    ["of ids", (id) => `body.byId.k${id}x`],
    ["below ids", (id) => `body.byId.k${id}x.price`],
    ["of ids in quotes", (id) => `body['k.${id}'].items[].price`],
  ])("keep a place that comes late among keys %s", (_, pathOf) => {
    const sums = new Comparisons(() => 0.5);
    for (let i = 0; i < 2_000; i++) sums.add(batch({ places: [place(pathOf(i)), place(pathOf(i))] }));
    for (let i = 2_000; i < 4_000; i++) sums.add(batch({ places: [place(pathOf(i)), ...(i % 100 === 0 ? [place("body.total")] : [])] }));
    const [all] = sums.take();
    expect(all!.places).toHaveLength(200);
    expect(all!.places.find(({ path }) => path === "body.total")?.counts.raw).toBe(20);
    expect(all!.places.reduce((sum, { counts }) => sum + counts.raw, all!.more)).toBe(6_020);
  });

  it("leave out samples that are too long, one by one and together", () => {
    const sums = new Comparisons(() => 0.5);
    sums.add(batch({ signatures: [seen("a", "x".repeat(16 * 1024 + 1), "y")] }));
    for (let i = 0; i < 100; i++) sums.add(batch({ endpoint: `GET /${i}`, signatures: [seen("a", "x".repeat(16_000))] }));
    const all = sums.take();
    expect(all[0]!.signatures).toEqual([{ signature: "a", seen: 2, samples: ["y"] }]);
    const length = all
      .flatMap(({ signatures }) => signatures.flatMap(({ samples }) => samples))
      .reduce((sum, text) => sum + text.length, 0);
    expect(length).toBeLessThanOrEqual(512 * 1024);
    expect(length).toBeGreaterThan(490 * 1024);
  });
});

describe("names of endpoints", () => {
  const flood = (sums: Comparisons, from: number, count: number, named: boolean) => {
    for (let i = from; i < from + count; i++) sums.add(batch({ endpoint: `GET /junk-${i}` }), named);
  };
  const namesOf = (sums: Comparisons) => sums.take().map(({ endpoint }) => endpoint);

  it("are for paths with a good answer only", () => {
    const sums = new Comparisons(() => 0);
    flood(sums, 0, 500, false);
    sums.add(batch({ endpoint: "GET /cart" }));
    expect(namesOf(sums)).toEqual(["other", "GET /cart"]);
  });

  it("stay with an endpoint whose answers went bad, from one batch to the next", () => {
    const sums = new Comparisons(() => 0);
    sums.add(batch({ endpoint: "GET /cart" }));
    sums.take();
    sums.add(batch({ endpoint: "GET /cart" }), false);
    expect(namesOf(sums)).toEqual(["GET /cart"]);
  });

  it("go from the least used to who comes, and what that had counted to `other`", () => {
    const sums = new Comparisons(() => 0);
    for (let i = 0; i < 5; i++) sums.add(batch({ endpoint: "GET /cart", places: [place("body.price")] }));
    flood(sums, 0, 1_000, true);
    for (let i = 0; i < 3; i++) sums.add(batch({ endpoint: "GET /late" }));
    flood(sums, 1_000, 1_000, true);
    const all = sums.take();
    expect(all).toHaveLength(201);
    expect(all.find(({ endpoint }) => endpoint === "GET /cart")).toMatchObject({ compared: 5, places: [{ counts: { raw: 5 } }] });
    expect(all.find(({ endpoint }) => endpoint === "GET /late")).toMatchObject({ compared: 3 });
    expect(all.reduce((sum, { compared }) => sum + compared, 0)).toBe(2_008);
  });
});

describe("samples of two sets", () => {
  it("give each request the same chance, whichever set was larger", () => {
    const draw = random(5);
    const chosen = new Map<string, number>();
    for (let run = 0; run < 4_000; run++) {
      let all = { seen: 0, samples: [] as string[] };
      for (const size of [1, 3, 40, 6, 10]) {
        let part = { seen: 0, samples: [] as string[] };
        for (let i = 0; i < size; i++) part = { seen: part.seen + 1, samples: mergeSamples(part, { seen: 1, samples: [`${size}`] }, draw) };
        all = { seen: all.seen + part.seen, samples: mergeSamples(all, part, draw) };
      }
      expect(all).toMatchObject({ seen: 60, samples: { length: 5 } });
      for (const sample of all.samples) chosen.set(sample, (chosen.get(sample) ?? 0) + 1);
    }
    // 5 of 60 in 4,000 runs: 333 for each request, within five standard deviations.
    for (const [size, count] of chosen) {
      const expected = (Number(size) * 5 * 4_000) / 60;
      expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  });

  it("are all of them while there are at most five", () => {
    expect(mergeSamples({ seen: 2, samples: ["a", "b"] }, { seen: 3, samples: ["c", "d", "e"] }, random(1)).sort()).toEqual([
      "a",
      "b",
      "c",
      "d",
      "e",
    ]);
    expect(mergeSamples({ seen: 900, samples: [] }, { seen: 1, samples: ["a"] }, random(1))).toEqual(["a"]);
    expect(mergeSamples({ seen: 0, samples: [] }, { seen: 0, samples: [] }, random(1))).toEqual([]);
  });
});
