/** Two texts by the structure that they have, and what stands in their strings, scripts and attributes by the structure that this has. */
import type { TextForm } from "./compare-body.ts";
import { compareHtml } from "./compare-html.ts";
import { compareJson } from "./compare-json.ts";
import { isIgnored, type RulePlaces } from "./compare-rules.ts";
import { type CompareInner, compareText, differingWords } from "./compare-text.ts";
import type { Differences } from "./difference.ts";
import { intoKey, writeKey } from "./path.ts";
import { readStructure, type Structure, type Text } from "./text-structure.ts";

/** JSON in a string of JSON in a script of a page. */
export const MAX_LEVELS = 4;
/** Parts that are read for their own structure, and their characters, all together. */
export const MAX_PARTS = 500;
const MAX_PART_LENGTH = 1_048_576;
/** A longer text is no value: it is prose, or something is coded in it. */
const MAX_VALUE = 256;

/** `as`: what their types say. They are not the same. */
export function compareTexts(left: Text, right: Text, as: TextForm, path: string, places: RulePlaces, differences: Differences): void {
  const [one, other] = [readStructure(left, as), readStructure(right, as)];
  const cut = left.cut || right.cut;
  if (compareStructures(one, other, cut, path, places, differences)) return;
  // The one that is no JSON, or only looks like it to us.
  const broken = one === null || (other?.form === "json" && other.strict) ? left : right;
  if (one !== null && other !== null && one.form !== other.form) differences.add(path, "type", one.form, other.form);
  else if ((one?.form === "json" || other?.form === "json") && !broken.cut) differences.add(path, "parse", left.text, right.text);
  else compareText(left.text, right.text, cut, path, places, differences);
}

/** False: they are not of one kind, or have no structure. `cut`: one of them is only a beginning. */
export function compareStructures(
  left: Structure | null,
  right: Structure | null,
  cut: boolean,
  path: string,
  places: RulePlaces,
  differences: Differences,
  inner: CompareInner = innerComparison(differences, 1, { parts: MAX_PARTS, length: MAX_PART_LENGTH }),
): boolean {
  if (left?.form === "markup" && right?.form === "markup" && left.xml === right.xml) {
    const [one, other] = [left.page, right.page];
    compareHtml({ left: one.nodes, right: other.nodes, cut: cut || one.cut || other.cut, xml: left.xml }, path, places, differences, inner);
    return true;
  }
  if (left?.form !== "json" || right?.form !== "json" || left.strict !== right.strict) return false;
  compareJson(left.reading, right.reading, path, places, differences, inner);
  if (left.rest === right.rest) return true;
  const below = intoKey(places, "#text");
  if (!isIgnored(below)) compareText(left.rest, right.rest, cut, writeKey(path, "#text"), below, differences);
  return true;
}

function innerComparison(differences: Differences, level: number, effort: { parts: number; length: number }): CompareInner {
  return (left, right, path, places, as) => {
    if (level <= MAX_LEVELS && mayHaveParts(left) && mayHaveParts(right)) {
      effort.parts -= 1;
      effort.length -= Math.max(left.length, right.length);
      if (effort.parts < 0 || effort.length < 0) differences.truncated = true;
      else {
        const [one, other] = [left, right].map((text) => readStructure({ text, cut: false }, null));
        const below = innerComparison(differences, level + 1, effort);
        if (compareStructures(one!, other!, false, path, places, differences, below)) return;
      }
    }
    differences.add(path, "value", left, right, {
      times: differingWords(left, right),
      opaque: as === "raw" || left.length > MAX_VALUE || right.length > MAX_VALUE,
    });
  };
}

export const mayHaveParts = (text: string): boolean => text.length > 1 && /[[{<&]/.test(text);
