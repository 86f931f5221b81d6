/** The verbs that ask, against the real Worker. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runLanes } from "../support/lanes.ts";
import { type Origin, type Responder, startOrigin } from "../support/origin.ts";
import { type Router, startRouter } from "../support/router.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

const ADMIN = "admin-token-admin-token-admin-token-0";
const READ = "read-token-read-token-read-token-read";

let cwd: string;
let router: Router;
let stable: Origin;
let next: Origin;

/** As it is published first: no reads of the new version by weight alone, copies of all reads to it. */
const laneFile = (weight: number) => ({
  schema: 1,
  name: "shop",
  note: "a shop",
  hosts: ["shop.test", "*.shop.test"],
  baseline: "stable",
  services: { web: {}, api: { hosts: ["api.shop.test"] } },
  lanes: {
    stable: { weight: 100 - weight, origins: { web: stable.url, api: stable.url } },
    next: { weight, owner: "web team", origins: { web: { url: next.url, headers: { "x-key": "very-secret" } } } },
  },
  rules: [{ name: "pr", when: { baggage: { pr: { regex: "[0-9]+" } } }, lane: "next" }],
  mirrors: [
    { name: "dark", lane: "next", percent: 100, from: ["stable"], compare: { noisePercent: 100 }, expiresAt: "2099-01-01T00:00:00Z" },
  ],
});

beforeAll(async () => {
  [stable, next] = await Promise.all([startOrigin("stable"), startOrigin("next")]);
  const answerWith =
    (price: number): Responder =>
    ({ res }) => {
      res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ price }));
    };
  stable.respond(answerWith(1));
  next.respond(answerWith(2));
  router = await startRouter({
    groups: { shop: laneFile(20) },
    bindings: { LANEWAY_ADMIN_TOKEN: ADMIN, LANEWAY_READ_TOKEN: READ },
  });
  cwd = mkdtempSync(join(tmpdir(), "lanes-"));
  await vi.waitFor(async () => expect((await router.fetch("/", { host: "shop.test" })).status).toBe(200), { timeout: 10_000 });
});
afterAll(async () => {
  await router?.dispose();
  await Promise.all([stable?.close(), next?.close()]);
  rmSync(cwd, { recursive: true });
});

const as = (token: string, url = router.url) => ({ cwd, env: { LANEWAY_URL: url, LANEWAY_ADMIN_TOKEN: token } });
const lanes = (...args: string[]) => runLanes(args, as(ADMIN));
/** What `--json` prints, and the exit code. */
const json = async (...args: string[]) => {
  const { code, out, err } = await lanes(...args, "--json");
  expect(err).toBe("");
  return { code, ...JSON.parse(out) };
};
const revision = async (): Promise<number> => (await json("history", "shop")).revisions[0].revision;
const write = (name: string, value: unknown) => writeFileSync(join(cwd, name), JSON.stringify(value));

