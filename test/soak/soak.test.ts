/** The soak for one minute, and that it bites: each rule is also shown a Worker that breaks it, and must find that out. */
import { expect, it } from "vitest";
import { clientSaw } from "../faults/world.ts";
import { killable, type Mutation } from "../support/plant.ts";
import { soak } from "./storm.ts";

const SEED = 20_261_129;

it("a minute of everything at once breaks no rule", async () => {
  const { violations, counts } = await soak({ seed: SEED, minutes: 1 });
  expect(violations).toEqual([]);
  clientSaw("an answer, and the right one");
  for (const what of [
    "requests",
    "copies received",
    "later writes of copies refused",
    "uploads broken in the middle",
    "WebSockets that spoke",
  ])
    expect(counts.get(what), what).toBeGreaterThan(0);
}, 300_000);

const MISTAKES: readonly (readonly [what: string, invariant: RegExp, mutations: readonly Mutation[]])[] = [
  [
    "repeats a POST",
    /^no write twice/,
    [["core/fallback.ts", "return (fallback.methods.has(facts.method) && !isOverridden(facts)) ||", "return true ||"]],
  ],
  [
    "puts the baseline aside",
    /^no 5xx for a repeatable request|^no failure without a fault/,
    [
      ["core/fallback.ts", "else if (lane.name !== group.baseline && ", "else if ("],
      ["edge/fallback.ts", "if (candidate.lane === group.baseline) return once(sending, candidate, fallback, null);", ""],
    ],
  ],
  [
    "lets a copy's write through",
    /^no copy writes at a live origin/,
    [
      ["edge/fallback.ts", 'if (does.kind === "send")', 'if (does.kind !== "stub")'],
      ["edge/fallback.ts", "synthetic: does.synthetic }", "synthetic: false }"],
    ],
  ],
  [
    "takes the client's delay for the lane's",
    /^a lane that answers is never put aside/,
    [["core/fallback.ts", "&& !isUpgrade(facts) && !bringsContent(facts)", ""]],
  ],
];

it.each(MISTAKES)(
  "would find out a Worker that %s",
  async (_, invariant, mutations) => {
    const { violations } = await soak({ seed: SEED, minutes: 2, calm: 0.6, build: killable(...mutations) });
    expect(violations[0]?.invariant).toMatch(invariant);
  },
  300_000,
);
