/** The lanes of a group: a table with configured and observed shares, and a picture of lanes × services with what falls back. */

import { percent } from "./layout.tsx";
import type { GroupFile, Stats, StatsRow } from "./shapes.ts";

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const total = (reasons: Readonly<Record<string, number>>): number => sum(Object.values(reasons));

function worst(rows: readonly StatsRow[], which: "p50" | "p95" | "p99"): string {
  const values = rows.map(({ latency }) => latency[which]).filter((value) => value !== null);
  return values.length === 0 ? "–" : `${Math.max(...values)} ms`;
}

/** Requests per minute, oldest first, as one line; the table beside it says the numbers. */
function Sparkline({ points, label }: { points: readonly number[]; label: string }) {
  const top = Math.max(1, ...points);
  const line = points.map(
    (value, at) =>
      `${at === 0 ? "M" : "L"}${((at * 98) / Math.max(1, points.length - 1) + 1).toFixed(1)} ${(23 - (value * 22) / top).toFixed(1)}`,
  );
  return (
    <svg viewBox="0 0 100 24" width="100" height="24" role="img" aria-label={label} class="spark">
      <path d={line.join("") || "M1 23L99 23"} />
    </svg>
  );
}

function minutesOf(stats: Stats, lane: string): number[] {
  const byMinute = new Map<string, number>();
  for (const point of stats.series) byMinute.set(point.at, (byMinute.get(point.at) ?? 0) + (point.lane === lane ? point.requests : 0));
  return [...byMinute].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, requests]) => requests);
}

function LaneRow({ name, file, stats }: { name: string; file: GroupFile; stats: Stats }) {
  const rows = stats.rows.filter(({ lane }) => lane === name);
  const share = stats.visitors.find(({ lane }) => lane === name);
  const lane = file.lanes[name];
  const requests = sum(rows.map((row) => row.requests));
  const fallbacks = sum(rows.map((row) => total(row.fallbacks)));
  const reasons = rows.flatMap((row) => Object.entries(row.fallbacks)).map(([reason, count]) => `${reason} ${count}`);
  return (
    <tr>
      <th scope="row">
        {name} {name === file.baseline && <span class="tag">baseline</span>}
        {lane?.expiresAt && <span class="tag">until {lane.expiresAt.slice(0, 10)}</span>}
      </th>
      <td>{percent(share?.configured ?? null)}</td>
      <td>{percent(share?.observed ?? null)}</td>
      <td>{requests}</td>
      <td class={sum(rows.map((row) => row.errors)) > 0 ? "bad" : ""}>{sum(rows.map((row) => row.errors))}</td>
      <td title={reasons.join(", ")}>{fallbacks}</td>
      <td>{sum(rows.map((row) => row.ejections))}</td>
      <td>
        {worst(rows, "p50")} / {worst(rows, "p95")} / {worst(rows, "p99")}
      </td>
      <td>
        <Sparkline points={minutesOf(stats, name)} label={`${requests} requests to ${name} in ${stats.minutes} minutes`} />
      </td>
    </tr>
  );
}

export function LanesTable({ file, stats }: { file: GroupFile; stats: Stats }) {
  const seen = stats.rows.some(({ requests }) => requests > 0);
  return (
    <section id="lanes" data-live aria-labelledby="lanes-title">
      <h2 id="lanes-title">Lanes</h2>
      {stats.ratio.verdict === "invalid" && (
        <div class="alert" role="alert">
          <strong>The observed shares are invalid: they do not fit the configured ones, so the lanes' figures cannot be compared.</strong>{" "}
          Likely causes: {stats.ratio.causes.join("; ")}.
        </div>
      )}
      {!seen && <p class="hint">No request was counted yet. Send one to a host of the group; figures arrive within ten seconds.</p>}
      <section class="scroll" tabindex={0} aria-label="Lanes, a table">
        <table>
          <caption>
            The last {stats.minutes} minutes. Shares are those of new visitors. Latency is that of the slowest service, to the origin's
            headers: p50 / p95 / p99.
          </caption>
          <thead>
            <tr>
              {["Lane", "Configured", "Observed", "Requests", "Errors", "Fallbacks", "Ejections", "Latency", "Per minute"].map((name) => (
                <th scope="col">{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {Object.keys(file.lanes).map((name) => (
              <LaneRow name={name} file={file} stats={stats} />
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

/** Filled: the lane has the service. Hollow: requests go to the lane that is written there. */
export function Picture({ file, fallsBack }: { file: GroupFile; fallsBack: readonly { lane: string; service: string; to: string }[] }) {
  const target = (lane: string, service: string) =>
    fallsBack.find((each) => each.lane === lane && each.service === service)?.to ?? file.baseline;
  return (
    <section aria-labelledby="picture-title">
      <h2 id="picture-title">Who serves what</h2>
      <section class="scroll" tabindex={0} aria-label="Lanes and services, a table">
        <table class="picture">
          <caption>A request in a lane finds each service here; what the lane lacks comes from the lane named there.</caption>
          <thead>
            <tr>
              <th scope="col">Lane</th>
              {Object.keys(file.services).map((service) => (
                <th scope="col">{service}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {Object.entries(file.lanes).map(([name, lane]) => (
              <tr>
                <th scope="row">{name}</th>
                {Object.keys(file.services).map((service) =>
                  service in lane.origins ? <td class="own">● own</td> : <td class="other">→ {target(name, service)}</td>,
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
