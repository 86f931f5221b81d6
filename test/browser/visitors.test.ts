/**
 * In which lanes a page and its requests are, in a real Chromium that keeps no third-party cookies, over https (contract section 3, "Who
 * becomes a visitor"). Sites are `shop.test`, `wide.test`, `embed.test` and `other.test`; hosts under them are of the same site.
 */
import type { Browser, BrowserContext, Frame, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startBrowser } from "../dashboard/world.ts";
import { headerOf, type Origin, type Responder, startOrigin } from "../support/origin.ts";
import { webSocketEcho } from "../support/replies.ts";
import { type Router, startRouter } from "../support/router.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** s1 is the baseline of every group. */
let s1: Origin;
let s2: Origin;
/** Pages with a frame in them. */
let around: Origin;
let router: Router;
let browser: Browser;

/** Forty requests, ten at a time, in the order in which they were sent; each answers with its lane's name. */
const SCRIPT = `async function run(url, credentials) {
  const lanes = [];
  for (let i = 0; i < 4; i++) {
    const some = Array.from({ length: 10 }, () => fetch(url, { credentials, cache: "no-store" }).then((answer) => answer.text()));
    lanes.push(...await Promise.all(some));
  }
  return [lane, ...lanes];
}
async function sockets(count) {
  for (let i = 0; i < count; i++)
    await new Promise((done) => { const socket = new WebSocket("/socket"); socket.onopen = socket.onerror = () => { socket.close(); done(); }; });
}`;

/** `/page` is a page that knows its lane; all else is the lane's name, for scripts of every host. */
const laneOrigin: Responder = async (exchange) => {
  const { origin, seen, res } = exchange;
  if (seen.url === "/socket") return await webSocketEcho()(exchange);
  const from = headerOf(seen.headers, "origin");
  const cors = from === undefined ? {} : { "access-control-allow-origin": from, "access-control-allow-credentials": "true" };
  if (seen.url.startsWith("/page"))
    res.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><script>const lane = "${origin}";${SCRIPT}</script>`);
  else res.writeHead(200, { "content-type": "text/plain", ...cors }).end(origin);
};

const frameOf: Responder = ({ seen, res }) => {
  const [, src] = /[?&]frame=([^&]+)/.exec(seen.url) ?? [];
  res
    .writeHead(200, { "content-type": "text/html" })
    .end(`<!doctype html><iframe src="https://${decodeURIComponent(src ?? "")}"></iframe>`);
};

const shop = (name: string, hosts: readonly string[], more: object = {}) => ({
  schema: 1,
  name,
  hosts,
  baseline: "s1",
  services: { web: {} },
  lanes: { s1: { weight: 50, origins: { web: s1.url } }, s2: { weight: 50, origins: { web: s2.url } } },
  ...more,
});

beforeAll(async () => {
  [s1, s2, around] = (await Promise.all(["s1", "s2", "around"].map(startOrigin))) as [Origin, Origin, Origin];
  for (const origin of [s1, s2]) origin.respond(laneOrigin);
  around.respond(frameOf);
  const groups = [
    shop("shop", ["shop.test", "api.shop.test"]),
    shop("moving", ["moving.test"]),
    shop("wide", ["wide.test", "api.wide.test"], { sticky: { domain: "wide.test" } }),
    shop("embed", ["embed.test"], { sticky: { sameSite: "none" } }),
    { ...shop("around", ["other.test", "www.shop.test"]), lanes: { s1: { weight: 1, origins: { web: around.url } } } },
  ];
  router = await startRouter({ https: true, groups: Object.fromEntries(groups.map((file) => [file.name, file])) });
  browser = await startBrowser([
    `--host-resolver-rules=MAP *.test ${new URL(router.secureUrl ?? "").host}`,
    "--test-third-party-cookie-phaseout",
  ]);
});
afterAll(() => Promise.all([browser?.close(), router?.dispose(), s1?.close(), s2?.close(), around?.close()]));

const contexts: BrowserContext[] = [];
afterEach(() => Promise.all(contexts.splice(0).map((context) => context.close())));

async function newVisitor(): Promise<BrowserContext> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  contexts.push(context);
  return context;
}

async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`https://${url}`);
  return page;
}

/** The page on top at `host` whose only frame is `framed`. */
async function openFrame(context: BrowserContext, host: string, framed: string): Promise<Frame> {
  const page = await open(context, `${host}/?frame=${encodeURIComponent(framed)}`);
  return page.frames().find((frame) => frame.url().startsWith(`https://${framed}`))!;
}

/** The page's own lane, then those of its requests. */
const run = (page: Page | Frame, url = "/x", credentials = "same-origin"): Promise<string[]> =>
  page.evaluate(`run(${JSON.stringify(url)}, ${JSON.stringify(credentials)})`);

