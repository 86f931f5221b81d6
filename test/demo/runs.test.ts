/** Runs beside each other in one folder: a second demo, the router on one's own files, and both of them asked for help. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type FreshCopy, freshCopy, type LongRun } from "../support/fresh-copy.ts";
import { type Origin, startOrigin } from "../support/origin.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let copy: FreshCopy;
let demo: LongRun;

beforeAll(async () => {
  copy = freshCopy();
  demo = copy.start("npm run demo");
  await demo.says("Ctrl-C ends it.");
});
afterAll(async () => {
  await copy?.remove();
});

const urlOf = (run: LongRun): string => /The dashboard: (http:\/\/[^/]+)/.exec(run.said())![1]!;
/** Less npx, which takes its time. */
const lanes = (args: string) => copy.bash(`node src/cli/lanes.ts ${args}`);
const json = async (args: string) => JSON.parse((await lanes(`${args} --json`)).text);
const shares = async (url: string, group: string): Promise<Record<string, number>> => {
  const { groups } = (await json(`status --url ${url}`)).published;
  const found = groups.find(({ name }: { name: string }) => name === group);
  return Object.fromEntries(found.lanes.map(({ name, percent }: { name: string; percent: number }) => [name, percent]));
};

describe("a second run in the same folder", () => {
  let second: LongRun;
  let url: string;

  beforeAll(async () => {
    await lanes("shift mock s2=40 --yes --reason before");
    second = copy.start("npm run demo");
    await second.says("Ctrl-C ends it.");
    url = urlOf(second);
  });
  afterAll(() => second?.end());

  it("fault D3: has a store of its own, and leaves the first one's groups as they are", async () => {
    expect(second.said()).toContain("Another run goes on in this folder; this one has a store of its own, .wrangler/laneway/2.");
    const [first] = (await json("history mock")).revisions;
    expect(first).toMatchObject({ reason: "before" });
    expect((await json(`history mock --url ${url}`)).revisions).toMatchObject([{ revision: 1, by: "npm run demo" }]);
    await lanes(`shift mock s2=0 --yes --url ${url}`);
    expect(await shares(urlOf(demo), "mock")).toMatchObject({ s2: 40 });
  });

  it("fault D3: says how its own KV is reached, and so it is", async () => {
    const [line] = /npx wrangler kv key put .+$/m.exec(second.said())!;
    expect((await copy.bash(line)).code).toBe(0);
    await vi.waitFor(
      async () => {
        await copy.bash(`curl -s ${url} -H "Host: mock.localhost"`);
        expect((await json(`history mock --url ${url}`)).revisions[0]).toMatchObject({ by: "kv" });
      },
      { timeout: 30_000, interval: 1_000 },
    );
    expect((await json("history mock")).revisions[0]).toMatchObject({ reason: "before" });
  });

  it("fault D3: takes the place of one that was killed", async () => {
    await second.end();
    writeFileSync(
      join(copy.folder, ".wrangler/laneway/2.json"),
      JSON.stringify({ pid: process.pid, token: "x", url: "http://127.0.0.1:9" }),
    );
    second = copy.start("npm run demo");
    await second.says("this one has a store of its own, .wrangler/laneway/2.");
  });
});

