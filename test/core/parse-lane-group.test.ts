import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Matcher } from "../../src/core/lane-group.ts";
import { parseLaneGroup, parseLaneGroupText } from "../../src/core/parse-lane-group.ts";
import { exampleFile, smallestFile, withValue } from "../support/lane-file.ts";

const SECURE = { insecureOrigins: false };

function parsed(input: unknown) {
  const result = parseLaneGroup(input, SECURE);
  if (!result.ok) throw new Error(result.error.map(({ path, message }) => `${path}: ${message}`).join("\n"));
  return result.value.group;
}

const textProblems = (text: string) => {
  const result = parseLaneGroupText(text, SECURE);
  return result.ok ? [] : result.error.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
};

const origin = (base: string | null, more: object = {}) => ({
  base,
  path: "",
  binding: null,
  headers: [],
  baggage: "all",
  synthetic: false,
  strip: "",
  answerHeaders: [],
  sets: new Set(["x-asm-prefer-tag"]),
  noStore: false,
  sharedWith: null,
  ...more,
});

describe("the example of the contract", () => {
  const group = parsed(exampleFile());

  it("becomes the resolved group that it describes", () => {
    const { rules, ruleIndex, serviceIndex, ...rest } = group;
    expect(rest).toEqual({
      name: "mock",
      note: "free text, shown by explain",
      hosts: ["mock.example.com", "*.mock.example.com"],
      baseline: "s1",
      mode: "permissive",
      context: "signed",
      expose: true,
      services: new Map([
        [
          "mocka",
          {
            name: "mocka",
            hosts: [],
            path: "",
            entry: true,
            signed: false,
            varies: true,
            mirrored: "block",
            timeoutMs: null,
            fallback: null,
          },
        ],
        [
          "mockb",
          {
            name: "mockb",
            hosts: ["mockb.mock.example.com"],
            path: "",
            entry: false,
            signed: false,
            varies: true,
            mirrored: "block",
            timeoutMs: null,
            fallback: null,
          },
        ],
        [
          "mockc",
          {
            name: "mockc",
            hosts: ["mockc.mock.example.com"],
            path: "",
            entry: false,
            signed: false,
            varies: true,
            mirrored: "block",
            timeoutMs: 4000,
            fallback: null,
          },
        ],
      ]),
      lanes: new Map<string, unknown>([
        [
          "s1",
          {
            name: "s1",
            weight: 60,
            owner: null,
            note: null,
            expiresAt: null,
            origins: new Map([
              ["mocka", origin("https://a1.example")],
              ["mockb", origin("https://b1.example")],
              ["mockc", origin("https://c1.example")],
            ]),
          },
        ],
        [
          "s2",
          {
            name: "s2",
            weight: 20,
            owner: null,
            note: null,
            expiresAt: null,
            origins: new Map([
              ["mocka", origin("https://a2.example")],
              [
                "mockc",
                origin("https://c2.example", {
                  path: "/prefix",
                  headers: [
                    { name: "x-env", value: "s2" },
                    { name: "x-key", value: { env: "C2_KEY" } },
                  ],
                  baggage: "none",
                  sets: new Set(["x-asm-prefer-tag", "x-env", "x-key"]),
                }),
              ],
            ]),
          },
        ],
        [
          "s3",
          {
            name: "s3",
            weight: 20,
            owner: "payments",
            note: null,
            expiresAt: 1801353600,
            origins: new Map([["mockb", origin(null, { binding: "MOCKB_V3" })]]),
          },
        ],
      ]),
      sticky: { by: "cookie", maxAgeSeconds: 2592000, epoch: 1, domain: null, sameSite: "lax" },
      slots: { ends: [6000, 8000, 10000], lanes: ["s1", "s2", "s3"] },
      propagate: {
        header: "x-asm-prefer-tag",
        baggage: "lane",
        names: new Set(["version"]),
        prefixes: ["user-"],
        folded: { names: new Set(["version"]), prefixes: ["user-"] },
      },
      fallback: {
        statuses: new Set([502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 528, 529, 530]),
        timeoutMs: 10000,
        deadlineMs: 30000,
        methods: new Set(["GET", "HEAD", "OPTIONS"]),
        idempotencyKey: false,
        maxBodyBytes: 65536,
        eject: { failures: 5, seconds: 30 },
      },
      mirrors: [
        {
          name: "next",
          lane: "s3",
          percent: 10,
          by: "visitor",
          from: new Set(["s1"]),
          services: new Set(["mockb"]),
          when: [{ on: "path", matcher: { kind: "prefix", value: "/" } }],
          writes: "block",
          reads: null,
          secrets: null,
          timeoutMs: 5000,
          maxBodyBytes: 1048576,
          credentials: "strip",
          scrub: exampleFile().mirrors[0].scrub,
          compare: exampleFile().mirrors[0].compare,
          expiresAt: 1801353600,
        },
      ],
      stubs: [
        {
          service: "mockc",
          when: [
            { on: "method", matcher: { kind: "exact", value: "POST" } },
            { on: "path", matcher: { kind: "prefix", value: "/charge" } },
          ],
          response: { status: 200, headers: { "content-type": "application/json" }, body: '{"ok":true}', delayMs: 0 },
        },
      ],
      log: { baggage: ["pr"], samplePercent: 100 },
      published: null,
    });
  });

  it("has its rules in order, patterns compiled and weights laid out", () => {
    const regex = { kind: "regex", source: "[0-9]+", matches: expect.any(Function) };
    expect(group.rules).toEqual([
      { name: "pr", when: [{ on: "baggage", key: "pr", matcher: regex }], lane: "s2", slots: null },
      {
        name: "beta",
        when: [
          { on: "path", matcher: { kind: "prefix", value: "/beta" } },
          { on: "not", of: [{ on: "header", key: "x-bot", matcher: { kind: "exists", value: true } }] },
        ],
        lane: null,
        slots: { ends: [5000, 10000], lanes: ["s1", "s3"] },
      },
    ]);
    const condition = group.rules[0]!.when[0]!;
    const { matches } = (condition as { matcher: Matcher & { kind: "regex" } }).matcher;
    expect([matches("123"), matches("x123")]).toEqual([true, false]);
  });

  it("is indexed for look-up", () => {
    expect([...group.ruleIndex.baggage.keys()]).toEqual(["pr"]);
    expect([...group.serviceIndex.exact.keys()]).toEqual(["mockb.mock.example.com", "mockc.mock.example.com"]);
  });

  it("means the same as text", () => {
    const result = parseLaneGroupText(`\ufeff${JSON.stringify(exampleFile(), null, 2)}\n`, SECURE);
    expect(result.ok && result.value.group.lanes).toEqual(group.lanes);
  });
});

