/**
 * The groups in force, from KV (contract section 8): resolved once, kept per isolate as plain data, refreshed behind the
 * request. What cannot be read, is invalid or of a newer schema never replaces the last good group, and is reported.
 */
import type { LaneGroup } from "../core/lane-group.ts";
import { type GroupIndex, indexGroups } from "../core/locate.ts";
import type { Problem } from "../core/problem.ts";
import { hashLabel } from "../core/revision.ts";
import { BUNDLED } from "./bundled.ts";
import { bindingOf, type Env, originOptions } from "./env.ts";
import { claimedHosts, names, namesOrAll, readKv, type Values } from "./kv-values.ts";
import { loadParser, parser } from "./parser.ts";

/** A copy older than this is refreshed behind the request that notices. */
export const REFRESH_MS = 5_000;
/** A copy older than this is refreshed in front of the request, for at most `FRONT_MS`. */
export const STALE_MS = 120_000;
const FRONT_MS = 250;
/** A cold isolate waits so long for KV before the bundled files answer: the first answer must stay under 100 ms. */
const COLD_MS = 85;
/** A cold isolate that has no bundled group for the host has nothing better to do than to wait for KV. */
const NOTHING_MS = 3_000;
/** Characters; no valid lane file is longer. */
const MAX_KEPT = 1024 * 1024;

export interface GroupInForce {
  readonly group: LaneGroup;
  /** `published.revision`, or `~` and a hash of the value where it has none. */
  readonly revision: string;
  /** `kv`, `bundled` (KV names no groups), or `fallback`: bundled because KV gave nothing usable, everything on the baseline. */
  readonly source: "kv" | "bundled" | "fallback";
  readonly warnings: readonly Problem[];
  /** Milliseconds; when this isolate had it first. */
  readonly since: number;
}

export interface Snapshot {
  readonly groups: ReadonlyMap<string, GroupInForce>;
  readonly index: GroupIndex;
  readonly off: ReadonlySet<string> | "*";
  /** Milliseconds; when KV last answered, 0: never. */
  readonly readAt: number;
  /** Groups that should be here and are not, by the hosts that their values claim. */
  readonly missing: GroupIndex<Missing>;
  /** A group that should be here is not, and nobody knows its hosts: any host may be one of them. */
  readonly blind: boolean;
  /** What KV holds and we do not serve, by key, with the reason. */
  readonly problems: readonly { readonly key: string; readonly problems: readonly Problem[] }[];
}

export interface Missing {
  readonly name: string;
  readonly hosts: readonly string[];
}

interface Known {
  readonly text: string;
  readonly inForce: GroupInForce | null;
  readonly problems: readonly Problem[];
  /** The highest revision that has been in force here; a value without one does not lower it. */
  readonly highest: number;
  /** Of a value that is refused: what it claims; null: that cannot be read. */
  readonly hosts: readonly string[] | null;
}

let snapshot: Snapshot | null = null;
let refreshing = 0;
/** Per group: the last text that was judged, so that an unchanged value is not parsed again. */
const judged = new Map<string, Known>();

export function forgetGroups(): void {
  snapshot = null;
  refreshing = 0;
  judged.clear();
  bundledGroups.clear();
}

/** An origin whose binding is missing is as if the lane lacked the service; for the baseline the group is invalid. */
function withBindings(group: LaneGroup, env: Env): { group: LaneGroup | null; problems: Problem[] } {
  const problems: Problem[] = [];
  const lanes = new Map(group.lanes);
  for (const lane of group.lanes.values()) {
    const missing = [...lane.origins].filter(([, { binding }]) => binding !== null && bindingOf(env, binding) === null);
    for (const [service, { binding }] of missing) {
      problems.push({ path: `lanes.${lane.name}.origins.${service}.binding`, message: `the Worker has no service binding "${binding}"` });
    }
    const gone = new Set(missing.map(([service]) => service));
    if (gone.size > 0) lanes.set(lane.name, { ...lane, origins: new Map([...lane.origins].filter(([service]) => !gone.has(service))) });
  }
  const usable = problems.every(({ path }) => !path.startsWith(`lanes.${group.baseline}.`));
  return { group: usable ? { ...group, lanes } : null, problems };
}

