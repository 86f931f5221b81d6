/** Whoever changes things meanwhile: publishes, switches off and on, writes rubbish into KV; and what breaks under them: KV, the Durable Object. */
import { setTimeout as sleep } from "node:timers/promises";
import type { FakeKv } from "../support/fake-kv.ts";
import { KILL_HEADER } from "../support/plant.ts";
import type { Router } from "../support/router.ts";
import type { Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";

export const ADMIN_TOKEN = "soak-admin-token-soak-admin-token-00";
const PATIENCE_MS = 20_000;

export interface Office {
  readonly router: Router;
  readonly ledger: Ledger;
  readonly kv: FakeKv;
  readonly random: Random;
  readonly file: (note: string) => object;
  /** Revisions that the API said are written. */
  readonly acknowledged: Set<number>;
}

async function call(
  { router, ledger }: Office,
  what: string,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json", "if-match": "*", connection: "close" };
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await router.fetch(`/__lanes/api${path}`, { method, headers, signal, ...(body && { body: JSON.stringify(body) }) });
    ledger.count(answer.status < 300 ? `operator: ${what}` : `operator: ${what}, refused (${answer.status})`);
    return answer.status < 300 ? JSON.parse(answer.text) : {};
  } catch {
    ledger.count(`operator: ${what}, no answer`);
    return {};
  }
}

function acknowledge({ ledger, acknowledged }: Office, { revision }: Record<string, unknown>): void {
  if (typeof revision !== "number") return;
  if (acknowledged.has(revision)) ledger.violate("no revision is given out twice", `revision ${revision}`);
  acknowledged.add(revision);
}

const ACTS: Readonly<Record<string, (office: Office) => Promise<void>>> = {
  async weights(office) {
    const [s2, s3] = [office.random.between(0, 40), office.random.between(0, 40)];
    acknowledge(office, await call(office, "weights published", "POST", "/groups/shop/weights", { weights: { s2, s3 }, reason: "soak" }));
  },
  async file(office) {
    const file = office.file(`by ${office.random.between(0, 1e9)}`);
    acknowledge(office, await call(office, "file published", "PUT", "/groups/shop", file));
  },
  async off(office) {
    await call(office, "switched off", "PUT", "/off", { groups: ["shop"], reason: "soak" });
    await sleep(office.random.between(200, 800));
    await call(office, "switched on", "DELETE", "/off", { groups: ["shop"], reason: "soak" });
  },
  async kill({ router, ledger, random }) {
    const name = random.pick(["shop", "shop", "*"]);
    await router.fetch("/", { headers: { [KILL_HEADER]: name, connection: "close" } });
    ledger.count(`operator: Durable Object killed (${name})`);
  },
  async kvSlow({ kv, ledger, random }) {
    kv.slow(random.between(100, 1_500));
    ledger.count("operator: KV slow");
    await sleep(random.between(500, 2_000));
    kv.heal();
  },
  async kvFails({ kv, ledger, random }) {
    kv.fail();
    ledger.count("operator: KV fails");
    await sleep(random.between(500, 2_000));
    kv.heal();
  },
  async rubbish({ kv, ledger, random }) {
    kv.values.set("group:shop", random.pick(["", "{", "[]", '{"schema":99,"name":"shop"}', "null"]));
    ledger.count("operator: rubbish put into KV by hand");
    await sleep(random.between(200, 1_000));
  },
};
const DECK = ["weights", "weights", "weights", "file", "off", "kill", "kill", "kvSlow", "kvFails", "rubbish", "file"];

/** One act after the other, some at once with the next, until it is over. */
export async function operate(office: Office, isOver: () => boolean): Promise<void> {
  const pending = new Set<Promise<void>>();
  while (!isOver() && !office.ledger.isBroken) {
    const act = ACTS[office.random.pick(DECK)]!(office);
    if (office.random.chance(0.5)) await act;
    else pending.add(act);
    await sleep(office.random.between(100, 900));
  }
  await Promise.all(pending);
  office.kv.heal();
  await call(office, "switched on", "DELETE", "/off");
}

/** When all is calm again, what was acknowledged is what serves. Resolves to what is missing, or null. */
export async function settled(office: Office, withinMs: number): Promise<string | null> {
  const until = performance.now() + withinMs;
  const newest = Math.max(0, ...office.acknowledged);
  for (;;) {
    acknowledge(office, await call(office, "file published", "PUT", "/groups/shop", office.file("calm")));
    const held = JSON.parse(office.kv.values.get("group:shop") || "{}")?.published?.revision ?? 0;
    const explained = await call(office, "explained", "POST", "/explain", { url: "http://shop.example/page" });
    if (held > newest && Number(explained.revision) > newest && explained.reason !== "off") return null;
    if (performance.now() > until) return `acknowledged: ${newest}, in KV: ${held}, in force: ${explained.revision}, ${explained.reason}`;
    await sleep(1_000);
  }
}
