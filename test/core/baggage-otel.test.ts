import { propagation, ROOT_CONTEXT } from "@opentelemetry/api";
import { W3CBaggagePropagator } from "@opentelemetry/core";
import { describe, expect, it } from "vitest";
import { parseBaggage, writeBaggage } from "../../src/core/baggage.ts";
import vectors from "../vectors/baggage.json" with { type: "json" };

/**
 * Where OpenTelemetry's own JavaScript reader (@opentelemetry/core) and ours see the same, and where it leaves the Recommendation. A
 * departure that goes away in a newer version fails here, so that the list stays true.
 */

const propagator = new W3CBaggagePropagator();
const extract = (header: string) => propagator.extract(ROOT_CONTEXT, { baggage: header }, { get: (c, k) => c[k], keys: Object.keys });

type Entries = Record<string, [value: string, properties: string]>;
const asMap = (entries: [string, [string, string]][]): Map<string, [string, string]> =>
  new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));

function theirs(header: string): Map<string, [string, string]> {
  const entries = propagation.getBaggage(extract(header))?.getAllEntries() ?? [];
  return asMap(entries.map(([key, { value, metadata }]) => [key, [value, metadata?.toString().trim() ?? ""]]));
}

function ours(header: string): Map<string, [string, string]> {
  return asMap(parseBaggage(header).members.map(({ key, value, properties }) => [key, [value, properties]]));
}

const departures: [departure: string, header: string, theirs: Entries, ours: Entries][] = [
  ["drops an empty value", "a=,b=1", { b: ["1", ""] }, { a: ["", ""], b: ["1", ""] }],
  ["drops a member with invalid UTF-8", "a=x%ff,b=1", { b: ["1", ""] }, { a: ["x\ufffd", ""], b: ["1", ""] }],
  ["drops a member with a malformed percent sequence", "a=5%,b=1", { b: ["1", ""] }, { a: ["5%", ""], b: ["1", ""] }],
  ["decodes keys", "%6Cane=x", { lane: ["x", ""] }, { "%6Cane": ["x", ""] }],
  ["accepts a key that is no token", "a/b=1", { "a/b": ["1", ""] }, {}],
  ["accepts a value outside baggage-octet", 'a="x,y"', { a: ['"x', ""] }, {}],
  ["accepts a malformed property", 'a=1;p="x"', { a: ["1", 'p="x"'] }, {}],
  [
    "skips a member of more than 4,096 characters",
    `a=${"x".repeat(4095)},b=1`,
    { b: ["1", ""] },
    { a: ["x".repeat(4095), ""], b: ["1", ""] },
  ],
];

describe("@opentelemetry/core reads the vectors as we do, but for the departures they name", () => {
  it.each(vectors.cases.filter((vector) => !("js" in vector)))("$source, $case: alike", ({ lines }) => {
    const header = lines.join(", ");
    expect(theirs(header)).toEqual(ours(header));
  });

  it.each(vectors.cases.filter((vector) => "js" in vector))("$source, $case: $js", ({ lines }) => {
    const header = lines.join(", ");
    expect(theirs(header)).not.toEqual(ours(header));
  });
});

describe("@opentelemetry/core departs from the Recommendation", () => {
  it.each(departures)("%s", (_, header, departed, expected) => {
    expect(theirs(header)).toEqual(asMap(Object.entries(departed)));
    expect(ours(header)).toEqual(asMap(Object.entries(expected)));
  });

  it("departs in the vectors in no way that is not named here", () => {
    const named = new Set(departures.map(([departure]) => departure));
    expect(vectors.cases.filter((vector) => "js" in vector && !named.has(vector.js))).toEqual([]);
  });

  it("loses a member called __proto__", () => {
    expect([...theirs("__proto__=x,a=1").keys()]).toEqual(["a"]);
    expect([...ours("__proto__=x,a=1").keys()]).toEqual(["__proto__", "a"]);
  });

  it("writes other bytes than it read, and another key", () => {
    const header = "a!#$&=http://x/y, b = 1 ;p";
    const carrier: Record<string, string> = {};
    propagator.inject(extract(header), carrier, { set: (c, k, v) => (c[k] = v) });
    expect(carrier.baggage).toBe("a!%23%24%26=http%3A%2F%2Fx%2Fy,b=1;p");
    expect(writeBaggage(parseBaggage(header), [], () => false).header).toBe(header);
  });

  it("leaves the old header in place when nothing is left to write", () => {
    const carrier = { baggage: "a=" };
    propagator.inject(extract("a="), carrier, { set: (c, _, v) => (c.baggage = v) });
    expect(carrier.baggage).toBe("a=");
  });
});
