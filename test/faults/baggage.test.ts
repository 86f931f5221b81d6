/** Contract section 5 against whatever clients send, through the whole way: what a rule saw is what the origin read. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { headerOf, type Seen } from "../support/origin.ts";
import { sendRaw } from "../support/raw-client.ts";
import { clientSaw, group, newTraceId, startWorld, traceparent, type World } from "./world.ts";

const TOKEN = "admin-token-admin-token-admin-token-1";

let world: World;

beforeAll(async () => {
  world = await startWorld(
    (origins) => {
      const { s1, s2, s3 } = origins;
      const files = [
        group("shop", origins, {
          services: { web: {}, partner: { path: "/partner" } },
          lanes: {
            s1: { weight: 1, origins: { web: s1.url, partner: { url: s1.url, baggage: "none" } } },
            s2: { origins: { web: s2.url, partner: s2.url } },
            s3: { origins: { web: s3.url } },
          },
          rules: [
            { name: "pr", when: { baggage: { pr: "1" } }, lane: "s2" },
            { name: "present", when: { baggage: { seen: { exists: true } } }, lane: "s2" },
            {
              name: "odd",
              when: { any: ["__proto__", "constructor", "toString", "%6Cane"].map((key) => ({ baggage: { [key]: "s2" } })) },
              lane: "s2",
            },
            { name: "prefix", when: { baggage: { text: { prefix: "a\uFFFD" } } }, lane: "s2" },
          ],
          propagate: { baggage: "lane", headers: ["restored"] },
          log: { baggage: ["pr", "text", "__proto__"] },
        }),
        group("many", origins, { rules: [{ name: "pr", when: { baggage: { pr: "1" } }, lane: "s2" }] }),
      ];
      return Object.fromEntries(files.map((file) => [file.name, file]));
    },
    { bindings: { LANEWAY_ADMIN_TOKEN: TOKEN } },
  );
}, 30_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

/** What came behind ours. */
const others = ({ headers }: Seen) => headerOf(headers, "baggage")?.replace(/^laneway\.shop=[^,]+,lane=s\d,?/, "");

const send = async (baggage: string, name = "shop", path = "/x") => {
  const { client, seen, log } = await world.ask(name, { path, headers: { baggage } });
  return { lane: client.lane, status: client.status, seen: seen[0]!, log };
};

/** Bytes that no client library would send. */
async function sendBytes(lines: string) {
  const traceId = newTraceId();
  const answer = await sendRaw(
    world.router.url,
    `GET /x HTTP/1.1\r\nHost: shop.example\r\ntraceparent: ${traceparent(traceId)}\r\n${lines}\r\n\r\n`,
  );
  clientSaw(`${answer.status}`);
  const [seen] = world.seenOf(traceId);
  return { answer, lane: answer.header("x-lane"), seen: seen?.seen, log: await world.logOf(traceId) };
}

