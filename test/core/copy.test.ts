import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Signer } from "../../src/core/context.ts";
import { copyBody, copyDecision, copyEdits, losesCredentials, shadowed } from "../../src/core/copy.ts";
import { decide } from "../../src/core/decide.ts";
import { type Facts, readFacts } from "../../src/core/facts.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";
import { headerEdits } from "../../src/core/target.ts";

const signer: Signer = { sign: () => "A".repeat(43), verify: () => false };
const SPAN = "1234567890abcdef";

function of(mirror: Record<string, unknown>, headers: Record<string, string> = {}, url = "http://shop.example:8080/") {
  const file = {
    schema: 1,
    name: "shop",
    hosts: ["*"],
    baseline: "s1",
    services: { web: {} },
    lanes: { s1: { weight: 1, origins: { web: "https://a1.example" } }, dark: { origins: { web: "https://a3.example" } } },
    propagate: { headers: [{ prefix: "user-" }] },
    mirrors: [{ name: "m", lane: "dark", percent: 100, ...mirror }],
  };
  const parsed = parseLaneGroup(file, { insecureOrigins: false });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const { group } = parsed.value;
  const facts = readFacts({
    method: "POST",
    url,
    headers: new Map(Object.entries(headers)),
    ip: null,
    now: 0,
    requestId: "e".repeat(32),
    slot: 1,
  });
  const decision = decide(group, facts, { override: null, signer })!;
  return { group, facts, decision, mirror: group.mirrors[0]! };
}

/** What the copy's headers are, from the client's. */
function sent(mirror: Record<string, unknown>, headers: Record<string, string> = {}): Map<string, string> {
  const one = of(mirror, headers);
  const decision = copyDecision(one.decision, one.mirror, "dark");
  const origin = one.group.lanes.get("dark")!.origins.get("web")!;
  const edits = copyEdits(
    headerEdits(decision, one.facts, origin, signer, { withoutBaggage: one.mirror.scrub.baggage }),
    one.facts,
    one.mirror,
    SPAN,
    one.group.propagate.header,
  );
  const all = new Map(Object.entries(headers).filter(([name]) => !edits.ends(name)));
  for (const name of edits.remove) all.delete(name);
  for (const [name, value] of edits.set) all.set(name, value);
  return all;
}

describe("a copy's headers", () => {
  it("say that it is one, and of what", () => {
    const headers = sent({});
    expect(headers.get("x-lane-mirror")).toBe("shop/m");
    expect(headers.get("x-lane")).toBe("dark");
    expect(headers.get("x-forwarded-host")).toBe("shop.example-shadow:8080");
    expect(headers.get("baggage")).toBe(`laneway.shop=1~shop~dark~1~0~shop~m~${"A".repeat(43)}`);
  });

  it("have lost the credentials, even those that a listed baggage member has set, and what is scrubbed", () => {
    const client = { authorization: "Bearer x", cookie: "a=1", "x-api-key": "k", baggage: "user-id=7,user-name=ann,email=a" };
    const headers = sent({ scrub: { headers: ["X-Api-Key", "user-name"], baggage: ["email"] } }, client);
    for (const name of ["authorization", "cookie", "x-api-key", "user-name"]) expect(headers.has(name), name).toBe(false);
    expect(headers.get("user-id")).toBe("7");
    expect(headers.get("baggage")).toMatch(/,user-id=7,user-name=ann$/);
    const forwarded = sent({ credentials: "forward" }, client);
    expect([forwarded.get("authorization"), forwarded.get("cookie")]).toEqual(["Bearer x", "a=1"]);
  });

  it("have lost every header that proves who asks, and scrubbed ones, in any spelling, but not the lane's", () => {
    const client = {
      x_api_key: "k",
      "cf-access-jwt-assertion": "j",
      x_tenant_id: "t",
      "x-request-id": "r",
      baggage: "user-token=1,user-id=7",
    };
    const headers = sent({ scrub: { headers: ["X-Tenant-Id"] } }, client);
    for (const name of ["x_api_key", "cf-access-jwt-assertion", "x_tenant_id", "user-token"]) expect(headers.has(name), name).toBe(false);
    expect([headers.get("x-request-id"), headers.get("user-id"), headers.get("x-lane")]).toEqual(["r", "7", "dark"]);
  });

  it.each(
    (
      "fastly-key dd-application-key x-parse-master-key x-appwrite-key x-clickhouse-key x-mfa-code x-verification-code x-pin x-ticket x-wp-nonce " +
      "x-firebase-appcheck x-license-key x_otp_code x-shopify-hmac-sha256 sessionid"
    ).split(" "),
  )("have not %s", (name) => {
    expect(sent({}, { [name]: "S3CRET" }).has(name)).toBe(false);
    expect(sent({ credentials: "forward" }, { [name]: "S3CRET" }).get(name)).toBe("S3CRET");
  });

  it.each(
    "idempotency-key x-idempotency-key surrogate-key x-cache-key x-country-code x-keyword accept-encoding x-status-code x-shopping-id".split(
      " ",
    ),
  )("have %s", (name) => {
    expect(sent({}, { [name]: "v" }).get(name)).toBe("v");
  });

  it("name no scrubbed parameter in any URL, and none is set again that ends here", () => {
    const client = {
      referer: "https://a.example/?token=x&b=1",
      "x-page": "/?b=1&code=x",
      "x-original-url": "/?code=x&b=1",
      baggage: "user-page=/?token=x%26b=1",
    };
    const headers = sent({}, client);
    expect(headers.get("referer")).toBe("https://a.example/?b=1");
    expect([headers.get("x-page"), headers.get("x-original-url")]).toEqual(["/?b=1", undefined]);
    expect(headers.get("user-page")).toBe("/?b=1");
    expect(sent({}, { ...client, connection: "referer" }).get("referer")).toBeUndefined();
    expect(sent({ credentials: "forward" }, client).get("referer")).toBe(client.referer);
  });

  it.each([
    ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", `00-4bf92f3577b34da6a3ce929d0e0e4736-${SPAN}-01`],
    ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", `00-4bf92f3577b34da6a3ce929d0e0e4736-${SPAN}-00`],
    ["cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-else", `00-4bf92f3577b34da6a3ce929d0e0e4736-${SPAN}-01`],
    ["rubbish", `00-${"e".repeat(32)}-${SPAN}-00`],
  ])("have a span of their own: %s", (traceparent, own) => {
    expect(sent({}, { traceparent }).get("traceparent")).toBe(own);
  });

  it("change nothing else at later hops but the host", () => {
    const { facts } = of({});
    const ends = () => false;
    const edits = {
      ends,
      remove: ["a"],
      set: [
        ["x-forwarded-host", "shop.example:8080"],
        ["b", "1"],
      ] as const,
      baggageDropped: 3,
    };
    expect(shadowed(edits, facts)).toEqual({
      ends,
      remove: ["a"],
      set: [
        ["b", "1"],
        ["x-forwarded-host", "shop.example-shadow:8080"],
      ],
      baggageDropped: 3,
    });
  });
});

