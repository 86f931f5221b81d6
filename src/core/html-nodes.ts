/**
 * A page taken apart into tags and texts, as they stand in the source (HTML Standard, section 13.2.5, tokenization), for a comparison. By
 * hand because a comparison runs in the isolate that serves: HTMLRewriter calls back for each node at some 10 µs, a page of 4,000 elements
 * takes it 100 ms and this 2 ms. Nothing is repaired, no entity is decoded: both sides are read alike. Linear. XML is read the same way, by its
 * own few rules (XML 1.0, sections 2.3 to 3.1).
 */
import type { HtmlNode } from "./compare-html.ts";

/** As many as `compare-html.ts` looks at. */
const MAX_NODES = 20_000;
/** Of all tags together. */
const MAX_ATTRIBUTES = 20_000;

const TAG_NAME = /[^\s/>]+/y;
/** One attribute, and what parts it from the one before. Of a quote that never ends there is at most one, so this stays linear. */
const ATTRIBUTE = /[\s/]*([^\s/>][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*)))?/y;
const TAG_END = /[\s/]*>/y;

/** What stands in these is text up to their own end tag, whatever it looks like (section 13.2.6.4). */
const RAW_TEXT = new Set("script style textarea title xmp iframe noembed noframes".split(" "));
const RAW_TEXT_ENDS = new Map([...RAW_TEXT].map((name) => [name, new RegExp(`</${name}[\\s/>]`, "gi")]));
const FOREIGN = new Set(["svg", "math"]);

/** `cut`: there is more than is looked at, or the last tag has no end. */
export interface Page {
  readonly nodes: readonly HtmlNode[];
  readonly cut: boolean;
}

interface Tag {
  readonly name: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
  readonly selfClosing: boolean;
  /** Where the text goes on. */
  readonly end: number;
}

/** null: the text ends within the tag, or it has more attributes than so many. */
function readTag(text: string, nameAt: number, most: number, xml: boolean): Tag | null {
  const written = (name: string) => (xml ? name : name.toLowerCase());
  TAG_NAME.lastIndex = nameAt;
  const name = written(TAG_NAME.exec(text)![0]);
  const attributes: (readonly [string, string])[] = [];
  for (let at = TAG_NAME.lastIndex; ; ) {
    TAG_END.lastIndex = at;
    if (TAG_END.test(text)) {
      const end = TAG_END.lastIndex;
      return { name, attributes, selfClosing: text[end - 2] === "/", end };
    }
    ATTRIBUTE.lastIndex = at;
    const found = attributes.length < most ? ATTRIBUTE.exec(text) : null;
    if (found === null) return null;
    attributes.push([written(found[1]!), found[2] ?? found[3] ?? found[4] ?? ""]);
    at = ATTRIBUTE.lastIndex;
  }
}

/** Where what begins with `<!` or `<?` or is no tag ends (comments: section 13.2.5.43). */
function endOfOther(text: string, start: number): number {
  const comment = text.startsWith("<!--", start);
  // `<!-->` and `<!--->` are comments, too.
  const short = comment ? /^<!---?>/.exec(text.slice(start, start + 6)) : null;
  if (short !== null) return start + short[0].length;
  const [mark, from] = comment ? ["-->", start + 4] : [">", start + 1];
  const end = text.indexOf(mark, from);
  return end < 0 ? text.length : end + mark.length;
}

function endOfRawText(text: string, from: number, name: string): number {
  const end = RAW_TEXT_ENDS.get(name)!;
  end.lastIndex = from;
  return end.exec(text)?.index ?? text.length;
}

const LETTER = /[A-Za-z]/;
/** XML 1.0, section 2.3, production 4. */
const XML_LETTER = /[\p{L}_:]/u;
const CDATA = "<![CDATA[";

/** @param xml no name is known: none is raw text, each may close itself, letter case counts, and there is CDATA */
export function htmlNodes(text: string, xml = false): Page {
  const letter = xml ? XML_LETTER : LETTER;
  const nodes: HtmlNode[] = [];
  let foreign = 0;
  let left = MAX_ATTRIBUTES;
  let pending = 0;
  const addText = (end: number) => {
    if (end > pending) nodes.push({ text: text.slice(pending, end) });
  };
  for (let at = text.indexOf("<"); at >= 0; at = text.indexOf("<", at)) {
    if (nodes.length >= MAX_NODES) return { nodes: nodes.slice(0, MAX_NODES), cut: true };
    const closing = text[at + 1] === "/";
    const nameAt = closing ? at + 2 : at + 1;
    const isTag = letter.test(text[nameAt] ?? "");
    const isOther = !isTag && (closing || text[at + 1] === "!" || text[at + 1] === "?");
    if (!isTag && !isOther) {
      at += 1;
      continue;
    }
    addText(at);
    if (xml && text.startsWith(CDATA, at)) {
      const end = text.indexOf("]]>", at);
      const inner = text.slice(at + CDATA.length, end < 0 ? text.length : end);
      if (inner !== "") nodes.push({ text: inner, literal: true });
      at = pending = end < 0 ? text.length : end + 3;
      continue;
    }
    if (isOther) {
      at = pending = endOfOther(text, at);
      continue;
    }
    const tag = readTag(text, nameAt, left, xml);
    if (tag === null) return { nodes, cut: true };
    left -= tag.attributes.length;
    at = pending = tag.end;
    if (FOREIGN.has(tag.name)) foreign = Math.max(0, foreign + (closing ? -1 : 1));
    if (closing) nodes.push({ close: tag.name });
    else nodes.push({ open: tag.name, attributes: tag.attributes });
    if (!closing && tag.selfClosing && (xml || foreign > 0)) nodes.push({ close: tag.name });
    if (!closing && !xml && foreign === 0 && RAW_TEXT.has(tag.name)) at = endOfRawText(text, pending, tag.name);
  }
  addText(text.length);
  return { nodes: nodes.slice(0, MAX_NODES), cut: nodes.length > MAX_NODES };
}
