import { listDurableObjectIds } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { call, create, READ_TOKEN, refreshGroups } from "../support/admin.ts";
import { inKv, laneFile, workerEnv } from "../support/group.ts";

// KV takes one write a second, so tests of several revisions take as many.
vi.setConfig({ testTimeout: 20_000 });

const { LANES } = workerEnv;
const url = (name: string, rest = "") => `/__lanes/api/groups/${name}${rest}`;
const at = (revision: number) => ({ "if-match": `"${revision}"` });

describe("a new group", () => {
  it("is created, read with its ETag, written over, and never created twice", async () => {
    const created = await create("cups", laneFile("cups"), { "x-reason": "the%20f%C3%BCrst", "x-actor": "ann" });
    expect(created.status).toBe(201);
    expect(created.headers.get("etag")).toBe('"1"');
    expect(await created.json()).toMatchObject({ revision: 1, at: expect.any(String), warnings: [] });
    const read = await call("GET", url("cups"), { token: READ_TOKEN });
    expect(read.headers.get("etag")).toBe('"1"');
    expect(read.headers.get("x-lanes-written")).toBe("1");
    const file = await read.json<object>();
    expect(file).toMatchObject({ ...laneFile("cups"), published: { revision: 1, by: "ann", reason: "the fürst" } });
    const again = await call("PUT", url("cups"), { body: { ...file, note: "second" }, headers: at(1) });
    expect([again.status, again.headers.get("etag")]).toEqual([200, '"2"']);
    expect(await inKv("cups")).toMatchObject({ note: "second", published: { revision: 2, by: "api", reason: "" } });
    expect((await create("cups", laneFile("cups"))).status).toBe(412);
  });

  it("may bring a `published` of its own, which means nothing", async () => {
    const published = { revision: 900, at: "2026-01-01T00:00:00Z", by: "x", reason: "", slots: [["gone", 10_000]] };
    expect((await create("copied", { ...laneFile("copied"), published })).status).toBe(201);
    expect((await inKv("copied"))!.published.revision).toBe(1);
  });
});

