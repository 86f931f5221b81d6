/**
 * The noisy service of the acceptance: every answer has a new timestamp and a random id, its tags shuffled and a flag drawn 50/50. Real bodies
 * go through the real comparison; only the draws are simulated, from a fixed seed. The table that is printed has Diffy's rule on the same data.
 */
import { afterAll, expect, it, vi } from "vitest";
import { compareAnswers } from "../../src/core/compare.ts";
import { readBody } from "../../src/core/compare-body.ts";
import { compareRules } from "../../src/core/compare-rules.ts";
import type { Difference } from "../../src/core/difference.ts";
import { type Counts, diffyFigures, type Observed, pair, type Verdict, verdict } from "../../src/core/noise.ts";
import { FORMATS, OPAQUE } from "../support/formats.ts";

const compiled = compareRules({ noisePercent: 20, headers: [], ignore: [], unordered: [], key: {}, tolerance: {} });
if (!compiled.ok) throw new Error("the rules are right");
const rules = compiled.value;

// Thousands of comparisons: seconds on a quiet machine, and a minute on one that does other work.
vi.setConfig({ testTimeout: 180_000 });

/** Mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ORDERS = ["red green blue", "green blue red", "blue red green", "red blue green", "green red blue", "blue green red"].map((order) =>
  order.split(" "),
);
const FLAGS = ["on", "off", "broken", null];
const PRICES = [10, 11];

/** One answer. Timestamp and id are never the same twice in one request: the asking (0 to 2) stands for them. */
interface Draw {
  readonly asking: number;
  readonly tags: number;
  readonly flag: number;
  readonly price: number;
}

const numberOf = ({ asking, tags, flag, price }: Draw): number =>
  ((asking * ORDERS.length + tags) * FLAGS.length + flag) * PRICES.length + price;

const bodyOf = ({ asking, tags, flag, price }: Draw): string =>
  JSON.stringify({
    at: 1_760_000_000_000 + asking,
    id: `f3a${asking}`,
    name: "Lamp",
    price: PRICES[price],
    tags: ORDERS[tags],
    flag: FLAGS[flag],
  });

const compared = new Map<number, readonly Difference[]>();

function differencesOf(left: Draw, right: Draw): readonly Difference[] {
  const key = numberOf(left) * 1000 + numberOf(right);
  const known = compared.get(key);
  if (known) return known;
  const answer = (draw: Draw) =>
    ({ status: 200, headers: new Map<string, string>(), body: { form: "json", text: bodyOf(draw), cut: false } }) as const;
  const { differences } = compareAnswers(answer(left), answer(right), rules);
  compared.set(key, differences);
  return differences;
}

type Place = { counts: { -readonly [K in keyof Counts]: Counts[K] }; rank: number | null };

interface Scenario {
  readonly name: string;
  readonly runs: number;
  readonly requests: number;
  /** What the candidate makes of an answer of the known code. */
  readonly candidate: (draw: Draw, random: () => number) => Draw;
  /** `kind path` of what is really wrong. */
  readonly wrong: string | null;
}

interface Outcome {
  /** Shares of the runs: something healthy called a regression at any moment; what is wrong found at any moment; the median request. */
  readonly falsely: number;
  readonly found: number;
  readonly median: number;
  readonly diffy: { readonly falselyEver: number; readonly falselyAtEnd: number; readonly foundEver: number; readonly foundAtEnd: number };
}

function observe(scenario: Scenario, random: () => number): Observed[] {
  const draw = (asking: number): Draw => ({ asking, tags: Math.floor(random() * ORDERS.length), flag: random() < 0.5 ? 0 : 1, price: 0 });
  const [primary, probe, candidate] = [draw(0), draw(1), scenario.candidate(draw(2), random)];
  return pairOf(differencesOf(primary, candidate), differencesOf(primary, probe));
}

const pairs = new Map<readonly Difference[], Map<readonly Difference[], Observed[]>>();

function pairOf(raw: readonly Difference[], noise: readonly Difference[]): Observed[] {
  const known = pairs.get(raw) ?? new Map<readonly Difference[], Observed[]>();
  pairs.set(raw, known);
  const observed = known.get(noise) ?? pair(raw, noise).sort((a, b) => (a.path < b.path ? -1 : 1));
  known.set(noise, observed);
  return observed;
}

const keyOf = ({ kind, path }: Observed): string => `${kind} ${path}`;