describe("the resolved group", () => {
  it("of the smallest file has every default", () => {
    const { mode, context, expose, propagate, sticky, mirrors, stubs, log, note } = parsed(smallestFile());
    expect({ mode, context, expose, propagate, sticky, mirrors, stubs, log, note }).toEqual({
      mode: "permissive",
      context: "signed",
      expose: true,
      propagate: { header: "x-lane", baggage: null, names: new Set(), prefixes: [], folded: { names: new Set(), prefixes: [] } },
      sticky: { by: "cookie", maxAgeSeconds: 2592000, epoch: 1, domain: null, sameSite: "lax" },
      mirrors: [],
      stubs: [],
      log: { baggage: [], samplePercent: 100 },
      note: null,
    });
  });

  it("has hosts, header names and paths in the form in which they are compared", () => {
    const file = exampleFile();
    file.hosts = ["Mock.Example.com.", "*.MOCK.example.com"];
    file.services.mockc.path = "/api//";
    file.rules[0].when = { header: { "X-User": { in: ["a", "b"] } } };
    file.propagate.headers = ["X-Version", { prefix: "X-User-" }];
    file.sticky = { by: { header: "X-User" }, domain: "Example.com" };
    file.lanes.s2.origins.mocka = "HTTPS://A2.example:443/base/";
    file.mirrors[0].compare.headers = ["ETag"];
    file.stubs[0].response = { headers: { "Content-Type": "text/plain" }, body: "x" };
    const group = parsed(file);
    expect(group.hosts).toEqual(["mock.example.com", "*.mock.example.com"]);
    expect(group.services.get("mockc")!.path).toBe("/api");
    expect(group.rules[0]!.when).toEqual([{ on: "header", key: "x-user", matcher: { kind: "in", values: new Set(["a", "b"]) } }]);
    expect(group.propagate).toMatchObject({ names: new Set(["x-version"]), prefixes: ["x-user-"] });
    expect(group.sticky).toMatchObject({ by: { on: "header", key: "x-user" }, domain: "example.com" });
    expect(group.lanes.get("s2")!.origins.get("mocka")).toMatchObject({ base: "https://a2.example", path: "/base" });
    expect(group.mirrors[0]!.compare!.headers).toEqual(["etag"]);
    expect(group.stubs[0]!.response).toEqual({ status: 200, headers: { "content-type": "text/plain" }, body: "x", delayMs: 0 });
  });

  it("knows origins that lanes share: their answers must not come from a cache", () => {
    const file = exampleFile();
    file.lanes.s2.origins.mocka = { url: "https://a1.example/", headers: { "x-env": "s2" } };
    file.lanes.s2.origins.mockc = "https://b1.example";
    const shared = [...parsed(file).lanes].map(([lane, { origins }]) => [
      lane,
      [...origins].filter(([, { noStore }]) => noStore).map(([service]) => service),
    ]);
    expect(shared).toEqual([
      ["s1", ["mocka"]],
      ["s2", ["mocka"]],
      ["s3", []],
    ]);
  });

  it("keeps the published slots, moved only where the weights differ", () => {
    const published = { revision: 7, at: "2027-01-01T00:00:00Z", by: "ann", reason: "more", slots: [] as [string, number][] };
    published.slots = [
      ["s3", 2000],
      ["s1", 6000],
      ["s2", 2000],
    ];
    const group = parsed({ ...exampleFile(), published });
    expect(group.slots).toEqual({ ends: [2000, 8000, 10000], lanes: ["s3", "s1", "s2"] });
    expect(group.published).toEqual(published);
    const { slots: _, ...without } = published;
    expect(parsed({ ...exampleFile(), published: without }).published).toEqual({ ...without, slots: null });
  });

  it("takes names such as `constructor` and `__proto__` for what they are", () => {
    const text = JSON.stringify({ ...smallestFile(), services: { web: {}, constructor: { path: "/c" } } })
      .replace('"web":"https', '"constructor":"https://c.example","web":"https')
      .replace("{", '{"rules":[{"name":"x","when":{"baggage":{"__proto__":"1","constructor":"2"}},"lane":"main"}],');
    const result = parseLaneGroupText(text, SECURE);
    expect(result.ok && [...result.value.group.services.keys()]).toEqual(["web", "constructor"]);
    expect(result.ok && result.value.group.rules[0]!.when.map((condition) => "key" in condition && condition.key)).toEqual([
      "__proto__",
      "constructor",
    ]);
  });
});

