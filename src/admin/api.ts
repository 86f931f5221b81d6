/** The admin API (contract section 9): which call goes to which file, and what holds for all of them. Nothing here is CORS-readable. */
import type { Context } from "hono";
import { Hono } from "hono/tiny";
import { isGroupName } from "../core/group-name.ts";
import type { Env } from "../edge/env.ts";
import { currentGroups, type Snapshot } from "../edge/groups-kv.ts";
import { problem } from "../edge/respond.ts";
import { signerOf } from "../edge/sign.ts";
import { accessIdentity } from "./access.ts";
import { oneLine, stranger } from "./actor.ts";
import { Attempts } from "./attempts.ts";
import { readObject, readText } from "./body.ts";
import { type Caller, callerOf, isWrite } from "./caller.ts";
import { differences, forget } from "./differences.ts";
import { groupDoor, isKnown, noGroup, noPublisher } from "./door.ts";
import { explain, readDescribed } from "./explain.ts";
import * as groups from "./groups.ts";
import { health, status } from "./health.ts";
import { metrics } from "./metrics.ts";
import { turn } from "./off.ts";
import { type Asking, put } from "./publish.ts";
import { refuse } from "./refuse.ts";
import { rollback } from "./rollback.ts";
import { hasPages, isSameOrigin, login, loginBy, logout, pageAfterLogin, sessionOf } from "./session.ts";
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

/** Anybody can be refused as often as they like; the history keeps a sample of each client's. */
const refusals = new Attempts();

/** A refused write is remembered with the group that it named, if there is one: no name from outside makes an object. */
async function remember(c: Context<AdminEnv>, refused: Response): Promise<void> {
  const name = /^\/__lanes\/api\/groups\/([^/]+)/.exec(c.req.path)?.[1] ?? "";
  const known = refused.status === 403;
  if (!(await snapshotOf(c)).groups.has(name) || !(known || refusals.take(c.req.raw, Date.now()))) return;
  const action = `${oneLine(`${c.req.method} ${c.req.path}`)}: ${refused.status}`;
  await groupDoor(c.env, name)?.refused(name, { at: new Date().toISOString(), by: stranger(c.req.raw), action }, known);
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

type Answer = (asking: Asking) => Promise<Response>;

/** Routes with `:name`, which may be one that is not there yet. */
const named = (answer: Answer) => async (c: Context<AdminEnv>) => {
  const name = c.req.param("name") ?? "";
  if (!isGroupName(name)) return noGroup();
  return await answer({ request: c.req.raw, env: c.env, caller: c.get("caller"), snapshot: await snapshotOf(c), name });
};

/** Routes of a group that is there. */
const group = (answer: Answer) =>
  named(async (asking) => {
    if (asking.env.GROUP === undefined) return noPublisher();
    return (await isKnown(asking.env, asking.snapshot, asking.name)) ? await answer(asking) : noGroup();
  });

admin.get("/__lanes/api/groups", async (c) => groups.list(await snapshotOf(c), c.env, c.req.query("brief") !== undefined));
admin.get("/__lanes/api/groups/:name", group(groups.one));
admin.put("/__lanes/api/groups/:name", named(put));
admin.post("/__lanes/api/groups/:name/check", named(groups.check));
admin.post("/__lanes/api/groups/:name/weights", group(weights));
admin.post("/__lanes/api/groups/:name/rollback", group(rollback));
admin.get("/__lanes/api/groups/:name/history", group(groups.history));
admin.get("/__lanes/api/groups/:name/history/:revision", async (c) =>
  group((asking) => groups.revision(asking, c.req.param("revision")))(c),
);
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
    c.env,
    await signerOf(c.env),
    Date.now(),
    crypto.randomUUID().replaceAll("-", ""),
  );
  return explained.ok
    ? c.json(explained.value as object)
    : refuse("invalid", "This describes no request.", { problems: [explained.error] });
});

/** Guessing a token of 32 characters is hopeless; guessing without end costs us. Only failures count: who knows the token gets in. */
const failures = new Attempts();
/** A token, and what password managers add. */
const MAX_FORM_BYTES = 8 * 1024;

admin.post("/__lanes/login", async (c) => {
  if (!hasPages(c.env)) return problem("not-found");
  if (!isSameOrigin(c.req.raw)) return refuse("cross-site", "Log in on Laneway's own page.");
  const form = await readText(c.req.raw, MAX_FORM_BYTES);
  if (!form.ok) return form.error;
  const [fields, url, now] = [new URLSearchParams(form.value), new URL(c.req.url), Date.now()];
  const [token, to] = [fields.get("token") ?? "", pageAfterLogin(fields.get("to"), url)];
  // Without a token, Cloudflare Access may have seen to it.
  const identity = token === "" ? await accessIdentity(c.req.raw, c.env, c.executionCtx as ExecutionContext, now) : null;
  const cookie = identity === null ? login(token, url, c.env, now) : loginBy(identity, url, c.env, now);
  if (cookie === null && !failures.take(c.req.raw, now)) return refuse("busy", "Too many tries; wait a moment.");
  if (cookie === null) return c.redirect(`/__lanes/login?failed${to === "/__lanes/" ? "" : `&to=${encodeURIComponent(to)}`}`, 303);
  c.header("set-cookie", cookie);
  return c.redirect(to, 303);
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
