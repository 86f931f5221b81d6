/**
 * Values of an answer that are secret by what stands beside them: `{ "name": "password", "value": … }`, `<meta name="csrf-token" content=…>`, a
 * line of YAML under another. A difference shows one place alone; so these are known before a sample of it is redacted (contract section 7).
 */
import type { Body, TextForm } from "./compare-body.ts";
import type { HtmlNode } from "./compare-html.ts";
import type { JsonValue } from "./json-value.ts";
import { isNameKey, isValueKey, secretRanges } from "./redact-context.ts";
import { isSecretName } from "./secret-names.ts";
import { readStructure, type Text } from "./text-structure.ts";

/** So many are told apart; with more of them, nothing of any text is shown. */
const MAX_VALUES = 200;
/** Shorter ones hide a text only where they are all of it. */
const MIN_PART = 4;
/** As much of a text as is looked through. */
const MAX_TEXT = 256 * 1024;

export class SecretValues {
  readonly #values = new Set<string>();
  #tooMany = false;

  add(value: string): void {
    const text = value.trim();
    if (text === "" || text.length > MAX_TEXT) return;
    if (this.#values.size === MAX_VALUES && !this.#values.has(text)) this.#tooMany = true;
    else this.#values.add(text);
  }

  /** `text` with `hidden` for each of them. */
  without(text: string, hidden: string): string {
    if (this.#tooMany || this.#values.has(text.trim())) return hidden;
    let kept = text;
    for (const value of this.#values) if (value.length >= MIN_PART && kept.includes(value)) kept = kept.replaceAll(value, hidden);
    return kept;
  }
}

/** @param names more names that are secret, by `plainName` */
export function collectSecrets(body: Body, names: ReadonlySet<string>, into: SecretValues): void {
  const text = "text" in body ? body.text : body.form === "bytes" ? body.guess : null;
  if (text === null) return;
  const cut = ("cut" in body && body.cut) || text.length > MAX_TEXT;
  fromText({ text: text.slice(0, MAX_TEXT), cut }, "text" in body ? body.form : null, names, into);
}

/** As its parts are compared, each at its own place; what stands in no pair of a structure is looked for in the text. */
function fromText(text: Text, as: TextForm | null, names: ReadonlySet<string>, into: SecretValues): void {
  const structure = readStructure(text, as);
  if (structure?.form === "json") fromJson(structure.reading.value, names, into);
  if (structure?.form === "markup") fromNodes(structure.page.nodes, names, into);
  if (structure?.form === "json" && structure.strict && as !== "form") return;
  for (const { start, end, own } of secretRanges(text.text, names)) if (!own) into.add(text.text.slice(start, end));
}

/** Says this object, by one of its values, that another one is secret? */
export function namesSecret(object: ReadonlyMap<string, unknown>, names: ReadonlySet<string>): boolean {
  for (const [key, value] of object) if (typeof value === "string" && isNameKey(key) && isSecretName(value, names)) return true;
  return false;
}

/** `["password", …]`, as lists of entries are written. */
const isEntry = (list: readonly unknown[], names: ReadonlySet<string>): boolean =>
  list.length === 2 && typeof list[0] === "string" && list[0].length <= 64 && isSecretName(list[0], names);

/** Recursive, but no deeper than `readJson` reads. */
function fromJson(value: JsonValue, names: ReadonlySet<string>, into: SecretValues): void {
  if (Array.isArray(value)) {
    if (isEntry(value, names)) addAll(value[1]!, into);
    for (const element of value) fromJson(element, names, into);
  } else if (value instanceof Map) {
    const hidden = namesSecret(value, names);
    for (const [key, child] of value) {
      if (hidden && isValueKey(key)) addAll(child, into);
      fromJson(child, names, into);
    }
  }
}

/** Every scalar within it. */
function addAll(value: JsonValue, into: SecretValues): void {
  if (Array.isArray(value)) for (const element of value) addAll(element, into);
  else if (value instanceof Map) for (const child of value.values()) addAll(child, into);
  else if (value !== null && typeof value !== "boolean") into.add(String(value));
}

/** An element that names a secret in one attribute has it in another, or in the text that follows. */
function fromNodes(nodes: readonly HtmlNode[], names: ReadonlySet<string>, into: SecretValues): void {
  nodes.forEach((node, at) => {
    if (!("open" in node) || !node.attributes.some(([key, value]) => isNameKey(key) && value.length <= 100 && isSecretName(value, names)))
      return;
    for (const [key, value] of node.attributes) if (isValueKey(key)) into.add(value);
    const next = nodes[at + 1];
    if (next !== undefined && "text" in next) into.add(next.text);
  });
  // JSON within a script is compared by its parts.
  for (const node of nodes) if ("text" in node && /[[{]/.test(node.text)) fromScript(node.text, names, into);
}

function fromScript(text: string, names: ReadonlySet<string>, into: SecretValues): void {
  const structure = readStructure({ text, cut: false }, null);
  if (structure?.form === "json") fromJson(structure.reading.value, names, into);
}
