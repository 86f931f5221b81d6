import type { Command } from "commander";
import type { Verdict } from "../core/noise.ts";
import { AdminApi, signed } from "./admin-api.ts";
import type { ExitCode } from "./failure.ts";
import { ago, bold, dim, green, plural, red, say, sayJson, table, yellow } from "./say.ts";
import { asking, changing, exits, groupName, type Writing, withActor } from "./verb.ts";
import { write } from "./write.ts";

interface Place {
  readonly path: string;
  readonly kind: string;
  readonly verdict: Verdict;
  /** Of `undecided`, in words. */
  readonly why: string | null;
  readonly raw: number;
  readonly noise: number;
  readonly onlyRaw: number;
  readonly onlyNoise: number;
}

interface Endpoint {
  readonly mirror: string;
  readonly endpoint: string;
  readonly compared: number;
  readonly probed: number;
  /** Absent from a Worker of an earlier version. */
  readonly truncated?: number;
  /** Sightings of places that are not listed. */
  readonly more: number;
  readonly paths: readonly Place[];
  readonly samples: readonly {
    readonly paths: readonly { readonly kind: string; readonly path: string }[];
    readonly at: string;
    readonly seen: number;
    readonly sample: unknown;
  }[];
}

interface Options extends Writing {
  readonly samples?: boolean;
  readonly clear?: boolean;
}

export const differences = (): Command =>
  withActor(
    changing(
      asking("differences", "what a mirror's copies answered differently", "there are differences that are neither noise nor ignored"),
    ),
  )
    .argument("<group>", "name of the group", groupName)
    .option("--samples", "with examples, redacted")
    .option("--clear", "forget them all (--yes, --dry-run and --actor are for this)")
    .action(exits(run));

async function run(name: string, options: Options): Promise<ExitCode> {
  const api = new AdminApi(options);
  const endpoints: readonly Endpoint[] = (await api.askOf(name, "/differences")).value.endpoints;
  const open = endpoints.some(({ paths }) => paths.some(({ verdict }) => isOpen(verdict)));
  if (options.clear)
    return await clear(name, endpoints, options, () =>
      api.askOf(name, "/differences", { method: "DELETE", headers: signed(options), title: "Deleting" }),
    );
  if (options.json) sayJson({ group: name, endpoints });
  else sayEndpoints(name, endpoints, options.samples === true);
  return open ? 1 : 0;
}

async function clear(name: string, endpoints: readonly Endpoint[], options: Options, forget: () => Promise<unknown>): Promise<ExitCode> {
  const compared = endpoints.reduce((sum, endpoint) => sum + endpoint.compared, 0);
  return await write(options, {
    preview: { endpoints: endpoints.length, compared },
    show: () =>
      say(
        `  ${plural(endpoints.length, "endpoint")} of ${bold(name)}, with what ${plural(compared, "comparison")} found. They cannot be brought back.\n`,
      ),
    question: `Forget the differences of ${name}?`,
    reasoned: false,
    perform: async () => {
      await forget();
      return { cleared: endpoints.length };
    },
    done: () => say(`${green("✓")} Forgotten. What is compared from now on counts anew.`),
  });
}

const ORDER: readonly Verdict[] = ["regression", "suspect", "undecided", "noise", "ignored"];

const isOpen = (verdict: Verdict): boolean => verdict !== "noise" && verdict !== "ignored";

const STYLES: Readonly<Record<Verdict, (text: string) => string>> = {
  regression: red,
  suspect: yellow,
  undecided: yellow,
  noise: dim,
  ignored: dim,
};

const rank = ({ verdict, raw }: Place): number => ORDER.indexOf(verdict) * 1e9 - raw;

function sayEndpoints(name: string, endpoints: readonly Endpoint[], samples: boolean): void {
  if (endpoints.length === 0) {
    say(`Nothing of ${name} has been compared yet.`);
    say(dim('  A mirror with "compare" in the lane file, traffic, and a few seconds give the first figures.'));
    return;
  }
  for (const endpoint of endpoints) sayEndpoint(endpoint, samples);
  say(dim("raw: the copy differed; noise: the lane that served, asked a second time, differed from itself."));
  say(dim("regression: proven; suspect: without any noise so far; undecided: why stands below the table."));
  if (!samples) say(dim(`Examples: npx lanes differences ${name} --samples`));
}

function sayEndpoint({ mirror, endpoint, compared, probed, truncated = 0, more, paths, samples }: Endpoint, withSamples: boolean): void {
  say(`${bold(endpoint)} ${dim(`mirror ${mirror}: ${compared} compared, ${probed} of them asked twice`)}`);
  const rows = [...paths]
    .sort((a, b) => rank(a) - rank(b))
    .map(({ path, kind, verdict, raw, noise }) => [STYLES[verdict](verdict), path, kind, String(raw), String(noise)]);
  say(rows.length === 0 ? green("  no differences") : table(["verdict", "where", "what", "raw", "noise"], rows, [3, 4]));
  for (const why of new Set(paths.flatMap(({ why }) => why ?? []))) say(dim(`  undecided: ${why}`));
  if (truncated > 0)
    say(yellow(`  of ${plural(truncated, "request")} only a beginning of the answers was compared: nothing is known of the rest`));
  if (more > 0) say(dim(`  and ${plural(more, "difference")} in further places, not listed`));
  if (withSamples) for (const sample of samples) saySample(sample);
  say();
}

function saySample({ paths, at, seen, sample }: Endpoint["samples"][number]): void {
  say(
    `\n  ${paths.map(({ kind, path }) => `${path} (${kind})`).join(", ")} ${dim(`${plural(seen, "request")}, this one ${ago(at, Date.now())}`)}`,
  );
  for (const line of JSON.stringify(sample, null, 2).split("\n")) say(`    ${line}`);
}
