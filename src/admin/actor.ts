/** Who did something, in the words of the history. Whoever writes chooses the name, so it must not read as more than a name. */
import { percentDecode } from "../core/percent.ts";
import { spaceUnseen } from "../core/unseen.ts";
import { addressOf } from "./attempts.ts";
import type { Caller } from "./caller.ts";

const MAX_TEXT = 200;

/** One line of a person's words. */
export const oneLine = (text: string): string => spaceUnseen(text).trim().slice(0, MAX_TEXT).toWellFormed();

/** Header values are ASCII; other letters come percent-encoded, in UTF-8. */
export function words(request: Request, header: "x-reason" | "x-actor"): string {
  return oneLine(percentDecode(request.headers.get(header) ?? ""));
}

/** Names that Laneway itself signs with. */
const OWN = new Set(["kv", "laneway", "rollout"]);
/** Reads as one name wherever it stands. */
const PLAIN = /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M} ._@+()'/-]*[\p{L}\p{N}\p{M}.)])?$/u;

const quoted = (name: string): string => JSON.stringify(name);

/** A name as it stands in a sentence: in quotes, with its own escaped, where it could be read as something else. */
const inSentence = (name: string): string => (PLAIN.test(name) && !OWN.has(name.toLowerCase()) ? name : quoted(name));

/** A verified name, or what the caller calls itself. */
export const actor = ({ request, caller }: { readonly request: Request; readonly caller: Caller }): string =>
  inSentence(caller.name ?? (words(request, "x-actor") || caller.by));

/** Somebody who was not let in: a name that nobody has checked always stands in quotes, before the address. */
export function stranger(request: Request): string {
  const claimed = words(request, "x-actor");
  return `${claimed === "" ? "somebody" : quoted(claimed)} at ${oneLine(addressOf(request)) || "an unknown address"}`;
}
