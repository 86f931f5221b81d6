/**
 * `npm run soak [-- --minutes 10] [--seed 1]`: everything at once, for as long as is asked. Exit code 1: an invariant did not hold; then the
 * request that shows it is printed, and the seed draws the same again.
 */
import { parseArgs } from "node:util";
import { soak } from "./storm.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" }, seed: { type: "string" } } });
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error("expected --minutes above 0 and a whole --seed");

const say = (line: string) => void process.stdout.write(`${line}\n`);
say(`seed ${seed}, ${minutes} minutes`);
const { violations, counts, memory } = await soak({ seed, minutes, say });

say("\nSurvived, and how often:");
for (const [what, times] of [...counts].sort(([a], [b]) => a.localeCompare(b))) say(`${String(times).padStart(8)}  ${what}`);
const inMb = (bytes: number) => Math.round(bytes / 1024 / 1024);
if (memory !== null)
  say(`${String(inMb(memory.end)).padStart(8)}  MB of workerd at the end${memory.warm === null ? "" : `, ${inMb(memory.warm)} when warm`}`);
const [first] = violations;
if (first !== undefined)
  say(`\nVIOLATED: ${first.invariant}\n${first.request}\nAgain: npm run soak -- --minutes ${minutes} --seed ${seed}`);
process.exitCode = first === undefined ? 0 : 1;
