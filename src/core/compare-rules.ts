/** What a mirror's `compare` says about places, compiled once (contract section 7). */
import type { Compare } from "./lane-group.ts";
import { foundAt, intoElement, intoKey, type Path, type Places, parsePath, pathTree } from "./path.ts";
import { at, type Problem } from "./problem.ts";
import { err, ok, type Result } from "./result.ts";

type PlaceRule =
  | { readonly on: "ignore" }
  | { readonly on: "unordered" }
  | { readonly on: "key"; readonly field: string }
  | { readonly on: "tolerance"; readonly by: number };

export type RulePlaces = Places<PlaceRule>;

export interface CompareRules {
  /** Lower case. */
  readonly headers: readonly string[];
  /** From the root, whose keys are `status`, `headers` and `body`. */
  readonly places: RulePlaces;
}

const ROOTS = ["status", "headers", "body"];

/** `ignore` holds for a place and all below it, the others for the very place. All problems are listed, by their place in `compare`. */
export function compareRules(compare: Compare): Result<CompareRules, readonly Problem[]> {
  const patterns: (readonly [Path, PlaceRule])[] = [];
  const problems: Problem[] = [];
  const add = (place: string, text: string, roots: readonly string[], rule: PlaceRule) => {
    const path = parsePath(text);
    const root = path.ok ? path.value[0] : undefined;
    if (!path.ok) problems.push({ path: place, message: path.error });
    else if (typeof root === "object" && roots.includes(root.key)) patterns.push([path.value, rule]);
    else problems.push({ path: place, message: `character 1: expected ${roots.map((name) => `"${name}"`).join(" or ")}` });
  };
  for (const [i, text] of compare.ignore.entries()) add(at("ignore", i), text, ROOTS, { on: "ignore" });
  for (const [i, text] of compare.unordered.entries()) add(at("unordered", i), text, ["body"], { on: "unordered" });
  for (const [text, field] of Object.entries(compare.key)) add(at("key", text), text, ["body"], { on: "key", field });
  for (const [text, by] of Object.entries(compare.tolerance)) add(at("tolerance", text), text, ["body"], { on: "tolerance", by });
  return problems.length > 0 ? err(problems) : ok({ headers: compare.headers, places: pathTree(patterns) });
}

export const isIgnored = (places: RulePlaces): boolean => places.length > 0 && foundAt(places).some(({ on }) => on === "ignore");

export const isUnordered = (places: RulePlaces): boolean => foundAt(places).some(({ on }) => on === "unordered");

/** The field by which the elements of the list at `places` belong together. */
export function keyField(places: RulePlaces): string | null {
  for (const rule of foundAt(places)) if (rule.on === "key") return rule.field;
  return null;
}

/** By how much numbers at `places` may differ. */
export function toleranceAt(places: RulePlaces): number {
  let most = 0;
  for (const rule of foundAt(places)) if (rule.on === "tolerance") most = Math.max(most, rule.by);
  return most;
}

/** Is the place that a difference names (or one above it) ignored by now? For counts that were kept before the rule came. */
export function ignores(rules: CompareRules, path: string): boolean {
  const steps = parsePath(path);
  let places = rules.places;
  for (const step of steps.ok ? steps.value : []) {
    places = typeof step === "object" ? intoKey(places, step.key) : intoElement(places);
    if (isIgnored(places)) return true;
  }
  return false;
}
