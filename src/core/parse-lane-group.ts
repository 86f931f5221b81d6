/** The only door to a lane group: a lane file in, the resolved group out, or all that is wrong with it (contract section 2). */
import { checkHosts } from "./host-checks.ts";
import { checkLaneFile } from "./lane-checks.ts";
import { laneFile, NOT_SUPPORTED, SCHEMA } from "./lane-file.ts";
import { readLaneFile } from "./lane-file-text.ts";
import type { LaneGroup } from "./lane-group.ts";
import { refuseUnsupported } from "./not-supported.ts";
import type { OriginOptions } from "./origin.ts";
import { type Problem, Report } from "./problem.ts";
import { resolveLaneGroup } from "./resolve-lane-group.ts";
import { err, ok, type Result } from "./result.ts";
import { validate } from "./validate.ts";

export type { Problem };

export type ParsedLaneGroup = Result<{ readonly group: LaneGroup; readonly warnings: readonly Problem[] }, readonly Problem[]>;

/** A file has about ten levels, and more only where `any` and `not` nest or in a stub's JSON. */
const MAX_DEPTH = 64;

/**
 * Any JSON value; never throws. Problems come all at once, at most 100 of them by name. A file of a newer schema gives a single
 * problem with `newer: true`.
 */
export function parseLaneGroup(input: unknown, options: OriginOptions): ParsedLaneGroup {
  return parse(input, options, new Report());
}

/** The text of a lane file; more than 1 MiB is refused unread. */
export function parseLaneGroupText(text: string, options: OriginOptions): ParsedLaneGroup {
  const report = new Report();
  const input = readLaneFile(text, report);
  return input === undefined ? err(report.list()) : parse(input, options, report);
}

function parse(input: unknown, options: OriginOptions, report: Report): ParsedLaneGroup {
  const newer = newerSchema(input);
  if (newer !== null) return err([newer]);
  if (isTooDeep(input)) {
    report.add("", `expected at most ${MAX_DEPTH} levels of objects and lists, got more`);
    return err(report.list());
  }
  refuseUnsupported(input, NOT_SUPPORTED, report);
  const file = validate(laneFile, input, report);
  checkLaneFile(file, report);
  const group = resolveLaneGroup(file, options, report);
  checkHosts(group, options, report);
  return report.count > 0 ? err(report.list()) : ok({ group, warnings: report.warnings });
}

function newerSchema(input: unknown): Problem | null {
  if (typeof input !== "object" || input === null || Array.isArray(input) || !Object.hasOwn(input, "schema")) return null;
  const { schema } = input as { readonly schema: unknown };
  if (typeof schema !== "number" || !(schema > SCHEMA)) return null;
  return { path: "schema", message: `expected ${SCHEMA}, got ${schema}: the file is written for a newer Laneway`, newer: true };
}

/** Without recursion, so that 100,000 levels are only counted. */
function isTooDeep(input: unknown): boolean {
  let level = [input].filter(isContainer);
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    level = level.flatMap((container) => Object.values(container).filter(isContainer));
  }
  return level.length > 0;
}

const isContainer = (value: unknown): value is object => typeof value === "object" && value !== null;
