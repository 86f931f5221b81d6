/** Two answers on this platform → what `core/compare.ts` compares: bytes read to a cap, codings undone, HTML taken apart (contract section 7). */
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { type Answer, type Comparison, compareAnswers } from "../core/compare.ts";
import { type Body, readBody } from "../core/compare-body.ts";
import type { HtmlNode } from "../core/compare-html.ts";
import { type CompareRules, compareRules } from "../core/compare-rules.ts";
import type { Mirror } from "../core/lane-group.ts";

/** What is read of an answer's body: three answers a comparison, 32 at once, must fit beside the traffic. */
export const MAX_COMPARED_BYTES = 256 * 1024;

export interface Bytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly cut: boolean;
}

const EMPTY = new Uint8Array(0);

/** Reads at most the cap, then lets go of the stream, so that an endless answer ends here. */
export async function readUpTo(stream: ReadableStream<Uint8Array> | null, cap: number): Promise<Bytes> {
  if (stream === null) return { bytes: EMPTY, cut: false };
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      chunks.push(next.value);
      size += next.value.byteLength;
      if (size > cap) break;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
  const whole = new Uint8Array(Math.min(size, cap));
  let at = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, cap - at);
    whole.set(part, at);
    at += part.byteLength;
  }
  return { bytes: whole, cut: size > cap };
}

/** A primary's answer is taken as it is on the wire, so that the client's bytes stay what they are; null: it cannot be undone. */
function undone({ bytes, cut }: Bytes, coding: string): Bytes | null {
  if (coding === "" || coding === "identity") return { bytes, cut };
  if (cut) return null;
  try {
    const options = { maxOutputLength: MAX_COMPARED_BYTES };
    const plain =
      coding === "br" ? brotliDecompressSync(bytes, options) : coding === "gzip" || coding === "x-gzip" ? gunzipSync(bytes, options) : null;
    return plain === null ? null : { bytes: new Uint8Array(plain), cut: false };
  } catch {
    return null;
  }
}

/** Elements that have no end tag to wait for (HTML Standard, section 13.1.2). */
const VOID = /^(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)$/i;

async function htmlNodes(text: string): Promise<HtmlNode[]> {
  const nodes: HtmlNode[] = [];
  let chunks = "";
  const rewriter = new HTMLRewriter()
    .on("*", {
      element(element) {
        nodes.push({
          open: element.tagName.toLowerCase(),
          attributes: [...element.attributes].map(([name, value]) => [name!, value!] as const),
        });
        if (!VOID.test(element.tagName)) element.onEndTag((end) => void nodes.push({ close: end.name.toLowerCase() }));
      },
    })
    .onDocument({
      text({ text, lastInTextNode }) {
        chunks += text;
        if (!lastInTextNode) return;
        nodes.push({ text: chunks });
        chunks = "";
      },
    });
  await rewriter.transform(new Response(text)).arrayBuffer();
  return nodes;
}

async function bodyOf(headers: Headers, read: Bytes | null): Promise<Body> {
  if (read === null) return { form: "compressed" };
  const body = readBody(headers.get("content-type"), null, read.bytes, read.cut);
  return body.form === "markup" ? { form: "html", nodes: await htmlNodes(body.text), cut: body.cut } : body;
}

export interface Taken {
  readonly status: number;
  readonly headers: Headers;
  readonly read: Bytes;
  /** The bytes are still coded as `Content-Encoding` says. */
  readonly raw: boolean;
}

export async function answerOf({ status, headers, read, raw }: Taken): Promise<Answer> {
  const coding = raw ? (headers.get("content-encoding") ?? "").trim().toLowerCase() : "";
  return { status, headers: new Map(headers), body: await bodyOf(headers, undone(read, coding)) };
}

const rules = new WeakMap<Mirror, CompareRules | null>();

/** Compiled once per mirror; the lane file's schema has refused paths that do not parse. */
export function rulesOf(mirror: Mirror): CompareRules | null {
  const known = rules.get(mirror);
  if (known !== undefined) return known;
  const compiled = mirror.compare === null ? null : compareRules(mirror.compare);
  const usable = compiled?.ok ? compiled.value : null;
  rules.set(mirror, usable);
  return usable;
}

export const compare = (left: Answer, right: Answer, places: CompareRules): Comparison => compareAnswers(left, right, places);
