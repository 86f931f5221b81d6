/** Which group a host belongs to, and which service of it a host and path mean (contract section 2). Look-ups, not searches. */
import type { LaneGroup, Service, ServiceIndex } from "./lane-group.ts";

type Claim = Pick<LaneGroup, "name" | "hosts">;

export interface GroupIndex<G extends Claim = LaneGroup> {
  readonly exact: ReadonlyMap<string, G>;
  /** Keyed by what follows the `*`: `.example.com`. */
  readonly suffix: ReadonlyMap<string, G>;
  readonly any: G | null;
}

/** Where two groups claim one host equally, the first name in code-unit order wins. */
export function indexGroups<G extends Claim>(groups: readonly G[]): GroupIndex<G> {
  const exact = new Map<string, G>();
  const suffix = new Map<string, G>();
  let any: G | null = null;
  for (const group of [...groups].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    for (const host of group.hosts) {
      if (host === "*") any ??= group;
      else if (host.startsWith("*.")) suffix.has(host.slice(1)) || suffix.set(host.slice(1), group);
      else exact.has(host) || exact.set(host, group);
    }
  }
  return { exact, suffix, any };
}

/** The exact entry, else the one under the longest suffix (one or more labels stand for the `*`). */
function byHost<T>(exact: ReadonlyMap<string, T>, suffix: ReadonlyMap<string, T>, host: string): T | undefined {
  const found = exact.get(host);
  if (found !== undefined || suffix.size === 0) return found;
  for (let dot = host.indexOf("."); dot > 0; dot = host.indexOf(".", dot + 1)) {
    const under = suffix.get(host.slice(dot));
    if (under !== undefined) return under;
  }
  return undefined;
}

/** A request without a host is nobody's, not even that of `*`. */
export function findGroup<G extends Claim>(index: GroupIndex<G>, host: string): G | null {
  if (host === "") return null;
  return byHost(index.exact, index.suffix, host) ?? index.any;
}

type Paths = ReadonlyMap<string, Service>;

export function indexServices(services: Iterable<Service>): ServiceIndex {
  const exact = new Map<string, Map<string, Service>>();
  const suffix = new Map<string, Map<string, Service>>();
  const any = new Map<string, Service>();
  let longestPath = 0;
  const under = (map: Map<string, Map<string, Service>>, host: string) => {
    const paths = map.get(host) ?? new Map<string, Service>();
    map.set(host, paths);
    return paths;
  };
  for (const service of services) {
    longestPath = Math.max(longestPath, service.path.length);
    if (service.hosts.length === 0) any.set(service.path, service);
    for (const host of service.hosts) {
      const paths = host === "*" ? any : host.startsWith("*.") ? under(suffix, host.slice(1)) : under(exact, host);
      paths.set(service.path, service);
    }
  }
  return { exact, suffix, any, longestPath };
}

/** The longest path prefix in whole segments. */
function byPath(paths: Paths, path: string, longest: number): Service | null {
  if (paths.size === 1 && paths.has("")) return paths.get("")!;
  let end = path.length <= longest ? path.length : path.lastIndexOf("/", longest);
  while (end > 0) {
    const found = paths.get(path.slice(0, end));
    if (found) return found;
    end = path.lastIndexOf("/", end - 1);
  }
  return paths.get("") ?? null;
}

/** Most exact host first, then the longest path prefix (`path` as `normalPath` writes it); a host whose paths do not fit leaves the request to the less exact. */
export function findService(index: ServiceIndex, host: string, path: string): Service | null {
  const exact = index.exact.get(host);
  const hit = exact && byPath(exact, path, index.longestPath);
  if (hit) return hit;
  for (let dot = host.indexOf("."); dot > 0 && index.suffix.size > 0; dot = host.indexOf(".", dot + 1)) {
    const paths = index.suffix.get(host.slice(dot));
    const under = paths && byPath(paths, path, index.longestPath);
    if (under) return under;
  }
  return byPath(index.any, path, index.longestPath);
}

/**
 * Hosts, as the group's file writes them, where visitors may get a lane: an entry service answers there, and nothing more exact takes the
 * whole host from it. `*.shop.example` stands for the hosts under it that are not named.
 */
export function entryHosts({ hosts, services, serviceIndex: { exact, suffix, any } }: LaneGroup): string[] {
  const named = new Set([...hosts, ...[...services.values()].flatMap((service) => service.hosts)]);
  return [...named].filter((host) => {
    const claims: Paths[] = [];
    if (exact.has(host)) claims.push(exact.get(host)!);
    for (let dot = host.indexOf("."); dot > 0; dot = host.indexOf(".", dot + 1)) {
      const under = suffix.get(host.slice(dot));
      if (under !== undefined) claims.push(under);
    }
    claims.push(any);
    const whole = claims.findIndex((paths) => paths.has(""));
    return claims.slice(0, whole + 1 || claims.length).some((paths) => [...paths.values()].some(({ entry }) => entry));
  });
}
