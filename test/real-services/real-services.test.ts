/** Ordinary Node services in processes of their own; between them and the router nothing but HTTP and OpenTelemetry's own instrumentation. */
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { headerOf, type Origin, startOrigin } from "../support/origin.ts";
import { type Router, startRouter } from "../support/router.ts";
import { OPENTELEMETRY, startService, stopServices } from "./services.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

let router: Router;
/** Records what a first service gets: a context with a true signature among it. */
let recorder: Origin;

/** Services are told apart by path: Node resolves `localhost` everywhere, but names under it only on some systems. */
const SERVICES = {
  mocka: {},
  mockb: { path: "/mockb", entry: false },
  mockc: { path: "/mockc", entry: false },
  plain: { path: "/plain" },
  recorder: { path: "/recorder" },
};
/** s2 has a third service of its own, and is entered by a header that no service passes on. */
function laneGroup(s1: Readonly<Record<keyof typeof SERVICES, string>>, s2: { readonly mockc: string }) {
  return {
    schema: 1,
    name: "mock",
    hosts: ["localhost"],
    baseline: "s1",
    services: SERVICES,
    lanes: { s1: { weight: 1, origins: s1 }, s2: { origins: s2 } },
    rules: [{ name: "tester", when: { header: { "x-tester": { exists: true } } }, lane: "s2" }],
  };
}

beforeAll(async () => {
  [router, recorder] = await Promise.all([startRouter(), startOrigin("recorder")]);
  const inside = `http://localhost:${new URL(router.url).port}`;
  const instrumented = (app: string, version: string, next?: string) =>
    startService("service.cjs", { ...OPENTELEMETRY, app, version, ...(next && { upstream_url: `${inside}/${next}` }) });
  const [mocka, mockb, mockc, newMockc, plain] = await Promise.all([
    instrumented("mocka", "v1", "mockb"),
    instrumented("mockb", "v1", "mockc"),
    instrumented("mockc", "v1"),
    instrumented("mockc", "v2"),
    startService("header-service.cjs", { app: "plain", version: "v1", upstream_url: `${inside}/mockc` }),
  ]);
  await router.putGroup("mock", laneGroup({ mocka, mockb, mockc, plain, recorder: recorder.url }, { mockc: newMockc }));
  await router.kv.put("groups", JSON.stringify(["mock"]));
  // A cold router may answer before it has read KV for the first time.
  await vi.waitFor(async () => expect((await router.fetch("/recorder", { host: "localhost" })).status).toBe(200));
});

afterAll(async () => {
  stopServices();
  await Promise.all([router?.dispose(), recorder?.close()]);
});

const chain = (...services: string[]) =>
  services.map((service) => `-> ${service.replace(/ (\w+)$/, "(version: $1, ip: 127.0.0.1)")}`).join("");

async function ask(path: string, headers: Record<string, string> = {}): Promise<{ text: string; hops: Record<string, unknown>[] }> {
  const before = router.logs().length;
  const { text } = await router.fetch(path, { host: "localhost", headers });
  const hops = text.split("->").length - 1;
  // The outermost answer is the last to be logged.
  await expect.poll(() => router.logs().length - before).toBe(hops);
  return { text, hops: router.logs().slice(before).reverse() };
}

/** The context that the router signs for the lane of such a request. */
async function trueContext(headers: Record<string, string>): Promise<string> {
  recorder.reset();
  await router.fetch("/recorder", { host: "localhost", headers });
  return headerOf(recorder.requests[0]!.headers, "x-lane-context") ?? "";
}

it("keeps a request in its lane across three services that only OpenTelemetry connects", async () => {
  const { text, hops } = await ask("/", { "x-tester": "1", baggage: "userId=alice" });
  expect(text).toBe(chain("mocka v1", "mockb v1", "mockc v2"));
  expect(hops.map(({ service, lane, reason, servedBy }) => [service, lane, reason, servedBy])).toEqual([
    ["mocka", "s2", "rule:tester", "s1"],
    ["mockb", "s2", "context", "s1"],
    ["mockc", "s2", "context", "s2"],
  ]);
});

it("keeps a request of the baseline there too, by context", async () => {
  const { text, hops } = await ask("/");
  expect(text).toBe(chain("mocka v1", "mockb v1", "mockc v1"));
  expect(hops.map(({ lane, reason }) => `${lane} ${reason}`)).toEqual(["s1 weight", "s1 context", "s1 context"]);
});

it("keeps the whole chain in one trace, the one that came or one of its own", async () => {
  const given = "4bf92f3577b34da6a3ce929d0e0e4736";
  const came = await ask("/", { traceparent: `00-${given}-00f067aa0ba902b7-01` });
  expect(came.hops.map(({ traceId }) => traceId)).toEqual([given, given, given]);
  const made = new Set((await ask("/")).hops.map(({ traceId }) => traceId));
  expect([...made]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
});

it("believes its own signature and no forged one, in baggage and in the header", async () => {
  const [s1, s2] = [await trueContext({}), await trueContext({ "x-tester": "1" })];
  expect(s1).toContain("~s1~");
  const unsigned = s2.slice(0, s2.lastIndexOf("~") + 1);
  const forged = [s1.replace("~s1~", "~s2~"), `${unsigned}${"A".repeat(s2.length - unsigned.length)}`, unsigned, "s2"];
  const baggage = (context: string) => ({ baggage: `a=1,laneway.mock=${context},b=2` });
  const header = (context: string) => ({ "x-lane-context": context });

  for (const carry of [baggage, header]) {
    expect((await ask("/", carry(s2))).text).toBe(chain("mocka v1", "mockb v1", "mockc v2"));
    for (const context of forged) {
      const { text, hops } = await ask("/", carry(context));
      expect(text).toBe(chain("mocka v1", "mockb v1", "mockc v1"));
      expect(hops.map(({ lane }) => lane)).toEqual(["s1", "s1", "s1"]);
    }
  }
});

it("does not let a forged member travel beside its own, however its key is spelled", async () => {
  for (const key of ["laneway.mock", "%6Caneway.mock", "laneway%2Emock"]) {
    recorder.reset();
    await router.fetch("/recorder", { host: "localhost", headers: { baggage: `${key}=forged,userId=alice` } });
    expect(headerOf(recorder.requests[0]!.headers, "baggage")).toMatch(/^laneway\.mock=1~[^,]+,userId=alice$/);
  }
});

it("carries the lane through a service without OpenTelemetry that passes x-lane-context on", async () => {
  const { text, hops } = await ask("/plain", { "x-tester": "1" });
  expect(text).toBe(chain("plain v1", "mockc v2"));
  expect(hops.map(({ service, lane, reason }) => `${service} ${lane} ${reason}`)).toEqual(["plain s2 rule:tester", "mockc s2 context"]);
  expect((await ask("/plain")).text).toBe(chain("plain v1", "mockc v1"));
});
