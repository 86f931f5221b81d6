/** Everything that reaches standard output. Colours only where that is a terminal, and never under `NO_COLOR`: `styleText` looks. */
import { styleText } from "node:util";
import Table from "cli-table3";
import type { Problem } from "../core/problem.ts";

type Style = Parameters<typeof styleText>[0];

const styled = (style: Style) => (text: string) => styleText(style, text);

export const bold = styled("bold");
export const dim = styled("dim");
export const red = styled("red");
export const green = styled("green");
export const yellow = styled("yellow");

/** Text from outside may be in it: control characters could move the cursor or turn the writing round. Ours are line feeds and colours. */
const CONTROL = new RegExp(String.raw`(?!\n|${String.fromCharCode(27)}\[[\d;]*m)[\p{Cc}\u202a-\u202e\u2066-\u2069]`, "gu");

export const plain = (text: string): string => text.replace(CONTROL, "\ufffd");

export function say(text = ""): void {
  process.stdout.write(`${plain(text)}\n`);
}

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** The one JSON value that a verb with `--json` prints; the same value for whoever parses it, harmless for whoever looks. */
export function sayJson(value: unknown): void {
  say(JSON.stringify(value, null, 2).replace(CONTROL, escaped));
}

const BORDERS = [
  ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"],
  ...["left", "left-mid", "mid", "mid-mid", "right", "right-mid"],
];
const NO_BORDERS = Object.fromEntries(BORDERS.map((name) => [name, ""]));

/** Columns under bold heads (null: without), two spaces apart and two from the edge. Columns of numbers (`right`, by place) end at one edge. */
export function table(head: readonly string[] | null, rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const made = new Table({
    chars: { ...NO_BORDERS, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
    colAligns: (head ?? rows[0] ?? []).map((_, column) => (right.includes(column) ? "right" : "left")),
  });
  made.push(...(head === null ? [] : [head.map(bold)]), ...rows.map((row) => [...row]));
  return made
    .toString()
    .split("\n")
    .map((line) => `  ${line}`.trimEnd())
    .join("\n");
}

/** `10 %`, `0.01 %`: at most two decimals, none that say nothing. */
export function percent(value: number): string {
  return `${Number(value.toFixed(2))} %`;
}

/** Where, and what. */
export function lineOf({ path, message }: Problem): string {
  return path === "" ? message : `${path}: ${message}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `2 minutes ago`; an unreadable time as it came. */
export function ago(iso: string, now: number): string {
  const seconds = Math.round((now - Date.parse(iso)) / 1000);
  if (Number.isNaN(seconds)) return iso;
  if (seconds < 5) return "just now";
  for (const [size, name] of [
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
  ] as const) {
    if (seconds >= size) return `${plural(Math.floor(seconds / size), name)} ago`;
  }
  return `${seconds} seconds ago`;
}
