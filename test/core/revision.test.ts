import { describe, expect, it } from "vitest";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";
import { hashLabel, isRevision, MAX_REVISION, readRevision } from "../../src/core/revision.ts";
import { smallestFile } from "../support/lane-file.ts";

describe("a revision", () => {
  it.each([1, 41, MAX_REVISION])("is %i, as a number, as a text, and in a file", (revision) => {
    expect([isRevision(revision), readRevision(String(revision))]).toEqual([true, revision]);
    const published = { revision, at: "2026-01-01T00:00:00Z", by: "x", reason: "" };
    expect(parseLaneGroup({ ...smallestFile(), published }, { insecureOrigins: false }).ok).toBe(true);
  });

  it.each([0, -1, 1.5, MAX_REVISION + 1, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, "1", null])("is not %s", (value) => {
    expect([isRevision(value), readRevision(String(typeof value === "string" ? "01" : value))]).toEqual([false, null]);
    const published = { revision: value, at: "2026-01-01T00:00:00Z", by: "x", reason: "" };
    expect(parseLaneGroup({ ...smallestFile(), published }, { insecureOrigins: false }).ok).toBe(false);
  });
});

it("a value without a number is called by its hash, which is no number", () => {
  expect(hashLabel("{}")).toMatch(/^~[\da-f]{8}$/);
  expect(hashLabel("{}")).not.toBe(hashLabel("{ }"));
  expect(readRevision(hashLabel("{}"))).toBeNull();
});
