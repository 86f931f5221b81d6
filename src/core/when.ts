/** A `when` of the lane file, made ready to match (contract section 2, matchers). */

import type { MatcherFile, MatcherObject, WhenFile } from "./lane-file-when.ts";
import type { Condition, Matcher, When } from "./lane-group.ts";
import { normalPath } from "./normal-path.ts";
import { at, quote, type Report } from "./problem.ts";
import { compileRegex } from "./regex.ts";

/** Compiles the pattern found at a path; one that is refused is reported, and matches nothing. */
export type PatternCompiler = (source: string, path: string) => (value: string) => boolean;

/** Instructions of all patterns of one file together: a few milliseconds for an ordinary file, about a second at the worst. */
const MAX_INSTRUCTIONS = 100_000;

const never = () => false;

/** Each pattern is compiled once per file, however many rules have it. */
export function patternCompiler(report: Report): PatternCompiler {
  const known = new Map<string, (value: string) => boolean>();
  let left = MAX_INSTRUCTIONS;
  return (source, path) => {
    const compiled = known.get(source);
    if (compiled) return compiled;
    if (left <= 0) {
      report.add(path, `expected patterns of at most ${MAX_INSTRUCTIONS} instructions in all, got more; use "exact", "prefix" or "in"`);
      return never;
    }
    const regex = compileRegex(source);
    left -= regex.ok ? regex.value.size : regex.error.size;
    if (regex.ok) known.set(source, regex.value.matches);
    else report.add(path, `expected an RE2 pattern, got ${quote(source)}: ${regex.error.reason}`);
    return regex.ok ? regex.value.matches : never;
  };
}

export interface Reading {
  readonly compile: PatternCompiler;
  /** Does this header or member name the lane? It is removed before rules run (contract section 4). */
  readonly isHidden: (on: "baggage" | "header", key: string, path: string) => boolean;
}

/** Keys that no request has: every `x-lane*` is removed, and a baggage key is never empty. */
const NOBODYS = { header: "x-lane", baggage: "" };

/** Conditions in the order of the schema. */
export function resolveWhen(when: WhenFile, path: string, reading: Reading): When {
  const conditions: Condition[] = [];
  for (const on of Object.keys(when) as (keyof WhenFile)[]) {
    const here = at(path, on);
    switch (on) {
      case "path":
        conditions.push({ on, matcher: resolveMatcher(mapTexts(when[on]!, normalPath, normalPath), here, reading.compile) });
        break;
      case "method":
        conditions.push({ on, matcher: resolveMatcher(when[on]!, here, reading.compile) });
        break;
      case "host":
        conditions.push({ on, matcher: resolveMatcher(mapTexts(when[on]!, lowerHost, lowerCase), here, reading.compile) });
        break;
      case "any":
        conditions.push({ on, of: when[on]!.map((each, i) => resolveWhen(each, at(here, i), reading)) });
        break;
      case "not":
        conditions.push({ on, of: resolveWhen(when[on]!, here, reading) });
        break;
      default:
        for (const [name, matcher] of Object.entries(when[on]!)) {
          const plain = on === "header" ? name.toLowerCase() : name;
          const hidden = (on === "header" || on === "baggage") && reading.isHidden(on, plain, at(here, name));
          const key = hidden ? NOBODYS[on] : plain;
          conditions.push({ on, key, matcher: resolveMatcher(matcher, at(here, name), reading.compile) });
        }
    }
  }
  return conditions;
}

const lowerCase = (text: string): string => text.toLowerCase();

/** Hosts are compared in lower case and without the trailing dot. */
const lowerHost = (host: string): string => lowerCase(host).replace(/\.$/, "");

/** `ofBeginning`: for a text whose end is no end. A regex is the writer's own. */
function mapTexts(matcher: MatcherFile, of: (text: string) => string, ofBeginning: (text: string) => string): MatcherFile {
  if (typeof matcher === "string") return of(matcher);
  const { exact, prefix, suffix, in: texts } = matcher;
  return {
    ...matcher,
    ...(exact !== undefined && { exact: of(exact) }),
    ...(prefix !== undefined && { prefix: ofBeginning(prefix) }),
    ...(suffix !== undefined && { suffix: of(suffix) }),
    ...(texts !== undefined && { in: texts.map(of) }),
  };
}

function resolveMatcher(matcher: MatcherFile, path: string, compile: PatternCompiler): Matcher {
  if (typeof matcher === "string") return { kind: "exact", value: matcher };
  // Of a broken matcher there may be none or several; the file is refused anyway.
  const kind = (Object.keys(matcher) as (keyof MatcherObject)[])[0] ?? "exists";
  switch (kind) {
    case "in":
      return { kind, values: new Set(matcher.in) };
    case "exists":
      return { kind, value: matcher.exists ?? true };
    case "regex":
      return { kind, source: matcher.regex!, matches: compile(matcher.regex!, at(path, kind)) };
    default:
      return { kind, value: matcher[kind]! };
  }
}
