import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Body } from "../../src/core/compare-body.ts";
import { redact, redaction } from "../../src/core/redact.ts";
import { collectSecrets, SecretValues } from "../../src/core/secret-values.ts";

const NONE = { headers: [], query: [], baggage: [], json: [] };
const text = (text: string, form: "json" | "text" = "text"): Body => ({ form, text, cut: false });
const page = (text: string): Body => ({ form: "html", text, cut: false });

function known(...bodies: Body[]): SecretValues {
  const values = new SecretValues();
  for (const body of bodies) collectSecrets(body, new Set(), values);
  return values;
}

const kept = (value: unknown, ...bodies: Body[]) =>
  redact({ path: "body.x[].value", kind: "value", left: value, right: undefined, times: 1 }, redaction(NONE, null), known(...bodies)).left;

describe("a value that is secret by its sibling", () => {
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

  it("hides a number, and a short one nowhere but alone", () => {
    const body = text('[{"id":"pin","value":123}]', "json");
    expect(kept(123, body)).toBe("…");
    expect(kept("a 123 b", body)).toBe('"a 123 b"');
  });

  it("hides every text where there are too many to be told apart", () => {
    const body = text(JSON.stringify(Array.from({ length: 300 }, (_, i) => ({ name: "token", value: `v${i}` }))), "json");
    expect(kept("anything", body)).toBe('"…"');
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
