/**
 * What a text is made of, whatever its type says (contract section 7, compare): JSON by itself, behind a guard, in a call (JSONP), in an
 * assignment, line by line, as JavaScript writes it; a page, XML, a form, a table. Linear: what looks like JSON and is none is given up soon.
 */
import type { TextForm } from "./compare-body.ts";
import { htmlNodes, type Page } from "./html-nodes.ts";
import { findJson, type JsonObject, type JsonReading, type JsonValue, putKey, readJson, valuesLeft } from "./json-value.ts";
import { percentDecode } from "./percent.ts";

export type Structure =
  /** `strict`: JSON and nothing else, as its readers expect. `rest`: the text around it, line by line. */
  | { readonly form: "json"; readonly reading: JsonReading; readonly strict: boolean; readonly rest: string }
  | { readonly form: "markup"; readonly page: Page; readonly xml: boolean };

/** `cut`: there is more of it. */
export interface Text {
  readonly text: string;
  readonly cut: boolean;
}

/** `as`: what its type says; null where it is only a part of something else. Null: nobody can tell its parts. */
export function readStructure({ text, cut }: Text, as: TextForm | null): Structure | null {
  const json = as === "ndjson" ? readLines(text, cut) : as === "json" || /^\s*[[{]/.test(text) ? readJson(text, cut) : null;
  if (json !== null) return strictly(json);
  if (as === "form") return strictly(readForm(text, cut));
  if (as === "csv" || as === "tsv") return strictly(readTable(text, as === "csv" ? "," : "\t", cut));
  if (as === "xml" || MARKUP.test(text)) return markup(text, as);
  const found = /[[{]/.test(text) ? findAll(text, cut) : null;
  return as === "html" && TAG.test(found?.rest ?? text) ? markup(text, as) : found;
}

const strictly = (reading: JsonReading): Structure => ({ form: "json", reading, strict: true, rest: "" });

const TAG = /<[A-Za-z!?/]/;
const MARKUP = /^\s*<[A-Za-z!?].*>/s;

function markup(text: string, as: TextForm | null): Structure {
  const xml =
    as === "xml" || (as !== "html" && (/^\s*<\?xml\s/.test(text) || text.includes("<![CDATA[") || /\sxmlns(?::\w+)?\s*=/.test(text)));
  return { form: "markup", page: htmlNodes(text, xml), xml };
}

const RECORD_SEPARATOR = "\u001e";

/** Lines of JSON are the list of their values: `body[].name`. RFC 7464 marks each with a record separator. */
function readLines(text: string, cut: boolean): JsonReading | null {
  const lines = text
    .replaceAll(RECORD_SEPARATOR, "\n")
    .split("\n")
    .filter((line) => line.trim() !== "");
  return readJson(`[${lines.join(",")}${cut ? "" : "]"}`, cut);
}

/** A text is looked through in vain so many times at most; then what is left of it is no JSON. */
const MAX_EFFORT = 4;
const MAX_FOUND = 500;

interface Island {
  /** The name before it: `window.__STATE__`, `data`; empty: none. */
  readonly name: string;
  readonly value: JsonValue;
}

/**
 * All JSON within a text. One value is the text's own value: `)]}'{"a":1}` has `body.a`. Of several, each stands below the name before it:
 * `data: {"a":1}` is `body.data.a`, and `body.data[].a` if there are more of that name; without names they are one list.
 */
function findAll(text: string, cut: boolean): (Structure & { readonly form: "json" }) | null {
  const islands: Island[] = [];
  const rest: string[] = [];
  const incomplete = new Set<JsonValue>();
  const values = valuesLeft();
  let effort = MAX_EFFORT * text.length;
  let pending = 0;
  for (let at = nextBracket(text, 0); at >= 0 && effort > 0 && values.left > 0 && islands.length < MAX_FOUND; ) {
    const { reading, end } = mayBegin(text, at, pending) ? findJson(text, at, cut, values) : { reading: null, end: at };
    if (reading === null || isEmpty(reading.value)) {
      effort -= end - at + 1;
      at = nextBracket(text, at + 1);
      continue;
    }
    const before = text.slice(pending, at);
    rest.push(before);
    islands.push({ name: nameBefore(before), value: reading.value });
    for (const one of reading.incomplete) incomplete.add(one);
    pending = end;
    at = nextBracket(text, end);
  }
  if (islands.length === 0) return null;
  rest.push(text.slice(pending));
  const value = together(islands, incomplete, values.left <= 0 || islands.length === MAX_FOUND);
  const around = rest.map((part) => part.trim()).filter((part) => !/^[,;]*$/.test(part));
  return { form: "json", reading: { value, incomplete }, strict: false, rest: around.join("\n") };
}

const BRACKET = /[[{]/g;

function nextBracket(text: string, from: number): number {
  BRACKET.lastIndex = from;
  return BRACKET.exec(text)?.index ?? -1;
}

const isEmpty = (value: JsonValue): boolean => (value instanceof Map ? value.size === 0 : Array.isArray(value) && value.length === 0);

const MAX_SPACE = 16;
const SIGNS = "=(:,;'\"}>&|\n\r";

/** An index, as in `a[0]`, and brackets in a sentence are no lists: before one stands a sign, or its line begins. */
function mayBegin(text: string, at: number, from: number): boolean {
  if (text[at] === "{") return true;
  const first = Math.max(from, at - MAX_SPACE);
  let before = at - 1;
  while (before >= first && (text[before] === " " || text[before] === "\t")) before--;
  return before < first || SIGNS.includes(text[before]!);
}

/** A name, and the sign that gives it the value. It is looked for where a word begins, not from within one: 128 letters would be read 128 times. */
const NAME_BEFORE = /(?<![\w$.-])[\d.-]*([A-Za-z_$][\w$.-]*)["'\])]{0,4}\s{0,8}[=:(]\s{0,8}$/;
const SIGN_BEFORE = /[=:(]\s*$/;
const nameBefore = (before: string): string =>
  SIGN_BEFORE.test(before.slice(-9)) ? (NAME_BEFORE.exec(before.slice(-128))?.[1] ?? "") : "";

function together(islands: readonly Island[], incomplete: Set<JsonValue>, cut: boolean): JsonValue {
  if (islands.length === 1) return islands[0]!.value;
  const byName = new Map<string, JsonValue[]>();
  for (const { name, value } of islands) {
    const list = byName.get(name);
    if (list) list.push(value);
    else byName.set(name, [value]);
  }
  if (cut) for (const list of byName.values()) incomplete.add(list);
  const unnamed = byName.get("");
  if (unnamed !== undefined && byName.size === 1) return unnamed;
  const object: JsonObject = new Map([...byName].map(([name, list]) => [name, list.length === 1 && !cut ? list[0]! : list]));
  if (cut) incomplete.add(object);
  return object;
}

const MAX_FIELDS = 10_000;

/** URL Standard, section 5.1. */
function readForm(text: string, cut: boolean): JsonReading {
  const fields = text.split("&", MAX_FIELDS + 1);
  const object = new Map<string, JsonValue>();
  for (const field of fields.slice(0, MAX_FIELDS)) {
    const [name, value] = splitOnce(field, "=").map((part) => percentDecode(part.replaceAll("+", " ")).trim()) as [string, string];
    if (field !== "") putKey(object, name, value);
  }
  return { value: object, incomplete: new Set(cut || fields.length > MAX_FIELDS ? [object] : []) };
}

function splitOnce(text: string, sign: string): [string, string] {
  const at = text.indexOf(sign);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + sign.length)];
}

/** RFC 4180: rows are lists; objects by the first row's names where it has some. */
function readTable(text: string, separator: string, cut: boolean): JsonReading {
  const cell = new RegExp(`(?:"([^"]*(?:""[^"]*)*)"|([^${separator}\\r\\n]*))(${separator}|\\r\\n|\\n|\\r|$)`, "y");
  const rows: string[][] = [[]];
  let cells = 0;
  for (let found = cell.exec(text); found !== null && cells++ < MAX_FIELDS; found = cell.exec(text)) {
    rows.at(-1)!.push(found[1]?.replaceAll('""', '"') ?? found[2]!);
    if (cell.lastIndex >= text.length) break;
    if (found[3] !== separator) rows.push([]);
  }
  const truncated = cut || cells > MAX_FIELDS || cell.lastIndex < text.length;
  // The last row of a beginning may be half a row.
  if (truncated) rows.pop();
  const [names, ...others] = rows;
  const named =
    names !== undefined && others.length > 0 && new Set(names).size === names.length && names.every((name) => /^\s*[^\d\s]/.test(name));
  const value = named
    ? others.map((row) => new Map<string, JsonValue>(row.map((one, at) => [names[at] ?? String(at), one])))
    : (rows as JsonValue[]);
  return { value, incomplete: new Set(truncated ? [value] : []) };
}
