/**
 * A mirrored order on a chain of real services: shop → orders → payment, each an HTTP server that knows nothing of lanes and passes on
 * `baggage` and `traceparent`, as OpenTelemetry does. The dark lane has a shop and orders of its own, and no payment.
 */
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Exchange, headerOf, type Origin, type Responder, type Seen, startOrigin } from "./support/origin.ts";
import * as reply from "./support/replies.ts";
import { type Router, startRouter } from "./support/router.ts";

const MODES = ["block", "stub", "synthetic", "send", "no-promise"] as const;
type Mode = (typeof MODES)[number];

const NAMES = ["shop", "orders", "payment", "dark-shop", "dark-orders"] as const;
let origins: Readonly<Record<(typeof NAMES)[number], Origin>>;
let router: Router;
/** Orders that were charged for good. */
let ledger: string[];
/** What the payment service has rolled back. */
let rolledBack: string[];
/** What the services got from the next one, by the service's name. */
let got: Map<string, { status: number; body: unknown }[]>;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A call of the next service at its public name. */
function call(host: string, { method, url }: Seen, body: Buffer, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(router.url);
    const sent = httpRequest(
      { hostname, port, method, path: url, headers: { host, ...headers, "content-length": body.length } },
      async (response) => {
        resolve({ status: response.statusCode ?? 0, text: (await response.toArray()).join("") });
      },
    );
    sent.on("error", reject).end(body);
  });
}

/** Passes on `names` of what came, and answers with what the next service said. */
const service =
  (name: string, next: string, names: readonly string[] = ["baggage", "traceparent"]): Responder =>
  async (exchange: Exchange) => {
    const { seen } = exchange;
    await seen.received;
    const group = /^laneway\.([a-z-]+)=/.exec(headerOf(seen.headers, "baggage") ?? "")?.[1];
    const host = `${next}.${group ?? headerOf(seen.headers, "x-lane-context")!.split("~")[1]}.example`;
    const passed = names.flatMap((header) => {
      const value = headerOf(seen.headers, header);
      return value === undefined ? [] : [[header, value] as const];
    });
    const { status, text } = await call(host, seen, seen.body, Object.fromEntries(passed));
    got.set(name, [...(got.get(name) ?? []), { status, body: JSON.parse(text) }]);
    await reply.json({ by: name, next: JSON.parse(text) }, status)(exchange);
  };

/** Charges, unless the request is a transaction to be rolled back. */
const payment: Responder = async (exchange) => {
  const { seen } = exchange;
  await seen.received;
  if (seen.method !== "POST") return reply.json({ by: "payment", limit: 100 })(exchange);
  const { order } = JSON.parse(seen.body.toString()) as { order: string };
  (headerOf(seen.headers, "x-lane-synthetic") === "true" ? rolledBack : ledger).push(order);
  return reply.json({ by: "payment", id: `charge-${order}` }, 201)(exchange);
};

const groupOf = (mode: Mode) => ({
  schema: 1,
  name: mode,
  hosts: [`${mode}.example`, `*.${mode}.example`],
  baseline: "live",
  services: {
    shop: {},
    orders: { hosts: [`orders.${mode}.example`], entry: false },
    payment: { hosts: [`payment.${mode}.example`], entry: false, mirrored: mode === "no-promise" ? "synthetic" : mode },
  },
  lanes: {
    live: {
      weight: 1,
      origins: {
        shop: origins.shop.url,
        orders: origins.orders.url,
        payment: { url: origins.payment.url, synthetic: mode === "synthetic" },
      },
    },
    dark: { origins: { shop: origins["dark-shop"].url, orders: origins["dark-orders"].url } },
  },
  mirrors: [{ name: "order", lane: "dark", percent: 100, writes: "send" }],
  stubs: [
    {
      service: "payment",
      when: { method: "POST", path: { prefix: "/order" } },
      response: { status: 201, json: { by: "stub", id: "stubbed" } },
    },
  ],
});

beforeAll(async () => {
  const started = await Promise.all(NAMES.map(startOrigin));
  origins = Object.fromEntries(NAMES.map((name, i) => [name, started[i]!])) as typeof origins;
  router = await startRouter({ groups: Object.fromEntries(MODES.map((mode) => [mode, groupOf(mode)])) });
}, 30_000);
afterAll(() => Promise.all([router?.dispose(), ...Object.values(origins ?? {}).map((origin) => origin.close())]));
beforeEach(() => {
  [ledger, rolledBack, got] = [[], [], new Map()];
  for (const origin of Object.values(origins)) origin.reset();
  origins.shop.respond(service("shop", "orders"));
  origins.orders.respond(service("orders", "payment"));
  origins["dark-shop"].respond(service("dark-shop", "orders"));
  origins["dark-orders"].respond(service("dark-orders", "payment"));
  origins.payment.respond(payment);
});

let orders = 0;

