import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { answer } from "../support/replies.ts";
import { ADMIN_TOKEN, inForce, logIn, openPage, READ_TOKEN, type Sins, shown, startWorld, type World } from "./world.ts";

vi.setConfig({ testTimeout: 40_000, hookTimeout: 40_000 });

let world: World;
let page: Page & Sins;

beforeAll(async () => {
  world = await startWorld();
  page = await openPage(world.browser);
  // So that the five seconds between two looks need not be waited for.
  await page.clock.install();
});
afterAll(() => world?.close());
afterEach(() => expect(page.said.splice(0)).toEqual([]));

const group = () => `${world.router.url}/__lanes/g/shop`;
const text = (selector: string) => shown(page.locator(selector));
/** The cells of a lane: name, configured, observed, requests, … */
const cells = async (lane: string) => {
  const row = page.locator("#lanes tbody tr").filter({ has: page.getByRole("rowheader", { name: new RegExp(`^${lane}\\b`) }) });
  return (await row.locator("td").allInnerTexts()).map((cell) => cell.trim().replace(/\s+/g, " "));
};
const percentIn = (cell: string | undefined) => Number(/^([\d.]+) %$/.exec(cell ?? "")?.[1] ?? Number.NaN);
/** Until it holds, while the page looks for new figures again and again. */
const live = (holds: () => Promise<void>) =>
  vi.waitFor(
    async () => {
      await page.clock.runFor(5_000);
      await holds();
    },
    { timeout: 25_000, interval: 300 },
  );
const button = (name: string | RegExp) => page.getByRole("button", { name });

