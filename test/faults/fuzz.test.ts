/**
 * Random input against what must hold whatever comes. Each property is also shown a mistake of the kind that it is there for, and must find
 * it: a fuzzer that looks at nothing finds nothing either.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cookieFor } from "../../src/core/answer.ts";
import { baggageValue, MAX_BYTES, MAX_MEMBERS, parseBaggage, writeBaggage } from "../../src/core/baggage.ts";
import { readContext, type Signer } from "../../src/core/context.ts";
import { copyDecision, copyEdits, copySearch } from "../../src/core/copy.ts";
import { decide } from "../../src/core/decide.ts";
import { firstCandidate, mayProbe, secondCandidate } from "../../src/core/fallback.ts";
import type { LaneGroup, Origin } from "../../src/core/lane-group.ts";
import { chooseCopies } from "../../src/core/mirror.ts";
import { parseLaneGroup, parseLaneGroupText } from "../../src/core/parse-lane-group.ts";
import { runsOf } from "../../src/core/slots.ts";
import { readCookie } from "../../src/core/sticky.ts";
import { endingOf, headerEdits, originUrl } from "../../src/core/target.ts";
import { contextText, decisionOf, factsOf, groupOf, NOW, signer } from "../support/decision.ts";
import { mutated } from "../support/plant.ts";
import { sendRaw } from "../support/raw-client.ts";
import { type Router, startRouter } from "../support/router.ts";
import { clientSaw, group, sleep, startWorld, type World } from "./world.ts";

const SEED = 20_261_125;
const always = (property: fc.IProperty<unknown>, numRuns: number) => fc.assert(property, { seed: SEED, numRuns });
const finds = (property: fc.IProperty<unknown>, numRuns: number) => expect(fc.check(property, { seed: SEED, numRuns }).failed).toBe(true);

/** Header text: Latin-1, with the characters that mean something more often than others. */
const headerText = (pieces: readonly string[]) =>
  fc
    .array(
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...pieces) },
        { weight: 1, arbitrary: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) },
      ),
      { maxLength: 30 },
    )
    .map((parts) => parts.join(""));

