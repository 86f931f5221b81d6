import { isAdmin } from "./admin/auth.ts";
import { app } from "./app.ts";
import type { Env } from "./edge/env.ts";
import { handle } from "./edge/handle.ts";

export { Group } from "./group/group.ts";

export default {
  /** Proxied traffic never passes the admin app; its paths never reach an origin (contract section 9). */
  fetch(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response> {
    return isAdmin(request.url, env) ? app.fetch(request, env, ctx) : handle(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
