/** The admin API (contract section 9): which call goes to which file, and what holds for all of them. Nothing here is CORS-readable. */
import type { Context } from "hono";
import { Hono } from "hono/tiny";
import type { Env } from "../edge/env.ts";
import { currentGroups, type Snapshot } from "../edge/groups-kv.ts";
import { problem } from "../edge/respond.ts";
import { signerOf } from "../edge/sign.ts";
import { Limiter } from "../group/limiter.ts";
import { accessIdentity } from "./access.ts";
import { readObject, readText } from "./body.ts";
import { type Caller, callerOf, isWrite } from "./caller.ts";
import { differences, forget } from "./differences.ts";
import { groupDoor, isGroupName } from "./door.ts";
import { explain, readDescribed } from "./explain.ts";
import * as groups from "./groups.ts";
import { health, status } from "./health.ts";
import { metrics } from "./metrics.ts";
import { turn } from "./off.ts";
import { type Asking, put, words } from "./publish.ts";
import { refuse } from "./refuse.ts";
import { rollback } from "./rollback.ts";
import { hasPages, isSameOrigin, login, loginBy, logout, sessionOf } from "./session.ts";
import { stats } from "./stats.ts";
import { weights } from "./weights.ts";
import { exists } from "./where.ts";

type AdminEnv = { Bindings: Env; Variables: { caller: Caller } };

export const admin = new Hono<AdminEnv>();

const snapshotOf = (c: Context<AdminEnv>): Promise<Snapshot> => currentGroups(c.env, c.executionCtx as ExecutionContext, Date.now());

admin.use("*", async (c, next) => {
  if (!exists(new URL(c.req.url), c.env)) return problem("not-found");
  await next();
  c.res.headers.set("cache-control", "no-store");
  c.res.headers.set("x-content-type-options", "nosniff");
  c.res.headers.set("referrer-policy", "no-referrer");
  return undefined;
});

/** Anybody can be refused as often as they like; the audit keeps a sample. */
const refusals = new Limiter();

/** A refused write is remembered with the group that it named, if there is one: no name from outside makes an object. */
async function remember(c: Context<AdminEnv>, refused: Response): Promise<void> {
  const name = /^\/__lanes\/api\/groups\/([a-z0-9-]+)/.exec(c.req.path)?.[1] ?? "";
  const door = (await snapshotOf(c)).groups.has(name) && refusals.take(Date.now()) ? groupDoor(c.env, name) : null;
  const claimed = words(c.req.raw, "x-actor");
  const by = `${claimed === "" ? "somebody" : `"${claimed}"`} at ${c.req.header("cf-connecting-ip") ?? "an unknown address"}`;
  const reason = `${c.req.method} ${c.req.path}: ${refused.status}`;
  await door?.refused(name, { at: new Date().toISOString(), by, action: "refused", from: null, to: null, reason });
}

async function admit(c: Context<AdminEnv>, next: () => Promise<void>): Promise<Response | undefined> {
  const caller = callerOf(c.req.raw, c.env, Date.now());
  if (caller instanceof Response) {
    if (isWrite(c.req.raw)) c.executionCtx.waitUntil(remember(c, caller).catch(() => {}));
    return caller;
  }
  c.set("caller", caller);
  await next();
  return undefined;
}

admin.use("/__lanes/api/*", admit);
admin.use("/__lanes/metrics", admit);

admin.get("/__lanes/health", async (c) => {
  const snapshot = await snapshotOf(c);
  const anonymous = c.req.header("authorization") === undefined && sessionOf(c.req.raw, c.env, Date.now()) === null;
  if (anonymous) return c.json({ status: status(snapshot, c.env) });
  const caller = callerOf(c.req.raw, c.env, Date.now());
  return caller instanceof Response ? caller : c.json(health(snapshot, c.env, Date.now()));
});

