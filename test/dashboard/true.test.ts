/** What the page says is so, also where somebody broke the value in KV, or did something elsewhere meanwhile. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ADMIN_TOKEN, logIn, openPage, shown, startWorld, type World } from "./world.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let world: World;
let page: Page;
beforeAll(async () => {
  world = await startWorld();
  page = await openPage(world.browser);
  await logIn(page, world.router, ADMIN_TOKEN);
});
afterAll(() => world?.close());

const group = (query = "") => `${world.router.url}/__lanes/g/shop${query}`;
const button = (name: string) => page.getByRole("button", { name });
const newest = async (): Promise<number> => (await world.api("GET", "/groups/shop")).body.published.revision;
const live = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 25_000, interval: 250 });

describe("a note of what was done", () => {
  beforeEach(() => page.goto(group()));

  it("goes when it stops being true: off here, on again elsewhere", async () => {
    await page.locator("#off-reason").fill("fire");
    await button("Everything to the baseline, now").click();
    await page.waitForURL(/done=off/);
    const note = page.locator("#done");
    expect(await shown(note)).toBe("Everything goes to the baseline.");
    expect((await world.api("DELETE", "/off", { groups: ["shop"], reason: "out" })).status).toBe(200);
    await live(async () => expect(await shown(note)).toBe(""));
    await page.reload();
    expect(await shown(note)).toBe("");
  });

  it("goes when another revision follows", async () => {
    await page.getByLabel("s2", { exact: true }).fill("30");
    await page.locator("#reason").fill("more");
    await button("Preview").click();
    await button("Confirm").click();
    await page.waitForURL(/done=weights/);
    const note = page.locator("#done");
    expect(await shown(note)).toBe("The weights are published.");
    const weights = { weights: { s2: 20 }, reason: "less" };
    expect((await world.api("POST", "/groups/shop/weights", weights, { "if-match": "*" })).status).toBe(200);
    await live(async () => expect(await shown(note)).toBe(""));
  });

  it.each(["weights", "rollback", "adopt", "ignore", "off", "constructor"])("is not made up by an address: %s", async (done) => {
    for (const more of ["", "&revision=1", "&revision=x"]) {
      await page.goto(group(`?done=${done}${more}`));
      expect(await shown(page.locator("#done"))).toBe("");
    }
  });
});

describe("the share of a lane while it is typed", () => {
  it("of the baseline is never below nothing", async () => {
    await page.goto(group());
    await page.getByLabel("s2", { exact: true }).fill("90");
    expect(await shown(page.locator("[data-rest]"))).toBe("10 %");
    for (const input of await page.locator("[data-weights] input[type=number]").all()) await input.fill("90");
    expect(await shown(page.locator("[data-rest]"))).toBe("0 %: 80 % too many");
  });
});

describe("a value that is no lane file", () => {
  it.each([
    [
      "JSON with a weight that is a text",
      (file: object) => JSON.stringify(file).replace(/"weight":\d+/, '"weight":"20%"'),
      "lanes.s1.weight",
    ],
    ["half of a file", (file: object) => JSON.stringify(file).slice(0, 60), ""],
    ["a list", () => "[]", ""],
  ])("serves nobody, and the page says nothing else: %s", async (_, broken, where) => {
    const { published: __, ...file } = (await world.api("GET", "/groups/shop")).body;
    const good = await newest();
    await world.router.kv.put("group:shop", broken(file));
    await page.goto(group());
    const outside = await shown(page.locator("#outside"));
    expect(outside).toContain(
      `It is revision ${good + 1} now, but no lane file, so it was never in force: the group serves revision ${good}.`,
    );
    expect(outside).not.toContain("serves as it is");
    expect(await page.locator("#outside").getByRole("button").count()).toBe(0);
    expect(await shown(page.locator("#spread"))).not.toContain("It is spreading");
    const problems = await shown(page.locator("#problems"));
    expect(problems).toContain(`The newest value is no lane file; the group serves revision ${good}.`);
    expect(problems).toContain(where);
    expect(await shown(page.locator("body"))).not.toContain("unreadable");
    // A second one: what cannot be put back is not offered.
    await world.router.kv.put("group:shop", broken(file).replace("shop", "shoq"));
    await page.goto(group());
    expect(await shown(page.locator("#history"))).toMatch(new RegExp(`^${good + 1}\\t.*no lane file$`, "m"));
    expect(await page.getByRole("link", { name: `Put back revision ${good + 1} …` }).count()).toBe(0);

    // Whom the preview of an earlier one names is who moves from what serves.
    await page.goto(`${world.router.url}/__lanes/g/shop/back/1`);
    const preview = await shown(page.locator("main"));
    const { body } = await world.api("GET", "/groups/shop/history/1");
    const checked = await world.api("POST", "/groups/shop/check?back=1", body.file);
    expect(checked.body.against).toBe(good);
    if (checked.body.moved.length === 0) expect(preview).toContain("Nobody would change lanes.");
    else expect(preview).toContain("Who");
    await page.goto(group());
    await page
      .locator("#outside")
      .getByRole("link", { name: `Put back revision ${good} …` })
      .click();
    await button(`Put back revision ${good}`).click();
    await page.waitForURL(/done=rollback/);
    expect(await shown(page.locator("#done"))).toBe("The earlier revision is put back, as a new one.");
  });
});
