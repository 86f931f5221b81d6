/** A copy stays a copy whatever the client sent along, and whatever the services between make of it (contract section 4). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBaggage, writeBaggage } from "../../src/core/baggage.ts";
import { MAX_FOREIGN_BYTES, MAX_FOREIGN_MEMBERS, writeCopyBaggage } from "../../src/core/baggage-copy.ts";
import { copyDecision } from "../../src/core/copy.ts";
import { decide } from "../../src/core/decide.ts";
import type { LaneGroup } from "../../src/core/lane-group.ts";
import { headerEdits } from "../../src/core/target.ts";
import { contextText, factsOf, groupOf, NOW, signer } from "../support/decision.ts";
import { HOSTILE, SDKS } from "../support/sdks.ts";

const mirrors = [{ name: "next", lane: "s3", percent: 100 }];
const shop = groupOf({ mirrors });
/** Called by services of `shop`. */
const pay = groupOf({ name: "pay" });

const written = (header: string) => writeCopyBaggage(parseBaggage(header), ["laneway.shop=s"], () => false);
const foreign = (header: string) => written(header).header.split(",").slice(1).join(",");

describe("the baggage of a copy", () => {
  it("is ours, then what is plain already, byte for byte", () => {
    expect(written("pr=123, user=Am%c3%a9lie;p;q=1 ,t=a!#$&http://x/y").header).toBe(
      "laneway.shop=s,pr=123,user=Am%c3%a9lie;p;q=1,t=a!#$&http://x/y",
    );
  });

  it("says in escapes of UTF-8 what was none, and without what every reader splits at", () => {
    expect(foreign("a=100%,b=%ff,c=x==,d=%zz%2C")).toBe("a=100%25,b=%EF%BF%BD,c=x%3D%3D,d=%25zz%2C");
  });

  it("leaves out an empty value, a key that some decode, and a property that is none", () => {
    expect(written("a=,b%2Cc=1,d+e=1,f=1;;p=%zz;q = 2 ;r=,g=2")).toEqual({ header: "laneway.shop=s,f=1;q=2,g=2", dropped: 3 });
  });

  it("has at most 32 members, or 2,048 bytes, of others", () => {
    const many = written(Array.from({ length: 40 }, (_, i) => `k${i}=v`).join(","));
    expect([many.header.split(",").length, many.dropped]).toEqual([1 + MAX_FOREIGN_MEMBERS, 8]);
    const sized = (bytes: number) => `k=${"x".repeat(bytes - 3)}`;
    expect([written(sized(MAX_FOREIGN_BYTES)).dropped, written(sized(MAX_FOREIGN_BYTES + 1)).dropped]).toEqual([0, 1]);
    expect(written(`${sized(MAX_FOREIGN_BYTES + 1)},pr=1`)).toEqual({ header: "laneway.shop=s,pr=1", dropped: 1 });
  });
});

/** The copy of a request with this baggage, as it leaves for its first origin. */
function copied(baggage: string, group: LaneGroup = shop): string {
  const facts = factsOf({ headers: { baggage } });
  const decision = copyDecision(decide(group, facts, { override: null, signer })!, group.mirrors[0]!, "s3");
  const edits = headerEdits(decision, facts, group.lanes.get("s3")!.origins.get("web")!, signer);
  return edits.set.find(([name]) => name === "baggage")![1];
}

/** The next request's baggage: the router's, after a service's. */
function forwarded(group: LaneGroup, baggage: string): string {
  const facts = factsOf({ url: `https://api.${group.hosts[0]}/x`, headers: { baggage } });
  const decision = decide(group, facts, { override: null, signer })!;
  const edits = headerEdits(decision, facts, group.lanes.get("s1")!.origins.get("api")!, signer);
  return edits.set.find(([name]) => name === "baggage")![1];
}

const markOf = (group: LaneGroup, baggage: string | null, now = NOW) =>
  decide(group, factsOf({ url: "https://api.shop.example/x", now, headers: baggage === null ? {} : { baggage } }), {
    override: null,
    signer,
  })?.copy;

