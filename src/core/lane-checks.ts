/** What the keys of a lane file say about each other: names that are meant to exist, sums, doubles. Hosts are judged by `host-checks.ts`. */
import { mayPropagate, mayPropagatePrefix } from "./header-names.ts";
import type { LaneFile } from "./lane-file.ts";
import type { OriginFile } from "./lane-file-lanes.ts";
import { isPathPrefix } from "./match.ts";
import { normalHost, pathPrefix } from "./origin.ts";
import { at, enumerate, quote, type Report, show, unknownName } from "./problem.ts";
import { plainName } from "./secret-names.ts";
import { SLOTS } from "./slots.ts";

export function checkLaneFile(file: LaneFile, report: Report): void {
  checkBaseline(file, report);
  checkServices(file, report);
  checkLaneWeights(file, report);
  checkRules(file, report);
  checkMirrors(file, report);
  checkStubs(file, report);
  checkHeaders(file, report);
  checkFallback(file, report);
  checkPublished(file, report);
}

/** An empty name stands for one that was missing or broken, and has been reported. Without lanes, no name can be judged. */
function checkLane(name: string | undefined, path: string, { lanes }: LaneFile, report: Report): name is string {
  if (name === undefined || name === "" || report.isBroken("lanes")) return false;
  if (Object.hasOwn(lanes, name)) return true;
  report.add(path, () => unknownName("lane", name, Object.keys(lanes)));
  return false;
}

function checkService(name: string, path: string, { services }: LaneFile, report: Report): void {
  if (name === "" || report.isBroken("services") || Object.hasOwn(services, name)) return;
  report.add(path, () => unknownName("service", name, Object.keys(services)));
}

function checkBaseline(file: LaneFile, report: Report): void {
  if (!checkLane(file.baseline, "baseline", file, report)) return;
  const path = at("lanes", file.baseline);
  const { origins, expiresAt } = file.lanes[file.baseline]!;
  const missing = Object.keys(file.services).filter((service) => !Object.hasOwn(origins, service));
  if (missing.length > 0 && !report.isBroken(path) && !report.isBroken(at(path, "origins"))) {
    const needed = enumerate(missing, "and");
    report.add(
      at(path, "origins"),
      `expected an origin for every service, since this is the baseline; ${needed} ${missing.length > 1 ? "have" : "has"} none`,
    );
  }
  if (expiresAt !== undefined) report.add(at(path, "expiresAt"), `expected no expiry, since this is the baseline, got ${show(expiresAt)}`);
}

function checkServices(file: LaneFile, report: Report): void {
  for (const [lane, { origins }] of Object.entries(file.lanes)) {
    const path = at(at("lanes", lane), "origins");
    for (const [service, origin] of Object.entries(origins)) {
      checkService(service, at(path, service), file, report);
      if (typeof origin === "object") checkOrigin(origin, service, at(path, service), file, report);
    }
  }
  for (const [service, { fallback, hosts = [] }] of Object.entries(file.services)) {
    const path = at(at("services", service), "fallback");
    checkDoubles(hosts, at(at("services", service), "hosts"), report, normalHost);
    if (!checkLane(fallback, path, file, report) || Object.hasOwn(file.lanes[fallback]!.origins, service)) continue;
    report.add(path, `expected a lane with an origin for ${quote(service)}, got ${quote(fallback)}, which has none`);
  }
  checkDoubles(file.hosts, "hosts", report, normalHost);
}

function checkOrigin(
  { headers, answerHeaders, strip }: Exclude<OriginFile, string>,
  name: string,
  path: string,
  { services }: LaneFile,
  report: Report,
): void {
  checkDoubles(Object.keys(headers), at(path, "headers"), report, lowerCase);
  checkDoubles(Object.keys(answerHeaders), at(path, "answerHeaders"), report, lowerCase);
  const service = Object.hasOwn(services, name) ? services[name] : undefined;
  const prefix = pathPrefix(strip ?? "");
  if (service === undefined || isPathPrefix(prefix, pathPrefix(service.path))) return;
  const outside = `requests of ${quote(name)} outside of it (its path is ${quote(service.path)}) go to the origin with their whole path`;
  report.warn(at(path, "strip"), `${quote(prefix)} is taken off where a path begins so; ${outside}`);
}

function checkLaneWeights({ lanes }: LaneFile, report: Report): void {
  const weights = Object.entries(lanes).map(([lane, { weight }]) => ({ path: at(at("lanes", lane), "weight"), weight }));
  if (weights.length > 0) checkWeights(weights, "lanes", report);
}

/** All zero gives nobody a lane; a share below one slot could not be given (contract section 2, weights). */
function checkWeights(weights: readonly { readonly path: string; readonly weight: number }[], path: string, report: Report): void {
  if (weights.some((each) => report.isBroken(each.path))) return;
  const sum = weights.reduce((total, { weight }) => total + weight, 0);
  if (sum === 0) report.add(path, "expected at least one lane with a weight above 0, got none");
  for (const each of weights) {
    // 0.01 of 100 is 0.01 %, whatever the last bit of the sum says.
    if (each.weight === 0 || each.weight * SLOTS >= sum * (1 - 1e-9)) continue;
    const percent = Number(((each.weight / sum) * 100).toPrecision(2));
    report.add(each.path, `expected 0 or a share of at least 0.01 %, got ${each.weight} of ${sum} (${percent} %)`);
  }
}

