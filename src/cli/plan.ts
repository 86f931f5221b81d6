import type { Command } from "commander";
import { changesBetween } from "../core/changes.ts";
import type { LaneGroup } from "../core/lane-group.ts";
import type { Problem } from "../core/problem.ts";
import { review } from "../core/review.ts";
import { adjustTable, runsOf } from "../core/slots.ts";
import { AdminApi, type Preview } from "./admin-api.ts";
import { cannotAsk, type ExitCode } from "./failure.ts";
import { FOLDER } from "./folder.ts";
import { fileOf, type Parsed, parse, parsePublished, readFile, type Text } from "./lane-files.ts";
import { sayPreview } from "./preview.ts";
import { withProgress } from "./progress.ts";
import { readRecording } from "./recording-file.ts";
import { differing, type Outcome, outcomeOf } from "./replay.ts";
import { bold, dim, green, plural, say, sayJson, table } from "./say.ts";
import { type Asking, asking, exits } from "./verb.ts";

interface Options extends Asking {
  readonly against?: string;
  readonly requests?: string;
}

/** What a new file is held against. */
interface Before {
  readonly of: string;
  /** The newest revision there, which may be no lane file; null: none, or a file. */
  readonly newest: number | null;
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

/** What a whole recording came to. */
interface Replay {
  readonly total: number;
  readonly changed: number;
  /** For other hosts than this group's. */
  readonly foreign: number;
  /** What is no request to replay, by what it is. */
  readonly skipped: Readonly<Record<string, number>>;
  /** The first of those that change, and of those that do not. */
  readonly requests: readonly Replayed[];
}

/** More is read by nobody; `--json` has more. */
const MAX_ROWS = 40;
/** Requests of `--json` that change, and as many that do not; beyond that they are counted only. */
const MAX_KEPT = 10_000;
/** More problems of a recording say nothing new. */
const MAX_PROBLEMS = 20;

export const plan = (): Command =>
  asking("plan", "what a lane file would change, and for which recorded requests", "the file has problems, or a recorded request changes")
    .argument("<file>", `lane file, or name of a group in ${FOLDER}/`)
    .option("--against <file>", "hold it against another file, offline (default: what is published)")
    .option("--requests <file>", "recorded requests, to see which of them change")
    .addHelpText(
      "after",
      `
Recorded requests are a HAR (a browser's network tab saves one), or one JSON object a line, gzipped or not: a line of this router's
access log; a line of Cloudflare's Logpush (http_requests, with RequestHeaders and Cookies where rules look at them); or
  {"url":"https://shop.example.com/cart","method":"GET","headers":{"baggage":"pr=142"},"slot":7000,"now":1800000000,"ip":"192.0.2.1"}
of which only "url" is needed. Visitors without a slot or cookie draw the same slot before and after; contexts are believed as recorded.`,
    )
    .action(exits(run));

async function run(nameOrPath: string, options: Options): Promise<ExitCode> {
  const text = readFile(nameOrPath);
  const parsed = parse(text, true);
  const before = options.against === undefined ? await published(text, parsed, options) : otherFile(text, parsed, options.against);
  const after = laidOutAfter(parsed.group, before.group);
  const replayed = options.requests === undefined ? null : await replay(options.requests, before.group, after);
  const { problems: _, against: __, ...preview } = before.preview;
  if (options.json) sayJson({ against: before.of, ...preview, ...replayed });
  else {
    say(`${bold(text.path)} against ${before.of}\n`);
    sayPreview(before.preview, before.newest);
    if (replayed !== null) sayReplay(replayed);
  }
  return replayed !== null && replayed.changed > 0 ? 1 : 0;
}

async function published(text: Text, { group: { name } }: Parsed, options: Options): Promise<Before> {
  const api = new AdminApi(options);
  const now = await api.groupIfAny(name);
  const preview = await api.check(name, fileOf(text));
  if (now === null) return { of: `${api.url}, which has no ${name}`, newest: null, group: null, preview };
  const newest = now.head.revision;
  if (now.good === null) return { of: `revision ${newest}, which is no lane file`, newest, group: null, preview };
  const serving = now.good === newest ? now : await api.revision(name, now.good);
  return { of: `revision ${now.good}, which is published`, newest, group: parsePublished(name, serving).group, preview };
}

function otherFile(text: Text, { group, warnings }: Parsed, against: string): Before {
  const other = readFile(against);
  const before = parse(other, true).group;
  const found = review(laidOutAfter(group, before), before, Math.floor(Date.now() / 1000));
  const changes = changesBetween(fileOf(other), fileOf(text));
  // It has no number; every revision has a higher one.
  return {
    of: other.path,
    newest: null,
    group: before,
    preview: { problems: [], against: 0, ...found, warnings: [...warnings, ...found.warnings], changes },
  };
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

async function replay(path: string, before: LaneGroup | null, after: LaneGroup): Promise<Replay> {
  if (before === null) throw cannotAsk("There is nothing to hold the requests against.", "Name another file: --against <file>.");
  const now = Math.floor(Date.now() / 1000);
  const requests: Replayed[] = [];
  const problems: Problem[] = [];
  const skipped: Record<string, number> = {};
  let [total, changed, foreign] = [0, 0, 0];
  const work = async () => {
    for await (const read of readRecording(path)) {
      if ("problems" in read && problems.push(...read.problems) >= MAX_PROBLEMS) break;
      if ("skipped" in read) skipped[read.skipped] = (skipped[read.skipped] ?? 0) + 1;
      if (!("request" in read)) continue;
      const { line, method, url } = read.request;
      const [was, is] = [outcomeOf(before, read.request, now), outcomeOf(after, read.request, now)];
      const differs = differing(was, is);
      total++;
      if (differs.length > 0) changed++;
      if (was.reason === "no-group" && is.reason === "no-group") foreign++;
      if ((differs.length > 0 ? changed : total - changed) <= MAX_KEPT)
        requests.push({ line, method, url, before: was, after: is, differs });
    }
  };
  await withProgress(() => `Replaying ${path}: ${total}`, work());
  if (problems.length === 0) return { total, changed, foreign, skipped, requests };
  throw cannotAsk(`${path} is no list of requests.`, "`npx lanes plan --help` says what one is.", { problems });
}

function sayReplay({ total, changed, foreign, skipped, requests }: Replay): void {
  say(bold("Recorded requests"));
  if (total === 0) say("  There is none in it.");
  else if (changed === 0) say(`  ${green("✓")} All ${total} go where they went.`);
  else {
    const rows = requests
      .filter(({ differs }) => differs.length > 0)
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
    if (changed > MAX_ROWS) say(dim(`  and ${changed - MAX_ROWS} more (--json has more)`));
    say(`\n  ${changed} of ${plural(total, "request")} ${changed === 1 ? "changes" : "change"}.`);
  }
  if (foreign > 0) say(dim(`  ${plural(foreign, "request is", "requests are")} for other hosts than this group's.`));
  for (const [what, count] of Object.entries(skipped)) say(dim(`  Left out: ${count} ${what}.`));
}

function step(from: string | null, to: string | null): string {
  return from === to ? dim(from ?? "none") : `${from ?? "none"} → ${to ?? "none"}`;
}
