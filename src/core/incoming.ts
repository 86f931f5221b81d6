/**
 * What a request says of itself over our signature: the lane it travels in, that it is a copy, that we sent it (contract section 4).
 * Whatever a client, or a service on the way, has put beside our text must not hide it.
 */
import { type Context, isCurrent, isRecent, mayBeContext, readContext, type Signer } from "./context.ts";
import type { Facts } from "./facts.ts";
import { percentDecode } from "./percent.ts";

/**
 * Each costs a signature check. Ours stands once, but a service that decodes keys and does not encode them again adds forgeries behind it; one
 * that passes the header on and adds to it makes a list of it.
 */
const MAX_OWN = 8;
/** A chain through more groups is an attack. */
export const MAX_OTHERS = 15;

/** Texts that look like contexts; what does not takes nobody's place. */
export interface ContextTexts {
  /** Under the group's own key, wherever in the baggage, then the header's. */
  readonly own: readonly string[];
  /** Under other groups' keys. */
  readonly others: readonly string[];
}

/** `1~…` in any spelling that decodes to it (W3C Baggage, section "value"), up to what ends a value; the signature says whether it is more than that. */
const TEXT = String.raw`((?:1|%31)(?:~|%7[Ee])[^,;" \t]*)`;
/** List members `laneway.<group>=1~…`, wherever in the baggage. Linear. */
const MEMBERS = new RegExp(String.raw`(?:^|,)[ \t]*laneway\.([a-z0-9-]+)[ \t]*=[ \t]*"?${TEXT}`, "g");
/** Elements of the header: several lines of it are one list (RFC 9110, section 5.3). Linear. */
const ELEMENTS = new RegExp(String.raw`(?:^|[,;" \t])${TEXT}`, "g");

export function contextTexts(group: string, { baggage, headers }: Facts): ContextTexts {
  const own: string[] = [];
  const others: string[] = [];
  const inHeader: string[] = [];
  const add = (texts: string[], most: number, value: string): void => {
    const text = texts.length < most ? percentDecode(value) : "";
    if (mayBeContext(text)) texts.push(text);
  };
  for (const [, name, value] of baggage.whole.matchAll(MEMBERS)) {
    if (name === group) add(own, MAX_OWN, value!);
    else add(others, MAX_OTHERS, value!);
  }
  for (const [, value] of (headers.get("x-lane-context") ?? "").matchAll(ELEMENTS)) add(inHeader, MAX_OWN, value!);
  return { own: inHeader.length === 0 ? own : [...own, ...inHeader], others };
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
