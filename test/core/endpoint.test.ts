import fc from "fast-check";
import { expect, it } from "vitest";
import { endpointName } from "../../src/core/endpoint.ts";

it.each([
  ["/", "/"],
  ["/product/42", "/product/:id"],
  ["/product/42/reviews/7.json", "/product/:id/reviews/:id.json"],
  ["/orders/550e8400-e29b-41d4-a716-446655440000", "/orders/:id"],
  ["/blobs/d670460b4b4aece5915caf5c68d12f560a9fe3e4", "/blobs/:id"],
  ["/blobs/da39a3e.png", "/blobs/:id.png"],
  ["/o/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/o/:id"],
  ["/o/V1StGXR8_Z5jdHi6B-myT", "/o/:id"],
  ["/customers/cus_NffrFeUfNV2Hib", "/customers/:id"],
  ["/orders/order-1234567", "/orders/:id"],
  ["/auth/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP", "/auth/:id"],
  ["/log/2026-01-31", "/log/:id"],
  ["/users/ada%40example.com", "/users/:id"],
  ["/users/ada@example.com", "/users/:id"],
  ["/search/gr%C3%BCne%20schuhe", "/search/:id"],
  ["/a;jsessionid=x1/b", "/:id/b"],
  ["/api/v2/oauth2/getUserByIdAndName", "/api/v2/oauth2/getUserByIdAndName"],
  ["/annual-report-2026-summary/top-10-of-2026", "/annual-report-2026-summary/top-10-of-2026"],
  ["/b2b-shop/h264a/p2p", "/b2b-shop/h264a/p2p"],
  ["/decade/facade/favicon.ico", "/decade/facade/favicon.ico"],
  ["/.well-known/security.txt", "/.well-known/security.txt"],
  ["/v1/items:batchGet", "/v1/items:batchGet"],
  ["//a/", "//a/"],
  ["/reset/x7-abc", "/reset/:id"],
  ["/password-reset/MQ/c3k-abc/", "/password-reset/MQ/:id/"],
  ["/reset/done", "/reset/done"],
  ["/reset/hQxVbNmKpLrTzWsD", "/reset/:id"],
  ["/invite/bcdfghjkmnpq/x", "/invite/:id/x"],
  ["/verify/ABCDEFGHJKLMNPQR", "/verify/:id"],
  ["/auth/getUserByIdAndName", "/auth/getUserByIdAndName"],
  ["/login/forgotten-password-instructions", "/login/forgotten-password-instructions"],
])("the endpoint of %s is %s", (path, name) => {
  expect(endpointName("GET", path)).toBe(`GET ${name}`);
});

it("has the names of the GraphQL operations, three at most", () => {
  const of = (...operations: string[]) => endpointName("POST", "/graphql", operations);
  expect(of("GetCart")).toBe("POST /graphql#GetCart");
  expect(of("A", "B", "C", "D")).toBe("POST /graphql#A+B+C+…");
  expect(of("ada@example.com", "q1234567")).toBe("POST /graphql#:id+:id");
  expect(endpointName("POST", `/${"word-".repeat(20)}`.repeat(3), ["x-".repeat(500)]).length).toBeLessThanOrEqual(160);
});

it("tells methods apart", () => {
  expect(endpointName("POST", "/cart")).toBe("POST /cart");
});

it("is cut in whole segments where a path goes on", () => {
  expect(endpointName("GET", "/a".repeat(12))).toBe(`GET ${"/a".repeat(12)}`);
  expect(endpointName("GET", "/a".repeat(13))).toBe(`GET ${"/a".repeat(12)}/…`);
  expect(endpointName("GET", `/${"word-".repeat(20)}`.repeat(3))).toBe(`GET /${"word-".repeat(20)}/…`);
});

it("is never longer than 160 characters", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("GET", "X".repeat(200)),
      fc.string({ unit: fc.constantFrom("/", "a", "b-", "é", "%"), maxLength: 400 }),
      (method, path) => {
        const name = endpointName(method, path);
        expect(name.length).toBeLessThanOrEqual(160);
      },
    ),
    { seed: 4, numRuns: 300 },
  );
});

it("gives one name to many ids", () => {
  const id = fc.oneof(fc.uuid(), fc.nat().map(String), fc.emailAddress().map(encodeURIComponent), fc.stringMatching(/^[0-9a-f]{24}$/));
  const ids = fc.sample(id, { seed: 4, numRuns: 500 });
  expect(new Set(ids.map((id) => endpointName("GET", `/x/${id}`)))).toEqual(new Set(["GET /x/:id"]));
});
