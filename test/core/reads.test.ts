import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFacts } from "../../src/core/facts.ts";
import { operationsOf } from "../../src/core/graphql.ts";
import { mayPropagate, mayPropagatePrefix } from "../../src/core/header-names.ts";
import { effectOf, readingOf } from "../../src/core/reads.ts";
import { resolveWhen } from "../../src/core/when.ts";

const GRAPHQL = resolveWhen({ path: "/graphql" }, "reads", { compile: () => ({ matches: () => false }) } as never);
const SEARCH = resolveWhen({ path: "/search" }, "reads", { compile: () => ({ matches: () => false }) } as never);

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly type?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array | null;
}

function asked({ method = "POST", path = "/graphql", type = "application/json", headers = {}, body = null }: Asked, reads = GRAPHQL) {
  const lookup = new Map(Object.entries({ "content-type": type, ...headers }));
  const facts = readFacts({ method, url: `https://a.example${path}`, headers: lookup, ip: null, now: 0, requestId: "", slot: null });
  const content = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return readingOf(facts, effectOf(facts, reads), content);
}

const facts = (method: string, headers: Record<string, string> = {}, search = "") =>
  readFacts({ method, url: `http://a/${search}`, headers: new Map(Object.entries(headers)), ip: null, now: 0, requestId: "", slot: null });
const writes = (method: string, headers?: Record<string, string>, search?: string) =>
  effectOf(facts(method, headers, search), null) === "write";

describe("a write", () => {
  it("is any method but GET, HEAD and OPTIONS", () => {
    expect(["GET", "HEAD", "OPTIONS"].map((method) => writes(method))).toEqual([false, false, false]);
    expect(["POST", "PUT", "PATCH", "DELETE", "PURGE", "get"].map((method) => writes(method))).toEqual(Array(6).fill(true));
  });

  it.each([
    "x-http-method-override",
    "x_http_method_override",
    "x.http.method.override",
    "x-http_method-override",
    "http-method-override",
    "x-method-override",
    "x_method_override",
    "x-http-method",
    "x_http_method",
    "x-http-verb-override",
  ])("is any request that asks to be taken for one by %s, whatever the mirror calls a read", (name) => {
    expect(writes("GET", { [name]: "delete" })).toBe(true);
    expect(writes("GET", { [name]: "" })).toBe(true);
    expect(writes("GET", { [name]: "get" })).toBe(false);
    expect(writes("POST", { [name]: "GET" })).toBe(true);
    expect(asked({ body: '{"query":"{a}"}', headers: { [name]: "DELETE" } }).reads).toBe(false);
    expect(writes("GET", { [name]: "delete", connection: name })).toBe(false);
  });

  it("is one by its query, too", () => {
    expect(
      ["?_method=DELETE", "?a=1&%5Fmethod=put", "?_method=GET&_method=patch", "?X-HTTP-Method-Override=PUT"].map((search) =>
        writes("GET", {}, search),
      ),
    ).toEqual(Array(4).fill(true));
    expect(["?_method=GET", "?method=delete", "?x=_method", "?payment_method=card"].map((search) => writes("GET", {}, search))).toEqual(
      Array(4).fill(false),
    );
  });

  it("is never made of baggage", () => {
    for (const name of ["x-http-method-override", "X_HTTP_Method_Override", "x-http-method", "x.method.override", "x-method-override"]) {
      expect(mayPropagate(name), name).toBe(false);
      expect(mayPropagatePrefix(name), name).toBe(false);
    }
    expect(mayPropagate("x-payment-method")).toBe(true);
  });
});

const document = (query: unknown, more: object = {}) => JSON.stringify({ query, ...more });

