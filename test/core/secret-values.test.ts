import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Body } from "../../src/core/compare-body.ts";
import { redact, redaction } from "../../src/core/redact.ts";
import { collectSecrets, SecretValues } from "../../src/core/secret-values.ts";

const NONE = { headers: [], query: [], baggage: [], json: [] };
const text = (text: string, form: "json" | "text" = "text"): Body => ({ form, text, cut: false });
const page = (text: string): Body => ({ form: "html", text, cut: false });

const all = <T>(value: T, times: number): T[] => Array(times).fill(value);

function known(...bodies: Body[]): SecretValues {
  const values = new SecretValues();
  for (const body of bodies) collectSecrets(body, new Set(), values);
  return values;
}

const kept = (value: unknown, ...bodies: Body[]) => keptAt("body.x[].value", value, ...bodies);
const keptAt = (path: string, value: unknown, ...bodies: Body[]) =>
  redact({ path, kind: "value", left: value, right: undefined, times: 1 }, redaction(NONE, null), known(...bodies)).left;

describe("a value that is secret by its sibling", () => {
  it("is hidden as markup shows it, too", () => {
    expect(kept("S3&CRET'a", page('<input name=csrf value="S3&amp;CRET&#39;a">'))).toBe('"…"');
    expect(kept("S3&CRET", text("<field><name>password</name><value>S3&amp;CRET</value></field>"))).toBe('"…"');
  });

  it.each<[string, Body]>([
    ["an input", page('<form><input type=hidden name=csrf value="S3CRET-a"><p>x</form>')],
    ["a meta", page('<meta content="S3CRET-a" name="csrf-token">')],
    ["a text within an element", page('<textarea name="secret_note">S3CRET-a</textarea>')],
    ["JSON in a script", page('<script>window.state = {"fields": [{"name": "password", "x": 1, "value": "S3CRET-a"}]}</script>')],
    ["JSON in a string", text(JSON.stringify({ a: JSON.stringify({ name: "password", value: "S3CRET-a" }) }), "json")],
    [
      "JSON in an attribute",
      page('<div data-props="{&quot;name&quot;:&quot;password&quot;,&quot;x&quot;:1,&quot;value&quot;:&quot;S3CRET-a&quot;}">'),
    ],
    ["a page in JSON", text(JSON.stringify({ html: '<input name="csrf" value="S3CRET-a">' }), "json")],
    ["an attribute for scripts", page('<div id="csrf" data-value="S3CRET-a">')],
    ["a field of JSON", text('{"fields":[{"name":"password","x":1,"value":"S3CRET-a"}]}', "json")],
    ["a field of JSON by key", text('[{"value":{"raw":["S3CRET-a"]},"key":"api_token"}]', "json")],
    ["an entry", text('{"entries":[["password","S3CRET-a"]]}', "json")],
    ["JSON that says that it is text", text('{"name":"password","value":"S3CRET-a"}')],
    ["YAML", text("fields:\n  - name: password\n    value: S3CRET-a\n")],
    ["XML over lines", text("<field>\n <name>password</name>\n <value>S3CRET-a</value>\n</field>")],
    ["a tag over lines", text('<input name="csrf"\n  type="hidden"\n  value="S3CRET-a">')],
  ])("is hidden where it stands alone: %s", (_, body) => {
    expect(kept("S3CRET-a", body)).toBe('"…"');
    expect(kept("a line with S3CRET-a in it", body)).toBe('"a line with … in it"');
    expect(kept("another", body)).toBe('"another"');
  });

  it("hides a number, and a short one, only where it stands, and nowhere but alone", () => {
    const body = text(
      '{"x":[{"id":"pin","value":123},{"id":"token","value":1000},{"name":"pin","value":{"raw":"2026"}}],"e":[["otp",77]]}',
      "json",
    );
    expect([kept(123, body), kept(1000, body), keptAt("body.x[].value.raw", "2026", body), keptAt("body.e[][]", 77, body)]).toEqual([
      "…",
      "…",
      '"…"',
      "…",
    ]);
    expect([keptAt("body.price", 1000, body), keptAt("body.year", "2026", body), keptAt("body.n", 77, body)]).toEqual([
      "1000",
      '"2026"',
      "77",
    ]);
    expect(kept("a 123 b, 1000", body)).toBe('"a 123 b, 1000"');
    expect(keptAt("body.e", [["otp", 77]], body)).toBe('[["otp",…]]');
  });

  it("hides one whose place is not known wherever it is all of a text", () => {
    expect(keptAt("body.p.@value", "123", page('<input name="pin" value="123">'))).toBe('"…"');
  });

  it("hides every text that is no plain word where there are too many to be told apart, and no number", () => {
    const body = text(JSON.stringify(Array.from({ length: 300 }, (_, i) => ({ name: "token", value: `v${i}` }))), "json");
    const many = text(JSON.stringify(Array.from({ length: 300 }, (_, i) => ({ name: "email7", value: `u${i}@x.example` }))), "json");
    expect([kept("v299", body), kept("u299@x.example", many), kept("see u7@x.example", many), kept("any words", many)]).toEqual(
      all('"…"', 4),
    );
    expect([keptAt("body.status", "state-11", many), keptAt("body.n", 11, many)]).toEqual(['"state-11"', "11"]);
  });

  it.each<[string, Body]>([
    ["a parameter", text('{"Parameters":[{"ParameterKey":"DbPassword","ParameterValue":"S3CRET-a"}]}', "json")],
    ["a variable", text('{"env":[{"k":"DB_PASSWORD","v":"S3CRET-a"}]}', "json")],
    ["a setting", text('{"settings":[{"optionKey":"resetCode","optionValue":"S3CRET-a"}]}', "json")],
    ["a table", text('{"columns":["id","password"],"rows":[[1,"S3CRET-a"]]}', "json")],
    ["a table of named columns", text('{"fields":[{"name":"id"},{"name":"mfaCode"}],"data":[[1,"S3CRET-a"]]}', "json")],
    ["a call", page(`<script>request.setRequestHeader("X-CSRF-Token", "S3CRET-a")</script>`)],
    ["a call in a store", page(`<script>localStorage.setItem('token','S3CRET-a')</script>`)],
  ])("is known beside its name: %s", (_, body) => {
    expect(kept("S3CRET-a", body)).toBe('"…"');
  });

  it("is known in any JSON, wherever the pair stands", () => {
    const other = fc.jsonValue({ maxDepth: 2 });
    const keys = fc.constantFrom(["name", "value"], ["key", "content"], ["id", "data"], ["field", "default"]);
    fc.assert(
      fc.property(other, other, keys, fc.boolean(), (before, after, [key, value], first) => {
        const pair = first ? { [key!]: "password", a: after, [value!]: "S3CRET-a" } : { [value!]: "S3CRET-a", [key!]: "password" };
        expect(kept("S3CRET-a", text(JSON.stringify([before, { x: [pair] }, after]), "json"))).toBe('"…"');
      }),
      { seed: 6, numRuns: 300 },
    );
  });
});
