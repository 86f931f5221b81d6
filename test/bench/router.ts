import { compatibility } from "../../src/demo/bundle.ts";
import { benchGroup } from "./fixture.ts";
import type { WorkerSpec } from "./workerd.ts";

/** The router as it is deployed, with the benchmark's group in KV. `code`: its bundle; `origins`: base URLs for lanes s1, s2 and s3. */
export function routerSpec(code: string, origins: readonly string[]): WorkerSpec {
  return {
    name: "router",
    ...compatibility(),
    code,
    text: { INSECURE_ORIGINS: "true", LANEWAY_SECRET: "benchmark-secret-benchmark-secret-0" },
    kv: { LANES: { groups: '["mock"]', "group:mock": JSON.stringify(benchGroup(origins)) } },
    durableObjects: { GROUP: "Group" },
  };
}
