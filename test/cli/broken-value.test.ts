/** A value that somebody put into KV, and that is JSON but no lane file: the way back, and what is said before it is gone. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runLanes } from "../support/lanes.ts";
import { type Router, startRouter } from "../support/router.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const ADMIN = "admin-token-admin-token-admin-token-0";

const mock = (s1: unknown, more: object = {}) => ({
  schema: 1,
  name: "mock",
  hosts: ["mock.test"],
  baseline: "s1",
  services: { web: {} },
  lanes: {
    s1: { weight: s1, origins: { web: "http://127.0.0.1:9" } },
    s2: { weight: 20, origins: { web: "http://127.0.0.1:9" } },
    s3: { weight: 20, origins: { web: "http://127.0.0.1:9" } },
  },
  ...more,
});

let cwd: string;
let router: Router;

beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), "lanes-"));
  router = await startRouter({ groups: { mock: mock(60) }, bindings: { LANEWAY_ADMIN_TOKEN: ADMIN } });
  await router.fetch("/", { host: "mock.test" });
  writeFileSync(join(cwd, "mock.json"), JSON.stringify(mock(60)));
});
afterEach(async () => {
  await router?.dispose();
  rmSync(cwd, { recursive: true });
});

const lanes = (...args: string[]) => runLanes(args, { cwd, env: { LANEWAY_URL: router.url, LANEWAY_ADMIN_TOKEN: ADMIN } });
const done = async (...args: string[]) => {
  const { code, out, err } = await lanes(...args);
  expect([code, err], out).toEqual([0, ""]);
  return out;
};

const BROKEN = [
  ["a weight that is a text", mock("20%")],
  ["a rule to a lane that there is not", mock(0, { rules: [{ name: "pr", when: { path: "/" }, lane: "nosuch" }] })],
  ["a key that there is not", mock(0, { wieghts: {} })],
  ["a newer schema", mock(0, { schema: 2 })],
  ["half of a file", "half"],
] as const;

describe("a broken value in KV", () => {
  it.each(BROKEN)("is left by a rollback, and nobody but whom the preview names moves: %s", async (_, value) => {
    await done("shift", "mock", "s2=80", "--yes");
    if (value === "half") await router.kv.put("group:mock", JSON.stringify(mock(60)).slice(0, 100));
    else await router.putGroup("mock", value);
    const history = await done("history", "mock");
    expect(history).toMatch(/^ +3 .+changed outside, no lane file/m);
    expect(history).not.toMatch(/^ +[12] .+no lane file/m);

    // Back to what serves: nobody moves. Further back: those who the last good revision had elsewhere.
    const dry = await done("rollback", "mock", "--dry-run");
    expect(dry).toContain("Back to revision 2 of mock");
    expect(dry).toContain("Held against revision 2, which serves: revision 3 is no lane file.");
    expect(dry).toMatch(/Who moves\n +nobody/);
    const further = await done("rollback", "mock", "1", "--dry-run");
    expect(further).toContain("60 % of all visitors: s2 → s1");

    const published = await done("publish", "mock.json", "--dry-run");
    expect(published).toContain("lanes.s2.weight  80 → 20");
    expect(published).toContain("60 % of all visitors: s2 → s1");
    expect(published).not.toContain("nobody");

    const written = await done("rollback", "mock", "1", "--yes");
    expect(written).toContain("✓ mock is at revision 4.");
    expect(written).toContain("Undo: npx lanes rollback mock 2\n");
    expect(await done("rollback", "mock", "--dry-run")).toContain("Back to revision 2 of mock");
  });

  it("is skipped by whoever goes back without a number, however many there are", async () => {
    await done("shift", "mock", "s2=80", "--yes");
    for (const [, value] of BROKEN.slice(0, 3)) {
      await router.putGroup("mock", value);
      await done("history", "mock");
    }
    expect(await done("rollback", "mock", "--yes")).toContain("✓ mock is at revision 6.\n");
    expect((await lanes("rollback", "mock", "4", "--yes")).code).toBe(1);
    expect(await done("rollback", "mock", "--dry-run")).toContain("Back to revision 2 of mock");
  });

  it("is held against what serves by plan, and has no undo that would not work", async () => {
    await router.kv.put("group:mock", JSON.stringify(mock(60)));
    await done("shift", "mock", "s2=80", "--yes");
    await router.putGroup("mock", mock("20%"));
    const plan = await done("plan", "mock.json");
    expect(plan).toContain("against revision 2, which is published");
    expect(plan).toContain("60 % of all visitors: s2 → s1");
    const shift = await lanes("shift", "mock", "s2=1", "--yes");
    expect([shift.code, shift.err]).toEqual([1, expect.stringContaining("npx lanes rollback mock")]);
    expect(await done("publish", "mock.json", "--yes")).toContain("Undo: npx lanes rollback mock 2\n");
  });
});

describe("a preview", () => {
  it("says that nothing is known where nothing readable was ever published", async () => {
    const empty = await startRouter({ groups: { mock: mock("20%") }, bindings: { LANEWAY_ADMIN_TOKEN: ADMIN } });
    const asked = (...args: string[]) => runLanes(args, { cwd, env: { LANEWAY_URL: empty.url, LANEWAY_ADMIN_TOKEN: ADMIN } });
    const { out } = await asked("publish", "mock.json", "--dry-run");
    const back = await asked("rollback", "mock", "--yes");
    const written = await asked("publish", "mock.json", "--yes");
    await empty.dispose();
    expect(out).toMatch(/Who moves\n +not known: what is published is no lane file/);
    expect(out).not.toContain("What changes");
    expect(back).toMatchObject({ code: 1, err: expect.stringContaining("there is nothing to go back to") });
    expect(written.out).toContain("✓ mock is at revision 2.");
    expect(written.out).not.toContain("Undo");
  });

  it("names those who move where other weights were put into KV by hand", async () => {
    await done("history", "mock");
    await router.putGroup("mock", mock(0));
    expect(await done("publish", "mock.json", "--dry-run")).toMatch(/\d+ % of all visitors: s[23] → s1/);
  });

  it("of putting back names those whom it moves, not the fewest that could be", async () => {
    for (const share of ["s2=20", "s3=0", "s3=20"]) await done("shift", "mock", share, "--yes");
    const { moved } = JSON.parse((await lanes("rollback", "mock", "2", "--dry-run", "--json")).out).preview;
    const checked = await router.fetch("/__lanes/api/groups/mock/check?back=2", {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN}` },
      body: JSON.stringify(mock(60)),
    });
    expect(JSON.parse(checked.text).moved).toEqual(moved);
    expect(moved).toEqual([
      { from: "s1", to: "s3", percent: 20 },
      { from: "s3", to: "s1", percent: 20 },
    ]);
  });
});
