/** Once KV has a list of groups, a bundled file serves only if it was published like every other (contract section 8). */
import { BUNDLED } from "../edge/bundled.ts";
import type { Env } from "../edge/env.ts";
import type { Write, Written } from "./write.ts";

/** A group's own object, as far as it is needed here. */
interface Publishing {
  commit(write: Write): Promise<Written>;
}

/** All bundled groups but one, which is being published just now; those that have a value already keep it. Rejects when KV does. */
export async function publishBundled({ GROUP }: Env, except: string): Promise<void> {
  for (const [name, file] of BUNDLED) {
    if (name === except) continue;
    const written = await (GROUP!.getByName(name) as unknown as Publishing).commit({
      name,
      file: JSON.stringify(file),
      expected: null,
      by: "laneway",
      reason: "bundled at deploy; listed in KV from now on",
      action: "publish",
      slots: null,
    });
    if ("refused" in written && (written.refused.why === "kv" || written.refused.why === "unwritten"))
      throw new Error(`${name} is not in KV yet`);
  }
}
