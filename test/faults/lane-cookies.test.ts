/** Contract section 3: our cookies are between us and visitors. No origin gets one, or sets one, of whichever group. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { headerOf } from "../support/origin.ts";
import { PLANT_HEADER, plantable } from "../support/plant.ts";
import * as reply from "../support/replies.ts";
import { group, sleep, startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld(
    (origins) => {
      const { s1, s2 } = origins;
      const half = { lanes: { s1: { weight: 1, origins: { web: s1.url } }, s2: { weight: 1, origins: { web: s2.url } } }, rules: [] };
      const files = [
        group("dom", origins, { ...half, hosts: ["dom.example"], sticky: { domain: "dom.example" } }),
        group("blog", origins, { hosts: ["blog.dom.example"], rules: [] }),
        group("ep", origins, { ...half, sticky: { epoch: 2, sameSite: "none" } }),
        group("pinned", origins, { ...half, lanes: { ...half.lanes, s1: { weight: 1, origins: { web: `${s1.url}/prefix` } } } }),
      ];
      return Object.fromEntries(files.map((file) => [file.name, file]));
    },
    { build: plantable },
  );
  for (let i = 0; i < 100 && (await world.router.fetch("/", { host: "ep.example" })).status !== 200; i++) await sleep(20);
}, 30_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

const SENT = [
  ["__Secure-lane-dom=1.1.55", undefined],
  ["lane-dom=1.1.55; x=1", "x=1"],
  ["x=1; __Host-lane-dom=1.1.55; lane-dom2=1.1.4", "x=1"],
  ['x=1; lane-dom="1.1.55"; y=2', "x=1; y=2"],
  ["x=1; lane-blog=anything", "x=1"],
  ["lane-color=blue; lane-dom=1.1", "lane-color=blue; lane-dom=1.1"],
  ["x=lane-dom=1.1.55; Lane-Dom=1.1.5", "x=lane-dom=1.1.55; Lane-Dom=1.1.5"],
] as const;

describe("a lane cookie", () => {
  it.each<[string, Record<string, string>]>([
    ["of its lane", {}],
    ["when our own code fails", { [PLANT_HEADER]: "decide" }],
  ])("fault B1: of another group under one domain reaches no origin: %s", async (_, more) => {
    for (const [cookie, left] of SENT) {
      const { seen } = await world.ask("blog", { host: "blog.dom.example", headers: { cookie, ...more } });
      expect([cookie, headerOf(seen[0]!.headers, "cookie")]).toEqual([cookie, left]);
    }
  });

  it("fault B1: that cannot be used hides none that can, and nobody is drawn anew", async () => {
    for (const [cookie, lane] of [
      ["lane-ep=1.1.5; lane-ep=1.2.7", "s1"],
      ["lane-ep=; lane-ep=1.2.9999", "s2"],
      ["lane-ep=1.2.10000; a=1; lane-ep=1.2.9999; lane-ep=1.2.7", "s2"],
      ["lane-ep=1.2.7; lane-ep=1.2.9999", "s1"],
    ] as const) {
      const { client, log, answer } = await world.ask("ep", { headers: { cookie } });
      expect([cookie, client.lane, log.reason, answer.headers["set-cookie"]]).toEqual([cookie, lane, "sticky", undefined]);
    }
  });

  it.each<[string, string, Record<string, string>]>([
    ["at its origin's own path", "/prefix", {}],
    ["when our own code fails", "/prefix", { [PLANT_HEADER]: "decide" }],
  ])("fault B9: is set by no origin, which would pin visitors to a lane: %s", async (_, path, more) => {
    const kept = ["sid=1; Path=/", "lane-color=blue", "a=lane-pinned=1.1.9"];
    const set = [
      "lane-pinned=1.1.9999; Path=/",
      `sid=1; Path=${path}`,
      "__Host-lane-pinned=1.1.9999; Path=/; Secure",
      "__Secure-lane-dom=1.1.9999; Domain=example; Secure",
      "lane-color=blue",
      "=lane-pinned=1.1.9999",
      " lane-pinned = x",
      "a=lane-pinned=1.1.9",
    ];
    world.s1.respond(reply.answer(200, "x", { "set-cookie": set }));
    const { answer } = await world.ask("pinned", { headers: { cookie: "lane-pinned=1.1.5", ...more } });
    expect(answer.headers["set-cookie"]).toEqual(kept);
    world.s1.respond(reply.answer(200, "x", { "set-cookie": set.slice(0, 1) }));
    expect((await world.ask("pinned", { headers: { cookie: "lane-pinned=1.1.5", ...more } })).answer.headers["set-cookie"]).toBeUndefined();
  });

  it("fault B9: of ours is set beside the origin's all the same", async () => {
    for (const origin of [world.s1, world.s2]) origin.respond(reply.answer(200, "x", { "set-cookie": ["lane-ep=1.2.1; Path=/", "b=2"] }));
    const set = (await world.ask("ep")).answer.headers["set-cookie"]!;
    expect([set.length, set[0]]).toEqual([2, "b=2"]);
    expect(set[1]).toMatch(/^lane-ep=1\.2\.\d+; Max-Age=/);
  });
});
