/**
 * Values of an answer that are secret by what stands beside them: `{ "name": "password", "value": … }`, `<meta name="csrf-token" content=…>`, a
 * line of YAML under another. A difference shows one place alone; so these are known before a sample of it is redacted (contract section 7).
 */
import type { Body, TextForm } from "./compare-body.ts";
import type { HtmlNode } from "./compare-html.ts";
import { decoded, MAX_LEVELS, MAX_PARTS, mayHaveParts } from "./compare-texts.ts";
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

/** Says this object, by one of its values, that another one is secret? */
export function namesSecret(object: ReadonlyMap<string, unknown>, names: ReadonlySet<string>): boolean {
  for (const [key, value] of object) if (typeof value === "string" && isNameKey(key) && isSecretName(value, names)) return true;
  return false;
}

/** `["password", …]`, as lists of entries are written. */
const isEntry = (list: readonly unknown[], names: ReadonlySet<string>): boolean =>
  list.length === 2 && typeof list[0] === "string" && list[0].length <= 64 && isSecretName(list[0], names);

/** @param names more names that are secret, by `plainName` */
export function collectSecrets(body: Body, names: ReadonlySet<string>, into: SecretValues): void {
  const text = "text" in body ? body.text : body.form === "bytes" ? body.guess : null;
  if (text === null) return;
  const cut = ("cut" in body && body.cut) || text.length > MAX_TEXT;
  new Collector(names, into).read({ text: text.slice(0, MAX_TEXT), cut }, "text" in body ? body.form : null, 0);
}

/** Both tags between them, white space, and a tag within. */
const NODES_AWAY = 6;

/** Reads a text as it is compared: by its structure, and the texts in it by theirs (`compare-texts.ts`). */
class Collector {
  readonly #names: ReadonlySet<string>;
  readonly #into: SecretValues;
  #parts = MAX_PARTS;
  #length = MAX_TEXT;

  constructor(names: ReadonlySet<string>, into: SecretValues) {
    this.#names = names;
    this.#into = into;
  }

  read(text: Text, as: TextForm | null, level: number): void {
    const structure = readStructure(text, as);
    if (structure?.form === "json") this.#value(structure.reading.value, level);
    if (structure?.form === "markup") this.#nodes(structure.page.nodes, level);
    if (structure?.form === "markup" && as === "html") return;
    if (structure?.form === "json" && structure.strict && as !== "form") return;
    // What stands in no pair of the structure: XML has them in elements side by side, a form in its keys.
    for (const { start, end, own } of secretRanges(text.text, this.#names)) if (!own) this.#into.add(text.text.slice(start, end));
  }

  #inner(text: string, level: number): void {
    if (level === MAX_LEVELS || !mayHaveParts(text)) return;
    this.#parts -= 1;
    this.#length -= text.length;
    if (this.#parts >= 0 && this.#length >= 0) this.read({ text, cut: false }, null, level + 1);
  }

  /** Recursive, but no deeper than `readJson` reads. */
  #value(value: JsonValue, level: number): void {
    if (typeof value === "string") this.#inner(value, level);
    else if (Array.isArray(value)) {
      if (isEntry(value, this.#names)) this.#all(value[1]!);
      for (const element of value) this.#value(element, level);
    } else if (value instanceof Map) {
      const hidden = namesSecret(value, this.#names);
      for (const [key, child] of value) {
        if (hidden && isValueKey(key)) this.#all(child);
        this.#value(child, level);
      }
    }
  }

  /** Every scalar within it. */
  #all(value: JsonValue): void {
    if (Array.isArray(value)) for (const element of value) this.#all(element);
    else if (value instanceof Map) for (const child of value.values()) this.#all(child);
    else if (value !== null && typeof value !== "boolean") this.#into.add(String(value));
  }

  /** `<dt>API key</dt> <dd>…</dd>`: a text that names a secret, alone in an element for names, and the next text. */
  #besides(nodes: readonly HtmlNode[], at: number, text: string): void {
    const before = nodes[at - 1];
    if (before === undefined || !("open" in before) || !isNameKey(before.open) || text.length > 100 || !isSecretName(text, this.#names))
      return;
    const next = nodes.slice(at + 1, at + 1 + NODES_AWAY).find((node) => "text" in node && node.text.trim() !== "");
    if (next !== undefined && "text" in next) this.#into.add(next.text.trim());
  }

  /** An element that names a secret in one attribute has it in another, or in the text that follows. */
  #nodes(nodes: readonly HtmlNode[], level: number): void {
    for (const [at, node] of nodes.entries()) {
      if ("text" in node) {
        this.#inner(decoded(node.text), level);
        this.#besides(nodes, at, node.text);
      }
      if (!("open" in node)) continue;
      for (const [, value] of node.attributes) this.#inner(decoded(value), level);
      if (!node.attributes.some(([key, value]) => isNameKey(key) && value.length <= 100 && isSecretName(value, this.#names))) continue;
      for (const [key, value] of node.attributes) if (isValueKey(key)) this.#into.add(value);
      const next = nodes[at + 1];
      if (next !== undefined && "text" in next) this.#into.add(next.text);
    }
  }
}