function simulate(scenario: Scenario, seed: number): Outcome {
  const tally = { falsely: 0, found: [] as number[], diffy: { falselyEver: 0, falselyAtEnd: 0, foundEver: 0, foundAtEnd: 0 } };
  const draw = random(seed);
  for (let run = 0; run < scenario.runs; run++) {
    const places = new Map<string, Place>();
    let ranks = 0;
    const named = new Map<string, number>();
    const diffyNamed = new Set<string>();
    for (let request = 1; request <= scenario.requests; request++) {
      for (const observed of observe(scenario, draw)) {
        const key = keyOf(observed);
        const place = places.get(key) ?? { counts: { raw: 0, noise: 0, onlyRaw: 0, onlyNoise: 0 }, rank: null };
        places.set(key, place);
        for (const count of ["raw", "noise", "onlyRaw", "onlyNoise"] as const) place.counts[count] += observed.counts[count];
        if (observed.counts.onlyRaw + observed.counts.onlyNoise === 0) continue;
        place.rank ??= ++ranks;
        if (!named.has(key) && verdict(place.counts, request, place.rank, false) === "regression") named.set(key, request);
        if (diffyFigures(place.counts, request).real) diffyNamed.add(key);
      }
    }
    const real = [...places].filter(([, { counts }]) => diffyFigures(counts, scenario.requests).real).map(([key]) => key);
    const isFalse = (key: string) => key !== scenario.wrong;
    if ([...named.keys()].some(isFalse)) tally.falsely++;
    const at = scenario.wrong === null ? undefined : named.get(scenario.wrong);
    if (at !== undefined) tally.found.push(at);
    if ([...diffyNamed].some(isFalse)) tally.diffy.falselyEver++;
    if (real.some(isFalse)) tally.diffy.falselyAtEnd++;
    if (scenario.wrong !== null && diffyNamed.has(scenario.wrong)) tally.diffy.foundEver++;
    if (scenario.wrong !== null && real.includes(scenario.wrong)) tally.diffy.foundAtEnd++;
  }
  const share = (count: number) => count / scenario.runs;
  return {
    falsely: share(tally.falsely),
    found: share(tally.found.length),
    median: tally.found.sort((a, b) => a - b)[Math.floor(scenario.runs / 2)] ?? Number.POSITIVE_INFINITY,
    diffy: {
      falselyEver: share(tally.diffy.falselyEver),
      falselyAtEnd: share(tally.diffy.falselyAtEnd),
      foundEver: share(tally.diffy.foundEver),
      foundAtEnd: share(tally.diffy.foundAtEnd),
    },
  };
}

const table: Record<string, string | number>[] = [];
afterAll(() => console.table(table));

function measure(scenario: Scenario, seed: number): Outcome {
  const outcome = simulate(scenario, seed);
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const { falsely, found, median, diffy } = outcome;
  const isWrong = scenario.wrong !== null;
  table.push({
    scenario: scenario.name,
    requests: scenario.requests,
    runs: scenario.runs,
    "false, ever": percent(falsely),
    found: isWrong ? percent(found) : "",
    "median at": isWrong && Number.isFinite(median) ? median : "",
    "Diffy false, ever / at end": `${percent(diffy.falselyEver)} / ${percent(diffy.falselyAtEnd)}`,
    "Diffy found, ever / at end": isWrong ? `${percent(diffy.foundEver)} / ${percent(diffy.foundAtEnd)}` : "",
  });
  return outcome;
}

const healthy = (draw: Draw): Draw => draw;
/** The candidate answers with another flag in this share of the requests. */
const flagging = (share: number, flag: string | null) => (draw: Draw, random: () => number) =>
  random() < share ? { ...draw, flag: FLAGS.indexOf(flag) } : draw;

it("a healthy candidate of a noisy service has no regression in 99 % of 1,000 runs, though one looks after every request", () => {
  const { falsely, diffy } = measure({ name: "healthy", runs: 1000, requests: 200, candidate: healthy, wrong: null }, 1);
  expect(falsely).toBeLessThanOrEqual(0.01);
  expect(diffy.falselyEver).toBeGreaterThan(0.5);
});

it("a flag that differs in 10 % more of the requests than by itself is found within 1,000 requests in 80 % of the runs", () => {
  // By itself in 50 %; with a wrong value in every fifth answer in 0.8 · 50 % + 20 % = 60 %.
  const scenario = { name: "flag differs in 60 % instead of 50 %", runs: 200, requests: 1000, candidate: flagging(0.2, "broken") };
  const { falsely, found, diffy } = measure({ ...scenario, wrong: "value body.flag" }, 2);
  expect(found).toBeGreaterThanOrEqual(0.8);
  expect(falsely).toBeLessThanOrEqual(0.01);
  expect(diffy.foundAtEnd).toBe(0);
});

it("a flag that is null in 10 % of the answers is found in nearly all runs, since no noise is of that kind", () => {
  const { falsely, found } = measure(
    { name: "flag is null in 10 %", runs: 60, requests: 1000, candidate: flagging(0.1, null), wrong: "type body.flag" },
    3,
  );
  expect(found).toBeGreaterThanOrEqual(0.99);
  expect(falsely).toBeLessThanOrEqual(0.01);
});

