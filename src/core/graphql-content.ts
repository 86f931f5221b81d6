/**
 * GraphQL in a request: by its query string, a form, JSON (one request, or a list of them) or the bare document (GraphQL over HTTP; `application/
 * graphql`). What a server could take for a mutation must never pass for a query, so whatever cannot be read for sure is `unsure`.
 */
import type { Facts } from "./facts.ts";
import { type Operation, operationsOf } from "./graphql.ts";
import { overridesMethod } from "./header-names.ts";
import { decodeString, walkJson } from "./json-text.ts";
import { percentDecode } from "./percent.ts";

export interface Examined {
  /** `none`: it is no GraphQL. `write`: some operation is no query. */
  readonly does: "query" | "write" | "none" | "unsure";
  /** Of the operations that are asked for, in their order: those that have one. */
  readonly names: readonly string[];
}

/** One request as a server would see it: of keys that stand twice, all values. */
interface Asked {
  readonly documents: string[];
  operation: string | null;
  /** It names an operation that the server knows from before: by a hash or an id (Apollo, Relay, `documentId` of GraphQL over HTTP). */
  known: boolean;
  /** It asks to be taken for another method. */
  overrides: boolean;
}

const KNOWN = /^(?:operationname|variables|extensions|documentid|doc_?id|queryid|persistedquery)$/;
/** Nobody nests deeper on purpose. */
const MAX_DEPTH = 200;
/** JSON in a text of JSON. */
const MAX_LEVELS = 4;
const MAX_TYPE = /^[^;]{0,100}/;

const asked = (): Asked => ({ documents: [], operation: null, known: false, overrides: false });

/** `query`, `query[]` and `0[query]`, in any letter case, as some servers read them. */
const isQuery = (key: string): boolean =>
  key
    .toLowerCase()
    .split(/[[\].]+/)
    .includes("query");

function note(request: Asked, key: string, value: string | null): void {
  const name = key.toLowerCase();
  if (value !== null && (isQuery(key) || mayWrite(value))) request.documents.push(value);
  if (name === "operationname" && value !== null) request.operation = value;
  if (KNOWN.test(name)) request.known = true;
  if (overridesMethod(name)) request.overrides = true;
}

/** Whatever key it stands under: some server takes it for a document. */
const mayWrite = (text: string): boolean =>
  speaksOfWrites(text) && (operationsOf(text)?.some(({ type }) => type !== "query") ?? /^\s*(?:mutation|subscription)\b/.test(text));

/** Has it the word, and a brace behind it? O(length) */
function speaksOfWrites(text: string): boolean {
  const at = text.search(/\b(?:mutation|subscription)\b/);
  return at >= 0 && text.includes("{", at);
}

