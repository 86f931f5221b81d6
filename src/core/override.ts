/** Methods in disguise: origins take a request for another one than it is where a header or a parameter says so. */
import { type Facts, headerFact } from "./facts.ts";
import { overridesMethod } from "./header-names.ts";
import { percentDecode } from "./percent.ts";

/** RFC 9110, section 9.2.1, less TRACE, which reaches no Worker. */
export const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** Is it to be taken for a request of another method than its own, by a header or by the query? Almost no request has such a name. */
export function isOverridden(facts: Facts): boolean {
  for (const name of facts.headerNames) {
    if (overridesMethod(name) && !SAFE.has(headerFact(facts, name)?.toUpperCase() ?? "GET")) return true;
  }
  if (!/method|verb|%/i.test(facts.search)) return false;
  return facts.search
    .slice(1)
    .split(/[&;]/)
    .some((pair) => {
      const [key = "", value = ""] = pair.split("=", 2).map(percentDecode);
      return overridesMethod(key) && !SAFE.has(value.toUpperCase());
    });
}
