/** Recorded requests, decided again: what a group would do with each of them (contract section 1: a decision can be replayed). */
import { createHash } from "node:crypto";
import * as v from "valibot";
import type { Signer } from "../core/context.ts";
import { decide } from "../core/decide.ts";
import { type HeaderLookup, readFacts } from "../core/facts.ts";
import { firstCandidate } from "../core/fallback.ts";
import type { LaneGroup } from "../core/lane-group.ts";
import { findGroup, indexGroups } from "../core/locate.ts";
import type { Problem } from "../core/problem.ts";
import { err, ok, type Result } from "../core/result.ts";
import { originUrl } from "../core/target.ts";

/** As `explain` describes a request (contract section 9); what else a recorder writes is left alone. */
const Recorded = v.object({
  method: v.optional(v.string(), "GET"),
  url: v.pipe(v.string(), v.url("expected an absolute URL, such as https://shop.example/cart")),
  headers: v.optional(v.record(v.string(), v.union([v.string(), v.array(v.string())])), {}),
  now: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  slot: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9_999))),
  requestId: v.optional(v.string()),
  ip: v.optional(v.string()),
});

export interface Recorded extends v.InferOutput<typeof Recorded> {
  /** From 1 on. */
  readonly line: number;
  readonly lookup: HeaderLookup;
  readonly requestId: string;
}

/** One JSON object a line; all that is wrong at once, by line. */
export function readRecorded(text: string): Result<Recorded[], Problem[]> {
  const problems: Problem[] = [];
  const recorded: Recorded[] = [];
  for (const [at, each] of text.split("\n").entries()) {
    if (each.trim() === "") continue;
    const read = readLine(each, at + 1);
    if (read.ok) recorded.push(read.value);
    else
      problems.push(
        ...read.error.map(({ path, message }) => ({ path: path === "" ? `line ${at + 1}` : `line ${at + 1}, ${path}`, message })),
      );
  }
  return problems.length > 0 ? err(problems) : ok(recorded);
}

function objectIn(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** `…` stands where a secret was cut out (`explain`), and is no character of a header. */
const textOf = (value: string | readonly string[]): string => [value].flat().join(", ").replaceAll("…", "");

function readLine(text: string, line: number): Result<Recorded, Problem[]> {
  const value = objectIn(text);
  if (value === null) return err([{ path: "", message: "expected a JSON object on one line" }]);
  const parsed = v.safeParse(Recorded, value);
  if (!parsed.success) return err(parsed.issues.map((issue) => ({ path: v.getDotPath(issue) ?? "", message: issue.message })));
  const lookup = new Map(Object.entries(parsed.output.headers).map(([name, value]) => [name.toLowerCase(), textOf(value)]));
  // A visitor whose slot was not recorded draws the same one from this in both groups.
  const drawn = createHash("sha256").update(`${line}\n${text}`).digest("hex").slice(0, 32);
  return ok({ ...parsed.output, line, lookup, requestId: parsed.output.requestId ?? drawn });
}

/** Contexts in a recording were judged when it was made, and may have lost their signatures since. */
const BELIEVING: Signer = { sign: () => "", verify: () => true };

export interface Outcome {
  /** null: the group's hosts, or its services, do not include the request's. */
  readonly service: string | null;
  readonly lane: string | null;
  readonly reason: string;
  /** A URL, or a binding's name. */
  readonly origin: string | null;
  /** The lane whose origin that is. */
  readonly servedBy: string | null;
}

const nobody = (reason: string): Outcome => ({ service: null, lane: null, reason, origin: null, servedBy: null });

/** @param now for requests that do not say when they were */
export function outcomeOf(group: LaneGroup, { method, url, lookup, now: then, slot, requestId, ip }: Recorded, now: number): Outcome {
  const facts = readFacts({ method, url, headers: lookup, ip: ip ?? null, now: then ?? now, requestId, slot: slot ?? null });
  if (findGroup(indexGroups([group]), facts.host) === null) return nobody("no-group");
  const decision = decide(group, facts, { override: null, signer: BELIEVING });
  if (decision === null) return nobody("no-service");
  if (decision.refused !== null) return { ...nobody(decision.refused), service: decision.service.name };
  const { candidate } = firstCandidate(decision, facts, () => false);
  return {
    service: decision.service.name,
    lane: decision.lane,
    reason: decision.reason,
    origin: candidate === null ? null : (candidate.origin.binding ?? originUrl(candidate.origin, facts)),
    servedBy: candidate?.lane ?? null,
  };
}

export const DIFFERING = ["service", "lane", "origin"] as const;

/** What a request notices; the reason alone is none of it. */
export function differing(before: Outcome, after: Outcome): (typeof DIFFERING)[number][] {
  return DIFFERING.filter((key) => before[key] !== after[key]);
}