function judge(name: string, input: unknown, source: GroupInForce["source"], env: Env): Known {
  const options = originOptions(env);
  // A value too long to be read is judged again each time rather than kept for comparison.
  const text = typeof input === "string" && input.length <= MAX_KEPT ? input : "";
  const parsed = typeof input === "string" ? parser().parseLaneGroupText(input, options) : parser().parseLaneGroup(input, options);
  const refused = (problems: readonly Problem[]): Known => ({ text, inForce: null, problems, highest: 0, hosts: claimedHosts(text) });
  if (!parsed.ok) return refused(parsed.error);
  if (parsed.value.group.name !== name) {
    return refused([{ path: "name", message: `expected "${name}", as the key says, got "${parsed.value.group.name}"` }]);
  }
  const { group, problems } = withBindings(parsed.value.group, env);
  if (group === null) return refused(problems);
  const highest = group.published?.revision ?? 0;
  const revision = group.published !== null ? String(highest) : source === "kv" ? hashLabel(text) : "bundled";
  return { text, inForce: { group, revision, source, warnings: parsed.value.warnings, since: Date.now() }, problems, highest, hosts: null };
}

/** The newer of what KV gives and what is in force; an isolate never goes back to a lower revision. */
function fromKv(name: string, text: string, env: Env): Known {
  const known = judged.get(name);
  if (known?.text === text) return known;
  const fresh = judge(name, text, "kv", env);
  const [was, is] = [known?.highest ?? 0, fresh.highest];
  const highest = Math.max(was, is);
  if (fresh.inForce === null) return { ...fresh, inForce: known?.inForce ?? null, highest };
  if (fresh.inForce.group.published === null || is >= was) return { ...fresh, highest };
  const problem = { path: "published.revision", message: `expected at least ${was}, which has been in force, got ${is}` };
  return { ...fresh, inForce: known!.inForce, problems: [problem], highest };
}

const bundledGroups = new Map<string, GroupInForce | null>();

function bundled(name: string, source: "bundled" | "fallback", env: Env): GroupInForce | null {
  const key = `${source}/${name}`;
  const known = bundledGroups.get(key);
  if (known !== undefined) return known;
  const entry = BUNDLED.has(name) ? judge(name, BUNDLED.get(name), source, env).inForce : null;
  // A last resort copies nothing, either.
  const used = entry !== null && source === "fallback" ? { ...entry, group: { ...entry.group, mirrors: [] } } : entry;
  bundledGroups.set(key, used);
  return used;
}

function inForce(name: string, text: string | null, listed: boolean, env: Env): Pick<Known, "inForce" | "problems" | "hosts"> {
  if (text !== null) {
    const known = fromKv(name, text, env);
    judged.set(name, known);
    return known.inForce === null ? { ...known, inForce: bundled(name, "fallback", env) } : known;
  }
  if (!listed) return { inForce: bundled(name, "bundled", env), problems: [], hosts: null };
  const lastGood = judged.get(name)?.inForce ?? bundled(name, "fallback", env);
  return { inForce: lastGood, problems: [{ path: "", message: `"groups" names it, but KV has no value` }], hosts: null };
}

function offSwitch(env: Env, value: string | null | undefined, problems: { key: string; problems: readonly Problem[] }[]): Snapshot["off"] {
  const [kv, variable] = [namesOrAll(value), namesOrAll(env.LANEWAY_OFF)];
  if (kv === "*" || variable === "*") return "*";
  if (kv.problem) problems.push({ key: "off", problems: [kv.problem] });
  if (variable.problem) problems.push({ key: "LANEWAY_OFF", problems: [variable.problem] });
  const fromKvOrBefore = kv.problem ? (snapshot?.off ?? null) : kv.names;
  if (fromKvOrBefore === "*") return "*";
  return new Set([...(fromKvOrBefore ?? []), ...(variable.names ?? [])]);
}

