import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasParameter, scrubQuery, scrubValueOf } from "../../src/core/scrub-url.ts";
import { isOneOf, isSecretKey, plainName } from "../../src/core/secret-names.ts";

const named = (...keys: string[]) => {
  const names = new Set(keys.map(plainName));
  return (key: string) => isOneOf(key, names);
};
const scrub = (search: string, ...keys: string[]) => scrubQuery(search, named(...keys));

describe("scrubbing a query", () => {
  it.each([
    ["?a=1&token=x&b=%7E+2", "?a=1&b=%7E+2"],
    ["?token=x", ""],
    ["?token", ""],
    ["?tok%65n=x&a", "?a"],
    ["?token=1&token=2&&a=%zz&", "?&a=%zz&"],
    ["?tokens=1&x=token", "?tokens=1&x=token"],
    ["??token=1", "?"],
    ["", ""],
    ["?TOKEN=1&Tok-en=2&b=3", "?b=3"],
    ["?user[token]=1&token[]=2&to%5Bken%5D=3&a=4", "?a=4"],
    ["?a=1;token=2;b=3&c", "?a=1;b=3&c"],
    ["?a=1;token=2;still-it&c", "?a=1&c"],
    ["?token=1;of=it&c", "?c"],
    ["?next=/x?token=1&c=2", "?next=/x&c=2"],
    ["?next=%2Fx%3Ftoken%3D1%26c%3D2&d=3", "?next=%2Fx%3Fc%3D2&d=3"],
    ["?next=%2Fx%23token%3D1&d=3", "?next=%2Fx&d=3"],
    ["?next=%252Fx%253Fa%253D1%2526token%253D1", "?next=%252Fx%253Fa%253D1"],
    ["?q=a;b&next=%2Fx%3Fa%3D1", "?q=a;b&next=%2Fx%3Fa%3D1"],
  ])("%s without token is %j", (search, scrubbed) => {
    expect(scrub(search, "token")).toBe(scrubbed);
  });

  it("knows a key by what a form makes of it, in any spelling of its words", () => {
    expect(scrub("?my+key=1&my%20key=2&my_key=3&mykeys=4", "my key")).toBe("?mykeys=4");
    expect(scrub("?%C3%A9=1&e=2&_=3", "é", "_")).toBe("?e=2");
  });

  it("takes out as a whole what is packed deeper than anybody unpacks", () => {
    const pack = (text: string, times: number): string => (times === 0 ? text : pack(encodeURIComponent(text), times - 1));
    expect(scrub(`?a=1&next=${pack("/x?token=1", 4)}`, "token")).not.toContain("token");
    expect(scrub(`?a=1&next=${pack("/x?token=1", 9)}`, "token")).toBe("?a=1&next=");
  });

  it("keeps what URLSearchParams keeps, in order", () => {
    const text = (...units: string[]) => fc.string({ unit: fc.constantFrom(...units), maxLength: 4 });
    const key = text("a", "b", "%61", "%6", "+", "%C3%A9", "%FF");
    const part = fc.oneof(
      key,
      fc.tuple(key, text("a", "+", "%FF", "%6")).map((pair) => pair.join("=")),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), fc.constantFrom("a", "aa", "b", "é", "aé"), (parts, key) => {
        const search = `?${parts.join("&")}`;
        const kept = [...new URLSearchParams(search)].filter(([name]) => plainName(name) !== key);
        expect([...new URLSearchParams(scrub(search, key))]).toEqual(kept);
      }),
      { seed: 4, numRuns: 2000 },
    );
  });

  it("leaves no secret, wherever it stood and however it was written, and nothing to scrub a second time", () => {
    const escaped = (key: string) =>
      fc
        .tuple(...[...key].map((char) => fc.constantFrom(char, char.toUpperCase(), `%${char.charCodeAt(0).toString(16)}`)))
        .map((c) => c.join(""));
    const secret = fc.tuple(escaped("token"), fc.constantFrom("=", "%3D")).map(([key, equals]) => `${key}${equals}S3CRET`);
    const other = fc.string({ unit: fc.constantFrom("a", "1", "=", "&", ";", "?", "#", "+", "%20", "/"), maxLength: 12 });
    const packed = fc
      .tuple(secret, fc.constantFrom("/x?", "/x#", "https://a/?b=1&", ""))
      .map(([text, before]) => `next=${encodeURIComponent(before + text)}`);
    const list = fc.tuple(other, fc.constantFrom("&", ";", "?", "#"), fc.oneof(secret, packed), fc.constantFrom("&", ";b=", "#"), other);
    fc.assert(
      fc.property(list, (parts) => {
        const scrubbed = scrub(`?${parts.join("")}`, "token");
        expect(scrubbed).not.toContain("S3CRET");
        expect(scrub(scrubbed, "token")).toBe(scrubbed);
      }),
      { seed: 4, numRuns: 3000 },
    );
  });

  it("takes time in the length of what was sent, whatever that is", () => {
    for (const unit of ["?", "&token", "%253D", "a=%3D&", ";", "token=;", "%"])
      scrub(`?${unit.repeat(Math.ceil(200_000 / unit.length))}`, "token");
  });
});

