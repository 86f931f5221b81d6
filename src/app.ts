/** The Hono app: everything under `/__lanes`, and all of `ADMIN_HOST`. Proxied traffic goes to `edge/handle.ts` without passing here. */
import { Hono } from "hono";
import { admin } from "./admin/api.ts";
import { exists } from "./admin/auth.ts";
import { pages } from "./dashboard/pages.tsx";
import type { Env } from "./edge/env.ts";
import { problem } from "./edge/respond.ts";

export const app = new Hono<{ Bindings: Env }>();

app.use("*", async (c, next) => {
  if (!exists(new URL(c.req.url), c.env)) return problem("not-found");
  await next();
  for (const [name, value] of [
    ["cache-control", "no-store"],
    ["x-content-type-options", "nosniff"],
    ["referrer-policy", "same-origin"],
  ] as const) {
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  }
  return undefined;
});
app.route("/", pages);
app.route("/", admin);
app.notFound(() => problem("not-found"));
