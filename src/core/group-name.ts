/** A group's name is a file's name, a KV key, a metric's label, and the name of a Durable Object, so it has one grammar. */
export const GROUP_NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;

export const isGroupName = (name: unknown): name is string => typeof name === "string" && GROUP_NAME.test(name);
