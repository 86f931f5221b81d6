/**
 * Values of an answer that are secret by what stands beside them: `{ "name": "password", "value": … }`, `<meta name="csrf-token" content=…>`, a
 * line of YAML under another. A difference shows one place alone; so these are known before a sample of it is redacted (contract section 7).
 */
import { decoded } from "./character-references.ts";
import type { Body, TextForm } from "./compare-body.ts";
import type { HtmlNode } from "./compare-html.ts";
import { MAX_LEVELS, MAX_PARTS, mayHaveParts } from "./compare-texts.ts";
import type { JsonValue } from "./json-value.ts";
import { writeKey } from "./path.ts";
import { isNameKey, isValueKey, secretRanges } from "./redact-context.ts";
import { isSecretName } from "./secret-names.ts";
import { readStructure, type Text } from "./text-structure.ts";

/** So many are looked for within other texts; with more of them, a text that is no plain word is not shown. */
const MAX_PARTS_KNOWN = 200;
/** Short ones and numbers are the values of many things: they hide no part of a text, and, where their place is known, nothing elsewhere. */
const COMMON = /^(?:.{0,3}|[-+]?\d[\d.,:/-]*)$/s;
const PLAIN_WORD = /^[\w.-]{0,64}$/;
/** As much of a text as is looked through. */
const MAX_TEXT = 256 * 1024;

export class SecretValues {
  readonly #whole = new Set<string>();
  readonly #parts = new Set<string>();
  readonly #placed = new Set<string>();

  /**
   * As it stands in its source; markup is shown decoded.
   * @param place the path of a difference that shows it; null: it is not known
   */
  add(value: string, place: (() => string) | null): void {
    const source = value.trim();
    this.#addOne(source, place);
    const shown = decoded(value).trim();
    if (shown !== source) this.#addOne(shown, place);
  }

  #addOne(text: string, place: (() => string) | null): void {
    if (text === "" || text.length > MAX_TEXT) return;
    const common = COMMON.test(text);
    if (common && place !== null) this.#placed.add(`${place()}\0${text}`);
    else this.#whole.add(text);
    if (!common && this.#parts.size <= MAX_PARTS_KNOWN) this.#parts.add(text);
  }

