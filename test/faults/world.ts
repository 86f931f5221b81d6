/** The router in workerd, its origins on loopback, and for every request what each of the three sides can tell about it. */
import { randomBytes } from "node:crypto";
import { onTestFinished, TestRunner } from "vitest";
import { headerOf, type Origin, type Seen, startOrigin } from "../support/origin.ts";
import { type Router, type RouterAnswer, type RouterOptions, type RouterRequest, startRouter } from "../support/router.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What the client saw, for the table of `npm run faults`. */
    client?: string;
  }
}

/** s1 is the baseline, s2 the lane, s3 the lane behind it. */
export type OriginName = "s1" | "s2" | "s3";
const NAMES: readonly OriginName[] = ["s1", "s2", "s3"];

/** What the client got, in short. */
export interface Client {
  readonly status: number;
  readonly text: string;
  readonly lane: string | undefined;
  readonly servedBy: string | undefined;
  readonly fallback: string | undefined;
}

export interface Told {
  readonly answer: RouterAnswer;
  readonly client: Client;
  /** Origins that were asked, in order. */
  readonly asked: readonly string[];
  /** What they were asked, in the same order. */
  readonly seen: readonly Seen[];
  /** The access-log line. */
  readonly log: Readonly<Record<string, unknown>>;
}

export interface World {
  readonly router: Router;
  readonly s1: Origin;
  readonly s2: Origin;
  readonly s3: Origin;
  /** Sends one request to a group's host, and gathers what became of it. */
  ask(group: string, request?: RouterRequest & { readonly path?: string }): Promise<Told>;
  /** The requests that bear a trace id, in the order of arrival. */
  seenOf(traceId: string): { readonly origin: string; readonly seen: Seen }[];
  /** The access-log line of a request; rejects if there is none within two seconds. */
  logOf(traceId: string): Promise<Record<string, unknown>>;
  /** Origins answer honestly again. */
  reset(): void;
  close(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: parts of a lane file.
type Part = Readonly<Record<string, any>>;

/** A group whose every request is decided for s2; `more` replaces whole keys of the file. */
export const group = (name: string, world: Pick<World, OriginName>, more: Part = {}) => ({
  schema: 1,
  name,
  hosts: [`${name}.example`, `*.${name}.example`],
  baseline: "s1",
  services: { web: {} },
  lanes: {
    s1: { weight: 1, origins: { web: world.s1.url } },
    s2: { origins: { web: world.s2.url } },
    s3: { origins: { web: world.s3.url } },
  },
  rules: [{ name: "all", when: { path: { prefix: "/" } }, lane: "s2" }],
  ...more,
});

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Polls until `holds`, for at most two seconds. */
export async function until(holds: () => boolean): Promise<boolean> {
  for (let left = 100; left > 0 && !holds(); left--) await sleep(20);
  return holds();
}

/** Until the end of the test. */
export async function refuse(origin: Origin): Promise<void> {
  await origin.down();
  onTestFinished(() => origin.up());
}

export const newTraceId = (): string => randomBytes(16).toString("hex");
export const traceparent = (traceId: string): string => `00-${traceId}-${traceId.slice(0, 16)}-01`;

/** For the table of `npm run faults`; each different thing once. */
export function clientSaw(text: string): void {
  const meta = TestRunner.getCurrentTest()?.meta;
  if (meta === undefined || meta.client?.split("; ").includes(text)) return;
  meta.client = meta.client === undefined ? text : `${meta.client}; ${text}`;
}

const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value.join(", ") : value);

function clientOf({ status, headers, text, complete }: RouterAnswer): Client {
  const [lane, servedBy, fallback] = ["x-lane", "x-lane-served-by", "x-lane-fallback"].map((name) => one(headers[name]));
  const from =
    servedBy === undefined
      ? ""
      : status >= 500 && headers["content-type"] === "application/problem+json"
        ? " of ours"
        : ` from ${servedBy}`;
  clientSaw(`${status}${from}${fallback === undefined ? "" : ` (${fallback})`}${complete ? "" : ", body broken off"}`);
  return { status, text, lane, servedBy, fallback };
}

/** `files` gets the origins' addresses and gives the groups in KV, by name. */
export async function startWorld(
  files: (origins: Pick<World, OriginName>) => Readonly<Record<string, unknown>>,
  options: Omit<RouterOptions, "groups"> = {},
): Promise<World> {
  const [s1, s2, s3] = (await Promise.all(NAMES.map(startOrigin))) as [Origin, Origin, Origin];
  const origins = { s1, s2, s3 };
  const router = await startRouter({ ...options, groups: files(origins) });

  const seenOf = (traceId: string) =>
    NAMES.flatMap((origin) =>
      origins[origin].requests
        .filter(({ headers }) => headerOf(headers, "traceparent")?.includes(traceId))
        .map((seen) => ({ origin, seen })),
    ).sort((a, b) => a.seen.at - b.seen.at);

  const logOf = async (traceId: string) => {
    const find = () => router.logs().find((line) => line.traceId === traceId);
    if (!(await until(() => find() !== undefined))) throw new Error(`no log line for ${traceId}: ${router.output().slice(-5).join("\n")}`);
    return find()!;
  };

  return {
    router,
    ...origins,
    seenOf,
    logOf,
    async ask(name, { path = "/x", host = `${name}.example`, headers = {}, ...request } = {}) {
      const traceId = newTraceId();
      const answer = await router.fetch(path, { ...request, host, headers: { traceparent: traceparent(traceId), ...headers } });
      const log = await logOf(traceId);
      const seen = seenOf(traceId);
      return { answer, client: clientOf(answer), asked: seen.map(({ origin }) => origin), seen: seen.map((each) => each.seen), log };
    },
    reset() {
      for (const name of NAMES) origins[name].reset();
    },
    async close() {
      await Promise.all([s1.close(), s2.close(), s3.close(), router.dispose()]);
    },
  };
}
