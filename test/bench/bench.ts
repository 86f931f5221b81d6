/** `npm run bench [-- figure …] [--json]`: the figures of contract section 12. Tables go to stdout, progress to stderr. */
import { parseArgs } from "node:util";
import { comparer } from "./comparer.ts";
import { decision } from "./decision.ts";
import { fallback } from "./fallback.ts";
import { type Figure, tableOf } from "./figure.ts";
import { group } from "./group.ts";
import { headers } from "./headers.ts";
import { memory } from "./memory.ts";
import { mirror } from "./mirror.ts";
import { pipeline } from "./pipeline.ts";
import { size } from "./size.ts";

const figures: Readonly<Record<string, () => Promise<Figure>>> = {
  pipeline,
  decision,
  size,
  fallback,
  headers,
  group,
  memory,
  mirror,
  comparer,
};

const usage = `npm run bench [-- <figure> …] [--json]
figures: ${Object.keys(figures).join(", ")}; all of them where none is named`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: { json: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
});
const options = Object.keys(values).filter((name) => name !== "json" && name !== "help");
const names = positionals.length === 0 || positionals.includes("all") ? Object.keys(figures) : positionals;
const unknown = [...names.filter((name) => !Object.hasOwn(figures, name)), ...options.map((name) => `--${name}`)];

if (values.help || unknown.length > 0) {
  if (unknown.length > 0) process.stderr.write(`unknown: ${unknown.join(", ")}\n`);
  process.stderr.write(`${usage}\n`);
  process.exit(values.help ? 0 : 2);
}

const done: Figure[] = [];
for (const name of names) {
  const figure = await figures[name]!();
  done.push(figure);
  if (!values.json) process.stdout.write(`${tableOf(figure)}\n`);
}
if (values.json) process.stdout.write(`${JSON.stringify(done, null, 2)}\n`);