  /** `text`, which stands at `path`, with `hidden` for each of them. */
  without(text: string, hidden: string, path: string): string {
    const whole = text.trim();
    if (this.#whole.has(whole) || this.#placed.has(`${path}\0${whole}`)) return hidden;
    if (this.#parts.size > MAX_PARTS_KNOWN)
      return PLAIN_WORD.test(whole) && !whole.split(/[_.-]/).some((word) => this.#whole.has(word)) ? text : hidden;
    let kept = text;
    for (const value of this.#parts) if (kept.includes(value)) kept = kept.replaceAll(value, hidden);
    return kept;
  }
}

const COLUMNS = ["columns", "fields", "headers", "header", "cols"];
const ROWS = ["rows", "values", "data", "records"];

/** Where a value of JSON stands, from there to the root. */
interface Place {
  readonly above: Place | null;
  /** null: in a list. */
  readonly key: string | null;
}

const ROOT: Place = { above: null, key: "body" };

const written = ({ above, key }: Place): string => {
  const before = above === null ? "" : written(above);
  return key === null ? `${before}[]` : writeKey(before, key);
};

/** Says this object, by one of its values, that another one is secret? */
export function namesSecret(object: ReadonlyMap<string, unknown>, names: ReadonlySet<string>): boolean {
  for (const [key, value] of object) if (typeof value === "string" && isNameKey(key) && isSecretName(value, names)) return true;
  return false;
}

/** `["password", …]`, as lists of entries are written. */
export const isEntry = (list: readonly unknown[], names: ReadonlySet<string>): list is readonly [string, unknown] =>
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
    if (structure?.form === "json") this.#value(structure.reading.value, level, as === "json" && structure.strict ? ROOT : null);
    if (structure?.form === "markup") this.#nodes(structure.page.nodes, level);
    if (structure?.form === "markup" && as === "html") return;
    if (structure?.form === "json" && structure.strict && as !== "form") return;
    // What stands in no pair of the structure: XML has them in elements side by side, a form in its keys.
    this.#beside(text.text);
  }

  #beside(text: string): void {
    for (const { start, end, own } of secretRanges(text, this.#names)) if (!own) this.#into.add(text.slice(start, end), null);
  }

  #inner(text: string, level: number): void {
    if (level === MAX_LEVELS || !mayHaveParts(text)) return;
    this.#parts -= 1;
    this.#length -= text.length;
    if (this.#parts >= 0 && this.#length >= 0) this.read({ text, cut: false }, null, level + 1);
  }

  /** Recursive, but no deeper than `readJson` reads. */
  #value(value: JsonValue, level: number, place: Place | null): void {
    if (typeof value === "string") this.#inner(value, level);
    else if (Array.isArray(value)) {
      const below = place && { above: place, key: null };
      if (isEntry(value, this.#names)) this.#all(value[1] as JsonValue, below);
      for (const element of value) this.#value(element, level, below);
    } else if (value instanceof Map) {
      const hidden = namesSecret(value, this.#names);
      for (const [key, child] of value) {
        const below = place && { above: place, key };
        if (hidden && isValueKey(key)) this.#all(child, below);
        this.#value(child, level, below);
      }
      this.#columns(value, place);
    }
  }

  /** `{ "columns": ["id", "password"], "rows": [[1, …]] }` */
  #columns(table: ReadonlyMap<string, JsonValue>, place: Place | null): void {
    const [names, rows] = [COLUMNS.find((key) => Array.isArray(table.get(key))), ROWS.find((key) => Array.isArray(table.get(key)))];
    if (names === undefined || rows === undefined) return;
    const secret = (table.get(names) as JsonValue[]).map((name) => {
      const plain = name instanceof Map ? (name.get("name") ?? name.get("field")) : name;
      return typeof plain === "string" && isSecretName(plain, this.#names);
    });
    if (!secret.includes(true)) return;
    const cell = place && { above: { above: { above: place, key: rows }, key: null }, key: null };
    for (const row of table.get(rows) as JsonValue[])
      if (Array.isArray(row)) for (const [at, value] of row.entries()) if (secret[at]) this.#all(value, cell);
  }

  /** Every scalar within it. */
  #all(value: JsonValue, place: Place | null): void {
    if (Array.isArray(value)) for (const element of value) this.#all(element, place && { above: place, key: null });
    else if (value instanceof Map) for (const [key, child] of value) this.#all(child, place && { above: place, key });
    else if (value !== null && typeof value !== "boolean") this.#into.add(String(value), place && (() => written(place)));
  }

  /** `<dt>API key</dt> <dd>…</dd>`: a text that names a secret, alone in an element for names, and the next text. */
  #besides(nodes: readonly HtmlNode[], at: number, text: string): void {
    const before = nodes[at - 1];
    if (before === undefined || !("open" in before) || !isNameKey(before.open) || text.length > 100 || !isSecretName(text, this.#names))
      return;
    const next = nodes.slice(at + 1, at + 1 + NODES_AWAY).find((node) => "text" in node && node.text.trim() !== "");
    if (next !== undefined && "text" in next) this.#into.add(next.text.trim(), null);
  }

  /** An element that names a secret in one attribute has it in another, or in the text that follows. */
  #nodes(nodes: readonly HtmlNode[], level: number): void {
    for (const [at, node] of nodes.entries()) {
      if ("text" in node) {
        const before = nodes[at - 1];
        if (before !== undefined && "open" in before && before.open === "script") this.#beside(node.text);
        this.#inner(decoded(node.text), level);
        this.#besides(nodes, at, node.text);
      }
      if (!("open" in node)) continue;
      for (const [, value] of node.attributes) this.#inner(decoded(value), level);
      if (!node.attributes.some(([key, value]) => isNameKey(key) && value.length <= 100 && isSecretName(value, this.#names))) continue;
      for (const [key, value] of node.attributes) if (isValueKey(key)) this.#into.add(value, null);
      const next = nodes[at + 1];
      if (next !== undefined && "text" in next) this.#into.add(next.text, null);
    }
  }
}