/** Of a query string or a form, whatever its type says; empty: nothing in it is a server's business. */
function readForm(text: string): Asked[] {
  const request = asked();
  const inner: Asked[] = [];
  for (const pair of text.split(/[&;]/)) {
    const equals = pair.indexOf("=");
    if (equals <= 0) continue;
    const value = decodeForm(pair.slice(equals + 1));
    note(request, decodeForm(pair.slice(0, equals)), value);
    // `operations={"query": …}`
    if (/^\s*[[{]/.test(value)) inner.push(...(readJson(value) ?? []).filter(({ documents }) => documents.length > 0));
  }
  const { documents, known, overrides } = request;
  return documents.length > 0 || known || overrides ? [request, ...inner] : inner;
}

const decodeForm = (text: string): string => percentDecode(text.replaceAll("+", " "));

/**
 * null: no JSON, or nested too deep. A text below `query` further in is a request of its own, wherever it stands, and so is any that is a
 * mutation, or JSON again.
 */
function readJson(text: string, level = 0): Asked[] | null {
  const found: Asked[] = [];
  const open: { readonly list: boolean; readonly request: Asked | null; readonly query: boolean }[] = [];
  let unread = false;
  let key = "";
  const end = walkJson(text, {
    key: (name) => {
      key = name;
    },
    scalar: (start, end) => {
      const top = open.at(-1);
      const value = text[start] === '"' ? decodeString(text, start, end) : null;
      if (top?.request) note(top.request, key, value);
      else if (value?.includes("{") && ((top?.list ? top.query : isQuery(key) || top?.query) || mayWrite(value)))
        found.push({ ...asked(), documents: [value] });
      if (value !== null && /^\s*[[{"]/.test(value) && speaksOfWrites(value)) {
        const inner = level < MAX_LEVELS ? readJson(value, level + 1) : null;
        unread ||= level >= MAX_LEVELS;
        found.push(...(inner ?? []).filter(({ documents }) => documents.length > 0));
      }
      return true;
    },
    open: (_, bracket) => {
      const top = open.at(-1);
      if (top?.request) note(top.request, key, null);
      const request = bracket === "{" && (open.length === 0 || (open.length === 1 && top!.list)) ? asked() : null;
      if (request !== null) found.push(request);
      open.push({ list: bracket === "[", request, query: top?.query === true || (top !== undefined && !top.list && isQuery(key)) });
      return open.length <= MAX_DEPTH;
    },
    close: () => {
      open.pop();
    },
  });
  return end === "complete" && !unread ? found : null;
}

/** Lines of JSON, each a request of its own. */
function readLines(text: string): Asked[] | null {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const read = lines.map(readJson);
  return read.every((one) => one !== null) ? read.flat() : null;
}

/** null: nobody knows how a server would read it. */
function readText(type: string, text: string): Asked[] | null {
  const bare = { ...asked(), documents: [text] };
  if (type === "application/graphql") return [bare];
  const json = /^\s*[[{"]/.test(text) || /json/.test(type) ? (readJson(text) ?? readLines(text)) : [];
  // UTF-16 is not told from UTF-8 but by what no text has.
  if (json === null || text.includes("\0")) return null;
  const read = [...json, ...readForm(text), ...(json.length === 0 && operationsOf(text) !== null ? [bare] : [])];
  // YAML, MessagePack, XML: nobody has read it, and it speaks of one.
  return read.length === 0 && speaksOfWrites(text) ? null : read;
}

function readContent(facts: Facts, content: Uint8Array): Asked[] | null {
  const type = facts.headers.get("content-type")?.toLowerCase() ?? "";
  const coding = facts.headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  const charset = /charset\s*=\s*"?([^\s";]+)/.exec(type)?.[1] ?? "utf-8";
  if ((coding !== "" && coding !== "identity") || !/^(?:utf-?8|us-ascii)$/.test(charset)) return null;
  const name = MAX_TYPE.exec(type)![0].trim();
  if (name.startsWith("multipart/")) return null;
  try {
    return readText(name, new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(content));
  } catch {
    return null;
  }
}

/** Which of a document's operations runs: the one that is named, or the only one. */
const chosen = (operations: readonly Operation[], name: string | null): string | null =>
  operations.some((operation) => operation.name === name) ? name : (operations.find((operation) => operation.name !== null)?.name ?? null);

function judge({ documents, operation, known, overrides }: Asked): Examined {
  if (overrides) return { does: "write", names: [] };
  const texts = documents.filter((text) => text.includes("{"));
  if (texts.length === 0) return { does: known ? "unsure" : "none", names: operation === null ? [] : [operation] };
  const read = texts.map(operationsOf);
  const names = read.flatMap((operations) => chosen(operations ?? [], operation) ?? []);
  if (read.some((operations) => operations?.some(({ type }) => type !== "query"))) return { does: "write", names };
  return { does: read.includes(null) ? "unsure" : "query", names };
}

const WORST = ["write", "unsure", "query"] as const;

/** @param content null: there is none; `unread`: nobody knows. O(length) */
export function examine(facts: Facts, content: Uint8Array | "unread" | null): Examined {
  const inUrl = facts.search === "" ? [] : readForm(facts.search.slice(1));
  const inBody = content === "unread" ? null : content === null || content.byteLength === 0 ? [] : readContent(facts, content);
  const judged = [...inUrl, ...(inBody ?? [])].map(judge);
  const names = [...new Set(judged.flatMap((one) => one.names))];
  const does = WORST.find((what) => judged.some((one) => one.does === what)) ?? "none";
  if (does === "write") return { does, names };
  // Where GraphQL is spoken, what holds no document is an operation that only the server knows.
  const unknown = /graphql|\bgql\b/i.test(facts.path) && (does === "none" || judged.some((one) => one.does === "none"));
  return { does: inBody === null || unknown ? "unsure" : does, names };
}
