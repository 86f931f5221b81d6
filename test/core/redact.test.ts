import { describe, expect, it } from "vitest";
import type { Difference } from "../../src/core/difference.ts";
import type { Mirror } from "../../src/core/lane-group.ts";
import { parsePath, writeKey } from "../../src/core/path.ts";
import { redact, redaction } from "../../src/core/redact.ts";

const NOTHING: Mirror["scrub"] = { headers: [], query: [], baggage: [], json: [] };

const difference = (path: string, left: unknown, right: unknown): Difference => ({ path, kind: "value", left, right, times: 1 });

/** How `value` is kept as an example at `path`. */
const kept = (path: string, value: unknown, scrub: Partial<Mirror["scrub"]> = {}): string | null =>
  redact(difference(path, value, undefined), redaction({ ...NOTHING, ...scrub }, null)).left;

const object = (entries: Record<string, unknown>): unknown => new Map(Object.entries(entries));

describe("an example of a difference", () => {
  it("is kept as JSON, and null stands for nothing there", () => {
    expect(
      redact(
        { path: "body.a", kind: "extra", left: undefined, right: object({ b: [1, "x", null, true], c: 2n }), times: 3 },
        redaction(NOTHING, null),
      ),
    ).toEqual({
      path: "body.a",
      kind: "extra",
      left: null,
      right: '{"b":[1,"x",null,true],"c":2}',
      times: 3,
    });
    expect(kept("body.a", null)).toBe("null");
    expect(kept("status", 200)).toBe("200");
  });

  it("is at most 256 characters, of however much, however deep and however wide a value", () => {
    const deep = Array.from({ length: 10_000 }).reduce<unknown>((inner) => [inner], 1);
    expect(kept("body", deep)).toBe("[[[[[[[[[…]]]]]]]]]");
    expect(
      kept(
        "body",
        Array.from({ length: 10_000 }, (_, i) => i),
      ),
    ).toBe("[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,…]");
    expect(kept("body", "x y ".repeat(300_000))?.length).toBe(256);
    expect(
      kept(
        "body",
        Array.from({ length: 1000 }, () => "x y ".repeat(20)),
      )?.length,
    ).toBe(256);
  });
});

describe("a context", () => {
  const signature = "a-b_".repeat(10).concat("xyz");
  it.each([
    ["as it is", "1~shop~s2~1~5940000~~~"],
    ["of a copy", "1~shop~s3~1~5940000~shop~next.1~"],
    ["escaped in part", "%31~sh%6Fp~s2~1~5940000~~~"],
    ["escaped twice", "1%257Eshop%257Es2%257E1%257E5940000%257E%257E%257E"],
    ["with references", "1&#126;shop&#126;s2&#126;1&#126;5940000&#126;&#126;&#126;"],
    ["escaped", "1%7Eshop%7es3%7E1%7E5940000%7Eshop%7Em%7E"],
  ])("fault A13: is kept without its signature: %s", (_, payload) => {
    for (const text of [`${payload}${signature}`, `laneway.shop=${payload}${signature},a=1`, `{"context":"${payload}${signature}"}`]) {
      expect(kept("body.seen", text)).not.toContain("xyz");
      expect(kept("body.seen", text)).toContain("5940000");
      expect(kept("body", object({ seen: text, [text]: 1 }))).not.toContain("xyz");
    }
  });

  it("fault A13: is kept without the part of its signature that stands in a key that was cut", () => {
    const key = writeKey("body", `1~mock~s1~1~5986515~~~${signature}`);
    const { path } = redact({ path: key, kind: "missing", left: 1, right: undefined, times: 1 }, redaction(NOTHING, null));
    expect(path).not.toContain("a-b_");
  });
});