describe("a file of a newer schema", () => {
  it("is told apart from a broken one, whatever else is in it", () => {
    const newer = {
      path: "schema",
      message: "expected 1, got 2: the file is written for a newer Laneway",
      newer: true,
    };
    expect(parseLaneGroup({ schema: 2, shape: "unknown" }, SECURE)).toEqual({ ok: false, error: [newer] });
    expect(parseLaneGroupText('{"schema":2,"schema":2}', SECURE)).toEqual({ ok: false, error: [newer] });
  });

  it("is not what an older or foreign number means", () => {
    for (const schema of [0, -1, "2", null, {}]) {
      const result = parseLaneGroup({ ...smallestFile(), schema }, SECURE);
      expect(result.ok || result.error.map((problem) => [problem.path, problem.newer])).toEqual([["schema", undefined]]);
    }
  });
});

describe("text that is not JSON", () => {
  it.each([
    ["", "line 1, column 1: expected a value, got the end of the text"],
    ["{", 'line 1, column 2: expected a key in double quotes or "}", got the end of the text'],
    ['{\n  "a": 1,\n}', 'line 3, column 1: expected a key in double quotes, got "}" after a comma'],
    ["[1, 2,]", 'line 1, column 7: expected a value, got "]" after a comma'],
    ['{ "a": 1 // one\n}', 'line 1, column 10: expected "," or "}", got a comment, which JSON does not have'],
    ["{ 'a': 1 }", 'line 1, column 3: expected a key in double quotes or "}", got "\'"'],
    ["{ a: 1 }", 'line 1, column 3: expected a key in double quotes or "}", got "a"'],
    ['{ "a" 1 }', 'line 1, column 7: expected ":", got "1"'],
    ['{ "a": 1 "b": 2 }', 'line 1, column 10: expected "," or "}", got "\\""'],
    ['{ "a": yes }', 'line 1, column 8: expected a value, got "yes"'],
    ['{ "a": 01 }', 'line 1, column 8: expected a value, got "01"'],
    ['{ "a": [1}', 'line 1, column 10: expected "," or "]", got "}"'],
    [
      '{ "a": "one\ntwo" }',
      'line 1, column 8: expected a text that ends with " on its line, with \\ only before one of " \\ / b f n r t u, got "\\""',
    ],
    ["{}\n{}", 'line 2, column 1: expected nothing more, got "{"'],
  ])("%j says where", (text, message) => {
    expect(textProblems(text)).toEqual([`not JSON: ${message}`]);
  });

  it("is exactly what the engine refuses, too", () => {
    const unit = fc.constantFrom(...'{}[]:,"\\ \n\t-+.eE0123tnu/*', "true", "false", "null", '"a"', "\\u00e9", "\u0001", "é");
    const near = fc.tuple(fc.json(), fc.nat(), unit).map(([json, at, char]) => {
      const place = at % (json.length + 1);
      return json.slice(0, place) + char + json.slice(place + (at % 2));
    });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit, maxLength: 12 }), near, fc.json()), (text) => {
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        expect(textProblems(text).some((line) => line.startsWith("not JSON"))).toBe(!valid);
      }),
      { seed: 7, numRuns: 1500 },
    );
  });

  it("has each key only once, or the lane that is written second would take the other's place", () => {
    const text = JSON.stringify(smallestFile())
      .replace('"lanes":{', '"lanes":{"main":{"weight":5},')
      .replace('"web":"https', '"web":"","web":"https');
    expect(textProblems(text)).toEqual([
      'lanes.main: expected each key only once, got "main" twice',
      'lanes.main.origins.web: expected each key only once, got "web" twice',
    ]);
  });
});

