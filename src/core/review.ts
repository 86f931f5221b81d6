/**
 * What somebody should know before a group is published (contract section 9, check): warnings about what works, but hardly as it was meant;
 * which visitors move; which services fall back. One text for command line, API and page.
 */
import { isExpired } from "./assign.ts";
import { isForwarding, isOwnHeader } from "./header-names.ts";
import type { Condition, LaneGroup, Service, SlotTable, When } from "./lane-group.ts";
import { entryHosts } from "./locate.ts";
import { isPathPrefix } from "./match.ts";
import { at, enumerate, type Problem, quote } from "./problem.ts";
import { movedSlots, SLOTS } from "./slots.ts";
import { slotsByLane } from "./weights.ts";

export interface Moved {
  readonly from: string;
  readonly to: string;
  /** Of all visitors. */
  readonly percent: number;
}

export interface Review {
  readonly warnings: readonly Problem[];
  readonly moved: readonly Moved[];
  /** Services that a lane lacks, and the lane that answers for it. */
  readonly fallsBack: readonly { readonly lane: string; readonly service: string; readonly to: string }[];
}

/** @param previous what is published now; null: nothing. @param now whole seconds since 1970 */
export function review(group: LaneGroup, previous: LaneGroup | null, now: number): Review {
  return {
    warnings: [
      ...ruleWarnings(group, now),
      ...laneWarnings(group, now),
      ...signedWarnings(group),
      ...spellingWarnings(group),
      ...stickyWarnings(group),
      ...mirrorWarnings(group),
      ...fallbackWarnings(group),
    ],
    moved: previous === null ? [] : movedVisitors(previous, group, now),
    fallsBack: [...group.lanes.values()].flatMap((lane) =>
      [...group.services.values()]
        .filter(({ name }) => !lane.origins.has(name))
        .map(({ name, fallback }) => ({ lane: lane.name, service: name, to: fallback ?? group.baseline })),
    ),
  };
}

/** The same slot is the same visitor only while name, epoch and key of the draw stay; else everybody is drawn anew. */
function movedVisitors(previous: LaneGroup, group: LaneGroup, now: number): Moved[] {
  const [from, to] = [tableInForce(previous, now), tableInForce(group, now)];
  const key = ({ name, sticky: { epoch, by } }: LaneGroup) => JSON.stringify([name, epoch, by]);
  if (key(previous) === key(group)) return movedSlots(from, to);
  const [before, after] = [slotsByLane(from), slotsByLane(to)];
  return [...before].flatMap(([lane, count]) =>
    [...after]
      .filter(([next]) => next !== lane)
      .map(([next, part]) => ({ from: lane, to: next, percent: Math.round(((count * part) / SLOTS ** 2) * 10_000) / 100 })),
  );
}

/** An expired lane's slots are the baseline's (contract section 2, `expiresAt`). */
function tableInForce({ slots, lanes, baseline }: LaneGroup, now: number): SlotTable {
  return { ends: slots.ends, lanes: slots.lanes.map((name) => (isExpired(lanes.get(name)!, now) ? baseline : name)) };
}

/** The parts of a `when` as texts; of two rules, the one with more of the same parts matches less. */
const partsOf = (when: When): ReadonlySet<string> => new Set(when.map(partOf));

function partOf(condition: Condition): string {
  if (condition.on === "any") return JSON.stringify(["any", condition.of.map((when) => [...partsOf(when)].sort())]);
  if (condition.on === "not") return JSON.stringify(["not", [...partsOf(condition.of)].sort()]);
  const matcher = condition.matcher.kind === "in" ? { kind: "in", values: [...condition.matcher.values].sort() } : condition.matcher;
  return JSON.stringify(condition, (key, value) => (key === "matcher" ? matcher : typeof value === "function" ? undefined : value));
}

const isWithin = (few: ReadonlySet<string>, many: ReadonlySet<string>) => few.size <= many.size && [...few].every((part) => many.has(part));

/** From outside nobody is believed in these (contract section 4). */
const isNeverSeen = (header: string) => isOwnHeader(header) || isForwarding(header);

