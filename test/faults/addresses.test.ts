/** Contract section 4: an answer that names the origin's own address leads its reader back to it by the public one, however it is named. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { PLANT_HEADER, plantable } from "../support/plant.ts";
import { sendRaw } from "../support/raw-client.ts";
import * as reply from "../support/replies.ts";
import { clientSaw, group, sleep, startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld(
    (origins) => {
      const { s1, s3 } = origins;
      const of = (name: string, web: unknown) =>
        group(name, origins, { lanes: { s1: { weight: 1, origins: { web } }, s3: { origins: { web: s3.url } } }, rules: [] });
      const files = [
        of("plain", s1.url),
        of("prefixed", `${s1.url}/prefix`),
        of("stripped", { url: s1.url, strip: "/api" }),
        of("bound", { binding: "APP", strip: "/api" }),
      ];
      return Object.fromEntries(files.map((file) => [file.name, file]));
    },
    {
      build: plantable,
      workers: {
        APP: `export default { fetch(request) {
          const headers = { "x-asked": request.url };
          const location = request.headers.get("x-give");
          if (location !== null) headers.location = location;
          return new Response(null, { status: location === null ? 200 : 302, headers });
        } }`,
      },
    },
  );
  for (let i = 0; i < 100 && (await world.router.fetch("/", { host: "plain.example" })).status !== 200; i++) await sleep(20);
}, 30_000);
afterAll(() => world?.close());
beforeEach(() => world.reset());

/** Lines of this name that the client gets for an answer with these. */
async function linesOf(name: string, lines: readonly string[], host: string, path = "/x", more: readonly string[] = []) {
  world.s1.respond(reply.raw(["HTTP/1.1 302 Found", ...lines, "Content-Length: 0", "Connection: close", "", ""].join("\r\n")));
  const answer = await sendRaw(
    world.router.url,
    [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...more, "Connection: close", "", ""].join("\r\n"),
  );
  clientSaw(`${answer.status}`);
  return answer.headerLines.filter((line) => line.toLowerCase().startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
}

describe("an address in an answer", () => {
  it.each<[string, readonly string[]]>([
    ["to a lane", []],
    ["when our own code fails", [`${PLANT_HEADER}: decide`]],
  ])("fault B4: keeps its change of scheme, and gets the prefix that was stripped: %s", async (_, more) => {
    for (const [location, mapped] of [
      ["https://stripped.example/login", "https://stripped.example/api/login"],
      ["https://stripped.example/api/login", "https://stripped.example/api/login"],
      ["//stripped.example/login", "http://stripped.example/api/login"],
      ["wss://stripped.example/login", "wss://stripped.example/api/login"],
      ["https://other.example/login", "https://other.example/login"],
    ] as const) {
      expect(await linesOf("location", [`Location: ${location}`], "stripped.example", "/api/x", more)).toEqual([mapped]);
    }
  });

  it("fault B4: of a binding leads back to what the binding named, by a path or by its host", async () => {
    for (const [give, asked] of [
      ["/api/y", "/api/y"],
      ["/y?q", "/y?q"],
      ["z", "/deep/z"],
      ["https://bound.example/y", "/y"],
      ["http://bound.example/y", "/y"],
    ] as const) {
      const { headers } = await world.router.fetch("/api/deep/x", { host: "bound.example", headers: { "x-give": give } });
      const next = new URL(String(headers.location), "http://bound.example/api/deep/x");
      const came = await world.router.fetch(next.pathname + next.search, { host: next.host });
      expect([give, came.headers["x-asked"], next.protocol]).toEqual([
        give,
        `http://bound.example${asked}`,
        give.startsWith("https") ? "https:" : "http:",
      ]);
    }
  });

  it("fault B4: is the public one for a WebSocket, too, and for what a link is about", async () => {
    const { host, origin } = new URL(world.s1.url);
    for (const scheme of ["ws", "wss"]) {
      expect(await linesOf("location", [`Location: ${scheme}://${host}/prefix/x`], "prefixed.example")).toEqual([
        "ws://prefixed.example/x",
      ]);
      expect(await linesOf("link", [`Link: <${scheme}://${host}/prefix/x>; rel=x`], "prefixed.example")).toEqual([
        "<ws://prefixed.example/x>; rel=x",
      ]);
    }
    expect(await linesOf("link", [`Link: </prefix/x>; rel=next; anchor="${origin}/prefix/y"`], "prefixed.example")).toEqual([
      '</x>; rel=next; anchor="http://prefixed.example/y"',
    ]);
    expect(await linesOf("link", [`Link: <a>; rel=x;anchor="${origin}/y", <b>`], "plain.example")).toEqual([
      '<a>; rel=x;anchor="http://plain.example/y", <b>',
    ]);
  });

  it.each(["Location", "Content-Location", "Refresh"])("fault B4: %s is one line, and none of the origin's is in it", async (name) => {
    const { url } = world.s1;
    const before = name === "Refresh" ? "0;url=" : "";
    const twice = (first: string, second: string) => [`${name}: ${before}${first}`, `${name}: ${before}${second}`];
    const of = (host: string, lines: readonly string[]) => linesOf(name.toLowerCase(), lines, host);
    expect(await of("plain.example", twice(`${url}/a`, `${url}/b`))).toEqual([`${before}http://plain.example/a`]);
    expect(await of("prefixed.example", twice(`${url}/prefix/a`, `${url}/prefix/b`))).toEqual([`${before}http://prefixed.example/a`]);
    expect(await of("plain.example", twice("/a", `${url}/b`))).toEqual([`${before}/a`]);
    // Nothing of ours to mend: what the origin said, for its client to judge.
    expect((await of("plain.example", twice("/a", "/b"))).join(", ")).toBe(`${before}/a, ${before}/b`);
  });

  it("on the origin's host outside of its path has no public name, and stays", async () => {
    const { origin } = new URL(world.s1.url);
    expect(await linesOf("location", [`Location: ${origin}/outside`], "prefixed.example")).toEqual([`${origin}/outside`]);
  });
});
