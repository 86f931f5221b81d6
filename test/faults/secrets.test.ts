/** What a copy may carry, what is asked but once, which POSTs only read, and what a stored sample may show. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { headerOf, type Responder } from "../support/origin.ts";
import * as reply from "../support/replies.ts";
import type { RouterRequest } from "../support/router.ts";
import { decided, type MirrorWorld, mirrored, type Sent, startMirrors } from "./mirrors.ts";
import { clientSaw, sleep } from "./world.ts";

const SECRET = "S3CRET-a1";
const TOKEN = "faults-admin-token-faults-admin-token";
const compare = { noisePercent: 100 };
const reads = { path: { in: ["/graphql", "/payment/graphql"] } };

let world: MirrorWorld;

beforeAll(async () => {
  world = await startMirrors((origins) => {
    const { s1, s3 } = origins;
    const of = (name: string, mirror: object, more = {}) => mirrored(name, origins, mirror, more);
    const chain = { web: {}, payment: { path: "/payment", entry: false }, stubbed: { path: "/stubbed", entry: false, mirrored: "stub" } };
    const dark = { web: s3.url };
    const live = { web: s1.url, payment: s1.url, stubbed: s1.url };
    return [
      of("urls", { credentials: "forward", scrub: { query: ["token"] } }),
      of("pages", {}),
      of("overrides", { compare }),
      of("sent-writes", { writes: "send", compare }),
      of("propagating", { compare }, { propagate: { headers: [{ prefix: "x-" }, { prefix: "X_" }] } }),
      of("secret", { compare }),
      of("matrix", { compare }),
      of("paths", { compare }),
      of("forward", { credentials: "forward", compare }),
      of("own-list", { secrets: ["invite"], compare }),
      of("no-list", { secrets: [], compare }),
      of("stripped", { compare }),
      of("graphql", { reads, compare }),
      of("graphql-other", { reads }),
      of(
        "graphql-synthetic",
        { reads, writes: "synthetic" },
        {
          lanes: { s1: { weight: 1, origins: { web: s1.url } }, s3: { origins: { web: { url: s3.url, synthetic: true } } } },
        },
      ),
      of(
        "chain",
        { reads },
        {
          services: chain,
          lanes: { s1: { weight: 1, origins: live }, s3: { origins: dark } },
          stubs: [{ service: "stubbed", response: { json: { stubbed: true } } }],
        },
      ),
      ...Object.keys(SAMPLES).map((name) => of(name, { compare: { noisePercent: 0 } })),
    ];
  });
}, 60_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

const seenBy = (origin: ReturnType<Sent["dark"]>) =>
  origin.map(({ url, headers, bodySha256 }) => JSON.stringify([url, headers, bodySha256])).join("\n");
const send = (group: string, request: RouterRequest & { readonly path?: string } = {}) => world.send(group, request);
/** How often the lane that served and the dark lane were asked for each, once all had the time to. */
async function asked(sent: readonly Sent[]): Promise<{ live: number[]; dark: number[] }> {
  await sleep(300);
  return { live: sent.map(({ live }) => live().length), dark: sent.map(({ dark }) => dark().length) };
}
const all = <T>(times: number, value: T): T[] => Array(times).fill(value);
/** What was not sent of all that was decided so far. */
const dropped = async (group: string, all: number) => (await world.counted(group, (now) => decided(now) >= all)).dropped;

