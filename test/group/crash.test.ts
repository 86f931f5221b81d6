import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { REGISTRY } from "../../src/group/group.ts";
import { groupNamed, inKv, insideGroup, laneFile, workerEnv, write } from "../support/group.ts";

const { LANES, GROUP } = workerEnv;

/** The object's KV until it is evicted. */
const withKv = (name: string, put: (key: string, value: string) => Promise<void>) =>
  insideGroup(name, (instance) => {
    Object.assign(instance, { env: { ...workerEnv, LANES: { get: LANES.get.bind(LANES), put } } });
  });

/** Ends an object as it stands, in the middle of what it awaits. */
async function crash(name: string, pending?: Promise<unknown>): Promise<void> {
  await expect(insideGroup(name, (_, state) => state.abort("crash"))).rejects.toThrow();
  if (pending) await expect(pending).rejects.toThrow();
}

describe("a crash", { timeout: 15_000 }, () => {
  it("after the revision and before KV heals by itself", async () => {
    await groupNamed("before").publish(write("before", null));
    let asked = false;
    await withKv("before", () => {
      asked = true;
      return new Promise(() => {});
    });
    const publishing = groupNamed("before").publish(write("before", 1, { reason: "cut" }));
    publishing.catch(() => {});
    await expect.poll(() => asked, { timeout: 4_000 }).toBe(true);
    await crash("before", publishing);
    expect((await inKv("before"))!.published.revision).toBe(1);
    expect(await runDurableObjectAlarm(groupNamed("before"))).toBe(true);
    expect((await inKv("before"))!.published).toMatchObject({ revision: 2, reason: "cut" });
  });

  it("heals without anybody's doing, by the object's own alarm", async () => {
    await groupNamed("alarm").publish(write("alarm", null));
    let asked = false;
    await withKv("alarm", () => {
      asked = true;
      return new Promise(() => {});
    });
    const publishing = groupNamed("alarm").publish(write("alarm", 1));
    publishing.catch(() => {});
    await expect.poll(() => asked, { timeout: 4_000 }).toBe(true);
    await crash("alarm", publishing);
    await expect.poll(async () => (await inKv("alarm"))!.published.revision, { timeout: 8_000 }).toBe(2);
  });

  it("after KV and before the note of it does no harm", async () => {
    await groupNamed("after").publish(write("after", null));
    let taken = false;
    await withKv("after", async (key, value) => {
      await LANES.put(key, value);
      taken = true;
      await new Promise(() => {});
    });
    const publishing = groupNamed("after").publish(write("after", 1));
    publishing.catch(() => {});
    await expect.poll(() => taken, { timeout: 4_000 }).toBe(true);
    await crash("after", publishing);
    expect(await groupNamed("after").read("after")).toMatchObject({ latest: { revision: 2 }, written: 2 });
    await runDurableObjectAlarm(groupNamed("after"));
    expect((await inKv("after"))!.published.revision).toBe(2);
  });

  it("between a new group's value and its name in `groups` heals as well", async () => {
    await groupNamed("listed").publish(write("listed", null));
    let asked = false;
    await withKv(REGISTRY, () => {
      asked = true;
      return new Promise(() => {});
    });
    const publishing = groupNamed("unlisted").publish(write("unlisted", null));
    publishing.catch(() => {});
    await expect.poll(() => asked, { timeout: 4_000 }).toBe(true);
    await crash(REGISTRY);
    await crash("unlisted");
    expect(await LANES.get("groups", "json")).not.toContain("unlisted");
    expect((await inKv("unlisted"))!.published.revision).toBe(1);
    await runDurableObjectAlarm(groupNamed("unlisted"));
    expect(await LANES.get("groups", "json")).toEqual(expect.arrayContaining(["listed", "unlisted"]));
  });
});

describe("KV that refuses", { timeout: 15_000 }, () => {
  it("is asked three times; the writer learns that it is not done, and the alarm finishes it", async () => {
    await groupNamed("refuses").publish(write("refuses", null));
    let puts = 0;
    await withKv("refuses", async () => {
      puts += 1;
      throw new Error("429 Too Many Requests");
    });
    const written = await groupNamed("refuses").publish(write("refuses", 1));
    expect(written).toEqual({ refused: { why: "unwritten", revision: 2 } });
    expect(puts).toBe(3);
    expect(await groupNamed("refuses").read("refuses")).toMatchObject({ latest: { revision: 2 }, written: 1 });
    await crash("refuses");
    await runDurableObjectAlarm(GROUP.getByName("refuses"));
    expect((await inKv("refuses"))!.published.revision).toBe(2);
  });

  it("is asked again and again by the alarm", async () => {
    await groupNamed("again").publish(write("again", null));
    await withKv("again", async () => {
      throw new Error("no");
    });
    await groupNamed("again").publish(write("again", 1, { file: JSON.stringify(laneFile("again", [1, 1, 1])) }));
    await runDurableObjectAlarm(groupNamed("again"));
    // While an alarm is being handled there is none; on a slow machine the next may come due by itself.
    await vi.waitFor(
      () =>
        insideGroup("again", async (_, { storage }) => {
          expect((await storage.getAlarm()) ?? 0).toBeGreaterThan(Date.now());
        }),
      { timeout: 20_000, interval: 500 },
    );
  });

  it("to be read stops a write, before anything is recorded", async () => {
    await groupNamed("unread").publish(write("unread", null));
    await insideGroup("unread", (instance) => {
      const get = () => Promise.reject(new Error("500"));
      Object.assign(instance, { env: { ...workerEnv, LANES: { get } } });
    });
    expect(await groupNamed("unread").publish(write("unread", 1))).toEqual({ refused: { why: "kv" } });
    expect((await groupNamed("unread").read("unread")).latest).toMatchObject({ revision: 1 });
  });
});