describe("a person who may write", () => {
  it("is not let in with a wrong token, and is told so", async () => {
    await logIn(page, world.router, "wrong-token-wrong-token-wrong-token-1");
    expect(page.url()).toContain("/__lanes/login");
    expect(await shown(page.getByRole("alert"))).toContain("the token is not known");
    expect(await shown(page.getByRole("alert"))).toMatch(/npm run demo or npm run dev says "Log in with:"/);
    expect(await page.getByLabel("Admin token").inputValue()).toBe("");
  });

  it("logs in with the admin token, which no script of the page can read again", async () => {
    await logIn(page, world.router);
    expect(page.url()).toBe(`${world.router.url}/__lanes/`);
    expect(await shown(page.getByRole("heading", { level: 1 }))).toBe("Lane groups");
    expect(await page.evaluate("document.cookie")).toBe("");
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
    expect(JSON.stringify(cookie)).not.toContain(ADMIN_TOKEN);
  });

  it("sees the state in one sentence, and which revision spreads", async () => {
    await page.getByRole("link", { name: "shop" }).click();
    expect(await text("#state")).toBe("Normal: shop sends s1 80 %, s2 20 %.");
    expect(await text("#spread")).toMatch(
      /^Revision 2 by ann, \d+ s ago: first\. It is spreading: all locations with traffic have it in about \d+ s\.$/,
    );
  });

  it("gets a request explained: lane, rules, origin, fallback; nothing is sent", async () => {
    const before = world.live.requests.length;
    await page.getByLabel("URL").fill("https://shop.example/cart");
    await page.getByLabel("Headers, one a line").fill("baggage: pr=123\nx-lane-mirror: shop/m\nno header at all");
    await button("Explain").click();
    expect(await shown(page.getByRole("heading", { level: 1 }))).toBe("web in lane s2, because of rule:pr");
    const main = await text("main");
    expect(main).toContain('pr matches: baggage pr is "123"');
    expect(main).toContain(`${world.live.url}/cart, lane s2`);
    expect(main).toMatch(/lane s1, http/);
    expect(main).toMatch(/Headers that end here\s+x-lane-mirror: only Laneway may say this/);
    expect(await page.getByLabel("Headers, one a line").inputValue()).toBe("baggage: pr=123\nx-lane-mirror: shop/m\nno header at all");
    expect(world.live.requests.length).toBe(before);
  });

  it("is told what is wrong with a request that cannot be", async () => {
    await page.getByLabel("Method").fill("G T");
    await button("Explain").click();
    expect(await shown(page.getByRole("alert"))).toMatch(/describes no request[\s\S]*method: expected an HTTP method/);
    expect(await page.getByLabel("URL").inputValue()).toBe("https://shop.example/cart");
    await page.getByRole("link", { name: "Back to shop" }).click();
  });

  it("sees figures come in without reloading, as a line of minutes too", async () => {
    await page.evaluate("globalThis.sameDocument = true");
    expect((await cells("s1"))[2]).toBe("0");
    await page.getByLabel("s2", { exact: true }).fill("35");
    await world.visit(200);
    for (let at = 0; at < 3; at++) await world.router.fetch("/", { host: "api.shop.example", headers: { baggage: "pr=1" } });
    await live(async () => expect((await cells("s2"))[4]).toBe("3 3 × missing-service"));
    expect(Number((await cells("s1"))[2])).toBeGreaterThan(100);
    // It is meant to lack that service.
    expect(await text("#state")).toContain("Normal: ");
    const [configured, observed] = await cells("s2");
    expect(configured).toBe("20 %");
    expect(percentIn(observed)).toBeGreaterThan(8);
    expect(percentIn(observed)).toBeLessThan(35);
    const path = (await page.locator("#lanes svg path").first().getAttribute("d")) ?? "";
    // Sixty minutes: silence is drawn as well.
    expect(path.match(/[ML]/g)).toHaveLength(60);
    expect(new Set(path.match(/ [\d.]+/g)).size).toBeGreaterThan(1);
    expect(await text("#fresh")).toBe("Live");
    expect(await page.evaluate("globalThis.sameDocument")).toBe(true);
    // What was typed meanwhile stays, and the baseline's rest with it.
    expect(await page.getByLabel("s2", { exact: true }).inputValue()).toBe("35");
    expect(await text("[data-rest]")).toBe("65 %");
  });

  it("cannot ask for more than all visitors, and is told before anything is sent", async () => {
    await page.getByLabel("s2", { exact: true }).fill("70");
    await page.getByLabel("next", { exact: true }).fill("40");
    await page.locator("#reason").fill("too much");
    await button("Preview").click();
    expect(await page.evaluate("document.querySelector('#w-s2').validationMessage")).toContain("more than 100 %");
    expect(page.url()).toBe(group());
    await page.getByLabel("next", { exact: true }).fill("0");
  });

  it("previews a shift, and nothing has changed by that", async () => {
    await page.getByLabel("s2", { exact: true }).fill("60");
    await page.locator("#reason").fill("s2 looks good");
    await button("Preview").click();
    expect(await shown(page.getByRole("heading", { level: 1 }))).toBe("shop: this would change");
    expect(await shown(page.getByRole("table", { name: "Visitors who would change lanes" }))).toMatch(/s1\s+s2\s+40 %/);
    expect(await shown(page.getByRole("table", { name: "What becomes different" }))).toMatch(/lanes\.s2\.weight\s+20\s+60/);
    expect((await world.api("GET", "/groups/shop")).body.published.revision).toBe(2);
  });

  it("confirms, and sees the new share under traffic", async () => {
    await button("Confirm: s2 looks good").click();
    expect(await shown(page.getByRole("status").filter({ hasText: "published" }))).toBe("The weights are published.");
    expect(await text("#state")).toContain("s1 40 %, s2 60 %");
    const { body } = await world.api("GET", "/groups/shop");
    expect(body.published).toMatchObject({ revision: 3, by: "page", reason: "s2 looks good" });
    await live(async () => {
      await world.visit(10);
      expect(percentIn((await cells("s2"))[1])).toBeGreaterThan(45);
    });
  });

  it("undoes it with one click", async () => {
    await button("Undo revision 3").click();
    expect(await text("#state")).toContain("s1 80 %, s2 20 %");
    expect((await world.api("GET", "/groups/shop")).body.published).toMatchObject({ revision: 4, reason: "undo of revision 3" });
  });

  it("is told what changed when somebody else was faster, and overwrites nothing", async () => {
    await page.getByLabel("s2", { exact: true }).fill("50");
    await page.locator("#reason").fill("too late");
    await button("Preview").click();
    await world.api("POST", "/groups/shop/weights", { weights: { s2: 25 }, reason: "faster" }, { "if-match": '"4"' });
    await button("Confirm: too late").click();
    expect(await shown(page.getByRole("alert"))).toContain("The group is at revision 5");
    expect(await shown(page.getByRole("table", { name: "What changed since" }))).toMatch(/lanes\.s2\.weight\s+20\s+25/);
    expect((await world.api("GET", "/groups/shop")).body.published.reason).toBe("faster");
    await page.getByRole("link", { name: "Back to how it is now" }).click();
    expect(await text("#state")).toContain("s2 25 %");
  });

  it("switches everything to the baseline, and on again", async () => {
    await page.locator("#off-reason").fill("night");
    await button("Everything to the baseline, now").click();
    expect(await text("#state")).toBe("Switched off: shop sends everything to s1.");
    await vi.waitFor(
      async () => {
        const answers = await Promise.all(Array.from({ length: 20 }, () => world.router.fetch("/", { host: "shop.example" })));
        expect(new Set(answers.map(({ headers }) => headers["x-lane"]))).toEqual(new Set(["s1"]));
      },
      { timeout: 15_000, interval: 300 },
    );
    await page.locator("#off-reason").fill("morning");
    await button("Switch the lanes on again").click();
    expect(await text("#state")).toContain("s2 25 %");
    await page.getByText("Switches and deletions").click();
    expect(await shown(page.getByRole("table", { name: "Newest first." }).last())).toMatch(/on: shop\s+morning[\s\S]*off: shop\s+night/);
  });

  it("puts an earlier revision back from the history, after a preview", async () => {
    await page.getByRole("link", { name: "Put back revision 3" }).click();
    expect(await shown(page.getByRole("table", { name: "Visitors who would change lanes" }))).toMatch(/s1\s+s2\s+35 %/);
    await button("Put back revision 3").click();
    expect(await text("#state")).toContain("s1 40 %, s2 60 %");
    expect(await shown(page.getByRole("table", { name: /Newest first\. A rollback/ }))).toMatch(
      /\n6\s+\d+ s ago\s+page\s+rollback to 3\s+back to revision 3\s+current/,
    );
  });

  it("sees a value that somebody put into KV, with what it changed, and adopts it", async () => {
    const file = JSON.parse((await world.router.kv.get("group:shop"))!);
    delete file.published;
    file.lanes.s2.weight = 1;
    await world.router.putGroup("shop", file);
    await page.goto(group());
    expect(await text("#state")).toContain("KV was changed outside.");
    expect(await shown(page.getByRole("table", { name: "What revision 7 changed" }))).toMatch(/lanes\.s2\.weight\s+60\s+1/);
    await button("Adopt it").click();
    expect(await shown(page.getByRole("status").filter({ hasText: "adopted" }))).toBe("The change is adopted.");
    expect(await page.locator("#outside").count()).toBe(0);
    const { body } = await world.api("GET", "/groups/shop");
    expect(body.published).toMatchObject({ revision: 8, by: "page" });
    expect(body.lanes.s2.weight).toBe(1);
    expect(JSON.parse((await world.router.kv.get("group:shop"))!).published.revision).toBe(8);
  });

  it("sees a value that is no lane file, what is wrong with it, and the way back", async () => {
    await world.router.kv.put("group:shop", '{"schema":1,"name":"shop","lanes":"<b>none</b>"}');
    await page.goto(group());
    expect(await shown(page.getByRole("alert").first())).toMatch(
      /The newest value is no lane file; the group serves revision 8\.[\s\S]*lanes: /,
    );
    await page.locator("#outside").getByRole("link", { name: "Put back revision 8 …" }).click();
    await button("Put back revision 8").click();
    await live(async () => expect(await text("#state")).toBe("Normal: shop sends s1 97.56 %, s2 2.44 %."));
  });

  it("logs out, and the pages are closed", async () => {
    await button("Log out").click();
    expect(page.url()).toContain("/__lanes/login");
    await page.goto(group());
    expect(page.url()).toContain("/__lanes/login");
  });
});

describe("a person who may read", () => {
  it("sees everything and can change nothing", async () => {
    await logIn(page, world.router, READ_TOKEN);
    await page.goto(group());
    expect(await shown(page.getByRole("banner"))).toContain("may read");
    expect(await page.getByLabel("s2", { exact: true }).isDisabled()).toBe(true);
    expect(await page.locator("form button:enabled").allInnerTexts()).toEqual(["Log out", "Explain"]);
    expect(await page.getByRole("link", { name: /Put back/ }).count()).toBe(0);
  });

  it("sees in the state that a lane fails", async () => {
    await inForce(world.router, "10");
    world.live.respond(answer(503));
    for (let at = 0; at < 30; at++) await world.router.fetch("/", { host: "shop.example", headers: { baggage: "pr=1" } });
    await live(async () =>
      expect(await text("#state")).toMatch(
        /^Needs a look: s2 answers [\d.]+ % of \d+ requests(?: to web)? with errors, the baseline [\d.]+ %; \d+ fell back\. shop sends/,
      ),
    );
  });

  it("is told when the login is over, while the page is open", async () => {
    await page.context().clearCookies();
    await live(async () => expect(await text("#fresh")).toBe("Log in again for live figures"));
  });
});