describe("a copy", () => {
  it.each(Object.entries(HOSTILE))("keeps its mark through every SDK, whatever the client sent: %s", (_, header) => {
    for (const [name, sdk] of Object.entries(SDKS)) {
      const first = sdk(copied(header));
      expect([name, markOf(shop, first), markOf(pay, first)]).toEqual([name, "shop/next", "shop/next"]);
      // On to another group, and back.
      const second = sdk(forwarded(pay, first!));
      expect([name, markOf(pay, second), markOf(shop, second)]).toEqual([name, "shop/next", "shop/next"]);
      expect(markOf(shop, sdk(forwarded(shop, second!)), NOW + 86_400 * 365)).toBe("shop/next");
    }
  });

  it("takes true contexts of other groups along, and no forged ones before them", () => {
    const other = `laneway.other=${contextText("s2", { group: "other" })}`;
    const forged = Array.from({ length: 60 }, (_, i) => `laneway.x${i}=1`).join(",");
    expect(copied(`${forged},${other},LANEWAY.z=1,%6Caneway.z=2`).split(",").slice(1)).toEqual([other]);
  });
});

describe("for every header", () => {
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...Object.values(HOSTILE)) },
    { weight: 3, arbitrary: fc.constantFrom("a=1", "k=", ";", "=", " ", "%", "%zz", "%2C", "%3D", "laneway.shop", "laneway.pay=1~", "1~") },
    {
      weight: 1,
      arbitrary: fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 40 }),
    },
    { weight: 1, arbitrary: fc.constantFrom(contextText("s2"), `laneway.pay=${contextText("s2", { group: "pay" })}`) },
  );
  const header = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(","));
  const sdk = fc.constantFrom(...Object.values(SDKS));

  const staysCopy = (copy: (client: string) => string) =>
    fc.property(header, fc.array(sdk, { minLength: 1, maxLength: 4 }), fc.boolean(), (client, sdks, crosses) => {
      let baggage = copy(client);
      for (const [hop, through] of sdks.entries()) {
        const sent = through(baggage);
        const group = crosses && hop % 2 === 0 ? pay : shop;
        expect(markOf(group, sent)).toBe("shop/next");
        baggage = forwarded(group, sent!);
      }
    });

  it("a true mark is never lost by what the client adds", () => {
    fc.assert(staysCopy(copied), { seed: 20_261_129, numRuns: 600 });
  });

  const mark = `laneway.shop=${contextText("s3", { mirror: "shop/next" })}`;
  it.each<[string, (client: string) => string]>([
    ["went on as a live request's", (client) => writeBaggage(parseBaggage(client), [mark], () => false).header],
    ["had empty values", (client) => `${copied(client)},a=`],
  ])("would be found out if what others sent %s", (_, broken) => {
    expect(fc.check(staysCopy(broken), { seed: 20_261_129, numRuns: 600 }).failed).toBe(true);
  });

  it("a mark is never there that nobody signed", () => {
    fc.assert(
      fc.property(header, sdk, (client, through) => {
        const facts = factsOf({ headers: { baggage: client } });
        expect(decide(shop, facts, { override: null, signer })!.copy).toBeNull();
        expect(markOf(shop, through(forwarded(shop, client)))).toBeNull();
      }),
      { seed: 20_261_129, numRuns: 300 },
    );
  });

  it("what others sent is within its limits, and each member stands for itself", () => {
    fc.assert(
      fc.property(header, (client) => {
        const members = written(client).header.split(",").slice(1);
        expect([members.length <= MAX_FOREIGN_MEMBERS, members.join(",").length <= MAX_FOREIGN_BYTES]).toEqual([true, true]);
        for (const member of members)
          expect(member).toMatch(
            /^[!#$&'*.^_`|~\w-]+=(?:[!#$&'()*+./:<>?@[\]^_`{|}~\w-]|%[0-9A-Fa-f]{2})+(?:;[!#$&'*+.^_`|~\w-]+(?:=[^,;"\\ ]+)?)*$/,
          );
      }),
      { seed: 20_261_129, numRuns: 600 },
    );
  });
});
