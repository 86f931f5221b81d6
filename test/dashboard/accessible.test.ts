import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { json } from "../support/replies.ts";
import { logIn, openPage, type Sins, shown, startWorld, type World } from "./world.ts";

vi.setConfig({ testTimeout: 40_000, hookTimeout: 40_000 });

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let world: World;

beforeAll(async () => {
  world = await startWorld((file) => {
    file.mirrors = [{ name: "m", lane: "next", percent: 100, compare: { noisePercent: 100 } }];
    for (let at = 1; at <= 6; at++) file.services[`service-${at}`] = { hosts: [`s${at}.shop.example`] };
    for (let at = 1; at <= 6; at++) file.hosts.push(`s${at}.shop.example`);
    for (let at = 1; at <= 6; at++) file.lanes.s1.origins[`service-${at}`] = file.lanes.s1.origins.web;
  });
  world.dark.respond(
    json({ price: 2, ["a-key-of-great-length-".repeat(10)]: "a value without any space ".replaceAll(" ", "-").repeat(40) }),
  );
  await world.visit(60, (at) => `/product/${at}`);
  await vi.waitFor(
    async () => {
      const { body } = await world.api("GET", "/groups/shop/differences");
      expect(body.endpoints[0].paths.map(({ verdict }: { verdict: string }) => verdict)).toContain("regression");
    },
    { timeout: 20_000, interval: 300 },
  );
  // Something of everything is on the page: a change outside, a problem, a group that is switched off.
  await world.api("PUT", "/off", { groups: ["shop"], reason: "night" });
});
afterAll(() => world?.close());

const group = () => `${world.router.url}/__lanes/g/shop`;

/** Every page, one after the other, as a person comes to it, with all that can be opened open. */
async function eachPage(page: Page & Sins, look: (name: string) => Promise<void>): Promise<void> {
  const open = async (name: string) => {
    for (const summary of await page.locator("summary").all()) await summary.click();
    await look(name);
  };
  await logIn(page, world.router, "wrong-token-wrong-token-wrong-token-1");
  await open("login, refused");
  await logIn(page, world.router);
  await open("groups");
  await page.goto(group());
  await open("group");
  await page.getByLabel("s2", { exact: true }).fill("35");
  await page.locator("#reason").fill("why");
  await page.getByRole("button", { name: "Preview" }).click();
  await open("preview");
  await page.goto(group());
  await page.getByLabel("Headers, one a line").fill("baggage: pr=123\nx-lane-mirror: shop/m");
  await page.getByRole("button", { name: "Explain" }).click();
  await open("explanation");
  await page.goto(`${group()}/differences`);
  await open("differences");
  await page.goto(`${group()}/history`);
  await open("history");
  await page.goto(`${world.router.url}/__lanes/g/nobody`);
  await open("no such group");
}

interface Found {
  readonly violations: readonly { readonly id: string; readonly help: string; readonly nodes: readonly { readonly html: string }[] }[];
  readonly passes: readonly unknown[];
}

/** @param rules null: all */
async function violations(page: Page, rules: readonly string[] | null): Promise<string[]> {
  if ((await page.evaluate("typeof axe")) === "undefined") await page.evaluate(AXE);
  const options = { resultTypes: ["violations"], ...(rules && { runOnly: rules }) };
  const found: Found = await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`);
  expect(found.passes.length).toBeGreaterThan(0);
  return found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" ")}`);
}

/** Pixels by which the page is wider than its window. */
const sideways = (page: Page): Promise<number> => page.evaluate("document.documentElement.scrollWidth - innerWidth");

it("gives axe nothing to find, light, dark or narrow, and never scrolls sideways", { timeout: 60_000 }, async () => {
  const page = await openPage(world.browser);
  await eachPage(page, async (name) => {
    expect(await violations(page, null), `${name}, light`).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    // Nothing else is different.
    expect(await violations(page, ["color-contrast"]), `${name}, dark`).toEqual([]);
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await sideways(page), `${name}, narrow`).toBeLessThanOrEqual(0);
    if (name === "group") expect(await violations(page, null), `${name}, narrow`).toEqual([]);
    await page.setViewportSize({ width: 1200, height: 900 });
  });
  expect(page.said).toEqual([]);
});

describe("a keyboard alone", () => {
  let page: Page & Sins;

  interface Focused {
    readonly name: string;
    readonly outline: string;
  }

  const focused = (): Promise<Focused> =>
    page.evaluate(`(() => {
      const each = document.activeElement;
      const label = each.labels?.[0]?.textContent ?? each.getAttribute("aria-label") ?? each.textContent;
      const { outlineStyle, outlineWidth } = getComputedStyle(each);
      return { name: label.trim().replace(/\\s+/g, " "), outline: outlineStyle + " " + outlineWidth };
    })()`);

  /** Presses Tab until this has the focus; what had it on the way. */
  async function tabTo(name: string): Promise<Focused[]> {
    const way: Focused[] = [];
    while (way.length < 60) {
      await page.keyboard.press("Tab");
      way.push(await focused());
      if (way.at(-1)!.name === name) return way;
    }
    throw new Error(`Tab never came to ${name}: ${way.map((each) => each.name).join(" | ")}`);
  }

  it("logs in, comes to everything in the order in which it is read, and sees where it is", async () => {
    page = await openPage(world.browser);
    await page.goto(`${world.router.url}/__lanes/`);
    await tabTo("Admin token, or read token");
    await page.keyboard.type("admin-token-admin-token-admin-token-1");
    await page.keyboard.press("Enter");
    await page.waitForURL(/__lanes\/$/);
    await tabTo("shop");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/g\/shop$/);
    const way = await tabTo("Explain");
    const names = way.map(({ name }) => name);
    const expected = [
      "Laneway",
      "Log out",
      "Reason",
      "Switch the lanes on again",
      "Lanes, a table",
      "s2",
      "next",
      "Reason",
      "Preview",
      "All differences",
      "Ignore body.price",
      "Method",
      "URL",
      "Headers, one a line",
      "Explain",
    ];
    expect(names.filter((name) => expected.includes(name))).toEqual(expected);
    expect(way.filter(({ outline }) => outline !== "solid 3px").map(({ name }) => name)).toEqual([]);
  });

  it("shifts a weight with its preview, and confirms", async () => {
    await page.reload();
    await tabTo("s2");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("45");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.type("keys");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/preview$/);
    await tabTo("Confirm: keys");
    await page.keyboard.press("Enter");
    await page.waitForURL(/done=weights/);
    expect((await world.api("GET", "/groups/shop")).body.published.reason).toBe("keys");
  });

  it("keeps its place while the figures change", async () => {
    await page.clock.install();
    await page.goto(group());
    await tabTo("Lanes, a table");
    const before = await shown(page.locator("#lanes"));
    await world.visit(20);
    await vi.waitFor(
      async () => {
        await page.clock.runFor(5_000);
        expect(await shown(page.locator("#lanes"))).not.toBe(before);
      },
      { timeout: 15_000, interval: 300 },
    );
    expect((await focused()).name).toBe("Lanes, a table");
    expect(page.said).toEqual([]);
  });
});
