/** Answers on this platform → what `core/compare.ts` compares: bytes read to a cap, codings undone, HTML taken apart (contract section 7). */
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { publicLocation } from "../core/answer.ts";
import { type Answer, type Comparison, compareAnswers } from "../core/compare.ts";
import { type Body, readBody } from "../core/compare-body.ts";
import type { HtmlNode } from "../core/compare-html.ts";
import { type CompareRules, compareRules } from "../core/compare-rules.ts";
import type { Facts } from "../core/facts.ts";
import type { Mirror, Origin } from "../core/lane-group.ts";
import { type Redaction, redaction } from "../core/redact.ts";
import { readUpTo } from "./read-up-to.ts";

/** What is read of an answer's body: three answers a comparison, 32 at once, must fit beside the traffic. */
export const MAX_COMPARED_BYTES = 256 * 1024;
/** Of a compressed one, when it is undone. */
const MAX_PLAIN_BYTES = 1024 * 1024;
/** As many as `core/compare-html.ts` looks at. */
const MAX_NODES = 20_000;

/** An answer as it is on the wire, so that reading it here does not change what the client gets of it. */
export interface Taken {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly cut: boolean;
  readonly origin: Origin;
}

/** What stands in the place of an answer that did not come whole: it is never equal to one. */
export type Failure = "connect" | "timeout";

/** `body`: the branch of it that is ours to read. */
export async function take(response: Response, body: ReadableStream | null, origin: Origin, ms: number): Promise<Taken | Failure> {
  const { status, headers } = response;
  const { bytes, end } = await readUpTo(body, MAX_COMPARED_BYTES, ms);
  if (end === "late" || end === "broken") return end === "late" ? "timeout" : "connect";
  return { status, headers, bytes, cut: end === "cut", origin };
}

const UNDO: Readonly<Record<string, (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array>> = {
  gzip: gunzipSync,
  "x-gzip": gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

/** null: it cannot be undone, because it is broken, cut, too large, or coded in a way that nobody knows. */
function plain({ headers, bytes, cut }: Taken): Pick<Taken, "bytes" | "cut"> | null {
  const coding = (headers.get("content-encoding") ?? "").trim().toLowerCase();
  if (coding === "" || coding === "identity" || bytes.byteLength === 0) return { bytes, cut };
  const undo = Object.hasOwn(UNDO, coding) ? UNDO[coding] : undefined;
  if (undo === undefined || cut) return null;
  try {
    const whole = undo(bytes, { maxOutputLength: MAX_PLAIN_BYTES });
    return { bytes: new Uint8Array(whole.subarray(0, MAX_COMPARED_BYTES)), cut: whole.byteLength > MAX_COMPARED_BYTES };
  } catch {
    return null;
  }
}

/** HTMLRewriter knows which elements have no end tag to wait for, and throws there. */
function onEndTag(element: Element, tag: string, nodes: HtmlNode[]): void {
  try {
    // An element that nothing closed ends with the one around it, and is not told twice.
    element.onEndTag(({ name }) => void (name.toLowerCase() === tag && nodes.push({ close: tag })));
  } catch {
    // A void element.
  }
}

/** The first 20,000 nodes of a page; `cut`: there are more. */
async function htmlNodes(text: string): Promise<{ nodes: HtmlNode[]; cut: boolean }> {
  const nodes: HtmlNode[] = [];
  let chunks = "";
  const add = (node: HtmlNode) => {
    if (nodes.length === MAX_NODES) throw new Error("enough");
    nodes.push(node);
  };
  const rewriter = new HTMLRewriter()
    .on("*", {
      element(element) {
        const tag = element.tagName.toLowerCase();
        add({ open: tag, attributes: [...element.attributes].map(([name, value]) => [name!, value!] as const) });
        onEndTag(element, tag, nodes);
      },
    })
    .onDocument({
      text({ text, lastInTextNode }) {
        chunks += text;
        if (!lastInTextNode) return;
        add({ text: chunks });
        chunks = "";
      },
    });
  try {
    await rewriter.transform(new Response(text)).arrayBuffer();
    return { nodes, cut: false };
  } catch {
    return { nodes, cut: true };
  }
}

async function bodyOf(taken: Taken): Promise<Body> {
  const read = plain(taken);
  if (read === null) return { form: "compressed" };
  const body = readBody(taken.headers.get("content-type"), null, read.bytes, read.cut);
  if (body.form !== "markup") return body;
  const { nodes, cut } = await htmlNodes(body.text);
  return { form: "html", nodes, cut: cut || body.cut };
}

/** Each origin's own address in a `Location` is the public one, as the client would see it (contract section 4, redirects). */
export async function answerOf(taken: Taken, facts: Facts): Promise<Answer> {
  const headers = new Map(taken.headers);
  for (const name of ["location", "content-location"]) {
    const value = headers.get(name);
    if (value !== undefined) headers.set(name, publicLocation(value, taken.origin, facts) ?? value);
  }
  return { status: taken.status, headers, body: await bodyOf(taken) };
}

export interface Comparing {
  readonly rules: CompareRules;
  readonly hidden: Redaction;
}

const compiled = new WeakMap<Mirror, Comparing | null>();

/** Compiled once per mirror; null: it does not compare. The lane file's schema has refused paths that do not parse. */
export function comparingOf(mirror: Mirror): Comparing | null {
  const known = compiled.get(mirror);
  if (known !== undefined) return known;
  const rules = mirror.compare === null ? null : compareRules(mirror.compare);
  const comparing = rules?.ok ? { rules: rules.value, hidden: redaction(mirror.scrub) } : null;
  compiled.set(mirror, comparing);
  return comparing;
}

export async function compareWith(left: Answer, right: Taken | Failure, facts: Facts, rules: CompareRules): Promise<Comparison> {
  if (typeof right !== "string") return compareAnswers(left, await answerOf(right, facts), rules);
  return { differences: [{ path: "status", kind: "status", left: left.status, right, times: 1 }], truncated: false, skipped: null };
}
