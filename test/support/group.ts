import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Env } from "../../src/edge/env.ts";
import type { Group } from "../../src/group/group.ts";
import type { Write } from "../../src/group/write.ts";

export const workerEnv = env as unknown as Required<Env>;

export type GroupStub = DurableObjectStub & Pick<Group, Exclude<keyof Group, keyof DurableObject>>;

/** Also keeps Vitest from asking the stub whether it is a promise. */
export const groupNamed = (name: string): GroupStub => workerEnv.GROUP.getByName(name) as unknown as GroupStub;

/** Runs inside the object, with what it has in memory. */
export const insideGroup = <T>(name: string, run: (group: Group, state: DurableObjectState) => T | Promise<T>): Promise<T> =>
  runInDurableObject(groupNamed(name) as unknown as DurableObjectStub<Group>, run);

/** A lane file with three lanes, s1 the baseline. */
export const laneFile = (name: string, weights: readonly [s1: number, s2: number, s3: number] = [60, 20, 20]) => ({
  schema: 1,
  name,
  hosts: [`${name}.example.com`],
  baseline: "s1",
  services: { web: {} },
  lanes: {
    s1: { weight: weights[0], origins: { web: "https://one.example" } },
    s2: { weight: weights[1], origins: { web: "https://two.example" } },
    s3: { weight: weights[2], origins: { web: "https://three.example" } },
  },
});

export const write = (name: string, expected: Write["expected"], changes: Partial<Omit<Write, "name" | "expected">> = {}): Write => ({
  name,
  file: JSON.stringify(laneFile(name)),
  expected,
  by: "ann",
  reason: "a test",
  action: "publish",
  slots: null,
  ...changes,
});

export interface PublishedFile {
  readonly lanes: Readonly<Record<string, { readonly weight: number }>>;
  readonly published: {
    readonly revision: number;
    readonly at: string;
    readonly by: string;
    readonly reason: string;
    readonly slots: [string, number][];
  };
}

/** What KV holds for a group; null: nothing. */
export const inKv = (name: string): Promise<PublishedFile | null> => workerEnv.LANES.get(`group:${name}`, "json");