function ruleWarnings({ rules, lanes, baseline }: LaneGroup, now: number): Problem[] {
  const warnings: Problem[] = [];
  const parts = rules.map(({ when }) => partsOf(when));
  rules.forEach((rule, i) => {
    const path = at("rules", i);
    const before = parts.findIndex((each, j) => j < i && isWithin(each, parts[i]!));
    if (before >= 0) {
      warnings.push({ path, message: `never decides: ${at("rules", before)} (${quote(rules[before]!.name)}) matches whenever it would` });
    }
    const contradiction = rule.when.some((condition) => condition.on === "not" && isWithin(partsOf(condition.of), parts[i]!));
    if (contradiction) warnings.push({ path: at(path, "when"), message: `can never match: "not" excludes what the rest asks for` });
    for (const condition of rule.when) {
      const message = condition.on === "header" ? headerWarning(condition.key) : null;
      if (condition.on === "header" && message !== null)
        warnings.push({ path: at(at(at(path, "when"), "header"), condition.key), message });
    }
    const lane = rule.lane === null ? undefined : lanes.get(rule.lane);
    if (lane && isExpired(lane, now))
      warnings.push({ path: at(path, "lane"), message: `${quote(lane.name)} has expired: the rule gives the baseline ${quote(baseline)}` });
  });
  return warnings;
}

function headerWarning(name: string): string | null {
  if (name === "host") return 'is compared as the client wrote it, with port and capitals; "host" beside "header" knows neither';
  return isNeverSeen(name) ? "rules never see this header: it is removed first" : null;
}

function stickyWarnings(group: LaneGroup): Problem[] {
  const { by, domain, sameSite } = group.sticky;
  if (by !== "cookie") {
    const keys = [...(domain === null ? [] : ["domain"]), ...(sameSite === "lax" ? [] : ["sameSite"])];
    const needless = keys.map((key) => ({ path: at("sticky", key), message: 'says nothing: no cookie is set where "by" is not "cookie"' }));
    if (typeof by !== "object" || by.on !== "header" || !isNeverSeen(by.key)) return needless;
    return [
      ...needless,
      { path: "sticky.by.header", message: `${quote(by.key)} is removed first, so that every visitor has the baseline` },
    ];
  }
  const hosts = entryHosts(group);
  const several = hosts.length > 1 || hosts.some((host) => host.startsWith("*"));
  const drawn = group.slots.lanes.length > 1 || group.rules.some(({ slots }) => slots !== null);
  if (domain !== null || !several || !drawn) return [];
  const message =
    `is missing: a cookie stays on its host, so each of the entry hosts (${enumerate(hosts, "and")}) draws visitors anew, and a page that uses two ` +
    'mixes lanes; name a domain above them, or make all but one "entry": false';
  return [{ path: "sticky.domain", message }];
}

function laneWarnings(group: LaneGroup, now: number): Problem[] {
  const { lanes, rules, mirrors, services, baseline, context } = group;
  const warnings: Problem[] = [];
  const named = [
    baseline,
    ...rules.flatMap(({ lane, slots }) => [...(lane === null ? [] : [lane]), ...(slots?.lanes ?? [])]),
    ...mirrors.map(({ lane }) => lane),
    ...[...services.values()].flatMap(({ fallback }) => fallback ?? []),
  ];
  const reached = new Set([...named, ...group.slots.lanes]);
  for (const lane of lanes.values()) {
    const path = at("lanes", lane.name);
    if (context === "signed" && !reached.has(lane.name)) {
      warnings.push({ path, message: "nobody can reach this lane: it has no weight, and no rule, mirror or fallback names it" });
    }
    if (isExpired(lane, now)) warnings.push({ path: at(path, "expiresAt"), message: "has passed: the lane's visitors have the baseline" });
  }
  const alone = [...services.keys()].filter(
    (service) => ![...lanes.values()].some((lane) => lane.name !== baseline && lane.origins.has(service)),
  );
  if (lanes.size > 1)
    for (const service of alone)
      warnings.push({ path: at("services", service), message: `only the baseline ${quote(baseline)} has an origin for it` });
  return warnings;
}

