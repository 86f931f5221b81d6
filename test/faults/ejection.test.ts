/** Contract section 6, ejection: per isolate, lane and service. The long run of it, by the clock, is in `test/eject.test.ts`. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connectRaw } from "../support/raw-client.ts";
import * as reply from "../support/replies.ts";
import { clientSaw, group, refuse, sleep, startWorld, type Told, until, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld(
    (origins) => {
      const { s1, s2 } = origins;
      const of = (name: string, eject: object, more: object = {}) =>
        group(name, origins, { fallback: { timeoutMs: 2_000, deadlineMs: 4_000, eject }, ...more });
      const long = { failures: 3, seconds: 600 };
      const files = [
        of("probed", { failures: 3, seconds: 1 }),
        of("posts", { failures: 2, seconds: 1 }),
        ...["refused", "reset", "error-page"].map((shape) => of(`dead-${shape}`, { failures: 2, seconds: 600 })),
        group("dead-hanging", origins, { fallback: { timeoutMs: 200, eject: { failures: 2, seconds: 600 } } }),
        of(
          "dead-throwing",
          { failures: 2, seconds: 600 },
          { lanes: { s1: { weight: 1, origins: { web: s1.url } }, s2: { origins: { web: { binding: "THROWS" } } } } },
        ),
        of("mixed", long),
        of("writes", long),
        of("budget", { failures: 5, seconds: 600 }),
        of("left", { failures: 1, seconds: 600 }),
        of("baseline", { failures: 1, seconds: 600 }, { rules: [] }),
        of(
          "services",
          { failures: 1, seconds: 600 },
          {
            services: { web: {}, api: { path: "/api" } },
            lanes: {
              s1: { weight: 1, origins: { web: s1.url, api: s1.url } },
              s2: { origins: { web: s2.url, api: s2.url } },
              s3: { origins: { web: s2.url } },
            },
            rules: [
              { name: "s3", when: { path: { prefix: "/s3" } }, lane: "s3" },
              { name: "all", when: { path: { prefix: "/" } }, lane: "s2" },
            ],
          },
        ),
        of("with-fallback-lane", { failures: 1, seconds: 600 }, { services: { web: { fallback: "s3" } } }),
      ];
      return Object.fromEntries(files.map((file) => [file.name, file]));
    },
    { workers: { THROWS: `export default { fetch() { throw new Error("lane bug"); } }` } },
  );
}, 30_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

const ejected = ({ client, asked, log }: Told): void => {
  expect(client).toMatchObject({ status: 200, text: "s1", lane: "s2", servedBy: "s1", fallback: "ejected" });
  expect(asked).toEqual(["s1"]);
  expect(log).toMatchObject({ lane: "s2", servedBy: "s1", fallback: "ejected", status: 200 });
};
const inLane = ({ client, asked, log }: Told): void => {
  expect(client).toMatchObject({ status: 200, text: "s2", servedBy: "s2", fallback: undefined });
  expect(asked).toEqual(["s2"]);
  expect(log).toMatchObject({ servedBy: "s2", fallback: null, status: 200 });
};
const fellBack = ({ client, asked, log }: Told, fallback: string): void => {
  expect(client).toMatchObject({ status: 200, text: "s1", servedBy: "s1", fallback });
  expect(asked).toEqual(["s2", "s1"]);
  expect(log).toMatchObject({ servedBy: "s1", fallback, status: 200 });
};

describe("a lane that keeps failing", () => {
  it("fault 54: is skipped, probed by one request at a time, skipped for twice as long, and taken back when it answers", async () => {
    world.s2.respond(reply.answer(503));
    for (let failure = 1; failure <= 3; failure++) fellBack(await world.ask("probed"), "status:503");
    const [ejectedAt, first] = [performance.now(), world.s2.requests.length];
    ejected(await world.ask("probed"));
    ejected(await world.ask("probed", { method: "POST", body: "order" }));

    // While the probe is out, nobody else goes there.
    await sleep(1_050 - (performance.now() - ejectedAt));
    ejected(await world.ask("probed", { method: "POST", body: "a write is no probe" }));
    world.s2.respond(reply.after(300, reply.answer(503)));
    const probe = world.ask("probed");
    await until(() => world.s2.requests.length > first);
    for (const told of await Promise.all([1, 2, 3, 4].map(() => world.ask("probed")))) ejected(told);
    fellBack(await probe, "status:503");
    expect(world.s2.requests).toHaveLength(first + 1);

    // Twice as long, though it would answer.
    world.s2.reset();
    const again = performance.now();
    await sleep(1_300);
    ejected(await world.ask("probed"));
    await sleep(2_050 - (performance.now() - again));
    inLane(await world.ask("probed"));
    inLane(await world.ask("probed", { method: "POST", body: "order" }));
  }, 15_000);

  it("fault 54: is not brought back by writes alone, which go to the baseline meanwhile", async () => {
    world.s2.respond(reply.answer(503));
    await world.ask("posts");
    await world.ask("posts");
    world.s2.reset();
    await sleep(1_050);
    for (let i = 0; i < 3; i++) ejected(await world.ask("posts", { method: "POST", body: "order" }));
    inLane(await world.ask("posts"));
  });

  it.each([
    ["refused", "connect"],
    ["reset", "connect"],
    ["error-page", "status:530"],
    ["hanging", "timeout"],
    ["throwing", "connect"],
  ])("fault 54: is skipped, whatever shape its death has: %s", async (shape, fallback) => {
    if (shape === "refused") await refuse(world.s2);
    if (shape === "reset") world.s2.respond(reply.resetBeforeHeaders());
    if (shape === "error-page") world.s2.respond(reply.answer(530, "error code: 1016"));
    if (shape === "hanging") world.s2.respond(reply.hang());
    for (let failure = 1; failure <= 2; failure++) {
      const { client, log } = await world.ask(`dead-${shape}`);
      expect(client).toMatchObject({ status: 200, servedBy: "s1", fallback });
      expect(log).toMatchObject({ fallback });
    }
    const before = world.s2.requests.length;
    ejected(await world.ask(`dead-${shape}`));
    expect(world.s2.requests).toHaveLength(before);
  });

  it("counts failures in a row: an answer in between starts anew", async () => {
    const failing = async () => {
      world.s2.respondOnce(reply.answer(503));
      fellBack(await world.ask("mixed"), "status:503");
    };
    await failing();
    await failing();
    inLane(await world.ask("mixed"));
    await failing();
    await failing();
    inLane(await world.ask("mixed"));
    for (let failure = 1; failure <= 3; failure++) await failing();
    ejected(await world.ask("mixed"));
  });

  it("counts those that were not repeated as well", async () => {
    world.s2.respond(reply.resetBeforeHeaders());
    for (let failure = 1; failure <= 3; failure++) {
      const { client, asked } = await world.ask("writes", { method: "POST", body: "order" });
      expect(client).toMatchObject({ status: 502, servedBy: "s2", fallback: undefined });
      expect(asked).toEqual(["s2"]);
    }
    ejected(await world.ask("writes", { method: "POST", body: "order" }));
  });

  it("fault 54: costs no more than its retry budget where it fails every other time", async () => {
    let asked = 0;
    let repeated = 0;
    for (let last: Told | null = null; last?.client.fallback !== "ejected" && asked < 100; asked++) {
      if (asked % 2 === 0) world.s2.respondOnce(reply.answer(503));
      last = await world.ask("budget");
      if (last.client.fallback === "status:503") repeated += 1;
    }
    // 20 to begin with, and a fifth of one for each answer.
    expect(asked).toBeGreaterThan(40);
    expect(asked).toBeLessThan(60);
    expect(repeated).toBeLessThanOrEqual(20 + asked / 5);
    ejected(await world.ask("budget"));
  });
});

describe("a failure counts against nobody else", () => {
  it("neither another service of the lane, nor another lane at the same address", async () => {
    world.s2.respondOnce(reply.answer(503));
    fellBack(await world.ask("services"), "status:503");
    ejected(await world.ask("services"));
    inLane(await world.ask("services", { path: "/api" }));
    const third = await world.ask("services", { path: "/s3" });
    expect(third.client).toMatchObject({ status: 200, text: "s2", lane: "s3", servedBy: "s3", fallback: undefined });
    expect(third.asked).toEqual(["s2"]);
    expect(third.log).toMatchObject({ servedBy: "s3", fallback: null });
  });

  it("never the baseline, however often it fails", async () => {
    world.s1.respond(reply.answer(503, "of the baseline"));
    for (let failure = 1; failure <= 8; failure++) {
      const { client, asked, log } = await world.ask("baseline");
      expect(client).toMatchObject({ status: 503, text: "of the baseline", servedBy: "s1", fallback: undefined });
      expect(asked).toEqual(["s1"]);
      expect(log).toMatchObject({ fallback: null });
    }
  });

  it("the service's fallback lane serves while the lane is skipped, and the baseline when both are", async () => {
    world.s2.respondOnce(reply.answer(503));
    fellBack(await world.ask("with-fallback-lane"), "status:503");
    const second = await world.ask("with-fallback-lane");
    expect(second.client).toMatchObject({ status: 200, text: "s3", servedBy: "s3", fallback: "ejected" });
    expect(second.asked).toEqual(["s3"]);
    expect(second.log).toMatchObject({ servedBy: "s3", fallback: "ejected" });
    world.s3.respondOnce(reply.answer(503));
    const third = await world.ask("with-fallback-lane");
    expect(third.client).toMatchObject({ text: "s1", fallback: "status:503" });
    expect(third.asked).toEqual(["s3", "s1"]);
    ejected(await world.ask("with-fallback-lane"));
  });
});

describe("a client that leaves blames nobody", () => {
  const head = "Host: left.example\r\n";
  it.each([
    ["waiting for the answer, by a reset", `GET /x HTTP/1.1\r\n${head}\r\n`, "reset"],
    ["in its upload, by a reset", `POST /x HTTP/1.1\r\n${head}content-length: 100\r\n\r\nabc`, "reset"],
    ["in its upload, by a close", `POST /x HTTP/1.1\r\n${head}content-length: 100\r\n\r\nabc`, "close"],
    ["in a chunked upload, by a reset", `POST /x HTTP/1.1\r\n${head}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`, "reset"],
    ["in a chunked upload, by a close", `POST /x HTTP/1.1\r\n${head}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`, "close"],
  ] as const)("fault 55: %s", async (_, bytes, leave) => {
    world.s2.respond(reply.hang());
    const client = await connectRaw(world.router.url);
    await client.write(bytes);
    await until(() => world.s2.requests.length === 1);
    await sleep(50);
    client[leave]();
    clientSaw("nothing: it left");
    const [seen] = world.s2.requests;
    await seen!.settled;
    expect(seen!.aborted).toBe(true);
    await sleep(100);
    expect(world.s1.requests).toHaveLength(0);
    world.s2.reset();
    inLane(await world.ask("left"));
  });
});
