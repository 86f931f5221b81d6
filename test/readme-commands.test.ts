/** The README's commands as a newcomer types them, line by line, in a fresh copy; what it shows as output is what is printed. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type FreshCopy, freshCopy, type LongRun } from "./support/fresh-copy.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const README = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
const DEMO = "http://mock.localhost:8787";

type Step = { readonly line: string; readonly shows: string | null };

/** The lines of a section's `sh` blocks; a `text` block shows what the line before it prints. */
function stepsOf(section: string): Step[] {
  const text = section === "" ? README.split("\n## ")[0]! : README.split(`\n## ${section}\n`)[1]!.split("\n## ")[0]!;
  const steps: Step[] = [];
  for (const [, language, block] of text.matchAll(/^```(sh|text)\n([\s\S]*?)^```$/gm)) {
    if (language === "sh")
      steps.push(
        ...block!
          .trimEnd()
          .split("\n")
          .map((line) => ({ line, shows: null })),
      );
    else steps.push({ line: steps.pop()!.line, shows: block! });
  }
  expect(steps.length).toBeGreaterThan(0);
  return steps;
}

let copy: FreshCopy;
let demo: LongRun;
/** The demo's port may be taken on this machine; it says which it has. */
let at: (text: string) => string;

beforeAll(async () => {
  copy = freshCopy();
  const [first, second, ...others] = stepsOf("").map(({ line }) => line);
  expect([first, second, others]).toEqual(["npm ci && npm run demo", "npm ci && npm test", []]);
  demo = copy.start(first!.replace("npm ci && ", ""));
  await demo.says("Ctrl-C ends it.");
  const [, port] = /run on port (\d+)/.exec(demo.said())!;
  at = (text) => text.replaceAll("8787", port!);
});
afterAll(async () => {
  await copy?.remove();
});

const INIT = [
  ["What is it called?", "shop\r"],
  ["Under which hosts is it reached?", "shop.example.com\r"],
  ["Where does today's version run?", "\r"],
  ["Where does the new version run?", "\r"],
  ["How many percent of the visitors", "\r"],
] as const;

const token = () => /Log in with: +(\w+)/.exec(demo.said())![1]!;
/** Enter to "why?", yes to "shall I?". */
const YES = [
  ["Why? (the history keeps it)", "\r"],
  ["Yes", "y"],
] as const;
const YES_ONLY = [["Yes", "y"]] as const;

describe("the README's commands", () => {
  it("are told from what they print by the language of their blocks, so that all of them are run here", () => {
    const unnamed = [...README.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, language, block]) => (language === "" ? block! : []));
    expect(unnamed.filter((block) => /^(?:npm|npx|curl|export) /m.test(block))).toEqual([]);
    const sections = README.split("\n## ").filter((section) => section.includes("```sh\n"));
    expect(sections.map((section) => section.split("\n")[0])).toEqual(["# Laneway", "Shift a weight", "Operate it", "First deploy"]);
    // Copied into zsh, `# …` behind a command would be words of it.
    expect(
      sections.flatMap((section) => [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!)).join(""),
    ).not.toMatch(/ #/);
  });

  it("fault D5: shift a weight of the demo by a KV put", async () => {
    for (const { line, shows } of stepsOf("Shift a weight")) {
      // At once, and not when asked again: whoever types them types them once.
      const { code, text } = await copy.bash(at(line));
      expect(code, `${line}\n${text}`).toBe(0);
      if (shows !== null) expect(text.trimEnd(), line).toBe(at(shows).trimEnd());
    }
  });

  it("operate the demo, and find its token by themselves", async () => {
    for (const { line } of stepsOf("Operate it")) {
      const asks = /lanes (?:shift|rollback|off|on) /.test(line);
      const { code, text } = await copy.bash(at(line), asks ? (line.includes("--reason") ? YES_ONLY : YES) : undefined);
      expect(code, `${line}\n${text}`).toBe(0);
    }
    const { revisions } = JSON.parse((await copy.bash("npx lanes history mock --json")).text);
    expect(revisions.slice(0, 2)).toMatchObject([{ by: expect.any(String) }, { reason: "first week" }]);
  });

  it("fault D4: deploy a first lane, up to the account; the samples stay here and block nothing", async () => {
    const out = join(copy.folder, "dist/dry");
    const local: Record<string, string> = { LANEWAY_URL: DEMO.replace("mock.localhost", "127.0.0.1"), "$(cat .lanes-token)": token() };
    let exported = "";
    for (const { line } of stepsOf("First deploy")) {
      if (/wrangler (?:login|kv namespace create|secret put)/.test(line)) continue;
      if (line.startsWith("export ")) {
        exported = `${at(line).replace("https://shop.example.com", at(local.LANEWAY_URL!)).replace("$(cat .lanes-token)", token())}; `;
        continue;
      }
      const answers = line === "npx lanes init" ? INIT : line.includes("lanes publish") ? YES_ONLY : undefined;
      const typed = line.startsWith("npx wrangler deploy ") ? `${line} --dry-run --outdir ${out}` : line;
      const { code, text } = await copy.bash(exported + typed, answers);
      expect(code, `${line}\n${text}`).toBe(0);
    }
    const file = JSON.parse(readFileSync(join(copy.folder, "lanes/shop.json"), "utf8"));
    expect(file).toMatchObject({ name: "shop", hosts: ["shop.example.com"] });
    const bundle = readFileSync(join(out, "worker.js"), "utf8");
    expect(bundle).toContain("https://stable.example.net");
    for (const sample of readdirSync(join(copy.folder, "lanes/samples"))) {
      if (!sample.endsWith(".json")) continue;
      const { note } = JSON.parse(readFileSync(join(copy.folder, "lanes/samples", sample), "utf8"));
      expect(bundle).not.toContain(note);
    }
    expect(JSON.parse((await copy.bash("npx lanes history shop --json")).text).revisions).toMatchObject([
      { revision: 1, reason: "first lane" },
    ]);
    expect(copy.changes()).toBe("?? lanes/shop.json\n");
  });

  it("fault D4: leave a Worker that builds without any lane file, and not with one that is broken", async () => {
    const path = join(copy.folder, "lanes/shop.json");
    const text = readFileSync(path);
    rmSync(path);
    const without = await copy.bash("npx wrangler deploy --dry-run");
    const wrong = [];
    for (const broken of [
      '{ "schema": 1,,',
      String(text).replace('"baseline": "', '"baseline": "no'),
      String(text).replace('"shop"', '"shoq"'),
    ]) {
      writeFileSync(path, broken);
      wrong.push(await copy.bash("npm run bundle-lanes"));
    }
    const deploy = await copy.bash("npx wrangler deploy --dry-run");
    writeFileSync(path, text);
    const sound = await copy.bash("npx wrangler deploy --dry-run");
    expect(without.code).toBe(0);
    expect(wrong.map(({ code }) => code)).toEqual([1, 1, 1]);
    expect(wrong[0]!.text).toMatch(/^ {2}lanes\/shop\.json: .*JSON/m);
    expect(wrong[1]!.text).toMatch(/^ {2}lanes\/shop\.json: baseline: .+$/m);
    expect(wrong[2]!.text).toMatch(/^ {2}lanes\/shop\.json: name: expected the file's name, "shop", got "shoq"$/m);
    expect(deploy).toMatchObject({ text: expect.stringContaining("cannot go along with the Worker") });
    expect(deploy.code).not.toBe(0);
    expect(sound).toMatchObject({ code: 0, text: expect.stringContaining("With the Worker go: lanes/shop.json") });
  });
});
