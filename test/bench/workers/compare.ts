/** Compares two bodies again and again: `/<how>/<body>/<times>`. The bodies are made once. */
import { create } from "jsondiffpatch";
import microdiff from "microdiff";
import { compareRules } from "../../../src/core/compare-rules.ts";
import { readFacts } from "../../../src/core/facts.ts";
import type { Origin } from "../../../src/core/lane-group.ts";
import { answerOf, compareWith, type Taken } from "../../../src/edge/compare.ts";
import { BODIES } from "../comparer-bodies.ts";

const origin: Origin = {
  base: "https://a.example",
  path: "",
  binding: null,
  strip: "",
  headers: [],
  answerHeaders: [],
  baggage: "all",
  synthetic: false,
  noStore: true,
  sharedWith: null,
  sets: new Set(),
};
const facts = readFacts({
  method: "GET",
  url: "http://shop.example/",
  headers: new Map(),
  ip: null,
  now: 0,
  requestId: "0".repeat(32),
  slot: null,
});
const rules = compareRules({ noisePercent: 20, headers: ["content-type"], ignore: [], unordered: [], key: {}, tolerance: {} });
const patcher = create({ objectHash: (item) => String((item as { id?: unknown }).id) });

const taken = (text: string, type: string): Taken => {
  const bytes = Uint8Array.from(new TextEncoder().encode(text));
  return { status: 200, headers: new Headers({ "content-type": type }), bytes, cut: false, origin };
};

/** What a comparison gives, so that nobody can leave it out. */
const HOW: Readonly<Record<string, (left: string, right: string, type: string) => unknown>> = {
  laneway: (left, right, type) => {
    if (!rules.ok) throw new Error("rules");
    return compareWith(answerOf(taken(left, type), facts), taken(right, type), facts, rules.value);
  },
  microdiff: (left, right) => microdiff(JSON.parse(left), JSON.parse(right)),
  jsondiffpatch: (left, right) => patcher.diff(JSON.parse(left), JSON.parse(right)),
};

export default {
  async fetch(request: Request): Promise<Response> {
    const [, how, name, times] = new URL(request.url).pathname.split("/");
    const { left, right, type } = BODIES[name!]!;
    let found: unknown;
    for (let i = 0; i < Number(times); i++) found = HOW[how!]!(left, right, type);
    return Response.json(found === undefined ? null : Array.isArray(found) ? found.length : 1);
  },
};
