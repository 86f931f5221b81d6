import { describe, expect, it, vi } from "vitest";
import { call, create, READ_TOKEN, refreshGroups } from "../support/admin.ts";
import { laneFile, workerEnv } from "../support/group.ts";

// KV takes one write a second, so tests of several revisions take as many.
vi.setConfig({ testTimeout: 20_000 });

const off = (body: unknown, headers = {}) => call("PUT", "/__lanes/api/off", { body, headers });
const on = (body?: unknown) => call("DELETE", "/__lanes/api/off", { body });

describe("the off switch", () => {
  it("turns groups off and on by name, and is in every group's history", async () => {
    await create("left", laneFile("left"));
    await create("right", laneFile("right"));
    const turned = await off({ groups: ["left"], reason: "it burns" }, { "x-actor": "ann" });
    expect([turned.status, await turned.json()]).toEqual([200, { off: ["left"] }]);
    expect(await (await off({ groups: ["right"] })).json()).toEqual({ off: ["left", "right"] });
    expect(await workerEnv.LANES.get("off", "json")).toEqual(["left", "right"]);
    refreshGroups();
    expect(await (await call("GET", "/__lanes/health")).json()).toMatchObject({ off: ["left", "right"] });
    expect(await (await call("GET", "/__lanes/api/groups", { token: READ_TOKEN })).json()).toMatchObject({ off: ["left", "right"] });
    expect(await (await on({ groups: ["left"] })).json()).toEqual({ off: ["right"] });
    const { switches } = await (await call("GET", "/__lanes/api/groups/left/history")).json<{ switches: object[] }>();
    expect(switches).toMatchObject([
      { action: "on: left" },
      { action: "off: right" },
      { action: "off: left", by: "ann", reason: "it burns" },
    ]);
  });

  it("turns everything off, and everything on without a body", async () => {
    expect(await (await off({ groups: "*" })).json()).toEqual({ off: "*" });
    expect(await (await on()).json()).toEqual({ off: [] });
    expect(await workerEnv.LANES.get("off", "json")).toEqual([]);
  });

  it("refuses names that are none, because a mistyped switch is none", async () => {
    await create("known", laneFile("known"));
    const answer = await off({ groups: ["knwon"] });
    expect([answer.status, await answer.json()]).toMatchObject([
      422,
      { problems: [{ path: "groups", message: expect.stringContaining('did you mean "known"') }] },
    ]);
    for (const groups of [undefined, [], "known", [1], {}]) expect((await off({ groups })).status).toBe(422);
    expect((await off("no json")).status).toBe(400);
  });
});