describe("a scrubbed query key", () => {
  it.each([
    ["referer", `https://urls.example/page?token=${SECRET}&b=2`, "https://urls.example/page?b=2"],
    ["referer", `https://urls.example/page?b=2;TOKEN=${SECRET}#c`, "https://urls.example/page?b=2#c"],
    ["referer", `https://urls.example/login?next=%2Fpage%3F%74oken%3D${SECRET}%26b%3D2`, "https://urls.example/login?next=%2Fpage%3Fb%3D2"],
    ["referer", `https://urls.example/caf\u00e9?user[token]=${SECRET}`, undefined],
    ["hx-current-url", `https://urls.example/page?%74oken=${SECRET}`, "https://urls.example/page"],
    ["destination", `/copy?token=${SECRET}`, "/copy"],
    ["x-page", `/page?a=1&token=${SECRET}`, "/page?a=1"],
  ])("fault A10: is not left in %s: %s", async (name, value, kept) => {
    const sent = await send("urls", { path: `/x?token=${SECRET}&a=%7E`, headers: { [name]: value } });
    const copy = await sent.copy();
    expect(copy.url).toBe("/x?a=%7E");
    expect(headerOf(copy.headers, name)).toBe(kept);
    expect(seenBy(sent.dark())).not.toContain(SECRET);
    // The original is as it came.
    expect(sent.live()[0]!.url).toBe(`/x?token=${SECRET}&a=%7E`);
    expect(headerOf(sent.live()[0]!.headers, name)).toBe(value);
    clientSaw("200 from s1");
  });

  it.each(["x-original-url", "x-rewrite-url", "x-forwarded-uri", "x_original_url"])(
    "fault A10: is not left in %s, whoever sent that",
    async (name) => {
      const sent = await send("urls", { headers: { [name]: `/page?token=${SECRET}&b=2` } });
      await sent.copy();
      expect(seenBy(sent.dark())).not.toContain(SECRET);
    },
  );

  it("fault A10: of the built-in list is not left in the Referer of a page's files", async () => {
    const sent = await send("pages", { path: "/app.js", headers: { referer: `https://pages.example/verify?code=${SECRET}&lang=de` } });
    expect(headerOf((await sent.copy()).headers, "referer")).toBe("https://pages.example/verify?lang=de");
  });
});

const OVERRIDES = ["X_HTTP_Method_Override", "x.http.method.override", "x_method_override", "X_HTTP_Method", "http-method-override"];

describe("a request that asks to be taken for a write", () => {
  it("fault A11: is one, under every name that an origin folds", async () => {
    const requests = [
      ...OVERRIDES.map((name) => ({ headers: { [name]: "DELETE" } })),
      { path: "/x?_method=DELETE" },
      { path: "/x?%5Fmethod=put" },
    ];
    const sent = await Promise.all(requests.map((request) => send("overrides", request)));
    expect(await asked(sent)).toEqual({ live: all(requests.length, 1), dark: all(requests.length, 0) });
    expect(await dropped("overrides", requests.length)).toEqual({ method: requests.length });
  });

  it("fault A11: is never asked twice of the live lane, though the mirror sends writes", async () => {
    const sent = await Promise.all(OVERRIDES.map((name) => send("sent-writes", { headers: { [name]: "DELETE" } })));
    expect(await asked(sent)).toEqual({ live: all(sent.length, 1), dark: all(sent.length, 1) });
    const read = await send("sent-writes", { headers: { x_http_method_override: "get" } });
    expect(await asked([read])).toEqual({ live: [2], dark: [1] });
  });

  it("fault A11: is never made of baggage", async () => {
    const baggage = [
      "x-http-method-override=DELETE",
      "X_HTTP_Method_Override=DELETE",
      "x.method.override=DELETE",
      "x-http-method=PUT",
      "x-user=ada",
    ].join(",");
    const sent = await send("propagating", { headers: { baggage } });
    await sent.copy();
    for (const { headers } of [...sent.live(), ...sent.dark()]) {
      expect(headers.filter(([name]) => /method/i.test(name))).toEqual([]);
      expect(headerOf(headers, "x-user")).toBe("ada");
    }
  });
});

const SECRET_QUERIES = [
  `/verify?token=${SECRET}&code=${SECRET}`,
  `/callback?state=1&code=${SECRET}`,
  `/saml?SAMLResponse=${SECRET}`,
  `/cas?ticket=${SECRET}`,
  `/reset?reset_password_token=${SECRET}`,
  `/firebase?mode=x&oobCode=${SECRET}`,
  `/file?X-Amz-Signature=${SECRET}`,
  `/blob?sv=1&sig=${SECRET}`,
  `/x?%63ode=${SECRET}`,
  `/x?a=1;Access_Token=${SECRET}`,
  `/login?next=%2Fverify%3Ftoken%3D${SECRET}`,
  `/x?user[otp]=${SECRET}`,
  `/x?mfa_code=${SECRET}`,
  `/x?2fa_code=${SECRET}`,
  `/x?authorization_code=${SECRET}`,
  `/x?pairingCode=${SECRET}`,
  `/x?reset_key=${SECRET}`,
  `/x?pin=${SECRET}`,
  `/x?a.code=${SECRET}`,
  `/x?x=%7B%22code%22%3A%22${SECRET}%22%7D`,
];