describe("a write", () => {
  it("must say what its writer has seen", async () => {
    const answer = await call("PUT", url("unseen"), { body: laneFile("unseen") });
    expect(answer.status).toBe(428);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ type: "urn:laneway:precondition-required", status: 428 });
  });

  it("that is stale learns what changed since", async () => {
    await create("stale", laneFile("stale"));
    await call("PUT", url("stale"), { body: laneFile("stale", [50, 20, 30]), headers: { ...at(1), "x-actor": "bob", "x-reason": "more" } });
    const answer = await call("PUT", url("stale"), { body: laneFile("stale"), headers: at(1) });
    expect(answer.status).toBe(412);
    expect(await answer.json()).toMatchObject({
      title: "stale",
      current: 2,
      since: [{ revision: 2, by: "bob", reason: "more" }],
      changes: [
        { path: "lanes.s1.weight", from: "60", to: "50" },
        { path: "lanes.s3.weight", from: "20", to: "30" },
      ],
    });
    for (const tag of ['W/"2"', '"x"', "2", '"3"'])
      expect((await call("PUT", url("stale"), { body: laneFile("stale"), headers: { "if-match": tag } })).status).toBe(412);
    expect((await call("PUT", url("stale"), { body: laneFile("stale"), headers: { "if-match": '"1", "2"' } })).status).toBe(200);
  });

  it("beside which KV was changed is a 409, whoever noticed it first", async () => {
    await create("drift", laneFile("drift"));
    await LANES.put("group:drift", JSON.stringify({ ...laneFile("drift"), note: "by hand" }));
    const first = await call("PUT", url("drift"), { body: laneFile("drift"), headers: at(1) });
    expect([first.status, await first.json()]).toMatchObject([409, { title: "drift", current: 2 }]);
    const noticed = await call("POST", url("drift", "/weights"), { body: { weights: { s2: 30 } }, headers: at(1) });
    expect([noticed.status, await noticed.json()]).toMatchObject([409, { title: "drift", current: 2, since: [{ by: "kv" }] }]);
    const read = await call("GET", url("drift"));
    expect(await read.json()).toMatchObject({ note: "by hand", published: { revision: 2, by: "kv", reason: "changed outside" } });
    expect((await call("PUT", url("drift"), { body: laneFile("drift"), headers: { "if-match": read.headers.get("etag")! } })).status).toBe(
      200,
    );
  });

  it("with problems lists them all, with path and reason, and writes nothing", async () => {
    const file = { ...laneFile("bad"), baseline: "s9", mode: "odd", extra: 1 };
    const answer = await create("bad", file);
    expect(answer.status).toBe(422);
    const { problems } = await answer.json<{ problems: { path: string; message: string }[] }>();
    expect(problems.map(({ path }) => path).sort()).toEqual(["baseline", "extra", "mode"]);
    expect(problems.every(({ message }) => message.length > 10)).toBe(true);
    expect(await inKv("bad")).toBeNull();
    const twice = await create("bad", '{ "schema": 1, "schema": 1 }');
    expect((await twice.json<{ problems: { path: string }[] }>()).problems.map(({ path }) => path)).toContain("schema");
    expect((await create("bad", "not json")).status).toBe(422);
    expect((await create("bad", laneFile("other"))).status).toBe(422);
  });

  it("may not claim another group's host, nor the admin's", async () => {
    await create("owner", laneFile("owner"));
    refreshGroups();
    const thief = await create("thief", { ...laneFile("thief"), hosts: ["owner.example.com"] });
    expect([thief.status, await thief.json()]).toMatchObject([422, { problems: [{ path: "hosts" }] }]);
    const env = { ADMIN_HOST: "lanes.example.com" };
    const file = { ...laneFile("admin"), hosts: ["lanes.example.com"] };
    const admin = await call("PUT", url("admin"), {
      body: file,
      headers: { "if-none-match": "*" },
      env,
      origin: "https://lanes.example.com",
    });
    expect([admin.status, await admin.json()]).toMatchObject([422, { problems: [{ path: "hosts" }] }]);
  });

  it("of more than a mebibyte is a 413, with and without a length", async () => {
    const body = JSON.stringify({ ...laneFile("long"), note: "x".repeat(1_100_000) });
    expect((await create("long", body)).status).toBe(413);
    expect((await create("long", new Blob([body]).stream())).status).toBe(413);
  });

  it("of a name that is none makes no object", async () => {
    for (const name of ["UPPER", "a".repeat(41), "-x", "%2e%2e", "a%2Fb", "*"])
      expect((await create(name, laneFile("x"))).status).toBe(404);
  });
});

describe("weights", () => {
  it("in percent: lanes that are not named keep their share, the baseline takes the rest, and only those move who must", async () => {
    await create("w", laneFile("w"));
    const answer = await call("POST", url("w", "/weights"), {
      body: { weights: { s3: 30 }, reason: "more s3" },
      headers: { ...at(1), "x-actor": "ann" },
    });
    expect([answer.status, answer.headers.get("etag")]).toEqual([200, '"2"']);
    const value = (await inKv("w"))!;
    expect(Object.entries(value.lanes).map(([lane, { weight }]) => [lane, weight])).toEqual([
      ["s1", 50],
      ["s2", 20],
      ["s3", 30],
    ]);
    expect(value.published).toMatchObject({
      by: "ann",
      reason: "more s3",
      slots: [
        ["s1", 5000],
        ["s3", 1000],
        ["s2", 2000],
        ["s3", 2000],
      ],
    });
    expect((await call("POST", url("w", "/weights"), { body: { weights: { s2: 0, s3: 0 } }, headers: at(2) })).status).toBe(200);
    expect((await inKv("w"))!.published.slots).toEqual([["s1", 10_000]]);
  });

  it.each([
    [{ s2: 90 }, "weights", "got 110 %"],
    [{ s9: 10 }, "weights.s9", "unknown lane"],
    [{ s2: -1 }, "weights.s2", "0 to 100"],
    [{ s2: 33.333 }, "weights.s2", "0.01"],
    [{ s2: "20" }, "weights.s2", "0 to 100"],
    [{ s1: 70 }, "weights.s1", "expected 60"],
    [7, "weights", "an object"],
  ])("that are impossible are a 422: %j", async (weights, path, message) => {
    if ((await inKv("impossible")) === null) await create("impossible", laneFile("impossible"));
    const answer = await call("POST", url("impossible", "/weights"), { body: { weights }, headers: at(1) });
    expect([answer.status, await answer.json()]).toMatchObject([422, { problems: [{ path, message: expect.stringContaining(message) }] }]);
    expect((await inKv("impossible"))!.published.revision).toBe(1);
  });

  it("of a stale writer are refused, and of a group that is not there", async () => {
    await create("behind", laneFile("behind"));
    await call("POST", url("behind", "/weights"), { body: { weights: { s2: 30 } }, headers: at(1) });
    expect((await call("POST", url("behind", "/weights"), { body: { weights: { s2: 10 } }, headers: at(1) })).status).toBe(412);
    expect((await call("POST", url("nowhere", "/weights"), { body: { weights: { s2: 10 } }, headers: at(1) })).status).toBe(404);
    expect((await call("POST", url("behind", "/weights"), { body: { weights: { s2: 10 } } })).status).toBe(428);
  });
});

