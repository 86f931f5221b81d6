/** Who takes part in the demo, and what must come out of it: the chains and the table of the documents the examples are from. */
import { readFileSync } from "node:fs";

export interface ServiceWorker {
  /** Name of the Worker, and of the router's binding to it. */
  readonly binding: string;
  /** Relative to the repository. */
  readonly entry: string;
  readonly vars: Readonly<Record<string, string>>;
}

export const GROUPS = ["mock", "version", "product", "catalog"] as const;
export type GroupName = (typeof GROUPS)[number];

/** The lane file as it stands: what goes into KV. */
export function laneFile(group: GroupName): string {
  return readFileSync(`${import.meta.dirname}/../../lanes/samples/${group}.json`, "utf8");
}

/** Lane → share of the visitors, 0…1. */
export function configuredShares(group: GroupName): Map<string, number> {
  const { lanes } = JSON.parse(laneFile(group)) as { lanes: Record<string, { weight?: number }> };
  const total = Object.values(lanes).reduce((sum, { weight = 0 }) => sum + weight, 0);
  return new Map(Object.entries(lanes).map(([name, { weight = 0 }]) => [name, weight / total]));
}

const chain = (a: string, b: string, c: string) =>
  Object.entries({ mocka: a, mockb: b, mockc: c })
    .map(([app, version]) => `-> ${app}(version: ${version}, ip: 127.0.0.1)`)
    .join("");

/** Lane → the only chain its requests may take. */
export const CHAINS: Readonly<Record<"mock" | "version", Readonly<Record<string, string>>>> = {
  mock: { s1: chain("v1", "v1", "v1"), s2: chain("v2", "v1", "v2"), s3: chain("v1", "v3", "v1") },
  version: { v1: chain("v1", "v1", "v1"), v2: chain("v2", "v1", "v2"), v3: chain("v3", "v3", "v1") },
};

const LIVE = "Hello from API 1!\nHello from API 2!\nHello from API 3!";
/** What `/product/123` answers, without and with the baggage member `pr`. */
export const GREETINGS = { live: `${LIVE}\n`, withPr: `${LIVE} This is a new version of the app\n` } as const;

/** The service Workers; each calls the next one's public host on the router's `port`. */
export function serviceWorkers(port: number): ServiceWorker[] {
  const mock = (group: "mock" | "version", app: string, version: string, next?: string): ServiceWorker => ({
    binding: `${group === "mock" ? "" : "VERSION_"}${app}_${version}`.toUpperCase(),
    entry: "src/demo/mock-service.ts",
    vars: { app, version, ...(next && { upstream_url: `http://${next}.${group}.localhost:${port}/` }) },
  });
  const mocks = (group: "mock" | "version", a: string[], b: string[], c: string[]) => [
    ...a.map((version) => mock(group, "mocka", version, "mockb")),
    ...b.map((version) => mock(group, "mockb", version, "mockc")),
    ...c.map((version) => mock(group, "mockc", version)),
  ];
  const product = (binding: string, greeting: string, next?: string): ServiceWorker => ({
    binding,
    entry: "src/demo/product-service.ts",
    vars: { greeting, ...(next && { upstream_url: `http://${next}.product.localhost:${port}/` }) },
  });
  return [
    ...mocks("mock", ["v1", "v2"], ["v1", "v3"], ["v1", "v2"]),
    ...mocks("version", ["v1", "v2", "v3"], ["v1", "v3"], ["v1", "v2"]),
    product("APP1", "Hello from API 1!", "app2"),
    product("APP2", "Hello from API 2!", "app3"),
    product("APP3", "Hello from API 3!"),
    product("APP3_NEW", "Hello from API 3! This is a new version of the app"),
    ...["v1", "v2"].map((version) => ({
      binding: `CATALOG_${version.toUpperCase()}`,
      entry: "src/demo/catalog-service.ts",
      vars: { version },
    })),
  ];
}
