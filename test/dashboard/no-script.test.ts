import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { json } from "../support/replies.ts";
import { logIn, openPage, type Sins, shown, startWorld, type World } from "./world.ts";

vi.setConfig({ testTimeout: 40_000, hookTimeout: 40_000 });

let world: World;
let page: Page & Sins;

beforeAll(async () => {
  world = await startWorld((file) => {
    file.mirrors = [{ name: "m", lane: "next", percent: 100, expiresAt: "2100-01-01T00:00:00Z", compare: { noisePercent: 100 } }];
  });
  world.dark.respond(json({ price: 2 }));
  page = await openPage(world.browser, { javaScriptEnabled: false });
});
afterAll(() => world?.close());
afterEach(() => expect(page.said.splice(0)).toEqual([]));

const group = () => `${world.router.url}/__lanes/g/shop`;
const text = (selector: string) => shown(page.locator(selector));
const button = (name: string) => page.getByRole("button", { name });

it("lets a person in", async () => {
  await logIn(page, world.router, "wrong-token-wrong-token-wrong-token-1");
  expect(await shown(page.getByRole("alert"))).toContain("the token is not known");
  await logIn(page, world.router);
  await page.getByRole("link", { name: "shop" }).click();
  expect(await text("#state")).toContain("shop sends s1 80 %, s2 20 %.");
  expect(await text("#fresh")).toBe("Reload for newer figures");
});

it("shows what came in, after a reload: figures, the planted regression, its samples", async () => {
  await world.visit(60, (at) => `/product/${at}`);
  await vi.waitFor(
    async () => {
      await page.goto(group());
      expect(await text("#mirrors")).toMatch(/body\.price\s+value\s+regression/);
    },
    { timeout: 20_000, interval: 300 },
  );
  expect(await text("#lanes")).toMatch(/s1\s+baseline\s+80 %\s+[\d.]+ %\s+\d+/);
  expect(await text("#state")).toBe("Needs a look: the dark lane shows 1 regression. shop sends s1 80 %, s2 20 %.");
  const details = page.locator("#mirrors details").filter({ hasText: "differed in" });
  await details.locator("summary").click();
  expect(await shown(details.getByRole("table").first())).toMatch(/body\.price\s+value\s+1\s+2/);
});

it("shifts a weight after a preview, and undoes it", async () => {
  await page.getByLabel("s2", { exact: true }).fill("35");
  await page.locator("#reason").fill("no script");
  await button("Preview").click();
  expect(await shown(page.getByRole("table", { name: "Visitors who would change lanes" }))).toMatch(/s1\s+s2\s+15 %/);
  await button("Confirm: no script").click();
  expect(await text("#state")).toContain("s1 65 %, s2 35 %");
  await button("Undo revision 3").click();
  expect(await text("#state")).toContain("s1 80 %, s2 20 %");
});

it("refuses more than all visitors, and says so", async () => {
  await page.getByLabel("s2", { exact: true }).fill("70");
  await page.getByLabel("next", { exact: true }).fill("40");
  await page.locator("#reason").fill("too much");
  await button("Preview").click();
  expect(await shown(page.getByRole("alert"))).toMatch(/This is not possible; nothing was written\.\s+lanes\.s1\.weight: .*-10/);
  await page.getByRole("link", { name: "Back to how it is now" }).click();
});

it("ignores a path", async () => {
  await button("Ignore body.price").click();
  expect(await shown(page.getByRole("status").filter({ hasText: "ignores" }))).toBe("The mirror ignores this path from now on.");
  expect((await world.api("GET", "/groups/shop")).body.mirrors[0].compare.ignore).toEqual(["body.price"]);
  await vi.waitFor(
    async () => {
      await page.goto(group());
      await page.getByText("1 endpoint with nothing but noise or ignored paths").click({ timeout: 500 });
      expect(await text("#mirrors")).toMatch(/body\.price\s+value\s+ignored/);
    },
    { timeout: 15_000, interval: 300 },
  );
  expect(await text("#state")).toContain("Normal: ");
});

it("explains a request", async () => {
  await page.getByLabel("Headers, one a line").fill("baggage: pr=1");
  await button("Explain").click();
  expect(await shown(page.getByRole("heading", { level: 1 }))).toBe("web in lane s2, because of rule:pr");
  await page.getByRole("link", { name: "Back to shop" }).click();
});

it("switches off and on", async () => {
  await page.locator("#off-reason").fill("night");
  await button("Everything to the baseline, now").click();
  expect(await text("#state")).toContain("Switched off: shop sends everything to s1.");
  await page.locator("#off-reason").fill("morning");
  await button("Switch the lanes on again").click();
  expect(await text("#state")).toContain("Normal: ");
});

it("puts an earlier revision back, deletes the differences, logs out", async () => {
  await page.getByRole("link", { name: "Put back revision 3" }).click();
  await button("Put back revision 3").click();
  expect(await text("#state")).toContain("s1 65 %, s2 35 %");
  await button("Delete all differences and samples").click();
  expect(await text("#mirrors")).toContain("Nothing was compared yet");
  await button("Log out").click();
  expect(page.url()).toContain("/__lanes/login");
});
