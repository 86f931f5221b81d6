/**
 * The lane files as they were at deploy: what serves where KV names no groups, and the last resort where KV cannot be read.
 * `wrangler` puts what is in `lanes/` in place of `#lane-files` (`wrangler.toml`, `alias`); everywhere else there are none.
 */
import laneFiles from "#lane-files" with { type: "json" };

/** By name. */
export const BUNDLED: ReadonlyMap<string, unknown> = new Map(Object.entries(laneFiles));