describe("scrubbing a header's value", () => {
  it.each([
    ["https://shop.example/page?token=x&b=2", "https://shop.example/page?b=2"],
    ["/page?token=x", "/page"],
    ["https://shop.example/#token=x&y=1", "https://shop.example/#y=1"],
    ["token=x&y=1", "y=1"],
    ["text/html;q=0.8, */*", "text/html;q=0.8, */*"],
    ["plain", "plain"],
    ["/caf\u00e9?a=1&token=x", "/caf\u00e9?a=1"],
    ["/caf\ufffd?a=1", "/caf\ufffd?a=1"],
  ])("%s without token is %j", (value, scrubbed) => {
    expect(scrubValueOf(value, named("token"))).toBe(scrubbed);
  });

  it("gives none where the rest could not be written byte for byte", () => {
    expect(scrubValueOf("/caf\ufffd?token=1", named("token"))).toBeNull();
  });
});

describe("the built-in list of one-time secrets", () => {
  it.each(
    (
      "token code access_token accessToken id_token refresh_token client_secret code_verifier oauth_token oauth_verifier SAMLResponse SAMLart ticket " +
      "oobCode token_hash reset_password_token confirmation-token inviteToken X-Amz-Signature X-Amz-Security-Token X-Goog-Signature sig Signature " +
      "Key-Pair-Id password api_key apikey otp nonce _wpnonce session_id jsessionid PHPSESSID user[token] access.token magic_link resettoken " +
      "authorization_code mfa_code 2fa_code sms_code one_time_code onetimecode security_code verify_code confirm_code recovery_code invitation_code " +
      "pairing_code reset_key pin a.code a[code] emailCode"
    ).split(" "),
  )("has %s", (key) => {
    expect(isSecretKey(key)).toBe(true);
  });

  it.each(
    "page pageToken next_page_token continuationToken $skiptoken zipcode promo_code country_code author q id sort state key hash codec"
      .split(" ")
      .concat(
        "country[code] product.code language_code error_code status_code sort_key primary_key barcode presetCode account_code spin".split(
          " ",
        ),
      ),
  )("has not %s", (key) => {
    expect(isSecretKey(key)).toBe(false);
  });

  it("is looked for in the query and in the path's parameters", () => {
    const has = (path: string, search: string) => hasParameter(path, search, isSecretKey);
    expect(has("/verify", "?code=1")).toBe(true);
    expect(has("/cart;jsessionid=1A/x", "")).toBe(true);
    expect(has("/login", "?next=%2Fverify%3Ftoken%3D1")).toBe(true);
    expect(has("/cart;v=1", "?page=2")).toBe(false);
    const json = (value: unknown) => `?x=${encodeURIComponent(JSON.stringify(value))}`;
    expect(
      [json({ code: "a" }), json([{ a: { mfaCode: 1 } }]), `?next=${encodeURIComponent(`/cb${json({ code: 1 })}`)}`].map((search) =>
        has("/", search),
      ),
    ).toEqual([true, true, true]);
    expect([json({ country_code: "DE", a: "code" }), json("code")].map((search) => has("/", search))).toEqual([false, false]);
  });

  it("is looked for in so many parameters as may be read while somebody waits; with more there may be one", () => {
    const has = (search: string) => hasParameter("/", search, isSecretKey);
    expect([has(`?${"&a=1".repeat(240)}`), has(`?${"&a".repeat(8000)}`), has(`?x=${"%2526a".repeat(2000)}`)]).toEqual([false, true, true]);
    let asked = 0;
    hasParameter(`/${";a".repeat(8000)}`, `?${"&a".repeat(8000)}`, () => {
      asked++;
      return false;
    });
    expect(asked).toBeLessThan(1000);
  });
});
