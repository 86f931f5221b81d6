/** Resident memory of the workerd processes that this test process started, from `/proc` (Linux). */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

function pids(): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [, command, parent] = /^\d+ \((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "utf8")) ?? [];
      return command === "workerd" && Number(parent) === process.pid ? [Number(name)] : [];
    } catch {
      return []; // Gone meanwhile.
    }
  });
}

/** Now, of all of them unless some are given. */
export function residentBytes(of: readonly number[] = pids()): number {
  return of.reduce((sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024, 0);
}

export const canMeasure = process.platform === "linux";

/** By how many bytes memory grew at most while `work` ran. */
export async function growthDuring(work: () => Promise<unknown>): Promise<number> {
  const workers = pids();
  if (workers.length === 0) throw new Error("no workerd among the children of this process");
  const before = residentBytes(workers);
  let peak = before;
  let running = true;
  const sampling = (async () => {
    while (running) {
      peak = Math.max(peak, residentBytes(workers));
      await sleep(20);
    }
  })();
  try {
    await work();
  } finally {
    running = false;
    await sampling;
  }
  return peak - before;
}
