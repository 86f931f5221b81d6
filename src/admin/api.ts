/** The admin API (contract section 9): doors only; what they answer comes from `edge/` and `core/`. */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Env } from "../edge/env.ts";
import { currentGroups } from "../edge/groups-kv.ts";
import { problem } from "../edge/respond.ts";
import { signerOf } from "../edge/sign.ts";
import { exists, scopeOf } from "./auth.ts";
import { explain, readDescribed } from "./explain.ts";
import { health, status } from "./health.ts";

const MAX_BODY_BYTES = 1024 * 1024;

export const admin = new Hono<{ Bindings: Env }>();

const refused = (status: 401 | 403, detail: string) =>
  new Response(
    JSON.stringify({
      type: `urn:laneway:${status === 401 ? "unauthorized" : "forbidden"}`,
      title: status === 401 ? "unauthorized" : "forbidden",
      status,
      detail,
    }),
    {
      status,
      headers: {
        "content-type": "application/problem+json",
        "cache-control": "no-store",
        ...(status === 401 ? { "www-authenticate": 'Bearer realm="laneway"' } : {}),
      },
    },
  );

admin.use("*", async (c, next) => {
  if (!exists(new URL(c.req.url), c.env)) return problem("not-found");
  await next();
  c.res.headers.set("cache-control", "no-store");
  c.res.headers.set("x-content-type-options", "nosniff");
  c.res.headers.set("referrer-policy", "no-referrer");
  return undefined;
});

admin.get("/__lanes/health", async (c) => {
  const now = Date.now();
  const snapshot = await currentGroups(c.env, c.executionCtx as ExecutionContext, now);
  const authorization = c.req.header("authorization");
  if (authorization === undefined) return c.json({ status: status(snapshot, c.env) });
  return scopeOf(authorization, c.env) === null ? refused(401, "The token is not known.") : c.json(health(snapshot, c.env, now));
});

/** Reading needs either token; everything else the admin token. `explain` only reads, though it is a POST. */
admin.use("/__lanes/api/*", async (c, next) => {
  const scope = scopeOf(c.req.header("authorization"), c.env);
  if (scope === null) return refused(401, "Send `Authorization: Bearer` with the admin token or the read token.");
  const reads = c.req.method === "GET" || c.req.method === "HEAD" || c.req.path === "/__lanes/api/explain";
  if (!reads && scope !== "write") return refused(403, "The read token may only read.");
  return await next();
});

admin.post("/__lanes/api/explain", bodyLimit({ maxSize: MAX_BODY_BYTES }), async (c) => {
  let body: unknown;
  try {
    body = await c.req.json();
  } catch {
    return c.json({ problems: ["body: expected JSON"] }, 400);
  }
  const described = readDescribed(body);
  if (!described.ok) return c.json({ problems: described.error }, 400);
  const now = Date.now();
  const snapshot = await currentGroups(c.env, c.executionCtx as ExecutionContext, now);
  const explained = explain(described.value, snapshot, signerOf(c.env), now, crypto.randomUUID().replaceAll("-", ""));
  return explained.ok ? c.json(explained.value as object) : c.json({ problems: [explained.error] }, 400);
});

admin.notFound(() => problem("not-found"));
admin.onError((error) => {
  console.error(JSON.stringify({ error: "admin", message: error.message }));
  return problem("internal");
});
