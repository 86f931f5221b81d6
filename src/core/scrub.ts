/** What is taken out of a copy before it leaves (contract section 7). Whatever cannot be scrubbed for sure is an error: no copy is sent. */
import { walkJson } from "./json-text.ts";
import { foundAt, intoElement, intoKey, type Path, type Places, pathTree } from "./path.ts";
import { err, ok, type Result } from "./result.ts";

export type ScrubPlaces = Places<true>;

/** Compiled once per mirror from `scrub.json`. */
export const scrubPlaces = (paths: readonly Path[]): ScrubPlaces => pathTree(paths.map((path) => [path, true] as const));

/** Nobody nests deeper on purpose. */
const MAX_DEPTH = 200;

/**
 * `text` with `null` at all named places, whatever stood there, and every other byte as it was: numbers keep their digits, duplicate keys
 * stay, `__proto__` is a key like any other. The error says why the text cannot be scrubbed. O(length × patterns).
 */
export function scrubJson(text: string, places: ScrubPlaces): Result<string, "invalid" | "too-deep"> {
  const kept: string[] = [];
  let keptTo = 0;
  /** The branches at each open container; null within a place that is taken out. */
  const stack: { readonly places: ScrubPlaces; readonly list: boolean; readonly hiddenFrom: number | null }[] = [];
  let next = places;
  const hide = (start: number, end: number) => {
    kept.push(text.slice(keptTo, start), "null");
    keptTo = end;
  };
  /** The branches at the value that starts now. */
  const enter = (): ScrubPlaces => {
    const top = stack.at(-1);
    return top?.list ? intoElement(top.places) : next;
  };
  const end = walkJson(text, {
    key: (name) => {
      next = intoKey(stack.at(-1)!.places, name);
    },
    scalar: (start, end) => {
      if (foundAt(enter()).length > 0) hide(start, end);
      return true;
    },
    open: (start, bracket) => {
      const here = enter();
      const hidden = foundAt(here).length > 0;
      stack.push({ places: hidden ? [] : here, list: bracket === "[", hiddenFrom: hidden ? start : null });
      return stack.length <= MAX_DEPTH;
    },
    close: (end) => {
      const { hiddenFrom } = stack.pop()!;
      if (hiddenFrom !== null) hide(hiddenFrom, end);
    },
  });
  if (end !== "complete") return err(end === "stopped" ? "too-deep" : "invalid");
  return ok(keptTo === 0 ? text : kept.join("") + text.slice(keptTo));
}