describe("a one-time secret in a query", () => {
  it("fault A12: goes to nobody else, and to nobody twice", async () => {
    const sent = await Promise.all(SECRET_QUERIES.map((path) => send("secret", { path })));
    expect(await asked(sent)).toEqual({ live: all(sent.length, 1), dark: all(sent.length, 0) });
    expect(sent.map(({ live }) => live()[0]!.url)).toEqual(SECRET_QUERIES);
    expect(await dropped("secret", sent.length)).toEqual({ credentials: sent.length });
    const { text } = await world.router.fetch("/__lanes/metrics", { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(text).toMatch(new RegExp(`copies_dropped[^\\n]*secret[^\\n]*credentials[^\\n]* ${sent.length}`));
    clientSaw("200 from s1");
  });

  it("fault A12: is known in the parameters of a path, too; what is none is copied", async () => {
    const sent = await Promise.all(
      [`/cart;jsessionid=${SECRET}`, "/cart;v=1", "/x?page=2&pageToken=abc", "/x?zipcode=1&author=2"].map((path) =>
        send("matrix", { path }),
      ),
    );
    expect((await asked(sent)).dark).toEqual([0, 1, 1, 1]);
    expect(await dropped("matrix", 4)).toEqual({ credentials: 1 });
  });

  it("fault A12: is known in a path by what stands before it; behind what is often a word it is but asked once", async () => {
    const paths = ["/reset/AbCd1234EfGh", "/cb/token/abcdef123456", "/invite/42/hQxVbNmKpLrTzWsD", "/share/2024-report-x", "/reset/done"];
    const sent = await Promise.all([...paths, "/x?country_code=DE&sort_key=a"].map((path) => send("paths", { path })));
    expect(await asked(sent)).toEqual({ live: [1, 1, 1, 1, 2, 2], dark: [0, 0, 0, 1, 1, 1] });
    expect(await dropped("paths", sent.length)).toEqual({ credentials: 3 });
    const forwarded = await send("forward", { path: paths[0]! });
    expect(await asked([forwarded])).toEqual({ live: [1], dark: [1] });
    clientSaw("200 from s1");
  });

  it("fault A12: is not asked twice of the live lane where the file forwards credentials", async () => {
    const [secret, plain] = [await send("forward", { path: `/verify?token=${SECRET}` }), await send("forward")];
    expect(await asked([secret, plain])).toEqual({ live: [1, 2], dark: [1, 1] });
  });

  it("fault A12: is what the mirror's own list says", async () => {
    const paths = [`/x?Invite=${SECRET}`, `/x?code=${SECRET}`];
    const own = await Promise.all(paths.map((path) => send("own-list", { path })));
    expect(await asked(own)).toEqual({ live: [1, 2], dark: [0, 1] });
    const none = await Promise.all(paths.map((path) => send("no-list", { path })));
    expect(await asked(none)).toEqual({ live: [2, 2], dark: [1, 1] });
  });
});

const CREDENTIALS = [
  ..."X-Api-Key x_api_key Cf-Access-Jwt-Assertion Cf-Access-Client-Secret X-Auth-Token X-CSRF-Token Private-Token".split(" "),
  ..."X-Amzn-Oidc-Data X-Goog-Api-Key Ocp-Apim-Subscription-Key Authorization Cookie".split(" "),
  ..."Fastly-Key DD-APPLICATION-KEY X-Parse-Master-Key X-Appwrite-Key X-ClickHouse-Key X-MFA-Code X-Verification-Code X-Pin".split(" "),
  ..."X-Ticket X-WP-Nonce X-Firebase-AppCheck X-License-Key x_otp_code".split(" "),
];

describe("a header that proves who asks", () => {
  it("fault A12: is not in the copy, whatever its spelling, unless the file forwards it", async () => {
    const proof = (name: string) => (name === "Cookie" ? `a=${SECRET}` : SECRET);
    const headers = { ...Object.fromEntries(CREDENTIALS.map((name) => [name, proof(name)])), "idempotency-key": "k" };
    const [stripped, forwarded] = [await send("stripped", { headers }), await send("forward", { headers })];
    expect(headerOf((await stripped.copy()).headers, "idempotency-key")).toBe("k");
    expect(seenBy(stripped.dark())).not.toContain(SECRET);
    for (const seen of [stripped.live()[0]!, await forwarded.copy()]) {
      expect(CREDENTIALS.filter((name) => headerOf(seen.headers, name) === proof(name))).toEqual(CREDENTIALS);
    }
    // One of them alone may have decided the answer.
    const alone = await Promise.all(
      ["x_api_key", "cf-access-jwt-assertion"].map((name) => send("stripped", { headers: { [name]: SECRET } })),
    );
    expect(await asked([stripped, ...alone])).toEqual({ live: [1, 1, 1], dark: [1, 1, 1] });
    const { uncompared } = await world.counted("stripped", (now) => (now.uncompared.credentials ?? 0) >= 3);
    expect(uncompared).toEqual({ credentials: 3 });
  });
});

const post = (query: string | object, more: RouterRequest = {}): RouterRequest & { path: string } => ({
  path: "/graphql",
  method: "POST",
  ...more,
  headers: { "content-type": "application/json", ...more.headers },
  body: typeof query === "string" ? JSON.stringify({ query, variables: {} }) : JSON.stringify(query),
});
const hash = { operationName: "GetCart", extensions: { persistedQuery: { version: 1, sha256Hash: "ab" } } };
const WRITES = [
  post("mutation Pay { pay }"),
  post([{ query: "{ a }" }, { query: "mutation { pay }" }]),
  post({ query: "query A { a } mutation B { b }", operationName: "A" }),
  post(hash),
  post("{ a }", { headers: { "content-encoding": "gzip" } }),
  post("{ a }", { headers: { x_http_method_override: "DELETE" } }),
  { ...post(""), body: "query=mutation{pay}", headers: { "content-type": "application/x-www-form-urlencoded" } },
  { ...post("{ a }"), path: "/other" },
];

describe("a POST that the mirror calls a read", () => {
  it("fault C4: is copied, compared and asked twice, and each operation is an endpoint", async () => {
    world.s3.respond(reply.json({ data: 2 }));
    world.s1.respond(reply.json({ data: 1 }));
    const queries = [
      post("query GetCart { cart { id } }"),
      post({ query: "query A { a } query GetUser { b }", operationName: "GetUser" }),
      post("{ a }"),
    ];
    const sent = await Promise.all(queries.map((request) => send("graphql", request)));
    expect(await asked(sent)).toEqual({ live: [2, 2, 2], dark: [1, 1, 1] });
    for (const { live, dark } of sent) expect(new Set([...live(), ...dark()].map(({ bodySha256 }) => bodySha256)).size).toBe(1);
    const writes = await Promise.all(WRITES.map((request) => send("graphql", request)));
    expect(await asked(writes)).toEqual({ live: all(WRITES.length, 1), dark: all(WRITES.length, 0) });
    const copies = await world.counted("graphql", (now) => decided(now) >= sent.length + writes.length && now.compared >= sent.length);
    expect(copies).toMatchObject({ sent: sent.length, dropped: { method: WRITES.length }, compared: sent.length });
    const endpoints = (await world.differences("graphql")).map(({ endpoint, probed }) => [endpoint, probed]);
    expect(endpoints.sort(([one], [other]) => (one! < other! ? -1 : 1))).toEqual([
      ["POST /graphql", 1],
      ["POST /graphql#GetCart", 1],
      ["POST /graphql#GetUser", 1],
    ]);
    clientSaw("200 from s1");
  });

  it("fault C4: is no write to an origin that rolls back, and a mutation is one", async () => {
    const [query, mutation] = [await send("graphql-synthetic", post("{ a }")), await send("graphql-synthetic", post("mutation { a }"))];
    expect(headerOf((await query.copy()).headers, "x-lane-synthetic")).toBeUndefined();
    expect(headerOf((await mutation.copy()).headers, "x-lane-synthetic")).toBe("true");
  });

  it("fault C4: reaches a collaborator at a later hop of its copy, and a mutation does not", async () => {
    const { headers } = await (await send("chain")).copy();
    const mark = { baggage: headerOf(headers, "baggage")! };
    const at = (path: string, query: string) => send("chain", { ...post(query, { headers: mark }), path });
    const query = await at("/payment/graphql", "query A { a }");
    expect(query.answer.status).toBe(200);
    expect(query.live()).toHaveLength(1);
    expect(query.live()[0]!.bodyLength).toBe(JSON.stringify({ query: "query A { a }", variables: {} }).length);
    const mutation = await at("/payment/graphql", "mutation A { a }");
    const elsewhere = await at("/payment/other", "query A { a }");
    for (const refused of [mutation, elsewhere]) {
      expect(refused.answer.status).toBe(403);
      expect(world.seenOf(refused.traceId)).toEqual([]);
    }
    expect((await at("/stubbed/graphql", "{ a }")).answer.text).toBe('{"stubbed":true}');
    clientSaw("403 mirror-blocked for a mutation");
  });
});

const typed = (type: string, body: string, headers = {}) => reply.answer(200, body, { "content-type": type, ...headers });
const html = (body: string) => typed("text/html", `<!doctype html><html><body>${body}</body></html>`);
/** Answers that differ in a secret alone, which only what stands around it tells; `#` is where it stands. */
const SAMPLES: Readonly<Record<string, (secret: string) => Responder>> = {
  input: (secret) => html(`<form><input type="hidden" name="csrf_token" value="${secret}"></form>`),
  meta: (secret) => html(`<meta content="${secret}" name="csrf-token">`),
  script: (secret) => html(`<script>window.config = {"name": "password", "value": "${secret}"}</script>`),
  pair: (secret) =>
    reply.json({
      fields: [
        { name: "city", value: "Rome" },
        { name: "password", label: "x", value: secret },
      ],
    }),
  "pair-by-key": (secret) => reply.json([{ value: { raw: secret }, key: "api_token" }]),
  inner: (secret) => reply.json({ config: JSON.stringify({ name: "password", value: secret }) }),
  props: (secret) => html(`<div data-props="{&quot;name&quot;:&quot;password&quot;,&quot;value&quot;:&quot;${secret}&quot;}"></div>`),
  "page-in-json": (secret) => reply.json({ html: `<form><input name="csrf" value="${secret}"></form>` }),
  xml: (secret) => typed("application/xml", `<user>\n<password>${secret}</password>\n</user>`),
  "xml-pair": (secret) => typed("application/xml", `<field>\n<name>password</name>\n<value>${secret}</value>\n</field>`),
  yaml: (secret) => typed("text/yaml", `- name: password\n  value: ${secret}\n`),
  form: (secret) => typed("application/x-www-form-urlencoded", `a=1&code=${secret}`),
  code: (secret) => reply.answer(302, "", { location: `https://login.example/cb?code=${secret}&lang=de` }),
  nested: (secret) => reply.answer(302, "", { location: `/login?next=%2Fcb%3Fcode%3D${secret}` }),
  reset: (secret) => reply.answer(302, "", { location: `/reset/${secret}` }),
  link: (secret) => reply.json({ next: `https://shop.example/invite/42/${secret}?lang=de` }),
  "pair-in-short": (secret) => reply.json([{ k: "password", v: secret }]),
  "pair-of-fields": (secret) => reply.json({ fieldName: "api_token", fieldValue: secret }),
  "definition-list": (secret) => html(`<dl><dt>API token</dt>\n<dd>${secret}</dd></dl>`),
  row: (secret) => html(`<table><tr><td>Password</td><td><b>${secret}</b></td></tr></table>`),
  label: (secret) => html(`<label>Password</label> <b>${secret}</b>`),
  "recovery-codes": (secret) => reply.json({ verificationCode: secret, mfaCode: secret, recoveryCodes: [secret] }),
  "code-in-a-link": (secret) =>
    reply.answer(302, "", { location: `/go?mfa_code=${secret}&security_code=${secret}&authorization_code=${secret}` }),
  "call-of-a-script": (secret) =>
    html(`<script>xhr.setRequestHeader("X-CSRF-Token", "${secret}"); localStorage.setItem('token','${secret}')</script>`),
  "parameter-pair": (secret) => reply.json({ Parameters: [{ ParameterKey: "DbPassword", ParameterValue: secret }] }),
  columns: (secret) => reply.json({ columns: ["id", "password"], rows: [[1, secret]] }),
  message: (secret) => typed("text/plain", `Your one-time password is ${secret}. Do not share.`),
  "key-of-a-session": (secret) => reply.json({ sessions: { [`${secret}7`]: { since: 1 } } }),
};

describe("a stored sample", () => {
  beforeAll(async () => {
    for (const [name, answer] of Object.entries(SAMPLES)) {
      world.s1.respond(answer(`${SECRET}-live`));
      world.s3.respond(answer(`${SECRET}-dark`));
      await (await send(name)).copy();
    }
  });

  it.each(Object.keys(SAMPLES))("fault A13: shows no secret by its context: %s", async (name) => {
    expect((await world.counted(name, ({ compared }) => compared > 0)).different).toBe(1);
    const { text } = await world.admin(`groups/${name}/differences`);
    expect(text).toContain("…");
    expect(text).not.toContain("S3CRET");
    clientSaw("the same as without a mirror");
  });
});
