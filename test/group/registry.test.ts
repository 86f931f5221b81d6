import { afterEach, describe, expect, it, vi } from "vitest";
import { BUNDLED } from "../../src/edge/bundled.ts";
import { REGISTRY } from "../../src/group/group.ts";
import { groupNamed, inKv, insideGroup, laneFile, workerEnv, write } from "../support/group.ts";

// KV takes one write a second, so tests of several revisions take as many.
vi.setConfig({ testTimeout: 20_000 });

const { LANES } = workerEnv;
const registry = groupNamed(REGISTRY);
const turn = (groups: "*" | string[], off: boolean) => registry.turn({ groups, off, by: "ann", reason: "night" });

/** The object starts anew: nothing in KV, nothing remembered. */
async function forget(): Promise<void> {
  await Promise.all([LANES.delete("groups"), LANES.delete("off")]);
  await insideGroup(REGISTRY, (_, { storage }) => {
    for (const table of ["revisions", "written", "audit"]) storage.sql.exec(`DELETE FROM ${table}`);
  });
}

describe("`groups`", () => {
  const bundled = BUNDLED as Map<string, unknown>;
  const before = [...bundled];
  afterEach(async () => {
    bundled.clear();
    for (const [name, file] of before) bundled.set(name, file);
    await forget();
  });

  it("stays absent while only bundled groups are published", async () => {
    bundled.clear();
    bundled.set("mock-b", laneFile("mock-b"));
    await groupNamed("mock-b").publish(write("mock-b", null));
    expect(await LANES.get("groups")).toBeNull();
    expect((await registry.names()).names).toEqual(["mock-b"]);
  });

  it("begins with the bundled groups, which are published with it, because without that they would serve no more", async () => {
    bundled.clear();
    bundled.set("shop-b", laneFile("shop-b"));
    bundled.set("cart-b", laneFile("cart-b"));
    await groupNamed("own").publish(write("own", null));
    expect(await LANES.get("groups", "json")).toEqual(expect.arrayContaining(["cart-b", "own", "shop-b"]));
    for (const name of ["cart-b", "shop-b"]) expect((await inKv(name))!.published).toMatchObject({ revision: 1, by: "laneway" });
  });

  it("keeps what was added by hand", async () => {
    await LANES.put("groups", JSON.stringify(["by-hand"]));
    await groupNamed("added").publish(write("added", null));
    expect(await LANES.get("groups", "json")).toEqual(expect.arrayContaining(["added", "by-hand"]));
  });

  it("is mended where somebody put rubbish in its place", async () => {
    await groupNamed("kept").publish(write("kept", null));
    await LANES.put("groups", "[rubbish");
    await groupNamed("mended").publish(write("mended", null));
    expect(await LANES.get("groups", "json")).toEqual(expect.arrayContaining(["kept", "mended"]));
  });

  it("gets all names of groups that are published at once", async () => {
    bundled.clear();
    const names = Array.from({ length: 8 }, (_, i) => `many-${i}`);
    await Promise.all(names.map((name) => groupNamed(name).publish(write(name, null))));
    // Objects of the tests before may list theirs again: their alarms do not know that all was forgotten.
    expect(await LANES.get("groups", "json")).toEqual(expect.arrayContaining(names));
  });
});

describe("`off`", () => {
  afterEach(forget);

  it("takes names on top of those that are off, and gives single ones back", async () => {
    expect(await turn(["a"], true)).toEqual({ off: ["a"] });
    expect(await turn(["b"], true)).toEqual({ off: ["a", "b"] });
    expect(await LANES.get("off", "json")).toEqual(["a", "b"]);
    expect(await turn(["a"], false)).toEqual({ off: ["b"] });
    expect(await turn("*", true)).toEqual({ off: "*" });
    expect(await LANES.get("off", "json")).toBe("*");
    expect(await turn("*", false)).toEqual({ off: [] });
    expect((await registry.switches(2)).map(({ action, by, reason }) => [action, by, reason])).toEqual([
      ["on: *", "ann", "night"],
      ["off: *", "ann", "night"],
    ]);
  });

  it("leaves the other groups off when one comes back from `*`", async () => {
    await LANES.put("groups", JSON.stringify(["a", "b", "c"]));
    await turn("*", true);
    expect(await turn(["b"], false)).toEqual({ off: ["a", "c"] });
  });

  it("never switches on what somebody put into KV by hand", async () => {
    await LANES.put("off", JSON.stringify(["by-hand"]));
    expect(await turn(["a"], true)).toEqual({ off: ["a", "by-hand"] });
    // An earlier value, after a time in which it cannot be lag any more, is an edit.
    await turn(["by-hand"], false);
    await LANES.put("off", JSON.stringify(["a", "by-hand"]));
    await insideGroup(REGISTRY, (_, { storage }) => {
      storage.sql.exec("UPDATE written SET at = at - 130000");
    });
    expect(await turn(["b"], true)).toEqual({ off: ["a", "b", "by-hand"] });
  });

  it("is on in a second, and works while KV cannot be read", async () => {
    await insideGroup(REGISTRY, (instance) => {
      Object.assign(instance, {
        env: { ...workerEnv, LANES: { get: () => Promise.reject(new Error("500")), put: LANES.put.bind(LANES) } },
      });
    });
    const started = Date.now();
    expect(await turn("*", true)).toEqual({ off: "*" });
    expect(Date.now() - started).toBeLessThan(1_500);
    expect(await LANES.get("off", "json")).toBe("*");
  });
});
