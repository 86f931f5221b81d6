/** A lane file against everything that is known here (contract section 9, check): itself, the other groups, this Worker's bindings. Writes nothing. */
import { type Change, changesBetween } from "../core/changes.ts";
import { checkGroups } from "../core/host-checks.ts";
import { readLaneFile } from "../core/lane-file-text.ts";
import type { LaneGroup } from "../core/lane-group.ts";
import { parseLaneGroup, parseLaneGroupText } from "../core/parse-lane-group.ts";
import { at, type Problem, quote, Report } from "../core/problem.ts";
import { type Review, review } from "../core/review.ts";
import { bindingOf, type Env, originOptions, variable } from "../edge/env.ts";
import type { Snapshot } from "../edge/groups-kv.ts";
import type { Revision } from "../group/revisions.ts";
import { type Runs, slotsFor } from "../group/write.ts";

export interface Checked {
  /** JSON, without `published`, which is ours to write; null: there are problems. */
  readonly file: string | null;
  readonly group: LaneGroup | null;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** @param name as the URL has it */
export function checkFile(text: string, name: string, snapshot: Snapshot, env: Env): Checked {
  const report = new Report();
  const value = readLaneFile(text, report);
  const file = withoutPublished(value);
  const parsed = value === undefined ? null : parseLaneGroup(file, originOptions(env));
  const problems = [...report.list(), ...(parsed === null || parsed.ok ? [] : parsed.error)];
  if (!parsed?.ok || problems.length > 0) return { file: null, group: null, problems, warnings: [] };
  const { group, warnings } = parsed.value;
  if (group.name !== name)
    problems.push({ path: "name", message: `expected ${quote(name)}, as the address says, got ${quote(group.name)}` });
  problems.push(...amongOthers(group, snapshot));
  const bindings = checkBindings(group, env);
  problems.push(...bindings.problems);
  return {
    file: problems.length === 0 ? JSON.stringify(file) : null,
    group: problems.length === 0 ? group : null,
    problems,
    warnings: [...warnings, ...bindings.warnings],
  };
}

function withoutPublished(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const { published: _, ...file } = value as Record<string, unknown>;
  return file;
}

/** What is wrong only since this group is among the others; theirs among themselves is not its fault. */
function amongOthers(group: LaneGroup, snapshot: Snapshot): Problem[] {
  const others = [...snapshot.groups.values()].map((each) => each.group).filter(({ name }) => name !== group.name);
  const key = ({ path, message }: Problem) => `${path}\n${message}`;
  const before = new Set(checkGroups(others).problems.map(key));
  const prefix = `${group.name}.`;
  return checkGroups([...others, group])
    .problems.filter((problem) => !before.has(key(problem)))
    .map((problem) => (problem.path.startsWith(prefix) ? { ...problem, path: problem.path.slice(prefix.length) } : problem));
}

/** The baseline cannot do without an origin; another lane then lacks the service, and secrets that are unset are headers left out. */
function checkBindings(group: LaneGroup, env: Env): { problems: Problem[]; warnings: Problem[] } {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  for (const { name, origins } of group.lanes.values()) {
    for (const [service, { binding, headers }] of origins) {
      const path = at(at(at(at("", "lanes"), name), "origins"), service);
      if (binding !== null && bindingOf(env, binding) === null) {
        const list = name === group.baseline ? problems : warnings;
        list.push({ path: at(path, "binding"), message: `this Worker has no service binding ${quote(binding)}` });
      }
      for (const { name: header, value } of headers) {
        if (typeof value === "string" || variable(env, value.env) !== null) continue;
        warnings.push({ path: at(at(path, "headers"), header), message: `this Worker has no variable or secret ${quote(value.env)}` });
      }
    }
  }
  return { problems, warnings };
}

export interface Preview extends Review {
  /** The revision that it is held against; null: none is known, so that neither `changes` nor `moved` say anything. */
  readonly against: number | null;
  /** Between that revision and this file. */
  readonly changes: readonly Change[];
}

/**
 * What would change if a file without problems were published now.
 *
 * @param good what serves: the newest revision that is a lane file
 * @param back whose slots these were, where an earlier revision is put back
 */
export function preview(
  { group, file, warnings }: Checked & { group: LaneGroup; file: string },
  good: Revision | null,
  back: Runs | null,
  now: number,
): Preview {
  const previous = good?.text == null ? null : parseLaneGroupText(good.text, { insecureOrigins: true });
  const published = previous?.ok ? previous.value.group : null;
  // As it will be laid out, not as it would be without a past.
  const found = review({ ...group, slots: slotsFor(group, published, back) }, published, Math.floor(now / 1000));
  return {
    ...found,
    warnings: [...warnings, ...found.warnings],
    against: published === null ? null : good!.revision,
    changes: published === null ? [] : changesBetween(withoutPublished(JSON.parse(good!.text!)), JSON.parse(file)),
  };
}
