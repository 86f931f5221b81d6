import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Baggage, baggageValue, decodeKey, MAX_BYTES, MAX_MEMBERS, parseBaggage, writeBaggage } from "../../src/core/baggage.ts";
import vectors from "../vectors/baggage.json" with { type: "json" };

const none = () => false;
const entries = (baggage: Baggage) => baggage.members.map(({ key, value, properties }) => [key, value, properties]);
const rawOf = (baggage: Baggage) => baggage.members.map(({ start, end }) => baggage.header.slice(start, end));
const sized = (key: string, bytes: number) => `${key}=`.padEnd(bytes, "x");
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `k${i}=v`).join(",");

describe("what other readers expect", () => {
  it.each(vectors.cases)("$source, $case", ({ lines, members, skipped }) => {
    const baggage = parseBaggage(lines.join(", "));
    expect(entries(baggage)).toEqual(members);
    expect({ skipped: baggage.skipped, dropped: baggage.dropped }).toEqual({ skipped, dropped: 0 });
  });

  it.each(vectors.limits)("$source, $case", ({ pieces, kept, dropped }) => {
    const header = (pieces as [string, number][]).map(([text, times]) => repeat(text, times)).join("");
    const baggage = parseBaggage(header);
    expect({ kept: baggage.members.length, dropped: baggage.dropped }).toEqual({ kept, dropped });
  });

  it("names a source for every case", () => {
    const sources = new Set(Object.keys(vectors.sources));
    expect([...vectors.cases, ...vectors.limits].filter(({ source }) => !sources.has(source))).toEqual([]);
  });
});

