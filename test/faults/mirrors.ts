/** A world whose s3 is dark: mirrors copy to it, no visitor gets there. And what the router has counted and remembered. */
import type { Seen } from "../support/origin.ts";
import type { RouterAnswer, RouterOptions, RouterRequest } from "../support/router.ts";
import { newTraceId, type OriginName, startWorld, traceparent, until, type World } from "./world.ts";

export const TOKEN = "faults-admin-token-faults-admin-token";
/** Isolates send their counters every five seconds. */
const FLUSH_MS = 9_000;

// biome-ignore lint/suspicious/noExplicitAny: parts of a lane file.
type Part = Readonly<Record<string, any>>;

/** A group with one mirror from s1 to s3; `mirror` null: without. No cookies, so that answers can be compared byte by byte. */
export const mirrored = (name: string, world: Pick<World, OriginName>, mirror: Part | null = {}, more: Part = {}) => ({
  schema: 1,
  name,
  hosts: [`${name}.example`, `*.${name}.example`],
  baseline: "s1",
  services: { web: {} },
  lanes: { s1: { weight: 1, origins: { web: world.s1.url } }, s3: { origins: { web: world.s3.url } } },
  sticky: { by: "none" },
  ...(mirror !== null && { mirrors: [{ name: "m", lane: "s3", percent: 100, ...mirror }] }),
  ...more,
});

/** Of all lanes and services of a group. */
export interface Copies {
  readonly received: number;
  readonly sent: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly compared: number;
  readonly different: number;
  readonly uncompared: Readonly<Record<string, number>>;
}

export interface Place {
  readonly path: string;
  readonly kind: string;
  readonly verdict: string;
  readonly raw: number;
  readonly noise: number;
  readonly onlyRaw: number;
  readonly onlyNoise: number;
  readonly diffy: { readonly real: boolean };
}

export interface Endpoint {
  readonly endpoint: string;
  readonly compared: number;
  readonly probed: number;
  readonly truncated: number;
  readonly paths: readonly Place[];
  readonly samples: readonly { readonly seen: number; readonly sample: unknown }[];
}

/** One request, and what came of it at the origins. */
export interface Sent {
  readonly traceId: string;
  readonly answer: RouterAnswer;
  /** Requests that s1 got: the original, and perhaps a second asking. */
  live(): readonly Seen[];
  /** Copies that s3 has got so far. */
  dark(): readonly Seen[];
  /** The first copy, whole; rejects if none comes within two seconds. */
  copy(): Promise<Seen>;
}

export interface MirrorWorld extends World {
  /** To a group's host; `path` is `/x` if left out. */
  send(group: string, request?: RouterRequest & { readonly path?: string }): Promise<Sent>;
  copies(group: string): Promise<Copies>;
  differences(group: string): Promise<readonly Endpoint[]>;
  /** Resolves once the group's figures satisfy `holds`, or after nine seconds: then with what they are. */
  counted(group: string, holds: (copies: Copies) => boolean): Promise<Copies>;
  admin(path: string, method?: string): Promise<{ readonly status: number; readonly text: string }>;
}

const sum = (reasons: Readonly<Record<string, number>>) => Object.values(reasons).reduce((total, count) => total + count, 0);
/** How many copies were sent or dropped so far. */
export const decided = ({ sent, dropped }: Copies): number => sent + sum(dropped);

type Row = { readonly copies: Copies };

function together(rows: readonly Row[]): Copies {
  const add = (pick: (copies: Copies) => number) => rows.reduce((total, { copies }) => total + pick(copies), 0);
  const reasons = (pick: (copies: Copies) => Readonly<Record<string, number>>) => {
    const all: Record<string, number> = {};
    for (const { copies } of rows) for (const [name, count] of Object.entries(pick(copies))) all[name] = (all[name] ?? 0) + count;
    return all;
  };
  return {
    received: add((copies) => copies.received),
    sent: add((copies) => copies.sent),
    dropped: reasons((copies) => copies.dropped),
    compared: add((copies) => copies.compared),
    different: add((copies) => copies.different),
    uncompared: reasons((copies) => copies.uncompared),
  };
}

export async function startMirrors(
  files: (origins: Pick<World, OriginName>) => readonly { readonly name: string }[],
  { bindings, ...options }: Omit<RouterOptions, "groups"> = {},
): Promise<MirrorWorld> {
  const world = await startWorld(
    (origins) => {
      const groups = [
        ...files(origins),
        { ...mirrored("tick", origins, null), lanes: { s1: { weight: 1, origins: { web: { binding: "TICK" } } } } },
      ];
      return Object.fromEntries(groups.map((group) => [group.name, group]));
    },
    {
      ...options,
      bindings: { LANEWAY_ADMIN_TOKEN: TOKEN, ...bindings },
      workers: { ...options.workers, TICK: `export default { fetch: () => new Response("tick") }` },
    },
  );
  const admin = async (path: string, method = "GET") => {
    const { status, text } = await world.router.fetch(`/__lanes/api/${path}`, { method, headers: { authorization: `Bearer ${TOKEN}` } });
    return { status, text };
  };
  const copies = async (group: string): Promise<Copies> => {
    const { status, text } = await admin(`groups/${group}/stats`);
    return together(status === 200 ? (JSON.parse(text).rows as Row[]) : []);
  };
  const send: MirrorWorld["send"] = async (name, { path = "/x", host = `${name}.example`, headers = {}, ...request } = {}) => {
    const traceId = newTraceId();
    const answer = await world.router.fetch(path, { ...request, host, headers: { traceparent: traceparent(traceId), ...headers } });
    const at = (origin: string) => world.seenOf(traceId).flatMap((one) => (one.origin === origin ? one.seen : []));
    const dark = () => at("s3");
    const copy = async () => {
      if (!(await until(() => dark().length > 0)))
        throw new Error(`no copy of ${name}${path}: ${world.router.output().slice(-3).join("\n")}`);
      await dark()[0]!.received;
      return dark()[0]!;
    };
    return { traceId, answer, live: () => at("s1"), dark, copy };
  };
  return {
    ...world,
    send,
    admin,
    copies,
    async differences(group) {
      return JSON.parse((await admin(`groups/${group}/differences`)).text).endpoints;
    },
    async counted(group, holds) {
      let now = await copies(group);
      for (const end = performance.now() + FLUSH_MS; !holds(now) && performance.now() < end; ) {
        await world.router.fetch("/", { host: "tick.example" });
        await new Promise((done) => setTimeout(done, 200));
        now = await copies(group);
      }
      return now;
    },
  };
}