/** May a request for one host go to either? Without hosts, or with `*`, a service has all. */
function shareHost({ hosts: some }: Service, { hosts: others }: Service): boolean {
  const isAny = (hosts: readonly string[]) => hosts.length === 0 || hosts.includes("*");
  const isUnder = (host: string, above: string) => host === above || (above.startsWith("*.") && host.endsWith(above.slice(1)));
  if (isAny(some) || isAny(others)) return true;
  return some.some((one) => others.some((other) => isUnder(one, other) || isUnder(other, one)));
}

/** Paths are compared as they were sent, but for their escapes; what an origin takes for the same path may be none of the service's here. */
function spellingWarnings({ services }: LaneGroup): Problem[] {
  return [...services.values()].flatMap((service) => {
    if (!service.signed || service.path === "") return [];
    const above = [...services.values()].find(
      (other) => !other.signed && other.path !== service.path && isPathPrefix(other.path, service.path) && shareHost(service, other),
    );
    if (above === undefined) return [];
    const message =
      `other spellings of it, such as ${quote(`${service.path};x`)}, go to ${quote(above.name)} without a context, and its origin may read them ` +
      "alike: give the signed service a host of its own";
    return [{ path: at(at("services", service.name), "path"), message }];
  });
}

/** Who calls whom is not in the file, so every other service is a caller. */
function signedWarnings({ services, lanes }: LaneGroup): Problem[] {
  const signed = [...services.values()].flatMap(({ name, signed }) => (signed ? name : []));
  if (signed.length === 0) return [];
  const warnings: Problem[] = [];
  if (signed.length === services.size) {
    const message = `no service is left where a request can enter: ${enumerate(signed, "and")} ${signed.length > 1 ? "admit" : "admits"} only requests of ours`;
    warnings.push({ path: "services", message });
  }
  for (const lane of lanes.values())
    for (const [service, { baggage }] of lane.origins) {
      const called = signed.filter((name) => name !== service);
      if (baggage !== "none" || called.length === 0) continue;
      const message = `"none" gives it no context, so what it asks of ${enumerate(called, "and")} is refused`;
      warnings.push({ path: at(at(at(at("lanes", lane.name), "origins"), service), "baggage"), message });
    }
  return warnings;
}

/** Does this condition leave requests out by more than their method? */
function narrows(condition: Condition): boolean {
  if (condition.on === "method") return false;
  if (condition.on === "any") return condition.of.every((when) => when.some(narrows));
  if (condition.on === "not") return condition.of.every(narrows);
  const { matcher } = condition;
  return (
    !(condition.on === "path" && matcher.kind === "prefix" && matcher.value === "/") &&
    !(matcher.kind === "regex" && matcher.source === ".*")
  );
}

function mirrorWarnings({ mirrors, lanes }: LaneGroup): Problem[] {
  return mirrors.flatMap(({ lane, expiresAt, reads, secrets, credentials }, i) => {
    const path = at("mirrors", i);
    const warnings: Problem[] = [];
    if (reads !== null && !reads.some(narrows))
      warnings.push({
        path: at(path, "reads"),
        message: "names no path, host, header or the like: every write that is no GraphQL is copied as a read",
      });
    if (secrets !== null && (secrets.size === 0 || credentials === "forward")) {
      const message = `${credentials === "forward" ? `"credentials": "forward"` : "[]"} lets one-time secrets of a query go to ${quote(lane)}`;
      warnings.push({ path: at(path, "secrets"), message });
    }
    if (expiresAt === null) warnings.push({ path, message: `has no "expiresAt": it copies traffic until somebody remembers it` });
    if ((lanes.get(lane)?.owner ?? null) === null)
      warnings.push({ path: at(path, "lane"), message: `${quote(lane)} has no "owner" to ask about the copies` });
    return warnings;
  });
}

/** RFC 9110, section 9.2.2. */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

function fallbackWarnings({ fallback, mode }: LaneGroup): Problem[] {
  const risky = [...fallback.methods].filter((method) => !IDEMPOTENT.has(method));
  if (risky.length === 0 || mode === "strict") return [];
  const message = `${enumerate(risky, "and")} may be done twice: a lane that failed may have done its work before`;
  return [{ path: "fallback.methods", message }];
}
