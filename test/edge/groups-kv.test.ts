import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { BUNDLED } from "../../src/edge/bundled.ts";
import type { Env } from "../../src/edge/env.ts";
import { currentGroups, firstGroups, forgetGroups, type Snapshot } from "../../src/edge/groups-kv.ts";
import { laneFile } from "../support/group.ts";

const HOUR = 3_600_000;
/** Milliseconds. */
let now: number;
let kv: ReturnType<typeof fakeKv>;

/** As if it had lain in `lanes/` at deploy. */
(BUNDLED as Map<string, unknown>).set("mock", laneFile("mock"));

type Value = string | null;

/** KV with its faults programmed: `answer` is asked once for each read. */
function fakeKv(values: Record<string, unknown> = {}) {
  const held = new Map(Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]));
  const reads: (string | string[])[] = [];
  const kept = {
    held,
    reads,
    before: async (_asked: string | string[]): Promise<void> => {},
    async get(asked: string | string[]): Promise<Value | Map<string, Value>> {
      reads.push(asked);
      await kept.before(asked);
      const value = (key: string): Value => held.get(key) ?? null;
      return Array.isArray(asked) ? new Map(asked.map((key) => [key, value(key)])) : value(asked);
    },
    put(key: string, value: unknown) {
      held.set(key, typeof value === "string" ? value : JSON.stringify(value));
    },
  };
  return kept;
}

const revised = (name: string, revision: number, note = "") => ({
  ...laneFile(name),
  note,
  published: { revision, at: "2026-01-01T00:00:00Z", by: "ann", reason: "" },
});

const env = (more: object = {}) => ({ LANES: kv, ...more }) as unknown as Env;

/** What serves a request at `now`, and all that was left to be done behind it. */
async function read(more: object = {}): Promise<Snapshot> {
  const ctx = createExecutionContext();
  const snapshot = await currentGroups(env(more), ctx, now);
  await waitOnExecutionContext(ctx);
  return snapshot;
}

/** Two requests, the first of which finds the files old. */
async function readAnew(): Promise<Snapshot> {
  now += 6_000;
  await read();
  return await read();
}

const inForce = (snapshot: Snapshot, name: string) => {
  const found = snapshot.groups.get(name);
  return found === undefined ? null : [found.revision, found.source];
};
const said = (snapshot: Snapshot) => Object.fromEntries(snapshot.problems.map(({ key, problems }) => [key, problems[0]!.message]));

beforeEach(() => {
  forgetGroups();
  now = Date.now();
  kv = fakeKv({ groups: ["shop"], "group:shop": revised("shop", 5) });
});

describe("a refresh", () => {
  it("happens behind the request, at most once in five seconds", async () => {
    await read();
    const [started, reads] = [now, kv.reads.length];
    for (const after of [0, 1_000, 4_000]) {
      now = started + after;
      await read();
    }
    expect([reads, kv.reads.length]).toEqual([2, 2]);
    kv.put("group:shop", revised("shop", 6));
    now += 5_000;
    expect(inForce(await read(), "shop")).toEqual(["5", "kv"]);
    expect(inForce(await read(), "shop")).toEqual(["6", "kv"]);
    // By now the group is known, and comes with the first read.
    expect(kv.reads.length).toBe(3);
  });

  it("happens in front of it where the files are older than two minutes, for a quarter of a second at most", async () => {
    await read();
    kv.put("group:shop", revised("shop", 6));
    now += 121_000;
    expect(inForce(await read(), "shop")).toEqual(["6", "kv"]);
    kv.put("group:shop", revised("shop", 7));
    kv.before = () => new Promise((done) => setTimeout(done, 600));
    now += 121_000;
    const started = Date.now();
    const ctx = createExecutionContext();
    expect(inForce(await currentGroups(env(), ctx, now), "shop")).toEqual(["6", "kv"]);
    expect(Date.now() - started).toBeLessThan(550);
    await waitOnExecutionContext(ctx);
    expect(inForce(await read(), "shop")).toEqual(["7", "kv"]);
  });

  it("fault 35: happens also after the clock was set back by an hour", async () => {
    await read();
    kv.put("group:shop", revised("shop", 6));
    now -= HOUR;
    await read();
    expect(inForce(await read(), "shop")).toEqual(["6", "kv"]);
  });

  it("parses an unchanged value once", async () => {
    const first = await read();
    const later = await readAnew();
    expect(later).not.toBe(first);
    expect(later.groups.get("shop")!.group).toBe(first.groups.get("shop")!.group);
  });

  it("reads more than a hundred groups in several reads, and each key once", async () => {
    const names = Array.from({ length: 150 }, (_, i) => `g${i}`);
    kv = fakeKv({ groups: names, ...Object.fromEntries(names.map((name) => [`group:${name}`, laneFile(name)])) });
    const snapshot = await read();
    expect([snapshot.groups.size, snapshot.problems]).toEqual([150, []]);
    expect(kv.reads.every((keys) => keys.length <= 100)).toBe(true);
    expect(new Set(kv.reads.flat()).size).toBe(kv.reads.flat().length);
  });
});

