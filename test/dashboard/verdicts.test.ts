import { expect, it } from "vitest";
import { whyUndecided } from "../../src/core/noise.ts";
import { Endpoints } from "../../src/dashboard/mirrors.tsx";

const place = (path: string, verdict: string, why: string | null) => {
  const counts = { raw: 40, noise: 40, onlyRaw: 0, onlyNoise: 0 };
  return { path, kind: "value", verdict, why, ...counts, diffy: { relative: 0, absolute: 0 } };
};

it("a place of which nothing is known says why, and its endpoint is not among those with noise only", () => {
  const paths = [place("body.at", "noise", null), place("body[]", "undecided", whyUndecided(40))];
  const endpoint = { mirror: "m", endpoint: "GET /text", compared: 40, probed: 40, more: 0, samples: [], paths };
  const session = { scope: "read" } as unknown as Parameters<typeof Endpoints>[0]["session"];
  const html = String(Endpoints({ name: "shop", differences: { endpoints: [endpoint] }, session, now: 0 }));
  expect(html).toContain(`<span class="verdict undecided">undecided</span><p class="hint">${whyUndecided(40)}</p>`);
  expect(html.match(/class="hint"/g)).toHaveLength(1);
  expect(html).not.toContain("nothing but noise");
});
