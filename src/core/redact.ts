/**
 * Examples of differences, made fit to be kept (contract section 7): what is named like a secret or looks like one becomes `…` before anything
 * is cut, counted or stored. Errs on the side of hiding.
 */
import type { Difference } from "./difference.ts";
import type { Mirror } from "./lane-group.ts";
import { foundAt, intoElement, intoKey, type Places, parsePath, pathTree } from "./path.ts";

export interface Redaction {
  /** As `nameOf` writes them. */
  readonly names: ReadonlySet<string>;
  readonly places: Places<true>;
}

/** A difference as it may be stored: both examples at most 256 characters, null where nothing was. */
export interface Sample {
  readonly path: string;
  readonly kind: Difference["kind"];
  readonly left: string | null;
  readonly right: string | null;
  readonly times: number;
  readonly opaque?: true;
}

/**
 * The default list and all that the mirror scrubs: its headers, query and baggage keys by name; its JSON paths as places of the answer's body,
 * and their last keys by name anywhere. A path that does not parse counts as nothing: the lane file's schema refuses it.
 */
export function redaction(scrub: Mirror["scrub"]): Redaction {
  const paths = scrub.json.flatMap((text) => {
    const path = parsePath(text);
    return path.ok ? [path.value] : [];
  });
  const last = paths.flatMap((path) => path.filter((step) => typeof step === "object").at(-1)?.key ?? []);
  return {
    names: new Set([...scrub.headers, ...scrub.query, ...scrub.baggage, ...last].map(nameOf)),
    places: pathTree(paths.map((path) => [[{ key: "body" }, ...path], true] as const)),
  };
}

export function redact(difference: Difference, redaction: Redaction): Sample {
  const steps = parsePath(difference.path);
  let places = redaction.places;
  let secret = false;
  for (const step of steps.ok ? steps.value : []) {
    places = typeof step === "object" ? intoKey(places, step.key) : intoElement(places);
    secret ||= foundAt(places).length > 0 || (typeof step === "object" && isSecretName(step.key, redaction.names));
  }
  const example = (value: unknown): string | null => {
    if (value === undefined) return null;
    return secret ? HIDDEN : short(show(value, places, redaction.names, 0));
  };
  const { kind, times, opaque } = difference;
  const path = difference.path.replace(KEY, (key) => redactText(key));
  return { path, kind, left: example(difference.left), right: example(difference.right), times, ...(opaque && { opaque }) };
}

/** One key of a path: `div.@data.at` is no address of a person. */
const KEY = /\['(?:[^'\\]|\\.)*'\]|[^.[\]]+/g;

const HIDDEN = "…";
const MAX_EXAMPLE = 256;
const MAX_DEPTH = 8;
const MAX_ENTRIES = 16;

const short = (text: string): string => (text.length > MAX_EXAMPLE ? `${text.slice(0, MAX_EXAMPLE - 1)}…`.toWellFormed() : text);

/** As JSON. Recursive, but no deeper than `MAX_DEPTH`. */
function show(value: unknown, places: Places<true>, names: ReadonlySet<string>, depth: number): string {
  if (foundAt(places).length > 0 || depth > MAX_DEPTH) return HIDDEN;
  if (typeof value === "string") return JSON.stringify(redactText(value));
  if (Array.isArray(value)) {
    const below = intoElement(places);
    return `[${listed(value, (element) => show(element, below, names, depth + 1))}]`;
  }
  if (value instanceof Map) {
    return `{${listed([...value.entries()], ([key, child]) => {
      const hidden = isSecretName(key, names);
      return `${JSON.stringify(redactText(key))}:${hidden ? HIDDEN : show(child, intoKey(places, key), names, depth + 1)}`;
    })}}`;
  }
  return redactText(String(value));
}

function listed<T>(items: readonly T[], one: (item: T) => string): string {
  const shown: string[] = [];
  let length = 0;
  for (const item of items) {
    if (shown.length === MAX_ENTRIES || length > MAX_EXAMPLE) break;
    const text = one(item);
    shown.push(text);
    length += text.length;
  }
  return shown.length < items.length ? `${shown.join(",")},…` : shown.join(",");
}

/** Words of a name, as in `accessToken`, `X-API-Key`, `card_number`. */
const SECRET_WORD =
  /^(?:password|passwd|passphrase|passcode|pwd|secret|token|jwt|bearer|auth|authorization|authentication|oauth|credential|cookie|session|sid|csrf|xsrf|signature|otp|totp|pin|cvv|cvc|csc|card|pan|iban|ssn|email|mail|phone|mobile|birthday|birthdate|dob)s?$/;
/** Words that mean a secret only together, or written as one. */
const SECRET_NAME =
  /(?:api|access|private|secret|encryption|signing|account)(?:key|number)|password|passwd|token|secret|cookie|sessionid|email|dateofbirth|creditcard/;

const nameOf = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, "");

function isSecretName(name: string, names: ReadonlySet<string>): boolean {
  const whole = nameOf(name.slice(0, MAX_EXAMPLE));
  if (names.has(whole) || SECRET_NAME.test(whole)) return true;
  const words = name
    .slice(0, MAX_EXAMPLE)
    .replace(/([a-z0-9])(?=[A-Z])/g, "$1 ")
    .toLowerCase()
    .split(/[^a-z]+/);
  return words.some((word) => SECRET_WORD.test(word));
}

/** Texts that look like secrets wherever they stand, with what is kept of them. All linear, or bounded by their counts. */
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g, HIDDEN],
  [/\/\/[^/\s@:]{1,64}:[^/\s@]{1,64}@/g, `//${HIDDEN}@`],
  [/\beyJ[\w-]{4,}\.[\w-]{4,}(?:\.[\w-]*){0,3}/g, HIDDEN],
  [/\b(bearer|basic|digest|negotiate)\s+[\w.~+/=-]{6,}/gi, `$1 ${HIDDEN}`],
  [
    /\b(?:[srp]k_(?:live|test)_\w{8,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abeoprs]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,}|sk-[\w-]{20,})/g,
    HIDDEN,
  ],
  [
    /((?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|session[_-]?id|authorization|cookie|signature|cvv|cvc|pin|otp)[\w-]{0,20}["']?\s{0,3}[:=]\s{0,3}["']?)[^\s"'&,;<>}]+/gi,
    `$1${HIDDEN}`,
  ],
  [/[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g, HIDDEN],
  [/\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,4})?\b/g, HIDDEN],
];
/** Payment cards (ISO/IEC 7812): 13 to 19 digits, grouped or not, with a right check digit. */
const CARD = /\b\d(?:[ -]?\d){12,18}\b/g;

/** As much of a text as may be kept before it is cut. */
const MAX_READ = 4096;

function redactText(text: string): string {
  let kept = text.length > MAX_READ ? withoutEnd(text.slice(0, MAX_READ)) : text;
  for (const [pattern, replacement] of SECRET_TEXTS) kept = kept.replace(pattern, replacement);
  return kept.replace(CARD, (digits) => (isLuhn(digits) ? HIDDEN : digits));
}

/** A secret across the cut would not be known by its first half: what could be the beginning of one goes, too. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && !/\s/.test(text[end - 1]!)) end--;
  while (end > 0 && /[\d -]/.test(text[end - 1]!)) end--;
  return text.slice(0, end) + HIDDEN;
}

/** ISO/IEC 7812-1, annex B. */
function isLuhn(text: string): boolean {
  let sum = 0;
  const digits = text.replace(/\D/g, "");
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    sum += i % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum % 10 === 0;
}
