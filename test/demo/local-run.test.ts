import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { CHAINS, laneFile } from "../../src/demo/cast.ts";
import { freePort, type LocalRun, startLocalRun } from "../../src/demo/local-run.ts";
import { REFRESH_MS } from "../../src/edge/groups-kv.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const root = `${import.meta.dirname}/../..`;
const folder = mkdtempSync(`${tmpdir()}/laneway-`);
const execute = promisify(execFile);
let run: LocalRun;

beforeAll(async () => {
  run = await startLocalRun({ port: await freePort(0), state: `${folder}/v3`, onLog: () => {} });
});
afterAll(async () => {
  await run?.dispose();
  rmSync(folder, { recursive: true });
});

/** The command of the README, with a store of this test alone. */
async function kvPut(key: string, value: string): Promise<void> {
  const file = `${folder}/value`;
  writeFileSync(file, value);
  const wrangler = `${root}/node_modules/wrangler/bin/wrangler.js`;
  const put = ["kv", "key", "put", "--binding", "LANES", key, "--path", file, "--persist-to", folder];
  await execute(process.execPath, [wrangler, ...put], { cwd: root, env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true" } });
}

async function chainsSeen(): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: 40 }, () => run.get("mock.localhost", "/")));
  return [...new Set(answers.map(({ text }) => text))].sort();
}

async function health(): Promise<{ status: string; problems: { key: string }[] }> {
  return JSON.parse((await run.get("mock.localhost", "/__lanes/health", { authorization: `Bearer ${run.adminToken}` })).text);
}

const { s1, s2, s3 } = CHAINS.mock as Record<"s1" | "s2" | "s3", string>;

it("shifts the weights by a wrangler kv key put while it runs, without a restart", async () => {
  expect(await chainsSeen()).toEqual([s1, s2, s3].sort());
  await kvPut("group:mock", laneFile("mock").replace('"weight": 60', '"weight": 0'));
  const put = performance.now();
  await vi.waitFor(async () => expect(await chainsSeen()).toEqual([s2, s3].sort()), { timeout: 15_000, interval: 200 });
  // Refreshed behind the first request that finds it too old; the rest is what this machine takes.
  expect(performance.now() - put).toBeLessThan(REFRESH_MS + 5_000);
});

it("keeps the last good value when a broken one is put, and says so in its health", async () => {
  await kvPut("group:mock", laneFile("mock").replace('"baseline": "s1"', '"baseline": "s9"'));
  await vi.waitFor(async () => expect((await health()).status).toBe("degraded"), { timeout: 15_000, interval: 200 });
  expect((await health()).problems.map(({ key }) => key)).toEqual(["group:mock"]);
  expect(await chainsSeen()).toEqual([s2, s3].sort());
});

it("explains a request with the token of the run", async () => {
  const describe = { method: "GET", url: "http://product.localhost/product/1", headers: { baggage: "pr=123" } };
  const answer = await fetch(`http://127.0.0.1:${run.port}/__lanes/api/explain`, {
    method: "POST",
    headers: { authorization: `Bearer ${run.adminToken}`, "content-type": "application/json" },
    body: JSON.stringify(describe),
  });
  expect(await answer.json()).toMatchObject({
    group: "product",
    service: "app1",
    lane: "new-version",
    reason: "rule:pr",
    servedBy: "live-version",
  });
});