function checkRules(file: LaneFile, report: Report): void {
  checkNames(file.rules, "rules", report);
  file.rules.forEach(({ lane, weights = {} }, i) => {
    const path = at("rules", i);
    checkLane(lane, at(path, "lane"), file, report);
    const list = Object.entries(weights).map(([name, weight]) => ({ name, path: at(at(path, "weights"), name), weight }));
    if (list.length > 0) checkWeights(list, at(path, "weights"), report);
    for (const each of list) checkLane(each.name, each.path, file, report);
  });
}

function checkMirrors(file: LaneFile, report: Report): void {
  checkNames(file.mirrors, "mirrors", report);
  file.mirrors.forEach(({ lane, from = [], services = [], secrets = [] }, i) => {
    const path = at("mirrors", i);
    checkLane(lane, at(path, "lane"), file, report);
    from.forEach((name, j) => {
      const here = at(at(path, "from"), j);
      if (checkLane(name, here, file, report) && name === lane)
        report.add(here, `expected another lane than ${quote(lane)}, which gets the copies`);
    });
    services.forEach((name, j) => {
      checkService(name, at(at(path, "services"), j), file, report);
    });
    checkDoubles(from, at(path, "from"), report);
    checkDoubles(services, at(path, "services"), report);
    checkDoubles(secrets, at(path, "secrets"), report, plainName);
  });
}

function checkStubs(file: LaneFile, report: Report): void {
  file.stubs.forEach(({ service, response }, i) => {
    checkService(service, at(at("stubs", i), "service"), file, report);
    checkDoubles(Object.keys(response.headers), at(at(at("stubs", i), "response"), "headers"), report, lowerCase);
  });
}

const REFUSED =
  "a header that baggage may set (not Host, Cookie, Authorization, X-Forwarded-*, CF-*, x-lane*, hop-by-hop, trace and baggage headers)";

function checkHeaders({ propagate: { header, headers } }: LaneFile, report: Report): void {
  const carrier = header.toLowerCase();
  if (carrier !== "x-lane" && !mayPropagate(header)) {
    report.add("propagate.header", () => `expected "x-lane" or ${REFUSED}, got ${quote(header)}`);
  }
  headers.forEach((each, i) => {
    const path = at("propagate.headers", i);
    const [name, allowed] = typeof each === "string" ? [each, mayPropagate(each)] : [each.prefix, mayPropagatePrefix(each.prefix)];
    if (name === "") return;
    if (!allowed) report.add(typeof each === "string" ? path : at(path, "prefix"), () => `expected ${REFUSED}, got ${quote(name)}`);
    else if (typeof each === "string" && name.toLowerCase() === carrier) {
      report.add(path, `expected another header than propagate.header, which carries the lane's name, got ${quote(name)}`);
    }
  });
  checkDoubles(
    headers.filter((each) => typeof each === "string"),
    "propagate.headers",
    report,
    lowerCase,
  );
}

function checkFallback({ fallback: { statuses, timeoutMs, deadlineMs } }: LaneFile, report: Report): void {
  statuses.forEach((status, i) => {
    const [first = 0, last = 0] = String(status).split("-").map(Number);
    if (typeof status === "string" && first > last)
      report.add(at("fallback.statuses", i), `expected a range from low to high, got ${quote(status)}`);
  });
  if (timeoutMs > deadlineMs && deadlineMs > 0) {
    report.warn(
      "fallback.timeoutMs",
      `${timeoutMs} is longer than fallback.deadlineMs (${deadlineMs}), so a slow lane is given up, but never replaced by the baseline`,
    );
  }
}

function checkPublished(file: LaneFile, report: Report): void {
  const slots = file.published?.slots ?? [];
  if (slots.some((_, i) => report.isBroken(at("published.slots", i))) || slots.length === 0) return;
  slots.forEach(([lane], i) => {
    checkLane(lane, at("published.slots", i), file, report);
  });
  const sum = slots.reduce((total, [, count]) => total + count, 0);
  if (sum !== SLOTS) report.add("published.slots", `expected ${SLOTS} slots in all, got ${sum}`);
}

/** Rules and mirrors are told apart by their names, in logs and in cuts. */
function checkNames(list: readonly { readonly name: string }[], path: string, report: Report): void {
  const seen = new Map<string, number>();
  list.forEach(({ name }, i) => {
    const before = seen.get(name);
    if (before === undefined) seen.set(name, i);
    else if (name !== "")
      report.add(at(at(path, i), "name"), `expected a name of its own, got ${quote(name)}, which ${at(path, before)} has`);
  });
}

const lowerCase = (value: string) => value.toLowerCase();

/** `spelling`: what two spellings of one value have in common. */
function checkDoubles(values: readonly string[], path: string, report: Report, spelling = (value: string) => value): void {
  const seen = new Set<string>();
  for (const value of values) {
    const key = spelling(value);
    if (value !== "" && seen.has(key)) report.add(path, `expected each only once, got ${quote(value)} twice`);
    seen.add(key);
  }
}
