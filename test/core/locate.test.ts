import { describe, expect, it } from "vitest";
import { findGroup, findService, indexGroups } from "../../src/core/locate.ts";
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
