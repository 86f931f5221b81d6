/** The Hono app: everything under `/__lanes`, and all of `ADMIN_HOST`. Proxied traffic goes to `edge/handle.ts` without passing here. */
import { Hono } from "hono/tiny";
import { admin } from "./admin/api.ts";
import { exists } from "./admin/where.ts";
import { forPerson } from "./dashboard/page.tsx";
import { pages } from "./dashboard/pages.tsx";
import type { Env } from "./edge/env.ts";
import { problem } from "./edge/respond.ts";

/** On every answer. Pages say their own `Referrer-Policy`. */
const HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };

export const app = new Hono<{ Bindings: Env }>();

app.use("*", async (c, next) => {
  if (exists(new URL(c.req.url), c.env)) {
    await next();
    c.res = await forPerson(c, c.res);
  } else c.res = problem("not-found");
  for (const [name, value] of Object.entries(HEADERS)) if (!c.res.headers.has(name)) c.res.headers.set(name, value);
});
app.route("/", pages);
app.route("/", admin);
app.notFound(() => problem("not-found"));
