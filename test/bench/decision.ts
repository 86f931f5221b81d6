/** CPU of a decision alone, in Node: the group of the pipeline figure, and how it grows with rules, lanes, services and groups. */
import { withProgress } from "../../src/demo/progress.ts";
import { decider, type Visit } from "./decider.ts";
import type { Figure } from "./figure.ts";
import { type BenchGroup, benchGroup, benchHeaders } from "./fixture.ts";
import { median, pairedRatio } from "./stats.ts";

const ROUNDS = 31;
const TURN_MS = 20;

const origins = ["https://a1.example", "https://a2.example", "https://a3.example"];
const base = benchGroup(origins);
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** The five rules two hundred times, each time for other values. */
const manyRules = (): BenchGroup => ({
  ...base,
  rules: times(200, (i) => [
    { name: `pr-${i}`, when: { baggage: { [`pr-${i}`]: { regex: "[0-9]+" } } }, lane: "s2" },
    {
      name: `beta-${i}`,
      when: { path: { prefix: `/beta/${i}` }, not: { header: { "x-bot": { exists: true } } } },
      weights: { s1: 50, s3: 50 },
    },
    { name: `tester-${i}`, when: { cookie: { tester: { in: [`${i}`, `yes-${i}`] } } }, lane: "s3" },
    { name: `tenant-${i}`, when: { header: { "x-tenant": `acme-${i}` } }, lane: "s3" },
    { name: `preview-${i}`, when: { query: { preview: `${i}` }, method: "GET" }, lane: "s2" },
  ]).flat(),
});

/** What no index helps with: every rule tests the one header that came. */
const triedRules = (matcher: (i: number) => object): BenchGroup => ({
  ...base,
  rules: times(1000, (i) => ({ name: `tenant-${i}`, when: { header: { "x-tenant": matcher(i) } }, lane: "s3" })),
});

const manyLanes = (): BenchGroup => ({
  ...base,
  lanes: {
    ...base.lanes,
    ...Object.fromEntries(times(497, (i) => [`p${i}`, { weight: 0.02, origins: { mocka: `https://p${i}.example` } }])),
  },
});

const manyServices = (): BenchGroup => {
  const names = times(197, (i) => `service-${i}`);
  const more = Object.fromEntries(names.map((name) => [name, `https://${name}.example`]));
  return {
    ...base,
    services: { ...base.services, ...Object.fromEntries(names.map((name, i) => [name, { path: `/part/${i}`, entry: i % 2 === 0 }])) },
    lanes: { ...base.lanes, s1: { ...base.lanes.s1!, origins: { ...base.lanes.s1!.origins, ...more } } },
  };
};

const manyGroups = (): BenchGroup[] => [base, ...times(199, (i) => benchGroup(origins, `group-${i}`, `g${i}.example.com`))];

/** Sixteen visitors, so that no input is a constant. */
const visits: Visit[] = times(16, (i) => ({
  url: `http://mock.example.com/products/${i}?page=${i}`,
  headers: new Map(Object.entries({ ...benchHeaders(i * 600), "x-tenant": `other-${i}` })),
}));

const cases: readonly { name: string; groups: readonly BenchGroup[] }[] = [
  { name: "the group: 5 rules, 3 lanes, 3 services", groups: [base] },
  { name: "1,000 rules, found by key and value", groups: [manyRules()] },
  { name: "500 lanes", groups: [manyLanes()] },
  { name: "200 services", groups: [manyServices()] },
  { name: "200 groups in force", groups: manyGroups() },
  { name: "1,000 rules, each a prefix of the same header", groups: [triedRules((i) => ({ prefix: `acme-${i}-` }))] },
  { name: "1,000 rules, each a regex of the same header", groups: [triedRules((i) => ({ regex: `acme-${i}-[a-z]+` }))] },
];

/** CPU of one call, over as many as fit into `TURN_MS`. */
function cpuMicros(work: (visit: Visit) => unknown): number {
  const end = performance.now() + TURN_MS;
  const before = process.cpuUsage();
  let calls = 0;
  while (performance.now() < end) {
    for (const visit of visits) work(visit);
    calls += visits.length;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

export async function decision(): Promise<Figure> {
  const works = cases.map(({ groups }) => decider(groups));
  const facts: number[] = [];
  const decided: number[][] = cases.map(() => []);
  let round = -3;
  await withProgress("decision", ROUNDS + 3, async () => {
    const reading = cpuMicros(works[0]!.read);
    const both = works.map(({ readAndDecide }) => cpuMicros(readAndDecide));
    if (round++ < 0) return;
    facts.push(reading);
    for (const [at, micros] of both.entries()) decided[at]!.push(micros);
  });
  const row = (name: string, series: readonly number[]) => {
    const { median: ratio, low, high } = pairedRatio(series, decided[0]!);
    return { name, micros: median(series), ratio, interval: `${low.toFixed(2)}–${high.toFixed(2)}` };
  };
  return {
    name: "decision",
    title: `CPU of one decision in Node ${process.version} (${ROUNDS} interleaved rounds of ${TURN_MS} ms)`,
    columns: [
      { key: "name", label: "Facts read, group found, lane decided" },
      { key: "micros", label: "CPU µs", digits: 2 },
      { key: "ratio", label: "÷ first", digits: 2 },
      { key: "interval", label: "95 %" },
    ],
    rows: [...cases.map(({ name }, at) => row(name, decided[at]!)), row("facts alone (URL, baggage, trace)", facts)],
    notes: [
      "Budget: ≤ 5 µs for the group, ≤ 2 × that with 1,000 rules, 500 lanes, 200 services or 200 groups.",
      "Rules that test a value which came, other than for equality, have to be tried one by one: the last two rows of rules are the worst case.",
    ],
  };
}
