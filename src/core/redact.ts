/**
 * Examples of differences, made fit to be kept (contract section 7): what is named like a secret or looks like one becomes `…` before anything
 * is cut, counted or stored. Errs on the side of hiding.
 */
import type { Difference } from "./difference.ts";
import type { Mirror } from "./lane-group.ts";
import { foundAt, intoElement, intoKey, type Places, parsePath, pathTree } from "./path.ts";
import { isValueKey } from "./redact-context.ts";
import { HIDDEN, redactText } from "./redact-text.ts";
import { isSecretName, plainName } from "./secret-names.ts";
import { looksIssued } from "./secret-paths.ts";
import { isEntry, namesSecret, SecretValues } from "./secret-values.ts";
import { escapeUnseen } from "./unseen.ts";

export interface Redaction {
  /** As `plainName` writes them. */
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
 * The default list, what the mirror calls one-time secrets, and all that it scrubs: its headers, query and baggage keys by name; its JSON paths
 * as places of the answer's body, and their last keys by name anywhere. A path that does not parse counts as nothing: the lane file's schema refuses it.
 */
export function redaction(scrub: Mirror["scrub"], secrets: Mirror["secrets"]): Redaction {
  const paths = scrub.json.flatMap((text) => {
    const path = parsePath(text);
    return path.ok ? [path.value] : [];
  });
  const last = paths.flatMap((path) => path.filter((step) => typeof step === "object").at(-1)?.key ?? []);
  return {
    names: new Set([...scrub.headers, ...scrub.query, ...scrub.baggage, ...last, ...(secrets ?? [])].map(plainName)),
    places: pathTree(paths.map((path) => [[{ key: "body" }, ...path], true] as const)),
  };
}

const NO_VALUES = new SecretValues();

/** @param values what is secret wherever it stands (`secret-values.ts`) */
export function redact(difference: Difference, { places: root, names }: Redaction, values: SecretValues = NO_VALUES): Sample {
  const steps = parsePath(difference.path);
  const text: Redacting["text"] = (value) => values.without(redactText(value, names), HIDDEN, difference.path);
  let places = root;
  let secret = false;
  for (const step of steps.ok ? steps.value : []) {
    places = typeof step === "object" ? intoKey(places, step.key) : intoElement(places);
    secret ||= foundAt(places).length > 0 || (typeof step === "object" && isSecretName(step.key, names));
  }
  const example = (value: unknown): string | null => {
    if (value === undefined) return null;
    return secret ? HIDDEN : short(escapeUnseen(show(value, places, { names, text }, 0)));
  };
  const { kind, times, opaque } = difference;
  let behind = false;
  const path = difference.path.replace(KEY, (key) => {
    // What stands as a key below `tokens` or `sessions` is one of them.
    const shown = behind && looksIssued(key) ? HIDDEN : redactText(key, names);
    behind ||= isSecretName(key, names);
    return shown;
  });
  return { path, kind, left: example(difference.left), right: example(difference.right), times, ...(opaque && { opaque }) };
}

/** One key of a path: `div.@data.at` is no address of a person. */
const KEY = /\['(?:[^'\\]|\\.)*'\]|[^.[\]]+/g;

interface Redacting {
  readonly names: ReadonlySet<string>;
  readonly text: (value: string) => string;
}

const MAX_EXAMPLE = 256;
const MAX_DEPTH = 8;
const MAX_ENTRIES = 16;

const short = (text: string): string => (text.length > MAX_EXAMPLE ? `${text.slice(0, MAX_EXAMPLE - 1)}…`.toWellFormed() : text);

/** As JSON. Recursive, but no deeper than `MAX_DEPTH`. */
function show(value: unknown, places: Places<true>, redacting: Redacting, depth: number): string {
  const { names, text } = redacting;
  if (foundAt(places).length > 0 || depth > MAX_DEPTH) return HIDDEN;
  if (typeof value === "string") return JSON.stringify(text(value));
  if (Array.isArray(value)) {
    const below = intoElement(places);
    if (isEntry(value, names)) return `[${JSON.stringify(text(value[0]))},${HIDDEN}]`;
    return `[${listed(value, (element) => show(element, below, redacting, depth + 1))}]`;
  }
  if (value instanceof Map) {
    const siblings = namesSecret(value, names);
    return `{${listed([...value.entries()], ([key, child]) => {
      const hidden = isSecretName(key, names) || (siblings && isValueKey(key));
      return `${JSON.stringify(text(key))}:${hidden ? HIDDEN : show(child, intoKey(places, key), redacting, depth + 1)}`;
    })}}`;
  }
  return text(String(value));
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
