/** `npm run demo -- --mirror`: a dark v2 gets copies of a few hundred requests, and the table must name its one mistake and nothing else. */
import type { LocalRun } from "./local-run.ts";
import { withProgress } from "./progress.ts";

const REQUESTS = 300;
const AT_ONCE = 5;
/** Every fifth request asks for the list. */
const LIST_EVERY = 5;
/** Isolates send their counters every five seconds. */
const COUNTED_MS = 30_000;

/** The one mistake that v2 has (`catalog-service.ts`), and what differs by itself. */
const REGRESSION = "GET /product/:id body.price.cents value";
const NOISY = ["body.servedAt value", "body.requestId value", "body.tags order"];

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
    if (compared >= REQUESTS || Date.now() > end) return endpoints;
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
  const called = all.filter(({ verdict }) => verdict !== "noise").map(({ name, verdict }) => `${name}: ${verdict}`);
  const problems = compared === REQUESTS ? [] : [`${compared} of ${REQUESTS} requests were compared`];
  if (called.length !== 1 || called[0] !== `${REGRESSION}: regression`)
    problems.push(`expected ${REGRESSION}: regression, and nothing else but noise, got ${called.join(", ") || "nothing"}`);
  for (const noisy of NOISY)
    if (!all.some(({ name, verdict }) => name.endsWith(noisy) && verdict === "noise")) problems.push(`${noisy} is not called noise`);
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
  await withProgress("catalog", REQUESTS / AT_ONCE, async () => {
    const batch = Array.from({ length: AT_ONCE }, () => next++);
    const paths = batch.map((n) => (n % LIST_EVERY === 0 ? "/products" : `/product/${n}`));
    await Promise.all(paths.map((path) => run.get("catalog.localhost", path)));
  });
  say(`\ncatalog: ${REQUESTS} requests to http://catalog.localhost:${run.port}/, each copied to a dark v2 and asked once more of v1\n`);
  const endpoints = await counted(run);
  say(tableOf(endpoints));
  say(`
  copy: requests in which v2 answered differently; again: in which v1 answered itself differently when it was asked a second time.
  regression: v2 differs more often than v1 does from itself, by a test that may be looked at after every request and calls a copy that is
  no different a regression in at most 1 % of all mirrors. Diffy's three numbers and what its rule would report stand beside it.`);
  return problemsOf(endpoints);
}
