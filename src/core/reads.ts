/**
 * Does a request only read? One rule for all who ask: may it be copied, may a copy reach a collaborator, may a lane be asked twice (contract
 * section 7, writes).
 */
import type { Facts } from "./facts.ts";
import { isUpgrade } from "./fallback.ts";
import { examine } from "./graphql-content.ts";
import type { When } from "./lane-group.ts";
import { matches } from "./match.ts";
import { isOverridden, SAFE } from "./override.ts";

/** `content`: as far as is known before its content is read, it does. */
export type Effect = "read" | "write" | "content";

/**
 * Any method but the safe ones writes (RFC 9110, section 9.2.1), and any request that asks to be taken for one that does; what `reads` matches
 * reads, unless its content is a GraphQL mutation, or may be one.
 */
export function effectOf(facts: Facts, reads: When | null): Effect {
  // What goes through a WebSocket is nobody's read.
  if (isOverridden(facts) || isUpgrade(facts)) return "write";
  if (reads !== null && matches(reads, facts)) return "content";
  return SAFE.has(facts.method) ? "read" : "write";
}

/** The same once the content is there. */
export interface Reading {
  readonly reads: boolean;
  /** Names of the GraphQL operations. */
  readonly operations: readonly string[];
}

/** @param content null: there is none; `unread`: nobody knows */
export function readingOf(facts: Facts, effect: Effect, content: Uint8Array | "unread" | null): Reading {
  if (effect !== "content") return { reads: effect === "read", operations: [] };
  const { does, names } = examine(facts, content);
  // A safe method says itself that it reads, unless the content says otherwise.
  return { reads: does !== "write" && (does !== "unsure" || SAFE.has(facts.method)), operations: names };
}
