/** What the admin API refuses (RFC 9457), as a failure that says what to do next. */
import { type Problem, unknownName } from "../core/problem.ts";
import { cannotAsk, type Failure, refused } from "./failure.ts";

export const WHERE = `Start the local run (\`npm run demo\` or \`npm run dev\`), or name your Worker: --url https://… or LANEWAY_URL.`;

/** @param known names of the groups that there are */
export function unknownGroup(name: string, known: readonly string[]): Failure {
  const said = unknownName("group", name, known);
  const next = "`npx lanes status` lists the groups; `npx lanes publish <file>` makes one.";
  return cannotAsk(`${said[0]!.toUpperCase()}${said.slice(1)}${/[.?]$/.test(said) ? "" : "."}`, next, { tag: "no-group" });
}

const AGAIN = "Wait a few seconds, then try again.";

/** By the tag of the problem: is it an answer, and what helps. */
const NEXT: Readonly<Record<string, { readonly exitCode: 1 | 2; readonly next: string }>> = {
  "not-found": {
    exitCode: 2,
    next: "It exists only where the Worker has LANEWAY_ADMIN_TOKEN (32 characters or more) and, with ADMIN_HOST, only on that host.",
  },
  unauthorized: {
    exitCode: 2,
    next: "Set LANEWAY_ADMIN_TOKEN to the token of this Laneway: a deployed Worker has it as a secret; unset it for the local run of this folder.",
  },
  forbidden: { exitCode: 2, next: "Set LANEWAY_ADMIN_TOKEN to the admin token; LANEWAY_READ_TOKEN's can only look." },
  "no-group": {
    exitCode: 2,
    next: "`npx lanes status` lists the groups; `npx lanes publish <file>` publishes one, also one of the deploy's files.",
  },
  "no-revision": { exitCode: 1, next: "`npx lanes history <group>` lists the revisions." },
  gone: { exitCode: 1, next: "`npx lanes history <group>` lists the revisions." },
  invalid: { exitCode: 1, next: "" },
  "not-json": { exitCode: 1, next: "" },
  "too-large": { exitCode: 1, next: "" },
  stale: { exitCode: 1, next: "Somebody was faster. `npx lanes history <group>` says who; `npx lanes pull <group>` brings their file." },
  exhausted: { exitCode: 1, next: "Whoever put that number into KV can say why." },
  drift: { exitCode: 1, next: "`npx lanes plan` shows your file against what is there now; write again, and yours replaces it." },
  busy: { exitCode: 2, next: AGAIN },
  "kv-unavailable": { exitCode: 2, next: AGAIN },
  unwritten: { exitCode: 2, next: "`npx lanes status` shows when it is in force." },
  internal: { exitCode: 2, next: "The Worker's log says more: `npx wrangler tail`." },
  "no-publisher": { exitCode: 2, next: "Give it the Durable Object of wrangler.toml, or write to KV: `npx wrangler kv key put` (README)." },
};

interface Refusal {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly problems?: readonly Problem[];
  /** Revisions that the writer had not seen, newest first. */
  readonly since?: readonly { readonly revision: number; readonly by: string; readonly reason: string }[];
}

/** @param value the answer's JSON; undefined: it is none */
export function failureOf(url: string, status: number, value: unknown): Failure {
  const { type = "", title = "", detail = title, status: _, ...more } = (typeof value === "object" ? (value ?? {}) : {}) as Refusal;
  const tag = /^urn:laneway:([\w-]+)$/.exec(type)?.[1] ?? "";
  const known = NEXT[tag];
  if (known === undefined) {
    const what = status >= 300 && status < 400 ? "answers with a redirect" : `answers ${status}`;
    return cannotAsk(`${url} ${what}, but not as Laneway's admin API does.`, WHERE);
  }
  if (tag === "not-found") return cannotAsk(`There is no admin API at ${url}.`, known.next);
  if (tag === "no-group") return cannotAsk(detail, known.next, { tag, ...more });
  const since = (more.since ?? []).map(({ revision, by, reason }) => `${revision}  by ${by}: ${reason || "no reason given"}`);
  const next = [...since, known.next].join("\n  ");
  return known.exitCode === 1 ? refused(detail, next, { tag, ...more }) : cannotAsk(detail, next, { tag, ...more });
}