describe("asking", () => {
  it("takes a token, and says where one comes from", async () => {
    const { code, err } = await runLanes(["status"], { cwd, env: { LANEWAY_URL: router.url } });
    expect([code, err]).toEqual([2, expect.stringMatching(/^✗ LANEWAY_ADMIN_TOKEN is not set\.\n {2}`npm run demo`/)]);
    const unknown = await runLanes(["status", "--json"], as(`${ADMIN}1`));
    expect(unknown.code).toBe(2);
    expect(JSON.parse(unknown.out)).toMatchObject({
      tag: "unauthorized",
      error: "The token is not known.",
      next: expect.stringContaining("LANEWAY_ADMIN_TOKEN"),
    });
  });

  it.each([
    ["status"],
    ["shift", "shop", "next=1"],
    ["explain", "http://shop.test/"],
    ["rollback", "shop"],
    ["off", "shop"],
    ["plan", "here.json"],
  ])("without a token says first that nobody is there: %s", async (...args) => {
    write("here.json", laneFile(1));
    const { code, err } = await runLanes(args, { cwd, env: { LANEWAY_URL: "http://127.0.0.1:9" } });
    expect([code, err]).toEqual([2, expect.stringMatching(/^✗ Nothing answers at http:\/\/127\.0\.0\.1:9: .+\n {2}Start the local run/)]);
  });

  it("tells nobody there from somebody else there", async () => {
    const stranger = await startOrigin("stranger");
    const [nobody, other, text, plain] = await Promise.all([
      runLanes(["status"], as(ADMIN, "http://127.0.0.1:9")),
      runLanes(["status"], as(ADMIN, stranger.url)),
      runLanes(["status"], as(ADMIN, "shop.test")),
      runLanes(["status", "--url", "http://shop.test"], as(ADMIN)),
    ]);
    expect(nobody).toMatchObject({
      code: 2,
      err: expect.stringMatching(/Nothing answers at http:\/\/127\.0\.0\.1:9: .+\n {2}Start the local run/),
    });
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining("not as Laneway's admin API does") });
    expect(text).toMatchObject({ code: 2, err: expect.stringContaining('"shop.test" is no URL of a Laneway.') });
    expect(plain).toMatchObject({ code: 2, err: expect.stringContaining("would carry the token unencrypted") });
    expect(stable.requests.every(({ headers }) => !headers.some(([, value]) => value.includes(ADMIN) && value.includes("shop.test")))).toBe(
      true,
    );
  });

  it("of a group that is not there is no answer", async () => {
    const [unknown, impossible, near] = await Promise.all([lanes("history", "nosuch"), lanes("history", "../off"), lanes("status", "shp")]);
    expect(near).toMatchObject({ code: 2, err: expect.stringContaining('did you mean "shop"?') });
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining("`npx lanes status` lists the groups") });
    expect(impossible).toMatchObject({ code: 2, err: expect.stringContaining("Expected a group's name") });
  });

  it.each([
    ["status", "shp"],
    ["history", "shp"],
    ["differences", "shp"],
    ["differences", "shp", "--clear", "--yes"],
    ["pull", "shp"],
    ["shift", "shp", "next=1", "--yes"],
    ["rollback", "shp", "--yes"],
    ["off", "shp", "--yes"],
    ["on", "shp", "--yes"],
  ])("fault D8: %s of a group that is not there says so, and which there are; nothing is written", async (...args) => {
    const { code, out, err } = await lanes(...args);
    expect([code, out, err]).toEqual([
      2,
      "",
      '✗ Unknown group "shp"; did you mean "shop"?\n  `npx lanes status` lists the groups; `npx lanes publish <file>` makes one.\n',
    ]);
    const json = await lanes(...args, "--json");
    expect(JSON.parse(json.out)).toMatchObject({ error: 'Unknown group "shp"; did you mean "shop"?', tag: "no-group" });
  });

  it("with the read token looks, and writes nothing", async () => {
    const [looks, writes] = await Promise.all([runLanes(["status"], as(READ)), runLanes(["shift", "shop", "next=50", "--yes"], as(READ))]);
    expect(looks.code).toBe(0);
    expect(writes).toMatchObject({ code: 2, err: expect.stringContaining("The read token may only read.") });
    expect(await revision()).toBe(1);
  });
});

describe("status", () => {
  it("is one sentence and a line a group", async () => {
    const { code, out } = await lanes("status");
    expect(code).toBe(0);
    expect(out).toContain(`✓ Laneway at ${router.url} is ok.`);
    expect(out).toMatch(/^ {2}shop {3}\S+ +KV +stable 80 %, next 20 % +shop\.test, \*\.shop\.test$/m);
  });

  it("of a group has its visitors and its last hour", async () => {
    await vi.waitFor(async () => expect((await json("status", "shop")).stats.rows.length).toBeGreaterThan(0), {
      timeout: 15_000,
      interval: 1_000,
    });
    const { code, out } = await lanes("status", "shop");
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}stable +80 % /m);
    expect(out).toMatch(/^ {2}(stable|next) +web +\d+ /m);
    expect(out).toMatch(/lane +service +requests +share +errors +ejections +p50 +p95 +p99 +fallbacks/);
  });
});

