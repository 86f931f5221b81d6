/** What runs, where it came from, and what is wrong (contract section 9). */
import { type Env, MIN_SECRET_LENGTH } from "../edge/env.ts";
import { REFRESH_MS, type Snapshot, STALE_MS } from "../edge/groups-kv.ts";
import { KV_CACHE_SECONDS, namesOrAll } from "../edge/kv-values.ts";

/** Seconds that KV says a write takes to be seen at other locations; "or more". */
const KV_PROPAGATION_SECONDS = 60;

function missingSecrets(snapshot: Snapshot, env: Env): string[] {
  const groups = [...snapshot.groups.values()].map(({ group }) => group);
  const needed = groups.some(({ context, services }) => context === "signed" || [...services.values()].some(({ signed }) => signed));
  return needed && (env.LANEWAY_SECRET?.length ?? 0) < MIN_SECRET_LENGTH ? ["LANEWAY_SECRET"] : [];
}

export function status(snapshot: Snapshot, env: Env): "ok" | "degraded" {
  const healthy = snapshot.problems.length === 0 && snapshot.groups.size > 0 && missingSecrets(snapshot, env).length === 0;
  return healthy ? "ok" : "degraded";
}

export function health(snapshot: Snapshot, env: Env, now: number) {
  const variable = namesOrAll(env.LANEWAY_OFF);
  return {
    status: status(snapshot, env),
    groups: [...snapshot.groups.values()].map(({ group, revision, source, warnings }) => ({
      name: group.name,
      revision,
      source,
      hosts: group.hosts,
      baseline: group.baseline,
      warnings,
    })),
    off: snapshot.off === "*" ? "*" : [...snapshot.off],
    /** What the variable `LANEWAY_OFF` keeps off, whatever is switched. */
    offByVariable: variable === "*" ? "*" : [...(variable.names ?? [])],
    staleness: {
      ageSeconds: snapshot.readAt === 0 ? null : Math.max(0, Math.round((now - snapshot.readAt) / 1000)),
      busySeconds: KV_PROPAGATION_SECONDS + KV_CACHE_SECONDS + REFRESH_MS / 1000,
      idleSeconds: KV_PROPAGATION_SECONDS + KV_CACHE_SECONDS + STALE_MS / 1000,
    },
    problems: snapshot.problems,
    missingSecrets: missingSecrets(snapshot, env),
  };
}
