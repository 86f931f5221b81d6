import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { hashLabel, MAX_REVISION } from "../../src/core/revision.ts";
import { groupNamed, inKv, insideGroup, laneFile, workerEnv, write } from "../support/group.ts";

// KV takes one write a second, so tests of several revisions take as many.
vi.setConfig({ testTimeout: 20_000 });

const { LANES } = workerEnv;
const putRaw = (name: string, value: unknown) => LANES.put(`group:${name}`, typeof value === "string" ? value : JSON.stringify(value));

describe("a value that somebody put into KV beside the publisher", () => {
  it("is recorded as a revision, stops one write, and can then be written over", async () => {
    const group = groupNamed("beside");
    await group.publish(write("beside", null));
    const raw = { ...laneFile("beside", [10, 45, 45]), note: "by hand" };
    await putRaw("beside", raw);
    expect(await group.publish(write("beside", 1))).toEqual({ refused: { why: "drift", revision: 2 } });
    expect(await inKv("beside")).toEqual(raw);
    expect((await group.read("beside")).latest).toMatchObject({ revision: 2, by: "kv", text: JSON.stringify(raw) });
    expect(await group.publish(write("beside", 2))).toMatchObject({ revision: 3 });
    expect((await inKv("beside"))!.published.revision).toBe(3);
  });

  it("counts as where visitors are: the next revision moves only those that it must", async () => {
    const group = groupNamed("slots");
    await group.publish(write("slots", null));
    await putRaw("slots", laneFile("slots", [0, 0, 100]));
    await group.publish(write("slots", 1));
    await group.publish(write("slots", 2, { file: JSON.stringify(laneFile("slots", [10, 0, 90])) }));
    expect((await inKv("slots"))!.published.slots).toEqual([
      ["s3", 9000],
      ["s1", 1000],
    ]);
  });

  it("is noticed by whoever only reads", async () => {
    await putRaw("alone", laneFile("alone"));
    expect(await groupNamed("alone").read("alone")).toMatchObject({ latest: { revision: 1, by: "kv" }, written: 1 });
    expect((await groupNamed("alone").history("alone", 100, 10)).audit).toMatchObject([
      { action: "changed outside", by: "kv", from: null, to: 1 },
    ]);
  });

  it("keeps a higher number that it brought, because isolates go to no lower one", async () => {
    const group = groupNamed("higher");
    const published = { revision: 41, at: "2026-01-01T00:00:00Z", by: "x", reason: "" };
    await putRaw("higher", { ...laneFile("higher"), published });
    expect(await group.publish(write("higher", null))).toEqual({ refused: { why: "drift", revision: 41 } });
    expect(await group.publish(write("higher", 41))).toMatchObject({ revision: 42 });
  });

  it("is as old as an isolate's first use of it, whether that is told before or after somebody looks", async () => {
    const since = Date.now() - 300_000;
    const tell = (name: string, revision: string, at: number) =>
      groupNamed(name).count({ tallies: [], assigned: [], endpoints: [], inForce: { group: name, revision, since: at } });
    for (const name of ["told-first", "told-late"]) {
      await groupNamed(name).publish(write(name, null));
      // The publish was an hour ago.
      await insideGroup(name, (_, { storage }) => {
        storage.sql.exec("UPDATE revisions SET at = ?", new Date(since - 3_300_000).toISOString());
      });
      const raw = JSON.stringify(laneFile(name, [1, 1, 1]));
      await putRaw(name, raw);
      if (name === "told-late") await groupNamed(name).read(name);
      await tell(name, hashLabel(raw), since + 5_000);
      await tell(name, hashLabel(raw), since);
      const at = new Date(since).toISOString();
      await vi.waitFor(async () => expect((await groupNamed(name).history(name, 100, 10)).audit[0]).toMatchObject({ by: "kv", at }));
      expect((await groupNamed(name).read(name)).latest).toMatchObject({ revision: 2, by: "kv", at });
      // Not so old that it would have been there before the revision that it replaced.
      await tell(name, hashLabel(raw), since - 4_000_000);
      expect((await groupNamed(name).read(name)).latest).toMatchObject({ at });
    }
  });

  it("that was never found here still has its number passed, and isolates can tell of any number of them", async () => {
    await groupNamed("unfound").publish(write("unfound", null));
    await insideGroup("unfound", (group) => {
      for (let i = 0; i < 200; i++)
        group.count({ tallies: [], assigned: [], endpoints: [], inForce: { group: "unfound", revision: `~${i}`, since: i } });
      group.count({ tallies: [], assigned: [], endpoints: [], inForce: { group: "unfound", revision: "700", since: 1 } });
    });
    expect(await groupNamed("unfound").publish(write("unfound", 1))).toMatchObject({ revision: 701 });
    await insideGroup("unfound", (_, { storage }) => {
      expect(storage.sql.exec("SELECT COUNT(*) AS n FROM seen").one()).toMatchObject({ n: expect.toSatisfy((n: number) => n <= 21) });
    });
  });

  it("with the last number there is stops the publisher, in words, and one past it is a value without a number", async () => {
    const published = { revision: MAX_REVISION, at: "2026-01-01T00:00:00Z", by: "x", reason: "" };
    await putRaw("last", { ...laneFile("last"), published });
    // Whether an isolate tells of it before it is found, or nobody does.
    const inForce = { group: "told-last", revision: String(MAX_REVISION), since: Date.now() };
    await groupNamed("told-last").count({ tallies: [], assigned: [], endpoints: [], inForce });
    await putRaw("told-last", { ...laneFile("told-last"), published });
    for (const name of ["last", "told-last"]) {
      expect(await groupNamed(name).publish(write(name, null))).toEqual({ refused: { why: "exhausted" } });
      expect((await groupNamed(name).read(name)).latest).toMatchObject({ revision: MAX_REVISION, by: "kv" });
      // What nobody could number any more is not recorded, again and again.
      await putRaw(name, laneFile(name, [1, 1, 1]));
      expect(await groupNamed(name).publish(write(name, MAX_REVISION))).toEqual({ refused: { why: "exhausted" } });
      expect((await groupNamed(name).history(name, MAX_REVISION + 1, 9)).audit).toHaveLength(1);
    }
    await putRaw("past", { ...laneFile("past"), published: { ...published, revision: MAX_REVISION + 1 } });
    expect(await groupNamed("past").publish(write("past", null))).toEqual({ refused: { why: "drift", revision: 1 } });
    expect(await groupNamed("past").publish(write("past", 1))).toMatchObject({ revision: 2 });
  });

  it("may be no lane file at all", async () => {
    const group = groupNamed("broken");
    await group.publish(write("broken", null));
    await putRaw("broken", "{ not json");
    expect(await group.publish(write("broken", 1))).toEqual({ refused: { why: "drift", revision: 2 } });
    expect(await group.publish(write("broken", 2))).toMatchObject({ revision: 3 });
    const huge = `"${"x".repeat(1_600_000)}"`;
    await putRaw("broken", huge);
    expect(await group.publish(write("broken", 3))).toEqual({ refused: { why: "drift", revision: 4 } });
    expect((await group.read("broken")).latest).toMatchObject({ revision: 4, text: null });
    expect(await group.publish(write("broken", 4))).toMatchObject({ revision: 5 });
  });
});

