import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Origin, startOrigin } from "./support/origin.ts";
import { echo, json } from "./support/replies.ts";
import { type Router, startRouter } from "./support/router.ts";

let a1: Origin;
let a2: Origin;
let router: Router;

const group = () => ({
  schema: 1,
  name: "shop",
  hosts: ["shop.example", "*.shop.example"],
  baseline: "s1",
  services: { web: {}, api: { hosts: ["api.shop.example"], entry: false } },
  lanes: { s1: { weight: 1, origins: { web: a1.url, api: a1.url } }, s2: { origins: { web: a2.url } } },
  rules: [{ name: "pr", when: { baggage: { pr: { regex: "[0-9]+" } } }, lane: "s2" }],
});

beforeAll(async () => {
  a1 = await startOrigin("a1");
  a2 = await startOrigin("a2");
  a1.respond(json({ from: "a1" }));
  a2.respond(json({ from: "a2" }));
  router = await startRouter({ groups: { shop: group() } });
});
afterAll(async () => {
  await Promise.all([a1?.close(), a2?.close(), router?.dispose()]);
});

describe("a request", () => {
  it("finds the baseline by weight, and gets a cookie and the lane's headers", async () => {
    const answer = await router.fetch("/x?y=1", { host: "shop.example", headers: { baggage: "k=v" } });
    console.log(answer.status, answer.headers, answer.text, a1.requests.at(-1), router.logs(), router.output());
    expect(answer.status).toBe(200);
  });
});
void echo;
