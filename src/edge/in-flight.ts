/** What copies hold of this isolate, all requests together, so that they never crowd out the originals (contract section 7). */
import type { Drop } from "../core/mirror.ts";
import { declaredLength, type Upload } from "./body.ts";
import { readUpTo } from "./read-up-to.ts";

const MAX_COPIES = 32;
const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** Whatever holds a place is over before: an upload is waited for, then the copy is sent. */
const MAX_HELD_MS = 60_000;

/** One copy, or the body that one request's copies share. */
export interface Hold {
  readonly copies: number;
  bytes: number;
  readonly since: number;
}

const holds = new Set<Hold>();
let copies = 0;
let bytes = 0;

const isFull = (moreCopies: number, moreBytes: number) => copies + moreCopies > MAX_COPIES || bytes + moreBytes > MAX_BODY_BYTES;

/** A request that the platform has ended gives nothing back: its promises never settle. */
function forgetOld(now: number): void {
  for (const held of holds) if (now - held.since > MAX_HELD_MS) release(held);
}

/** null: there is no room. `now` in milliseconds. */
export function hold(moreCopies: number, moreBytes: number, now: number): Hold | null {
  if (isFull(moreCopies, moreBytes)) forgetOld(now);
  if (isFull(moreCopies, moreBytes)) return null;
  const held = { copies: moreCopies, bytes: moreBytes, since: now };
  holds.add(held);
  copies += moreCopies;
  bytes += moreBytes;
  return held;
}

/** It turned out to be smaller. */
export function shrink(held: Hold, toBytes: number): void {
  if (!holds.has(held)) return;
  bytes += toBytes - held.bytes;
  held.bytes = toBytes;
}

/** Once or more often. */
export function release(held: Hold): void {
  if (!holds.delete(held)) return;
  copies -= held.copies;
  bytes -= held.bytes;
}

/** A request's body, kept while the primary reads it. */
export interface Kept {
  readonly held: Hold | null;
  /** Why it is not kept, if that is known beforehand. */
  readonly drop: Drop | null;
  /** The body, or why it is not whole; null: there is none. Never rejects. */
  readonly content: Promise<Uint8Array<ArrayBuffer> | Drop | null>;
}

export const nothingKept = (drop: Drop | null): Kept => ({ held: null, drop, content: Promise.resolve(drop) });

/**
 * The body in two: for the primary, and for its copies. Both are read as the client sends, ours into memory, no further than `cap` and for at
 * most `ms`: neither waits for the other.
 */
export function keep(upload: Upload, cap: number, ms: number): { upload: Upload; kept: Kept } {
  const { body, headers } = upload;
  const declared = declaredLength(headers);
  if (body === null || declared === 0) return { upload, kept: nothingKept(null) };
  const length = declared ?? cap;
  const held = length > cap ? null : hold(0, length, Date.now());
  if (held === null) return { upload, kept: nothingKept(length > cap ? "body-too-large" : "busy") };
  const [forPrimary, forCopies] = body.tee();
  const content = readUpTo(forCopies, cap, ms).then(({ bytes, end }) => {
    if (end === "whole") shrink(held, bytes.byteLength);
    else release(held);
    return end === "whole" ? bytes : end === "cut" ? "body-too-large" : "stream";
  });
  return { upload: { body: forPrimary, headers }, kept: { held, drop: null, content } };
}
