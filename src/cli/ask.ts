/** Questions to the person at the terminal, on standard error, so that standard output stays the answer. */
import { confirm, text } from "@clack/prompts";
import { refused } from "./failure.ts";

/** False in a pipe, under cron, in CI: there a question would wait for ever. */
export const canAsk = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

// A pseudo-terminal may have no size yet; every letter would stand on a line of its own.
if (process.stderr.columns === 0) process.stderr.columns = 80;

const prompt = { output: process.stderr, withGuide: false };

/** Ctrl-C and Escape mean no, to everything. */
function answered<T extends string | boolean>(answer: T | symbol): T {
  if (typeof answer === "symbol") throw refused("Stopped. Nothing was written.");
  return answer;
}

/** No is the default: Enter alone changes nothing. */
export async function askYes(message: string): Promise<boolean> {
  return answered<boolean>(await confirm({ ...prompt, message, initialValue: false }));
}

export interface Question {
  readonly message: string;
  /** What Enter alone means. */
  readonly initial: string;
  /** What is wrong with an answer, or undefined. */
  readonly wrong?: (answer: string) => string | undefined;
}

export async function askText({ message, initial, wrong }: Question): Promise<string> {
  const validate = (answer: string | undefined) => wrong?.(answer?.trim() || initial);
  const answer = answered<string>(await text({ ...prompt, message, placeholder: initial, defaultValue: initial, validate }));
  return answer.trim();
}
