/** The one place where the benchmark calls the core. */
import { decide } from "../../src/core/decide.ts";
import { type Facts, readFacts } from "../../src/core/facts.ts";
import { findGroup, indexGroups } from "../../src/core/locate.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";
import { signerOf } from "../../src/edge/sign.ts";

export interface Visit {
  readonly url: string;
  readonly headers: ReadonlyMap<string, string>;
}

export interface Decider {
  read(visit: Visit): Facts;
  /** Throws where no lane is decided: a benchmark of refusals would be worth nothing. */
  readAndDecide(visit: Visit): string;
}

/** Throws with the problems where a lane file is invalid. */
const signer = await signerOf({ LANEWAY_SECRET: "benchmark-secret-benchmark-secret-0" } as Parameters<typeof signerOf>[0]);

export function decider(laneFiles: readonly object[]): Decider {
  const groups = laneFiles.map((file) => {
    const parsed = parseLaneGroup(file, { insecureOrigins: false });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    return parsed.value.group;
  });
  const index = indexGroups(groups);
  const read = ({ url, headers }: Visit) =>
    readFacts({ method: "GET", url, headers, ip: null, now: 1_790_000_000, requestId: "0123456789abcdef0123456789abcdef", slot: null });
  return {
    read,
    readAndDecide(visit) {
      const facts = read(visit);
      const group = findGroup(index, facts.host);
      const decision = group && decide(group, facts, { override: null, signer });
      if (decision?.reason !== "sticky") throw new Error(`expected reason "sticky", got "${decision?.reason}"`);
      return decision.lane;
    },
  };
}
