/** Hono's own proxy helper without any feature. */
import { Hono } from "hono";
import { proxy } from "hono/proxy";

const app = new Hono<{ Bindings: { ORIGIN: string } }>();
app.all("*", (c) => {
  const { pathname, search } = new URL(c.req.url);
  return proxy(c.env.ORIGIN + pathname + search, c.req);
});
export default app;
