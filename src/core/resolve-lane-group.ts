/** A lane file with its defaults → the resolved lane group. Patterns and URLs that are refused are reported on the way. */

import { contextKey } from "./context.ts";
import { folded, isOwnHeader } from "./header-names.ts";
import type { LaneFile } from "./lane-file.ts";
import { unixSeconds } from "./lane-file-values.ts";
import type {
  Compare,
  Fallback,
  Lane,
  LaneGroup,
  Mirror,
  Origin,
  Propagate,
  Rule,
  Service,
  SlotTable,
  Sticky,
  Stub,
} from "./lane-group.ts";
import { indexServices } from "./locate.ts";
import { normalHost, type OriginOptions, pathPrefix, resolveOrigin } from "./origin.ts";
import { sharedPlaces } from "./origin-places.ts";
import { at, type Report } from "./problem.ts";
import { indexRules } from "./rule-index.ts";
import { plainName } from "./secret-names.ts";
import { adjustTable, rangesTable } from "./slots.ts";
import { variesBy } from "./varies.ts";
import { patternCompiler, type Reading, resolveWhen } from "./when.ts";

/** The group is of use only if `report` has no problem in the end; it is made in any case, so that it can be checked. */
export function resolveLaneGroup(file: LaneFile, options: OriginOptions, report: Report): LaneGroup {
  const reading = { compile: patternCompiler(report), isHidden: hiding(file, report) };
  const rules = file.rules.map((rule, i) => resolveRule(rule, at("rules", i), reading));
  const lanes = resolveLanes(file, options, report);
  const slots = report.count === 0 ? resolveSlots(file) : NO_SLOTS;
  const varies = variesBy({ baseline: file.baseline, context: file.context, lanes, rules, slots });
  const services = new Map(Object.entries(file.services).map(([name, service]) => [name, resolveService(name, service, varies)]));
  return {
    name: file.name,
    note: file.note ?? null,
    hosts: file.hosts.map(normalHost),
    baseline: file.baseline,
    mode: file.mode,
    context: file.context,
    expose: file.expose,
    services,
    serviceIndex: indexServices(services.values()),
    lanes,
    rules,
    ruleIndex: indexRules(rules),
    sticky: resolveSticky(file.sticky),
    slots,
    propagate: resolvePropagate(file.propagate),
    fallback: resolveFallback(file.fallback),
    mirrors: file.mirrors.map((mirror, i) => resolveMirror(mirror, at("mirrors", i), reading)),
    stubs: file.stubs.map((stub, i) => resolveStub(stub, at("stubs", i), reading)),
    log: file.log,
    published: file.published ? { ...file.published, slots: file.published.slots ?? null } : null,
  };
}

const secondsOf = (time: string | undefined): number | null => (time === undefined ? null : unixSeconds(time));

const lower = (names: readonly string[]): string[] => names.map((name) => name.toLowerCase());

function resolveService(name: string, file: LaneFile["services"][string], varies: ReturnType<typeof variesBy>): Service {
  const service = {
    name,
    hosts: (file.hosts ?? []).map(normalHost),
    path: pathPrefix(file.path),
    entry: file.entry === true,
    signed: file.entry === "signed",
    mirrored: file.mirrored,
    timeoutMs: file.timeoutMs ?? null,
    fallback: file.fallback ?? null,
  };
  return { ...service, varies: varies(service) };
}

function resolveLanes({ lanes: files, services, propagate }: LaneFile, options: OriginOptions, report: Report): ReadonlyMap<string, Lane> {
  const origins = Object.entries(files).flatMap(([lane, file]) =>
    Object.entries(file.origins).map(([service, origin]) => {
      const path = at(at(at("lanes", lane), "origins"), service);
      return { lane, service, origin: resolveOrigin(origin, path, options, report) };
    }),
  );
  // A service that is not named has been reported.
  const shared = sharedPlaces(origins, (service) => pathPrefix(Object.hasOwn(services, service) ? services[service]!.path : ""));
  const lanes = new Map<string, Lane & { readonly origins: Map<string, Origin> }>();
  for (const [name, { weight, owner = null, note = null, expiresAt }] of Object.entries(files)) {
    lanes.set(name, { name, weight, owner, note, expiresAt: secondsOf(expiresAt), origins: new Map() });
  }
  for (const each of origins) {
    const { url, lane: sharedWith } = shared(each);
    const sets = new Set([propagate.header.toLowerCase(), ...each.origin.headers.map(({ name }) => name)].map(folded));
    lanes.get(each.lane)!.origins.set(each.service, { ...each.origin, noStore: url && each.origin.base !== null, sharedWith, sets });
  }
  return lanes;
}

