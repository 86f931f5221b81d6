/** What a decision needs, as plain values: a group, a request's facts, a signature. */
import { createHmac } from "node:crypto";
import { type Signer, windowOf, writeContext } from "../../src/core/context.ts";
import { type Decision, decide } from "../../src/core/decide.ts";
import { type Facts, type Request, readFacts } from "../../src/core/facts.ts";
import type { LaneGroup } from "../../src/core/lane-group.ts";
import { parseLaneGroup } from "../../src/core/parse-lane-group.ts";

/** Seconds: the start of a context's window. */
export const NOW = 1_800_000_000;

export const signerWith = (secret: string): Signer => {
  const sign = (payload: string) => createHmac("sha256", secret).update(payload).digest("base64url");
  return { sign, verify: (payload, signature) => sign(payload) === signature };
};

export const signer = signerWith("a secret");

/** s1 is the baseline, s2 has half of the visitors and no `api`; `changes` replace whole keys of the file. */
export function groupOf(changes: object = {}): LaneGroup {
  const file = {
    schema: 1,
    name: "shop",
    hosts: ["shop.example", "*.shop.example"],
    baseline: "s1",
    services: { web: {}, api: { hosts: ["api.shop.example"], entry: false } },
    lanes: {
      s1: { weight: 50, origins: { web: "https://one.test", api: "https://api-one.test" } },
      s2: { weight: 50, origins: { web: "https://two.test/prefix" } },
      s3: { origins: { web: "https://three.test", api: "https://api-three.test" } },
    },
    ...changes,
  };
  const parsed = parseLaneGroup(file, { insecureOrigins: false });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value.group;
}

export type Asking = Partial<Omit<Request, "headers">> & { readonly headers?: Readonly<Record<string, string>> };

export function factsOf({ headers = {}, ...request }: Asking = {}): Facts {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return readFacts({
    method: "GET",
    url: "https://shop.example/x",
    ip: "192.0.2.1",
    now: NOW,
    requestId: "0123456789abcdef0123456789abcdef",
    slot: null,
    ...request,
    headers: lower,
  });
}

export function decisionOf(group: LaneGroup, asking: Asking = {}, override: string | null = null): Decision {
  const decision = decide(group, factsOf(asking), { override, signer });
  if (decision === null) throw new Error("no service");
  return decision;
}

/** A context of the group `shop`; `windows` after the present one. */
export const contextText = (
  lane: string,
  { group = "shop", hop = 1, windows = 0, mirror = null as string | null, by = signer } = {},
): string => writeContext({ group, lane, hop, window: windowOf(NOW) + windows, mirror }, by);