describe("baggage", () => {
  it("fault 1: that is not there matches no rule, and only ours is sent", async () => {
    const { client, seen, log } = await world.ask("shop");
    expect([client.status, client.lane, others(seen[0]!), log.baggage]).toEqual([200, "s1", "", {}]);
  });

  it("fault 2: of 5,000 members or 100 kB is read to the limits, matched as it is sent, in one log line", async () => {
    const members = Array.from({ length: 5_000 }, (_, i) => `k${String(i).padStart(4, "0")}=${"v".repeat(12)}`);
    const lines = world.router.logs().length;
    const long = await send([...members, "pr=1"].join(","), "many");
    expect([long.status, long.lane]).toEqual([200, "s1"]);
    const sent = headerOf(long.seen.headers, "baggage")!;
    const kept = sent.split(",").slice(1);
    expect(kept).toEqual(members.slice(0, kept.length));
    expect([sent.length <= 8_192, kept.length >= 64]).toEqual([true, true]);
    const early = await send(["pr=1", ...members].join(","), "many");
    expect([early.lane, headerOf(early.seen.headers, "baggage")!.split(",")[1]]).toEqual(["s2", "pr=1"]);
    const one = await send(`big=${"x".repeat(100_000)},pr=1`, "many");
    expect([one.status, one.lane, headerOf(one.seen.headers, "baggage")!.includes("big")]).toEqual([200, "s1", false]);
    expect(world.router.logs().length - lines).toBe(3);
    expect(Math.max(long.log.durationMs as number, one.log.durationMs as number)).toBeLessThan(500);
  });

  it("fault 3: with one bad member loses that one alone", async () => {
    for (const bad of ["bad", "=x", "a b=1", 'q="1"', "k=a b", "k=\\", "(=1", ";p=1"]) {
      const { lane, seen } = await send(`a=1,${bad},pr=1,b=2`);
      expect([bad, lane, others(seen)]).toEqual([bad, "s2", "a=1,pr=1,b=2"]);
    }
  });

  it("fault 4: with broken escapes is never an error: U+FFFD to rules, untouched to the origin", async () => {
    for (const value of ["a%E2%82", "a%ff", "a%E2%28%A1"]) {
      const { lane, status, seen, log } = await send(`text=${value}`);
      expect([value, status, lane, others(seen)]).toEqual([value, 200, "s2", `text=${value}`]);
      expect((log.baggage as Record<string, string>).text).toMatch(/^a\uFFFD/);
    }
    for (const value of ["%", "%G1", "100%", "%%%"]) {
      const { status, seen, log } = await send(`text=${value}`);
      expect([status, others(seen), (log.baggage as Record<string, string>).text]).toEqual([200, `text=${value}`, value]);
    }
  });

  it("fault 5: has no keys by their escapes: %70r is not pr, and %6Cane not lane", async () => {
    const { lane, seen } = await send("%70r=1,%70%72=1");
    expect([lane, others(seen)]).toEqual(["s1", "%70r=1,%70%72=1"]);
    expect(others((await send("%6Cane=s3")).seen)).toBe("");
  });

  it("fault 6: has no members in properties or values", async () => {
    for (const header of ["a=1;pr=1", "a=pr=1", "a=1;x;pr=1", "xpr=1", "pr2=1", "a=%2Cpr=1", "pr=1x"]) {
      const { lane, seen } = await send(header);
      expect([header, lane, others(seen)]).toEqual([header, "s1", header]);
    }
  });

  it("fault 7: with a key twice, in one line or two, has the last, also for the origin", async () => {
    for (const [first, last, lane] of [
      ["pr=2", "pr=1", "s2"],
      ["pr=1", "pr=2", "s1"],
    ] as const) {
      const one = await send(`${first},a=1,${last}`);
      expect([one.lane, others(one.seen)]).toEqual([lane, `a=1,${last}`]);
      const two = await sendBytes(`baggage: ${first}\r\nBaggage: a=1, ${last}`);
      expect([two.lane, others(two.seen!)?.replaceAll(" ", "")]).toEqual([lane, `a=1,${last}`]);
    }
  });

  it("fault 8: called as on Object.prototype is plain data", async () => {
    for (const key of ["__proto__", "constructor", "toString"]) {
      const { lane, seen } = await send(`${key}=s2`);
      expect([key, lane, others(seen)]).toEqual([key, "s2", `${key}=s2`]);
    }
    const { lane, log } = await send("__proto__=x,pr=2");
    expect([lane, log.polluted, (log.baggage as Record<string, string>).pr]).toEqual(["s1", undefined, "2"]);
    expect((await world.ask("shop")).client.lane).toBe("s1");
  });

  it("fault 9: with line breaks, NUL or script in a value never breaks header, log line or answer", async () => {
    const value = "%0d%0ax-lane:s2%00%3Cscript%3E%22%5C%E2%80%A8";
    const { lane, status, seen, log } = await send(`pr=${value},restored=${value}`);
    expect([status, lane, headerOf(seen.headers, "restored"), others(seen)]).toEqual([
      200,
      "s1",
      undefined,
      `pr=${value},restored=${value}`,
    ]);
    expect(log.baggage).toEqual({ pr: '\r\nx-lane:s2\0<script>"\\\u2028' });
    expect(seen.headers.filter(([name, text]) => /script/.test(name) || /[\r\n\0]/.test(text))).toEqual([]);
    const long = await send(`pr=${"x".repeat(5_000)}`);
    expect((long.log.baggage as Record<string, string>).pr).toHaveLength(256);
  });

  it("fault 10: with raw bytes above ASCII, VT or tabs loses those members, and is no exception", async () => {
    const { answer, lane, seen } = await sendBytes("baggage: a=\xe9,b=\x0b,c=\xff\xfe,\tpr=1\t,d=2");
    expect([answer.status, lane, others(seen!)?.replaceAll("\t", "")]).toEqual([200, "s2", "pr=1,d=2"]);
    expect(world.router.output()).toEqual([]);
  });

  it("fault 11: is not for a third party's origin, where the lane file says so", async () => {
    const live = await send("a=1,email=x", "shop", "/partner");
    expect([live.lane, headerOf(live.seen.headers, "baggage"), headerOf(live.seen.headers, "x-lane-context")]).toEqual([
      "s1",
      undefined,
      undefined,
    ]);
    expect(headerOf(live.seen.headers, "x-lane")).toBe("s1");
    const lane = await send("a=1,pr=1", "shop", "/partner");
    expect([lane.lane, others(lane.seen)]).toEqual(["s2", "a=1,pr=1"]);
  });

  it("fault 12: that would grow too long keeps ours whole, and the last of the others give way", async () => {
    const members = Array.from({ length: 19 }, (_, i) => `k${i}=${"x".repeat(423)}`);
    expect(members.join(",").length).toBeLessThanOrEqual(8_192);
    const { lane, seen } = await send([...members.slice(0, 18), "pr=1", members[18]!].join(","));
    const sent = headerOf(seen.headers, "baggage")!;
    expect([lane, sent.length <= 8_192]).toEqual(["s2", true]);
    expect(sent).toMatch(/^laneway\.shop=1~shop~s2~1~\d+~~~[\w-]{43},lane=s2,k0=x/);
    expect(sent.split(",").slice(2)).toEqual([...members.slice(0, 18), "pr=1"]);
  });
});

describe("what gave way", () => {
  it("fault 12: is counted, for as many members as were not sent", async () => {
    const dropped = async () => {
      const metrics = await world.router.fetch("/__lanes/metrics", { headers: { authorization: `Bearer ${TOKEN}` } });
      return Number(/^laneway_baggage_members_dropped_total\{group="many"[^}]*lane="s1"[^}]*\} (\d+)$/m.exec(metrics.text)?.[1] ?? 0);
    };
    const { seen } = await send(Array.from({ length: 200 }, (_, i) => `k${i}=1`).join(","), "many");
    const kept = headerOf(seen.headers, "baggage")!.split(",").length - 1;
    // Counters leave the isolate five seconds after the first request.
    const before = await dropped();
    let counted = before;
    for (let i = 0; i < 80 && counted === before; i++) {
      await new Promise((done) => setTimeout(done, 100));
      counted = await dropped();
    }
    expect(kept).toBe(179);
    expect(counted).toBeGreaterThanOrEqual(before + 21);
  }, 15_000);
});