describe("shift", () => {
  it("without a terminal shows what it would do, and does not do it", async () => {
    const { code, out, err } = await lanes("shift", "shop", "next=30");
    expect(code).toBe(2);
    expect(out).toMatch(/^ {2}next +20 % {2}→ {2}30 %$/m);
    expect(out).toContain("10 % of all visitors: stable → next");
    expect(out).toContain("next has no api: stable answers");
    expect(err).toBe(
      "✗ This is no terminal, so nobody can be asked. Nothing was written.\n  Add --yes to write, or --dry-run to only look.\n",
    );
    expect((await json("shift", "shop", "next=30", "--dry-run")).preview.moved).toEqual([{ from: "stable", to: "next", percent: 10 }]);
    expect(await revision()).toBe(1);
  });

  it("with --yes writes, says how to undo it, and the history knows who and why", async () => {
    const { code, out } = await lanes("shift", "shop", "next=30%", "--yes", "--reason", "größer, 100 % sure", "--actor", "Zoë");
    expect(code).toBe(0);
    expect(out).toMatch(/✓ shop is at revision 2\.\n.+\n {2}Undo: npx lanes rollback shop 1\n$/);
    const { out: history } = await lanes("history", "shop");
    expect(history).toMatch(/^ +2 {2}.+ {2}Zoë +weights +größer, 100 % sure$/m);
    expect(history).toMatch(/^ +1 {2}.+ {2}kv +changed outside/m);
  });

  it("says why shares are not possible", async () => {
    const answers = await Promise.all([
      json("shift", "shop", "nxt=5", "--yes"),
      json("shift", "shop", "next=101", "--yes"),
      json("shift", "shop", "next", "--yes"),
    ]);
    expect(answers.map(({ code }) => code)).toEqual([1, 1, 2]);
    expect(answers[0].problems).toEqual([{ path: "weights.nxt", message: 'unknown lane "nxt"; did you mean "next"?' }]);
    expect(answers[2].next).toBe("Write lane=percent, such as s2=30.");
    const baseline = await Promise.all([json("shift", "shop", "stable=0", "--yes"), json("shift", "shop", "stable=33.3", "--yes")]);
    expect(baseline.map(({ next }) => next)).toEqual([
      "stable takes what the others leave. So that it has 0 %: npx lanes shift shop next=100",
      "stable takes what the others leave. So that it has 33.3 %: npx lanes shift shop next=66.7",
    ]);
  });
});

describe("rollback", () => {
  it("goes to the revision before, as a new one, and every visitor back to where they were", async () => {
    const { code, revision: written, preview } = await json("rollback", "shop", "--yes", "--reason", "no");
    expect([code, written, preview.to]).toEqual([0, 3, 1]);
    expect(preview.moved).toEqual([{ from: "next", to: "stable", percent: 10 }]);
  });

  it("goes nowhere where it is already, or where nothing is", async () => {
    const answers = await Promise.all([
      lanes("rollback", "shop", "3", "--yes"),
      lanes("rollback", "shop", "99", "--yes"),
      lanes("rollback", "shop", "x", "--yes"),
    ]);
    expect(answers.map(({ code }) => code)).toEqual([1, 1, 2]);
    expect(answers[0]!.err).toContain("shop is at revision 3 already. Nothing was written.");
    expect(answers[1]!.err).toContain("`npx lanes history <group>` lists the revisions.");
  });
});