describe("names hide their values:", () => {
  it.each([
    "body.password",
    "body.user.newPassword",
    "body.accessToken",
    "body.refresh_token",
    "body.api_key",
    "body.apikey",
    "body['X-API-Key']",
    "body.card.number",
    "body.cards[].holder",
    "body.cvv",
    "body.email",
    "body.userEmail",
    "body.emails[]",
    "body.SSN",
    "body.iban",
    "body.phone",
    "headers.set-cookie",
    "headers.authorization",
    "body.csrfToken",
    "body.client_secret",
    "body.sessionId",
    "body.otp",
    "body.pin",
    "body.verificationCode",
    "body.resetCode",
    "body.mfa_code",
    "body['2faCode']",
    "body.inviteCodes",
    "body.recoveryCodes[]",
    "body.masterKey",
    "body.wpNonce",
  ])("%s", (path) => {
    expect(kept(path, "anything")).toBe("…");
    expect(kept(path, object({ deeper: 1 }))).toBe("…");
  });

  it.each([
    "body.cardinality",
    "body.discard",
    "body.author",
    "body.spin",
    "body.pinned",
    "body.description",
    "headers.vary",
    "body.panel",
    "body.code",
    "body.key",
    "body.countryCode",
    "body.zip_code",
    "body.errorCode",
    "body.sortKey",
    "body.presetCode",
    "body.keyword",
    "status",
  ])("%s is no secret", (path) => {
    expect(kept(path, "anything")).toBe('"anything"');
  });

  it("also within a value", () => {
    expect(kept("body.user", object({ name: "Ada", password: "x", cards: [1], deep: object({ token: "y", a: 1 }) }))).toBe(
      '{"name":"Ada","password":…,"cards":…,"deep":{"token":…,"a":1}}',
    );
  });
});

describe("what the mirror scrubs is hidden, too:", () => {
  it("headers, query and baggage keys by name", () => {
    const scrub = { headers: ["x-tenant"], query: ["who"], baggage: ["userId"] };
    expect(["headers.x-tenant", "body.who", "body.user_id", "body.a"].map((path) => kept(path, 1, scrub))).toEqual(["…", "…", "…", "1"]);
  });

  it("JSON paths as places of the body, and their last key anywhere", () => {
    const scrub = { json: ["customer.name", "tags.*.owner", "[].street"] };
    expect(kept("body.customer.name", "Ada", scrub)).toBe("…");
    expect(kept("body.customer.name.first", "Ada", scrub)).toBe("…");
    expect(kept("body", object({ customer: object({ name: "Ada", age: 1 }), other: object({ name: "x" }) }), scrub)).toBe(
      '{"customer":{"name":…,"age":1},"other":{"name":…}}',
    );
    expect(kept("body.tags", object({ a: object({ owner: "Ada", x: 1 }) }), scrub)).toBe('{"a":{"owner":…,"x":1}}');
    expect(kept("body", [object({ street: "x", town: "y" })], scrub)).toBe('[{"street":…,"town":"y"}]');
    expect(kept("body.a", object({ age: 1 }), scrub)).toBe('{"age":1}');
  });
});

