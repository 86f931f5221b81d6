/** The way to a group's Durable Object, which a plain router does not have. */
import type { Env } from "../edge/env.ts";
import { type Group, REGISTRY } from "../group/group.ts";
import { refuse } from "./refuse.ts";

export type GroupDoor = Pick<
  Group,
  "read" | "revision" | "history" | "publish" | "refused" | "stats" | "totals" | "differences" | "forgetDifferences"
>;
export type RegistryDoor = Pick<Group, "names" | "turn" | "switches">;

const door = <T>(env: Env, name: string) => (env.GROUP === undefined ? null : (env.GROUP.getByName(name) as unknown as Promised<T>));

/** Over the way, everything takes its time. */
type Promised<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};

export const groupDoor = (env: Env, name: string): Promised<GroupDoor> | null => door<GroupDoor>(env, name);

export const registryDoor = (env: Env): Promised<RegistryDoor> | null => door<RegistryDoor>(env, REGISTRY);

export const noPublisher = (): Response =>
  refuse("no-publisher", "This router has no Durable Object bound as GROUP: it reads KV and serves, but publishes and counts nothing.");

/** As the lane file has it; anything else names no object, so that no call makes one. */
export const isGroupName = (name: string): boolean => /^[a-z0-9][a-z0-9-]{0,39}$/.test(name);