describe("publish and pull", () => {
  it("fetch the file without what publishing adds", async () => {
    const { code, out } = await lanes("pull", "shop");
    expect([code, out]).toEqual([0, "✓ lanes/shop.json is revision 3 of shop.\n"]);
    expect(JSON.parse(readFileSync(join(cwd, "lanes/shop.json"), "utf8"))).toEqual(laneFile(20));
    expect(JSON.parse((await lanes("pull", "shop", "-")).out)).toEqual(laneFile(20));
  });

  it("do nothing where there is nothing to do", async () => {
    const [pulled, published] = await Promise.all([lanes("pull", "shop"), lanes("publish", "shop", "--yes")]);
    expect(pulled).toMatchObject({ code: 0, out: "Nothing to do: lanes/shop.json says what revision 3 says.\n" });
    expect(published).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        /^Nothing to do: revision 3 of shop says the same, published .+ by .+\.\n\n {2}What it changed in revision 2\n/,
      ),
    });
    expect(published.out).toContain("lanes.next.weight  30 → 20");
  });

  it("show what changes, without secrets, and write it with --yes", async () => {
    write("lanes/shop.json", { ...laneFile(25), note: "more of it" });
    const { code, out } = await lanes("publish", "shop", "--yes");
    expect(code).toBe(0);
    expect(out).toContain('note  "a shop" → "more of it"');
    expect(out).toContain("5 % of all visitors: stable → next");
    expect(out).toContain("✓ shop is at revision 4.");
    expect(out).not.toContain("very-secret");
  });

  it("make a new group", async () => {
    write("fresh.json", {
      ...laneFile(10),
      name: "fresh",
      hosts: ["fresh.test"],
      services: { web: {}, api: { path: "/api" } },
      mirrors: [],
    });
    const { code, out } = await lanes("publish", "fresh.json", "--yes");
    expect(code).toBe(0);
    expect(out).toContain("nothing is published under this name yet");
    expect(out).toContain("✓ fresh is at revision 1.");
    expect(out).not.toContain("Undo");
  });

  it("refuse what this Laneway cannot take, with all its problems", async () => {
    write("taken.json", { ...laneFile(10), name: "taken", services: { web: {}, api: { path: "/api" } } });
    const { code, problems } = await json("publish", "taken.json", "--yes");
    expect(code).toBe(1);
    expect(problems).toMatchObject([{ path: "hosts" }, { path: "hosts" }]);
    expect(problems[0].message).toContain('got "shop.test", which "shop" has');
  });

  it("do not overwrite a file without a yes", async () => {
    write("lanes/shop.json", laneFile(1));
    expect(await lanes("pull", "shop")).toMatchObject({ code: 2, out: expect.stringContaining('note  "a shop" → "more of it"') });
    expect(JSON.parse(readFileSync(join(cwd, "lanes/shop.json"), "utf8"))).toEqual(laneFile(1));
    expect((await lanes("pull", "shop", "--yes")).code).toBe(0);
  });
});

describe("plan", () => {
  it("holds a file against what is published, for recorded requests too", async () => {
    write("wider.json", { ...laneFile(50), note: "more of it" });
    write("requests.jsonl", { url: "http://shop.test/a", slot: 4000 });
    const { code, against, moved, changes, requests } = await json("plan", "wider.json", "--requests", "requests.jsonl");
    expect([code, against]).toEqual([1, "revision 4, which is published"]);
    expect(moved).toEqual([{ from: "stable", to: "next", percent: 25 }]);
    expect(changes).toEqual([
      { path: "lanes.stable.weight", from: "75", to: "50" },
      { path: "lanes.next.weight", from: "25", to: "50" },
    ]);
    expect(requests).toHaveLength(1);
    expect((await lanes("plan", "wider.json")).code).toBe(0);
  });
});

