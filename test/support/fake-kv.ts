/** A KV namespace whose faults are programmed: a Worker in its place, which asks this process. */
import { startOrigin } from "./origin.ts";
import * as reply from "./replies.ts";

export type FakeKv = {
  /** For `startRouter({ workers: { LANES: kv.module } })`. */
  readonly module: string;
  /** What it holds; a key that is not there is null, as with KV. */
  readonly values: Map<string, string>;
  /** How often it was asked. */
  readonly reads: () => number;
  /** From now on: answers after so long, rejects, or never answers. */
  slow(ms: number): void;
  fail(message?: string): void;
  hang(): void;
  heal(): void;
  close(): Promise<void>;
};

export async function startFakeKv(values: Readonly<Record<string, unknown>> = {}): Promise<FakeKv> {
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  const held = new Map(Object.entries(values).map(([key, value]) => [key, text(value)]));
  const origin = await startOrigin("kv");
  const answer: Parameters<typeof origin.respond>[0] = async (exchange) => {
    await exchange.seen.received;
    const asked: string[] | { key: string; value: string | null } = JSON.parse(exchange.seen.body.toString());
    if (!Array.isArray(asked)) {
      if (asked.value === null) held.delete(asked.key);
      else held.set(asked.key, asked.value);
    }
    const keys = Array.isArray(asked) ? asked : [];
    await reply.json(keys.map((key) => [key, held.get(key) ?? null]))(exchange);
  };
  origin.respond(answer);
  return {
    module: `import { WorkerEntrypoint } from "cloudflare:workers";
async function ask(body) {
  const answer = await fetch("${origin.url}", { method: "POST", body: JSON.stringify(body) });
  if (answer.status !== 200) throw new Error(await answer.text());
  return new Map(await answer.json());
}
export default class extends WorkerEntrypoint {
  async get(asked) {
    const values = await ask([asked].flat());
    return Array.isArray(asked) ? values : values.get(asked);
  }
  async put(key, value) { await ask({ key, value }); }
  async delete(key) { await ask({ key, value: null }); }
}`,
    values: held,
    reads: () => origin.requests.length,
    slow: (ms) => origin.respond(reply.after(ms, answer)),
    fail: (message = "KV GET_BULK failed: 500 Internal Server Error") => origin.respond(reply.answer(500, message)),
    hang: () => origin.respond(reply.hang()),
    heal: () => origin.respond(answer),
    close: () => origin.close(),
  };
}