describe("an earlier revision in KV", () => {
  it("is lag: writers go on", async () => {
    const group = groupNamed("lag");
    await group.publish(write("lag", null));
    const first = await LANES.get("group:lag");
    await group.publish(write("lag", 1));
    await LANES.put("group:lag", first!);
    expect(await group.publish(write("lag", 2))).toMatchObject({ revision: 3 });
    expect((await group.history("lag", 100, 10)).revisions.map(({ by }) => by)).toEqual(["ann", "ann", "ann"]);
  });

  it("is written over once it cannot be lag any more", async () => {
    const group = groupNamed("back");
    await group.publish(write("back", null));
    const first = await LANES.get("group:back");
    await group.publish(write("back", 1));
    await LANES.put("group:back", first!);
    expect((await group.read("back")).written).toBe(2);
    await runDurableObjectAlarm(group);
    await insideGroup("back", (_, { storage }) => {
      storage.sql.exec("UPDATE written SET at = at - 130000");
    });
    expect((await group.read("back")).written).toBe(1);
    expect(await runDurableObjectAlarm(group)).toBe(true);
    expect((await inKv("back"))!.published.revision).toBe(2);
  });

  it("or none, as KV may show it after a creation, stops nobody", async () => {
    const group = groupNamed("none");
    await group.publish(write("none", null));
    await LANES.delete("group:none");
    expect(await group.publish(write("none", 1))).toMatchObject({ revision: 2 });
  });
});