describe("--json", () => {
  it.each([
    ["status"],
    ["status", "shop"],
    ["explain", "http://shop.test/"],
    ["history", "shop"],
    ["differences", "shop"],
    ["shift", "shop", "next=1", "--dry-run"],
    ["rollback", "shop", "--dry-run"],
    ["off", "--all", "--dry-run"],
    ["on", "shop", "--dry-run"],
    ["publish", "json.json", "--dry-run"],
    ["check", "json.json", "--insecure-origins"],
    ["plan", "json.json"],
    ["pull", "shop", "pulled.json", "--dry-run"],
    ["pull", "shop", "-"],
    ["init", "--name", "x", "--hosts", "x.test", "--stable", "https://a.example", "--next", "https://b.example", "--dry-run"],
    ["completion", "bash"],
    // What fails, too.
    ["history", "nosuch"],
    ["check", "nosuch"],
    ["nosuch"],
    ["shift", "shop"],
    ["plan", "json.json", "--requests", "nosuch.har"],
    ["explain", "Invoke-WebRequest -Uri https://shop.test/"],
  ])("is one JSON value on standard output, and nothing else: %s %s %s", async (...args) => {
    write("json.json", { ...laneFile(33), note: "json" });
    const { code, out } = await lanes(...args, "--json");
    const value = JSON.parse(out);
    expect(typeof value === "object" && value !== null && Object.keys(value).length > 0).toBe(true);
    expect("error" in value).toBe(code === 2);
  });
});

