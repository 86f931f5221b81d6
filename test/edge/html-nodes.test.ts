/** Foreign truth: the runtime's own HTMLRewriter (lol-html) takes the same pages apart. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { htmlNodes } from "../../src/core/html-nodes.ts";

/** Opening tags with their attributes, and texts; where elements end is the parser's matter. */
async function foreign(html: string): Promise<unknown[]> {
  const found: unknown[] = [];
  let chunks = "";
  const rewriter = new HTMLRewriter()
    .on("*", { element: ({ tagName, attributes }) => void found.push([tagName.toLowerCase(), ...attributes]) })
    .onDocument({
      text({ text, lastInTextNode }) {
        chunks += text;
        if (!lastInTextNode) return;
        if (chunks !== "") found.push(chunks);
        chunks = "";
      },
    });
  await rewriter.transform(new Response(html)).arrayBuffer();
  return found;
}

const ours = (html: string): unknown[] =>
  htmlNodes(html).nodes.flatMap((node): unknown[] =>
    "close" in node ? [] : "text" in node ? [node.text] : [[node.open, ...node.attributes]],
  );

const PAGES = [
  `<!doctype html><html lang="en"><head><meta charset=utf-8><title>A & B < C</title><style>p > a { color: red }</style>
   <script>if (a < b && c > d) document.write("<p>")</script></head><body class="x y" data-n='1'><!-- a <p> --><p>one<br>two<p>three</p>
   <ul><li>a<li>b</ul><img src="/a.png" alt="it's"><a href='/x?a=1&amp;b=2'>link</a><input disabled value = "1"></body></html>`,
  "<table><tr><td>1<td>2<tr><td colspan=2>3</table><textarea rows=2><p>no tag</textarea><select><option selected>a<option>b</select>",
  "<svg viewBox='0 0 1 1'><path d=M0/><g><circle r=1 /></g></svg><p>after</p><div/>inside?",
  '<h1>Ünïcödé \u{1f600}</h1><p title="a>b">x</p><iframe src=/a><p>raw</iframe>',
];

describe("a page", () => {
  it.each(PAGES.map((page) => [page.slice(0, 40), page] as const))("is taken apart as HTMLRewriter does: %s", async (_, page) => {
    expect(ours(page)).toEqual(await foreign(page));
  });

  it("of any tags, attributes and texts is taken apart as HTMLRewriter does", async () => {
    const word = fc.constantFrom("a", "Bc", "x1", "é", "&amp;", " ", "\n", ">");
    const value = fc.constantFrom("", "=1", "='a b'", '="x>y"', " = z");
    const attribute = fc.tuple(fc.constantFrom("a", "Data-B", "c:d", "e_f"), value).map((pair) => pair.join(""));
    const attributes = fc
      .uniqueArray(attribute, { maxLength: 3, selector: (one) => one.slice(0, 1).toLowerCase() })
      .map((all) => all.map((one) => ` ${one}`).join(""));
    const name = fc.constantFrom("p", "DIV", "h1", "custom-tag", "b", "li", "br", "img");
    const raw = fc.constantFrom(
      "<script>a<b</script>",
      "<style>p{}</style>",
      "<title>a<b></title>",
      "<!-- <p> -->",
      "<!doctype html>",
      "<?x?>",
      "</p >",
    );
    const piece = fc.oneof(
      word,
      fc.tuple(name, attributes).map(([tag, rest]) => `<${tag}${rest}>`),
      name.map((tag) => `</${tag}>`),
      raw,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const html = pieces.join("");
        expect(ours(html)).toEqual(await foreign(html));
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});
