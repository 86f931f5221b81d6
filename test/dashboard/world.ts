/** A router with a group that has traffic, and a real Chromium to look at its pages. One of each per test file. */
import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";
import { type Origin, startOrigin } from "../support/origin.ts";
import { json } from "../support/replies.ts";
import { type Router, startRouter } from "../support/router.ts";

export const ADMIN_TOKEN = "admin-token-admin-token-admin-token-1";
export const READ_TOKEN = "read-token-read-token-read-token-0001";
export const TOKENS = { LANEWAY_ADMIN_TOKEN: ADMIN_TOKEN, LANEWAY_READ_TOKEN: READ_TOKEN };

export const FORM = { "content-type": "application/x-www-form-urlencoded" };

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

export async function startBrowser(flags: readonly string[] = []): Promise<Browser> {
  if (!existsSync(CHROMIUM)) {
    throw new Error(
      `No Chromium at ${CHROMIUM}: "apt-get install chromium" on Debian, or say in CHROMIUM where it is. These tests need one.`,
    );
  }
  const quiet = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", ...quiet, ...flags] });
}

/** Everything that a page did that no page of ours may do. */
export interface Sins {
  /** What the console said, violations of the content security policy among it; uncaught exceptions; dialogs. */
  readonly said: string[];
}

/** A window of a new visitor, whose sins are noted. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Page & Sins> {
  const context: BrowserContext = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const said: string[] = [];
  // The status of an answer that is an error page is no sin.
  page.on(
    "console",
    (message) => message.text().startsWith("Failed to load resource: the server responded with") || said.push(message.text()),
  );
  page.on("pageerror", (error) => said.push(`uncaught: ${error.message}`));
  page.on("dialog", (dialog) => {
    said.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return Object.assign(page, { said });
}

/** What a person can read there; cells are parted by tabs. */
// biome-ignore lint/performance/useDomNodeTextContent: hidden text cannot be read.
export const shown = (locator: Locator): Promise<string> => locator.innerText();

export async function logIn(page: Page, router: Router, token = ADMIN_TOKEN): Promise<void> {
  await page.goto(`${router.url}/__lanes/`);
  await page.getByLabel("Admin token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
}

// biome-ignore lint/suspicious/noExplicitAny: tests read and change it in every way.
type Json = any;

export const shopFile = (live: string, dark: string): Json => ({
  schema: 1,
  name: "shop",
  note: "The shop's front and its API.",
  hosts: ["shop.example", "api.shop.example"],
  baseline: "s1",
  services: { web: {}, api: { hosts: ["api.shop.example"], entry: false } },
  lanes: {
    s1: { weight: 80, origins: { web: live, api: live } },
    s2: { weight: 20, origins: { web: live } },
    next: { owner: "payments", origins: { web: dark } },
  },
  rules: [{ name: "pr", when: { baggage: { pr: { regex: "[0-9]+" } } }, lane: "s2" }],
});

export interface World {
  readonly live: Origin;
  readonly dark: Origin;
  readonly router: Router;
  readonly browser: Browser;
  /** New visitors, without cookies. */
  visit(count: number, path?: (at: number) => string): Promise<void>;
  /** A call of the admin API, with the admin token. */
  api(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<{ status: number; body: Json }>;
  close(): Promise<void>;
}

/** `change` gets the lane file before it is published. The group's newest revision then is 2, published, and in force. */
export async function startWorld(change: (file: Json) => void = () => {}): Promise<World> {
  const [live, dark] = await Promise.all([startOrigin("live"), startOrigin("dark")]);
  live.respond(json({ price: 1 }));
  dark.respond(json({ price: 1 }));
  const file = shopFile(live.url, dark.url);
  change(file);
  const router = await startRouter({ groups: { shop: file }, bindings: TOKENS });
  const api: World["api"] = async (method, path, body, headers = {}) => {
    const sent = { authorization: `Bearer ${ADMIN_TOKEN}`, ...headers };
    const answer = await router.fetch(`/__lanes/api${path}`, {
      method,
      headers: sent,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: answer.text === "" ? null : JSON.parse(answer.text) };
  };
  const visit: World["visit"] = async (count, path = () => "/") => {
    for (let at = 0; at < count; at += 20) {
      const some = Array.from({ length: Math.min(20, count - at) }, (_, each) => router.fetch(path(at + each), { host: "shop.example" }));
      await Promise.all(some);
    }
  };
  await api("GET", "/groups/shop");
  await api("PUT", "/groups/shop", file, { "if-match": "*", "x-reason": "first", "x-actor": "ann" });
  const [browser] = await Promise.all([startBrowser(), inForce(router, "2")]);
  return {
    live,
    dark,
    router,
    browser,
    visit,
    api,
    close: async () => {
      await Promise.all([browser.close(), router.dispose(), live.close(), dark.close()]);
    },
  };
}

/** Until the router serves this revision of its only group; a request a moment makes it look. */
export async function inForce(router: Router, revision: string): Promise<void> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  for (const end = Date.now() + 15_000; Date.now() < end; await new Promise((done) => setTimeout(done, 100))) {
    const { text } = await router.fetch("/__lanes/health", { headers });
    if (JSON.parse(text).groups[0]?.revision === revision) return;
  }
  throw new Error(`the router does not serve revision ${revision}`);
}
