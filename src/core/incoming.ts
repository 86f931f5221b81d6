/**
 * What a request says of itself over our signature: the lane it travels in, that it is a copy, that we sent it (contract section 4).
 * Whatever a client, or a service on the way, has put beside our text must not hide it.
 */
import { type Context, isCurrent, isRecent, mayBeContext, readContext, type Signer } from "./context.ts";
import type { Facts } from "./facts.ts";
import { percentDecode } from "./percent.ts";

/**
 * Texts that have the form of a context, each once. All of them: a service that decodes keys and does not encode them again, or that adds to the
 * header, may put forgeries before ours, and any limit would let them take its place. The platform's limit on headers bounds the signature checks.
 */
export interface ContextTexts {
  /** Under the group's own key, wherever in the baggage, then the header's. */
  readonly own: ReadonlySet<string>;
  /** Under other groups' keys. */
  readonly others: ReadonlySet<string>;
}

/** `1~…` in any spelling that decodes to it (W3C Baggage, section "value"), up to what ends a value; the signature says whether it is more than that. */
const TEXT = String.raw`((?:1|%31)(?:~|%7[Ee])[^,;" \t]*)`;
/** List members `laneway.<group>=1~…`, wherever in the baggage. Linear. */
const MEMBERS = new RegExp(String.raw`(?:^|,)[ \t]*laneway\.([a-z0-9-]+)[ \t]*=[ \t]*"?${TEXT}`, "g");
/** Elements of the header: several lines of it are one list (RFC 9110, section 5.3). Linear. */
const ELEMENTS = new RegExp(String.raw`(?:^|[,;" \t])${TEXT}`, "g");

export function contextTexts(group: string, { baggage, headers }: Facts): ContextTexts {
  const own = new Set<string>();
  const others = new Set<string>();
  const add = (texts: Set<string>, value: string): void => {
    const text = percentDecode(value);
    if (mayBeContext(text)) texts.add(text);
  };
  for (const [, name, value] of baggage.whole.matchAll(MEMBERS)) add(name === group ? own : others, value!);
  for (const [, value] of (headers.get("x-lane-context") ?? "").matchAll(ELEMENTS)) add(own, value!);
  return { own, others };
}

export interface Incoming {
  /** The context of the group at hand, in its time. */
  readonly context: Context | null;
  /** `<group>/<mirror>`: the request is a copy, by any group's signature of whatever age. */
  readonly copy: string | null;
  /** A group of ours sent it, within the last 24 hours. */
  readonly known: boolean;
}

export const NOTHING_CAME: Incoming = { context: null, copy: null, known: false };

export function readIncoming(group: string, facts: Facts, signer: Signer): Incoming {
  let { context, copy, known } = NOTHING_CAME;
  const { own, others } = contextTexts(group, facts);
  for (const texts of [own, others]) {
    for (const text of texts) {
      const read = readContext(text, signer);
      if (read === null) continue;
      copy ??= read.mirror;
      known ||= isRecent(read, facts.now);
      if (texts === own && read.group === group && isCurrent(read, facts.now)) context ??= read;
    }
  }
  return { context, copy, known };
}

/** Why a request may not come to this service: it admits only what a group of ours sent (contract section 4). Asked before all else. */
export function refusalOf({ signed }: { readonly signed: boolean }, { known }: Incoming, signer: Signer | null): Refusal | null {
  if (!signed || known) return null;
  return signer === null ? "no-secret" : "no-context";
}

export type Refusal = "no-secret" | "no-context";