describe("text that is too much", () => {
  it("is refused unread", () => {
    expect(textProblems(" ".repeat(25 * 1024 * 1024))).toEqual(["expected at most 1048576 characters (1 MiB), got 26214400"]);
  });

  it("may nest 64 levels, and is refused without overflow at 100,000", () => {
    const nested = (levels: number) => {
      const text = JSON.stringify(withValue(smallestFile(), ["stubs"], [{ service: "web", response: { json: "DEEP" } }]));
      return text.replace('"DEEP"', "[".repeat(levels) + "]".repeat(levels));
    };
    const deep = ["expected at most 64 levels of objects and lists, got more"];
    expect(textProblems(nested(60))).toEqual([]);
    expect(textProblems(nested(61))).toEqual(deep);
    expect(textProblems(nested(100_000))).toEqual(deep);
    expect(textProblems("[".repeat(100_000))).toEqual([
      'not JSON: line 1, column 100001: expected a value or "]", got the end of the text',
    ]);
    expect(parseLaneGroup(JSON.parse(nested(100_000)), SECURE)).toMatchObject({ ok: false });
  });

  it("is read to its end even if a thousand rules and 500 lanes are in it", () => {
    const file = smallestFile();
    for (let i = 0; i < 500; i++) file.lanes[`l${i}`] = { weight: 1, origins: { web: `https://web${i}.example` } };
    file.rules = Array.from({ length: 1000 }, (_, i) => ({ name: `r${i}`, when: { baggage: { pr: `${i}` } }, lane: `l${i % 500}` }));
    const group = parsed(file);
    expect([group.lanes.size, group.rules.length, group.slots.lanes.length]).toEqual([501, 1000, 501]);
  });
});

/** Steps of a problem's path. */
function steps(path: string): (string | number)[] {
  return [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(([, quoted, index, key]) =>
    quoted !== undefined ? (JSON.parse(`"${quoted}"`) as string) : index !== undefined ? Number(index) : key!,
  );
}

/** The value at a path is there, or its key is missing in an object that is. */
function exists(file: unknown, path: string): boolean {
  const keys = steps(path);
  let value = file;
  for (const [i, key] of keys.entries()) {
    if (typeof value !== "object" || value === null) return false;
    if (!Object.hasOwn(value, key)) return i === keys.length - 1;
    value = (value as Record<string | number, unknown>)[key];
  }
  return true;
}

/** Every place of a JSON value, as the keys that lead there. */
function places(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [path];
  const keys = Array.isArray(value) ? value.map((_, i) => i) : Object.keys(value);
  return [path, ...keys.flatMap((key) => places((value as Record<string | number, unknown>)[key], [...path, key]))];
}

describe("parsing", () => {
  it("never throws, whatever the JSON value", () => {
    const anyJson = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.json().map((text) => JSON.parse(text) as unknown),
    );
    const keyed = fc.dictionary(
      fc.constantFrom("schema", "name", "hosts", "services", "lanes", "rules", "mirrors", "sticky", "stubs", "__proto__"),
      anyJson,
    );
    fc.assert(
      fc.property(fc.oneof(anyJson, keyed), (value) => {
        const result = parseLaneGroup(value, SECURE);
        expect(result.ok ? 1 : result.error.length).toBeGreaterThan(0);
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  it("of an example changed in one or two places gives a group, or problems at places that exist", () => {
    const example = exampleFile();
    const place = fc.constantFrom(...places(example).filter((path) => path.length > 0));
    const odd = fc.constantFrom<unknown>(
      undefined,
      null,
      0,
      -1,
      Number.POSITIVE_INFINITY,
      "",
      "s9",
      "https://mock.example.com",
      "(",
      [],
      {},
      [[]],
      { regex: "(" },
      "__proto__",
    );
    const change = fc.tuple(place, fc.oneof(odd, fc.jsonValue({ maxDepth: 2 })));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 2 }), (changes) => {
        let file: unknown = example;
        for (const [path, value] of changes)
          if (exists(file, path.map((key) => `["${key}"]`).join(""))) file = withValue(file, path, value);
        const result = parseLaneGroup(file, SECURE);
        if (result.ok) return;
        expect(result.error.length).toBeGreaterThan(0);
        for (const { path, message } of result.error) {
          expect(exists(file, path), `${path}: ${message}`).toBe(true);
          expect(message).toMatch(/^(expected|unknown) /);
        }
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});
