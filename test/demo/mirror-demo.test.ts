import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { FORMATS } from "../../src/demo/catalog-formats.ts";
import { type Endpoint, NOISY, problemsOf, REGRESSIONS, tableOf } from "../../src/demo/mirror-demo.ts";

const diffy = { raw: 50, noise: 0, relative: 100, absolute: 50, real: true };
const place = (path: string, kind: string, verdict: string) => ({ path, kind, verdict, raw: 80, noise: 0, diffy });
const endpoint = (verdict: string) => (name: string) => {
  const [method, path, at, kind] = name.split(" ");
  return { endpoint: `${method} ${path}`, compared: 0, probed: 0, paths: [place(at!, kind!, verdict)] };
};
const ALL: readonly Endpoint[] = [
  { endpoint: "GET /old/:id", compared: 1075, probed: 1075, paths: [] },
  ...REGRESSIONS.map(endpoint("regression")),
  ...NOISY.map(endpoint("noise")),
];
const REGRESSION = place("body.price.cents", "value", "regression");
const found = (...paths: Endpoint["paths"]): Endpoint[] => [{ endpoint: "GET /product/:id", compared: 300, probed: 300, paths }];

describe("the mirror's demo", () => {
  it("is content with the planted regressions and nothing but noise beside them", () => {
    expect(problemsOf(ALL)).toEqual([]);
  });

  it("complains of a regression that was not found, of any other, and of noise that is none", () => {
    const without = (name: string) => ALL.filter(({ endpoint, paths }) => !name.startsWith(`${endpoint} ${paths[0]?.path} `));
    const price = "GET /product/:id body.price.cents value";
    expect(problemsOf(without(price))).toEqual([`${price}: expected regression, got nothing`]);
    expect(problemsOf([...ALL, ...found(place("body.name", "value", "suspect"))])).toEqual([
      "1375 of 1075 requests were compared",
      "GET /product/:id body.name value: expected no difference, got suspect",
    ]);
    expect(problemsOf([...without(NOISY[0]!), endpoint("undecided")(NOISY[0]!)])).toEqual([`${NOISY[0]}: expected noise, got undecided`]);
    expect(problemsOf([])).toHaveLength(1 + REGRESSIONS.length + NOISY.length);
  });

  it("lines the table up", () => {
    const lines = tableOf(found(REGRESSION)).split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(
      /^ {2}GET \/product\/:id {2}body\.price\.cents {2}value +80 +0 {2}regression +50\.0 % +0\.0 % +100\.0 % +50\.0 % {2}yes$/,
    );
  });

  it("names the regressions of the dark version, and only them, whatever a product is written as", { timeout: 90_000 }, () => {
    const demo = `${import.meta.dirname}/../../src/demo/demo.ts`;
    const { status, stdout, stderr } = spawnSync(process.execPath, [demo, "--mirror", "--once"], { encoding: "utf8", cwd: "/" });
    expect(stderr).toBe("");
    expect(stdout).not.toContain("WRONG");
    expect(stdout.match(/ {2}regression {2}/g)).toHaveLength(FORMATS.length + 2);
    expect(stdout).toMatch(/GET \/product\/:id {2,}body\.price\.cents {2,}value .* regression /);
    for (const { name, price } of FORMATS)
      expect(
        stdout
          .split("\n")
          .some((row) => row.includes(`GET /as/${name}/:id `) && row.includes(` ${price} `) && row.includes(" regression ")),
      ).toBe(true);
    for (const noisy of ["requestId", "servedAt", "tags"])
      expect(stdout).toMatch(new RegExp(`GET /product/:id {2,}body\\.${noisy} .* noise `));
    expect(status).toBe(0);
  });
});