describe("baggage", () => {
  const header = headerText([
    "a=1",
    "a=b",
    ",",
    ",",
    "a",
    "=",
    ";",
    " ",
    "\t",
    "%",
    "%41",
    "%E2%82",
    "%2C",
    '"',
    "lane",
    "laneway.shop",
    "__proto__",
    "1",
  ]);
  const isSafe = (parse: typeof parseBaggage) =>
    fc.property(header, (text) => {
      const baggage = parse(text);
      expect(baggage.members.length).toBeLessThanOrEqual(MAX_MEMBERS);
      expect(baggage.header.length).toBeLessThanOrEqual(MAX_BYTES);
      for (const { key, value, start, end } of baggage.members) {
        expect(text.slice(start, end)).toMatch(/^[^\s,;="]+[ \t]*=[^,]*$/);
        expect([text.slice(start).startsWith(key), baggageValue(baggage, key)]).toEqual([true, value]);
      }
      // What is matched is what is sent.
      const again = parse(writeBaggage(baggage, [], () => false).header);
      expect(again.members.map(({ key, value, properties }) => [key, value, properties])).toEqual(
        baggage.members.map(({ key, value, properties }) => [key, value, properties]),
      );
    });

  it("fault 4: is read without an exception, and written as it was read", () => always(isSafe(parseBaggage), 1_500));

  it.each<[string, typeof parseBaggage]>([
    ["decodes by decodeURIComponent", (text) => (decodeURIComponent(text ?? ""), parseBaggage(text))],
    [
      "decodes keys",
      (text) => ({
        ...parseBaggage(text),
        members: parseBaggage(text).members.map((member) => ({ ...member, key: member.key.replaceAll("%41", "A") })),
      }),
    ],
    [
      "takes the first of two",
      (text) => ({
        ...parseBaggage(text),
        byKey: new Map(parseBaggage(text?.split(",").reverse().join(",") ?? null).members.map((member) => [member.key, member])),
      }),
    ],
  ])("would be found out if it %s", (_, broken) => finds(isSafe(broken), 1_500));
});

describe("the cookie", () => {
  const flipped = fc
    .tuple(fc.integer({ min: 0, max: 9_999 }), fc.nat(40), fc.nat(6), headerText([".", "1", "0"]))
    .map(([slot, at, bit, more]) => {
      const text = `1.1.${slot}`;
      const i = at % text.length;
      return at % 3 === 0
        ? text.slice(0, i) + more
        : text.slice(0, i) + String.fromCharCode(text.charCodeAt(i) ^ (1 << bit)) + text.slice(i + 1);
    });
  const isSlot = (read: typeof readCookie) =>
    fc.property(flipped, (text) => {
      const slot = read(text, 1);
      if (slot !== null) expect([`1.1.${slot}`, slot >= 0 && slot <= 9_999]).toEqual([text.replace(/^(1\.0*1\.)0*(?=\d)/, "1.1."), true]);
    });

  it("fault 13: with a bit flipped, or cut and mended, is a slot or nothing", () => always(isSlot(readCookie), 2_000));

  it("would be found out if its pattern had no end", () => {
    const broken: typeof readCookie = (value, epoch) => {
      const parts = /^1\.(\d+)\.(\d+)/.exec(value ?? "");
      return parts !== null && Number(parts[1]) === epoch ? Number(parts[2]) : null;
    };
    finds(isSlot(broken), 2_000);
  });
});

describe("a page without a cookie", () => {
  const group = groupOf();
  const framed = groupOf({ sticky: { sameSite: "none" } });
  const requests = fc.array(
    fc.record({
      dest: fc.constantFrom("empty", "empty", "image", "script", "worker", "iframe", "object", "fencedframe", "websocket"),
      site: fc.constantFrom("same-origin", "same-site", "cross-site"),
      method: fc.constantFrom("GET", "POST", "OPTIONS"),
      // How many requests leave before this one's answer is there.
      lag: fc.nat(4),
    }),
    { minLength: 1, maxLength: 15 },
  );
  type Headers = Record<string, string>;
  const changesOnce = (sent: (headers: Headers) => Headers) =>
    fc.property(requests, fc.boolean(), fc.constantFrom(group, framed), (list, keeps, of) => {
      const answers: { readonly after: number; readonly cookie: string }[] = [];
      const lanes = list.map(({ dest, site, method, lag }, at) => {
        const kept = answers.filter(({ after }) => keeps && after < at).at(-1)?.cookie;
        const headers = {
          "sec-fetch-dest": dest,
          "sec-fetch-site": site,
          "user-agent": "a browser",
          ...(kept !== undefined && { cookie: kept }),
        };
        const asking = { method, headers: sent(headers), requestId: String(at).padStart(32, "0") };
        const decision = decisionOf(of, asking);
        const cookie = cookieFor(decision, factsOf(asking), 200);
        if (cookie !== null) answers.push({ after: at + lag, cookie: cookie.split(";")[0]! });
        return decision.lane;
      });
      const changes = lanes.filter((lane, at) => lane !== lanes[at - 1]);
      expect([changes[0], changes.length <= (keeps ? 2 : 1)]).toEqual(["s1", true]);
    });

  it("fault B1: is in the baseline, and changes once where it keeps the one it is given, whatever answer comes when", () =>
    always(
      changesOnce((headers) => headers),
      1_000,
    ));

  it.each<[string, (headers: Headers) => Headers]>([
    ["draws for scripts at once", ({ cookie = "" }) => ({ cookie })],
    ["gives each answer a slot of its own", (headers) => ({ ...headers, "user-agent": String(Math.random()) })],
  ])("would be found out if the router %s", (_, sent) => finds(changesOnce(sent), 1_000));
});

describe("a context", () => {
  const texts = ["s1", "s2", "s3"].flatMap((lane) => [contextText(lane), contextText(lane, { mirror: "shop/next", hop: 12 })]);
  const forged = fc
    .tuple(fc.constantFrom(...texts), fc.constantFrom(...texts), fc.nat(400), fc.nat(400), fc.nat(6), fc.nat(2))
    .map(([a, b, at, other, bit, how]) => {
      const [i, j] = [at % a.length, other % b.length];
      if (how === 0) return a.slice(0, i) + String.fromCharCode(a.charCodeAt(i) ^ (1 << bit)) + a.slice(i + 1);
      return how === 1 ? a.slice(0, i) + b.slice(j) : a.slice(0, i);
    });
  const isTrue = (by: Signer) =>
    fc.property(forged, (text) => {
      if (!texts.includes(text)) expect(readContext(text, by)).toBeNull();
    });

  it("fault 13: with a bit flipped, cut short, or put together from two, says nothing", () => always(isTrue(signer), 3_000));

  it.each<[string, Signer]>([
    [
      "compares the beginning of signatures",
      { ...signer, verify: (payload, given) => signer.sign(payload).slice(0, 8) === given.slice(0, 8) },
    ],
    [
      "signs less than it says",
      {
        ...signer,
        verify: (payload, given) =>
          [payload, payload.replace(/~s\d~/, "~s1~"), payload.replace(/~s\d~/, "~s2~")].some((each) => signer.verify(each, given)),
      },
    ],
  ])("would be found out if it %s", (_, broken) => finds(isTrue(broken), 3_000));
});

const valid = () => ({
  schema: 1,
  name: "shop",
  hosts: ["shop.example"],
  baseline: "s1",
  services: { web: {}, api: { path: "/api", fallback: "s2" } },
  lanes: {
    s1: { weight: 70, origins: { web: "https://a.example", api: "https://b.example" } },
    s2: { weight: 30, origins: { api: "https://c.example" } },
  },
  rules: [{ name: "r", when: { host: { in: ["shop.example"] }, header: { "x-a": { regex: "a+" } } }, weights: { s1: 1, s2: 1 } }],
  sticky: { by: "cookie", epoch: 1, sameSite: "none" },
  mirrors: [{ name: "m", lane: "s2", percent: 10, compare: {} }],
});

describe("the lane file's validator", () => {
  /** Random JSON, and a valid file with a random value at a random place. */
  const mangled = fc.tuple(fc.jsonValue({ maxDepth: 3 }), fc.nat(10_000)).map(([value, at]) => {
    const file = valid();
    const places: [Record<string, unknown>, string][] = [];
    const visit = (holder: unknown): void => {
      if (typeof holder !== "object" || holder === null) return;
      for (const key of Object.keys(holder)) {
        places.push([holder as Record<string, unknown>, key]);
        visit((holder as Record<string, unknown>)[key]);
      }
    };
    visit(file);
    const [holder, key] = places[at % places.length]!;
    if (value === null && Array.isArray(holder)) holder.splice(Number(key), 1);
    else if (value === null && at % 2 === 0) delete holder[key];
    else holder[key] = value;
    return file as unknown;
  });
  const input = fc.oneof({ weight: 3, arbitrary: mangled }, { weight: 1, arbitrary: fc.jsonValue() as fc.Arbitrary<unknown> });

  const isTotal = (parse: typeof parseLaneGroup) =>
    fc.property(input, (file) => {
      const parsed = parse(file, { insecureOrigins: false });
      if (!parsed.ok) {
        expect(parsed.error.length).toBeGreaterThan(0);
        for (const { path, message } of parsed.error)
          expect([typeof path, message.length > 0 && !message.includes("\n")]).toEqual(["string", true]);
        return;
      }
      const { group } = parsed.value;
      const baseline = group.lanes.get(group.baseline)!;
      expect([...group.services.keys()].filter((service) => !baseline.origins.has(service))).toEqual([]);
      expect(runsOf(group.slots).reduce((sum, [, count]) => sum + count, 0)).toBe(10_000);
      expect(group.slots.lanes.filter((lane) => !group.lanes.has(lane))).toEqual([]);
      for (const rule of group.rules) expect((rule.lane === null) !== (rule.slots === null)).toBe(true);
    });

  it("fault 36: takes any JSON: all that is wrong, or a group that holds together", () => always(isTotal(parseLaneGroup), 1_200));

  it.each<[string, typeof parseLaneGroup]>([
    [
      "throws where lanes are no object",
      (file, options) => (Object.keys((file as { lanes: object }).lanes), parseLaneGroup(file, options)),
    ],
    [
      "forgets what the baseline needs",
      (file, options) => {
        const parsed = parseLaneGroup(file, options);
        const hidden = !parsed.ok && parsed.error.every(({ path }) => path.startsWith("lanes.s1.origins"));
        const known = parseLaneGroup(valid(), options);
        return hidden && known.ok
          ? {
              ok: true,
              value: {
                ...known.value,
                group: { ...known.value.group, lanes: new Map([["s1", { ...known.value.group.lanes.get("s1")!, origins: new Map() }]]) },
              },
            }
          : parsed;
      },
    ],
  ])("would be found out if it %s", (_, broken) => finds(isTotal(broken), 1_200));

  it("fault 36: takes any text, too", () => {
    const text = fc.oneof(
      fc.string(),
      headerText(["{", "}", "[", "]", ":", ",", '"', "\\", "null", "1e9", '"schema"']),
      fc.tuple(fc.nat(2_000), headerText(['"', "}", ","])).map(([at, more]) => JSON.stringify(valid()).slice(0, at) + more),
    );
    always(
      fc.property(text, (each) => {
        const parsed = parseLaneGroupText(each, { insecureOrigins: false });
        if (parsed.ok) expect(() => JSON.parse(each)).not.toThrow();
        else expect(parsed.error.length).toBeGreaterThan(0);
      }),
      1_000,
    );
  });
});

const PATH_PIECES = [
  "/",
  "//",
  "\\",
  "..",
  ".",
  "%2e",
  "%2f",
  "%2F",
  "%61pi",
  "%5c",
  "%00",
  "@",
  ":",
  ";",
  "?",
  "#",
  "evil.example",
  "api",
  "__lanes",
  "a",
  "%",
  "&",
  "|",
  "'",
  "=",
  "~",
  "https://",
];
const path = fc.array(fc.constantFrom(...PATH_PIECES), { maxLength: 8 }).map((pieces) => `/${pieces.join("")}`);

describe("the router", () => {
  const laneNames = ["s1", "s2", "s3"];
  const originFile = (lane: string, service: string) =>
    fc.constantFrom(
      `https://${service}-${lane}.test`,
      `https://${service}-${lane}.test:8443/prefix`,
      { url: `https://${service}-${lane}.test/p/q`, baggage: "none" },
      { url: `https://${service}-${lane}.test/p`, strip: "/api", headers: { "x-user": "u" } },
      { binding: "SOME" },
    );
  const origins = (lane: string, required: boolean) =>
    fc.record(
      { web: originFile(lane, "web"), api: originFile(lane, "api"), deep: originFile(lane, "deep") },
      required ? {} : { requiredKeys: [] },
    );
  const lane = (name: string) =>
    fc.record(
      {
        weight: fc.constantFrom(0, 1, 30),
        origins: origins(name, false),
        expiresAt: fc.constantFrom("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"),
      },
      { requiredKeys: ["origins"] },
    );
  const condition = fc.constantFrom<object>(
    { path: { prefix: "/api" } },
    { baggage: { lane: { exists: true } } },
    { header: { "x-lane": "s2" } },
    { query: { a: { regex: ".*" } } },
    { not: { cookie: { a: "1" } } },
    { any: [{ method: "POST" }, { path: "/" }] },
    { host: { prefix: "API." } },
    { host: "Shop.Example." },
  );
  const decider = fc.oneof(
    fc.constantFrom(...laneNames).map((name) => ({ lane: name })),
    fc.constant({ weights: { s1: 1, s2: 1, s3: 2 } }),
  );
  const groups: fc.Arbitrary<LaneGroup> = fc
    .record(
      {
        mode: fc.constantFrom("strict", "permissive"),
        context: fc.constantFrom("open", "signed"),
        services: fc.record({
          web: fc.constantFrom({}, { entry: false }),
          api: fc.constantFrom({ path: "/api" }, { hosts: ["api.shop.example"], fallback: "s1" }),
          deep: fc.constant({ hosts: ["*.shop.example"], path: "/a" }),
        }),
        lanes: fc.record({ s1: fc.record({ weight: fc.constant(1), origins: origins("s1", true) }), s2: lane("s2"), s3: lane("s3") }),
        rules: fc
          .array(fc.tuple(condition, decider), { maxLength: 3 })
          .map((list) => list.map(([when, what], i) => ({ name: `r${i}`, when, ...what }))),
        sticky: fc.record({ by: fc.constantFrom<unknown>("cookie", "ip", "none", { header: "x-user" }, { baggage: "user" }) }),
        fallback: fc.constantFrom({}, { idempotencyKey: true }, { methods: ["POST"], statuses: [404] }),
        propagate: fc.constantFrom({}, { header: "x-tag", baggage: "lane", headers: [{ prefix: "x" }, "version"] }),
      },
      { requiredKeys: ["services", "lanes"] },
    )
    .map((file) => {
      const parsed = parseLaneGroup({ schema: 1, name: "shop", hosts: ["*"], baseline: "s1", ...file }, { insecureOrigins: false });
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
      return parsed.value.group;
    });
  const value = headerText([
    "a",
    "s2",
    "=",
    ",",
    ";",
    "lane=s2",
    "x-lane=s2",
    "x_lane=s2",
    "version=1",
    "user=u",
    "lane-shop=1.1.5",
    "close",
    contextText("s2"),
    `laneway.shop=${contextText("s3")}`,
    "laneway.shop=x",
    `laneway.other=${contextText("s2", { group: "other", mirror: "other/m", windows: -9_999 })}`,
    "laneway.x=1~,".repeat(20),
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff",
  ]);
  const headers = fc.dictionary(
    fc.constantFrom(
      "baggage",
      "cookie",
      "connection",
      "x-lane",
      "x-lane-context",
      "x-lane-hops",
      "x-tag",
      "x-user",
      "x_lane_mirror",
      "traceparent",
      "upgrade",
      "sec-fetch-dest",
      "x-forwarded-for",
      "x_user",
      "x-real-ip",
      "client-ip",
      "range",
      "if-range",
      "content-length",
      "idempotency-key",
    ),
    value.filter((text) => !/[^\t\x20-\x7e\x80-\xff]/.test(text)),
  );
  const host = fc.constantFrom(
    "shop.example",
    "api.shop.example",
    "SHOP.example:8443",
    "a.b.shop.example.",
    "[::1]",
    "x@y",
    "a b",
    ":80",
    "shop.example:99999",
    "x@shop.example",
  );
  const request = fc.record({
    host,
    path,
    headers,
    method: fc.constantFrom("GET", "POST", "OPTIONS"),
    secure: fc.boolean(),
    slot: fc.option(fc.integer({ min: 0, max: 9_999 })),
    signed: fc.boolean(),
  });

  const holdsTogether = (urlOf: (origin: Origin, facts: ReturnType<typeof factsOf>) => string, edits: typeof headerEdits = headerEdits) =>
    fc.property(groups, request, (of, made) => {
      const facts = factsOf({
        url: `${made.secure ? "https" : "http"}://${made.host}${made.path}`,
        method: made.method,
        headers: made.headers,
        slot: made.slot,
      });
      const by = made.signed ? signer : null;
      const decision = facts.host === "" ? null : decide(of, facts, { override: null, signer: by });
      if (decision === null) return;
      const known = of.lanes.get(decision.lane)!;
      expect([known.expiresAt === null || known.expiresAt > NOW, decision.reason.length > 0]).toEqual([true, true]);
      if (decision.reason === "weight" || decision.reason === "sticky") expect(known.weight).toBeGreaterThan(0);
      if (decision.visitor?.waits) expect([decision.lane, decision.reason]).toEqual([of.baseline, "baseline"]);
      const { candidate } = firstCandidate(decision, facts, (name) => name === "s3");
      if (candidate === null) expect(of.mode).toBe("strict");
      if (candidate === null) return;
      const { origin } = candidate;
      const url = new URL(urlOf(origin, facts));
      const less = origin.strip === "" ? facts.path : facts.path.replace(/^\/(?:a|%61)pi(?=\/|$)/, "");
      if (origin.base !== null) expect([url.origin, url.username, url.pathname]).toEqual([origin.base, "", origin.path + less]);
      else expect([url.hostname.replace(/\.$/, ""), url.pathname]).toEqual([facts.host, facts.path]);
      const { set, remove } = edits(decision, facts, origin, by);
      // No name or value that the platform would throw over, and nothing of ours that a client chose.
      const sent = new Headers(set.map(([name, text]): [string, string] => [name, text]));
      for (const name of remove) sent.delete(name);
      const ours = /^(?:x-lane-(?:context|hops|mirror)|x-forwarded-(?:host|proto|for)|upgrade)$/;
      if (decision.copy === null) expect([...sent.keys()]).not.toContain("x-lane-mirror");
      const ends = endingOf(of, facts, origin, false);
      expect(["x_user", "x-real-ip", "client-ip"].map(ends)).toEqual([origin.sets.has("x-user"), true, true]);
      for (const [name, text] of set) {
        if (ends(name) && name !== of.propagate.header) expect(name).toMatch(ours);
        if (name === of.propagate.header) expect(text).toBe(decision.lane);
        // A copy bears its mark, and of others no more than every reader takes.
        if (decision.copy === null || name !== "baggage") continue;
        const [own, ...others] = text.split(",");
        expect(readContext(own!.slice("laneway.shop=".length), signer)?.mirror).toBe(decision.copy);
        expect([others.length <= 33, others.join(",").length <= 2_100]).toEqual([true, true]);
      }
    });

  /** What is asked after a lane that fails, and who may ask an ejected one, said here in other words than there. */
  const asksFew = (first: typeof firstCandidate, second: typeof secondCandidate, probes: typeof mayProbe) =>
    fc.property(groups, request, (of, { host, path, method, headers, slot }) => {
      const facts = factsOf({ url: `http://${host}${path}`, method, headers, slot });
      const decision = facts.host === "" ? null : decide(of, facts, { override: null, signer });
      if (decision === null) return;
      const { candidate } = first(decision, facts, () => true);
      if (candidate === null) return;
      const sent = (name: string) => (facts.connection?.has(name) ? "" : (headers[name] ?? "").trim());
      const part = method === "GET" && sent("range") !== "" && sent("if-range") === "";
      const [decided, wanted] = [of.lanes.get(decision.lane)!, decision.service.name];
      if (part && decided.origins.has(wanted)) expect(candidate.lane).toBe(decision.lane);
      const next = second(decision, facts, candidate);
      const keyed = of.fallback.idempotencyKey && sent("idempotency-key").replaceAll(/[\s,"]/g, "") !== "";
      const repeatable = of.fallback.methods.has(method) || keyed;
      const content = method === "GET" && !["", "0"].includes(headers["content-length"] ?? "0");
      if (next !== null) expect([next.lane, repeatable, part, content, of.mode]).toEqual([of.baseline, true, false, false, "permissive"]);
      if (probes(decision, facts))
        expect([repeatable, content, part, facts.headers.get("upgrade") === "websocket"]).toEqual([true, false, false, false]);
    });

  it("faults A3, B6: asks nobody a second time but the baseline, and of another version no part", () =>
    always(asksFew(firstCandidate, secondCandidate, mayProbe), 1_500));

  it.each<[string, ...Parameters<typeof asksFew>]>([
    [
      "takes a part from anywhere",
      (decision, facts, isEjected) => firstCandidate(decision, { ...facts, headers: new Map(), method: "HEAD" } as typeof facts, isEjected),
      secondCandidate,
      mayProbe,
    ],
    [
      "asks the baseline after every lane",
      firstCandidate,
      ({ group: of, service }) => ({ lane: of.baseline, origin: of.lanes.get(of.baseline)!.origins.get(service.name)! }),
      mayProbe,
    ],
    ["lets anybody probe", firstCandidate, secondCandidate, () => true],
  ])("would be found out if it %s", (_, ...broken) => finds(asksFew(...broken), 1_500));

  it("fault 23: takes any request of any group to an origin of the file, with the path that was matched, or to none", () =>
    always(holdsTogether(originUrl), 1_500));

  it.each<[string, Parameters<typeof holdsTogether>[0], typeof headerEdits?]>([
    [
      "resolves the path against the origin",
      (origin, facts) =>
        origin.base === null ? originUrl(origin, facts) : new URL(facts.path + facts.search, origin.base + origin.path).href,
    ],
    ["forgets the slash in between", (origin, facts) => originUrl(origin, facts).replace("/prefix/", "/prefix")],
    [
      "makes headers of any baggage member",
      originUrl,
      (...given) => {
        const edits = headerEdits(...given);
        return { ...edits, set: [...edits.set, ...given[1].baggage.members.map(({ key, value }) => [key, value] as const)] };
      },
    ],
  ])("would be found out if it %s", (_, urlOf, edits) => finds(holdsTogether(urlOf, edits), 1_500));
});

describe("a copy", () => {
  const SECRET = "S3CRET";
  const parsed = parseLaneGroup(
    {
      ...valid(),
      lanes: { ...valid().lanes, s3: { origins: { web: "https://dark.example" } } },
      rules: [],
      mirrors: [{ name: "m", lane: "s3", percent: 100 }],
    },
    { insecureOrigins: false },
  );
  const of = parsed.ok ? parsed.value.group : null;
  const key = fc.constantFrom("token", "code", "%74oken", "Access_Token", "user[token]", "X-Amz-Signature", "oobCode");
  const secret = key.map((name) => `${name}=${SECRET}`);
  const other = fc.constantFrom("a=1", "b", "page=2", "q=x%20y", "pageToken=1");
  const packed = secret.map((text) => `next=${encodeURIComponent(`/x?${text}&c=1`)}`);
  const search = (parts: fc.Arbitrary<string>) =>
    fc.array(fc.tuple(parts, fc.constantFrom("&", ";", "&&")), { maxLength: 4 }).map((list) => list.flat().join(""));
  const url = search(fc.oneof(other, secret, packed)).map((text) => `https://shop.example/page?${text}#c`);
  const headers = fc.dictionary(
    fc.constantFrom(
      "referer",
      "x-original-url",
      "x_rewrite_url",
      "hx-current-url",
      "x-page",
      "accept",
      "x_http_method_override",
      "x-http-method",
    ),
    fc.oneof(url, fc.constantFrom("GET", "DELETE", "*/*;q=0.1")),
  );
  const proofs = fc.dictionary(
    fc.constantFrom("authorization", "cookie", "x_api_key", "cf-access-jwt-assertion", "x-auth-token"),
    fc.constant(`a=${SECRET}`),
  );
  const method = fc.constantFrom("GET", "GET", "HEAD", "POST");

  const keepsSecrets = (scrub: typeof copyEdits) =>
    fc.property(method, search(fc.oneof(other, other, other, secret, packed)), headers, proofs, (method, query, named, proved) => {
      const sent = { ...named, ...proved };
      const facts = factsOf({ url: `https://shop.example/x?${query}`, method, headers: sent, slot: 1 });
      const decision = decide(of!, facts, { override: null, signer })!;
      const { copy, drop } = chooseCopies(decision, facts, "s1", true)[0]!;
      const overridden = ["x_http_method_override", "x-http-method"].some((name) => (named[name] ?? "GET") !== "GET");
      if (method === "POST" || overridden) expect(drop).toBe("method");
      else expect(drop).toBe(query.includes(SECRET) ? "credentials" : null);
      if (copy === null) return;
      const edits = headerEdits(copyDecision(decision, copy.mirror, "s3"), facts, copy.origin, signer);
      const { ends, set, remove } = scrub(edits, facts, copy.mirror, "0".repeat(16), "x-lane");
      const left = new Headers(Object.entries(sent).filter(([name]) => !ends(name)));
      for (const name of remove) left.delete(name);
      for (const [name, text] of set) left.set(name, text);
      expect(JSON.stringify([originUrl(copy.origin, facts, copySearch(facts, copy.mirror)), [...left]])).not.toContain(SECRET);
    });

  it("faults A10, A11, A12: carries no secret, whatever the request is, and is none of a write", () =>
    always(keepsSecrets(copyEdits), 1_500));

  it("would be found out if it left the Referer alone, or a header in another spelling", () => {
    for (const name of ["referer", "x_api_key"]) {
      finds(
        keepsSecrets((...given) => {
          const { set, remove, ...rest } = copyEdits(...given);
          return { ...rest, set: set.filter(([each]) => each !== name), remove: remove.filter((each) => each !== name) };
        }),
        1_500,
      );
    }
  });
});

describe("the Worker", () => {
  let world: World;
  let mistaken: Router;
  let careless: Router;

  beforeAll(async () => {
    world = await startWorld((origins) => {
      const { s1, s2 } = origins;
      const shop = group("shop", origins, {
        services: { web: {}, api: { path: "/api" } },
        lanes: { s1: { weight: 50, origins: { web: `${s1.url}/pre`, api: s1.url } }, s2: { weight: 50, origins: { web: s2.url } } },
        rules: [{ name: "r", when: { baggage: { lane: { exists: true } } }, lane: "s2" }],
      });
      return { shop };
    });
    const { s1, s2 } = world;
    const shop = group("shop", world, {
      services: { web: {}, api: { path: "/api" } },
      lanes: { s1: { weight: 50, origins: { web: `${s1.url}/pre`, api: s1.url } }, s2: { weight: 50, origins: { web: s2.url } } },
    });
    const start = (...mutation: Parameters<typeof mutated>) => startRouter({ groups: { shop }, build: mutated(...mutation) });
    mistaken = await start(
      "core/target.ts",
      "return origin.base + origin.path + path + search;",
      "return new URL(path + search, origin.base + origin.path).href;",
    );
    careless = await start("edge/forward.ts", "headerNames.filter(ends)", "headerNames.filter((name) => name === '')");
  }, 30_000);
  afterAll(() => Promise.all([world?.close(), mistaken?.dispose(), careless?.dispose()]));

  const line = fc.oneof(
    fc.constantFrom(
      "Connection: a b",
      "Connection: x-lane, (",
      "Connection: close",
      "X-Lane: s2",
      "x_lane: s2",
      "Cookie: ;;=",
      "Cookie: lane-shop=1.1.7000",
      "Upgrade: h2c",
      "TE: trailers",
      "Expect: 100-continue",
      "Range: bytes=x",
      "Range: bytes=1-",
      "If-Range: x",
      "Idempotency-Key: ,",
      "Content-Length: 0",
      "Accept-Encoding: br;q=x",
      "X-Forwarded-Prefix: //evil.example",
      "x_real_ip: 203.0.113.9",
    ),
    headerText(["a", "=", ",", ";", "%", "lane=s2", '"']).map((text) => `baggage: ${text}`),
    headerText(["a", "=", ";", " ", "lane-shop=1.1.5"]).map((text) => `cookie: ${text}`),
  );
  const requests = fc.record({
    method: fc.constantFrom("GET", "GET", "HEAD", "POST", "OPTIONS", "DELETE"),
    target: fc.oneof(path, path, fc.constantFrom("*", "http://evil.example/x", "x", "//")),
    host: fc.constantFrom("shop.example", "shop.example", "www.shop.example:81", "other.example", "a b", "[", "shop.example:99999"),
    lines: fc.array(
      line.filter((text) => !text.includes("\0")),
      { maxLength: 4 },
    ),
  });

  const PROBLEMS = ["no-group", "not-found", "loop"].map((tag) => `urn:laneway:${tag}`);

  const answersWell = (router: () => Router) =>
    fc.asyncProperty(requests, async ({ method, target, host, lines }) => {
      world.reset();
      const bytes = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...lines, "Connection: close", "", ""].join("\r\n");
      const answer = await sendRaw(router().url, bytes, { head: method === "HEAD", timeoutMs: 3_000 });
      const seen = [...world.s1.requests, ...world.s2.requests];
      // What the runtime itself refuses never reaches us.
      if (answer.status === 400 && !answer.header("content-type")?.includes("problem")) return void expect(seen).toEqual([]);
      if (answer.header("content-type") === "application/problem+json") {
        if (method !== "HEAD") expect(PROBLEMS).toContain(JSON.parse(answer.body.toString()).type);
        expect([404, 508]).toContain(answer.status);
        return void expect(seen).toEqual([]);
      }
      expect([answer.status, seen.length]).toEqual([200, 1]);
      const lane = answer.header("x-lane-served-by");
      expect(answer.header("x-origin")).toBe(lane);
      if (lane === "s1" && answer.header("x-lane-service") === "web") expect(seen[0]!.url).toMatch(/^\/pre\//);
      expect(seen[0]!.headers.filter(([name]) => /^x-forwarded-prefix$|real.ip/i.test(name))).toEqual([]);
      expect(seen[0]!.headers.filter(([name]) => /^x[._]lane|^x-lane$/i.test(name)).map(([, text]) => text)).toEqual([
        answer.header("x-lane"),
      ]);
      return undefined;
    });
  const RUNS = { seed: SEED, numRuns: 250 };

  it("fault 24: answers anything from an origin of the file, or with a problem that says why", async () => {
    await fc.assert(
      answersWell(() => world.router),
      RUNS,
    );
    await sleep(50);
    expect(world.router.output()).toEqual([]);
    clientSaw("200, or what is wrong");
  }, 30_000);

  it("would be found out if it resolved the path against the origin, or let headers of ours pass", async () => {
    for (const broken of [() => mistaken, () => careless])
      expect((await fc.check(answersWell(broken), { ...RUNS, endOnFailure: true })).failed).toBe(true);
  }, 30_000);
});