describe("a rollback", () => {
  it("is a new, higher revision with the earlier file, and gives its visitors back", async () => {
    await create("undo", laneFile("undo"));
    await call("POST", url("undo", "/weights"), { body: { weights: { s3: 30 } }, headers: at(1) });
    const before = (await inKv("undo"))!;
    await call("PUT", url("undo"), { body: { ...laneFile("undo", [100, 0, 0]), note: "wrong" }, headers: at(2) });
    const answer = await call("POST", url("undo", "/rollback"), { body: { revision: 2 }, headers: at(3) });
    expect([answer.status, answer.headers.get("etag")]).toEqual([200, '"4"']);
    const after = (await inKv("undo"))!;
    expect(after).toEqual({
      ...before,
      published: { ...before.published, revision: 4, at: expect.any(String), by: "api", reason: "back to revision 2" },
    });
  });

  it("to a revision that is none is a 404, to one that is no lane file a 422", async () => {
    await create("nothing", laneFile("nothing"));
    const ask = (revision: unknown, seen: number) => call("POST", url("nothing", "/rollback"), { body: { revision }, headers: at(seen) });
    expect((await ask(9, 1)).status).toBe(404);
    expect((await ask("1", 1)).status).toBe(422);
    await LANES.put("group:nothing", "rubbish");
    await ask(1, 1);
    expect((await ask(2, 2)).status).toBe(422);
    expect((await ask(1, 2)).status).toBe(200);
  });
});

describe("the history", () => {
  it("lists revisions and audit, newest first, and shows what one of them changed", async () => {
    await create("past", laneFile("past"), { "x-actor": "ann" });
    await call("POST", url("past", "/weights"), { body: { weights: { s3: 30 }, reason: "more" }, headers: { ...at(1), "x-actor": "bob" } });
    const history = await (await call("GET", url("past", "/history"), { token: READ_TOKEN })).json();
    expect(history).toMatchObject({
      written: 2,
      revisions: [
        { revision: 2, by: "bob", reason: "more" },
        { revision: 1, by: "ann" },
      ],
      audit: [
        { action: "weights", by: "bob", from: 1, to: 2, reason: "more" },
        { action: "publish", by: "ann", from: null, to: 1 },
      ],
      switches: [],
    });
    const page = await (await call("GET", url("past", "/history?before=2&limit=1"))).json<{ revisions: object[] }>();
    expect(page.revisions).toMatchObject([{ revision: 1 }]);
    const one = await (await call("GET", url("past", "/history/2"))).json();
    expect(one).toMatchObject({
      revision: 2,
      file: { name: "past" },
      changes: [
        { path: "lanes.s1.weight", from: "60", to: "50" },
        { path: "lanes.s3.weight", from: "20", to: "30" },
      ],
    });
    expect((await call("GET", url("past", "/history/7"))).status).toBe(404);
    expect((await call("GET", url("never", "/history"))).status).toBe(404);
  });

  it("has an entry for each write that was refused, and makes no object for a group that is not there", async () => {
    await create("guarded", laneFile("guarded"));
    refreshGroups();
    await call("PUT", url("guarded"), { token: null, body: {}, headers: { "x-actor": "eve", "cf-connecting-ip": "203.0.113.9" } });
    await call("PUT", url("guarded"), { token: READ_TOKEN, body: {} });
    await call("PUT", url("not-there"), { token: null, body: {} });
    const { audit, refused } = await (await call("GET", url("guarded", "/history"))).json<{ audit: object[]; refused: object[] }>();
    expect(audit).toMatchObject([{ action: "publish" }]);
    expect(refused).toMatchObject([
      { action: "PUT /__lanes/api/groups/guarded: 403", by: "somebody at an unknown address", times: 1 },
      { action: "PUT /__lanes/api/groups/guarded: 401", by: '"eve" at 203.0.113.9', times: 1 },
    ]);
    const read = { token: READ_TOKEN };
    for (const rest of ["", "/history", "/history/1", "/stats", "/differences"])
      expect((await call("GET", url("not-there", rest), read)).status).toBe(404);
    expect((await call("POST", url("not-there", "/check"), { ...read, body: laneFile("not-there") })).status).toBe(200);
    expect((await call("DELETE", url("not-there", "/differences"))).status).toBe(404);
    const made = await listDurableObjectIds(workerEnv.GROUP);
    const [there, not] = ["guarded", "not-there"].map((name) => workerEnv.GROUP.idFromName(name));
    expect([made.some((id) => id.equals(there!)), made.some((id) => id.equals(not!))]).toEqual([true, false]);
  });
});