describe("explain", () => {
  it("fault D9: reads what Chrome copies for cmd, in quotes or from standard input", async () => {
    const copied = [
      'curl ^"http://shop.test/cart?a=1^&b=^%^20^"',
      '  -H ^"sec-ch-ua: ^\\^"Chromium^\\^";v=^\\^"148^\\^"^"',
      '  -H ^"baggage: pr=7^"',
      '  --data-raw ^"^{^\\^"a^\\^":1^}^"',
    ].join(" ^\r\n");
    const { out } = await lanes("explain", "--json", copied);
    expect(JSON.parse(out)).toMatchObject({ group: "shop", lane: "next", reason: "rule:pr" });
    expect((await lanes("explain", copied)).out).toContain("POST http://shop.test/cart?a=1&b=%20\n");
    const script = `${import.meta.dirname}/../../src/cli/lanes.ts`;
    const child = execFile(process.execPath, [script, "explain", "-", "--json"], { env: { ...process.env, ...as(ADMIN).env } });
    child.stdin!.end(copied);
    expect(JSON.parse(await text(child.stdout!))).toMatchObject({ lane: "next", reason: "rule:pr" });
  });

  it.each([
    ["PowerShell", 'Invoke-WebRequest -UseBasicParsing -Uri "https://shop.test/"'],
    ["PowerShell", "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\nInvoke-WebRequest"],
    ["JavaScript", 'fetch("https://shop.test/", { "headers": {} });'],
    ["wget", "wget https://shop.test/"],
  ])("fault D9: says what to copy instead of %s: %s", async (name, copied) => {
    const { code, err } = await lanes("explain", copied);
    expect([code, err]).toEqual([
      2,
      `✗ This is ${name}, which is not read.\n  In the browser's network tab take "Copy as cURL" instead, of bash or of cmd.\n`,
    ]);
  });

  it("tells the whole decision of a pasted curl command", async () => {
    const { code, out } = await lanes(
      "explain",
      `curl -s '${router.url}/cart?x=1' -H 'Host: shop.test' -H "baggage: pr=12,user=a%20b" -H 'x-lane-foo: 1' -H 'Connection: x-hop' -H 'x-hop: 1' -b 'lane-shop=1.1.5'`,
    );
    expect(code).toBe(0);
    expect(out).toContain("GET http://shop.test/cart?x=1");
    expect(out).toMatch(/^ {2}lane +next: the rule pr matches$/m);
    expect(out).toMatch(new RegExp(`^ {2}origin +${next.url}/cart\\?x=1$`, "m"));
    expect(out).toMatch(new RegExp(`^ {2}if it fails +stable answers: ${stable.url}/cart\\?x=1 \\(after 10 s without headers\\)$`, "m"));
    expect(out).toMatch(/^ {2}✓ pr {2}baggage pr is "12", as wanted: matching \/\[0-9\]\+\/ as a whole$/m);
    expect(out).toMatch(/^ {2}– dark {2}served by next, copies what stable served$/m);
    expect(out).toMatch(/^ {2}user {2}a b$/m);
    expect(out).toMatch(/^ {2}x-lane-foo +only Laneway may say this$/m);
    expect(out).toMatch(/^ {2}x-hop +named by Connection$/m);
    expect(out).toMatch(/^ {2}x-key +…$/m);
    expect(out).not.toContain("very-secret");
  });

  it("takes the command without quotes around it, and a URL with options, for the same answer", async () => {
    const url = "http://api.shop.test/x";
    const command = ["curl", "--compressed", url, "-X", "POST", "-A", "me", "-H", "accept:"];
    const options = ["-X", "POST", "-A", "me", "-H", "accept-encoding: deflate, gzip, br, zstd", "--slot", "9999"];
    const [unquoted, described] = await Promise.all([
      lanes("explain", "--json", "--slot", "9999", ...command),
      json("explain", url, ...options),
    ]);
    const pasted = JSON.parse(unquoted.out);
    expect(pasted).toMatchObject({ service: "api", slot: 9999 });
    const { traceparent, ...headers } = pasted.requestHeaders;
    expect(described.requestHeaders).toEqual({ ...headers, traceparent: expect.any(String) });
    expect(traceparent).toMatch(/^00-/);
  });

  it("says where the visitor's slot came from, or why there is none", async () => {
    const script = ["-H", "sec-fetch-dest: empty", "-H", "sec-fetch-site: same-origin"];
    const [known, page, first, image] = await Promise.all(
      [["-b", "lane-shop=1.1.5"], [], script, ["-H", "sec-fetch-dest: image"]].map((options) =>
        lanes("explain", "http://shop.test/", ...options),
      ),
    );
    expect(known!.out).toMatch(/^ {2}visitor +came with its cookie \(slot 5\)$/m);
    expect(page!.out).toMatch(/^ {2}visitor +new, and drawn now \(slot \d+\)$/m);
    expect(first!.out).toMatch(/^ {2}lane +stable: the baseline, since nothing else decides$/m);
    expect(first!.out).toMatch(/^ {2}visitor +new: in a lane from the next request on, if the client keeps the cookie \(slot \d+\)$/m);
    expect(image!.out).toMatch(/^ {2}visitor +none: without a cookie, and a request with Sec-Fetch-Dest: image makes no visitor$/m);
    const cookies = await Promise.all(
      [["-b", "lane-shop=1.1.5"], [], script, ["-H", "sec-fetch-dest: image"]].map((options) =>
        json("explain", "http://shop.test/", ...options),
      ),
    );
    expect(cookies.map(({ responseHeaders, reason }) => [reason, responseHeaders["set-cookie"], responseHeaders["cache-control"]])).toEqual(
      [
        ["sticky", undefined, "private"],
        ["weight", "…", "private"],
        ["baseline", "…", "private"],
        ["baseline", undefined, "private"],
      ],
    );
  });

  it("says as if it were another time, and what a lane lacks", async () => {
    const { out } = await lanes("explain", "http://api.shop.test/", "-H", "baggage: pr=1", "--at", "2100-01-01T00:00:00Z");
    expect(out).toMatch(new RegExp(`^ {2}origin +${stable.url}/ of stable, since next has no origin for it$`, "m"));
    expect(out).toMatch(/^ {2}– dark {2}the mirror, or its lane, is past its time$/m);
  });

  it.each([
    ["-H", "foo"],
    ["-H", ": empty"],
    ["-H", "@headers.txt"],
    ["--ip", "foo"],
    ["--ip", "1.2.3"],
    ["--slot", "10000"],
    ["--at", "soon"],
  ])("refuses options that say nothing, all alike: %s %s", async (option, value) => {
    const { code, err } = await lanes("explain", "http://shop.test/", option, value);
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(new RegExp(`^error: option '${option}.*' argument '${value}' is invalid\\. Expected .+`)),
    ]);
  });

  it("takes headers in all forms that curl takes", async () => {
    const { code } = await json("explain", "http://shop.test/", "-H", "x-a:1", "-H", "x-b;", "-H", "accept:", "--ip", "2001:db8::1");
    expect(code).toBe(0);
  });

  it("answers no where nobody takes the request, and cannot ask what is none", async () => {
    const [nobody, none] = await Promise.all([lanes("explain", "http://else.test/"), lanes("explain", "curl 'http://shop.test/")]);
    expect(nobody).toMatchObject({ code: 1, out: expect.stringContaining("no group has this host (404 no-group)") });
    const own = await lanes("explain", "http://shop.test/__lanes/health");
    expect(own).toMatchObject({ code: 1, out: expect.stringContaining("it is for Laneway's own admin app") });
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining("the quote at character 6 is never closed") });
  });

  it("answers no where a service admits only what came through the router, and says with which status", async () => {
    const file = { ...laneFile(20), services: { web: {}, api: { hosts: ["api.shop.test"], entry: "signed" } } };
    const bindings = { LANEWAY_ADMIN_TOKEN: ADMIN };
    const [closed, secretless] = await Promise.all([
      startRouter({ groups: { shop: file }, bindings }),
      startRouter({ groups: { shop: { ...file, context: "open" } }, bindings: { ...bindings, LANEWAY_SECRET: undefined } }),
    ]);
    const asked = (url: string, ...more: string[]) => runLanes(["explain", "http://api.shop.test/x", ...more], as(ADMIN, url));
    expect(await asked(closed.url)).toMatchObject({
      code: 1,
      out: expect.stringContaining("bears no signature of ours (403 no-context)."),
    });
    expect(JSON.parse((await asked(closed.url, "--json")).out)).toMatchObject({ group: "shop", service: "api", reason: "no-context" });
    expect(await asked(secretless.url)).toMatchObject({ code: 1, out: expect.stringContaining("(503 no-secret).") });
    const health = await secretless.fetch("/__lanes/health", { headers: { authorization: `Bearer ${ADMIN}` } });
    expect(JSON.parse(health.text)).toMatchObject({ status: "degraded", missingSecrets: ["LANEWAY_SECRET"] });
    await Promise.all([closed.dispose(), secretless.dispose()]);
  });
});

