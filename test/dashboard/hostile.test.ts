import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import type { Responder } from "../support/origin.ts";
import { logIn, openPage, type Sins, shown, startWorld, type World } from "./world.ts";

vi.setConfig({ testTimeout: 40_000, hookTimeout: 40_000 });

const SCRIPT = "<script>alert(1)</script>";
const IMAGE = `"'><img src=x onerror=alert(2)>`;

let world: World;
let page: Page & Sins;

/** Whoever answers writes what they like: keys, values, headers. */
const answer =
  (dark: boolean): Responder =>
  ({ res }) => {
    res.writeHead(200, { "content-type": "application/json", "x-note": dark ? IMAGE : "plain" });
    res.end(
      JSON.stringify({
        price: dark ? 2 : 1,
        at: Math.random(),
        ...(dark && { [SCRIPT]: IMAGE, "a[b].c": SCRIPT, html: "</td></table></script><svg/onload=alert(3)>" }),
      }),
    );
  };

beforeAll(async () => {
  world = await startWorld((file) => {
    file.note = SCRIPT + IMAGE;
    file.lanes.next.owner = IMAGE;
    file.rules.push({ name: "hostile", when: { header: { "x-from": { exact: SCRIPT } } }, lane: "s2" });
    file.mirrors = [
      { name: "m", lane: "next", percent: 100, expiresAt: "2100-01-01T00:00:00Z", compare: { noisePercent: 100, headers: ["x-note"] } },
    ];
  });
  world.live.respond(answer(false));
  world.dark.respond(answer(true));
  page = await openPage(world.browser);
  await logIn(page, world.router);
  await world.visit(60, (at) => (at % 3 === 0 ? `/'-alert(4)-'?q=${encodeURIComponent(SCRIPT)}` : `/product/${at}`));
  await vi.waitFor(
    async () => {
      await page.goto(group());
      expect(await text("#mirrors")).toMatch(/GET \/product\/:id[\s\S]*regression/);
    },
    { timeout: 20_000, interval: 300 },
  );
});
afterAll(() => world?.close());
// A script that ran would have opened a dialog; one that was stopped would have violated the policy.
afterEach(async () => {
  expect(page.said.splice(0)).toEqual([]);
  expect(await page.locator("main script, main img, main svg:not(.spark), main [onerror], main [onload]").count()).toBe(0);
});

const group = () => `${world.router.url}/__lanes/g/shop`;
const text = (selector: string) => shown(page.locator(selector));
const product = () => page.locator("article").filter({ has: page.getByRole("heading", { name: "GET /product/:id" }) });

it("shows differences by endpoint, the worst first, each with kind, counts and verdict", async () => {
  const rows = await product().getByRole("table").first().getByRole("row").allInnerTexts();
  const [first] = rows.slice(1);
  expect(first).toMatch(/regression\s+\d+\s+0\s+\d+\s+0\s+100 % \/ 100\.0 %\s+Ignore/);
  expect(rows.at(-1)).toMatch(/^body\.at\s+value\s+noise/);
  expect(rows.join("\n")).toMatch(/body\.price\s+value\s+regression/);
});

it("shows hostile keys, values, headers, paths and notes as the text that they are", async () => {
  expect(await text("main")).toContain(SCRIPT + IMAGE);
  for (const details of await page.locator("#mirrors details").all()) await details.locator("summary").click();
  const shown = await text("#mirrors");
  for (const hostile of [
    `body.${SCRIPT}`,
    "headers.x-note",
    "body['a[b].c']",
    "onerror=alert(2)",
    "svg/onload=alert(3)",
    "GET /'-alert(4)-'",
  ]) {
    expect(shown).toContain(hostile);
  }
});

it("tells each set of places once, with how many requests differed in it", async () => {
  const summaries = await product().locator("summary").allInnerTexts();
  expect(summaries[0]).toMatch(/^\d+ requests differed in .*body\.price \(value\).*: 5 samples, redacted/);
});

it("keeps open what was opened while the figures change", async () => {
  await page.evaluate("globalThis.sameDocument = true");
  const before = await shown(product().getByRole("table").first());
  await world.visit(20, (at) => `/product/${at}`);
  await vi.waitFor(async () => expect(await shown(product().getByRole("table").first())).not.toBe(before), {
    timeout: 20_000,
    interval: 200,
  });
  expect(await page.evaluate("globalThis.sameDocument")).toBe(true);
  expect(await product().locator("details[open]").count()).toBeGreaterThan(0);
});

it("has all differences on a page of their own", async () => {
  await page.getByRole("link", { name: "All differences" }).click();
  expect(await shown(page.getByRole("heading", { level: 1 }))).toBe("shop: all differences");
  expect(await page.locator("article").count()).toBe(2);
  await page.getByRole("link", { name: "Back to shop" }).click();
});

it("ignores a hostile path when asked to, and says why in the history", async () => {
  await product()
    .getByRole("button", { name: `Ignore body.${SCRIPT}` })
    .click();
  await page.waitForURL(/done=ignore/);
  expect((await world.api("GET", "/groups/shop")).body.mirrors[0].compare.ignore).toEqual([`body.${SCRIPT}`]);
  expect(await text("#history")).toContain(`ignore body.${SCRIPT} in m`);
});

it("explains hostile requests, and shows a hostile reason, as text", async () => {
  await page.getByLabel("Method").fill("GET");
  await page.getByLabel("URL").fill(`https://shop.example/${SCRIPT}`);
  await page.getByLabel("Headers, one a line").fill(`x-from: ${SCRIPT}\nbaggage: a=${encodeURIComponent(SCRIPT)}`);
  await page.getByRole("button", { name: "Explain" }).click();
  expect(await shown(page.getByRole("heading", { level: 1 }))).toContain("rule:hostile");
  expect(await text("main")).toContain(`a=${SCRIPT}`);
  await page.goto(group());
  await page.locator("#reason").fill(SCRIPT + IMAGE);
  await page.getByLabel("s2", { exact: true }).fill("30");
  await page.getByRole("button", { name: "Preview" }).click();
  expect(await shown(page.getByRole("button", { name: "Confirm" }))).toBe(`Confirm: ${SCRIPT}${IMAGE}`);
  await page.getByRole("button", { name: "Confirm" }).click();
  expect(await text("#history")).toContain(SCRIPT + IMAGE);
});

it("says nothing that an address tells it to say", async () => {
  await page.goto(`${group()}?done=${encodeURIComponent(`Send your token to evil.example ${SCRIPT}`)}`);
  expect(await text("main")).not.toContain("evil.example");
  await page.goto(`${world.router.url}/__lanes/g/${encodeURIComponent(IMAGE)}`);
  expect(await shown(page.getByRole("alert"))).toBe("There is no such group.");
});
