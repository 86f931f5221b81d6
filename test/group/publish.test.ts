import { describe, expect, it, vi } from "vitest";
import type { Written } from "../../src/group/write.ts";
import { groupNamed, inKv, insideGroup, laneFile, workerEnv, write } from "../support/group.ts";

// KV takes one write a second, so tests of several revisions take as many.
vi.setConfig({ testTimeout: 20_000 });

const { LANES } = workerEnv;

const refused = (written: Written) => ("refused" in written ? written.refused : null);
const revision = (written: Written) => ("refused" in written ? written.refused : written.revision);

describe("publishing a group", () => {
  it("writes the file with what was published through to KV, and its name to `groups`", async () => {
    const written = await groupNamed("first").publish(write("first", null, { by: "ann", reason: "hello" }));
    expect(revision(written)).toBe(1);
    const value = await inKv("first");
    expect(value).toMatchObject({
      ...laneFile("first"),
      published: {
        revision: 1,
        by: "ann",
        reason: "hello",
        slots: [
          ["s1", 6000],
          ["s2", 2000],
          ["s3", 2000],
        ],
      },
    });
    expect(value!.published.at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(await LANES.get("groups", "json")).toContain("first");
    await groupNamed("second").publish(write("second", null));
    expect(await LANES.get("groups", "json")).toEqual(expect.arrayContaining(["first", "second"]));
  });

  it("moves only the visitors it must", async () => {
    const group = groupNamed("moves");
    await group.publish(write("moves", null));
    await group.publish(write("moves", 1, { file: JSON.stringify(laneFile("moves", [50, 20, 30])) }));
    expect((await inKv("moves"))!.published.slots).toEqual([
      ["s1", 5000],
      ["s3", 1000],
      ["s2", 2000],
      ["s3", 2000],
    ]);
  });

  it("refuses a second creation, an unknown revision and a stale one, and says what changed since", async () => {
    const group = groupNamed("stale");
    expect(refused(await group.publish(write("stale", 1)))).toMatchObject({ why: "stale", current: 0, since: [] });
    await group.publish(write("stale", null));
    expect(refused(await group.publish(write("stale", null)))).toMatchObject({ why: "stale", current: 1 });
    await group.publish(write("stale", 1, { file: JSON.stringify(laneFile("stale", [50, 20, 30])), by: "bob", reason: "more s3" }));
    expect(refused(await group.publish(write("stale", 1)))).toMatchObject({
      why: "stale",
      current: 2,
      since: [{ revision: 2, by: "bob", reason: "more s3" }],
      changes: [
        { path: "lanes.s1.weight", from: "60", to: "50" },
        { path: "lanes.s3.weight", from: "20", to: "30" },
      ],
    });
    expect(revision(await group.publish(write("stale", "*")))).toBe(3);
  });

  it("lets one of ten concurrent writers win", async () => {
    const group = groupNamed("race");
    await group.publish(write("race", null));
    const all = await Promise.all(Array.from({ length: 10 }, (_, i) => group.publish(write("race", 1, { by: `writer ${i}` }))));
    expect(all.filter((written) => !("refused" in written)).map(revision)).toEqual([2]);
    expect(all.flatMap((written) => refused(written) ?? [])).toHaveLength(9);
    for (const refusal of all.flatMap((written) => refused(written) ?? [])) expect(refusal).toMatchObject({ why: "stale", current: 2 });
    expect((await inKv("race"))!.published.revision).toBe(2);
  });

  it("refuses a file that is no lane file, and writes nothing", async () => {
    const written = await groupNamed("invalid").publish(write("invalid", null, { file: JSON.stringify({ name: "invalid" }) }));
    expect(refused(written)).toMatchObject({
      why: "invalid",
      problems: expect.arrayContaining([expect.objectContaining({ path: "schema" })]),
    });
    expect(await inKv("invalid")).toBeNull();
    expect((await groupNamed("invalid").read("invalid")).latest).toBeNull();
  });

  it("writes KV at most once a second: a burst becomes two writes, the last wins, and nobody is told before", async () => {
    const group = groupNamed("burst");
    await group.publish(write("burst", null));
    const puts: { at: number; revision: number }[] = [];
    const results = await insideGroup("burst", async (instance) => {
      const kv = workerEnv.LANES;
      const put = async (key: string, value: string) => {
        puts.push({ at: Date.now(), revision: JSON.parse(value).published.revision });
        await kv.put(key, value);
      };
      Object.assign(instance, { env: { ...workerEnv, LANES: { get: kv.get.bind(kv), put } } });
      const pending: Promise<readonly [Written, number | undefined]>[] = [];
      for (let seen = 1; seen <= 20; seen++) {
        pending.push(instance.publish(write("burst", seen)).then((written) => [written, puts.at(-1)?.revision] as const));
        while ((await instance.revision("burst", seen + 1)) === null) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      return await Promise.all(pending);
    });
    expect(results.map(([written]) => revision(written))).toEqual(Array.from({ length: 20 }, (_, i) => i + 2));
    for (const [written, inKvThen] of results) expect(inKvThen).toBeGreaterThanOrEqual(revision(written) as number);
    expect(puts.length).toBeLessThanOrEqual(3);
    for (let i = 1; i < puts.length; i++) expect(puts[i]!.at - puts[i - 1]!.at).toBeGreaterThanOrEqual(1000);
    expect((await inKv("burst"))!.published.revision).toBe(21);
  });

  it("is refused when a script goes wild", async () => {
    const group = groupNamed("wild");
    const all = await Promise.all(Array.from({ length: 200 }, () => group.publish(write("wild", 7))));
    expect(all.filter((written) => refused(written)?.why === "busy").length).toBeGreaterThan(100);
  });
});
