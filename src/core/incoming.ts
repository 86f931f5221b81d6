/**
 * What a request says of itself over our signature: the lane it travels in, that it is a copy, that we sent it (contract section 4).
 * Whatever a client, or a service on the way, has put beside our text must not hide it.
 */
import { type Context, isCurrent, isRecent, mayBeContext, readContext, type Signer } from "./context.ts";
import type { Facts } from "./facts.ts";
import { percentDecode } from "./percent.ts";

/** Each costs a signature check. Ours stands once, but a service that decodes keys and does not encode them again adds forgeries behind it. */
const MAX_OWN = 8;
/** With the header's sixteen: a chain through more groups is an attack. */
export const MAX_OTHERS = 15;

/** Texts that look like contexts; what does not takes nobody's place. */
export interface ContextTexts {
  /** Under the group's own key, wherever in the baggage, then the header's. */
  readonly own: readonly string[];
  /** Under other groups' keys. */
  readonly others: readonly string[];
}

/** List members `laneway.<group>=1~…`, wherever in the header; the signature says whether they are more than that. Linear. */
const MEMBERS = /(?:^|,)[ \t]*laneway\.([a-z0-9-]+)[ \t]*=[ \t]*(1(?:~|%7[Ee])[^,; \t]*)/g;

export function contextTexts(group: string, { baggage, headers }: Facts): ContextTexts {
  const own: string[] = [];
  const others: string[] = [];
  for (const [, name, value] of baggage.whole.matchAll(MEMBERS)) {
    const [texts, most] = name === group ? [own, MAX_OWN] : [others, MAX_OTHERS];
    const text = texts.length < most ? percentDecode(value!) : "";
    if (mayBeContext(text)) texts.push(text);
  }
  const header = headers.get("x-lane-context") ?? "";
  if (mayBeContext(header)) own.push(header);
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
  for (const [at, text] of [...own, ...others].entries()) {
    const read = readContext(text, signer);
    if (read === null) continue;
    copy ??= read.mirror;
    known ||= isRecent(read, facts.now);
    if (at < own.length && read.group === group && isCurrent(read, facts.now)) context ??= read;
  }
  return { context, copy, known };
}

/** Why a request may not come to this service: it admits only what a group of ours sent (contract section 4). Asked before all else. */
export function refusalOf({ signed }: { readonly signed: boolean }, { known }: Incoming, signer: Signer | null): Refusal | null {
  if (!signed || known) return null;
  return signer === null ? "no-secret" : "no-context";
}

export type Refusal = "no-secret" | "no-context";
