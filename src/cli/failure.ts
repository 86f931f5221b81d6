/** Why a verb ended without its answer. `lanes.ts` prints it and exits; nothing else does. */

/** 0 done; 1 the answer is no; 2 could not ask (contract section 10). */
export type ExitCode = 0 | 1 | 2;

export class Failure extends Error {
  readonly exitCode: 1 | 2;
  /** What to do next, in a sentence or a few lines; empty: nothing beyond the message. */
  readonly next: string;
  /** Further members of the `--json` answer, such as `problems`. */
  readonly more: object;

  constructor(exitCode: 1 | 2, message: string, next = "", more: object = {}) {
    super(message);
    this.exitCode = exitCode;
    this.next = next;
    this.more = more;
  }
}

/** The answer is no. */
export const refused = (message: string, next?: string, more?: object): Failure => new Failure(1, message, next, more);

/** The question did not reach anybody who could answer it. */
export const cannotAsk = (message: string, next?: string, more?: object): Failure => new Failure(2, message, next, more);
