/** The examples of the three documents, to the letter, through the demo's own Workers and lane files. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CHAINS, configuredShares, GREETINGS, type GroupName, laneFile } from "../src/demo/cast.ts";
import { freePort, type LocalRun, startLocalRun } from "../src/demo/local-run.ts";
import { countBy, isOff, type Visit } from "../src/demo/tally.ts";
import { headerOf, type Origin, startOrigin } from "./support/origin.ts";
import { type Router, startRouter } from "./support/router.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 120_000 });

const VISITORS = 2_000;
const AT_ONCE = 20;

let run: LocalRun;
const lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  run = await startLocalRun({ port: await freePort(0), onLog: (line) => line.startsWith("{") && lines.push(JSON.parse(line)) });
});
afterAll(() => run?.dispose());

/** Visitors with fixed trace ids, from which their slots are drawn: the same lanes in every run. */
async function visit(group: "mock" | "version"): Promise<Visit[]> {
  const visits: Visit[] = [];
  let next = 0;
  const worker = async () => {
    for (let id = next++; id < VISITORS; id = next++) {
      const trace = createHash("sha256").update(`${group}/${id}`).digest("hex");
      const traceparent = `00-${trace.slice(0, 32)}-${trace.slice(32, 48)}-01`;
      const { headers, text } = await run.get(`${group}.localhost`, "/", { traceparent });
      visits.push({ lane: String(headers["x-lane"]), chain: text });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return visits;
}

function expectShares(visits: readonly Visit[], shares: ReadonlyMap<string, number>): void {
  const seen = countBy(visits.map(({ lane }) => lane));
  expect([...seen.keys()].sort()).toEqual([...shares.keys()].sort());
  for (const [lane, share] of shares) {
    const count = seen.get(lane) ?? 0;
    expect(isOff(count, VISITORS, share), `${lane}: ${count} of ${VISITORS}, configured ${share}`).toBe(false);
  }
}

/** The demo's lane file, with one real HTTP origin in place of every binding. */
function withOrigin(group: GroupName, { url }: Origin): Record<string, unknown> {
  return JSON.parse(laneFile(group), (_key, value) => (typeof value?.binding === "string" ? url : value));
}

/** A router that has read the group, and origins that have seen nothing yet: a cold router may answer before KV does. */
async function startWith(group: GroupName, file: unknown, origin: Origin, host: string): Promise<Router> {
  const router = await startRouter({ groups: { [group]: file } });
  await vi.waitFor(async () => expect((await router.fetch("/", { host })).status).toBe(200));
  origin.requests.length = 0;
  return router;
}

/** Answers for every service, and calls the next of the chain with nothing but the baggage it was given. */
async function startChain(router: () => Router, next: Readonly<Record<string, string>>): Promise<Origin> {
  const origin = await startOrigin("chain");
  origin.respond(async ({ seen, res }) => {
    const host = next[headerOf(seen.headers, "x-forwarded-host") ?? ""];
    const baggage = headerOf(seen.headers, "baggage") ?? "";
    if (host !== undefined) await router().fetch("/", { host, headers: { baggage } });
    res.end("ok");
  });
  return origin;
}

describe("asm-baggage-lanes", () => {
  let visits: Visit[];
  beforeAll(async () => {
    visits = await visit("mock");
  });

  it("only ever shows the three chains of the document", () => {
    const one = (a: string, b: string, c: string) =>
      `-> mocka(version: ${a}, ip: 127.0.0.1)-> mockb(version: ${b}, ip: 127.0.0.1)-> mockc(version: ${c}, ip: 127.0.0.1)`;
    const seen = new Set(visits.map(({ chain }) => chain));
    expect(seen).toEqual(new Set([one("v1", "v1", "v1"), one("v2", "v1", "v2"), one("v1", "v3", "v1")]));
  });

  it("gives every visitor the chain of the lane that was decided at the edge", () => {
    for (const { lane, chain } of visits) expect(chain).toBe(CHAINS.mock[lane]);
  });

  it("splits 2,000 visitors 60:20:20 within four sigma", () => {
    expect([...configuredShares("mock")]).toEqual([
      ["s1", 0.6],
      ["s2", 0.2],
      ["s3", 0.2],
    ]);
    expectShares(visits, configuredShares("mock"));
  });

  it("falls back to the baseline for a service that the lane does not have, and says so", () => {
    const s2 = lines.filter(({ group, lane }) => group === "mock" && lane === "s2");
    expect(s2.length).toBeGreaterThan(900);
    for (const { service, servedBy, fallback } of s2) {
      const missing = service === "mockb";
      expect([service, servedBy, fallback]).toEqual([service, missing ? "s1" : "s2", missing ? "missing-service" : null]);
    }
  });

  it("decides by weight at the edge and by context at every later hop", () => {
    const reasons = countBy(lines.filter(({ group }) => group === "mock").map(({ service, reason }) => `${service} ${reason}`));
    expect([...reasons.keys()].sort()).toEqual(["mocka weight", "mockb context", "mockc context"]);
  });

  it("sends a visitor whose baggage has pr=123 into s2", async () => {
    const { headers, text } = await run.get("mock.localhost", "/", { baggage: "pr=123" });
    expect(text).toBe(CHAINS.mock.s2);
    expect(headers["x-lane-reason"]).toBe("rule:pr");
  });
});

describe("asm-header-propagation-lanes", () => {
  let visits: Visit[];
  beforeAll(async () => {
    visits = await visit("version");
  });

  it("shows the table at its end and nothing else", () => {
    const versions = visits.map(({ lane, chain }) =>
      [lane, ...[...chain.matchAll(/version: (\w+)/g)].map(([, version]) => version)].join(" "),
    );
    expect(new Set(versions)).toEqual(new Set(["v1 v1 v1 v1", "v2 v2 v1 v2", "v3 v3 v3 v1"]));
  });

  it("splits 2,000 visitors 40:30:30 within four sigma", () => {
    expect([...configuredShares("version")]).toEqual([
      ["v1", 0.4],
      ["v2", 0.3],
      ["v3", 0.3],
    ]);
    expectShares(visits, configuredShares("version"));
  });

  it("carries the version as baggage through the services", async () => {
    const inside = () => lines.filter(({ group, service }) => group === "version" && service !== "mocka");
    await expect.poll(() => inside().length).toBe(2 * VISITORS);
    for (const { lane, baggage } of inside()) expect(baggage).toEqual({ version: lane });
  });

  it("restores the version header at every hop, though the services pass on nothing but baggage", async () => {
    let router: Router;
    const chain = await startChain(() => router, {
      "version.localhost": "mockb.version.localhost",
      "mockb.version.localhost": "mockc.version.localhost",
    });
    router = await startWith("version", withOrigin("version", chain), chain, "mockc.version.localhost");
    try {
      const answer = await router.fetch("/", { host: "version.localhost", headers: { version: "forged", baggage: "version=forged" } });
      const lane = String(answer.headers["x-lane"]);
      expect(["v1", "v2", "v3"]).toContain(lane);
      const hops = chain.requests.map(({ headers }) => [headerOf(headers, "x-forwarded-host"), headerOf(headers, "version")]);
      expect(hops).toEqual([
        ["version.localhost", lane],
        ["mockb.version.localhost", lane],
        ["mockc.version.localhost", lane],
      ]);
      for (const { headers } of chain.requests)
        expect(headerOf(headers, "baggage")).toMatch(new RegExp(`^laneway\\.version=[^,;]+,version=${lane}$`));
    } finally {
      await Promise.all([router.dispose(), chain.close()]);
    }
  });

  it("makes headers of the baggage members that the lane file lists, and of no others", async () => {
    const origin = await startOrigin("mocka");
    const group = { ...withOrigin("version", origin), propagate: { headers: ["serverNode", { prefix: "user" }] } };
    const router = await startWith("version", group, origin, "version.localhost");
    try {
      const headers = { baggage: "userId=alice,serverNode=DF%2028,isProduction=false", servernode: "the client's own" };
      await router.fetch("/", { host: "version.localhost", headers });
      const sent = origin.requests[0]!.headers;
      expect([headerOf(sent, "userid"), headerOf(sent, "servernode"), headerOf(sent, "isproduction")]).toEqual([
        "alice",
        "DF 28",
        undefined,
      ]);
    } finally {
      await Promise.all([router.dispose(), origin.close()]);
    }
  });
});

describe("istio-baggage-routing", () => {
  it("answers with the old version of the third service without baggage", async () => {
    expect((await run.get("product.localhost", "/product/123")).text).toBe(GREETINGS.live);
  });

  it("answers with the new version of the third service, and of no other, with pr=123", async () => {
    const { headers, text } = await run.get("product.localhost", "/product/123", { baggage: "pr=123" });
    expect(text).toBe(GREETINGS.withPr);
    expect(headers["x-lane-reason"]).toBe("rule:pr");
    expect(headers["x-lane-served-by"]).toBe("live-version");
  });

  it("does not take xpr=1 for pr, as the document's own pattern would", async () => {
    expect((await run.get("product.localhost", "/product/123", { baggage: "xpr=1" })).text).toBe(GREETINGS.live);
  });

  it("shows in the access log the baggage of the last hop, with what app1 added", async () => {
    const before = lines.length;
    await run.get("product.localhost", "/product/123", { baggage: "pr=123" });
    await expect.poll(() => lines.slice(before).filter(({ service }) => service === "app1")).toHaveLength(1);
    const at = (service: string) => lines.slice(before).find((line) => line.service === service)?.baggage;
    expect(at("app1")).toEqual({ pr: "123" });
    expect(at("app3")).toEqual({
      x: "1",
      pr: "123",
      "product-id": "123",
      "other-baggage": "value2",
      "another-baggage": "3",
      "url-baggage": "/test/1?attr=1",
    });
  });

  it("passes all other members on byte for byte", async () => {
    const origin = await startOrigin("app3");
    const router = await startWith("product", withOrigin("product", origin), origin, "app3.product.localhost");
    try {
      const documents = "x=1,pr=123,product-id=123,other-baggage=value2,another-baggage=3,url-baggage=%2Ftest%2F1%3Fattr%3D1";
      const awkward = "k!#$&'*+.^_`|~-=v ; p=q;r ,\tempty= , bad=%zz,q=a=b==";
      for (const baggage of [documents, awkward]) {
        await router.fetch("/", { host: "app3.product.localhost", headers: { baggage } });
        const sent = headerOf(origin.requests.at(-1)!.headers, "baggage") ?? "";
        expect(sent.slice(0, sent.indexOf(","))).toMatch(/^laneway\.product=[A-Za-z0-9._~-]+$/);
        expect(sent.slice(sent.indexOf(",") + 1)).toBe(baggage);
      }
    } finally {
      await Promise.all([router.dispose(), origin.close()]);
    }
  });
});
