/**
 * `npm run demo`: the examples of three documents, played on this machine; `--mirror`: a dark version, compared. `--once` ends by itself:
 * exit code 0, or 1 if something is wrong.
 */
import { Command } from "commander";
import { type Claim, claimRun, LOCAL_PORT } from "../cli/local-runs.ts";
import { CHAINS, configuredShares, GREETINGS, GROUPS } from "./cast.ts";
import { type LocalRun, newToken, startAtFreePort } from "./local-run.ts";
import { playMirror } from "./mirror-demo.ts";
import { withProgress } from "./progress.ts";
import { countBy, problemsOf, tableOf, type Visit } from "./tally.ts";

const REQUESTS = 100;
const say = (text: string) => process.stdout.write(`${text}\n`);

/** 100 new visitors, no cookies: every one is given a lane by weight. */
async function playWeights(run: LocalRun, group: "mock" | "version", document: string): Promise<string[]> {
  const visits: Visit[] = [];
  await withProgress(group, REQUESTS, async () => {
    const { headers, text } = await run.get(`${group}.localhost`, "/");
    visits.push({ lane: String(headers["x-lane"]), chain: text });
  });
  say(`\n${group}: ${REQUESTS} requests to http://${group}.localhost:${run.port}/ (${document})\n`);
  for (const [chain, count] of [...countBy(visits.map(({ chain }) => chain))].sort((a, b) => b[1] - a[1])) {
    say(`${chain}   ${count} times`);
  }
  const [shares, chains] = [configuredShares(group), CHAINS[group]];
  say(`\n${tableOf(visits, shares, chains)}`);
  return problemsOf(visits, shares, chains);
}

/** The same request without and with `baggage: pr=123`, and what the access log says of the last hop. */
async function playBaggage(run: LocalRun, lines: readonly string[]): Promise<string[]> {
  const url = `http://product.localhost:${run.port}/product/123`;
  const live = await run.get("product.localhost", "/product/123");
  const withPr = await run.get("product.localhost", "/product/123", { baggage: "pr=123" });
  say(`\nproduct: one request without and one with baggage (istio-baggage-routing)\n`);
  say(`$ curl ${url}\n${live.text}\n$ curl ${url} -H "baggage: pr=123"\n${withPr.text}`);
  const last = await lineOf(lines, '"service":"app3","lane":"new-version"');
  say(`The access log's line of the last hop; app1 added baggage of its own:\n${last ?? "(none)"}`);
  const problems: string[] = [];
  if (live.text !== GREETINGS.live) problems.push(`product: expected the old app3, got ${JSON.stringify(live.text)}`);
  if (withPr.text !== GREETINGS.withPr) problems.push(`product with pr=123: expected the new app3, got ${JSON.stringify(withPr.text)}`);
  if (!last?.includes('"pr":"123"')) problems.push("product: the access log does not show pr=123 at app3");
  return problems;
}

/** A line of the log may come a moment after its answer. */
async function lineOf(lines: readonly string[], part: string): Promise<string | undefined> {
  for (let tries = 0; tries < 20; tries++) {
    const line = lines.findLast((one) => one.includes(part));
    if (line !== undefined) return line;
    await new Promise((done) => setTimeout(done, 25));
  }
  return undefined;
}