it("a flag of a wrong value in 10 % of the answers, which differs in 55 % instead of 50 %, mostly needs more than 1,000 requests", () => {
  const scenario = { name: "flag differs in 55 % instead of 50 %", runs: 60, requests: 1000, candidate: flagging(0.1, "broken") };
  const { falsely, found } = measure({ ...scenario, wrong: "value body.flag" }, 4);
  expect(found).toBeLessThan(0.5);
  expect(falsely).toBeLessThanOrEqual(0.01);
});

it("a field that always differs is found within 20 requests, beside all the noise", () => {
  const candidate = (draw: Draw) => ({ ...draw, price: 1 });
  const { falsely, found } = measure({ name: "price always differs", runs: 300, requests: 20, candidate, wrong: "value body.price" }, 5);
  expect(found).toBe(1);
  expect(falsely).toBeLessThanOrEqual(0.01);
});

/** A time stamp of three words, each of which may be the same by chance. */
const STAMPS = ["Mon", "Tue", "Wed"].flatMap((day) =>
  ["10:00:01", "10:00:02", "10:00:03"].flatMap((time) => ["n1", "n2"].map((node) => `${day} ${time} ${node}`)),
);

type Written = Pick<(typeof FORMATS)[string], "type" | "write">;

/** Each pair of bodies is compared once. */
function comparer({ type, write }: Written): (left: number, right: number, price: string) => readonly Difference[] {
  const known = new Map<string, readonly Difference[]>();
  const answer = (stamp: number, price: string) => {
    const body = write(STAMPS[stamp]!, price);
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    return { status: 200, headers: new Map<string, string>(), body: readBody(type, null, bytes, false) };
  };
  return (left, right, price) => {
    const key = `${left} ${right} ${price}`;
    const found = known.get(key) ?? compareAnswers(answer(left, "12.50"), answer(right, price), rules).differences;
    known.set(key, found);
    return found;
  };
}

/** Runs of one mirror whose every format is an endpoint: what is called a regression at any moment, and what all is called at the end. */
function simulateFormats(
  formats: Readonly<Record<string, Written>>,
  price: string,
  { runs, requests }: { runs: number; requests: number },
) {
  const draw = random(7);
  const stamp = () => Math.floor(draw() * STAMPS.length);
  const comparers = Object.entries(formats).map(([name, format]) => [name, comparer(format)] as const);
  return Array.from({ length: runs }, () => {
    const places = new Map<string, Place & { opaque: boolean }>();
    const named = new Set<string>();
    let ranks = 0;
    for (let request = 1; request <= requests; request++) {
      for (const [name, compare] of comparers) {
        const primary = stamp();
        for (const observed of pairOf(compare(primary, stamp(), price), compare(primary, stamp(), "12.50"))) {
          const key = `${name}: ${keyOf(observed)}`;
          const place = places.get(key) ?? { counts: { raw: 0, noise: 0, onlyRaw: 0, onlyNoise: 0 }, rank: null, opaque: false };
          places.set(key, place);
          place.opaque ||= observed.opaque === true;
          for (const count of ["raw", "noise", "onlyRaw", "onlyNoise"] as const) place.counts[count] += observed.counts[count];
          if (observed.counts.onlyRaw + observed.counts.onlyNoise === 0) continue;
          place.rank ??= ++ranks;
          if (verdict(place.counts, request, place.rank, false, place.opaque) === "regression") named.add(key);
        }
      }
    }
    const last = new Map<string, Verdict>();
    for (const [key, { counts, rank, opaque }] of places) last.set(key, verdict(counts, requests, rank, false, opaque));
    return { named, last };
  });
}

const wrongPlaces = Object.entries(FORMATS).map(([name, { price }]) => `${name}: ${price}`);

it("a healthy candidate has no regression in any of the formats in 99 % of 300 runs, though one looks after every request", () => {
  const runs = simulateFormats(FORMATS, "12.50", { runs: 300, requests: 60 });
  expect(runs.filter(({ named }) => named.size > 0).length).toBeLessThanOrEqual(3);
});

it("a wrong price beside a time stamp is found in each of the formats within 120 requests, at the price, and nothing else is", () => {
  const runs = simulateFormats(FORMATS, "13.50", { runs: 100, requests: 120 });
  for (const place of wrongPlaces) expect(runs.filter(({ named }) => named.has(place)).length, place).toBeGreaterThanOrEqual(95);
  expect(runs.filter(({ named }) => named.size > wrongPlaces.length).length).toBeLessThanOrEqual(1);
});

it.each(["12.50", "13.50"])("what nobody can take apart is never called noise, at a price of %s", (price) => {
  const [run] = simulateFormats(OPAQUE, price, { runs: 1, requests: 200 });
  expect(new Set(run!.last.values())).not.toContain("noise");
  for (const [name, { place }] of Object.entries(OPAQUE)) expect(run!.last.get(`${name}: ${place}`)).not.toBe("noise");
});
