/** Keys that this version knows but does not act on are refused, never ignored in silence. */
import { at, type Report } from "./problem.ts";

/** `patterns` as in `NOT_SUPPORTED`: `services.*.mirrored`; `*` stands for any key or index. */
export function refuseUnsupported(input: unknown, patterns: readonly string[], report: Report): void {
  for (const pattern of patterns) refuse(input, pattern.split("."), "", report);
}

function refuse(value: unknown, [step, ...rest]: readonly string[], path: string, report: Report): void {
  if (step === undefined) report.add(path, "not supported yet");
  else if (Array.isArray(value) && step === "*") for (const [i, item] of value.entries()) refuse(item, rest, at(path, i), report);
  else if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const keys = step === "*" ? Object.keys(value) : Object.hasOwn(value, step) ? [step] : [];
    for (const key of keys) refuse((value as Readonly<Record<string, unknown>>)[key], rest, at(path, key), report);
  }
}