describe("a revision", () => {
  it("never gives way to a lower one, not even by way of a value that has none", async () => {
    await read();
    kv.put("group:shop", revised("shop", 4));
    const lower = await readAnew();
    expect([inForce(lower, "shop"), said(lower)["group:shop"]]).toEqual([
      ["5", "kv"],
      "expected at least 5, which has been in force, got 4",
    ]);
    kv.put("group:shop", laneFile("shop"));
    expect(inForce(await readAnew(), "shop")).toEqual([expect.stringMatching(/^~[0-9a-f]{8}$/), "kv"]);
    kv.put("group:shop", revised("shop", 4));
    expect(inForce(await readAnew(), "shop")![0]).toMatch(/^~/);
    kv.put("group:shop", revised("shop", 6));
    expect(inForce(await readAnew(), "shop")).toEqual(["6", "kv"]);
  });

  it("may be written anew under the same number", async () => {
    await read();
    kv.put("group:shop", revised("shop", 5, "again"));
    expect((await readAnew()).groups.get("shop")!.group.note).toBe("again");
  });
});

describe("what KV says that is of no use", () => {
  it("fault 36: a value over 25 MB with others is read apart, is reported, and is not kept in memory", async () => {
    kv.put("groups", ["shop", "big"]);
    kv.put("group:big", " ".repeat(2 * 1024 * 1024));
    kv.before = async (asked) => {
      if (asked.length > 1 && Array.isArray(asked) && asked.includes("group:big"))
        throw new Error("KV GET_BULK failed: 413 Total size of request exceeds the limit of 25MB");
    };
    const snapshot = await read();
    expect([inForce(snapshot, "shop"), inForce(snapshot, "big"), snapshot.blind]).toEqual([["5", "kv"], null, true]);
    expect(said(snapshot)).toEqual({ "group:big": "expected at most 1048576 characters (1 MiB), got 2097152" });
    kv.put("group:big", laneFile("big"));
    expect((await readAnew()).blind).toBe(false);
  });

  it.each(['"*"', "*", "{}", "null", "[1]", '["UPPER"]', '[""]', `["${"a".repeat(600)}"]`, "[", ""])(
    "a list %s leaves the groups that there were",
    async (list) => {
      await read();
      kv.put("groups", list);
      const snapshot = await readAnew();
      expect([inForce(snapshot, "shop"), said(snapshot).groups]).toEqual([
        ["5", "kv"],
        expect.stringContaining("expected a JSON array of group names"),
      ]);
      kv.held.delete("group:shop");
      expect(inForce(await readAnew(), "shop")).toEqual(["5", "kv"]);
    },
  );

  it("a broken list that a cold isolate finds gives the bundled files on their baselines, and may hide groups", async () => {
    kv.put("groups", "[");
    const snapshot = await read();
    expect([inForce(snapshot, "mock"), inForce(snapshot, "shop"), snapshot.blind]).toEqual([["bundled", "fallback"], null, true]);
  });

  it("an empty list is a list: no group at all", async () => {
    kv.put("groups", []);
    const snapshot = await read();
    expect([snapshot.groups.size, snapshot.problems, snapshot.blind]).toEqual([0, [], false]);
  });

  it.each(['["shop"]', '"*"', " * ", "*"])("off %s holds, while a broken value after it does not lift it", async (off) => {
    const isOff = ({ off: list }: Snapshot) => list === "*" || list.has("shop");
    kv.put("off", off);
    expect(isOff(await read())).toBe(true);
    kv.put("off", "{}");
    const broken = await readAnew();
    expect([isOff(broken), said(broken).off]).toEqual([true, expect.stringContaining("expected a JSON array of group names")]);
    kv.held.delete("off");
    expect(isOff(await readAnew())).toBe(false);
  });

  it("the variable holds whatever KV says, and is reported where it is broken", async () => {
    expect((await read({ LANEWAY_OFF: "*" })).off).toBe("*");
    forgetGroups();
    expect([...(await read({ LANEWAY_OFF: '["shop"]' })).off]).toEqual(["shop"]);
    forgetGroups();
    expect(said(await read({ LANEWAY_OFF: "shop" }))).toEqual({ LANEWAY_OFF: expect.stringContaining('got "shop"') });
  });
});

describe("a cold isolate", () => {
  it.each<[string, () => Promise<void>]>([
    ["hangs", () => new Promise((done) => setTimeout(done, 5_000))],
    ["fails", () => Promise.reject(new Error("no KV today"))],
  ])("fault 37: where KV %s has the bundled files within 100 ms", async (_, before) => {
    // Once, so that the parser is loaded: its time is the isolate's start.
    await read();
    forgetGroups();
    kv.before = before;
    const started = performance.now();
    const snapshot = await currentGroups(env(), createExecutionContext(), now);
    expect(performance.now() - started).toBeLessThan(150);
    expect([inForce(snapshot, "mock"), inForce(snapshot, "shop"), snapshot.readAt]).toEqual([["bundled", "fallback"], null, 0]);
  });

  it("that has no group for a host waits for KV, but not for ever", async () => {
    kv.before = () => new Promise((done) => setTimeout(done, 300));
    const cold = await currentGroups(env(), createExecutionContext(), now);
    expect(inForce(cold, "shop")).toBeNull();
    expect(inForce(await firstGroups(env(), cold), "shop")).toEqual(["5", "kv"]);
  });

  it("without the binding has the bundled files, and says why", async () => {
    const snapshot = await read({ LANES: undefined });
    expect([inForce(snapshot, "mock"), snapshot.problems[0]!.key]).toEqual([["bundled", "fallback"], "LANES"]);
  });
});
