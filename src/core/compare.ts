/**
 * Two answers to one request (contract section 7): the primary's on the left, the copy's on the right. Gives named differences whatever the
 * bodies are, within fixed bounds: a million characters a side, 10,000 values or 20,000 lines or nodes of them, 64 levels, 200 differences.
 */
import type { Body, TextForm } from "./compare-body.ts";
import { type CompareRules, isIgnored, type RulePlaces } from "./compare-rules.ts";
import { compareStructures, compareTexts } from "./compare-texts.ts";
import { type Difference, Differences } from "./difference.ts";
import { differingParts } from "./header-grammar.ts";
import { intoKey, writeKey } from "./path.ts";
import { readStructure, type Text } from "./text-structure.ts";

export interface Answer {
  readonly status: number;
  /** By lower-case name; only those of `compare.headers` are looked at. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Body;
  /** The address that the client asked for; absent: not known. */
  readonly url?: string;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Something was cut short: no more is known of what lies beyond. */
  readonly truncated: boolean;
  /** The bodies were not compared, because no difference of theirs would mean anything: `type`, a compression that was not undone. */
  readonly skipped: "type" | null;
}

/** As many characters of a text as a comparison reads. */
const MAX_TEXT = 1_048_576;

/** Two statuses are one `status` difference; the rest then says nothing new and is not compared. */
export function compareAnswers(left: Answer, right: Answer, rules: CompareRules): Comparison {
  const differences = new Differences();
  const places = (root: string) => intoKey(rules.places, root);
  if (left.status !== right.status && !isIgnored(places("status"))) {
    differences.add("status", "status", left.status, right.status);
    return { differences: differences.list(), truncated: false, skipped: null };
  }
  if (!isIgnored(places("headers"))) compareHeaders(left, right, rules.headers, places("headers"), differences);
  const skipped = isIgnored(places("body")) ? null : compareBodies(left.body, right.body, places("body"), differences);
  return { differences: differences.list(), truncated: differences.truncated, skipped };
}

function compareHeaders(left: Answer, right: Answer, names: readonly string[], places: RulePlaces, differences: Differences): void {
  for (const name of names) {
    const [one, other] = [left.headers.get(name), right.headers.get(name)];
    if (one === other || isIgnored(intoKey(places, name))) continue;
    const kind = other === undefined ? "missing" : one === undefined ? "extra" : "value";
    const times = one === undefined || other === undefined ? 1 : differingParts(name, one, other, left.url);
    if (times > 0) differences.add(writeKey("headers", name), kind, one, other, { times });
  }
}

function compareBodies(left: Body, right: Body, places: RulePlaces, differences: Differences): Comparison["skipped"] {
  if (left.form === "compressed" || right.form === "compressed") return "type";
  const cut = isCut(left) || isCut(right);
  if (cut) differences.truncated = true;
  if (left.form === "empty" || right.form === "empty") {
    if (left.form !== right.form) differences.add("body", left.form === "empty" ? "extra" : "missing", shown(left), shown(right));
  } else if (left.form === "bytes" && right.form === "bytes") {
    compareBytes(left, right, places, differences);
  } else if (left.form === "bytes" || right.form === "bytes" || FAMILY[left.form] !== FAMILY[right.form]) {
    differences.add("body", "type", left.form, right.form);
  } else if (left.text !== right.text) {
    compareTexts(shorten(left), shorten(right), left.form, "body", places, differences);
  }
  return null;
}

/** What readers of one are no readers of another. */
const FAMILY: Readonly<Record<TextForm, "json" | "ndjson" | "html" | "text">> = {
  json: "json",
  ndjson: "ndjson",
  html: "html",
  xml: "text",
  form: "text",
  csv: "text",
  tsv: "text",
  text: "text",
};

type Bytes = Body & { readonly form: "bytes" };

function compareBytes(left: Bytes, right: Bytes, places: RulePlaces, differences: Differences): void {
  if (left.length === right.length && left.hash === right.hash) return;
  const [one, other] = [left, right].map(({ guess, cut }) => (guess === null ? null : readStructure(shorten({ text: guess, cut }), null)));
  if (compareStructures(one!, other!, left.cut || right.cut, "body", places, differences)) return;
  if (left.length !== right.length) differences.add("body", "length", left.length, right.length, { opaque: true });
  else differences.add("body", "value", left.hash, right.hash, { opaque: true });
}

const isCut = (body: Body): boolean => "cut" in body && body.cut;

/** What stands for a whole body in a difference. */
const shown = (body: Body): string | undefined => (body.form === "empty" ? undefined : "text" in body ? body.text : body.form);

const shorten = ({ text, cut }: Text): Text => ({ text: text.slice(0, MAX_TEXT), cut: cut || text.length > MAX_TEXT });
