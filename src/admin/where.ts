/** Where the admin API is, and whether it is there at all (contract section 9). Asked for every request, so it imports next to nothing. */
import { hostName } from "../core/facts.ts";
import { percentDecode } from "../core/percent.ts";
import { type Env, MIN_SECRET_LENGTH } from "../edge/env.ts";

export const ADMIN_PATH = "/__lanes";

/** Every spelling that some server would read as our prefix: escapes, upper case, doubled slashes, dots on the way. */
function isAdminSpelling(path: string): boolean {
  const segments: string[] = [];
  for (const segment of percentDecode(path).split(/[/\\]/)) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return `/${segments[0] ?? ""}`.toLowerCase().startsWith(ADMIN_PATH);
}

/** Without one of these no path is another spelling: `_`, `/` or `\` first, a dot segment, or one of `. / \ _` escaped. */
const SUSPECT = /^\/[_/\\]|[/\\]\.|%[25]/;

/** Does this request belong to the admin app, which never proxies? Cheap for the traffic that does not. */
export function isAdmin(url: string, env: Env): boolean {
  if (env.ADMIN_HOST !== undefined && hostName(URL.parse(url)?.host ?? "") === hostName(env.ADMIN_HOST)) return true;
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const query = url.indexOf("?", start);
  const path = start < 0 ? "" : url.slice(start, query < 0 ? url.length : query);
  // With a Host that makes no URL it is nobody's; there is nothing that the app could look at.
  return SUSPECT.test(path) && isAdminSpelling(path) && URL.canParse(url);
}

/** The admin API exists only with a usable token, and only on `ADMIN_HOST` where that is set. */
export function exists(url: URL, env: Env): boolean {
  if ((env.LANEWAY_ADMIN_TOKEN?.length ?? 0) < MIN_SECRET_LENGTH) return false;
  return env.ADMIN_HOST === undefined || hostName(url.host) === hostName(env.ADMIN_HOST);
}