/** One order, and all that came of it: the live answer, and the copy's way to its end. */
async function order(mode: Mode, method = "POST") {
  const id = `order-${++orders}`;
  const answer = await router.fetch(`/order/${id}`, {
    method,
    host: `${mode}.example`,
    ...(method === "POST" && { body: JSON.stringify({ order: id }) }),
  });
  await vi.waitFor(() => expect(got.get("dark-shop")).toHaveLength(1));
  const seen = (name: (typeof NAMES)[number]) => origins[name].requests;
  const isCopy = ({ headers }: Seen) => headerOf(headers, "x-lane-mirror") === `${mode}/order`;
  return {
    id,
    answer,
    seen,
    copies: (name: (typeof NAMES)[number]) => seen(name).filter(isCopy),
    originals: (name: (typeof NAMES)[number]) => seen(name).filter((one) => !isCopy(one)),
  };
}

describe("a mirrored order", () => {
  it.each(MODES)("goes three hops, live and dark, and the live one is as if there were no copy: %s", async (mode) => {
    const { id, answer, originals, copies } = await order(mode);
    expect(answer.status).toBe(201);
    expect(JSON.parse(answer.text)).toEqual({ by: "shop", next: { by: "orders", next: { by: "payment", id: `charge-${id}` } } });
    expect([originals("shop"), originals("orders"), originals("payment")].map((seen) => seen.length)).toEqual([1, 1, 1]);
    expect([originals("dark-shop"), originals("dark-orders")]).toEqual([[], []]);
    expect([copies("shop"), copies("orders")]).toEqual([[], []]);
    expect([copies("dark-shop"), copies("dark-orders")].map((seen) => seen.length)).toEqual([1, 1]);
    for (const [name, host] of [
      ["dark-shop", `${mode}.example-shadow`],
      ["dark-orders", `orders.${mode}.example-shadow`],
    ] as const) {
      expect(copies(name)[0]!.body.toString()).toBe(JSON.stringify({ order: id }));
      expect(headerOf(copies(name)[0]!.headers, "x-forwarded-host")).toBe(host);
    }
    expect(ledger.filter((one) => one === id)).toHaveLength(mode === "send" ? 2 : 1);
  });

  it.each(["block", "no-promise"] as const)("is refused its payment, and nothing is sent: %s", async (mode) => {
    const { copies } = await order(mode);
    const refused = { type: "urn:laneway:mirror-blocked", title: "mirror-blocked", status: 403, detail: expect.any(String) };
    expect(got.get("dark-orders")).toEqual([{ status: 403, body: refused }]);
    expect(copies("payment")).toEqual([]);
    expect(rolledBack).toEqual([]);
  });

  it("gets the stub's answer, and the live payment sees nothing", async () => {
    const { copies } = await order("stub");
    expect(got.get("dark-orders")).toEqual([{ status: 201, body: { by: "stub", id: "stubbed" } }]);
    expect(copies("payment")).toEqual([]);
  });

  it("is a synthetic transaction where payment promises to roll back, and is charged once", async () => {
    const { id, copies, originals } = await order("synthetic");
    expect(rolledBack).toEqual([id]);
    expect(ledger).toEqual([id]);
    expect(got.get("dark-orders")).toEqual([{ status: 201, body: { by: "payment", id: `charge-${id}` } }]);
    expect(headerOf(copies("payment")[0]!.headers, "x-lane-synthetic")).toBe("true");
    expect(headerOf(originals("payment")[0]!.headers, "x-lane-synthetic")).toBeUndefined();
  });

  it("is sent marked where the lane file says `send`", async () => {
    const { copies } = await order("send");
    expect(copies("payment")).toHaveLength(1);
    expect(headerOf(copies("payment")[0]!.headers, "x-lane-synthetic")).toBeUndefined();
  });
});

describe("a mirrored read", () => {
  it.each(MODES)("passes to the end, marked: %s", async (mode) => {
    const { copies, originals, answer } = await order(mode, "GET");
    expect(answer.status).toBe(200);
    expect(copies("payment")).toHaveLength(1);
    expect(originals("payment")).toHaveLength(1);
    expect(headerOf(copies("payment")[0]!.headers, "x-forwarded-host")).toBe(`payment.${mode}.example-shadow`);
  });
});

describe("a dark service", () => {
  it("that passes on the header instead of the baggage keeps the mark as well", async () => {
    origins["dark-shop"].respond(service("dark-shop", "orders", ["x-lane-context"]));
    origins["dark-orders"].respond(service("dark-orders", "payment", ["x-lane-context"]));
    const { id, copies } = await order("stub");
    expect(got.get("dark-orders")).toEqual([{ status: 201, body: { by: "stub", id: "stubbed" } }]);
    expect(copies("payment")).toEqual([]);
    expect(ledger).toEqual([id]);
  });

  it("that fails is not replaced by a live one", async () => {
    origins["dark-orders"].respond(reply.answer(503, "{}"));
    const { originals, copies } = await order("stub");
    expect(got.get("dark-shop")).toEqual([{ status: 503, body: {} }]);
    expect([originals("orders").length, copies("orders").length]).toEqual([1, 0]);
  });
});