describe("texts that look like secrets are hidden wherever they stand:", () => {
  const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  it.each([
    ["a JWT", `x ${jwt} y`, "x … y"],
    ["a bearer token", "Bearer abcdef.123456", "Bearer …"],
    ["basic credentials", "basic dXNlcjpwYXNz", "basic …"],
    ["an address", "mail ada.lovelace+x@mail.example.co.uk now", "mail … now"],
    ["a card", "paid with 4111 1111 1111 1111.", "paid with …."],
    ["a card without spaces", "4111111111111111", "…"],
    ["a card with dashes", "5500-0000-0000-0004", "…"],
    ["an IBAN", "DE89 3704 0044 0532 0130 00", "…"],
    ["a key of a payment service", "sk_live_abcdefghijkl", "…"],
    ["a key of a cloud", "AKIAABCDEFGHIJKLMNOP", "…"],
    ["a private key", "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "…"],
    ["credentials in a URL", "https://ada:secret@host/x", "https://…@host/x"],
    ["a parameter", "/cb?token=abc123&x=1", "/cb?token=…&x=1"],
    ["a field of JSON that did not parse", '{"password": "hunter2", "a": 1', '{"password": "…", "a": 1'],
    ["a form", "user=ada&password=hunter2&x=1", "user=ada&password=…&x=1"],
  ])("%s", (_, text, hidden) => {
    expect(kept("body.text", text)).toBe(JSON.stringify(hidden));
  });

  it.each([
    ['<input type="hidden" name="csrf_token" value="S3CRET-a">', '<input type="hidden" name="csrf_token" value="…">'],
    ['<input value="S3CRET-a" type="hidden" name="csrf">', '<input value="…" type="hidden" name="csrf">'],
    ['<meta content="S3CRET-a" name="csrf-token"/>', '<meta content="…" name="csrf-token"/>'],
    ['{ "name": "password", "value": "S3CRET-a" }', '{ "name": "password", "value": "…" }'],
    ['{"value":"S3CRET-a","key":"token"}', '{"value":"…","key":"token"}'],
    ["{name: 'csrf', value: 'S3CRET-a'}", "{name: 'csrf', value: '…'}"],
    ["- name: password\n  value: S3CRET-a", "- name: password\n  value: …"],
    ["<password>S3CRET-a</password>", "<password>…</password>"],
    ['<wsse:Password Type="x">S3CRET-a</wsse:Password>', '<wsse:Password Type="x">…</wsse:Password>'],
    ["<password><![CDATA[S3CRET-a]]></password>", "<password><![CDATA[…</password>"],
    ["<field><name>password</name><value>S3CRET-a</value></field>", "<field><name>password</name><value>…</value></field>"],
    ["<key>password</key><string>S3CRET-a</string>", "<key>password</key><string>…</string>"],
    ['<entry key="db.password">S3CRET-a</entry>', '<entry key="db.password">…</entry>'],
    ["https://a.example/cb?code=S3CRET-a&state=1", "https://a.example/cb?code=…&state=1"],
    ["/login?next=%2Fcb%3Fcode%3DS3CRET-a%26x%3D1", "/login?next=%2Fcb%3Fcode%3D…%26x%3D1"],
    ["/login?next=/cb?code=S3CRET-a", "/login?next=/cb?code=…"],
    ["code=S3CRET-a&x=1", "code=…&x=1"],
    ["/go?mfa_code=483920&security_code=12&2fa_code=3&lang=de", "/go?mfa_code=…&security_code=…&2fa_code=…&lang=de"],
    ['xhr.setRequestHeader("X-CSRF-Token", "S3CRET-a")', 'xhr.setRequestHeader("X-CSRF-Token", "…")'],
    ["localStorage.setItem('token','S3CRET-a')", "localStorage.setItem('token','…')"],
    ["Your one-time password is 483920. Do not share.", "Your one-time password is …. Do not share."],
    ["Your code is G-483920", "Your code is …"],
    ["483920 is your verification code.", "… is your verification code."],
    ["/reset/hQxVbNmKpLrTzWsD", "/reset/…"],
    ["user[password]=S3CRET-a&x=1", "user[password]=…&x=1"],
    ["/reset/S3CRET-a", "/reset/…"],
    ["https:\\/\\/a.example\\/reset\\/S3CRET-a", "https:\\/\\/a.example\\/reset\\/…"],
    ["/password/reset/MQ/c3k-S3CRET-a/", "/password/reset/MQ/…/"],
    ["/a%2Freset%2FS3CRET-a", "/a%2Freset%2F…"],
    ["Set-Cookie: sid=S3CRET-a; Path=/; a=S3CRET-a", "Set-Cookie: …"],
    ["Cookie: a=S3CRET-a; b=S3CRET-b", "Cookie: …"],
    ['{\\"password\\":\\"S3CRET-a\\",\\"a\\":1}', '{\\"password\\":\\"…\\",\\"a\\":1}'],
    ['{"password":"correct horse S3CRET-a","a":1}', '{"password":"…","a":1}'],
    ['{"password":"a\\"S3CRET-a","a":1}', '{"password":"…","a":1}'],
    ['"password":{"raw":"S3CRET-a"},"a":1', '"password":…,"a":1'],
    ["password: S3CRET-a and S3CRET-b", "password: …"],
    ["password=S3CRET-a user=ada", "password=… user=ada"],
    ["x-api-key: S3CRET-a", "x-api-key: …"],
    ["{'password' => 'S3CRET-a'}", "{'password' => '…'}"],
    [
      'data-props="{&quot;token&quot;:&quot;S3CRET-a&quot;,&quot;a&quot;:1}"',
      'data-props="{&quot;token&quot;:&quot;…&quot;,&quot;a&quot;:1}"',
    ],
  ])("by what stands around them: %s", (text, hidden) => {
    expect(kept("body.text", text)).toBe(JSON.stringify(hidden));
  });

  it.each([
    '<a href="/product/42?page=2">Shoes for 3</a>',
    '<select name="country" value="DE">',
    '{"a":1,"name":"shoe","value":5}',
    "name: Ada\nage: 3",
    "/assets/app-3f2a9c.js",
    "/reset/done",
    "/login?next=/cart&page=2",
    "zipcode=1234&x=1",
    "the password is required, the code is invalid, and 3 is your number",
    'setItem("theme", "dark")',
    "/auth/getUserByIdAndName",
    "/login/forgotten-password-instructions",
  ])("and nothing else: %s", (text) => {
    expect(kept("body.text", text)).toBe(JSON.stringify(text));
  });

  it("a value that a sibling names, in any depth of a value", () => {
    const field = (name: string) => object({ name, label: "x", value: object({ raw: "S3CRET-a" }) });
    expect(kept("body.fields", [field("password"), field("city")])).toBe(
      '[{"name":"password","label":"x","value":…},{"name":"city","label":"x","value":{"raw":"S3CRET-a"}}]',
    );
  });

  it("numbers that are a card's, but no other long numbers", () => {
    expect(kept("body.n", 4111111111111111)).toBe("…");
    expect(kept("body.n", 4111111111111112)).toBe("4111111111111112");
    expect(kept("body.n", 1760000000000)).toBe("1760000000000");
  });

  it("keys of objects and of the path itself", () => {
    expect(kept("body", object({ "ada@example.com": 1 }))).toBe('{"…":1}');
    expect(redact(difference("body.users['ada@example.com'].age", 1, 2), redaction(NOTHING, null)).path).toBe("body.users['…'].age");
  });

  it("no character that turns the direction of a page, or is not seen", () => {
    const path = writeKey("body", "\u202egnp");
    expect(path).toBe("body['\\u202egnp']");
    expect(parsePath(path)).toMatchObject({ value: [{ key: "body" }, { key: "\u202egnp" }] });
    const sample = redact(difference(path, "a\u202eb\u2066", object({ "k\u200f": "\u061c\u0085" })), redaction(NOTHING, null));
    expect(JSON.stringify(sample)).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\u0085]/);
    expect(sample.left).toBe('"a\\u202eb\\u2066"');
  });

  it("not even its first half where a text is cut", () => {
    // Redacted, four long tokens leave so little that the cut comes into sight.
    const tokens = `${jwt.slice(0, 40)}${"x".repeat(960)} `.repeat(4);
    for (const secret of [jwt, "4111 1111 1111 1111", "ada.lovelace@example.com", "AKIAABCDEFGHIJKLMNOP"]) {
      for (let cut = 4; cut < Math.min(secret.length, 80); cut++) {
        const text = `${tokens}${"ab ".repeat(200).slice(0, 4096 - tokens.length - cut - 1)} ${secret} and more`;
        expect(text.slice(0, 4096).endsWith(` ${secret.slice(0, cut)}`)).toBe(true);
        expect(kept("body.text", text)).not.toContain(secret.slice(0, 4));
      }
    }
  });

  it("in time that does not depend on how the text is made", () => {
    for (const unit of [
      "eyJ",
      "a@",
      "a.",
      "-----BEGIN ",
      "1 ",
      "token",
      "token=",
      "//a:",
      "Bearer ",
      "a=",
      'name="token" ',
      "<a name=token>",
      "/reset/abc123",
      "password:{",
      "&quot;",
      'a="',
      `${"1".repeat(4000)}\n`,
    ]) {
      expect(kept("body.text", unit.repeat(Math.ceil(300_000 / unit.length)))?.length).toBeLessThanOrEqual(256);
    }
  });
});

describe("a key is known by its whole word", () => {
  it.each([
    ["--password=abc123", "--password=…"],
    ["a%26token%3dabc123%26b%3d1", "a%26token%3d…%26b%3d1"],
    [`org.${"long.".repeat(20)}client.password=abc123`, `org.${"long.".repeat(20)}client.password=…`],
    ["2password=abc123", "2password=…"],
  ])("%s", (text, shown) => {
    expect(kept("body.a", text)).toBe(JSON.stringify(shown));
  });
});
