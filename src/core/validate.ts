/**
 * A JSON value against a schema: every problem at once, and a value of the schema's type in any case, so that later checks can go on.
 * The library's own run stops at the first unknown key, takes lists for objects, skips keys such as `constructor` and does not say
 * which form of a union was meant; so objects, tables, lists and unions are walked here, and the library judges the leaves.
 */
import * as v from "valibot";
import { at, enumerate, quote, type Report, show, unknownName } from "./problem.ts";

/** The schemas that are walked, as the library describes them. Messages complete the sentence "expected …". */
type Node = { readonly kind: "schema"; readonly pipe?: readonly Step[]; readonly message?: string } & (
  | { readonly type: "strict_object"; readonly entries: Readonly<Record<string, Node>> }
  | { readonly type: "record"; readonly key: Node; readonly value: Node }
  | { readonly type: "array"; readonly item: Node }
  | { readonly type: "union"; readonly options: readonly Node[] }
  | { readonly type: "lazy"; readonly getter: () => Node }
  | { readonly type: "exact_optional"; readonly wrapped: Node; readonly default: unknown }
  | { readonly type: "picklist"; readonly options: readonly unknown[] }
  | { readonly type: "string" | "number" | "boolean" | "literal" | "strict_tuple" | "unknown" }
);

type Step = Node | { readonly kind: "validation" } | { readonly kind: "metadata" };

type Reporter = Pick<Report, "add">;
const SILENT: Reporter = { add() {} };

/**
 * `input` with every default filled in. What is broken is reported, and replaced by an empty value of its type ("", 0, {}, []); unknown
 * keys are reported and left out. `input` must not nest deeper than the stack allows.
 */
export function validate<S extends v.GenericSchema>(schema: S, input: unknown, report: Report): v.InferOutput<S> {
  return walk(schema as unknown as Node, input, "", report) as v.InferOutput<S>;
}

function walk(node: Node, value: unknown, path: string, report: Reporter): unknown {
  switch (node.type) {
    case "exact_optional":
      return walk(node.wrapped, value, path, report);
    case "lazy":
      return walk(node.getter(), value, path, report);
    case "union":
      return walkUnion(node, value, path, report);
    case "strict_object":
    case "record":
      if (!isObject(value)) return refused(node, value, path, report);
      checkWhole(node, value, path, report);
      return node.type === "record" ? walkTable(node, value, path, report) : walkObject(node, value, path, report);
    case "array":
      if (!Array.isArray(value)) return refused(node, value, path, report);
      checkWhole(node, value, path, report);
      return value.map((item, i) => walk(node.item, item, at(path, i), report));
    default: {
      const expected = leafProblem(node, value);
      return expected === null ? value : refused({ ...node, message: expected }, value, path, report);
    }
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function walkObject(node: Node & { type: "strict_object" }, value: Readonly<Record<string, unknown>>, path: string, report: Reporter) {
  const result: Record<string, unknown> = {};
  for (const key in node.entries) {
    const entry = node.entries[key]!;
    if (Object.hasOwn(value, key)) result[key] = walk(entry, value[key], at(path, key), report);
    else if (entry.type !== "exact_optional") result[key] = missing(entry, at(path, key), report);
    else if (entry.default !== undefined) result[key] = standIn(entry);
  }
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(node.entries, key)) report.add(at(path, key), () => unknownName("key", key, Object.keys(node.entries)));
  }
  return result;
}

/** Free keys. The result has no prototype, so that `__proto__` is a key like any other. */
function walkTable(node: Node & { type: "record" }, value: Readonly<Record<string, unknown>>, path: string, report: Reporter) {
  const result: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(value)) {
    const expected = leafProblem(node.key, key);
    if (expected !== null) report.add(at(path, key), () => `expected the key to be ${expected}, got ${quote(key)}`);
    result[key] = walk(node.value, value[key], at(path, key), report);
  }
  return result;
}

/** The forms of a union differ in their JSON type, so a value says by its own which one was meant. */
function walkUnion(node: Node & { type: "union" }, value: unknown, path: string, report: Reporter): unknown {
  const type = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  const form = node.options.find((option) => (JSON_TYPES[option.type] ?? option.type) === type);
  return form ? walk(form, value, path, report) : refused(node, value, path, report);
}

const JSON_TYPES: Readonly<Record<string, string>> = { strict_object: "object", record: "object", picklist: "string" };

/** What was expected of a leaf; null: the value is fine. */
function leafProblem(node: Node, value: unknown): string | null {
  return v.safeParse(node as unknown as v.GenericSchema, value).issues?.[0].message ?? null;
}

function checkWhole(node: Node, value: unknown, path: string, report: Reporter): void {
  if (node.pipe === undefined) return;
  for (const rule of rulesOf(node)) {
    const expected = leafProblem(rule, value);
    if (expected !== null) report.add(path, () => `expected ${expected}, got ${show(value)}`);
  }
}

const rules = new WeakMap<Node, readonly Node[]>();

/** Rules about an object or list as a whole: how many, which of them together. Pipes nest where a description came on top. */
function rulesOf(node: Node): readonly Node[] {
  const known = rules.get(node);
  if (known !== undefined) return known;
  const found = (node.pipe ?? []).flatMap((step) => {
    if (step.kind === "schema") return rulesOf(step);
    return step.kind === "validation" ? [v.pipe(v.any(), step as v.GenericValidation) as unknown as Node] : [];
  });
  rules.set(node, found);
  return found;
}

function refused(node: Node, value: unknown, path: string, report: Reporter): unknown {
  report.add(path, () => `expected ${expectation(node)}, got ${isSecret(node) ? "another value" : show(value)}`);
  return standIn(node);
}

function missing(node: Node, path: string, report: Reporter): unknown {
  report.add(path, () => `expected ${expectation(node)}, but the key is missing`);
  return standIn(node);
}

function expectation(node: Node): string {
  if (node.type === "lazy") return expectation(node.getter());
  if (node.message !== undefined) return node.message;
  return node.type === "picklist" ? enumerate(node.options.map(String), "or") : (leafProblem(node, undefined) ?? "another value");
}

/** Marked `writeOnly`, JSON Schema's word for what must not be shown. */
const isSecret = (node: Node): boolean => v.getMetadata(node as unknown as v.GenericSchema).writeOnly === true;

/** A value of the schema's type for what is missing or broken. */
function standIn(node: Node): unknown {
  switch (node.type) {
    case "exact_optional":
      return node.default === undefined ? standIn(node.wrapped) : walk(node.wrapped, node.default, "", SILENT);
    case "lazy":
      return standIn(node.getter());
    case "strict_object":
    case "record":
      return walk(node, {}, "", SILENT);
    case "array":
      return [];
    case "union":
      return standIn(node.options[0]!);
    case "picklist":
      return node.options[0];
    default:
      return { string: "", number: 0, boolean: false, literal: null, strict_tuple: ["", 0], unknown: null }[node.type];
  }
}