describe("off and on", () => {
  it("ask which groups, and know their names", async () => {
    const [none, unknown] = await Promise.all([lanes("off", "--yes"), lanes("off", "shp", "--yes")]);
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining("Name some (fresh, shop), or all of them: npx lanes off --all") });
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('did you mean "shop"?') });
  });

  it("do nothing where it is so already, and say that", async () => {
    const { revisions } = await json("history", "shop");
    expect(await lanes("on", "shop")).toMatchObject({ code: 0, out: "Nothing to do: shop is on already.\n" });
    expect(await lanes("on", "--all", "--yes")).toMatchObject({ code: 0, out: "Nothing to do: every group is on already.\n" });
    expect(await json("on", "shop", "--dry-run")).toMatchObject({ code: 0, unchanged: true, off: [] });
    await lanes("off", "fresh", "--yes");
    expect(await lanes("off", "fresh", "--yes")).toMatchObject({ code: 0, out: "Nothing to do: fresh is off already.\n" });
    expect((await lanes("off", "fresh", "shop", "--dry-run")).out).toContain("Dry run: nothing was written.");
    await lanes("on", "fresh", "--yes");
    const after = await json("history", "shop");
    expect(after.revisions).toEqual(revisions);
    expect((await lanes("history", "shop")).out).not.toContain("fresh");
    expect((await lanes("history", "fresh")).out).toMatch(/ off: fresh +/);
  });

  it("send everybody to the baseline and back", async () => {
    const { code, out } = await lanes("off", "shop", "--yes", "--reason", "fire");
    expect([code, out]).toEqual([0, expect.stringContaining("✓ 1 group is off: shop.")]);
    expect(out).toMatch(/^ {2}shop {2}next \(\d+ %\) → stable; rules, contexts and mirrors stop$/m);
    expect((await lanes("status")).out).toMatch(/^ {2}shop .+(switched off, not in force here yet|off: all on the baseline)/m);
    await vi.waitFor(async () => expect((await json("explain", "http://shop.test/", "-H", "baggage: pr=1")).reason).toBe("off"), {
      timeout: 15_000,
      interval: 1_000,
    });
    expect(await json("on", "shop", "--yes")).toMatchObject({ code: 0, off: [] });
    // It is spreading; the variable has nothing to do with it.
    expect((await lanes("status")).out).not.toContain("LANEWAY_OFF");
    expect((await lanes("history", "shop")).out).toMatch(/ off.* +fire$/m);
  });
});

