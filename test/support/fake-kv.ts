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
    const keys: string[] = JSON.parse(exchange.seen.body.toString());
    await reply.json(keys.map((key) => [key, held.get(key) ?? null]))(exchange);
  };
  origin.respond(answer);
  return {
    module: `import { WorkerEntrypoint } from "cloudflare:workers";
export default class extends WorkerEntrypoint {
  async get(asked) {
    const keys = [asked].flat();
    const answer = await fetch("${origin.url}", { method: "POST", body: JSON.stringify(keys) });
    if (answer.status !== 200) throw new Error(await answer.text());
    const values = new Map(await answer.json());
    return Array.isArray(asked) ? values : values.get(asked);
  }
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