const VISITORS = 3;
async function forEach(visit: (context: BrowserContext) => Promise<string[]>): Promise<string[][]> {
  const all: string[][] = [];
  for (let i = 0; i < VISITORS; i++) all.push(await visit(await newVisitor()));
  return all;
}

/** Lanes in their order, each once a change: `["s1", "s2"]`. */
const changes = (lanes: readonly string[]) => lanes.filter((lane, i) => lane !== lanes[i - 1]);
const oneLane = (lanes: readonly string[]) => expect(changes(lanes)).toHaveLength(1);
const fromBaseline = (lanes: readonly string[]) => expect([["s1"], ["s1", "s2"]]).toContainEqual(changes(lanes));

describe("a page that can keep no cookie", () => {
  it("fault B1: in a frame on another site is in the baseline with every request", async () => {
    const all = await forEach(async (context) => await run(await openFrame(context, "other.test", "shop.test/page")));
    for (const lanes of all) expect(changes(lanes)).toEqual(["s1"]);
  });

  it("fault B1: opens its WebSockets in the baseline, too, though a browser says of them only where they come from", async () => {
    const before = s2.requests.length;
    await (await openFrame(await newVisitor(), "other.test", "shop.test/page")).evaluate("sockets(12)");
    expect(s2.requests.slice(before)).toEqual([]);
    const upgrade = s1.requests.find(({ url }) => url === "/socket")!;
    expect([headerOf(upgrade.headers, "origin"), headerOf(upgrade.headers, "sec-fetch-dest")]).toEqual(["https://shop.test", undefined]);
  });

  it("fault B1: asks a sibling host without credentials, and has one lane there", async () => {
    const all = await forEach(async (context) => await run(await open(context, "shop.test/page"), "//api.shop.test/x", "omit"));
    for (const [, ...lanes] of all) expect(changes(lanes)).toEqual(["s1"]);
  });
});

describe("a first visit", () => {
  it("fault B1: that is a frame of the same site changes once at most, from the baseline", async () => {
    const all = await forEach(async (context) => {
      const frame = await openFrame(context, "www.shop.test", "shop.test/page");
      return [...(await run(frame)), ...(await run(frame)).slice(1)];
    });
    for (const lanes of all) fromBaseline(lanes);
  });

  it("to a page on top is in one lane with every request, by link from another site, too", async () => {
    const direct = await forEach(async (context) => await run(await open(context, "shop.test/page")));
    const linked = await forEach(async (context) => {
      const page = await open(context, "other.test/");
      await Promise.all([page.waitForURL("https://shop.test/page"), page.evaluate(`location.href = "https://shop.test/page"`)]);
      return await run(page);
    });
    for (const lanes of [...direct, ...linked]) oneLane(lanes);
  });

  it("to one of two hosts is in one lane on both, with a domain above them", async () => {
    const all = await forEach(async (context) => await run(await open(context, "wide.test/page"), "//api.wide.test/x", "include"));
    for (const lanes of all) oneLane(lanes);
  });

  it('fault B1: in another site\'s frame, with `"sameSite": "none"`, changes once at most, and never again', async () => {
    const all = await forEach(async (context) => {
      const first = await run(await openFrame(context, "other.test", "embed.test/page"));
      fromBaseline(first);
      const again = await run(await openFrame(context, "other.test", "embed.test/page"));
      return [first.at(-1)!, ...again];
    });
    for (const lanes of all) oneLane(lanes);
    const [cookie] = await contexts.at(-1)!.cookies("https://embed.test");
    expect(cookie).toMatchObject({ name: "__Host-lane-embed", sameSite: "None", secure: true, partitionKey: "https://other.test" });
  });
});

describe("a visitor", () => {
  it("has one lane in two tabs, and after going back", async () => {
    const all = await forEach(async (context) => {
      const first = await open(context, "shop.test/page?1");
      const second = await open(context, "shop.test/page?2");
      const both = (await Promise.all([run(first), run(second)])).flat();
      await first.goto("https://shop.test/page?3");
      const forward = await run(first);
      await first.goBack();
      return [...both, ...forward, ...(await run(first))];
    });
    for (const lanes of all) oneLane(lanes);
  });

  it("goes over with the whole page at the reload after a shift of the weights", async () => {
    const pages: Page[] = [];
    for (let i = 0; i < VISITORS; i++) {
      pages.push(await open(await newVisitor(), "moving.test/page"));
      oneLane(await run(pages[i]!));
    }
    const { lanes } = shop("moving", []);
    await router.putGroup("moving", shop("moving", ["moving.test"], { lanes: { ...lanes, s1: { ...lanes.s1, weight: 0 } } }));
    const headers = { cookie: "lane-moving=1.1.0" };
    await vi.waitFor(async () => expect((await router.fetch("/x", { host: "moving.test", headers })).text).toBe("s2"), 20_000);
    for (const page of pages) {
      await page.reload();
      expect(changes(await run(page))).toEqual(["s2"]);
    }
  });
});