/** Of weights that give nobody a slot, which is a problem and reported as one. */
const NO_SLOTS: SlotTable = { ends: [], lanes: [] };

function resolveSlots({ lanes, published }: LaneFile): SlotTable {
  const weights = Object.entries(lanes).map(([name, { weight }]) => [name, weight] as const);
  return published?.slots ? adjustTable(published.slots, weights) : rangesTable(weights);
}

function ruleSlots(weights: NonNullable<LaneFile["rules"][number]["weights"]>): SlotTable {
  return Object.values(weights).some((weight) => weight > 0) ? rangesTable(Object.entries(weights)) : NO_SLOTS;
}

/** The lane's header and members say which lane a request is in; from outside nobody believes them, a rule neither. */
function hiding({ name, propagate }: LaneFile, report: Report): Reading["isHidden"] {
  const own = { header: folded(propagate.header.toLowerCase()), baggage: propagate.baggage };
  return (on, key, path) => {
    // `x-lane*` is hidden where headers are read, and `review` warns of it.
    const hidden = on === "header" ? folded(key) === own.header && !isOwnHeader(key) : key === own.baggage || key === contextKey(name);
    if (hidden) report.warn(path, `rules never see this ${on === "header" ? on : "member"}: it names the lane, and is removed first`);
    return hidden;
  };
}

function resolveRule(file: LaneFile["rules"][number], path: string, reading: Reading): Rule {
  return {
    name: file.name,
    when: resolveWhen(file.when, at(path, "when"), reading),
    lane: file.lane ?? null,
    slots: file.weights ? ruleSlots(file.weights) : null,
  };
}

function resolveSticky({ by, maxAgeSeconds, epoch, domain, sameSite }: LaneFile["sticky"]): Sticky {
  const rest = { maxAgeSeconds, epoch, domain: domain?.toLowerCase() ?? null, sameSite };
  if (typeof by === "string") return { by, ...rest };
  const on = (["baggage", "header", "cookie", "query"] as const).find((kind) => by[kind] !== undefined) ?? "baggage";
  const key = by[on] ?? "";
  return { by: { on, key: on === "header" ? key.toLowerCase() : key }, ...rest };
}

function resolvePropagate({ header, baggage, headers }: LaneFile["propagate"]): Propagate {
  const names = lower(headers.filter((each) => typeof each === "string"));
  const prefixes = lower(headers.flatMap((each) => (typeof each === "string" ? [] : [each.prefix])));
  return {
    header: header.toLowerCase(),
    baggage: baggage ?? null,
    names: new Set(names),
    prefixes,
    folded: { names: new Set(names.map(folded)), prefixes: prefixes.map(folded) },
  };
}

function resolveFallback(file: LaneFile["fallback"]): Fallback {
  const statuses = file.statuses.flatMap((status) => {
    if (typeof status === "number") return [status];
    const [first = 0, last = 0] = status.split("-").map(Number);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
  });
  return { ...file, statuses: new Set(statuses), methods: new Set(file.methods) };
}

function resolveMirror(file: LaneFile["mirrors"][number], path: string, reading: Reading): Mirror {
  return {
    ...file,
    from: file.from ? new Set(file.from) : null,
    services: file.services ? new Set(file.services) : null,
    when: file.when ? resolveWhen(file.when, at(path, "when"), reading) : null,
    reads: file.reads ? resolveWhen(file.reads, at(path, "reads"), reading) : null,
    secrets: file.secrets ? new Set(file.secrets.map(plainName)) : null,
    scrub: { ...file.scrub, headers: lower(file.scrub.headers) },
    compare: file.compare ? resolveCompare(file.compare) : null,
    expiresAt: secondsOf(file.expiresAt),
  };
}

const resolveCompare = (file: NonNullable<LaneFile["mirrors"][number]["compare"]>): Compare => ({ ...file, headers: lower(file.headers) });

function resolveStub(file: LaneFile["stubs"][number], path: string, reading: Reading): Stub {
  const { status, headers, delayMs, json, body = "" } = file.response;
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const type = json === undefined || named.some(([name]) => name === "content-type") ? [] : [["content-type", "application/json"] as const];
  return {
    service: file.service,
    when: file.when ? resolveWhen(file.when, at(path, "when"), reading) : null,
    response: {
      status,
      headers: Object.fromEntries([...named, ...type]),
      body: json === undefined ? body : JSON.stringify(json),
      delayMs,
    },
  };
}
