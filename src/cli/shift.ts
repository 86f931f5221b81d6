import type { Command } from "commander";
import type { LaneGroup } from "../core/lane-group.ts";
import { SLOTS } from "../core/slots.ts";
import { shiftWeights, slotsByLane } from "../core/weights.ts";
import { AdminApi, type LaneFile } from "./admin-api.ts";
import { cannotAsk, type ExitCode, refused } from "./failure.ts";
import { parsePublished } from "./lane-files.ts";
import { sayPreview } from "./preview.ts";
import { percent, say, table } from "./say.ts";
import { exits, groupName, type Writing, writing } from "./verb.ts";
import { sayWritten, write } from "./write.ts";

export const shift = (): Command =>
  writing("shift", "give lanes another share of the visitors")
    .argument("<group>", "name of the group", groupName)
    .argument("<lane=percent...>", "such as s2=30; lanes not named keep their share, the baseline takes the rest")
    .action(exits(run));

async function run(name: string, shares: string[], options: Writing): Promise<ExitCode> {
  const weights = wanted(shares);
  const api = new AdminApi(options);
  const before = await api.group(name);
  const { group } = parsePublished(name, before);
  const shifted = shiftWeights(group, weights);
  if (!shifted.ok)
    throw refused("These shares are not possible. Nothing was written.", instead(group, weights), { problems: shifted.error });
  const file = structuredClone(before.file) as LaneFile & { lanes: Record<string, { weight?: number }> };
  for (const [lane, share] of shifted.value) file.lanes[lane]!.weight = share;
  const preview = await api.check(name, file);
  const now = slotsByLane(group.slots);
  const rows = [...shifted.value].map(([lane, then]) => [lane, percent(((now.get(lane) ?? 0) * 100) / SLOTS), "→", percent(then)]);
  return await write(options, {
    preview,
    show: () => {
      say(`${table(["lane", "now", "", "then"], rows, [1, 3])}\n`);
      sayPreview(preview, before.head.revision);
    },
    question: `Shift ${name}, as revision ${before.head.revision + 1}?`,
    reasoned: true,
    perform: (reason) => api.write(`groups/${name}/weights`, "POST", { weights }, before.etag, { ...options, reason }),
    done: ({ revision }) => sayWritten(api, name, revision, before),
  });
}

/** What gives the baseline the share that was asked for; empty: that was not it. */
function instead(group: LaneGroup, weights: Readonly<Record<string, number>>): string {
  const { name, baseline, slots, lanes } = group;
  const share = weights[baseline];
  const unknown = Object.keys(weights).some((lane) => !lanes.has(lane));
  if (share === undefined || share > 100 || unknown) return "";
  const others = [...lanes.keys()].filter((lane) => lane !== baseline);
  const now = slotsByLane(slots);
  const having = others.filter((lane) => now.has(lane));
  const taking = having.length > 0 ? having : others.slice(0, 1);
  if (taking.length === 0) return "";
  const [left, all] = [Math.round((100 - share) * 100), taking.reduce((sum, lane) => sum + (now.get(lane) ?? 1), 0)];
  const counts = taking.map((lane) => Math.floor((left * (now.get(lane) ?? 1)) / all));
  counts[0]! += left - counts.reduce((sum, count) => sum + count, 0);
  const shares = taking.map((lane, place) => `${lane}=${counts[place]! / 100}`).join(" ");
  return `${baseline} takes what the others leave. So that it has ${percent(share)}: npx lanes shift ${name} ${shares}`;
}

/** `s2=30`, `s2=30%`, `s2=0.5` */
function wanted(shares: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    shares.map((share) => {
      const parts = /^([^=]+)=(\d+(?:\.\d+)?)\s*%?$/.exec(share);
      if (parts === null) throw cannotAsk(`"${share}" is no share.`, "Write lane=percent, such as s2=30.");
      return [parts[1]!, Number(parts[2])];
    }),
  );
}
