/** How a copy differs from the request it was made of: marked, scrubbed, without credentials (contract section 7). Pure. */
import type { Decision } from "./decide.ts";
import { type Facts, headerFact } from "./facts.ts";
import type { Mirror } from "./lane-group.ts";
import { shadowHost } from "./mirror.ts";
import { parsePath } from "./path.ts";
import { err, ok, type Result } from "./result.ts";
import { scrubJson, scrubPlaces } from "./scrub.ts";
import { cookieNames } from "./sticky.ts";
import type { HeaderEdits } from "./target.ts";

const CREDENTIALS = ["authorization", "proxy-authorization", "cookie"];

/** The copy lost what may have decided the primary's answer: the two are not compared. Our own cookie reaches no origin anyway. */
export function losesCredentials({ group }: Decision, facts: Facts, { credentials }: Mirror): boolean {
  if (credentials === "forward") return false;
  const ours = cookieNames(group);
  return headerFact(facts, "authorization") !== undefined || [...facts.cookies.keys()].some((name) => !ours.includes(name));
}

/** The decision that the copy carries: the mirror's lane (or, asked for noise, the one that served), and the mark. */
export function copyDecision(decision: Decision, mirror: Mirror, lane: string): Decision {
  return { ...decision, lane, copy: `${decision.group.name}/${mirror.name}` };
}

/** `sampled` and `random-trace-id`: whoever writes a header sets all others to 0 (W3C Trace Context Level 2, section 2.2.2.5.3). */
const KNOWN_FLAGS = 0x03;

/**
 * Same trace, a span of its own, so that a trace does not show two primaries; of the version that we know, whichever came (W3C Trace
 * Context, section 2.2.2.4 and "Versioning of traceparent").
 */
function ownSpan({ traceId, traceFlags, requestId }: Facts, spanId: string): string {
  return `00-${traceId ?? requestId}-${spanId}-0${traceFlags & KNOWN_FLAGS}`;
}

/** At every hop of a copy the host says that it is one, as behind Envoy, beside our own marks. */
export function shadowed(edits: HeaderEdits, facts: Facts): HeaderEdits {
  const others = edits.set.filter(([name]) => name !== "x-forwarded-host");
  return { ...edits, set: [...others, ["x-forwarded-host", shadowHost(facts.authority)]] };
}

/** What the copy of a request says, from what the request itself would say. `spanId`: 16 hex digits, random. */
export function copyEdits(edits: HeaderEdits, facts: Facts, mirror: Mirror, spanId: string): HeaderEdits {
  const gone = new Set([...mirror.scrub.headers, ...(mirror.credentials === "strip" ? CREDENTIALS : [])]);
  const { remove, set, ...rest } = shadowed(edits, facts);
  const kept = set.filter(([name]) => !gone.has(name) && name !== "traceparent");
  // The length is that of the scrubbed body.
  return { ...rest, remove: [...remove, ...gone, "content-length"], set: [...kept, ["traceparent", ownSpan(facts, spanId)]] };
}

/** The body as the copy may carry it; a body that cannot be scrubbed for sure is none that may be sent. */
export function copyBody(
  bytes: Uint8Array<ArrayBuffer>,
  facts: Facts,
  mirror: Mirror,
): Result<Uint8Array<ArrayBuffer>, "scrub" | "body-too-large"> {
  if (bytes.byteLength > mirror.maxBodyBytes) return err("body-too-large");
  if (mirror.scrub.json.length === 0 || bytes.byteLength === 0) return ok(bytes);
  const type = facts.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (!/^(?:application|text)\/json$|\+json$/.test(type) || facts.headers.get("content-encoding")) return err("scrub");
  const paths = mirror.scrub.json.map(parsePath);
  const text = utf8(bytes);
  if (text === null || paths.some((path) => !path.ok)) return err("scrub");
  const scrubbed = scrubJson(text, scrubPlaces(paths.flatMap((path) => (path.ok ? [path.value] : []))));
  return scrubbed.ok ? ok(Uint8Array.from(new TextEncoder().encode(scrubbed.value))) : err("scrub");
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return null;
  }
}
