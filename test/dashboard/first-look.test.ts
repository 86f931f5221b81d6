/** What a person sees first: what is wrong, beside the baseline; since when a value is there; and the page that a link promised. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startOrigin } from "../support/origin.ts";
import { answer } from "../support/replies.ts";
import { ADMIN_TOKEN, logIn, openPage, shown, startWorld, type World } from "./world.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let world: World;
let page: Awaited<ReturnType<typeof openPage>>;
beforeAll(async () => {
  world = await startWorld();
  page = await openPage(world.browser);
});
afterAll(() => world?.close());

const url = (path: string) => `${world.router.url}/__lanes${path}`;
const state = () => shown(page.locator("#state"));

it("a link to a group's page is followed after the log-in, and from another site while logged in", async () => {
  await page.goto(url("/g/shop/history?before=3"));
  expect(page.url()).toContain("/__lanes/login?to=");
  await page.getByLabel("Admin token").fill("wrong");
  await page.getByRole("button", { name: "Log in" }).click();
  expect(await shown(page.getByRole("alert"))).toContain("did not let you in");
  await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
  await page.getByRole("button", { name: "Log in" }).click();
  expect(page.url()).toBe(url("/g/shop/history?before=3"));
  expect(await shown(page.getByRole("heading", { level: 1 }))).toBe("shop");

  const chat = await startOrigin("chat");
  chat.respond(answer(200, `<a href="${url("/g/shop")}">look</a>`, { "content-type": "text/html" }));
  // Another site than 127.0.0.1, so that the strict cookie stays away at first.
  await page.goto(chat.url.replace("127.0.0.1", "localhost"));
  await page.getByRole("link", { name: "look" }).click();
  await page.waitForURL(url("/g/shop"));
  expect(await state()).toContain("Normal: ");
  expect(page.said).toEqual([]);
  await chat.close();
});

it("an address that is none, and a group that is none, are pages with a way out", async () => {
  await page.goto(url("/nonsense"));
  expect(await shown(page.getByRole("heading", { level: 1 }))).toBe("No such page");
  await page.goto(url("/g/nobody"));
  expect(await shown(page.getByRole("heading", { level: 1 }))).toBe("No such group");
  await page.getByRole("link", { name: "All groups" }).click();
  expect(page.url()).toBe(url("/"));
});

describe("a lane that answers with errors", () => {
  beforeAll(async () => {
    const bad = await startOrigin("bad");
    bad.respond(answer(500));
    const { body } = await world.api("GET", "/groups/shop");
    const { published, ...file } = body;
    file.lanes.s2.origins.web = bad.url;
    file.lanes.s1.weight = 50;
    file.lanes.s2.weight = 50;
    await world.api("PUT", "/groups/shop", file, { "if-match": `"${published.revision}"` });
    await vi.waitFor(
      async () => {
        const answers = await Promise.all(Array.from({ length: 20 }, () => world.router.fetch("/", { host: "shop.example" })));
        expect(answers.some(({ status }) => status === 500)).toBe(true);
      },
      { timeout: 20_000, interval: 300 },
    );
    await world.visit(300);
  });

  it("is the first line of its page, and of the list", async () => {
    await vi.waitFor(
      async () => {
        await page.goto(url("/g/shop"));
        expect(await state()).toMatch(
          /^Needs a look: s2 answers [\d.]+ % of \d+ requests with errors, the baseline 0 %\. shop sends s1 50 %, s2 50 %\.$/,
        );
      },
      { timeout: 20_000, interval: 500 },
    );
    expect(await page.locator("#state").getAttribute("class")).toBe("state look");
    await page.goto(url("/"));
    expect(await shown(page.locator("main > .state"))).toMatch(
      /^Needs a look: shop: s2 answers [\d.]+ % of \d+ requests with errors, the baseline 0 %\.$/,
    );
    expect(await shown(page.locator(".groups li").first())).toMatch(/^shop\s+needs a look/);
    await page.getByRole("link", { name: /shop: s2 answers/ }).click();
    expect(page.url()).toBe(url("/g/shop#lanes"));
  });

  it.each([
    ["light", 1200],
    ["dark", 1200],
    ["light", 360],
    ["dark", 360],
  ] as const)("is told without scrolling sideways, %s and %i pixels wide", async (colorScheme, width) => {
    const small = await openPage(world.browser, { colorScheme, viewport: { width, height: 800 } });
    await logIn(small, world.router);
    for (const [name, path] of [
      ["list", "/"],
      ["group", "/g/shop"],
      ["nothing", "/nonsense"],
      ["none", "/g/nobody"],
    ] as const) {
      await small.goto(url(path));
      const overflow = await small.evaluate("document.documentElement.scrollWidth - innerWidth");
      expect([name, overflow]).toEqual([name, 0]);
      if (process.env.SHOTS) await small.screenshot({ path: `${process.env.SHOTS}/${name}-${colorScheme}-${width}.png`, fullPage: true });
    }
    await small.context().close();
  });
});

it("refused writes stand apart from the history, as they were claimed", async () => {
  const headers = { "x-actor": encodeURIComponent('mallory" at 10.0.0.1, "<b>alice</b>') };
  for (let i = 0; i < 5; i++) await world.router.fetch("/__lanes/api/groups/shop", { method: "PUT", headers, body: "{}" });
  await expect.poll(async () => (await world.api("GET", "/groups/shop/history")).body.refused.length).toBe(1);
  await page.goto(url("/g/shop"));
  await page.getByText("Refused writes").click();
  const table = page.getByRole("table", { name: "Names are as they were claimed." });
  expect(await shown(table)).toMatch(
    /\s5\s+"mallory\\" at 10\.0\.0\.1, \\"<b>alice<\/b>" at an unknown address\s+PUT \/__lanes\/api\/groups\/shop: 401/,
  );
  expect(await shown(page.getByRole("table", { name: /A rollback is a new/ }))).not.toContain("mallory");
});

it("a value put into KV by hand is as old as its first use", async () => {
  const file = JSON.parse((await world.router.kv.get("group:shop"))!);
  delete file.published;
  file.note = "by hand";
  await world.router.putGroup("shop", file);
  for (const end = Date.now() + 14_000; Date.now() < end; await new Promise((done) => setTimeout(done, 500)))
    await world.router.fetch("/", { host: "shop.example" });
  await page.goto(url("/g/shop"));
  const spread = await shown(page.locator("#spread"));
  const seconds = Number(/^Revision \d+ by somebody outside, seen at \d\d:\d\d:\d\d UTC, (\d+) s ago/.exec(spread)?.[1]);
  expect(seconds).toBeGreaterThanOrEqual(6);
  expect(await shown(page.getByRole("table", { name: /A rollback is a new/ }))).toMatch(
    /seen \d+ s ago\s+somebody outside\s+changed outside/,
  );
});