/** Routes with `:name`. */
const group = (answer: (asking: Asking) => Promise<Response>) => async (c: Context<AdminEnv>) => {
  const name = c.req.param("name") ?? "";
  if (!isGroupName(name)) return refuse("no-group", "There is no such group.");
  return await answer({ request: c.req.raw, env: c.env, caller: c.get("caller"), snapshot: await snapshotOf(c), name });
};

admin.get("/__lanes/api/groups", async (c) => groups.list(await snapshotOf(c), c.env));
admin.get("/__lanes/api/groups/:name", group(groups.one));
admin.put("/__lanes/api/groups/:name", group(put));
admin.post("/__lanes/api/groups/:name/check", group(groups.check));
admin.post("/__lanes/api/groups/:name/weights", group(weights));
admin.post("/__lanes/api/groups/:name/rollback", group(rollback));
admin.get("/__lanes/api/groups/:name/history", group(groups.history));
admin.get("/__lanes/api/groups/:name/history/:revision{\\d{1,15}}", async (c) => {
  const revision = Number(c.req.param("revision"));
  return await group((asking) => groups.revision(asking, revision))(c);
});
admin.get("/__lanes/api/groups/:name/stats", group(stats));
admin.get("/__lanes/api/groups/:name/differences", group(differences));
admin.delete("/__lanes/api/groups/:name/differences", group(forget));
admin.get("/__lanes/metrics", async (c) => metrics(await snapshotOf(c), c.env));

const switched = (off: boolean) => async (c: Context<AdminEnv>) =>
  turn({ request: c.req.raw, env: c.env, caller: c.get("caller"), snapshot: await snapshotOf(c) }, off);
admin.put("/__lanes/api/off", switched(true));
admin.delete("/__lanes/api/off", switched(false));

admin.post("/__lanes/api/explain", async (c) => {
  const body = await readObject(c.req.raw);
  if (!body.ok) return body.error;
  const described = readDescribed(body.value);
  if (!described.ok) return refuse("invalid", "This describes no request.", { problems: described.error });
  const explained = explain(
    described.value,
    await snapshotOf(c),
    await signerOf(c.env),
    Date.now(),
    crypto.randomUUID().replaceAll("-", ""),
  );
  return explained.ok
    ? c.json(explained.value as object)
    : refuse("invalid", "This describes no request.", { problems: [explained.error] });
});

/** Guessing a token of 32 characters is hopeless; guessing without end costs us. */
const logins = new Limiter();

admin.post("/__lanes/login", async (c) => {
  if (!hasPages(c.env)) return problem("not-found");
  if (!isSameOrigin(c.req.raw)) return refuse("cross-site", "Log in on Laneway's own page.");
  if (!logins.take(Date.now())) return refuse("busy", "Too many tries; wait a moment.");
  const form = await readText(c.req.raw);
  if (!form.ok) return form.error;
  const [token, url, now] = [new URLSearchParams(form.value).get("token") ?? "", new URL(c.req.url), Date.now()];
  // Without a token, Cloudflare Access may have seen to it.
  const identity = token === "" ? await accessIdentity(c.req.raw, c.env, c.executionCtx as ExecutionContext, now) : null;
  const cookie = identity === null ? login(token, url, c.env, now) : loginBy(identity, url, c.env, now);
  if (cookie === null) return c.redirect("/__lanes/login?failed", 303);
  c.header("set-cookie", cookie);
  return c.redirect("/__lanes/", 303);
});

admin.post("/__lanes/logout", (c) => {
  if (!hasPages(c.env)) return problem("not-found");
  if (!isSameOrigin(c.req.raw)) return refuse("cross-site", "Log out on Laneway's own page.");
  c.header("set-cookie", logout(new URL(c.req.url)));
  return c.redirect("/__lanes/login", 303);
});

admin.notFound(() => problem("not-found"));
admin.onError((error) => {
  console.error(JSON.stringify({ error: "admin", message: error.message }));
  return problem("internal");
});
