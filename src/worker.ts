import { isAdmin } from "./admin/where.ts";
import type { Env } from "./edge/env.ts";
import { handle } from "./edge/handle.ts";

export { Group } from "./group/group.ts";

/** Loaded by the first who asks for it: proxied traffic does not pay for pages at an isolate's start. */
async function administer(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const { app } = await import("./app.ts");
  return await app.fetch(request, env, ctx);
}

export default {
  /** Proxied traffic never passes the admin app; its paths never reach an origin (contract section 9). */
  fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    return isAdmin(request.url, env) ? administer(request, env, ctx) : handle(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
