import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HtmlNode } from "../../src/core/compare-html.ts";
import { htmlNodes } from "../../src/core/html-nodes.ts";

/** `<a b=c>`, `</a>`, and texts as they are. */
const shown = (text: string, xml = false): string[] =>
  htmlNodes(text, xml).nodes.map((node: HtmlNode) => {
    if ("close" in node) return `</${node.close}>`;
    if ("text" in node) return node.text;
    return `<${[node.open, ...node.attributes.map(([name, value]) => `${name}=${value}`)].join(" ")}>`;
  });

describe("a page taken apart", () => {
  it.each<[string, string[]]>([
    ["", []],
    ["just text", ["just text"]],
    ["<p>a</p>b", ["<p>", "a", "</p>", "b"]],
    ["<!doctype html><HTML Lang=EN><bOdy>", ["<html lang=EN>", "<body>"]],
    [
      '<a href="/x?a=1&amp;b" title=\'it"s\' checked data-n = 1 x=/>t</a>',
      ['<a href=/x?a=1&amp;b title=it"s checked= data-n=1 x=/>', "t", "</a>"],
    ],
    ["a < b && c <d>", ["a < b && c ", "<d>"]],
    ["<!-- <p> -->a<!-->b<!--->c<!-- open", ["a", "b", "c"]],
    ["<?php x ?>a<!weird>b</ bogus>c</>d", ["a", "b", "c", "d"]],
    ["<script>if (a < b) '</p>'</script>x", ["<script>", "if (a < b) '</p>'", "</script>", "x"]],
    ["<title>a<b></TITLE ><style>p>a{}</style>", ["<title>", "a<b>", "</title>", "<style>", "p>a{}", "</style>"]],
    ["<textarea><p>", ["<textarea>", "<p>"]],
    ["<svg><path d='M0'/><g/></svg><br/><div/>x", ["<svg>", "<path d=M0>", "</path>", "<g>", "</g>", "</svg>", "<br>", "<div>", "x"]],
    ["<p class=", []],
    ["<p", []],
    ["a<", ["a<"]],
    ["<a b='>'>c", ["<a b=>>", "c"]],
    ["<a/b/c=d/>", ["<a b= c=d/>"]],
  ])("%s", (text, nodes) => {
    expect(shown(text)).toEqual(nodes);
  });

  it.each<[string, string[]]>([
    ["<?xml version='1.0'?><s:A x='1' Y=2><b/>t</s:A>", ["<s:A x=1 Y=2>", "<b>", "</b>", "t", "</s:A>"]],
    ["<a><![CDATA[<b>&]]]>x<![CDATA[]]><![CDATA[open", ["<a>", "<b>&]", "x", "open"]],
    ["<script>a<b/></script><title><c/></title>", ["<script>", "a", "<b>", "</b>", "</script>", "<title>", "<c>", "</c>", "</title>"]],
    ["<_a/><é/><:b/><1/>", ["<_a>", "</_a>", "<é>", "</é>", "<:b>", "</:b>", "<1/>"]],
    ["<!DOCTYPE a><!-- <x/> --><a/>", ["<a>", "</a>"]],
  ])("as XML: %s", (text, nodes) => {
    expect(shown(text, true)).toEqual(nodes);
  });

  it("is cut at 20,000 nodes", () => {
    const { nodes, cut } = htmlNodes("<a>".repeat(80_000));
    expect([nodes.length, cut]).toEqual([20_000, true]);
    expect(htmlNodes("<a>".repeat(20_000))).toMatchObject({ cut: false });
  });

  it("is cut at 20,000 attributes", () => {
    const page = (count: number) => htmlNodes(`<p>a</p><b${" x=1".repeat(count)}>b`);
    expect(page(20_001)).toMatchObject({ nodes: [{ open: "p" }, { text: "a" }, { close: "p" }], cut: true });
    expect(page(20_000)).toMatchObject({ cut: false });
    expect(htmlNodes("<b x=1>".repeat(19_999)).cut).toBe(false);
  });

  it("never throws, and loses no text outside of tags and comments, whatever the page is", () => {
    const piece = fc.constantFrom(
      "<",
      ">",
      "</",
      "<!--",
      "-->",
      "<p",
      "<script>",
      "</script>",
      "<svg/>",
      '"',
      "'",
      "=",
      " ",
      "/",
      "a",
      "é",
      "\u0000",
      "<a b=",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const { nodes } = htmlNodes(pieces.join(""));
        for (const node of nodes) if ("text" in node) expect(node.text).not.toBe("");
      }),
      { seed: 11, numRuns: 3_000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (words) => {
        const text = words.replaceAll("<", "");
        expect(
          htmlNodes(`<p>${text}</p>`)
            .nodes.flatMap((node) => ("text" in node ? node.text : []))
            .join(""),
        ).toBe(text);
      }),
      { seed: 12, numRuns: 500 },
    );
  });

  it.each(["<", "<a", '<a b="', "<a b='\"", "<!--", "</", "<a ", "<a b", "<script>", "<a/"])("is linear in %s again and again", (piece) => {
    const time = (count: number) => {
      const text = piece.repeat(count);
      const times = Array.from({ length: 5 }, () => {
        const started = performance.now();
        htmlNodes(text);
        return performance.now() - started;
      });
      return Math.min(...times);
    };
    // Twenty times the text; quadratic would be four hundred times as long.
    expect(time(40_000)).toBeLessThan(Math.max(1, time(2_000)) * 120);
  });
});