describe("a check", () => {
  it("shows problems, warnings, who moves and what changes, and writes nothing", async () => {
    await create("plan", laneFile("plan"));
    const file = { ...laneFile("plan", [50, 20, 30]), mirrors: [{ name: "m", lane: "s3", percent: 10 }] };
    const answer = await (await call("POST", url("plan", "/check"), { body: file, token: READ_TOKEN })).json();
    expect(answer).toMatchObject({
      problems: [],
      warnings: [{ path: "mirrors[0]" }, { path: "mirrors[0].lane" }],
      moved: [{ from: "s1", to: "s3", percent: 10 }],
      fallsBack: [],
      changes: expect.arrayContaining([{ path: "lanes.s3.weight", from: "20", to: "30" }]),
    });
    expect((await inKv("plan"))!.published.revision).toBe(1);
    const broken = await call("POST", url("plan", "/check"), { body: { name: "plan" } });
    expect([broken.status, await broken.json()]).toMatchObject([200, { problems: expect.any(Array), moved: [] }]);
    const fresh = await (await call("POST", url("unborn", "/check"), { body: laneFile("unborn") })).json();
    expect(fresh).toMatchObject({ problems: [], moved: [], changes: [] });
  });

  it("names bindings and secrets that this Worker lacks", async () => {
    const file = laneFile("bound") as Record<string, unknown> & ReturnType<typeof laneFile>;
    const origins = { web: { binding: "NOT_THERE", headers: { "x-key": { env: "NO_KEY" } } } };
    const lanes = { ...file.lanes, s2: { weight: 20, origins } };
    const answer = await call("POST", url("bound", "/check"), { body: { ...file, lanes } });
    expect(await answer.json()).toMatchObject({
      problems: [],
      warnings: [{ path: "lanes.s2.origins.web.binding" }, { path: "lanes.s2.origins.web.headers.x-key" }],
    });
    const baseline = await call("POST", url("bound", "/check"), {
      body: { ...file, lanes: { ...file.lanes, s1: { weight: 1, origins } } },
    });
    expect(await baseline.json()).toMatchObject({ problems: [{ path: "lanes.s1.origins.web.binding" }] });
  });
});

describe("the list of groups", () => {
  it("has those in force with their shares, and those that are only just published", async () => {
    await create("listed", laneFile("listed"));
    refreshGroups();
    await call("GET", "/__lanes/api/groups");
    await create("fresh", laneFile("fresh"));
    const { groups, off } = await (await call("GET", "/__lanes/api/groups", { token: READ_TOKEN })).json<{
      groups: { name: string }[];
      off: unknown;
    }>();
    expect(off).toEqual([]);
    expect(groups.find(({ name }) => name === "listed")).toMatchObject({
      revision: "1",
      source: "kv",
      baseline: "s1",
      lanes: [
        { name: "s1", percent: 60 },
        { name: "s2", percent: 20 },
        { name: "s3", percent: 20 },
      ],
    });
    expect(groups.find(({ name }) => name === "fresh")).toMatchObject({ revision: null });
  });
});
