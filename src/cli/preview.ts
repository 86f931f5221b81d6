/** What a write would change, as a person reads it: which keys, which visitors move, what falls back, what to think of. */
import type { Change } from "../core/changes.ts";
import type { Review } from "../core/review.ts";
import type { Preview } from "./admin-api.ts";
import { bold, dim, lineOf, percent, say, yellow } from "./say.ts";

/** More is read by nobody; `--json` has all. */
const MAX_LINES = 20;

function section(title: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  say(`  ${title}`);
  for (const line of lines.slice(0, MAX_LINES)) say(`    ${line}`);
  if (lines.length > MAX_LINES) say(dim(`    and ${lines.length - MAX_LINES} more (--json has all)`));
  say();
}

export function sayChanges(changes: readonly Change[], title = "What changes"): void {
  section(bold(title), changes.length === 0 ? ["nothing"] : changes.map(changed));
}

function changed({ path, from, to }: Change): string {
  const where = path === "" ? "the file" : path;
  if (from === null) return `${where}  ${dim("new:")} ${to}`;
  return to === null ? `${where}  ${dim("gone, was:")} ${from}` : `${where}  ${from} → ${to}`;
}

const UNREADABLE = "not known: what is published is no lane file, nor was anything before it";
const NEW = "nothing is published under this name yet";

/**
 * What a file would change in what serves.
 *
 * @param newest the newest revision, which may be no lane file; null: there is none, or it does not matter
 */
export function sayPreview(preview: Preview, newest: number | null): void {
  const { against, changes } = preview;
  if (against !== null && newest !== null && against < newest)
    say(yellow(`  Held against revision ${against}, which serves: revision ${newest} is no lane file.\n`));
  if (against !== null) sayChanges(changes);
  sayReview(preview, against !== null ? "nobody" : newest === null ? NEW : UNREADABLE);
}

/** @param unmoved what it means that no visitor is known to move */
function sayReview({ warnings, moved, fallsBack }: Review, unmoved: string): void {
  const moves = [...moved]
    .sort((a, b) => b.percent - a.percent)
    .map((move) => `${percent(move.percent)} of all visitors: ${move.from} → ${move.to}`);
  section(bold("Who moves"), moves.length === 0 ? [unmoved] : moves);
  section(bold("What falls back"), falling(fallsBack));
  section(yellow("Warnings"), warnings.map(lineOf));
}

function falling(fallsBack: Review["fallsBack"]): string[] {
  const lanes = new Map<string, string[]>();
  for (const { lane, service, to } of fallsBack) {
    const key = `${lane}\n${to}`;
    lanes.set(key, [...(lanes.get(key) ?? []), service]);
  }
  return [...lanes].map(([key, services]) => {
    const [lane, to] = key.split("\n");
    return `${lane} has no ${services.join(", ")}: ${to} answers`;
  });
}
