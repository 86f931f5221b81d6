/** The lanes of a group: a table with configured and observed shares, and what each lane has of the services. */
import { percent, plural, Table } from "./layout.tsx";
import type { Checked, GroupFile, Stats, StatsRow } from "./shapes.ts";

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Reason → how often, over all rows. */
export function totals(reasons: readonly Readonly<Record<string, number>>[]): Map<string, number> {
  const all = new Map<string, number>();
  for (const [reason, count] of reasons.flatMap(Object.entries<number>)) all.set(reason, (all.get(reason) ?? 0) + count);
  return all;
}

export const listed = (reasons: ReadonlyMap<string, number>): string =>
  [...reasons].map(([reason, count]) => `${count} × ${reason}`).join(", ");

function worst(rows: readonly StatsRow[], which: "p50" | "p95" | "p99"): string {
  const values = rows.map(({ latency }) => latency[which]).filter((value) => value !== null);
  return values.length === 0 ? "–" : String(Math.max(...values));
}

const [WIDTH, HEIGHT] = [96, 24];

/** One value a minute, the running one last; minutes without a request are zeros, not gaps. */
function perMinute({ series, minutes }: Stats, lane: string, now: number, which: "requests" | "errors"): number[] {
  const last = Math.floor(now / 60_000);
  const values = new Array<number>(minutes).fill(0);
  for (const point of series) {
    const at = minutes - 1 - last + Math.floor(Date.parse(point.at) / 60_000);
    if (point.lane === lane && at in values) values[at]! += point[which];
  }
  return values;
}

function line(values: readonly number[], top: number): string {
  const points = values.map((value, at) => [
    1 + (at * (WIDTH - 2)) / Math.max(1, values.length - 1),
    HEIGHT - 1 - (value * (HEIGHT - 2)) / top,
  ]);
  return points.map(([x, y], at) => `${at === 0 ? "M" : "L"}${x!.toFixed(1)} ${y!.toFixed(1)}`).join("");
}

function Sparkline({ lane, stats, now }: { lane: string; stats: Stats; now: number }) {
  const [requests, errors] = [perMinute(stats, lane, now, "requests"), perMinute(stats, lane, now, "errors")];
  const top = Math.max(1, ...requests);
  const label = `${lane}: at most ${plural(top, "request")} a minute, ${requests.at(-1)} in the running one`;
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={label} class="spark">
      <path d={line(requests, top)} />
      {sum(errors) > 0 && <path d={line(errors, top)} class="errors" />}
    </svg>
  );
}

function Tags({ name, file, now }: { name: string; file: GroupFile; now: number }) {
  const { expiresAt } = file.lanes[name]!;
  const mirror = file.mirrors?.find(({ lane }) => lane === name);
  return (
    <>
      {name === file.baseline && <span class="tag">baseline</span>}
      {mirror && <span class="tag">dark: copies by {mirror.name}</span>}
      {expiresAt && (
        <span class="tag">{Date.parse(expiresAt) <= now ? "expired: the baseline serves" : `until ${expiresAt.slice(0, 10)}`}</span>
      )}
    </>
  );
}

function LaneRow({ name, file, stats, now }: { name: string; file: GroupFile; stats: Stats; now: number }) {
  const rows = stats.rows.filter(({ lane }) => lane === name);
  const share = stats.visitors.find(({ lane }) => lane === name);
  const [requests, errors] = [sum(rows.map((row) => row.requests)), sum(rows.map((row) => row.errors))];
  const copies = sum(rows.map((row) => row.copies.sent));
  const reasons = totals(rows.map(({ fallbacks }) => fallbacks));
  const fallbacks = sum([...reasons.values()]);
  return (
    <tr>
      <th scope="row">
        {name}{" "}
        <span class="tags">
          <Tags name={name} file={file} now={now} />
        </span>
      </th>
      <td>{percent(share?.configured ?? null)}</td>
      <td class={stats.ratio.verdict === "invalid" ? "bad" : ""}>{percent(share?.observed ?? null, 1)}</td>
      <td>
        {requests} {copies > 0 && <span class="hint">{plural(copies, "copy", "copies")}</span>}
      </td>
      <td class={errors > 0 ? "bad" : ""}>
        {errors} {errors > 0 && `(${percent((errors * 100) / requests, 1)})`}
      </td>
      <td>
        {fallbacks} {fallbacks > 0 && <span class="hint">{listed(reasons)}</span>}
      </td>
      <td>{sum(rows.map((row) => row.ejections))}</td>
      <td>{(["p50", "p95", "p99"] as const).map((which) => worst(rows, which)).join(" / ")}</td>
      <td>
        <Sparkline lane={name} stats={stats} now={now} />
      </td>
    </tr>
  );
}

const HEAD = ["Lane", "Configured", "Observed", "Requests", "Errors", "Fallbacks", "Ejections", "p50 / p95 / p99, ms", "Per minute"];

export function Lanes({ file, stats, now }: { file: GroupFile; stats: Stats; now: number }) {
  const visitors = sum(stats.visitors.map(({ assigned }) => assigned));
  return (
    <section id="lanes" data-live aria-labelledby="lanes-title">
      <h2 id="lanes-title">Lanes</h2>
      {stats.ratio.verdict === "invalid" && (
        <div class="alert">
          <strong>The observed shares are invalid: they do not fit the configured ones, so the lanes' figures cannot be compared.</strong>{" "}
          Likely causes:
          <ul>
            {stats.ratio.causes.map((cause) => (
              <li>{cause}</li>
            ))}
          </ul>
        </div>
      )}
      {stats.rows.length === 0 && stats.visitors.length > 0 && (
        <p class="hint">No request was counted yet. Send one to a host of the group; its figures are here about ten seconds later.</p>
      )}
      <Table
        label="Lanes"
        head={HEAD}
        caption={`The last ${stats.minutes} minutes. Observed: of ${plural(visitors, "new visitor")} of this revision. Latency: of the slowest service, to its headers.`}
      >
        {Object.keys(file.lanes).map((name) => (
          <LaneRow name={name} file={file} stats={stats} now={now} />
        ))}
      </Table>
    </section>
  );
}

/** A lane that lacks a service, and who answers then. */
export function Services({ file, fallsBack }: { file: GroupFile; fallsBack: Checked["fallsBack"] }) {
  const instead = (lane: string, service: string): string => {
    if (file.mode === "strict") return "✕ 503, strict";
    return `→ ${fallsBack.find((each) => each.lane === lane && each.service === service)?.to ?? file.baseline}`;
  };
  return (
    <section aria-labelledby="services-title" class="services">
      <h2 id="services-title">Who serves what</h2>
      <Table
        label="Lanes and services"
        head={["Lane", ...Object.keys(file.services)]}
        caption="A request in a lane finds each service here; what the lane lacks comes from the lane named there."
      >
        {Object.entries(file.lanes).map(([name, { origins }]) => (
          <tr>
            <th scope="row">{name}</th>
            {Object.keys(file.services).map((service) =>
              service in origins ? <td class="own">● own</td> : <td class="hint">{instead(name, service)}</td>,
            )}
          </tr>
        ))}
      </Table>
    </section>
  );
}