describe("credentials", () => {
  const lost = (headers: Record<string, string>, mirror = {}) => {
    const one = of(mirror, headers);
    return losesCredentials(one.decision, one.facts, one.mirror);
  };
  it("are lost where the client sent some that the origin would have got", () => {
    expect(lost({})).toBe(false);
    expect(lost({ authorization: "Bearer x" })).toBe(true);
    expect(lost({ cookie: "session=1" })).toBe(true);
    expect(lost({ cookie: "lane-shop=1.1.5; session=1" })).toBe(true);
    expect(lost({ cookie: "lane-shop=1.1.5" })).toBe(false);
    expect(lost({ cookie: "__Host-lane-shop=1.1.5" })).toBe(false);
    expect(lost({ cookie: "__Secure-lane-dom=1.1.5" })).toBe(false);
    expect(lost({ cookie: "lane-color=blue" })).toBe(true);
    expect(lost({ "proxy-authorization": "Basic x" })).toBe(false);
    expect(lost({ x_api_key: "k" })).toBe(true);
    expect(lost({ "x-request-id": "r" })).toBe(false);
    expect(lost({ authorization: "x", connection: "authorization" })).toBe(false);
    expect(lost({ authorization: "Bearer x", cookie: "a=1" }, { credentials: "forward" })).toBe(false);
  });
});

const bytes = (text: string) => Uint8Array.from(new TextEncoder().encode(text));

describe("a copy's body", () => {
  const body = (text: string | Uint8Array<ArrayBuffer>, type: string | null, mirror: Record<string, unknown>, coding?: string) => {
    const headers = { ...(type !== null && { "content-type": type }), ...(coding !== undefined && { "content-encoding": coding }) };
    const one: { facts: Facts; mirror: Parameters<typeof copyBody>[2] } = of(mirror, headers);
    const made = copyBody(typeof text === "string" ? bytes(text) : text, one.facts, one.mirror);
    return made.ok ? new TextDecoder().decode(made.value) : made.error;
  };
  const scrub = { scrub: { json: ["card.number"] } };

  it("is the request's where nothing is scrubbed, whatever it is", () => {
    expect(body("anything", "application/octet-stream", {})).toBe("anything");
    expect(body("", "text/plain", scrub)).toBe("");
  });

  it("is scrubbed where it is JSON by any of its names", () => {
    for (const type of ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json", "text/json"])
      expect(body('{"card":{"number":1},"n":1.0}', type, scrub)).toBe('{"card":{"number":null},"n":1.0}');
  });

  it("is none where it is anything else, compressed or broken", () => {
    for (const [text, type, coding] of [
      ["card.number=1", "application/x-www-form-urlencoded", undefined],
      ['{"card":{"number":1}}', null, undefined],
      ['{"card":{"number":1}}', "application/json", "gzip"],
      ['{"card":{"number":1}', "application/json", undefined],
      [new Uint8Array([0x7b, 0xff, 0x7d]), "application/json", undefined],
    ] as const)
      expect(body(text, type, scrub, coding)).toBe("scrub");
  });

  it("is none over the mirror's cap", () => {
    expect(body("12345", null, { maxBodyBytes: 5 })).toBe("12345");
    expect(body("123456", null, { maxBodyBytes: 5 })).toBe("body-too-large");
  });

  it("never holds what stood at a scrubbed place, in any JSON", () => {
    fc.assert(
      fc.property(fc.json(), fc.string({ minLength: 12, unit: "grapheme-ascii" }), (other, secret) => {
        const text = `{"other":${other},"card":{"number":${JSON.stringify(`<${secret}>`)}}}`;
        const made = body(text, "application/json", scrub);
        if (made !== "scrub") expect(JSON.parse(made).card).toEqual({ number: null });
      }),
      { seed: 3, numRuns: 200 },
    );
  });
});
