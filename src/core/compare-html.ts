/**
 * Two HTML pages by structure: every element, attribute and text has the path of its tags, without indexes: `body.html.body.ul.li.@class`,
 * `body.html.head.title.#text`. What stands at one path is compared as a sequence, so an added paragraph is one `extra`. Linear.
 */
import { isIgnored, isUnordered, type RulePlaces } from "./compare-rules.ts";
import { compareSequences, moved } from "./compare-text.ts";
import type { Differences } from "./difference.ts";
import { intoKey, writeKey } from "./path.ts";

/** A piece of a page (`html-nodes.ts`): names in lower case, values and texts as they stand in the source. */
export type HtmlNode =
  | { readonly open: string; readonly attributes: readonly (readonly [name: string, value: string])[] }
  | { readonly close: string }
  | { readonly text: string };

const MAX_NODES = 20_000;
/** How many elements an end may close besides its own. */
const MAX_UNCLOSED = 64;

/** Elements that have no end (HTML Standard, section 13.1.2). */
const VOID = new Set("area base br col embed hr img input link meta source track wbr".split(" "));
/** The commonest that end where their like begins (section 13.1.2.4). */
const ENDED_BY_NEXT = new Set("p li dt dd tr td th option".split(" "));

/** `cut`: one of them is only a beginning; then no more nodes are compared than both have. */
export function compareHtml(
  left: readonly HtmlNode[],
  right: readonly HtmlNode[],
  cut: boolean,
  path: string,
  places: RulePlaces,
  differences: Differences,
): void {
  const truncated = cut || Math.max(left.length, right.length) > MAX_NODES;
  if (truncated) differences.truncated = true;
  const size = truncated ? Math.min(left.length, right.length, MAX_NODES) : MAX_NODES;
  const [one, other] = [entries(left.slice(0, size), path, places), entries(right.slice(0, size), path, places)];
  const [ones, others] = [byPath(one), byPath(other)];
  const before = differences.count;
  for (const at of new Set([...ones.keys(), ...others.keys()])) compareSequences(ones.get(at) ?? [], others.get(at) ?? [], at, differences);
  if (differences.count > before || isUnordered(places)) return;
  const order = (list: readonly Entry[]) => list.map(([at, value]) => `${at} ${value}`);
  if (moved(order(one), order(other))) differences.add(path, "order", undefined, undefined);
}

type Entry = readonly [path: string, value: string];

function byPath(list: readonly Entry[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [path, value] of list) {
    const group = groups.get(path);
    if (group) group.push(value);
    else groups.set(path, [value]);
  }
  return groups;
}

interface Open {
  readonly tag: string;
  readonly path: string;
  readonly places: RulePlaces;
  readonly ignored: boolean;
}

function entries(nodes: readonly HtmlNode[], path: string, places: RulePlaces): Entry[] {
  const found: Entry[] = [];
  const stack: Open[] = [{ tag: "", path, places, ignored: false }];
  for (const node of nodes) {
    if ("close" in node) close(stack, node.close);
    else if ("text" in node) {
      const text = node.text.replace(/\s+/g, " ").trim();
      if (text !== "") add(found, stack.at(-1)!, "#text", text);
    } else {
      if (ENDED_BY_NEXT.has(node.open) && stack.at(-1)!.tag === node.open) stack.pop();
      const element = below(stack.at(-1)!, node.open);
      if (!element.ignored) found.push([element.path, `<${node.open}>`]);
      for (const [name, value] of node.attributes) add(found, element, `@${name}`, value);
      if (!VOID.has(node.open)) stack.push(element);
    }
  }
  return found;
}

function below(parent: Open, tag: string): Open {
  const places = intoKey(parent.places, tag);
  return { tag, path: writeKey(parent.path, tag), places, ignored: parent.ignored || isIgnored(places) };
}

function add(found: Entry[], element: Open, key: string, value: string): void {
  const { path, ignored } = below(element, key);
  if (!ignored) found.push([path, value]);
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
