/** What the body of an answer is for a comparison: by its type, its coding and its bytes. Every body gives one of these forms. */
import { decode, decodeJson } from "./charset.ts";
import { fingerprintBytes } from "./fingerprint.ts";

/** What its type says that a text is. It may turn out to be something else: `text-structure.ts`. */
export type TextForm = "json" | "ndjson" | "html" | "xml" | "form" | "csv" | "tsv" | "text";

/** `cut`: only the beginning was read. */
export type Body =
  | { readonly form: "empty" }
  | { readonly form: TextForm; readonly text: string; readonly cut: boolean }
  /** `guess`: the text that they may be all the same; null: they are none. */
  | { readonly form: "bytes"; readonly length: number; readonly hash: string; readonly guess: string | null; readonly cut: boolean }
  /** Compressed in a way that the platform has not undone: equal contents may have other bytes. */
  | { readonly form: "compressed" };

/**
 * `bytes` as `fetch` hands them out, at most as many as the reader's cap. What is not valid in its charset, in no known one, or of a type that
 * says nothing of a text is bytes. Without a type: JSON if it looks so.
 */
export function readBody(type: string | null, coding: string | null, bytes: Uint8Array, cut: boolean): Body {
  if (bytes.length === 0) return { form: "empty" };
  if (isCompressed(coding, bytes)) return { form: "compressed" };
  const form = formOf(type);
  const { text, guessed } = form === "json" || form === "ndjson" ? decodeJson(bytes, type, cut) : decode(bytes, type, cut);
  if (form === "bytes" || guessed) {
    const guess = isMedia(type) || isBinary(bytes) ? null : text;
    return { form: "bytes", length: bytes.length, hash: fingerprintBytes(bytes).toString(16).padStart(13, "0"), guess, cut };
  }
  return { form: type === null && /^\s*[[{]/.test(text) ? "json" : form, text, cut };
}

/** The same with its text as `map` gives it. */
export function mapText(body: Body, map: (text: string) => string): Body {
  if ("text" in body) return { ...body, text: map(body.text) };
  return body.form === "bytes" && body.guess !== null ? { ...body, guess: map(body.guess) } : body;
}

/** Workers undo these by themselves and leave the header as it is. */
const UNDONE = /^(?:gzip|x-gzip|br|identity|)$/;

function isCompressed(coding: string | null, bytes: Uint8Array): boolean {
  const named = (coding ?? "").trim().toLowerCase();
  return !UNDONE.test(named) || (named !== "" && bytes[0] === 0x1f && bytes[1] === 0x8b);
}

const nameOf = (type: string | null): string => (type ?? "text/plain").split(";", 1)[0]!.trim().toLowerCase();

/** The first that fits. RFC 8259 and 6839 (JSON), 7464 and 8091 (sequences), 7303 (XML), 4180 (CSV). */
const FORMS: readonly (readonly [TextForm, RegExp])[] = [
  ["ndjson", /^application\/(?:x-)?(?:ndjson|jsonl|jsonlines|json-lines|json-seq)$|\+json-seq$/],
  ["json", /^(?:application|text)\/(?:x-)?json$|\+json$/],
  ["html", /^text\/html$|^application\/xhtml\+xml$/],
  ["xml", /^(?:application|text)\/xml$|\+xml$/],
  ["form", /^application\/x-www-form-urlencoded$/],
  ["csv", /^(?:text|application)\/csv$/],
  ["tsv", /^text\/tab-separated-values$/],
  ["text", /^text\/|^application\/(?:x-)?(?:javascript|ecmascript|yaml|toml|graphql)$|\+yaml$/],
];

const formOf = (type: string | null): TextForm | "bytes" => FORMS.find(([, pattern]) => pattern.test(nameOf(type)))?.[0] ?? "bytes";

const isMedia = (type: string | null): boolean => /^(?:image|audio|video|font)\/(?!svg)/.test(nameOf(type));

/** As many bytes as tell (MIME Sniffing Standard, section 7.2: binary data bytes, section 3). */
const SNIFFED = 1445;

const isBinary = (bytes: Uint8Array): boolean =>
  bytes.subarray(0, SNIFFED).some((byte) => byte <= 0x08 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1f && byte !== 0x1b));
