/** Values of admin requests, looked at before they are used: what is none is a problem with its path, never a default. */
import { type Problem, show } from "../core/problem.ts";
import { err, ok, type Result } from "../core/result.ts";
import { oneLine, words } from "./actor.ts";

/** A whole number in the query, from 1 on; more than `most` counts as that. */
export function countIn(request: Request, name: string, otherwise: number, most: number): Result<number, Problem> {
  const value = new URL(request.url).searchParams.get(name);
  if (value === null) return ok(otherwise);
  if (/^0*[1-9]\d*$/.test(value)) return ok(Math.min(most, Number(value)));
  return err({ path: name, message: `expected a whole number from 1 to ${most}, got ${show(value)}` });
}

/** Why somebody writes: `reason` of the body, else the header. */
export function reasonIn(request: Request, { reason = "" }: Readonly<Record<string, unknown>>): Result<string, Problem> {
  if (typeof reason !== "string") return err({ path: "reason", message: `expected a text, got ${show(reason)}` });
  return ok(oneLine(reason) || words(request, "x-reason"));
}
