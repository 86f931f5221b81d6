import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { CHAINS, GREETINGS } from "../../src/demo/cast.ts";

it("plays all three examples with --once, and ends with exit code 0", { timeout: 60_000 }, () => {
  const demo = `${import.meta.dirname}/../../src/demo/demo.ts`;
  const { status, stdout, stderr } = spawnSync(process.execPath, [demo, "--once"], { encoding: "utf8", cwd: "/" });
  expect(stderr).toBe("");
  for (const chain of [...Object.values(CHAINS.mock), ...Object.values(CHAINS.version)]) {
    expect(stdout).toMatch(new RegExp(`^${chain.replaceAll(/[().]/g, "\\$&")} {3}\\d+ times$`, "m"));
  }
  for (const text of [GREETINGS.live, GREETINGS.withPr, '"pr":"123"', "configured  observed   expected chain"])
    expect(stdout).toContain(text);
  expect(status).toBe(0);
});