/** `text` so many times; a run of `#` is the running number, padded with zeros. */
function repeat(text: string, times: number): string {
  const one = (i: number) => text.replace(/#+/, (hashes) => String(i).padStart(hashes.length, "0"));
  return Array.from({ length: times }, (_, i) => one(i)).join("");
}

describe("reading", () => {
  it("finds nothing where there is no header", () => {
    for (const header of [null, "", " ", ",,", " , \t,"]) {
      expect(entries(parseBaggage(header))).toEqual([]);
      expect(baggageValue(parseBaggage(header), "a")).toBeUndefined();
    }
  });

  it("does not take an encoded key for the key", () => {
    expect(baggageValue(parseBaggage("%6Cane=x"), "lane")).toBeUndefined();
    expect(baggageValue(parseBaggage("%6Cane=x"), "%6Cane")).toBe("x");
  });

  it("does not take a property, a value or part of a key for a member", () => {
    const baggage = parseBaggage("a=1;lane=x,b=lane=y,xlane=z,c=%2Clane=w");
    expect(baggageValue(baggage, "lane")).toBeUndefined();
    expect(baggageValue(baggage, "c")).toBe(",lane=w");
  });

  it("compares keys by case", () => {
    expect(baggageValue(parseBaggage("Lane=x"), "lane")).toBeUndefined();
  });

  it("takes the last of a key, in one line or two, and keeps its place", () => {
    const baggage = parseBaggage("a=1,b=2,a=3, c=4, b=5");
    expect(entries(baggage)).toEqual([
      ["a", "3", ""],
      ["c", "4", ""],
      ["b", "5", ""],
    ]);
    expect(baggageValue(baggage, "a")).toBe("3");
  });

  it("lets a malformed member override nothing", () => {
    expect(baggageValue(parseBaggage('a=1,a="2"'), "a")).toBe("1");
  });

  it("has plain keys only, whatever they are called on Object.prototype", () => {
    const baggage = parseBaggage("__proto__=1,constructor=2,a=__proto__");
    expect(entries(baggage)).toEqual([
      ["__proto__", "1", ""],
      ["constructor", "2", ""],
      ["a", "__proto__", ""],
    ]);
    expect(baggageValue(baggage, "toString")).toBeUndefined();
    expect(({} as Record<string, unknown>)["1"]).toBeUndefined();
  });

  it("skips what no Latin-1 header can hold, without a throw", () => {
    expect(entries(parseBaggage("a=\u0141,b=\ud800,\ud83d\ude00=c,d=1"))).toEqual([["d", "1", ""]]);
  });

  it("leaves a % without two hexadecimal digits as it is", () => {
    expect(entries(parseBaggage("a=%,b=%G1,c=5%,d=%4,e=%%41")).map(([, value]) => value)).toEqual(["%", "%G1", "5%", "%4", "%A"]);
  });

  it("shows octets cut short as one U+FFFD", () => {
    expect(baggageValue(parseBaggage("a=%E2%82"), "a")).toBe("\ufffd");
  });
});

describe("limits", () => {
  it("reads 180 members and counts the rest", () => {
    expect(parseBaggage(numbered(180))).toMatchObject({ dropped: 0, members: { length: 180 } });
    expect(parseBaggage(numbered(181))).toMatchObject({ dropped: 1, members: { length: 180 } });
    expect(baggageValue(parseBaggage(numbered(181)), "k180")).toBeUndefined();
  });

  it("counts duplicates as members, so that a later value past the limit is not seen", () => {
    const baggage = parseBaggage(`${"a=1,".repeat(180)}a=2`);
    expect(baggageValue(baggage, "a")).toBe("1");
    expect(baggage.dropped).toBe(1);
  });

  it("reads a header of 8,192 bytes whole and nothing that ends past them", () => {
    expect(entries(parseBaggage(`${sized("f", 8188)},b=1`)).at(-1)).toEqual(["b", "1", ""]);
    expect(parseBaggage(`${sized("f", 8189)},b=1`)).toMatchObject({ dropped: 1, members: { length: 1 } });
    expect(parseBaggage(`${sized("f", 8192)},b=1`)).toMatchObject({ dropped: 1, members: { length: 1 } });
    expect(parseBaggage(`${sized("f", 8193)},b=1`)).toMatchObject({ dropped: 2, members: { length: 0 } });
    expect(parseBaggage(`${sized("f", 8192)},,`)).toMatchObject({ dropped: 0, members: { length: 1 } });
  });

  it("does not count empty list elements as dropped", () => {
    expect(parseBaggage(`${numbered(180)}, ,x=1,,y=2, `).dropped).toBe(2);
  });
});

describe("writing", () => {
  it("puts ours first and leaves every other byte as it came", () => {
    const baggage = parseBaggage("pr=123,  user = Am%c3%a9lie ;p; q = 1 , \ta!#$&=http://x/y");
    expect(writeBaggage(baggage, ["laneway.mock=s"], none).header).toBe(
      "laneway.mock=s,pr=123,  user = Am%c3%a9lie ;p; q = 1 , \ta!#$&=http://x/y",
    );
  });

  it("closes the gap where a member goes, and says nothing where none is left", () => {
    const without = (header: string, key: string) => writeBaggage(parseBaggage(header), [], (member) => member.key === key).header;
    expect(without("a=1, b=2, c=3, d=4", "b")).toBe("a=1,c=3, d=4");
    expect(without("a=1, b=2", "a")).toBe("b=2");
    expect(without("a=1, b=2", "b")).toBe("a=1");
    expect(without("a=1", "a")).toBe("");
    expect(writeBaggage(parseBaggage(null), [], none)).toEqual({ header: "", dropped: 0 });
  });

  it("forwards neither malformed members nor earlier ones of a key", () => {
    expect(writeBaggage(parseBaggage('a=1,bad,a=2,b="x",c=3'), [], none).header).toBe("a=2,c=3");
  });

  it("replaces a foreign member that has our key, also where only some readers decode it to our key", () => {
    const foreign =
      "laneway.mock=x,%6Caneway.mock=x,laneway%2emock=x,laneway.mock+=x,+laneway.mock=x,%09laneway.mock%C2%A0=x,%1Flaneway.mock=x";
    expect(writeBaggage(parseBaggage(`${foreign},laneway.mocks=1,laneway.moc=2`), ["laneway.mock=s"], none).header).toBe(
      "laneway.mock=s,laneway.mocks=1,laneway.moc=2",
    );
  });

  it("lets the last foreign members give way whole where ours would pass 8,192 bytes", () => {
    const write = (foreign: string[]) => {
      const { header, dropped } = writeBaggage(parseBaggage(foreign.join(",")), [sized("o", 100)], none);
      return { keys: parseBaggage(header).members.map(({ key }) => key), bytes: header.length, dropped };
    };
    expect(write([sized("a", 4000), sized("b", 4090)])).toEqual({ keys: ["o", "a", "b"], bytes: 8192, dropped: 0 });
    expect(write([sized("a", 4000), sized("b", 4091)])).toEqual({ keys: ["o", "a"], bytes: 4101, dropped: 1 });
    expect(write([sized("a", 4000), sized("b", 4100), "c=1"])).toEqual({ keys: ["o", "a"], bytes: 4101, dropped: 2 });
  });

  it("does not count what was to go anyway as dropped", () => {
    const baggage = parseBaggage([sized("a", 8000), sized("b", 100), "c=1"].join(","));
    expect(writeBaggage(baggage, [sized("o", 300)], (member) => member.key === "b").dropped).toBe(2);
  });

  it("sends 180 members at most, ours included", () => {
    const written = writeBaggage(parseBaggage(numbered(180)), ["o=1"], none);
    expect(written.dropped).toBe(1);
    expect(parseBaggage(written.header)).toMatchObject({ dropped: 0, members: { length: 180 } });
  });
});

describe("decodeKey", () => {
  it("leaves a key alone that nobody decodes to another", () => {
    expect(decodeKey("laneway.mock")).toBe("laneway.mock");
  });

  it("never throws on what is no encoding", () => {
    expect(["%", "%ff", "%G1x", "%E2%82"].map(decodeKey)).toEqual(["%", "\ufffd", "%G1x", "\ufffd"]);
  });
});

const pieces = [
  "a",
  "b",
  "K",
  "=",
  ",",
  ";",
  " ",
  "\t",
  "%",
  "%41",
  "%ff",
  "%C3%A9",
  '"',
  "\\",
  "\u00e9",
  "\u0141",
  "\0",
  "\v",
  "+",
  "(",
  "__proto__",
];
const hostile = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 200 }),
);
const long = fc.tuple(hostile, fc.integer({ min: 1, max: 3000 }), hostile).map(([text, times, end]) => text.repeat(times) + end);
const fields = {
  key: fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,9}$/),
  octets: fc.stringMatching(/^[!#-+\--:<-[\]-~]{0,12}$/),
  space: fc.stringMatching(/^[ \t]{0,2}$/),
};
const member = fc
  .tuple(
    fields.key,
    fields.space,
    fields.space,
    fields.octets,
    fields.space,
    fc.array(fc.tuple(fields.key, fields.octets), { maxLength: 2 }),
  )
  .map(
    ([key, s1, s2, value, s3, properties]) =>
      `${key}${s1}=${s2}${value}${properties.map(([k, v]) => `${s3};${s1}${k}${v && `${s2}=${v}`}`).join("")}`,
  );
const checked = { seed: 20_270_131, numRuns: 1500 };

/** The grammar of the Recommendation as regular expressions, member by member; fit for short headers only. */
function byTheGrammar(header: string): unknown[] {
  const [token, octets, ows] = ["[!#$%&'*+.^_`|~0-9A-Za-z-]+", "[!#-+\\--:<-\\[\\]-~]*", "[ \\t]*"];
  const pair = new RegExp(`^${ows}(${token})${ows}=${ows}(${octets})${ows}$`);
  const property = new RegExp(`^${ows}(${token}${ows}(=${ows}${octets}${ows})?)?$`);
  const found = new Map<string, unknown[]>();
  for (const element of header.split(",")) {
    const [first = "", ...properties] = element.split(";");
    const [, key, value] = pair.exec(first) ?? [];
    if (key === undefined || !properties.every((text) => property.test(text))) continue;
    found.delete(key);
    found.set(key, [key, utf8(value ?? ""), properties.join(";").replace(/^[ \t]+|[ \t]+$/g, "")]);
  }
  return [...found.values()];
}

function utf8(value: string): string {
  const octets = value.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(Uint8Array.from(octets, (char) => char.charCodeAt(0)));
}

describe("for every header", () => {
  it("never throws, and stays within the limits", () => {
    fc.assert(
      fc.property(fc.oneof(hostile, long), fc.constantFrom([], ["o=1"]), (header, own) => {
        const baggage = parseBaggage(header);
        const written = writeBaggage(baggage, own, none).header;
        for (const { key } of baggage.members) decodeKey(key);
        return baggage.members.length <= MAX_MEMBERS && baggage.header.length <= MAX_BYTES && written.length <= MAX_BYTES;
      }),
      checked,
    );
  });

  it("reads what the grammar says", () => {
    fc.assert(
      fc.property(hostile, (header) => {
        expect(entries(parseBaggage(header))).toEqual(byTheGrammar(header));
      }),
      { ...checked, numRuns: 5000 },
    );
  });

  it("reads back what it wrote", () => {
    fc.assert(
      fc.property(fc.oneof(hostile, long), (header) => {
        const baggage = parseBaggage(header);
        const again = parseBaggage(writeBaggage(baggage, [], none).header);
        expect(entries(again)).toEqual(entries(baggage));
        expect(rawOf(again)).toEqual(rawOf(baggage));
        expect([again.skipped, again.dropped]).toEqual([0, 0]);
      }),
      checked,
    );
  });

  it("forwards a well-formed header byte for byte", () => {
    const separator = fc.tuple(fields.space, fields.space).map(([before, after]) => `${before},${after}`);
    const list = fc.tuple(
      fc.uniqueArray(member, { minLength: 1, maxLength: 8, selector: (text) => /^[^ \t=]+/.exec(text)![0] }),
      separator,
    );
    fc.assert(
      fc.property(list, ([members, comma]) => {
        const header = members.join(comma).trimEnd();
        expect(writeBaggage(parseBaggage(header), [], none)).toEqual({ header, dropped: 0 });
      }),
      checked,
    );
  });

  it("writes ours first, then kept members of the input only, in order, and counts those that gave way", () => {
    const owns = fc.uniqueArray(fc.tuple(fc.constantFrom("a", "b", "laneway.x"), fc.integer({ min: 0, max: 4000 })), {
      selector: ([key]) => key,
      maxLength: 2,
    });
    fc.assert(
      fc.property(fc.oneof(hostile, long), owns, fc.constantFrom("K", "aa", "none"), (header, sizes, gone) => {
        const own = sizes.map(([key, size]) => `${key}=${"x".repeat(size)}`);
        const baggage = parseBaggage(header);
        const written = writeBaggage(baggage, own, ({ key }) => key === gone);
        const raw = rawOf(parseBaggage(written.header));
        expect(written.header.length).toBeLessThanOrEqual(MAX_BYTES);
        expect(raw.slice(0, own.length)).toEqual(own);
        const ownKeys = new Set(sizes.map(([key]) => key as string));
        const kept = baggage.members.filter(({ key }) => key !== gone && !ownKeys.has(key) && !ownKeys.has(decodeKey(key)));
        expect(raw.slice(own.length)).toEqual(
          kept.slice(0, kept.length - written.dropped).map(({ start, end }) => baggage.header.slice(start, end)),
        );
      }),
      checked,
    );
  });

  it.each([",", "k=v,", "k,", "k=%ff%,", "a=1;", "a= ", "a=1; ;,", "%", "k", "=", ";", "  ,", 'a=1;p="x",'])(
    "reads each byte of %j a few times only",
    (unit) => {
      for (const bytes of [8192, 131_072]) {
        for (const header of [unit.repeat(bytes / unit.length), `a=1;p${unit.repeat(bytes / unit.length)}`]) {
          const text = new CountedText(header);
          parseBaggage(text as unknown as string);
          expect(text.reads).toBeLessThan(header.length * 6 + 1000);
        }
      }
    },
  );
});

/** A header that counts how many of its code units were looked at. */
class CountedText {
  reads = 0;
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  get length(): number {
    return this.text.length;
  }
  charCodeAt(at: number): number {
    this.reads++;
    return this.text.charCodeAt(at);
  }
  indexOf(search: string, from: number): number {
    const found = this.text.indexOf(search, from);
    this.reads += (found === -1 ? this.text.length : found) - from + 1;
    return found;
  }
  lastIndexOf(search: string, from: number): number {
    const found = this.text.lastIndexOf(search, from);
    this.reads += from - found;
    return found;
  }
  slice(start: number, end: number): string {
    this.reads += Math.max(0, end - start);
    return this.text.slice(start, end);
  }
}
