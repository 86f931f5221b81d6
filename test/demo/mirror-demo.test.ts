import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { type Endpoint, problemsOf, tableOf } from "../../src/demo/mirror-demo.ts";

const diffy = { raw: 50, noise: 0, relative: 100, absolute: 50, real: true };
const place = (path: string, kind: string, verdict: string) => ({ path, kind, verdict, raw: 80, noise: 0, diffy });
const noise = [place("body.requestId", "value", "noise"), place("body.servedAt", "value", "noise"), place("body.tags", "order", "noise")];
const REGRESSION = place("body.price.cents", "value", "regression");
const found = (...paths: Endpoint["paths"]): Endpoint[] => [{ endpoint: "GET /product/:id", compared: 300, probed: 300, paths }];

describe("the mirror's demo", () => {
  it("is content with the planted regression and nothing but noise beside it", () => {
    expect(problemsOf(found(REGRESSION, ...noise))).toEqual([]);
  });

  it("complains of a regression that was not found, of any other, and of noise that is none", () => {
    expect(problemsOf(found(...noise))).toEqual([expect.stringContaining("and nothing else but noise, got nothing")]);
    expect(problemsOf(found(REGRESSION, place("body.name", "value", "suspect"), ...noise))).toEqual([
      expect.stringContaining("got GET /product/:id body.price.cents value: regression, GET /product/:id body.name value: suspect"),
    ]);
    expect(problemsOf(found(REGRESSION, ...noise.slice(1)))).toEqual(["body.requestId value is not called noise"]);
    expect(problemsOf([])).toHaveLength(5);
  });

  it("lines the table up", () => {
    const lines = tableOf(found(REGRESSION)).split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(
      /^ {2}GET \/product\/:id {2}body\.price\.cents {2}value +80 +0 {2}regression +50\.0 % +0\.0 % +100\.0 % +50\.0 % {2}yes$/,
    );
  });

  it("names the regression of the dark version, and only it", { timeout: 90_000 }, () => {
    const demo = `${import.meta.dirname}/../../src/demo/demo.ts`;
    const { status, stdout, stderr } = spawnSync(process.execPath, [demo, "--mirror", "--once"], { encoding: "utf8", cwd: "/" });
    expect(stderr).toBe("");
    expect(stdout).not.toContain("WRONG");
    expect(stdout.match(/ {2}regression {2}/g)).toHaveLength(1);
    expect(stdout).toMatch(/GET \/product\/:id {2}body\.price\.cents {2}value .* regression /);
    for (const noisy of ["requestId", "servedAt", "tags"])
      expect(stdout).toMatch(new RegExp(`GET /product/:id {2}body\\.${noisy} .* noise `));
    expect(status).toBe(0);
  });
});
