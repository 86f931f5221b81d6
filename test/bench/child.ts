import { type ChildProcess, fork } from "node:child_process";

/** A helper process that answers each message with one message, in order. Its CPU is its own, not the bench's nor workerd's. */
export interface Child<Question, Answer> {
  readonly pid: number;
  ask(question: Question): Promise<Answer>;
  stop(): void;
}

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

/** Kills `child` when the bench ends, however it ends. */
export function ownedByBench(child: ChildProcess): void {
  running.add(child);
  child.once("exit", () => running.delete(child));
}

/** `file`: path of the TypeScript file that the process runs. A message with `error` rejects the question. */
export function startChild<Question extends object, Answer>(file: string): Child<Question, Answer> {
  const child = fork(file, { serialization: "advanced" });
  ownedByBench(child);
  return {
    pid: child.pid!,
    ask: (question) =>
      new Promise((resolve, reject) => {
        const died = (code: number | null) => reject(new Error(`${file} ended with code ${code}`));
        child.once("exit", died);
        child.once("message", (answer) => {
          child.off("exit", died);
          const { error } = answer as { error?: string };
          if (error === undefined) resolve(answer as Answer);
          else reject(new Error(error));
        });
        child.send(question);
      }),
    stop: () => child.kill(),
  };
}
