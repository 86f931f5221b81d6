/** `GET /__lanes/metrics`: the same counters as Prometheus text (exposition format 0.0.4), since each lane's first request. */
import { DOUBLING_EDGES, upperMs } from "../core/latency.ts";
import { SLOTS } from "../core/slots.ts";
import type { BY_REASON, SUMS } from "../core/tally.ts";
import { slotsByLane } from "../core/weights.ts";
import type { Env } from "../edge/env.ts";
import type { Snapshot } from "../edge/groups-kv.ts";
import type { TallyRow } from "../group/counters.ts";
import { groupDoor, noPublisher, registryDoor } from "./door.ts";

const SUM_METRICS: Readonly<Record<Exclude<(typeof SUMS)[number], "latencyMs">, readonly [name: string, help: string]>> = {
  requests: ["requests", "Requests decided for the lane, copies aside."],
  errors: ["errors", "Answers of 500 and more, and fallbacks, but for services that the lane lacks."],
  ejections: ["ejections", "Times the lane's origin was put aside."],
  bodyTooLarge: ["bodies_too_large", "Requests that could not be repeated because of their length."],
  baggageDropped: ["baggage_members_dropped", "Foreign baggage members that gave way."],
  copies: ["copies_received", "Requests that were copies of others."],
  sent: ["copies_sent", "Copies that mirrors sent to the lane."],
  compared: ["copies_compared", "Copies whose answers were compared."],
  different: ["copies_different", "Compared copies that differed."],
};

const REASON_METRICS: Readonly<Record<(typeof BY_REASON)[number], readonly [name: string, help: string]>> = {
  fallbacks: ["fallbacks", "Requests that another lane answered, by reason."],
  dropped: ["copies_dropped", "Copies that were not sent, by reason."],
  uncompared: ["copies_uncompared", "Copies that could not be compared, by reason."],
};

type Labels = Readonly<Record<string, string>>;

/** Names have no character that would need escaping; reasons neither. */
const line = (name: string, labels: Labels, value: number): string =>
  `laneway_${name}{${Object.entries(labels)
    .map(([label, text]) => `${label}="${text}"`)
    .join(",")}} ${value}\n`;

const head = (name: string, type: string, help: string): string => `# HELP laneway_${name} ${help}\n# TYPE laneway_${name} ${type}\n`;

interface Row {
  readonly labels: Labels;
  readonly tally: TallyRow["tally"];
}

function histogram(rows: readonly Row[]): string {
  let text = head("origin_seconds", "histogram", "Time to the headers of the lane's own origin.");
  for (const { labels, tally } of rows) {
    for (const edge of DOUBLING_EDGES) {
      const below = tally.latency.slice(0, edge + 1).reduce((sum, count) => sum + count, 0);
      text += line("origin_seconds_bucket", { ...labels, le: String(upperMs(edge) / 1000) }, below);
    }
    const all = tally.latency.reduce((sum, count) => sum + count, 0);
    text += line("origin_seconds_bucket", { ...labels, le: "+Inf" }, all);
    text += line("origin_seconds_sum", labels, tally.latencyMs / 1000);
    text += line("origin_seconds_count", labels, all);
  }
  return text;
}

function counters(rows: readonly Row[]): string {
  let text = "";
  for (const [key, [name, help]] of Object.entries(SUM_METRICS)) {
    text += head(`${name}_total`, "counter", help);
    for (const { labels, tally } of rows) text += line(`${name}_total`, labels, tally[key as keyof typeof SUM_METRICS]);
  }
  for (const [key, [name, help]] of Object.entries(REASON_METRICS)) {
    text += head(`${name}_total`, "counter", help);
    for (const { labels, tally } of rows) {
      for (const [reason, count] of Object.entries(tally[key as keyof typeof REASON_METRICS]))
        text += line(`${name}_total`, { ...labels, reason }, count);
    }
  }
  return text;
}

/** What this isolate has in force; others may be a minute ahead or behind. */
function gauges({ groups, off }: Snapshot): string {
  let text = head("lane_share", "gauge", "Configured share of the visitors, 0 to 1.");
  for (const { group } of groups.values()) {
    const counts = slotsByLane(group.slots);
    for (const lane of group.lanes.keys()) text += line("lane_share", { group: group.name, lane }, (counts.get(lane) ?? 0) / SLOTS);
  }
  text += head("revision", "gauge", "Published revision in force.");
  for (const { group } of groups.values()) {
    if (group.published !== null) text += line("revision", { group: group.name }, group.published.revision);
  }
  text += head("off", "gauge", "1: switched off, everything on the baseline.");
  for (const name of groups.keys()) text += line("off", { group: name }, off === "*" || off.has(name) ? 1 : 0);
  return text;
}

export async function metrics(snapshot: Snapshot, env: Env): Promise<Response> {
  const registry = registryDoor(env);
  if (registry === null) return noPublisher();
  const listed = await registry.names().catch(() => ({ names: [] }));
  const names = [...new Set([...listed.names, ...snapshot.groups.keys()])].sort();
  const rows = await Promise.all(
    names.map(async (name) =>
      (await groupDoor(env, name)!.totals()).map(({ lane, service, tally }) => ({ labels: { group: name, lane, service }, tally })),
    ),
  );
  const text = gauges(snapshot) + counters(rows.flat()) + histogram(rows.flat());
  return new Response(text, { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
}
