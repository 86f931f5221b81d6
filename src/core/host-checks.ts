/** Who claims which host, and whether an origin would bring a request back to the router (contract section 2). */
import type { LaneGroup, When } from "./lane-group.ts";
import { entryHosts } from "./locate.ts";
import { hostOf, normalHost, type OriginOptions } from "./origin.ts";
import { isSameOrigin } from "./origin-places.ts";
import { at, enumerate, type Problem, quote, Report } from "./problem.ts";

/** The hosts of one group. */
export function checkHosts(group: LaneGroup, { adminHost }: OriginOptions, report: Report): void {
  checkServiceHosts(group, report);
  checkClaims(group, report);
  checkLoops(group, "", routedHosts([group]), report);
  if (adminHost) checkAdminHost(group, normalHost(adminHost), report);
  checkMirrorOrigins(group, report);
  checkCookieDomain(group, report);
  checkWantedHosts(group, report);
}

/** Groups that have no problems by themselves, against each other. Paths begin with a group's name: `mock.hosts`. */
export function checkGroups(groups: readonly LaneGroup[]): {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
} {
  const report = new Report();
  const names = new Set<string>();
  const owners = new Map<string, string>();
  for (const group of groups) {
    if (names.has(group.name)) report.add(at(group.name, "name"), `expected a name of its own, got ${quote(group.name)} for two groups`);
    names.add(group.name);
    for (const host of group.hosts) {
      const owner = owners.get(host);
      if (owner === undefined) owners.set(host, group.name);
      else report.add(at(group.name, "hosts"), `expected hosts that no other group claims, got ${quote(host)}, which ${quote(owner)} has`);
    }
  }
  const routed = routedHosts(groups);
  for (const group of groups) checkLoops(group, group.name, routed, report);
  return { problems: report.list(), warnings: report.warnings };
}

/** A host as written in the file, by the hosts of its group or of a service, → the groups it belongs to. */
type RoutedHosts = ReadonlyMap<string, ReadonlySet<string>>;

function routedHosts(groups: readonly LaneGroup[]): RoutedHosts {
  const routed = new Map<string, Set<string>>();
  for (const group of groups) {
    for (const host of [...group.hosts, ...[...group.services.values()].flatMap(({ hosts }) => hosts)]) {
      const owners = routed.get(host);
      if (owners) owners.add(group.name);
      else routed.set(host, new Set([group.name]));
    }
  }
  return routed;
}

/** `*.a.example` for `x.a.example` and `x.y.a.example`: every wildcard that a host falls under, but `*`, which is no hint of a loop. */
function wildcards(host: string): string[] {
  const found: string[] = [];
  for (let dot = host.indexOf(".", 1); dot > 0; dot = host.indexOf(".", dot + 1)) found.push(`*${host.slice(dot)}`);
  return found;
}

/** `prefix` empty: the group's own hosts are looked for; else those of all the others. */
function checkLoops(group: LaneGroup, prefix: string, routed: RoutedHosts, report: Report): void {
  const owner = (host: string) => [...(routed.get(host) ?? [])].find((name) => prefix === "" || name !== group.name);
  const whose = (name: string) => (prefix === "" ? "this group" : `the group ${quote(name)}`);
  for (const lane of group.lanes.values()) {
    for (const [service, { base }] of lane.origins) {
      if (base === null) continue;
      const path = at(at(at(at(prefix, "lanes"), lane.name), "origins"), service);
      const host = hostOf(base);
      const exact = owner(host);
      if (exact !== undefined) {
        report.add(
          path,
          `expected an origin outside Laneway, got ${quote(host)}, a host of ${whose(exact)}: requests would come back here`,
        );
        continue;
      }
      const wildcard = wildcards(host).find((each) => owner(each) !== undefined);
      if (wildcard === undefined) continue;
      const back = `unless it is routed elsewhere, requests come back here`;
      report.warn(path, `${quote(host)} falls under ${quote(wildcard)} of ${whose(owner(wildcard)!)}: ${back}`);
    }
  }
}

/** The Worker itself is there, behind the admin's tokens; nothing is proxied. A wildcard may cover it: the admin's host is looked at first. */
function checkAdminHost({ hosts, services, lanes }: LaneGroup, adminHost: string, report: Report): void {
  const claims = [...services.values()].map((service) => ({ path: at(at("services", service.name), "hosts"), hosts: service.hosts }));
  for (const claim of [{ path: "hosts", hosts }, ...claims]) {
    if (claim.hosts.includes(adminHost))
      report.add(claim.path, `expected other hosts than ADMIN_HOST, which proxies nothing, got ${quote(adminHost)}`);
  }
  for (const lane of lanes.values()) {
    for (const [service, { base }] of lane.origins) {
      if (base === null || hostOf(base) !== adminHost) continue;
      const path = at(at(at("lanes", lane.name), "origins"), service);
      report.add(path, `expected an origin outside Laneway, got ${quote(adminHost)}, which is ADMIN_HOST: requests would come back here`);
    }
  }
}

