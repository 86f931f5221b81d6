/** Pairs of bodies: ordinary ones by size, with a difference in every tenth item, and those that somebody made to hurt. */
export interface Pair {
  readonly title: string;
  readonly type: string;
  readonly left: string;
  readonly right: string;
  readonly hostile: boolean;
}

const item = (id: number, turn: number) => ({
  id,
  name: `product ${id}`,
  price: id * 9.5 + (id % 10 === 0 ? turn : 0),
  tags: ["a", "b"],
  made: { by: "somebody", at: "2026-11-25T09:00:00Z" },
});

/** About so many bytes. */
function items(bytes: number, turn: number): string {
  const count = Math.max(1, Math.round(bytes / 115));
  return JSON.stringify({ items: Array.from({ length: count }, (_, id) => item(id + 1, turn)) });
}

const json = (title: string, left: string, right: string, hostile = true): Pair => ({
  title,
  type: "application/json",
  left,
  right,
  hostile,
});
const ordinary = (title: string, bytes: number): Pair => json(title, items(bytes, 0), items(bytes, 1), false);
const deep = (inner: number) => `${"[".repeat(20_000)}${inner}${"]".repeat(20_000)}`;
const objects = (from: number) => JSON.stringify(Array.from({ length: 10_000 }, (_, i) => ({ id: from + i, v: `value ${from + i}` })));
const proto = (n: number) => `{${Array.from({ length: 5_000 }, (_, i) => `"__proto__${i % 2 === 0 ? "" : i}":{"x":${n}}`).join(",")}}`;
const page = (tag: string) => `<!doctype html><body>${`<${tag}>`.repeat(80_000)}`;
const attributes = (word: string) => `<!doctype html>${`<a b c=${word} `.repeat(20_000)}>`;
const scripts = (value: number) => `<!doctype html><body>${`<script>x={a:${value}}</script>`.repeat(10_000)}`;
const strings = (from: number) => JSON.stringify(Array.from({ length: 9_000 }, (_, i) => `[{"a":${from + i}}`));
const list = (word: string) => `<!doctype html><body><ul>${`<li class=c>${word}`.repeat(4_000)}</ul>`;

export const BODIES: Readonly<Record<string, Pair>> = {
  kb1: ordinary("JSON, 1 KB", 1_000),
  kb10: ordinary("JSON, 10 KB", 10_000),
  kb100: ordinary("JSON, 100 KB", 100_000),
  kb250: ordinary("JSON, 250 KB", 250_000),
  html: { title: "a page, 60 KB", type: "text/html", left: list("a"), right: list("b"), hostile: false },
  deep: json("20,000 levels", deep(1), deep(2)),
  disjoint: json("two lists of 10,000 objects, none in common", objects(0), objects(50_000)),
  proto: json("5,000 keys like `__proto__`", proto(1), proto(2)),
  string: json("strings of 1 MB", JSON.stringify("x".repeat(1_000_000)), JSON.stringify("y".repeat(1_000_000))),
  attributes: { title: "60,000 attributes", type: "text/html", left: attributes("1"), right: attributes("2"), hostile: true },
  scripts: { title: "a page of 10,000 scripts", type: "text/html", left: scripts(1), right: scripts(2), hostile: true },
  strings: json("9,000 strings of broken JSON", strings(0), strings(1)),
  brackets: {
    title: "256,000 brackets as text",
    type: "text/plain",
    left: `x${"[".repeat(256_000)}`,
    right: `y${"[".repeat(256_000)}`,
    hostile: true,
  },
  tags: { title: "80,000 tags", type: "text/html", left: page("a"), right: page("b"), hostile: true },
};
