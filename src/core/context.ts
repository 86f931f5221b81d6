/**
 * The context: what a request that already travels in a lane says of itself, signed by us (contract section 4).
 *
 * Text: `1~group~lane~hop~window~mirrorGroup~mirror~signature`, unreserved characters only (RFC 3986, section 2.3), so that it stands
 * in a baggage value without escapes. Names never contain `~`, hence the text before the last `~` is a length-safe input of the HMAC.
 * It is the value of the baggage member `laneway.<group>` and, as it is, of the header `x-lane-context`.
 */
export interface Context {
  readonly group: string;
  /** The decided lane, the baseline included; a fallback does not change it. */
  readonly lane: string;
  /** 1 at the first origin of a chain. */
  readonly hop: number;
  /** Number of the 5-minute window in which it was signed. */
  readonly window: number;
  /** `<group>/<mirror>` where the request is a copy. */
  readonly mirror: string | null;
}

/** HMAC-SHA-256 as base64url; `verify` also accepts the previous secret, in constant time. */
export interface Signer {
  sign(payload: string): string;
  verify(payload: string, signature: string): boolean;
}

export const WINDOW_SECONDS = 300;
export const windowOf = (now: number): number => Math.floor(now / WINDOW_SECONDS);

/** Longer texts are not ours: seven fields of at most 40 characters and a signature. */
const MAX_LENGTH = 320;

/** The keys of all groups' members begin so. */
export const CONTEXT_KEYS = "laneway.";
export const contextKey = (group: string): string => `${CONTEXT_KEYS}${group}`;

/** As `writeContext` writes it, with any 43 characters of base64url for the signature. */
const FORM = /^1~[a-z\d-]+~[\w.-]+~\d+~\d+~[a-z\d-]*~[\w.-]*~[\w-]{43}$/;

/** Is a look at the signature worth its cost? */
export const mayBeContext = (text: string): boolean => text.length <= MAX_LENGTH && FORM.test(text);

/** The sixth field is a mirror's group: it says of itself, signed or not, that it is a copy's. */
export const saysCopy = (text: string): boolean => /^1~(?:[^~]*~){4}[^~]/.test(text);

/** What a context is written in, plain, percent-encoded (once or again and again) or as a character reference, and what parts its fields. */
const [CHAR, SIGN] = [String.raw`(?:[\w.-]|%(?!(?:25){0,3}7[Ee])[\dA-Fa-f]{2})`, "(?:~|%(?:25){0,3}7[Ee]|&#126;|&#x7[Ee];)"];
/**
 * A context wherever it stands in a text, cut within its signature or not: the rest could be guessed. Bounded: no field has more than 40
 * characters, and none holds what parts them.
 */
const IN_TEXT = new RegExp(`((?:1|%31)(?:${SIGN}${CHAR}{0,40}){6}${SIGN})${CHAR}{1,43}`, "g");

/** For every place where a person reads it: whoever has a signature can send requests as ours. */
export const withoutSignatures = (text: string): string => text.replace(IN_TEXT, "$1…");

export function writeContext(context: Context, signer: Signer): string {
  const [mirrorGroup, mirror] = context.mirror === null ? ["", ""] : context.mirror.split("/", 2);
  const payload = `1~${context.group}~${context.lane}~${context.hop}~${context.window}~${mirrorGroup}~${mirror}`;
  return `${payload}~${signer.sign(payload)}`;
}

/** The fields of a text whose signature is ours, whatever its age; null for everything else. Never throws. */
export function readContext(text: string, signer: Signer): Context | null {
  if (!mayBeContext(text)) return null;
  const cut = text.lastIndexOf("~");
  const fields = text.slice(0, cut).split("~");
  if (fields.length !== 7 || !signer.verify(text.slice(0, cut), text.slice(cut + 1))) return null;
  const [, group, lane, hop, window, mirrorGroup, mirror] = fields as [string, string, string, string, string, string, string];
  return { group, lane, hop: Number(hop), window: Number(window), mirror: mirror === "" ? null : `${mirrorGroup}/${mirror}` };
}

/** This window, the one before (contract section 4), or the next, which another machine's clock may have reached already. */
export function isCurrent(context: Context, now: number): boolean {
  return Math.abs(windowOf(now) - context.window) <= 1;
}

const RECENT_WINDOWS = (24 * 3600) / WINDOW_SECONDS;

/** Does it still tell a request of ours from a stranger's? A queue may hold one for a while (contract section 4, `"entry": "signed"`). */
export function isRecent(context: Context, now: number): boolean {
  const age = windowOf(now) - context.window;
  return age >= -1 && age <= RECENT_WINDOWS;
}