function whatNext({ port, adminToken }: LocalRun, { number, persistTo }: Claim): string {
  const file = "lanes/samples/mock.json";
  const url = number === 1 ? "" : ` --url http://127.0.0.1:${port}`;
  const store = persistTo === null ? "" : ` --persist-to ${persistTo}`;
  return `
The dashboard: http://127.0.0.1:${port}/__lanes/
Log in with:   ${adminToken}
To see its figures move, send visitors: for i in $(seq 200); do curl -so /dev/null http://mock.localhost:${port}/; done

The router stays up; this terminal shows its access log. Try in another one, in this folder:

  A member of the baggage chooses the lane, and nobody else's request changes (rule "pr"):
    curl http://mock.localhost:${port}/ -H "baggage: pr=123"
    curl http://product.localhost:${port}/product/123 -H "baggage: pr=123"
  The lane's name, as header and baggage "version" at every hop:
    curl -i http://version.localhost:${port}/
  A visitor keeps the lane of the slot in the cookie (0 to 9999):
    curl http://mock.localhost:${port}/ -H "Cookie: lane-mock=1.1.7000"
  Shift the weights: who moves from where to where, and then, if you say yes, they do; and back:
    npx lanes shift mock s2=30${url}
    npx lanes rollback mock${url}
  The same by KV, without a restart (or edit the file and use --path ${file}). The router looks there behind a request
  when it has not looked for five seconds, so the second request after that is the first in the new lane:
    npx wrangler kv key put --binding LANES${store} group:mock "$(sed 's/"weight": 60/"weight": 0/' ${file})"
  Why does a request go where it goes?
    npx lanes explain${url} 'curl http://mock.localhost:${port}/ -H "baggage: pr=123"'
  What did a dark version answer differently? (it gets copies of what you send to catalog.localhost)
    curl http://catalog.localhost:${port}/product/3
    npx lanes differences catalog --samples${url}
  What is in force, and what is wrong with it?
    npx lanes status${url}

If a name under .localhost is not found: curl http://127.0.0.1:${port}/ -H "Host: mock.localhost"
Ctrl-C ends it.
`;
}

async function playDocuments(run: LocalRun, lines: readonly string[]): Promise<string[]> {
  return [
    ...(await playWeights(run, "mock", "asm-baggage-lanes")),
    ...(await playWeights(run, "version", "asm-header-propagation-lanes")),
    ...(await playBaggage(run, lines)),
  ];
}

interface Options {
  readonly mirror?: boolean;
  readonly once?: boolean;
}

/** A run that ends by itself leaves the port and the stores of this folder alone. */
async function playOnce(options: Options): Promise<void> {
  const lines: string[] = [];
  const run = await startAtFreePort(0, { onLog: (line) => lines.push(line) });
  say(`One router and the services behind it run on port ${run.port}.`);
  await play(run, lines, options);
  await run.dispose();
}

async function playAndStay(options: Options): Promise<void> {
  const adminToken = newToken();
  const claim = await claimRun(adminToken);
  const lines: string[] = [];
  let onLog: (line: string) => void = (line) => lines.push(line);
  const run = await startAtFreePort(LOCAL_PORT + claim.number - 1, { adminToken, state: claim.store, onLog: (line) => onLog(line) });
  claim.started(`http://127.0.0.1:${run.port}`);
  say(`One router and the services behind it run on port ${run.port}.`);
  if (run.port !== LOCAL_PORT) say(`${LOCAL_PORT} is taken: where the README says ${LOCAL_PORT}, read ${run.port}.`);
  if (claim.persistTo !== null) say(`Another run goes on in this folder; this one has a store of its own, ${claim.persistTo}.`);
  say(`Written anew into its KV, over what was there: groups, ${GROUPS.map((name) => `group:${name}`).join(", ")}.`);
  await play(run, lines, options);
  say(whatNext(run, claim));
  onLog = say;
  // Before Miniflare's own listener, which would call an interrupted demo a failure; it still ends workerd.
  process.prependListener("SIGINT", () => process.exit());
}

async function play(run: LocalRun, lines: readonly string[], { mirror }: Options): Promise<void> {
  const problems = mirror ? await playMirror(run, say) : await playDocuments(run, lines);
  for (const problem of problems) say(`\nWRONG ${problem}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

// The reader of a pipe may leave early, as `head` does.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 2));
await new Command("npm run demo --")
  .description("The router, the services of three documents in several versions, and 100 requests to each; then it stays up.")
  .option("--mirror", "instead of these: a dark version gets copies, and its answers are compared")
  .option("--once", "end after that: exit code 0, or 1 if something is wrong")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action((options: Options) => (options.once ? playOnce(options) : playAndStay(options)))
  .parseAsync();