describe("the router on one's own files", () => {
  let [dev, origin] = [] as unknown as [LongRun, Origin];
  let url: string;
  let [nothing, early] = [] as unknown as Awaited<ReturnType<typeof lanes>>[];
  const path = () => join(copy.folder, "lanes/own.json");
  const file = (weight: number) => ({
    schema: 1,
    name: "own",
    hosts: ["own.test"],
    baseline: "stable",
    services: { web: {} },
    lanes: { stable: { weight: 100 - weight, origins: { web: origin.url } }, next: { weight, origins: { web: `${origin.url}/next` } } },
  });
  const put = (weight: number) => writeFileSync(path(), JSON.stringify(file(weight), null, 2));

  beforeAll(async () => {
    await demo.end();
    origin = await startOrigin("shop");
    // As "First deploy" has it, so that the store has another name than before.
    const toml = join(copy.folder, "wrangler.toml");
    const text = readFileSync(toml, "utf8").replace('binding = "LANES"', 'binding = "LANES"\nid = "0123456789abcdef0123456789abcdef"');
    writeFileSync(toml, text);
    await copy.bash('npx wrangler kv key put --binding LANES groups \'["left","over"]\'');
    const empty = copy.start("npm run dev");
    await empty.says("Ready on");
    nothing = await vi.waitFor(
      async () => {
        const ran = await lanes("status");
        expect(ran.text).toContain("There is no group yet");
        return ran;
      },
      { timeout: 30_000, interval: 1_000 },
    );
    await empty.end();
    put(50);
    dev = copy.start("npm run dev");
    await dev.says("Publishing lanes/own.json");
    early = await lanes("status");
    await dev.says("lanes/own.json is in force, as revision 1.");
    url = urlOf(dev);
  });
  afterAll(async () => {
    await dev?.end();
    await origin?.close();
  });

  it("fault D7: publishes them, and nothing else is left over: well, with a revision, and by whom", async () => {
    const status = await json("status");
    expect(status).toMatchObject({ status: "ok", published: { groups: [{ name: "own", revision: "1" }] } });
    expect((await json("history own")).revisions).toMatchObject([{ revision: 1, by: "npm run dev" }]);
  });

  it("says beforehand what it publishes, and whoever asks meanwhile that it starts", () => {
    const said = dev.said();
    expect(said.indexOf("Publishing lanes/own.json as soon as")).toBeGreaterThanOrEqual(0);
    expect(said.indexOf("Publishing lanes/own.json as soon as")).toBeLessThan(said.indexOf("Ready on"));
    expect(early).toMatchObject({ code: 2, text: expect.stringContaining("The local run of this folder is still starting.") });
  });

  it("without any file has a status that says how there will be one", () => {
    expect(nothing).toMatchObject({
      code: 1,
      text: expect.stringContaining("There is no group yet: npx lanes init writes a first lane file."),
    });
    expect(nothing!.text).not.toContain("revision");
  });

  it("fault D7: counts who comes", async () => {
    await copy.bash(`for i in $(seq 20); do curl -s -o /dev/null ${url} -H "Host: own.test"; done`);
    await vi.waitFor(
      async () => {
        await copy.bash(`curl -s ${url} -H "Host: own.test"`);
        const { visitors } = (await json("status own")).stats;
        expect(visitors.reduce((sum: number, { assigned }: { assigned: number }) => sum + assigned, 0)).toBeGreaterThanOrEqual(20);
      },
      { timeout: 40_000, interval: 1_000 },
    );
  });

  it("fault D7: publishes what changes, which `publish` then says; not what is broken; and lets a shift stand", async () => {
    put(30);
    await dev.says("lanes/own.json is in force, as revision 2.");
    const { code, text } = await lanes("publish own --yes");
    expect([code, text]).toEqual([
      0,
      expect.stringMatching(/says the same, published .+ by npm run dev\.[\s\S]+lanes\.next\.weight {2}50 → 30/),
    ]);
    await lanes("shift own next=10 --yes");
    writeFileSync(join(copy.folder, "lanes/other.json"), '{ "schema": 1,');
    await dev.says("lanes/other.json is not right. What was in force stays.");
    rmSync(join(copy.folder, "lanes/other.json"));
    await dev.says("lanes/other.json is gone, and its group with it.");
    expect(await shares(url, "own")).toMatchObject({ next: 10 });
    rmSync(path());
    await dev.says("lanes/own.json is gone, and its group with it.");
    put(10);
    await dev.says("lanes/own.json is in force, as revision 3.");
    expect(await shares(url, "own")).toMatchObject({ next: 10 });
    expect((await copy.bash(`curl -s -o /dev/null -w '%{http_code}' ${url} -H "Host: own.test"`)).text).toBe("200");
    expect(dev.said()).not.toContain("as revision 4");
  });

  it("fault D7: changes no file that git tracks", () => {
    expect(copy.changes()).toBe(" M wrangler.toml\n?? lanes/own.json\n");
  });

  it("fault D3: goes on beside another, each with its own port and store", async () => {
    const others: LongRun[] = [];
    for (let i = 0; i < 2; i++) {
      const other = copy.start("npm run dev");
      others.push(other);
      await other.says("is in force, as revision 1.");
    }
    const urls = [dev, ...others].map(urlOf);
    expect(new Set(urls).size).toBe(3);
    await Promise.all(others.map((one) => one.end()));
    expect((await json("history own")).revisions[0]).toMatchObject({ revision: 3, by: expect.not.stringContaining("npm") });
  });

  it("fault D8: says so where the port that it is given is taken", async () => {
    const port = url.split(":").at(-1);
    const { code, text } = await copy.bash(`npm run -s dev -- --port ${port}`);
    expect([code, text]).toEqual([2, `error: ${port} is no port, or is taken; without --port a free one is found\n`]);
  });
});

describe("fault D8: a local run that is asked for help, or for what there is not", () => {
  it.each(["demo", "dev"])("npm run %s -- --help", async (script) => {
    const { code, text } = await copy.bash(`npm run -s ${script} -- --help`);
    expect([code, text]).toEqual([0, expect.stringMatching(new RegExp(`^Usage: npm run ${script} -- \\[options\\]`))]);
  });

  it.each(["--nosuch", "--once=yes", "word"])("npm run demo -- %s", async (word) => {
    const { code, text } = await copy.bash(`npm run -s demo -- ${word}`);
    expect([code, text]).toEqual([2, expect.stringMatching(/^error: .+\n$/)]);
  });
});
