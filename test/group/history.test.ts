import { describe, expect, it, vi } from "vitest";
import { Revisions } from "../../src/group/revisions.ts";
import { groupNamed, inKv, insideGroup, laneFile, write } from "../support/group.ts";

// KV takes one write a second, so tests of several revisions take as many.
vi.setConfig({ testTimeout: 20_000 });

describe("the history of a group", () => {
  it("takes 1,000 revisions in a burst, keeps them all, and gives them page by page", { timeout: 50_000 }, async () => {
    const group = groupNamed("long");
    const results = await insideGroup("long", async (instance) => {
      const pending = [];
      for (let seen = 0; seen < 1_000; seen++) {
        const file = JSON.stringify(laneFile("long", [seen % 90, 10, 10]));
        pending.push(instance.commit(write("long", seen === 0 ? null : seen, { file, reason: `no. ${seen + 1}` })));
        while (instance.revision("long", seen + 1) === null) await new Promise((resolve) => setTimeout(resolve, 0));
      }
      return await Promise.all(pending);
    });
    expect(results.every((written) => !("refused" in written))).toBe(true);
    expect((await inKv("long"))!.published.revision).toBe(1_000);
    const pages = [];
    for (let before = Number.MAX_SAFE_INTEGER; before > 1; before = pages.at(-1)!.revisions.at(-1)!.revision) {
      pages.push(await group.history("long", before, 300));
    }
    const revisions = pages.flatMap((page) => page.revisions);
    expect(revisions.map(({ revision }) => revision)).toEqual(Array.from({ length: 1_000 }, (_, i) => 1_000 - i));
    expect(revisions.at(-1)).toMatchObject({ by: "ann", reason: "no. 1" });
    expect(pages[0]!.audit[0]).toMatchObject({ action: "publish", by: "ann", from: 999, to: 1_000, reason: "no. 1000" });
    const first = await group.revision("long", 1);
    expect(JSON.parse(first!.text!).lanes.s1.weight).toBe(0);
    // Ninety different weights, over and over, leave few runs.
    expect((await inKv("long"))!.published.slots.length).toBeLessThan(12);
  });

  it("gives an earlier revision's visitors their lanes back", async () => {
    const group = groupNamed("undo");
    await group.publish(write("undo", null));
    await group.publish(write("undo", 1, { file: JSON.stringify(laneFile("undo", [50, 20, 30])) }));
    const before = (await inKv("undo"))!.published.slots;
    await group.publish(write("undo", 2, { file: JSON.stringify(laneFile("undo", [100, 0, 0])) }));
    await group.publish(write("undo", 3, { file: JSON.stringify(laneFile("undo", [50, 20, 30])), slots: before, action: "rollback" }));
    expect((await inKv("undo"))!.published).toMatchObject({ revision: 4, slots: before });
    expect((await group.history("undo", 100, 1)).audit).toMatchObject([{ action: "rollback", from: 3, to: 4 }]);
  });

  it("forgets the texts of revisions past the thousandth, never that they were, and caps the audit", async () => {
    await insideGroup("old", (_, { storage }) => {
      const revisions = new Revisions(storage.sql, "group:old");
      for (let revision = 1; revision <= 1_001; revision++) revisions.append({ revision, at: "", by: "", reason: "" }, `text ${revision}`);
      expect(revisions.get(1)).toMatchObject({ revision: 1, text: null });
      expect(revisions.get(2)).toMatchObject({ text: "text 2" });
      expect(revisions.find("text 1")).toBe(1);
      for (let i = 0; i < 5_100; i++) revisions.audit({ at: "", by: "", action: "publish", from: null, to: null, reason: "" });
      expect(storage.sql.exec("SELECT COUNT(*) AS n FROM audit").one()).toEqual({ n: 5_000 });
      // Where a value put by hand left a gap, too.
      for (let more = 0; more < 10; more++) revisions.append({ revision: 9_000 + more, at: "", by: "", reason: "" }, `more ${more}`);
      expect([revisions.get(11)!.text, revisions.get(12)!.text, revisions.before(9_000)!.revision]).toEqual([null, "text 12", 1_001]);
    });
  });

  it("keeps refused writes apart, so many, and those of whoever has a token the longest", async () => {
    await insideGroup("refused", (_, { storage }) => {
      const revisions = new Revisions(storage.sql, "group:refused");
      revisions.audit({ at: "", by: "ann", action: "publish", from: null, to: 1, reason: "" });
      revisions.refuse({ at: "0", by: "reader", action: "PUT: 403" }, true);
      for (let i = 0; i < 5_100; i++) revisions.refuse({ at: String(10_000 + i), by: `eve ${i}`, action: "PUT: 401" }, false);
      for (let i = 0; i < 50; i++) revisions.refuse({ at: "20000", by: "eve", action: "PUT: 401" }, false);
      expect(revisions.audits(500)).toMatchObject([{ by: "ann", action: "publish" }]);
      const refusals = revisions.refusals(500);
      expect(refusals).toHaveLength(100);
      expect([refusals[0], refusals.at(-1)]).toMatchObject([
        { by: "eve", times: 50 },
        { by: "reader", times: 1 },
      ]);
    });
  });
});
