/** What the body of an answer is for a comparison: by its type, its coding and its bytes. Every body gives one of these forms. */
import type { HtmlNode } from "./compare-html.ts";
import { fingerprintBytes } from "./fingerprint.ts";

/** `cut`: only the beginning was read. */
export type Body =
  | { readonly form: "empty" }
  | { readonly form: "json" | "ndjson" | "text"; readonly text: string; readonly cut: boolean }
  | { readonly form: "html"; readonly nodes: readonly HtmlNode[]; readonly cut: boolean }
  | { readonly form: "bytes"; readonly length: number; readonly hash: string; readonly cut: boolean }
  /** Compressed in a way that the platform has not undone: equal contents may have other bytes. */
  | { readonly form: "compressed" };

/** HTML whose nodes are still to be read (`html-nodes.ts`). */
export type Markup = { readonly form: "markup"; readonly text: string; readonly cut: boolean };

/**
 * `bytes` as `fetch` hands them out, at most as many as the reader's cap. JSON is UTF-8 whatever its type says (RFC 8259, section 8.1); text is
 * in its charset, else UTF-8. What is not valid in it, or in no known charset, is compared as bytes. Without a type: JSON if it looks so.
 */
export function readBody(type: string | null, coding: string | null, bytes: Uint8Array, cut: boolean): Body | Markup {
  if (bytes.length === 0) return { form: "empty" };
  if (isCompressed(coding, bytes)) return { form: "compressed" };
  const form = formOf(type);
  const charset = form === "text" || form === "markup" ? charsetOf(type) : "utf-8";
  const text = form === "bytes" ? null : decode(bytes, charset, cut);
  if (text === null) return { form: "bytes", length: bytes.length, hash: fingerprintBytes(bytes).toString(16).padStart(13, "0"), cut };
  return { form: type === null && /^\s*[[{]/.test(text) ? "json" : (form as "json" | "ndjson" | "text" | "markup"), text, cut };
}

/** Workers undo these by themselves and leave the header as it is. */
const UNDONE = /^(?:gzip|x-gzip|br|identity|)$/;

function isCompressed(coding: string | null, bytes: Uint8Array): boolean {
  const named = (coding ?? "").trim().toLowerCase();
  return !UNDONE.test(named) || (named !== "" && bytes[0] === 0x1f && bytes[1] === 0x8b);
}

function formOf(type: string | null): "json" | "ndjson" | "markup" | "text" | "bytes" {
  const name = (type ?? "text/plain").split(";", 1)[0]!.trim().toLowerCase();
  if (/^application\/(?:x-)?(?:ndjson|jsonl|jsonlines|json-lines)$/.test(name)) return "ndjson";
  if (/^(?:application|text)\/json$|\+json$/.test(name)) return "json";
  if (/^text\/html$|^application\/xhtml\+xml$/.test(name)) return "markup";
  return /^text\/|^application\/(?:xml|javascript|x-www-form-urlencoded|yaml|toml|graphql)$|\+(?:xml|yaml)$/.test(name) ? "text" : "bytes";
}

const charsetOf = (type: string | null): string => /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(type ?? "")?.[1] ?? "utf-8";

function decode(bytes: Uint8Array, charset: string, cut: boolean): string | null {
  try {
    // A cut may go through a character: streaming keeps its first bytes back.
    return new TextDecoder(charset, { fatal: true, ignoreBOM: false }).decode(bytes, { stream: cut });
  } catch {
    return null;
  }
}
