import { expect, it } from "vitest";
import { Votes } from "../../src/core/votes.ts";

it("a slot votes once a minute and revision, every slot for itself", () => {
  const votes = new Votes();
  const all = (revision: number, minute: number) =>
    Array.from({ length: 10_000 }, (_, slot) => votes.take(revision, minute, slot)).filter(Boolean).length;
  expect([all(1, 7), all(1, 7), all(1, 8), all(2, 8), all(2, 8)]).toEqual([10_000, 0, 10_000, 10_000, 0]);
});
