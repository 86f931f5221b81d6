import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { changesBetween } from "../core/changes.ts";
import type { LaneGroup } from "../core/lane-group.ts";
import { review } from "../core/review.ts";
import { adjustTable, runsOf } from "../core/slots.ts";
import { AdminApi, type Preview } from "./admin-api.ts";
import { cannotAsk, type ExitCode } from "./failure.ts";
import { FOLDER } from "./folder.ts";
import { fileOf, type Parsed, parse, parsePublished, readFile, type Text } from "./lane-files.ts";
import { NEW, sayChanges, sayReview } from "./preview.ts";
import { differing, type Outcome, outcomeOf, type Recorded, readRecorded } from "./replay.ts";
import { bold, dim, green, plural, say, sayJson, table } from "./say.ts";
import { type Asking, asking, exits } from "./verb.ts";

interface Options extends Asking {
  readonly against?: string;
  readonly requests?: string;
}

/** What a new file is held against. */
interface Before {
  readonly of: string;
  readonly group: LaneGroup | null;
  readonly preview: Preview;
}

interface Replayed {
  readonly line: number;
  readonly method: string;
  readonly url: string;
  readonly before: Outcome;
  readonly after: Outcome;
  readonly differs: readonly string[];
}

/** More is read by nobody; `--json` has all. */
const MAX_ROWS = 40;

export const plan = (): Command =>
  asking("plan", "what a lane file would change, and for which recorded requests", "the file has problems, or a recorded request changes")
    .argument("<file>", `lane file, or name of a group in ${FOLDER}/`)
    .option("--against <file>", "hold it against another file, offline (default: what is published)")
    .option("--requests <file>", "recorded requests, one JSON object a line: { url, method, headers, slot, now, ip }")
    .addHelpText(
      "after",
      `
Only "url" is needed. Visitors without a slot or cookie draw the same slot before and after, and contexts are believed as recorded.
  {"url":"https://shop.example.com/cart","headers":{"baggage":"pr=142"},"slot":7000}`,
    )
    .action(exits(run));

async function run(nameOrPath: string, options: Options): Promise<ExitCode> {
  const text = readFile(nameOrPath);
  const parsed = parse(text, true);
  const recorded = options.requests === undefined ? null : readRequests(options.requests);
  const before = options.against === undefined ? await published(text, parsed, options) : otherFile(text, parsed, options.against);
  const after = laidOutAfter(parsed.group, before.group);
  const requests = recorded === null ? null : replay(recorded, before.group, after);
  const { problems: _, ...preview } = before.preview;
  if (options.json) sayJson({ against: before.of, ...preview, ...(requests && { requests }) });
  else {
    say(`${bold(text.path)} against ${before.of}\n`);
    if (before.group !== null) sayChanges(preview.changes);
    sayReview(preview, before.group === null ? NEW : undefined);
    if (requests !== null) sayRequests(requests);
  }
  return requests?.some(({ differs }) => differs.length > 0) ? 1 : 0;
}

function readRequests(path: string): Recorded[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw cannotAsk(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code}.`);
  }
  const recorded = readRecorded(text);
  if (!recorded.ok)
    throw cannotAsk(`${path} is no list of requests.`, "One JSON object a line: `lanes plan --help` shows one.", {
      problems: recorded.error,
    });
  return recorded.value;
}

async function published(text: Text, { group: { name } }: Parsed, options: Options): Promise<Before> {
  const api = new AdminApi(options);
  const now = await api.groupIfAny(name);
  const preview = await api.check(name, fileOf(text));
  const group = now === null || now.file === null ? null : parsePublished(name, now).group;
  return { of: now === null ? `${api.url}, which has no ${name}` : `revision ${now.head.revision}, which is published`, group, preview };
}

function otherFile(text: Text, { group, warnings }: Parsed, against: string): Before {
  const other = readFile(against);
  const before = parse(other, true).group;
  const found = review(laidOutAfter(group, before), before, Math.floor(Date.now() / 1000));
  const changes = changesBetween(fileOf(other), fileOf(text));
  return { of: other.path, group: before, preview: { problems: [], ...found, warnings: [...warnings, ...found.warnings], changes } };
}

/** As publishing lays out the slots: with the fewest visitors moved. */
function laidOutAfter(group: LaneGroup, before: LaneGroup | null): LaneGroup {
  if (before === null) return group;
  return {
    ...group,
    slots: adjustTable(
      runsOf(before.slots),
      [...group.lanes.values()].map(({ name, weight }) => [name, weight]),
    ),
  };
}

function replay(recorded: readonly Recorded[], before: LaneGroup | null, after: LaneGroup): Replayed[] {
  if (before === null) throw cannotAsk("There is nothing to hold the requests against.", "Name another file: --against <file>.");
  const now = Math.floor(Date.now() / 1000);
  return recorded.map((request) => {
    const [was, is] = [outcomeOf(before, request, now), outcomeOf(after, request, now)];
    const { line, method, url } = request;
    return { line, method, url, before: was, after: is, differs: differing(was, is) };
  });
}

function sayRequests(requests: readonly Replayed[]): void {
  const changed = requests.filter(({ differs }) => differs.length > 0);
  const foreign = requests.filter(({ before, after }) => before.reason === "no-group" && after.reason === "no-group").length;
  say(bold("Recorded requests"));
  if (changed.length === 0) say(`  ${green("✓")} All ${requests.length} go where they went.`);
  else {
    const rows = changed
      .slice(0, MAX_ROWS)
      .map(({ line, method, url, before, after }) => [
        String(line),
        `${method} ${url}`,
        step(before.lane, after.lane),
        step(before.service, after.service),
        step(before.origin, after.origin),
        step(before.reason, after.reason),
      ]);
    say(table(["line", "request", "lane", "service", "origin", "why"], rows, [0]));
    if (changed.length > MAX_ROWS) say(dim(`  and ${changed.length - MAX_ROWS} more (--json has all)`));
    say(`\n  ${changed.length} of ${plural(requests.length, "request")} ${changed.length === 1 ? "changes" : "change"}.`);
  }
  if (foreign > 0) say(dim(`  ${plural(foreign, "request is", "requests are")} for other hosts than this group's.`));
}

function step(from: string | null, to: string | null): string {
  return from === to ? dim(from ?? "none") : `${from ?? "none"} → ${to ?? "none"}`;
}
