import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { GROUPS } from "../../src/demo/cast.ts";
import { freePort, startLocalRun } from "../../src/demo/local-run.ts";
import { withBundled } from "../support/plant.ts";
import { type Router, type RouterAnswer, type RouterRequest, startRouter } from "../support/router.ts";
import { ADMIN_TOKEN, FORM, shopFile, TOKENS } from "./world.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const file = shopFile("https://live.example", "https://dark.example");
let router: Router;
let cookie: string;

async function session(to: Router): Promise<string> {
  const headers = { ...FORM, "sec-fetch-site": "same-origin" };
  const { headers: answered } = await to.fetch("/__lanes/login", {
    method: "POST",
    headers,
    body: `username=laneway&token=${ADMIN_TOKEN}`,
  });
  return String(answered["set-cookie"]).split(";")[0]!;
}

beforeAll(async () => {
  router = await startRouter({ groups: { shop: file }, bindings: TOKENS });
  cookie = await session(router);
});
afterAll(() => router?.dispose());

const get = (path: string, request: RouterRequest = {}) => router.fetch(path, { ...request, headers: { cookie, ...request.headers } });
const textOf = ({ text }: RouterAnswer) => text.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");

describe("an answer", () => {
  it.each([
    ["/__lanes/", 200],
    ["/__lanes", 200],
    ["/__lanes/g/shop", 200],
    ["/__lanes/g/nobody", 404],
    ["/__lanes/g/shop/back/99", 404],
    ["/__lanes/login", 200],
  ])("of %s has a content security policy without inline script, and is kept nowhere", async (path, status) => {
    const answer = await get(path);
    expect(answer.status).toBe(status);
    expect(answer.text).toMatch(/^<!doctype html><html lang="en">/);
    const policy = String(answer.headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(answer.text).not.toMatch(/<style|<script(?! src="\/__lanes\/page\.js")| style=| on\w+=/);
    expect(answer.headers["x-frame-options"]).toBe("DENY");
    expect(answer.headers["referrer-policy"]).toBe("same-origin");
  });

  it.each([
    "/__lanes/",
    "/__lanes/g/shop",
    "/__lanes/page.css",
    "/__lanes/page.js",
    "/__lanes/health",
    "/__lanes/api/groups",
    "/__lanes/nothing",
    "/__lanes/g/shop/differences",
  ])("of %s is never stored, sniffed, or told to other sites", async (path) => {
    for (const answer of [await get(path), await router.fetch(path)]) {
      expect(answer.headers["cache-control"]).toBe("no-store");
      expect(answer.headers["x-content-type-options"]).toBe("nosniff");
      expect(answer.headers["referrer-policy"]).toMatch(/^(?:same-origin|no-referrer)$/);
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    }
  });

  it("is the login, for whoever has no session or a forged one", async () => {
    for (const forged of ["", "lane-admin=1.write.9999999999.x.y", `${cookie.slice(0, -2)}xx`]) {
      const answer = await get("/__lanes/g/shop", { headers: { cookie: forged } });
      expect([answer.status, answer.headers.location]).toEqual([303, "/__lanes/login?to=%2F__lanes%2Fg%2Fshop"]);
    }
  });

  const person = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

  it.each(["/__lanes/nonsense", "/__lanes/g/shop/nonsense", "/__lanes/g"])(
    "of %s is a page for a person, and a problem for a script",
    async (path) => {
      for (const session of [cookie, ""]) {
        const page = await get(path, { headers: { ...person, cookie: session } });
        expect([page.status, page.headers["content-type"]]).toEqual([404, "text/html; charset=UTF-8"]);
        expect(textOf(page)).toContain("No such page There is nothing here. All groups");
        expect([page.headers["cache-control"], page.headers["referrer-policy"]]).toEqual(["no-store", "same-origin"]);
        expect(String(page.headers["content-security-policy"])).toContain("default-src 'none'");
      }
      const script = await get(path);
      expect([script.status, script.headers["content-type"]]).toEqual([404, "application/problem+json"]);
    },
  );

  it("of the API is a problem even for a person", async () => {
    const answer = await get("/__lanes/api/nonsense", { headers: person });
    expect([answer.status, answer.headers["content-type"]]).toEqual([404, "application/problem+json"]);
  });

  it.each(["", "/history", "/differences", "/back/1"])("of a group that is none says so, at %j", async (rest) => {
    const answer = await get(`/__lanes/g/nobody${rest}`, { headers: person });
    expect(answer.status).toBe(404);
    expect(textOf(answer)).toContain("No such group There is no such group. All groups");
    expect(textOf(answer)).not.toMatch(/If-None-Match|did not work/);
  });

  it("of a group that cannot be read says what is wrong with it", async () => {
    const { baseline: _, ...rest } = file;
    const groups = { shop: file, newbie: { ...rest, name: "newbie", hosts: ["newbie.example"] } };
    const broken = await startRouter({ groups, bindings: TOKENS });
    const headers = { cookie: await session(broken) };
    const [list, group] = [await broken.fetch("/__lanes/", { headers }), await broken.fetch("/__lanes/g/newbie", { headers })];
    expect(textOf(list)).toMatch(/newbie It cannot be read: baseline: expected .+ the key is missing\./);
    expect([group.status, textOf(group)]).toEqual([200, expect.stringMatching(/baseline: expected .+ the key is missing/)]);
    await broken.kv.put("groups", JSON.stringify(["shop", "newbie", "lost"]));
    await expect
      .poll(async () => textOf(await broken.fetch("/__lanes/g/lost", { headers })), { timeout: 15_000 })
      .toMatch(/"groups" names it, but KV has no value|&quot;groups&quot; names it/);
    await broken.dispose();
  });

  it("carries a script of at most 6 KB and a page of at most 10 KB, compressed", async () => {
    const sizes = await Promise.all(
      ["/__lanes/page.js", "/__lanes/page.css", "/__lanes/g/shop"].map(async (path) => gzipSync((await get(path)).body).length),
    );
    expect(sizes[0]).toBeLessThanOrEqual(6 * 1024);
    expect(sizes[1]! + sizes[2]!).toBeLessThanOrEqual(10 * 1024);
  });
});

describe("a log-in", () => {
  const log = (body: string, headers: RouterRequest["headers"] = {}) =>
    router.fetch("/__lanes/login", { method: "POST", headers: { ...FORM, "sec-fetch-site": "same-origin", ...headers }, body });
  const to = encodeURIComponent("/__lanes/g/shop/history?before=9");

  it("leads to the page that was asked for, also after a try that failed, and never anywhere else", async () => {
    const asked = await router.fetch("/__lanes/g/shop/history?before=9");
    expect(asked.headers.location).toBe(`/__lanes/login?to=${to}`);
    expect((await router.fetch(String(asked.headers.location))).text).toContain('name="to" value="/__lanes/g/shop/history?before=9"');
    expect((await log(`token=wrong&to=${to}`)).headers.location).toBe(`/__lanes/login?failed&to=${to}`);
    expect((await log(`token=${ADMIN_TOKEN}&to=${to}`)).headers.location).toBe("/__lanes/g/shop/history?before=9");
    for (const evil of ["//evil.example/", "https://evil.example/__lanes/", "/\\evil.example", "/__lanes/logout"])
      expect((await log(`token=${ADMIN_TOKEN}&to=${encodeURIComponent(evil)}`)).headers.location).toBe("/__lanes/");
  });

  it("after a form whose session was over leads to the group's page", async () => {
    const answer = await router.fetch("/__lanes/g/shop/weights", { method: "POST", headers: FORM, body: "form=x" });
    expect(answer.headers.location).toBe("/__lanes/login?to=%2F__lanes%2Fg%2Fshop");
  });

  it("that failed too often is told on a page", async () => {
    const person = { accept: "text/html", "cf-connecting-ip": "203.0.113.50" };
    let last = await log("token=wrong", person);
    for (let i = 0; i < 12; i++) last = await log("token=wrong", person);
    expect([last.status, textOf(last)]).toEqual([429, expect.stringContaining("Too many tries; wait a moment.")]);
  });
});

describe("a form", () => {
  const formToken = async () => /name="form" value="([\w-]+)"/.exec((await get("/__lanes/g/shop")).text)![1]!;
  const post = (path: string, body: string, headers: RouterRequest["headers"] = {}) =>
    get(path, { method: "POST", body, headers: { ...FORM, ...headers } });
  const revision = async () =>
    JSON.parse((await router.fetch("/__lanes/api/groups/shop", { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).text).published
      .revision;

  it.each([
    ["from another site", { "sec-fetch-site": "cross-site", origin: "https://evil.example" }],
    ["from a neighbour", { "sec-fetch-site": "same-site", origin: "http://evil.localhost" }],
    ["from an older browser on another site", { origin: "https://evil.example" }],
    ["from nowhere that can be told", {}],
  ])("%s changes nothing, though the cookie comes along", async (_, headers) => {
    const before = await revision();
    for (const path of ["/weights", "/rollback", "/off", "/ignore", "/adopt", "/forget", "/preview"]) {
      const answer = await post(`/__lanes/g/shop${path}`, `form=${await formToken()}&revision=1&weight:s2=50&to=1&reason=x`, headers);
      expect(answer.status, path).toBe(403);
      expect(textOf(answer)).toContain("did not come from Laneway's own page".replace("'", "&#39;"));
    }
    expect(await revision()).toBe(before);
  });

  it("with another login's token changes nothing", async () => {
    const answer = await post("/__lanes/g/shop/weights", `form=${"A".repeat(43)}&revision=1&weight:s2=50`, {
      "sec-fetch-site": "same-origin",
    });
    expect(answer.status).toBe(403);
  });

  it("of the login asks for no token where Cloudflare Access has seen to it", async () => {
    expect((await get("/__lanes/login")).text).not.toContain("Cloudflare Access");
    const behind = await startRouter({ groups: { shop: file }, bindings: { ...TOKENS, ACCESS_TEAM: "team", ACCESS_AUD: "audience" } });
    expect((await behind.fetch("/__lanes/login")).text).toContain("Continue with Cloudflare Access");
    const failed = await behind.fetch("/__lanes/login", {
      method: "POST",
      headers: { ...FORM, "sec-fetch-site": "same-origin" },
      body: "",
    });
    expect(failed.headers.location).toBe("/__lanes/login?failed");
    await behind.dispose();
  });

  it("of a mebibyte is not read to its end", async () => {
    // The answer may come, and the connection end, while the client still writes.
    const answer = await post("/__lanes/g/shop/weights", `form=${"A".repeat(1024 * 1024)}`, { "sec-fetch-site": "same-origin" }).catch(
      (error: NodeJS.ErrnoException) => ({ status: error.code === "EPIPE" || error.code === "ECONNRESET" ? 413 : 0 }),
    );
    expect(answer.status).toBe(413);
  });

  it("with numbers that are none is refused in words", async () => {
    const answer = await post("/__lanes/g/shop/weights", `form=${await formToken()}&revision=1&weight:s2=many`, {
      "sec-fetch-site": "same-origin",
    });
    expect(answer.status).toBe(422);
    expect(textOf(answer)).toContain("expected a percentage from 0 to 100");
  });
});

describe("without", () => {
  it("traffic and mirror, the page says what to do first", async () => {
    const shown = textOf(await get("/__lanes/g/shop"));
    expect(shown).toContain("No request was counted yet. Send one to a host of the group");
    expect(shown).toContain("This group has no mirror. Add one to its lane file");
  });

  it("any group, the page says what to do first", async () => {
    const empty = await startRouter({ groups: {}, bindings: TOKENS });
    const answer = await empty.fetch("/__lanes/", { headers: { cookie: await session(empty) } });
    expect(textOf(answer)).toContain("There is no group yet. Write a first lane file with npx lanes init");
    await empty.dispose();
  });

  it("a readable KV, the page shows what serves, and what is wrong", async () => {
    const kv = "export default { fetch: () => new Response(null, { status: 500 }) }";
    const blind = await startRouter({ workers: { LANES: kv }, bindings: TOKENS, build: withBundled({ shop: file }) });
    const headers = { cookie: await session(blind) };
    const list = await blind.fetch("/__lanes/", { headers });
    expect(list.status).toBe(200);
    expect(list.text).toContain('href="/__lanes/g/shop"');
    expect(textOf(list)).toContain("What KV holds at");
    await blind.dispose();
  });

  it("ADMIN_HOST, outside the local run, there are no pages at all", async () => {
    const api = await startRouter({ groups: { shop: { ...file } }, bindings: { ...TOKENS, INSECURE_ORIGINS: undefined } });
    for (const path of ["/__lanes/", "/__lanes/login", "/__lanes/page.js", "/__lanes/g/shop"]) {
      const answer = await api.fetch(path);
      expect([answer.status, answer.headers["content-type"]]).toEqual([404, "application/problem+json"]);
    }
    await api.dispose();
  });

  it("its address being known, ADMIN_HOST alone leads to the pages", async () => {
    const admin = await startRouter({ groups: { shop: file }, bindings: { ...TOKENS, ADMIN_HOST: "lanes.example" } });
    const answer = await admin.fetch("/", { host: "lanes.example" });
    expect([answer.status, answer.headers.location]).toEqual([303, "/__lanes/"]);
    await admin.dispose();
  });
});

it("opens the running demo's dashboard with the token that it prints", { timeout: 60_000 }, async () => {
  const run = await startLocalRun({ port: await freePort(0), onLog: () => {} });
  const url = `http://127.0.0.1:${run.port}/__lanes`;
  const sent = { method: "POST", redirect: "manual", headers: { "sec-fetch-site": "same-origin" } } as const;
  const login = await fetch(`${url}/login`, { ...sent, body: new URLSearchParams({ token: run.adminToken }) });
  const headers = { cookie: login.headers.get("set-cookie")!.split(";")[0]! };
  for (const group of GROUPS) {
    const page = await (await fetch(`${url}/g/${group}`, { headers })).text();
    expect(page).toContain("Revision 1 by npm run demo");
    expect(page).not.toContain('id="outside"');
  }
  await run.dispose();
});