/** Is it a host that the group does not have? An empty host stands for one that was refused. */
function foreignTo(hosts: readonly string[], report: Report): (host: string) => boolean {
  const claimed = new Set(hosts);
  const anything = claimed.has("*") || claimed.has("") || report.isBroken("hosts");
  return (host) => !anything && host !== "" && !claimed.has(host) && !wildcards(host).some((each) => claimed.has(each));
}

/** A rule, mirror or stub for a host that no request of the group has. */
function checkWantedHosts({ hosts, rules, mirrors, stubs }: LaneGroup, report: Report): void {
  const isForeign = foreignTo(hosts, report);
  const check = (when: When, path: string): void => {
    for (const condition of when) {
      if (condition.on === "any") for (const [i, each] of condition.of.entries()) check(each, at(at(path, "any"), i));
      if (condition.on !== "host") continue;
      const { matcher } = condition;
      const wanted = matcher.kind === "exact" ? [matcher.value] : matcher.kind === "in" ? [...matcher.values] : [];
      for (const host of wanted.filter(isForeign))
        report.warn(at(path, "host"), `${quote(host)} is no host of the group: no request has it`);
    }
  };
  for (const [list, all] of Object.entries({ rules, mirrors, stubs })) {
    for (const [i, { when }] of all.entries()) if (when !== null) check(when, at(at(list, i), "when"));
  }
}

function checkServiceHosts({ hosts, services }: LaneGroup, report: Report): void {
  const isForeign = foreignTo(hosts, report);
  for (const service of services.values()) {
    for (const host of service.hosts.filter(isForeign)) {
      report.add(
        at(at("services", service.name), "hosts"),
        `expected hosts within the group's (${enumerate(hosts, "and")}), got ${quote(host)}`,
      );
    }
  }
}

/** Two services with the same host and path: nothing could say which of them is meant. */
function checkClaims({ services }: LaneGroup, report: Report): void {
  const claims = new Map<string, string>();
  for (const service of services.values()) {
    for (const host of service.hosts.length === 0 ? ["*"] : service.hosts) {
      const key = `${host}${service.path}/`;
      const other = claims.get(key);
      if (other === undefined) claims.set(key, service.name);
      else {
        const got = `${host === "*" ? "any host" : quote(host)} with ${quote(service.path || "/")}, which ${quote(other)} has`;
        report.add(at("services", service.name), `expected a host and path of its own ("hosts", "path"), got ${got}`);
      }
    }
  }
}

function checkMirrorOrigins({ lanes, mirrors, services: all }: LaneGroup, report: Report): void {
  mirrors.forEach(({ lane, from, services, writes }, i) => {
    for (const [service, copied] of lanes.get(lane)?.origins ?? []) {
      const { path = "", mirrored = "block" } = all.get(service) ?? {};
      const isCopied = services === null || services.has(service);
      const twin = [...lanes.values()].find(
        ({ name, origins }) =>
          isCopied && name !== lane && (from === null || from.has(name)) && isSameOrigin(origins.get(service), copied, path),
      );
      if (!twin && copied.sharedWith !== null && writes !== "block") {
        const later = `"services.${service}.mirrored" (${quote(mirrored)}), not "writes", says what a copy from another service may write there`;
        const here = isCopied ? `; a request that is copied at ${quote(service)} writes there` : "";
        report.warn(
          at(at("mirrors", i), "writes"),
          `the origin of ${quote(service)} in ${quote(lane)} is also one of ${quote(copied.sharedWith)}: ${later}${here}`,
        );
      }
      if (!twin) continue;
      const reason = `whose origin is also that of ${quote(twin.name)}: the copy would go where the request went`;
      report.add(
        at(at("mirrors", i), "lane"),
        `expected a lane with an origin of its own for ${quote(service)}, got ${quote(lane)}, ${reason}`,
      );
    }
  });
}

/** Browsers refuse a cookie for a domain that the page's host does not lie in (RFC 6265, section 5.3). */
function checkCookieDomain(group: LaneGroup, report: Report): void {
  const { by, domain } = group.sticky;
  if (domain === null || domain === "" || by !== "cookie") return;
  const outside = entryHosts(group).filter((host) => host !== domain && !host.endsWith(`.${domain}`));
  if (outside.length > 0)
    report.warn("sticky.domain", `visitors of ${enumerate(outside, "and")} get no cookie, since ${quote(domain)} is not above it`);
}
