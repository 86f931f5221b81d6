import { describe, expect, it } from "vitest";
import { sessionOf } from "../../src/admin/session.ts";
import { ADMIN_TOKEN, type Call, call, READ_TOKEN } from "../support/admin.ts";
import { workerEnv } from "../support/group.ts";

const ORIGIN = "https://lanes.example.com";
const env = { ADMIN_HOST: "lanes.example.com", INSECURE_ORIGINS: undefined };
const own = { origin: ORIGIN, "sec-fetch-site": "same-origin" };
const ask = (method: string, path: string, options: Call = {}) => call(method, path, { token: null, origin: ORIGIN, env, ...options });

const logIn = (token: string, headers: Record<string, string> = own) =>
  ask("POST", "/__lanes/login", { body: `token=${token}`, headers: { "content-type": "application/x-www-form-urlencoded", ...headers } });

async function session(token: string): Promise<{ cookie: string; form: string }> {
  const cookie = (await logIn(token)).headers.get("set-cookie")!.split(";")[0]!;
  const request = new Request(`${ORIGIN}/__lanes/`, { headers: { cookie } });
  const full = { ...workerEnv, ...env, LANEWAY_ADMIN_TOKEN: ADMIN_TOKEN, LANEWAY_READ_TOKEN: READ_TOKEN, INSECURE_ORIGINS: "false" };
  return { cookie, form: sessionOf(request, full, Date.now())!.form };
}

describe("a login", () => {
  it("gives a signed cookie of this host alone, without the token in it", async () => {
    const answer = await logIn(ADMIN_TOKEN);
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/__lanes/"]);
    const cookie = answer.headers.get("set-cookie")!;
    expect(cookie).toMatch(
      /^__Host-lane-admin=1\.write\.\d+\.[0-9a-f-]{36}\.\.[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    expect(cookie).not.toContain(ADMIN_TOKEN);
    expect((await ask("GET", "/__lanes/api/groups", { headers: { cookie: cookie.split(";")[0]! } })).status).toBe(200);
  });

  it("with a wrong token gives none", async () => {
    for (const token of ["", "wrong", `${ADMIN_TOKEN}x`]) {
      const answer = await logIn(token);
      expect([answer.status, answer.headers.get("location"), answer.headers.get("set-cookie")]).toEqual([
        303,
        "/__lanes/login?failed",
        null,
      ]);
    }
  });

  it("is only possible from our own page, and only where there are pages", async () => {
    for (const headers of [
      {},
      { origin: "https://evil.example" },
      { "sec-fetch-site": "cross-site", origin: ORIGIN },
      { origin: "null" },
    ]) {
      expect((await logIn(ADMIN_TOKEN, headers as Record<string, string>)).status).toBe(403);
    }
    // A form of a page that sends no referrer.
    expect((await logIn(ADMIN_TOKEN, { origin: "null", "sec-fetch-site": "same-origin" })).status).toBe(303);
    const plain = { env: { INSECURE_ORIGINS: undefined }, body: `token=${ADMIN_TOKEN}`, headers: own };
    expect((await ask("POST", "/__lanes/login", plain)).status).toBe(404);
  });

  it("ends with a logout", async () => {
    const answer = await ask("POST", "/__lanes/logout", { headers: own });
    expect(answer.headers.get("set-cookie")).toMatch(/^__Host-lane-admin=; Max-Age=0; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
  });
});

describe("a session", () => {
  const write = (cookie: string, headers: Record<string, string>, body: unknown = { groups: ["nobody"] }) =>
    ask("PUT", "/__lanes/api/off", { body, headers: { cookie, "content-type": "application/json", ...own, ...headers } });

  it("may write with the form's token from our own page", async () => {
    const { cookie, form } = await session(ADMIN_TOKEN);
    expect((await write(cookie, { "x-lane-form": form })).status).toBe(422);
    const { "sec-fetch-site": _, ...old } = own;
    expect((await ask("DELETE", "/__lanes/api/off", { headers: { cookie, ...old, "x-lane-form": form } })).status).toBe(200);
  });

  it.each([
    ["without the form's token", { "x-lane-form": "" }],
    ["with another session's token", { "x-lane-form": "other" }],
    ["from another site", { "sec-fetch-site": "cross-site" }],
    ["from a sibling host", { "sec-fetch-site": "same-site" }],
    ["from another origin", { origin: "https://evil.example" }],
    ["as text", { "content-type": "text/plain" }],
    ["as a form", { "content-type": "application/x-www-form-urlencoded" }],
    ["without a type", { "content-type": "" }],
  ])("may not write %s", async (_, headers) => {
    const { cookie, form } = await session(ADMIN_TOKEN);
    const other = (await session(ADMIN_TOKEN)).form;
    const given = headers as Record<string, string>;
    const token = given["x-lane-form"] === "other" ? other : (given["x-lane-form"] ?? form);
    const answer = await write(cookie, { ...given, "x-lane-form": token });
    expect([answer.status, await answer.json()]).toMatchObject([403, { title: "cross-site" }]);
  });

  it("of the read token may only read", async () => {
    const { cookie, form } = await session(READ_TOKEN);
    expect((await ask("GET", "/__lanes/api/groups", { headers: { cookie } })).status).toBe(200);
    const answer = await write(cookie, { "x-lane-form": form });
    expect([answer.status, await answer.json()]).toMatchObject([403, { title: "forbidden" }]);
  });

  it("is nobody's when forged, lengthened, of another scope, over, or of an earlier token", async () => {
    const { cookie } = await session(READ_TOKEN);
    const later = cookie.replace(/\.(\d{10})\./, (_, seconds) => `.${Number(seconds) + 999}.`);
    for (const forged of [
      cookie.replace(".read.", ".write."),
      later,
      `${cookie}x`,
      cookie.slice(0, -1),
      "__Host-lane-admin=",
      "__Host-lane-admin=1.write.9999999999.x.y",
    ]) {
      expect((await ask("GET", "/__lanes/api/groups", { headers: { cookie: forged } })).status).toBe(401);
    }
    const rotated = { ...env, LANEWAY_READ_TOKEN: "another-token-another-token-another-1" };
    expect((await ask("GET", "/__lanes/api/groups", { headers: { cookie }, env: rotated })).status).toBe(401);
    const full = { ...workerEnv, ...env, LANEWAY_ADMIN_TOKEN: ADMIN_TOKEN, LANEWAY_READ_TOKEN: READ_TOKEN, INSECURE_ORIGINS: "false" };
    const request = new Request(`${ORIGIN}/`, { headers: { cookie } });
    expect(sessionOf(request, full, Date.now() + 11 * 3_600_000)).not.toBeNull();
    expect(sessionOf(request, full, Date.now() + 13 * 3_600_000)).toBeNull();
  });

  it("never mends a wrong token, and counts only where there are pages", async () => {
    const { cookie } = await session(ADMIN_TOKEN);
    expect((await ask("GET", "/__lanes/api/groups", { headers: { cookie }, token: "wrong" })).status).toBe(401);
    expect((await ask("GET", "/__lanes/api/groups", { headers: { cookie }, env: { INSECURE_ORIGINS: undefined } })).status).toBe(401);
  });
});
