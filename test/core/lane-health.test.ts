import { describe, expect, it } from "vitest";
import { concernOf, laneHealth, type ServiceFigures } from "../../src/core/lane-health.ts";

const row = (lane: string, requests: number, errors: number, service = "web", fellBack = 0): ServiceFigures => ({
  lane,
  service,
  requests,
  errors,
  fellBack,
});
const said = (...rows: ServiceFigures[]) => laneHealth(rows, "s1").flatMap((lane) => concernOf(lane) ?? []);

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

describe("a lane beside the baseline", () => {
  it("that fails is said with both figures", () => {
    expect(said(row("s1", 1_240, 5), row("s2", 1_240, 1_210))).toEqual([
      "s2 answers 97.6 % of 1,240 requests with errors, the baseline 0.4 %",
    ]);
    expect(said(row("s1", 1_000_000, 1), row("s2", 1_234_567, 1_234_567, "web", 1_234_000))).toEqual([
      "s2 answers 100 % of 1,234,567 requests with errors, the baseline less than 0.1 %; 1,234,000 fell back",
    ]);
  });

  it("that is as bad as the baseline is not, however bad both are", () => {
    expect(said(row("s1", 1_000, 30), row("s2", 1_000, 33))).toEqual([]);
    // The baseline itself has nothing to be compared with.
    expect(said(row("s1", 1_000, 900), row("s2", 1_000, 910))).toEqual(["s1 answers 90 % of 1,000 requests with errors"]);
  });

  it("that is better never is", () => {
    expect(laneHealth([row("s1", 1_000, 40), row("s2", 1_000, 0)], "s1")[1]).toMatchObject({ verdict: "ok" });
  });

  it.each([
    [1, 1],
    [3, 3],
    [4, 4],
    [50, 1],
  ])("with %i requests and %i errors is no reason to cry", (requests, errors) => {
    expect(said(row("s1", 1_000, 4), row("s2", requests, errors))).toEqual([]);
    expect(said(row("s2", requests, errors))).toEqual([]);
  });

  it("is compared service by service: what one service does everywhere is no lane's fault", () => {
    const api = [row("s1", 100, 0, "api"), row("s2", 2_000, 0, "api")];
    expect(said(row("s1", 2_000, 60), row("s2", 2_000, 64), ...api)).toEqual([]);
    // Together 3 % of the baseline's requests fail and 20 % of the lane's, because the lane has more of the bad service.
    const bad = [row("s1", 100, 30, "bad"), row("s2", 1_000, 300, "bad")];
    const [, lane] = laneHealth([row("s1", 1_000, 0), row("s2", 500, 0), ...bad], "s1");
    expect(lane).toMatchObject({ lane: "s2", verdict: "ok" });
  });

  it("without enough of the baseline is judged by what it does alone", () => {
    expect(said(row("s1", 99, 0), row("s2", 1_000, 60))).toEqual(["s2 answers 6 % of 1,000 requests with errors, the baseline 0 %"]);
    expect(said(row("s1", 20, 0), row("s2", 20, 20))).toEqual(["s2 answers 100 % of 20 requests with errors, the baseline 0 %"]);
    expect(said(row("s1", 99, 0), row("s2", 1_000, 40))).toEqual([]);
    expect(said(row("s1", 1_000, 0, "api"), row("s2", 1_000, 60))).toEqual(["s2 answers 6 % of 1,000 requests with errors"]);
  });

  it("fault A18: is judged service by service: one that the baseline hardly has is not hidden by one that it has", () => {
    const web = [row("s1", 110, 0), row("s2", 110, 0)];
    expect(said(...web, row("s1", 3, 0, "api"), row("s2", 150, 150, "api"))).toEqual([
      "s2 answers 100 % of 150 requests to api with errors, the baseline 0 %",
    ]);
    expect(said(...web, row("s2", 20, 20, "api", 18))).toEqual(["s2 answers 100 % of 20 requests to api with errors; 18 fell back"]);
    expect(said(...web, row("s2", 4, 4, "api"))).toEqual([]);
    expect(said(row("s1", 9_000, 0), row("s2", 9_000, 0), row("s1", 3, 0, "api"), row("s2", 150, 150, "api"))).toHaveLength(1);
  });

  it("fault A18: nor is one that is worse by one that is better", () => {
    const better = [row("s1", 2_000, 400, "old"), row("s2", 2_000, 200, "old")];
    expect(said(...better, row("s1", 1_000, 0), row("s2", 1_000, 40))).toContain(
      "s2 answers 4 % of 1,000 requests to web with errors, the baseline 0 %",
    );
  });

  it("fault A18: the baseline's own service that fails is said beside one that is well", () => {
    expect(said(row("s1", 400, 0), row("s1", 20, 20, "api"))).toEqual(["s1 answers 100 % of 20 requests to api with errors"]);
    expect(said(row("s1", 400, 0), row("s1", 20, 20, "api"), row("s2", 400, 0), row("s2", 20, 20, "api"))[0]).toMatch(/^s1 .* to api/);
    expect(said(row("s1", 400, 0), row("s1", 1_000, 40, "api"))).toEqual([]);
  });

  it("alarms falsely in less than 1 of 1,000 looks at lanes as good as the baseline", () => {
    const draw = random(7);
    const errors = (requests: number, rate: number) => {
      let count = 0;
      for (let i = 0; i < requests; i++) if (draw() < rate) count++;
      return count;
    };
    let alarms = 0;
    for (let look = 0; look < 4_000; look++) {
      const rate = [0.01, 0.1, 0.5][look % 3]!;
      const lane = 20 + Math.floor(draw() * 300);
      if (said(row("s1", 400, errors(400, rate)), row("s2", lane, errors(lane, rate))).some((text) => text.startsWith("s2"))) alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(4);
  });

  it("stays a number whatever the counts are", () => {
    const [, lane] = laneHealth([row("s1", 1e9, 1e8), row("s2", 1e9, 9e8)], "s1");
    expect([lane!.verdict, Number.isFinite(lane!.evidence)]).toEqual(["worse", true]);
    expect(laneHealth([row("s1", 0, 0), row("s2", 0, 0)], "s1")).toEqual([]);
  });
});
