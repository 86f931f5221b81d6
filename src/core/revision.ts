/** How a published value is numbered, and how one is called that has no number (contract section 8). One limit for everybody who reads a revision. */
import { murmur3 } from "./murmur3.ts";

/** Twelve nines: exact in a double, and still a valid `If-Match` and file when it is written out. */
export const MAX_REVISION = 999_999_999_999;

export const isRevision = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_REVISION;

/** `41` → 41; null: no revision, or larger than any. */
export const readRevision = (text: string): number | null => (/^[1-9]\d{0,11}$/.test(text) ? Number(text) : null);

/** The name of a value in KV that has no number. */
export const hashLabel = (text: string): string => `~${murmur3(text).toString(16).padStart(8, "0")}`;
