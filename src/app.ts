/** The Hono app: everything under `/__lanes`, and all of `ADMIN_HOST`. Proxied traffic goes to `edge/handle.ts` without passing here. */
export { admin as app } from "./admin/api.ts";
