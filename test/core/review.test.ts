import { describe, expect, it } from "vitest";
import type { LaneGroup } from "../../src/core/lane-group.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";
import { review } from "../../src/core/review.ts";

const NOW = Date.parse("2026-11-25T00:00:00Z") / 1000;
const origin = (lane: string) => ({ web: `https://${lane}.example` });

const base = {
  schema: 1,
  name: "g",
  hosts: ["g.example.com"],
  baseline: "s1",
  services: { web: {} },
  lanes: { s1: { weight: 60, origins: origin("a") }, s2: { weight: 40, origins: origin("b") } },
};

function group(changes: Record<string, unknown> = {}): LaneGroup {
  const parsed = parseLaneGroup({ ...base, ...changes }, { insecureOrigins: false });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value.group;
}

const warnings = (changes: Record<string, unknown>) =>
  review(group(changes), null, NOW).warnings.map(({ path, message }) => `${path}: ${message}`);

describe("a review", () => {
  it("has nothing to say about a plain group", () => {
    expect(review(group(), group(), NOW)).toEqual({ warnings: [], moved: [], fallsBack: [] });
  });

  it("warns of a rule that can never decide", () => {
    const rules = [
      { name: "pr", when: { baggage: { pr: { exists: true } } }, lane: "s2" },
      { name: "pr-get", when: { method: "GET", baggage: { pr: { exists: true } } }, lane: "s1" },
      { name: "other", when: { baggage: { pr: "1" } }, lane: "s2" },
      { name: "never", when: { path: { prefix: "/a" }, not: { path: { prefix: "/a" } } }, lane: "s2" },
      { name: "ours", when: { header: { "X-Lane-Context": { exists: true } } }, lane: "s2" },
      { name: "in", when: { query: { q: { in: ["b", "a"] } } }, lane: "s2" },
      { name: "in-again", when: { query: { q: { in: ["a", "b"] } } }, lane: "s2" },
      { name: "regex", when: { cookie: { c: { regex: "a+" } } }, lane: "s2" },
      { name: "regex-other", when: { cookie: { c: { regex: "b+" } } }, lane: "s2" },
    ];
    expect(warnings({ rules })).toEqual([
      'rules[1]: never decides: rules[0] ("pr") matches whenever it would',
      'rules[3].when: can never match: "not" excludes what the rest asks for',
      "rules[4].when.header.x-lane-context: rules never see this header: it is removed first",
      'rules[6]: never decides: rules[5] ("in") matches whenever it would',
    ]);
  });

  it("warns of a rule by the host as it was sent, where one by the host is meant", () => {
    expect(warnings({ rules: [{ name: "r", when: { header: { Host: "g.example.com" } }, lane: "s2" }] })).toEqual([
      'rules[0].when.header.host: is compared as the client wrote it, with port and capitals; "host" beside "header" knows neither',
    ]);
    expect(warnings({ rules: [{ name: "r", when: { host: "g.example.com" }, lane: "s2" }] })).toEqual([]);
  });

  it("knows which rules by host others make needless, however they are written", () => {
    const rules = [
      { name: "host", when: { host: "G.example.com." }, lane: "s2" },
      { name: "again", when: { host: "g.EXAMPLE.com", method: "GET" }, lane: "s1" },
      { name: "never", when: { host: { suffix: ".com" }, not: { host: { suffix: ".com." } } }, lane: "s2" },
    ];
    expect(warnings({ rules })).toEqual([
      'rules[1]: never decides: rules[0] ("host") matches whenever it would',
      'rules[2].when: can never match: "not" excludes what the rest asks for',
    ]);
  });

  it("warns of several entry hosts without a domain for the cookie, and of a domain without a cookie", () => {
    const hosts = ["g.example.com", "h.example.com"];
    expect(warnings({ hosts })).toEqual([
      'sticky.domain: is missing: a cookie stays on its host, so each of the entry hosts ("g.example.com" and "h.example.com") draws visitors ' +
        'anew, and a page that uses two mixes lanes; name a domain above them, or make all but one "entry": false',
    ]);
    expect(warnings({ hosts, sticky: { domain: "example.com" } })).toEqual([]);
    expect(warnings({ hosts, sticky: { by: "ip", domain: "example.com", sameSite: "none" } })).toEqual([
      'sticky.domain: says nothing: no cookie is set where "by" is not "cookie"',
      'sticky.sameSite: says nothing: no cookie is set where "by" is not "cookie"',
    ]);
  });

  it("fault A7: warns of what a client says about addresses: no rule sees it, and nobody is known by it", () => {
    const names = ["x-forwarded-host", "X-Real-IP", "x_original_url", "forwarded", "Client-IP", "x_host"];
    expect(warnings({ rules: names.map((name, i) => ({ name: `r${i}`, when: { header: { [name]: "1" } }, lane: "s2" })) })).toEqual(
      names.map((name, i) => `rules[${i}].when.header.${name.toLowerCase()}: rules never see this header: it is removed first`),
    );
    expect(warnings({ sticky: { by: { header: "X-Real-IP" } } })).toEqual([
      'sticky.by.header: "x-real-ip" is removed first, so that every visitor has the baseline',
    ]);
    expect(warnings({ sticky: { by: { header: "x-user" } } })).toEqual([]);
  });

  it("warns of a lane that nobody can reach", () => {
    const lanes = { ...base.lanes, s3: { origins: origin("c") } };
    expect(warnings({ lanes })).toEqual([
      "lanes.s3: nobody can reach this lane: it has no weight, and no rule, mirror or fallback names it",
    ]);
    expect(warnings({ lanes, context: "open" })).toEqual([]);
    expect(warnings({ lanes, rules: [{ name: "r", when: { path: "/x" }, weights: { s3: 1 } }] })).toEqual([]);
    expect(warnings({ lanes, services: { web: { fallback: "s3" } } })).toEqual([]);
  });

  it("warns of what has expired, and shows that its visitors move to the baseline", () => {
    const lanes = { ...base.lanes, s2: { ...base.lanes.s2, expiresAt: "2026-11-24T00:00:00Z" } };
    const rules = [{ name: "r", when: { path: "/x" }, lane: "s2" }];
    expect(warnings({ lanes, rules })).toEqual([
      'rules[0].lane: "s2" has expired: the rule gives the baseline "s1"',
      "lanes.s2.expiresAt: has passed: the lane's visitors have the baseline",
    ]);
    expect(review(group({ lanes }), group(), NOW).moved).toEqual([{ from: "s2", to: "s1", percent: 40 }]);
    expect(review(group({ lanes }), group({ lanes }), NOW).moved).toEqual([]);
  });

  it("warns of a mirror without end or owner, a service that only the baseline has, and methods that may be done twice", () => {
    expect(warnings({ mirrors: [{ name: "m", lane: "s2", percent: 1 }] })).toEqual([
      'mirrors[0]: has no "expiresAt": it copies traffic until somebody remembers it',
      'mirrors[0].lane: "s2" has no "owner" to ask about the copies',
    ]);
    const services = { web: {}, api: { path: "/api" } };
    const lanes = { ...base.lanes, s1: { weight: 60, origins: { ...origin("a"), api: "https://api.example" } } };
    expect(warnings({ services, lanes })).toEqual(['services.api: only the baseline "s1" has an origin for it']);
    expect(review(group({ services, lanes }), null, NOW).fallsBack).toEqual([{ lane: "s2", service: "api", to: "s1" }]);
    expect(warnings({ fallback: { methods: ["GET", "PUT", "POST"] } })).toEqual([
      'fallback.methods: "POST" may be done twice: a lane that failed may have done its work before',
    ]);
    expect(warnings({ mode: "strict", fallback: { methods: ["POST"] } })).toEqual([]);
  });

  it("warns of callers without a context where a service admits only what bears one, and where all do", () => {
    const hosts = ["*.g.example.com"];
    const services = {
      web: {},
      api: { hosts: ["api.g.example.com"], entry: "signed" },
      pay: { hosts: ["pay.g.example.com"], entry: "signed" },
    };
    const none = { url: "https://none.example", baggage: "none" };
    const lanes = {
      s1: { weight: 60, origins: { web: none, api: "https://api.example", pay: none } },
      s2: { weight: 40, origins: { web: "https://b.example", api: { ...none, url: "https://b.example" }, pay: "https://c.example" } },
    };
    expect(warnings({ hosts, sticky: { by: "none" }, services, lanes })).toEqual([
      'lanes.s1.origins.web.baggage: "none" gives it no context, so what it asks of "api" and "pay" is refused',
      'lanes.s1.origins.pay.baggage: "none" gives it no context, so what it asks of "api" is refused',
      'lanes.s2.origins.api.baggage: "none" gives it no context, so what it asks of "pay" is refused',
    ]);
    expect(warnings({ services: { web: {}, api: { path: "/api", entry: false }, pay: { path: "/pay" } }, lanes })).toEqual([]);
    expect(warnings({ services: { web: { entry: "signed" } } })).toEqual([
      'services: no service is left where a request can enter: "web" admits only requests of ours',
    ]);
  });

  it("fault A2: warns of a signed service under a path, whose other spellings go to a service that admits anybody", () => {
    const sticky = { by: "none" };
    const of = (hosts: string[], pay: object, web: object = {}) => {
      const services = { web, pay: { entry: "signed", ...pay } };
      const origins = { web: "https://a.example", pay: "https://b.example" };
      return warnings({ hosts, sticky, services, lanes: { s1: { weight: 1, origins } } });
    };
    const warned = (path: string) => [
      `services.pay.path: other spellings of it, such as "${path};x", go to "web" without a context, and its origin may read them alike: give the signed service a host of its own`,
    ];
    const hosts = ["g.example.com", "*.g.example.com"];
    expect(of(hosts, { path: "/charge" })).toEqual(warned("/charge"));
    expect(of(hosts, { path: "/api/charge" }, { path: "/api/" })).toEqual(warned("/api/charge"));
    expect(of(hosts, { path: "/charge", hosts: ["a.g.example.com"] }, { hosts: ["*.g.example.com"] })).toEqual(warned("/charge"));
    expect(of(hosts, { path: "/charge", hosts: ["a.g.example.com"] }, { hosts: ["g.example.com"] })).toEqual([]);
    expect(of(hosts, { path: "/charge" }, { path: "/shop" })).toEqual([]);
    expect(of(hosts, { hosts: ["a.g.example.com"] })).toEqual([]);
  });

  it("warns of a mirror that calls every write a read, or lets one-time secrets go", () => {
    const of = (mirror: object) => {
      const lanes = { ...base.lanes, s2: { ...base.lanes.s2, owner: "web" } };
      return warnings({ lanes, mirrors: [{ name: "m", lane: "s2", percent: 1, expiresAt: "2027-01-31T00:00:00Z", ...mirror }] });
    };
    const everything = [
      { path: { prefix: "/" } },
      { method: "POST" },
      { path: { regex: ".*" } },
      { any: [{ path: "/graphql" }, { method: "PUT" }] },
      { not: { method: "DELETE" } },
    ];
    for (const reads of everything)
      expect(of({ reads })).toEqual([
        "mirrors[0].reads: names no path, host, header or the like: every write that is no GraphQL is copied as a read",
      ]);
    for (const reads of [{ path: "/graphql" }, { method: "POST", header: { "x-read": "1" } }, { any: [{ path: { prefix: "/api" } }] }])
      expect(of({ reads })).toEqual([]);
    expect(of({ secrets: ["invite"] })).toEqual([]);
    expect(of({ secrets: [] })).toEqual(['mirrors[0].secrets: [] lets one-time secrets of a query go to "s2"']);
    expect(of({ secrets: ["invite"], credentials: "forward" })).toEqual([
      'mirrors[0].secrets: "credentials": "forward" lets one-time secrets of a query go to "s2"',
    ]);
  });

  it("tells who moves from where to where, in percent of all visitors", () => {
    const lanes = (s1: number, s2: number) => ({ s1: { ...base.lanes.s1, weight: s1 }, s2: { ...base.lanes.s2, weight: s2 } });
    expect(review(group({ lanes: lanes(50, 50) }), group(), NOW).moved).toEqual([{ from: "s1", to: "s2", percent: 10 }]);
    expect(review(group({ lanes: lanes(30, 20) }), group(), NOW).moved).toEqual([]);
  });

  it("knows that a new epoch draws everybody anew", () => {
    const moved = [
      { from: "s1", to: "s2", percent: 24 },
      { from: "s2", to: "s1", percent: 24 },
    ];
    expect(review(group({ sticky: { epoch: 2 } }), group(), NOW).moved).toEqual(moved);
    expect(review(group({ sticky: { by: { baggage: "user" } } }), group(), NOW).moved).toEqual(moved);
  });
});
