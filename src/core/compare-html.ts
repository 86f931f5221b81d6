/**
 * Two pages of HTML, or two XML documents, by structure: every element, attribute and text has the path of its tags, without indexes:
 * `body.html.body.ul.li.@class`, `body.html.head.title.#text`. What stands at one path is compared as a sequence, so an added paragraph is
 * one `extra`. What means the same is the same: attributes in any order (XML 1.0, section 3.1), references and CDATA as the characters that
 * they stand for, a text with a comment in it as one. Linear.
 */
import { decoded } from "./character-references.ts";
import { isIgnored, isUnordered, type RulePlaces } from "./compare-rules.ts";
import { type CompareInner, compareSequences, isMoved } from "./compare-text.ts";
import type { Differences } from "./difference.ts";
import { intoKey, writeKey } from "./path.ts";

/** A piece of a page (`html-nodes.ts`): names in lower case, values and texts as they stand in the source. `literal`: no reference is one (CDATA). */
export type HtmlNode =
  | { readonly open: string; readonly attributes: readonly (readonly [name: string, value: string])[] }
  | { readonly close: string }
  | { readonly text: string; readonly literal?: true };

const MAX_NODES = 20_000;
/** How many elements an end may close besides its own. */
const MAX_UNCLOSED = 64;

/** Elements that have no end (HTML Standard, section 13.1.2). */
const VOID = new Set("area base br col embed hr img input link meta source track wbr".split(" "));
/** The commonest that end where their like begins (section 13.1.2.4). */
const ENDED_BY_NEXT = new Set("p li dt dd tr td th option".split(" "));

interface Pages {
  readonly left: readonly HtmlNode[];
  readonly right: readonly HtmlNode[];
  /** One of them is only a beginning; then no more nodes are compared than both have. */
  readonly cut: boolean;
  /** No element ends by itself. */
  readonly xml: boolean;
}

/** `inner` compares two texts or attributes that are not the same. */
export function compareHtml(
  { left, right, cut, xml }: Pages,
  path: string,
  places: RulePlaces,
  differences: Differences,
  inner: CompareInner,
): void {
  const truncated = cut || Math.max(left.length, right.length) > MAX_NODES;
  if (truncated) differences.truncated = true;
  const size = truncated ? Math.min(left.length, right.length, MAX_NODES) : MAX_NODES;
  const [one, other] = [left, right].map((nodes) => entries(nodes.slice(0, size), path, places, xml)) as [Entry[], Entry[]];
  const [ones, others] = [byPath(one), byPath(other)];
  let ordered = !isUnordered(places);
  for (const [at, place] of new Map([...ones, ...others])) {
    const [here, there] = [ones.get(at)?.values ?? [], others.get(at)?.values ?? []];
    compareSequences(here, there, at, differences, place.raw, (left, right) =>
      inner(left, right, at, place.places, place.raw ? "raw" : "value"),
    );
    if (!isUnordered(places) && !isUnordered(place.places) && isMoved(here, there)) {
      differences.add(at, "order", undefined, undefined);
      ordered = false;
    }
  }
  // Elements that changed their places, whatever is in them.
  const order = (list: readonly Entry[]) => list.map(({ path }) => path);
  if (ordered && isMoved(order(one), order(other))) differences.add(path, "order", undefined, undefined);
}

/** What stands at one place. */
interface Place {
  readonly path: string;
  readonly places: RulePlaces;
  /** A script or a style: of one piece, and nothing in it is coded. */
  readonly raw: boolean;
}

interface Entry extends Place {
  readonly value: string;
}

function byPath(list: readonly Entry[]): Map<string, Place & { readonly values: string[] }> {
  const groups = new Map<string, Place & { readonly values: string[] }>();
  for (const entry of list) {
    const group = groups.get(entry.path);
    if (group) group.values.push(entry.value);
    else groups.set(entry.path, { ...entry, values: [entry.value] });
  }
  return groups;
}

interface Open {
  readonly tag: string;
  readonly path: string;
  readonly places: RulePlaces;
  readonly ignored: boolean;
}

const RAW = new Set(["script", "style"]);

function entries(nodes: readonly HtmlNode[], path: string, places: RulePlaces, xml: boolean): Entry[] {
  const found: Entry[] = [];
  const stack: Open[] = [{ tag: "", path, places, ignored: false }];
  // A comment parts no text, nor does CDATA.
  let text = "";
  const addText = () => {
    const element = stack.at(-1)!;
    const raw = isRaw(element, xml);
    const shown = raw ? text.trim() : text.replace(SPACES, " ").replace(/^ | $/g, "");
    text = "";
    if (shown !== "") add(found, element, "#text", shown, raw);
  };
  for (const node of nodes) {
    if ("text" in node) {
      text += node.literal || isRaw(stack.at(-1)!, xml) ? node.text : decoded(node.text);
      continue;
    }
    if (text !== "") addText();
    if ("close" in node) close(stack, node.close);
    else {
      if (!xml && ENDED_BY_NEXT.has(node.open) && stack.at(-1)!.tag === node.open) stack.pop();
      const element = below(stack.at(-1)!, node.open);
      const { path, places } = element;
      if (!element.ignored) found.push({ path, places, value: `<${node.open}>`, raw: false });
      const attributes =
        node.attributes.length < 2 ? node.attributes : node.attributes.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      for (const [name, value] of attributes) {
        add(found, element, `@${name}`, !xml && SETS.has(name) ? asSet(decoded(value)) : decoded(value), false);
      }
      if (xml || !VOID.has(node.open)) stack.push(element);
    }
  }
  if (text !== "") addText();
  return found;
}

/** White space of markup: a space that does not break is none. */
const SPACES = /[\t\n\f\r ]+/g;
/** Attributes that are sets of words (HTML Standard, sections 3.2.6 and 4.6.7). */
const SETS = new Set(["class", "rel"]);
const asSet = (value: string): string => [...new Set(value.split(SPACES).filter((word) => word !== ""))].sort().join(" ");

const isRaw = ({ tag }: Open, xml: boolean): boolean => !xml && RAW.has(tag);

function below(parent: Open, tag: string): Open {
  const places = intoKey(parent.places, tag);
  return { tag, path: writeKey(parent.path, tag), places, ignored: parent.ignored || isIgnored(places) };
}

function add(found: Entry[], element: Open, key: string, value: string, raw: boolean): void {
  const { path, places, ignored } = below(element, key);
  if (!ignored) found.push({ path, places, value, raw });
}

/** An end without a beginning nearby is passed over, as browsers do. */
function close(stack: Open[], tag: string): void {
  const lowest = Math.max(1, stack.length - MAX_UNCLOSED);
  for (let at = stack.length - 1; at >= lowest; at--) {
    if (stack[at]!.tag !== tag) continue;
    stack.length = at;
    return;
  }
}
