/** What the group's page says after a write, as long as it is so: whoever looks later, or types the address, reads nothing that is not true. */
import { concerns } from "../core/switched.ts";
import type { GroupView } from "./view.ts";

/** What wrote a revision, as the audit has it, and what is said then. */
const WRITTEN: ReadonlyMap<string, readonly [action: RegExp, note: string]> = new Map([
  ["weights", [/^weights$/, "The weights are published."]],
  ["rollback", [/^rollback /, "The earlier revision is put back, as a new one."]],
  ["adopt", [/^publish$/, "The change is adopted."]],
  ["ignore", [/^publish$/, "The mirror ignores this path from now on."]],
]);

/** Is this the last thing that was switched? */
function isSwitched({ history, off, name }: GroupView, done: "off" | "on"): boolean {
  const last = history.switches.find(concerns(name));
  return off === (done === "off") && last?.action.startsWith(`${done}: `) === true;
}

export interface Done {
  /** What the address says was done: one of the words here, never a text of its own. */
  readonly done: string;
  /** What was written by it, if it was a revision. */
  readonly revision: string;
}

export function doneNote(view: GroupView, { done, revision }: Done): string | null {
  const { published, history, differences } = view;
  if (done === "off") return isSwitched(view, done) ? "Everything goes to the baseline." : null;
  if (done === "on") return isSwitched(view, done) ? "The lanes are on again." : null;
  if (done === "forget") return differences.endpoints.length === 0 ? "All differences and samples are deleted." : null;
  if (revision !== String(published.revision)) return null;
  const action = history.audit.find(({ to }) => to === published.revision)?.action ?? "";
  const [expected, note] = WRITTEN.get(done) ?? [/^$/, null];
  return expected.test(action) ? note : null;
}
