/** The way to a group's Durable Object, which a plain router does not have. */
import type { Env } from "../edge/env.ts";
import type { Snapshot } from "../edge/groups-kv.ts";
import { type Group, REGISTRY } from "../group/group.ts";
import { refuse } from "./refuse.ts";

export type GroupDoor = Pick<
  Group,
  | "read"
  | "revision"
  | "revisionBefore"
  | "history"
  | "publish"
  | "refused"
  | "stats"
  | "lately"
  | "totals"
  | "differences"
  | "forgetDifferences"
>;
export type RegistryDoor = Pick<Group, "names" | "knows" | "turn" | "switches">;

const door = <T>(env: Env, name: string) => (env.GROUP === undefined ? null : (env.GROUP.getByName(name) as unknown as Promised<T>));

/** Over the way, everything takes its time. */
type Promised<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};

export const groupDoor = (env: Env, name: string): Promised<GroupDoor> | null => door<GroupDoor>(env, name);

export const registryDoor = (env: Env): Promised<RegistryDoor> | null => door<RegistryDoor>(env, REGISTRY);

/**
 * Is there such a group, or was there ever? Asked before a call goes to its object, which the call would make. A group in force is known;
 * of others the registry knows. Without a registry there are no objects either.
 */
export async function isKnown(env: Env, { groups }: Snapshot, name: string): Promise<boolean> {
  return groups.has(name) || ((await registryDoor(env)?.knows(name)) ?? false);
}

export const noGroup = (): Response => refuse("no-group", "There is no such group.");

export const noPublisher = (): Response =>
  refuse("no-publisher", "This router has no Durable Object bound as GROUP: it reads KV and serves, but publishes and counts nothing.");
