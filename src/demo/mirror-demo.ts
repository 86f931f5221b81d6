/** `npm run demo -- --mirror`: a dark v2 gets copies of a thousand requests, and the table must name its two mistakes and nothing else. */
import { FORMATS } from "./catalog-formats.ts";
import type { LocalRun } from "./local-run.ts";
import { withProgress } from "./progress.ts";

/** Every fifth of them asks for the list. */
const PRODUCTS = 300;
const LIST_EVERY = 5;
/** Of each format; every third product has the wrong price. */
const OF_A_FORMAT = 75;
const OTHERS = 50;
const AT_ONCE = 5;

const first = (count: number, path: (n: number) => string): string[] => Array.from({ length: count }, (_, n) => path(n));
const PATHS = [
  ...first(PRODUCTS, (n) => (n % LIST_EVERY === 0 ? "/products" : `/product/${n}`)),
  ...FORMATS.flatMap(({ name }) => first(OF_A_FORMAT, (n) => `/as/${name}/${n}`)),
  ...first(OTHERS, (n) => `/article/${n}`),
  ...first(OTHERS, (n) => `/old/${n}`),
];
/** Isolates send their counters every five seconds. */
const COUNTED_MS = 30_000;

/** Where v2's two mistakes show (`catalog-service.ts`), and what differs by itself. */
export const REGRESSIONS: readonly string[] = [
  "GET /article/:id body.article value",
  ...FORMATS.map(({ name, price }) => `GET /as/${name}/:id ${price} value`),
  "GET /product/:id body.price.cents value",
];
export const NOISY: readonly string[] = [
  ...FORMATS.filter(({ price, servedAt }) => servedAt !== price).map(({ name, servedAt }) => `GET /as/${name}/:id ${servedAt} value`),
  ...["body.servedAt value", "body.requestId value", "body.tags order"].flatMap((place) => [
    `GET /product/:id ${place}`,
    `GET /products ${place}`,
  ]),
];

/** As `GET /__lanes/api/groups/:name/differences` has it. */
interface Place {
  readonly path: string;
  readonly kind: string;
  readonly verdict: string;
  readonly raw: number;
  readonly noise: number;
  readonly diffy: {
    readonly raw: number;
    readonly noise: number;
    readonly relative: number;
    readonly absolute: number;
    readonly real: boolean;
  };
}

export interface Endpoint {
  readonly endpoint: string;
  readonly compared: number;
  readonly probed: number;
  readonly paths: readonly Place[];
}

async function differences({ port, adminToken }: LocalRun, method: "GET" | "DELETE"): Promise<string> {
  const url = `http://127.0.0.1:${port}/__lanes/api/groups/catalog/differences`;
  const answer = await fetch(url, { method, headers: { authorization: `Bearer ${adminToken}` } });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return await answer.text();
}

/** Once all that was asked has been counted. */
async function counted(run: LocalRun): Promise<readonly Endpoint[]> {
  for (const end = Date.now() + COUNTED_MS; ; ) {
    const { endpoints } = JSON.parse(await differences(run, "GET")) as { endpoints: Endpoint[] };
    const compared = endpoints.reduce((sum, one) => sum + one.compared, 0);
    if (compared >= PATHS.length || Date.now() > end) return endpoints;
    // The counters leave behind a request.
    await run.get("product.localhost", "/product/0");
    await new Promise((done) => setTimeout(done, 250));
  }
}

/** Everything that is not as it must be, in words; empty when all is well. */
export function problemsOf(endpoints: readonly Endpoint[]): string[] {
  const compared = endpoints.reduce((sum, one) => sum + one.compared, 0);
  const all = endpoints.flatMap(({ endpoint, paths }) =>
    paths.map((place) => ({ name: `${endpoint} ${place.path} ${place.kind}`, ...place })),
  );
  const problems = compared === PATHS.length ? [] : [`${compared} of ${PATHS.length} requests were compared`];
  const expected = new Map([...NOISY.map((name) => [name, "noise"] as const), ...REGRESSIONS.map((name) => [name, "regression"] as const)]);
  for (const [name, verdict] of expected) {
    const found = all.find((place) => place.name === name);
    if (found?.verdict !== verdict) problems.push(`${name}: expected ${verdict}, got ${found?.verdict ?? "nothing"}`);
  }
  for (const { name, verdict } of all) if (!expected.has(name)) problems.push(`${name}: expected no difference, got ${verdict}`);
  return problems;
}

const percent = (value: number) => `${value.toFixed(1)} %`;

export function tableOf(endpoints: readonly Endpoint[]): string {
  const head = ["endpoint", "place", "kind", "copy", "again", "verdict", "Diffy: raw", "noise", "relative", "absolute", "reports it"];
  const rows = endpoints.flatMap(({ endpoint, paths }) =>
    paths.map(({ path, kind, raw, noise, verdict, diffy }) => {
      const figures = [diffy.raw, diffy.noise, diffy.relative, diffy.absolute].map(percent);
      return [endpoint, path, kind, String(raw), String(noise), verdict, ...figures, diffy.real ? "yes" : "no"];
    }),
  );
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const isNumber = (column: number) => column === 3 || column === 4 || (column > 5 && column < 10);
  const line = (row: readonly string[]) =>
    row.map((text, column) => (isNumber(column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)));
  return all.map((row) => `  ${line(row).join("  ").trimEnd()}`).join("\n");
}

/** Plays it, and says what is wrong; nothing when all is well. */
export async function playMirror(run: LocalRun, say: (text: string) => void): Promise<string[]> {
  // What an earlier run has found.
  await differences(run, "DELETE");
  let next = 0;
  await withProgress("catalog", PATHS.length / AT_ONCE, async () => {
    const batch = PATHS.slice(next, next + AT_ONCE);
    next += AT_ONCE;
    await Promise.all(batch.map((path) => run.get("catalog.localhost", path)));
  });
  say(`\ncatalog: ${PATHS.length} requests to http://catalog.localhost:${run.port}/, each copied to a dark v2 and asked once more of v1\n`);
  const endpoints = await counted(run);
  say(tableOf(endpoints));
  say(`
  copy: requests in which v2 answered differently; again: in which v1 answered itself differently when it was asked a second time.
  regression: v2 differs more often than v1 does from itself, by a test that may be looked at after every request and calls a copy that is
  no different a regression in at most 1 % of all mirrors. Diffy's three numbers and what its rule would report stand beside it.

  v2 has two mistakes: every third price is not reduced, and article numbers of 17 digits are read as doubles. Each format in which a product
  is answered (/as/...) has a time stamp beside the price; both are told apart wherever there is structure, and by their words in a sentence.
  No row: /old/:id, whose redirects name the host of the copy, and headers that v2 writes in another order and letter case.`);
  return problemsOf(endpoints);
}
