/** Answers on this platform → what `core/compare.ts` compares: bytes read to a cap, codings undone (contract section 7). */
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { type Answer, type Comparison, compareAnswers } from "../core/compare.ts";
import { type Body, mapText, readBody } from "../core/compare-body.ts";
import { type CompareRules, compareRules } from "../core/compare-rules.ts";
import type { Facts } from "../core/facts.ts";
import type { Mirror, Origin } from "../core/lane-group.ts";
import { publicCookies, publicHeader, setAnswerHeaders } from "../core/map-back.ts";
import { type Redaction, redaction } from "../core/redact.ts";
import { collectSecrets, SecretValues } from "../core/secret-values.ts";
import { unshadowed } from "../core/shadow-host.ts";
import { readUpTo } from "./read-up-to.ts";

/** What is read of an answer's body: three answers a comparison, 32 at once, must fit beside the traffic. */
export const MAX_COMPARED_BYTES = 256 * 1024;
/** Of a compressed one, when it is undone. */
const MAX_PLAIN_BYTES = 1024 * 1024;

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

/** `body`: the branch of it that is ours to read, so many bytes of it and for so long. */
export async function take(
  { status, headers }: Response,
  body: ReadableStream | null,
  origin: Origin,
  { cap, ms }: { readonly cap: number; readonly ms: number },
): Promise<Taken | Failure> {
  const { bytes, end } = await readUpTo(body, cap, ms);
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

function bodyOf(taken: Taken): Body {
  const read = plain(taken);
  if (read === null) return { form: "compressed" };
  return readBody(taken.headers.get("content-type"), null, read.bytes, read.cut);
}

/**
 * As the client of the primary would see it (contract sections 4 and 7): each origin's own address is the public one, so is our `-shadow` host
 * wherever the origin has written it, and headers are what the lane file makes of them. Cookies are one a line: a comma parts none (RFC 6265,
 * section 3).
 */
export function answerOf(taken: Taken, facts: Facts): Answer {
  const { origin } = taken;
  const toPublic = unshadowed(facts.authority);
  const headers = new Map<string, string>();
  for (const [name, value] of taken.headers) {
    const shown = toPublic(value);
    if (name !== "set-cookie") headers.set(name, publicHeader(name, shown, origin, facts) ?? shown);
  }
  const cookies = taken.headers.getSetCookie().map(toPublic);
  if (cookies.length > 0) headers.set("set-cookie", (publicCookies(cookies, origin, facts)?.lines ?? cookies).join("\n"));
  setAnswerHeaders(headers, origin);
  const url = `${facts.secure ? "https" : "http"}://${facts.authority}${facts.path}${facts.search}`;
  return { status: taken.status, headers, body: mapText(bodyOf(taken), toPublic), url };
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
  const comparing = rules?.ok ? { rules: rules.value, hidden: redaction(mirror.scrub, mirror.secrets) } : null;
  compiled.set(mirror, comparing);
  return comparing;
}

export function compareWith(left: Answer, right: Taken | Failure, facts: Facts, rules: CompareRules): Comparison {
  if (typeof right !== "string") return compareAnswers(left, answerOf(right, facts), rules);
  return { differences: [{ path: "status", kind: "status", left: left.status, right, times: 1 }], truncated: false, skipped: null };
}

/** What is secret in these answers by what stands beside it. They are read again: few comparisons differ. */
export function secretValuesOf(answers: readonly (Taken | Failure | null)[], { names }: Redaction): SecretValues {
  const values = new SecretValues();
  for (const taken of answers) if (taken !== null && typeof taken !== "string") collectSecrets(bodyOf(taken), names, values);
  return values;
}