describe("a POST that the mirror calls a read", () => {
  it.each<[string, Asked, string[]]>([
    ["a query", { body: document("query GetCart { cart { id } }") }, ["GetCart"]],
    ["an anonymous query", { body: document("{ cart { id } }") }, []],
    [
      "a query with fragments, named",
      { body: document("fragment F on mutation { a } query A { ...F } query B { b }", { operationName: "B" }) },
      ["B"],
    ],
    ["a query named mutation", { body: document("query mutation { a }") }, ["mutation"]],
    [
      "a query with a mutation in a text",
      { body: document('query A($x: I = {mutation: "mutation {"}) { a(x: "mutation { b }") }') },
      ["A"],
    ],
    ["a list of queries", { body: `[${document("query A { a }")},${document("query B { b }")}]` }, ["A", "B"]],
    ["a form", { type: "application/x-www-form-urlencoded", body: "query=query+A+%7B+a+%7D&operationName=A" }, ["A"]],
    ["a bare document", { type: "application/graphql", body: "query A { a }" }, ["A"]],
  ])("is one: %s", (_, request, operations) => {
    expect(asked(request)).toEqual({ reads: true, operations });
  });

  const hash = { extensions: { persistedQuery: { version: 1, sha256Hash: "ab" } } };
  it.each<[string, Asked]>([
    ["a mutation", { body: document("mutation Pay { pay }") }],
    ["a mutation in escapes", { body: '{"query":"\\u006dutation { pay }"}' }],
    ["a mutation behind a comment", { body: document("# query\n mutation { pay }") }],
    ["a mutation that is not the one that is named", { body: document("query A { a } mutation B { b }", { operationName: "A" }) }],
    ["a subscription", { body: document("subscription { a }") }],
    ["a mutation among queries", { body: `[${document("{ a }")},${document("mutation { b }")}]` }],
    ["a mutation under a second key", { body: '{"query":"mutation { b }","query":"{ a }"}' }],
    ["a mutation under a key in other letters", { body: '{"Query":"mutation { b }"}' }],
    ["a mutation further in", { body: `{"requests":[${document("mutation { b }")}]}` }],
    ["a mutation in the URL", { path: "/graphql?query=mutation%7Bb%7D", body: document("{ a }") }],
    ["a mutation in a form", { type: "application/x-www-form-urlencoded", body: "query=%6dutation{b}" }],
    ["a mutation in a form that is called text", { type: "text/plain", body: "query=mutation{b}" }],
    ["a bare mutation", { type: "application/graphql", body: "mutation { b }" }],
    ["a form that overrides the method", { type: "application/x-www-form-urlencoded", body: "query={a}&_method=DELETE" }],
    ["a document that does not end", { body: document("query A { a") }],
    ["a hash alone", { body: JSON.stringify({ operationName: "A", ...hash }) }],
    ["an id alone", { body: '{"id":"ab","variables":{}}' }],
    ["an id alone, where GraphQL is spoken", { body: '{"id":"ab"}' }],
    ["a hash among queries", { body: `[${document("{ a }")},${JSON.stringify(hash)}]` }],
    ["an upload", { type: "multipart/form-data; boundary=b", body: '--b\r\ncontent-disposition: form-data; name="operations"\r\n\r\n{}' }],
    ["compressed", { headers: { "content-encoding": "gzip" }, body: document("{ a }") }],
    ["in another charset", { type: "application/json; charset=utf-7", body: document("+AG0-utation { b }") }],
    ["in UTF-16", { body: Uint8Array.from(Buffer.from(document("{ a }"), "utf16le")) }],
    ["no UTF-8", { body: Uint8Array.of(0x7b, 0xff) }],
    ["JSON as only lenient parsers read it", { body: "{'query':'mutation { b }'}" }],
    ["JSON that is called a document by nobody", { body: '{query:"mutation { b }"}' }],
    ["nested too deep", { body: `${"[".repeat(5000)}${"]".repeat(5000)}` }],
    ["nothing", { body: null }],
  ])("is a write all the same: %s", (_, request) => {
    expect(asked(request).reads).toBe(false);
  });

  it("is one where it is no GraphQL at all", () => {
    const at = (body: string | null, type = "application/json") => asked({ path: "/search", type, body }, SEARCH).reads;
    expect(at('{"query":{"match":{"title":"shoes"}}}')).toBe(true);
    expect(at('{"query":"red shoes"}')).toBe(true);
    expect(at('{"index":"a"}\n{"query":{}}\n', "application/x-ndjson")).toBe(true);
    expect(at("q=shoes&page=2", "application/x-www-form-urlencoded")).toBe(true);
    expect(at("<Envelope/>", "text/xml")).toBe(true);
    expect(at(null)).toBe(true);
    expect(at('{"text":"a mutation {of} genes","n":["the mutation {"]}')).toBe(true);
    expect(at('{"query":"mutation { b }"}')).toBe(false);
    expect(at('{"query":"shoes {"}')).toBe(false);
  });

  const M = "mutation M { pay }";
  const form = "application/x-www-form-urlencoded";
  const utf16 = Uint8Array.from(Buffer.from(JSON.stringify({ query: M }), "utf16le"));
  it.each<[string, string | Uint8Array, string?]>([
    ["a list under query", JSON.stringify({ query: [M] })],
    ["a list under query that cannot be read", JSON.stringify({ query: ["mut { a"] })],
    ["an object under query", JSON.stringify({ query: { text: M } })],
    ["another key", JSON.stringify({ document: M })],
    ["a key of its own", JSON.stringify({ mutation: M })],
    ["a list in a list", JSON.stringify([[{ query: M }]])],
    ["a text alone", JSON.stringify(M)],
    ["JSON in a text", JSON.stringify(JSON.stringify({ query: M }))],
    ["a list in a form", `query[]=${encodeURIComponent(M)}`, form],
    ["a list in a form, encoded", `query%5B0%5D=${encodeURIComponent(M)}`, form],
    ["a batch in a form", `0[query]=${encodeURIComponent(M)}`, form],
    ["operations of a form", `operations=${encodeURIComponent(JSON.stringify({ query: M }))}`, form],
    ["another key of a form", `document=${encodeURIComponent(M)}`, form],
    ["JSON behind a guard", `)]}',\n${JSON.stringify({ query: M })}`, "text/plain"],
    ["YAML", `query: "${M}"`, "application/yaml"],
    ["XML", `<q>${M}</q>`, "text/xml"],
    ["UTF-16 that is called nothing", utf16, "text/plain"],
  ])("is a write on any path, whatever holds the mutation: %s", (_, body, type) => {
    expect(asked({ path: "/search", body, ...(type && { type }) }, SEARCH).reads).toBe(false);
  });

  it("takes time in its length", () => {
    const began = performance.now();
    for (const body of ["mutation ".repeat(100_000), JSON.stringify(Array(20_000).fill("mutation {")), `a=mutation+{&`.repeat(20_000)])
      asked({ path: "/search", body, type: body.startsWith("a=") ? form : "text/plain" }, SEARCH);
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it("says by GET that it reads, and is named alike", () => {
    const get = (search: string) => asked({ method: "GET", path: `/graphql${search}` });
    expect(get("?operationName=GetCart&extensions=%7B%7D")).toEqual({ reads: true, operations: ["GetCart"] });
    expect(get("?query=query+A%7Ba%7D")).toEqual({ reads: true, operations: ["A"] });
    expect(get("?query=mutation%7Ba%7D").reads).toBe(false);
  });

  it("is one for no other path", () => {
    expect(asked({ path: "/pay", body: document("{ a }") }).reads).toBe(false);
  });
});

describe("a document", () => {
  it("is never taken for queries alone where a mutation stands in it, whatever stands around", () => {
    const filler = fc.constantFrom(" ", ",", "\n", "# } mutation {\n", "\ufeff");
    const value = fc.constantFrom('"}"', '"\\"}"', '"""}\\""" } """', "{a: {b: [1, 2]}}", "1.5e3", "$v", "mutation");
    const selection = fc.tuple(value, filler).map(([one, space]) => `{${space}f(x: ${one})${space}@d(y: ${one}) { g } }`);
    const head = fc.constantFrom("query A", "query", "query A($v: I = {mutation: 1})", "", "query mutation @live(a: {b: 1})");
    const query = fc.tuple(head, selection).map((parts) => parts.join(" "));
    const fragment = selection.map((text) => `fragment F on mutation ${text}`);
    const parts = fc.array(fc.oneof(query, fragment), { maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, filler, selection, (before, after, space, text) => {
        const rest = operationsOf([...before, ...after].join(space));
        if (rest !== null) expect(rest.every(({ type }) => type === "query")).toBe(true);
        const all = operationsOf([...before, `mutation M ${text}`, ...after].join(space));
        expect(all?.filter(({ type }) => type === "mutation")).toEqual([{ type: "mutation", name: "M" }]);
      }),
      { seed: 5, numRuns: 1000 },
    );
  });

  it("takes time in its length", () => {
    for (const unit of ['"""', '"', "{", "query A {a} ", "#", "\\", '"a', "(", "a"])
      operationsOf(unit.repeat(Math.ceil(300_000 / unit.length)));
  });
});