function resolve(env: Env, values: Values, now: number): Snapshot {
  const problems: { key: string; problems: readonly Problem[] }[] = [];
  const listed = names(values.get("groups"));
  if (listed.problem) problems.push({ key: "groups", problems: [listed.problem] });
  const kept = listed.problem ? [...(snapshot?.groups.keys() ?? BUNDLED.keys())] : [...BUNDLED.keys()];
  const wanted = listed.names === null ? kept : [...listed.names];
  const groups = new Map<string, GroupInForce>();
  const missing: Missing[] = [];
  for (const name of wanted) {
    const known = inForce(name, values.get(`group:${name}`) ?? null, listed.names !== null || listed.problem !== null, env);
    if (known.inForce) groups.set(name, known.inForce);
    else missing.push({ name, hosts: known.hosts ?? [] });
    if (known.problems.length > 0) problems.push({ key: `group:${name}`, problems: known.problems });
  }
  return {
    groups,
    index: indexGroups([...groups.values()].map(({ group }) => group)),
    off: offSwitch(env, values.get("off"), problems),
    readAt: now,
    missing: indexGroups(missing),
    blind: missing.some(({ hosts }) => hosts.length === 0) || (listed.problem !== null && (snapshot?.blind ?? true)),
    problems,
  };
}

/** What serves while KV has not answered yet, or does not: the bundled files, everything on their baselines. */
function withoutKv(env: Env): Snapshot {
  const groups = new Map<string, GroupInForce>();
  for (const name of BUNDLED.keys()) {
    const entry = bundled(name, "fallback", env);
    if (entry) groups.set(name, entry);
  }
  const index = indexGroups([...groups.values()].map(({ group }) => group));
  return {
    groups,
    index,
    off: offSwitch(env, null, []),
    readAt: 0,
    missing: indexGroups<Missing>([]),
    blind: true,
    problems: [{ key: "LANES", problems: [{ path: "", message: "KV has not answered yet" }] }],
  };
}

async function refresh(env: Env): Promise<void> {
  const reading = readKv(env, new Set([...BUNDLED.keys(), ...(snapshot?.groups.keys() ?? [])]));
  // Looked at below; until then it must not count as unhandled.
  reading.catch(() => {});
  await loadParser();
  try {
    const values = await reading;
    snapshot = resolve(env, values, Date.now());
  } catch (error) {
    const failure = {
      key: "LANES",
      problems: [{ path: "", message: `KV could not be read: ${error instanceof Error ? error.message : String(error)}` }],
    };
    const others = snapshot?.problems.filter(({ key }) => key !== "LANES") ?? [];
    snapshot = { ...(snapshot ?? withoutKv(env)), problems: [...others, failure] };
  }
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The snapshot that serves this request, from start to end. Never rejects, never waits longer than a cold start may. */
export async function currentGroups(env: Env, ctx: ExecutionContext, now: number): Promise<Snapshot> {
  // A clock that was set back must not keep us from reading.
  const age = snapshot === null ? Number.POSITIVE_INFINITY : Math.abs(now - snapshot.readAt);
  if (age < REFRESH_MS) return snapshot!;
  if (snapshot !== null && Math.abs(now - refreshing) < REFRESH_MS) return snapshot;
  refreshing = now;
  const loading = refresh(env);
  ctx.waitUntil(loading);
  if (age >= STALE_MS) await Promise.race([loading, after(snapshot === null || snapshot.readAt === 0 ? COLD_MS : FRONT_MS)]);
  if (snapshot === null) await loadParser();
  snapshot ??= withoutKv(env);
  return snapshot;
}

/** For a host that no group in sight serves: what KV says, if it has not answered in this isolate yet. */
export async function firstGroups(env: Env, snapshot: Snapshot): Promise<Snapshot> {
  if (snapshot.readAt !== 0) return snapshot;
  await Promise.race([refresh(env), after(NOTHING_MS)]);
  return latest() ?? snapshot;
}

const latest = (): Snapshot | null => snapshot;

/** What this isolate serves for a group now; null: nothing. */
export const inForceHere = (group: string): GroupInForce | null => snapshot?.groups.get(group) ?? null;
