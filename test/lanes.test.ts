import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { laneFilesText } from "../src/cli/bundle-lanes.ts";
import { localNames } from "../src/cli/folder.ts";
import { jsonSchemaText } from "../src/cli/schema.ts";
import { checkGroups } from "../src/core/host-checks.ts";
import { parseLaneGroupText } from "../src/core/parse-lane-group.ts";

const folder = join(import.meta.dirname, "../lanes");
const read = (file: string) => readFileSync(join(folder, file), "utf8");
const samples = join(folder, "samples");
const files = readdirSync(samples)
  .filter((file) => file.endsWith(".json"))
  .map((file) => `samples/${file}`);

const parse = (file: string) => parseLaneGroupText(read(file), { insecureOrigins: false });

describe("lanes/", () => {
  it.each(files)("%s is valid, without warnings, and named as its file", (file) => {
    const result = parse(file);
    expect(result.ok ? [] : result.error).toEqual([]);
    expect(result.ok && result.value.warnings).toEqual([]);
    expect(result.ok && `${result.value.group.name}.json`).toBe(basename(file));
  });

  it.each(files)("%s names the schema beside it, so that an editor knows its keys", (file) => {
    const { $schema } = JSON.parse(read(file));
    expect(join(folder, dirname(file), $schema)).toBe(join(folder, "lane-group.schema.json"));
  });

  it("takes what lies in it into the Worker, and no sample", () => {
    expect(Object.keys(JSON.parse(laneFilesText()))).toEqual(localNames(join(folder, "..")));
    expect(files.length).toBeGreaterThan(4);
  });

  it("holds groups that get along with each other", () => {
    const groups = files.map(parse).flatMap((result) => (result.ok ? [result.value.group] : []));
    expect(checkGroups(groups)).toEqual({ problems: [], warnings: [] });
  });

  it("holds the JSON schema of this code; `node src/cli/schema.ts` writes it", () => {
    expect(read("lane-group.schema.json")).toBe(jsonSchemaText());
  });

  it("holds a schema that tells something about every key", () => {
    const silent: string[] = [];
    const visit = (schema: unknown, path: string): void => {
      if (typeof schema !== "object" || schema === null) return;
      for (const [key, value] of Object.entries(schema)) {
        if (key === "properties") {
          for (const [name, property] of Object.entries(value as Record<string, { description?: string }>)) {
            if (!property.description) silent.push(`${path}.${name}`);
          }
        }
        visit(value, `${path}.${key}`);
      }
    };
    visit(JSON.parse(read("lane-group.schema.json")), "");
    expect(silent).toEqual([]);
  });

  it("has the sample mock.json as the document of traffic lanes describes it: 60:20:20, s2 without mockb, s3 with nothing else", () => {
    const result = parse("samples/mock.json");
    const lanes = result.ok ? [...result.value.group.lanes.values()] : [];
    expect(lanes.map(({ name, weight, origins }) => [name, weight, [...origins.keys()]])).toEqual([
      ["s1", 60, ["mocka", "mockb", "mockc"]],
      ["s2", 20, ["mocka", "mockc"]],
      ["s3", 20, ["mockb"]],
    ]);
    expect(result.ok && result.value.group.slots).toEqual({ ends: [6000, 8000, 10000], lanes: ["s1", "s2", "s3"] });
  });
});
