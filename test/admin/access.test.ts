import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { accessIdentity } from "../../src/admin/access.ts";
import { sessionOf } from "../../src/admin/session.ts";
import { ADMIN_TOKEN, call, create } from "../support/admin.ts";
import { laneFile, workerEnv } from "../support/group.ts";

// KV takes one write a second, so tests of several revisions take as many.
vi.setConfig({ testTimeout: 20_000 });

const ORIGIN = "https://lanes.example.com";
const env = { ...workerEnv, ACCESS_TEAM: "team", ACCESS_AUD: "aud-1", ADMIN_HOST: "lanes.example.com", LANEWAY_ADMIN_TOKEN: ADMIN_TOKEN };
const seconds = () => Math.floor(Date.now() / 1000);
const claims = () => ({ iss: "https://team.cloudflareaccess.com", aud: ["aud-1"], exp: seconds() + 600, email: "ann@example.com" });

let pair: CryptoKeyPair;
let other: CryptoKeyPair;
const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
beforeAll(async () => {
  pair = (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
  other = (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
});
afterEach(() => vi.restoreAllMocks());

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
async function token(body: object, { key = pair, head = { alg: "RS256", kid: "k1" } as object } = {}): Promise<string> {
  const signed = `${part(head)}.${part(body)}`;
  const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", key.privateKey, new TextEncoder().encode(signed));
  return `${signed}.${Buffer.from(signature).toString("base64url")}`;
}

async function certs(): Promise<{ mock: { calls: unknown[][] } }> {
  const key = { ...((await crypto.subtle.exportKey("jwk", pair.publicKey)) as JsonWebKey), kid: "k1" };
  return vi.spyOn(globalThis, "fetch").mockImplementation(async () => Response.json({ keys: [key] }));
}

const identity = async (jwt: string, changes = {}) =>
  await accessIdentity(new Request(ORIGIN, { headers: { "cf-access-jwt-assertion": jwt } }), { ...env, ...changes }, {}, Date.now());

describe("Cloudflare Access", () => {
  it("lets in whom its token names, after a look at the team's keys", async () => {
    const fetched = await certs();
    expect(await identity(await token(claims()))).toEqual({ name: "ann@example.com", until: expect.any(Number) });
    expect(await identity(await token({ ...claims(), aud: "aud-1", email: undefined, common_name: "ci" }))).toMatchObject({ name: "ci" });
    expect(fetched.mock.calls).toEqual([["https://team.cloudflareaccess.com/cdn-cgi/access/certs"]]);
  });

  it.each([
    ["of another application", { aud: ["aud-2"] }],
    ["of another team", { iss: "https://evil.cloudflareaccess.com" }],
    ["that is over", { exp: 1 }],
    ["without an end", { exp: undefined }],
    ["without a name", { email: undefined }],
  ])("does not count with a token %s", async (_, changes) => {
    await certs();
    expect(await identity(await token({ ...claims(), ...changes }))).toBeNull();
  });

  it("does not count with a token of another key or algorithm, cut, or no token at all", async () => {
    await certs();
    const good = await token(claims());
    const [head, body] = good.split(".");
    const forged = [
      await token(claims(), { key: other }),
      await token(claims(), { head: { alg: "RS256", kid: "k2" } }),
      await token(claims(), { head: { alg: "HS256", kid: "k1" } }),
      `${part({ alg: "none", kid: "k1" })}.${body}.`,
      `${head}.${part({ ...claims(), email: "eve@example.com" })}.${good.split(".")[2]}`,
      `${head}.${body}`,
      `${good}.x`,
      "rubbish",
      "a.b.c",
    ];
    for (const jwt of forged) expect(await identity(jwt)).toBeNull();
  });

  it("does not count where it is not configured, and not when its keys cannot be read", async () => {
    await certs();
    const good = await token(claims());
    for (const changes of [{ ACCESS_TEAM: undefined }, { ACCESS_AUD: undefined }, { ACCESS_TEAM: "" }, { ACCESS_TEAM: "evil.example/" }]) {
      expect(await identity(good, changes)).toBeNull();
    }
    vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("down"));
    expect(await identity(await token(claims(), { head: { alg: "RS256", kid: "k9" } }))).toBeNull();
  });

  it("asks for the keys of forgers no more often than every ten seconds, and loses none by it", async () => {
    const fetched = await certs();
    const good = await token(claims());
    const later = Date.now() + 60_000;
    const at = async (jwt: string, now: number) =>
      await accessIdentity(new Request(ORIGIN, { headers: { "cf-access-jwt-assertion": jwt } }), env, {}, now);
    const forged = await Promise.all(Array.from({ length: 40 }, (_, i) => token(claims(), { head: { alg: "RS256", kid: `forged-${i}` } })));
    await at(good, later);
    const before = fetched.mock.calls.length;
    for (const jwt of forged) expect(await at(jwt, later + 11_000)).toBeNull();
    expect(await Promise.all(forged.map((jwt) => at(jwt, later + 22_000)))).toEqual(forged.map(() => null));
    expect(fetched.mock.calls.length - before).toBe(2);
    vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(null, { status: 500 }));
    expect(await at(forged[0]!, later + 33_000)).toBeNull();
    expect(await at(await token({ ...claims(), exp: seconds() + 6_000 }), later + 34_000)).toMatchObject({ name: "ann@example.com" });
  });

  it("counts by the runtime's word as well, for this audience", async () => {
    const access = (aud: string) =>
      ({ access: { aud, getIdentity: async () => ({ email: "bob@example.com" }) } }) as unknown as ExecutionContext;
    const request = new Request(ORIGIN);
    expect(await accessIdentity(request, env, access("aud-1"), 5_000)).toEqual({ name: "bob@example.com", until: 3_605_000 });
    expect(await accessIdentity(request, env, access("aud-2"), 5_000)).toBeNull();
  });

  it("opens a session that ends when Access would, and whose name no header can change", async () => {
    await certs();
    const own = { origin: ORIGIN, "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded" };
    const headers = { ...own, "cf-access-jwt-assertion": await token(claims()) };
    const answer = await call("POST", "/__lanes/login", { origin: ORIGIN, token: null, env, body: "", headers });
    const set = answer.headers.get("set-cookie")!;
    expect([answer.status, set]).toMatchObject([303, expect.stringMatching(/; Max-Age=(?:599|600);/)]);
    const cookie = set.split(";")[0]!;
    const session = sessionOf(new Request(ORIGIN, { headers: { cookie } }), env, Date.now())!;
    expect(session).toMatchObject({ scope: "write", name: "ann@example.com" });
    await create("named", laneFile("named"));
    const page = { ...own, cookie, "content-type": "application/json", "x-lane-form": session.form, "x-actor": "eve", "if-match": '"1"' };
    const put = { origin: ORIGIN, token: null, env, body: laneFile("named", [1, 1, 1]), headers: page };
    expect((await call("PUT", "/__lanes/api/groups/named", put)).status).toBe(200);
    const { audit } = await (await call("GET", "/__lanes/api/groups/named/history")).json<{ audit: object[] }>();
    expect(audit[0]).toMatchObject({ by: "ann@example.com" });
  });
});