describe("differences", () => {
  it("exit 1 where a copy answered differently, with examples, and can be forgotten", async () => {
    const found = await vi.waitFor(
      async () => {
        for (let i = 0; i < 4; i++) await router.fetch("/cart", { host: "shop.test" });
        const answer = await json("differences", "shop");
        expect(answer.endpoints.length).toBeGreaterThan(0);
        return answer;
      },
      { timeout: 20_000, interval: 1_000 },
    );
    expect(found.code).toBe(1);
    const { code, out } = await lanes("differences", "shop", "--samples");
    expect(code).toBe(1);
    expect(out).toMatch(/^ {2}(regression|suspect) +body\.price +value +\d+ +0$/m);
    // As the page says it.
    await vi.waitFor(
      async () => {
        for (let i = 0; i < 20; i++) await router.fetch("/cart", { host: "shop.test" });
        const status = await lanes("status");
        expect(status).toMatchObject({ code: 1, out: expect.stringMatching(/^✗ shop: the dark lane shows \d+ regressions?\.$/m) });
      },
      { timeout: 25_000, interval: 1_000 },
    );
    expect((await json("status", "shop")).concerns).toEqual([expect.stringMatching(/^shop: the dark lane shows \d+ regressions?$/)]);
    expect((await lanes("differences", "shop", "--clear")).code).toBe(2);
    expect(await lanes("differences", "shop", "--clear", "--yes")).toMatchObject({ code: 0, out: expect.stringContaining("✓ Forgotten.") });
  });
});

describe("a router without a Durable Object", () => {
  it("has a status and explains, and says what it lacks for the rest", async () => {
    const contents = 'export { default } from "./src/worker.ts";';
    const build = { entryPoints: [], stdin: { contents, resolveDir: `${import.meta.dirname}/../..` } };
    const plain = await startRouter({ groups: { shop: laneFile(20) }, bindings: { LANEWAY_ADMIN_TOKEN: ADMIN }, build });
    const [status, shift] = await Promise.all([
      vi.waitFor(async () => {
        const ran = await runLanes(["status", "shop"], as(ADMIN, plain.url));
        expect(ran.out).toMatch(/^ {2}shop /m);
        return ran;
      }),
      runLanes(["shift", "shop", "next=1", "--yes"], as(ADMIN, plain.url)),
    ]);
    await plain.dispose();
    expect(status).toMatchObject({ code: 0, out: expect.stringContaining("This router has no Durable Object") });
    expect(shift).toMatchObject({ code: 2, err: expect.stringContaining("npx wrangler kv key put") });
  });
});

describe("completion", () => {
  it("knows groups, lanes and revisions of the Laneway that it asks", async () => {
    const complete = async (...words: string[]) => {
      const { out } = await lanes("complete", "--", ...words);
      return out.trim().split("\n");
    };
    // A machine under load may take longer than whoever presses Tab would wait.
    const patiently = (words: string[], found: string[]) =>
      vi.waitFor(async () => expect(await complete(...words)).toEqual(found), { timeout: 15_000 });
    await patiently(["shift", ""], ["fresh", "shop"]);
    await patiently(["shift", "shop", ""], ["stable=", "next="]);
    await patiently(["rollback", "shop", ""], ["4", "3", "2", "1"]);
  });
});
