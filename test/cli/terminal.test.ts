/** What a person sees and types, at a pseudo-terminal. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { smallestFile } from "../support/lane-file.ts";
import { openTerminal, runLanes } from "../support/lanes.ts";
import { type Router, startRouter } from "../support/router.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

const ADMIN = "admin-token-admin-token-admin-token-0";
const ENTER = "\r";
const CTRL_C = "\u0003";

let cwd: string;
let router: Router;

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "lanes-"));
  const file = smallestFile();
  const lanes = { ...file.lanes, next: { weight: 1, owner: "web", origins: { web: "https://next.example" } } };
  router = await startRouter({ groups: { small: { ...file, lanes } }, bindings: { LANEWAY_ADMIN_TOKEN: ADMIN } });
});
afterAll(async () => {
  await router?.dispose();
  rmSync(cwd, { recursive: true });
});

const options = (env: Readonly<Record<string, string>> = {}) => ({
  cwd,
  env: { LANEWAY_URL: router.url, LANEWAY_ADMIN_TOKEN: ADMIN, ...env },
});
const open = (...args: string[]) => openTerminal(args, options());
const history = async () => JSON.parse((await runLanes(["history", "small", "--json"], options())).out).revisions;

describe("at a terminal", () => {
  it("a write shows its preview, asks why, asks whether, and writes", async () => {
    const terminal = open("shift", "small", "next=60");
    await terminal.sees("10 % of all visitors: main → next");
    await terminal.sees("Why? (the history keeps it)");
    terminal.types(`a test${ENTER}`);
    await terminal.sees("Shift small, as revision 2?");
    terminal.types("y");
    await terminal.sees("✓ small is at revision 2.");
    await terminal.sees("Undo: npx lanes rollback small 1");
    expect(await terminal.ended).toBe(0);
    expect((await history())[0]).toMatchObject({ revision: 2, reason: "a test" });
  });

  it("Enter alone is no, and so is Ctrl-C: nothing is written, exit code 1", async () => {
    const declined = open("shift", "small", "next=70", "--reason", "x");
    await declined.sees("Shift small, as revision 3?");
    declined.types(ENTER);
    await declined.sees("✗ Nothing was written.");
    const stopped = open("rollback", "small");
    await stopped.sees("Why? (the history keeps it)");
    stopped.types(CTRL_C);
    await stopped.sees("✗ Stopped. Nothing was written.");
    expect([await declined.ended, await stopped.ended]).toEqual([1, 1]);
    expect(await history()).toHaveLength(2);
  });

  it("a yes to what somebody else has changed meanwhile is refused, with who it was", async () => {
    const terminal = open("shift", "small", "next=10", "--reason", "slow");
    await terminal.sees("Shift small, as revision 3?");
    const { code } = await runLanes(["shift", "small", "next=90", "--yes", "--actor", "ana", "--reason", "faster"], options());
    expect(code).toBe(0);
    terminal.types("y");
    await terminal.sees("The group is at revision 3.");
    await terminal.sees("3  by ana: faster");
    await terminal.sees("Somebody was faster.");
    expect(await terminal.ended).toBe(1);
    expect(await history()).toHaveLength(3);
  });

  it("has colours, and none under NO_COLOR", async () => {
    const coloured = open("history", "small");
    expect(await coloured.ended).toBe(0);
    expect(coloured.screen()).toContain("\u001b[1msmall\u001b[22m is at revision 3.");
    const plain = openTerminal(["history", "small"], options({ NO_COLOR: "1" }));
    expect(await plain.ended).toBe(0);
    expect(plain.screen()).toContain("small is at revision 3.");
    expect(plain.screen()).not.toContain("\u001b[1m");
    const failed = open("history", "nosuch");
    expect(await failed.ended).toBe(2);
    expect(failed.screen()).toContain("\u001b[31m✗\u001b[39m ");
  });

  it("init asks five questions, says what is wrong with an answer, and takes its own suggestion for Enter", async () => {
    const terminal = open("init");
    await terminal.sees("What is it called?");
    terminal.types(`Shop!${ENTER}`);
    await terminal.sees('expected a name of lower-case letters, digits and "-"');
    terminal.types("\u007f".repeat(5));
    terminal.types(`shop${ENTER}`);
    await terminal.sees("Under which hosts is it reached?");
    terminal.types(`shop.example.com, *.shop.example.com${ENTER}`);
    await terminal.sees("Where does today's version run?");
    terminal.types(`https://shop.example.com${ENTER}`);
    await terminal.sees("requests would come back here");
    terminal.types("\u0015");
    terminal.types(`https://stable.example.net${ENTER}`);
    await terminal.sees("Where does the new version run?");
    terminal.types(`https://next.example.net${ENTER}`);
    await terminal.sees("How many percent of the visitors");
    terminal.types(`120${ENTER}`);
    await terminal.sees('expected a percentage from 0 to 100, got "120"');
    terminal.types(`\u0015${ENTER}`);
    await terminal.sees("✓ lanes/shop.json is written: 10 % of the visitors");
    expect(await terminal.ended).toBe(0);
    expect(JSON.parse(readFileSync(join(cwd, "lanes/shop.json"), "utf8"))).toMatchObject({
      name: "shop",
      hosts: ["shop.example.com", "*.shop.example.com"],
      lanes: { stable: { weight: 90, origins: { web: "https://stable.example.net" } }, next: { weight: 10 } },
    });
  });

  it("an init that is stopped half-way leaves no file", async () => {
    const terminal = open("init", "--name", "half");
    await terminal.sees("Under which hosts is it reached?");
    terminal.types(CTRL_C);
    expect(await terminal.ended).toBe(1);
    expect(existsSync(join(cwd, "lanes/half.json"))).toBe(false);
  });

  it("something slow shows that it goes on, and leaves no trace", async () => {
    const slow = await import("../support/origin.ts").then(({ startOrigin }) => startOrigin("slow"));
    slow.respond(async ({ res }) => {
      await new Promise((done) => setTimeout(done, 1_000));
      res.writeHead(200).end("no Laneway");
    });
    const terminal = openTerminal(["status"], options({ LANEWAY_URL: slow.url }));
    await terminal.sees(`Asking ${slow.url} …`);
    await terminal.sees("not as Laneway's admin API does");
    expect(await terminal.ended).toBe(2);
    await slow.close();
  });
});
