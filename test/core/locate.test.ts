import { describe, expect, it } from "vitest";
import { entryHosts, findGroup, findService, indexGroups } from "../../src/core/locate.ts";
import { groupOf } from "../support/decision.ts";

const ONE = { services: { web: {} }, lanes: { s1: { weight: 1, origins: { web: "https://one.test" } } } };
const groups = (hosts: Record<string, string[]>) =>
  indexGroups(Object.entries(hosts).map(([name, of]) => groupOf({ ...ONE, name, hosts: of })));

describe("the group of a host", () => {
  const index = groups({ exact: ["a.b.example"], near: ["*.b.example"], far: ["*.example"], any: ["*"] });
  it.each([
    ["a.b.example", "exact"],
    ["x.b.example", "near"],
    ["y.x.b.example", "near"],
    ["b.example", "far"],
    ["example", "any"],
    ["other.test", "any"],
  ])("%s is %s", (host, name) => expect(findGroup(index, host)?.name).toBe(name));

  it("is none where nobody claims it, and never that of an empty host", () => {
    expect(findGroup(groups({ one: ["a.example"] }), "b.example")).toBeNull();
    expect(findGroup(index, "")).toBeNull();
  });

  it("is the first by name where two claim it", () => {
    expect(findGroup(groups({ zed: ["a.example"], alpha: ["a.example"] }), "a.example")?.name).toBe("alpha");
    expect(findGroup(groups({ zed: ["*"], alpha: ["*"] }), "a.example")?.name).toBe("alpha");
  });
});

describe("the service of a host and path", () => {
  const services = {
    any: {},
    under: { hosts: ["*.shop.example"] },
    api: { hosts: ["api.shop.example"], path: "/v1" },
    deep: { hosts: ["api.shop.example"], path: "/v1/deep/" },
    admin: { path: "/admin" },
  };
  const lanes = { s1: { weight: 1, origins: Object.fromEntries(Object.keys(services).map((name) => [name, `https://${name}.test`])) } };
  const { serviceIndex } = groupOf({ services, lanes });
  it.each([
    ["shop.example", "/", "any"],
    ["shop.example", "/admin", "admin"],
    ["shop.example", "/admin/x", "admin"],
    ["shop.example", "/administrator", "any"],
    ["www.shop.example", "/admin", "under"],
    ["api.shop.example", "/v1/x", "api"],
    ["api.shop.example", "/v1/deep", "deep"],
    ["api.shop.example", "/v1/deep/x", "deep"],
    ["api.shop.example", "/v1/deeper", "api"],
    ["api.shop.example", "/v2", "under"],
  ])("%s%s is %s", (host, path, name) => expect(findService(serviceIndex, host, path)?.name).toBe(name));

  it("is none where no path fits, and a path of ten thousand slashes is no work", () => {
    const only = { services: { web: { path: "/only" } }, lanes: { s1: { weight: 1, origins: { web: "https://one.test" } } } };
    expect(findService(groupOf(only).serviceIndex, "shop.example", "/other")).toBeNull();
    const started = performance.now();
    for (let i = 0; i < 10_000; i++) findService(serviceIndex, "shop.example", "/".repeat(10_000));
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe("the hosts where visitors may get a lane", () => {
  const of = (hosts: string[], services: Record<string, object>) => {
    const origins = Object.fromEntries(Object.keys(services).map((name) => [name, `https://${name}.test`]));
    return entryHosts(groupOf({ hosts, services, lanes: { s1: { weight: 1, origins } } }));
  };
  const inner = { entry: false };

  it("are the group's, less those that a service without entry has as a whole", () => {
    expect(of(["a.test.example", "b.test.example"], { web: {} })).toEqual(["a.test.example", "b.test.example"]);
    expect(of(["a.test.example", "b.test.example"], { web: {}, api: { hosts: ["b.test.example"], ...inner } })).toEqual(["a.test.example"]);
    expect(of(["a.test.example", "b.test.example"], { web: {}, api: { hosts: ["b.test.example"], path: "/v1", ...inner } })).toHaveLength(
      2,
    );
    expect(of(["a.test.example"], { web: inner, shop: { path: "/shop" } })).toEqual(["a.test.example"]);
    expect(of(["a.test.example"], { web: inner })).toEqual([]);
    expect(of(["a.test.example"], { web: { entry: "signed" } })).toEqual([]);
  });

  it("are wildcards, too, and the hosts under them that have a service of their own", () => {
    expect(of(["*.shop.example"], { web: {} })).toEqual(["*.shop.example"]);
    expect(of(["*.shop.example"], { web: { hosts: ["www.shop.example"] } })).toEqual(["www.shop.example"]);
    expect(of(["*.shop.example"], { web: {}, api: { hosts: ["*.shop.example"], ...inner } })).toEqual([]);
    expect(of(["*.shop.example"], { web: inner, api: { hosts: ["*.api.shop.example"] } })).toEqual(["*.api.shop.example"]);
    expect(of(["*"], { web: {}, api: { hosts: ["api.test.example"], ...inner } })).toEqual(["*"]);
  });
});
