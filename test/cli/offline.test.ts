/** The verbs that need nobody: help, init, check, plan against a file, completion. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseLaneGroupText } from "../../src/core/parse-lane-group.ts";
import { smallestFile } from "../support/lane-file.ts";
import { type Ran, runLanes, spawnLanes } from "../support/lanes.ts";

vi.setConfig({ testTimeout: 30_000 });

const VERBS = ["init", "check", "plan", "publish", "pull", "shift", "rollback", "history", "explain", "status", "differences", "off", "on"];

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "lanes-"));
});
afterAll(() => rmSync(cwd, { recursive: true }));

const lanes = (...args: string[]): Promise<Ran> => runLanes(args, { cwd });
const put = (name: string, value: unknown) =>
  writeFileSync(join(cwd, name), typeof value === "string" ? value : JSON.stringify(value, null, 2));

describe("without arguments", () => {
  it("the verbs are listed with what they do, and where to read on", async () => {
    const { code, out } = await spawnLanes([]);
    expect(code).toBe(0);
    for (const verb of VERBS) expect(out).toMatch(new RegExp(`^ {2}${verb} `, "m"));
    expect(out).toContain("LANEWAY_ADMIN_TOKEN");
    expect(out).not.toMatch(/^ {2}complete /m);
    // A pipe gets no colours.
    expect(out).not.toContain("\u001b");
  });

  it("an unknown verb or option is not asked, and something near is offered", async () => {
    expect(await lanes("chek")).toMatchObject({ code: 2, err: expect.stringContaining("(Did you mean check?)") });
    expect(await lanes("check", "--jsn")).toMatchObject({ code: 2, err: expect.stringContaining("(Did you mean --json?)") });
    expect(await lanes("shift", "mock")).toMatchObject({ code: 2, err: expect.stringContaining("lane=percent") });
  });

  it("the version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(`${import.meta.dirname}/../../package.json`, "utf8"));
    expect(await lanes("--version")).toMatchObject({ code: 0, out: `${version}\n` });
  });

  it("what is meant to be typed is written as it is typed", async () => {
    const source = `${import.meta.dirname}/../../src/cli`;
    const texts = readdirSync(source).map((file) => [file, readFileSync(join(source, file), "utf8")] as const);
    const verbs = VERBS.join("|");
    const found = texts.flatMap(([file, text]) =>
      [...text.matchAll(new RegExp(`(?<!npx )\\blanes (?:${verbs})\\b.*`, "g"))].map(([hint]) => [file, hint]),
    );
    expect(found).toEqual([]);
  });

  it("a folder is said to be one, and what to name instead", async () => {
    mkdirSync(join(cwd, "some/deeper"), { recursive: true });
    put("one.json", smallestFile());
    const folders = await Promise.all([lanes("check", "some/"), lanes("publish", "some/deeper", "--yes"), lanes("plan", "some")]);
    expect(folders.map(({ code }) => code)).toEqual([2, 2, 2]);
    expect(folders.map(({ err }) => err)).toEqual(
      ["some/", "some/deeper", "some"].map((path) => `✗ ${path} is a folder.\n  Name files in it: ${path.replace(/\/$/, "")}/*.json\n`),
    );
    const recorded = await lanes("plan", "one.json", "--against", "one.json", "--requests", "some");
    expect(recorded).toMatchObject({ code: 2, err: "✗ some is a folder.\n  Name one file in it, such as some/requests.jsonl.\n" });
  });

  it("help is what --help is, of all and of one verb", async () => {
    for (const verb of [[], ["shift"]]) {
      const [help, option] = [await lanes("help", ...verb), await lanes(...verb, "--help")];
      expect(help).toEqual(option);
      expect(help).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage: lanes /) });
    }
  });

  it("the exit code is the process's, by npx too, whatever node stands first in PATH", async () => {
    expect((await spawnLanes(["check", "nosuch"], { cwd })).code).toBe(2);
    const npx = spawnSync("npx", ["lanes", "check", "nosuch"], { cwd: `${import.meta.dirname}/../..`, encoding: "utf8" });
    expect([npx.status, npx.stderr]).toEqual([2, expect.stringContaining("There is no file lanes/nosuch.json.")]);
  });

  it("a reader that leaves early is no failure", () => {
    const piped = spawnSync("bash", [
      "-c",
      'set -o pipefail; "$0" "$1" | head -n 0',
      process.execPath,
      `${import.meta.dirname}/../../src/cli/lanes.ts`,
    ]);
    expect([piped.status, piped.stderr.toString()]).toEqual([0, ""]);
  });

  it("every verb says its exit codes and takes --json, and those that write --dry-run and --yes", async () => {
    for (const [verb, module] of await Promise.all(VERBS.map(async (verb) => [verb, await import(`../../src/cli/${verb}.ts`)] as const))) {
      const written: string[] = [];
      const command: Command = module[verb]();
      command.configureOutput({ writeOut: (text) => written.push(text) }).outputHelp();
      const help = written.join("");
      expect(help, verb).toMatch(/Exit code: 0 done, (?:1 .+, )?2 could not ask\./);
      expect(help, verb).toContain("--json");
      const writes = !["check", "plan", "history", "explain", "status"].includes(verb);
      expect(/--dry-run[\s\S]+--yes/.test(help), verb).toBe(writes);
    }
  });
});

describe("init", () => {
  const given = [
    "--hosts",
    "shop.example.com, *.shop.example.com",
    "--stable",
    "https://stable.example.net",
    "--next",
    "https://next.example.net",
  ];

  it("without a terminal says what else to give, and writes nothing", async () => {
    const { code, err } = await lanes("init", "--name", "shop");
    expect(code).toBe(2);
    expect(err).toContain("Give --hosts, --stable, --next too");
  });

  it("writes a file that the parser accepts, by flags", async () => {
    const { code, out } = await lanes("init", "--name", "shop", ...given, "--percent", "20%");
    expect(code).toBe(0);
    expect(out).toContain("lanes publish shop");
    const parsed = parseLaneGroupText(readFileSync(join(cwd, "lanes/shop.json"), "utf8"), { insecureOrigins: false });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    const { group } = parsed.value;
    expect([...group.lanes].map(([name, { weight }]) => [name, weight])).toEqual([
      ["stable", 80],
      ["next", 20],
    ]);
    expect(group.hosts).toEqual(["shop.example.com", "*.shop.example.com"]);
    expect(group.rules[0]).toMatchObject({ name: "try-next", lane: "next" });
    expect(group.sticky.domain).toBe("shop.example.com");
  });

  it.each([
    ["shop.example.com", undefined],
    ["www.example.com, EXAMPLE.com", "example.com"],
    ["*.example.com", "example.com"],
    ["a.example.com,b.example.com", undefined],
    ["xexample.com,example.com", undefined],
    ["*.localhost", undefined],
  ])("shares the cookie among %s by the domain %s", async (hosts, domain) => {
    const { out } = await lanes("init", "--name", "dry", "--hosts", hosts, ...given.slice(2), "--dry-run", "--json");
    expect(JSON.parse(out).preview.file.sticky?.domain).toBe(domain);
  });

  it("never overwrites", async () => {
    const before = readFileSync(join(cwd, "lanes/shop.json"), "utf8");
    const { code, err } = await lanes("init", "--name", "shop", ...given);
    expect([code, err]).toEqual([1, expect.stringContaining("lanes/shop.json exists already, and stays as it is.")]);
    expect(readFileSync(join(cwd, "lanes/shop.json"), "utf8")).toBe(before);
  });

  it("with --dry-run prints the file and writes none", async () => {
    const { code, out } = await lanes("init", "--name", "dry", ...given, "--dry-run", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ dryRun: true, preview: { path: "lanes/dry.json", file: { name: "dry", baseline: "stable" } } });
    expect(existsSync(join(cwd, "lanes/dry.json"))).toBe(false);
  });

  it("says all that is wrong with its answers", async () => {
    const { code, out } = await lanes("init", "--name", "no_name", ...given, "--percent", "120", "--json");
    expect(code).toBe(1);
    const { error, problems } = JSON.parse(out);
    expect(error).toBe("This makes no lane file.");
    expect(problems.map(({ path }: { path: string }) => path)).toEqual(["name", "percent"]);
  });

  it.each(["http://127.0.0.1:3000", "https://localhost:3000", "http://stable.example.net", "https://10.0.0.1", "https://shop.internal"])(
    "fault D6: knows that %s is an origin for the local run only, and proposes what succeeds",
    async (stable) => {
      const answers = ["--hosts", "local.test", "--stable", stable, "--next", "https://next.example.net"];
      const { code, out } = await lanes("init", "--name", "local", ...answers);
      expect(code).toBe(0);
      expect(out).toContain("Its origins are such as the local run alone allows");
      const [, check] = /npx lanes (check local --insecure-origins) /.exec(out)!;
      expect((await lanes(...check!.split(" "))).code).toBe(0);
      expect((await lanes("check", "local")).out).toContain(
        "The local run allows such origins: npx lanes check lanes/local.json --insecure-origins",
      );
      rmSync(join(cwd, "lanes/local.json"));
    },
  );
});

describe("check", () => {
  it("takes all files of lanes/ and is content", async () => {
    const { code, out } = await lanes("check");
    expect([code, out]).toEqual([0, "✓ lanes/shop.json  2 lanes, 1 service, 1 rule\n"]);
  });

  it("says every problem with its path, and exits 1", async () => {
    put("broken.json", { ...smallestFile(), baseline: "mian", hosts: ["a b"] });
    const { code, out } = await lanes("check", "broken.json");
    expect(code).toBe(1);
    expect(out).toContain("✗ broken.json\n");
    expect(out).toMatch(/^ {2}problem {2}hosts\[0\]: expected .+, got "a b"$/m);
    expect(out).toMatch(/^ {2}problem {2}baseline: unknown lane "mian"; did you mean "main"\?$/m);
  });

  it("says where a file stops to be JSON", async () => {
    put("comma.json", '{\n  "schema": 1,\n}');
    expect((await lanes("check", "comma.json")).out).toContain(
      'not JSON: line 3, column 1: expected a key in double quotes, got "}" after a comma',
    );
  });

  it("warns without refusing", async () => {
    const file = smallestFile();
    put("warned.json", { ...file, lanes: { ...file.lanes, lonely: { origins: { web: "https://lonely.example" } } } });
    const { code, out } = await lanes("check", "warned.json");
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}warning {2}lanes\.lonely: nobody can reach this lane/m);
  });

  it("finds what is wrong between files, and files with another's name", async () => {
    put("lanes/twin.json", { ...smallestFile(), hosts: ["shop.example.com"] });
    const { code, out } = await lanes("check", "--json");
    expect(code).toBe(1);
    const { files } = JSON.parse(out);
    expect(files).toMatchObject([
      { path: "lanes/shop.json", group: "shop", problems: [] },
      {
        path: "lanes/twin.json",
        group: "small",
        problems: [{ path: "name", message: 'expected the file\'s name, "twin", got "small"' }, { path: "hosts" }],
      },
    ]);
    expect(files[1].problems[1].message).toBe('expected hosts that no other group claims, got "shop.example.com", which "shop" has');
    rmSync(join(cwd, "lanes/twin.json"));
  });

  it("allows http origins only where it is told to", async () => {
    const file = smallestFile();
    file.lanes.main.origins.web = "http://127.0.0.1:3000";
    put("http.json", file);
    const runs = [lanes("check", "http.json"), lanes("check", "http.json", "--insecure-origins")];
    runs.push(runLanes(["check", "http.json"], { cwd, env: { INSECURE_ORIGINS: "true" } }));
    expect((await Promise.all(runs)).map(({ code }) => code)).toEqual([1, 0, 0]);
    const { out } = await lanes("check", "http.json");
    expect(out).toContain("The local run allows such origins: npx lanes check http.json --insecure-origins");
    expect((await lanes("check", "broken.json")).out).not.toContain("The local run allows");
  });

  it("fault A15: refuses ADMIN_HOST as a host, by the environment or by wrangler.toml", async () => {
    put("admin.json", { ...smallestFile(), hosts: ["*", "admin.example"], services: { web: { hosts: ["Admin.Example."] } } });
    expect((await lanes("check", "admin.json")).code).toBe(0);
    const byEnvironment = runLanes(["check", "admin.json"], { cwd, env: { ADMIN_HOST: "admin.example" } });
    put("wrangler.toml", '[vars]\nADMIN_HOST = "admin.example"\n');
    const byVariable = await lanes("check", "admin.json");
    put("wrangler.toml", "[vars]\nA = 'b'\n  ADMIN_HOST='admin.example' # the pages\n");
    for (const { code, out } of [await byEnvironment, byVariable, await lanes("check", "admin.json")]) {
      expect(code).toBe(1);
      for (const path of ["hosts", "services.web.hosts"]) expect(out).toContain(`${path}: expected other hosts than ADMIN_HOST`);
    }
    rmSync(join(cwd, "wrangler.toml"));
  });

  it("fault D6: allows them where the Worker's own variables do", async () => {
    put("wrangler.toml", '[vars]\nINSECURE_ORIGINS = "true"\n');
    expect((await lanes("check", "http.json")).code).toBe(0);
    expect((await runLanes(["check", "http.json"], { cwd, env: { INSECURE_ORIGINS: "false" } })).code).toBe(1);
    put("wrangler.toml", 'name = "x"\n[vars]\nA = "b"\n[env.dev.vars]\nINSECURE_ORIGINS = "true"\n');
    expect((await lanes("check", "http.json")).code).toBe(1);
    rmSync(join(cwd, "wrangler.toml"));
  });

  it("cannot ask a file that is not there, and lists those that are", async () => {
    const { code, err } = await lanes("check", "nosuch");
    expect([code, err]).toEqual([2, "✗ There is no file lanes/nosuch.json.\n  In lanes/ there are: shop.\n"]);
    expect(await runLanes(["check"], { cwd: tmpdir() })).toMatchObject({ code: 2, err: expect.stringContaining("`npx lanes init`") });
  });
});

describe("plan against a file", () => {
  beforeAll(() => {
    const file = JSON.parse(readFileSync(join(cwd, "lanes/shop.json"), "utf8"));
    put("wider.json", {
      ...file,
      lanes: { ...file.lanes, stable: { ...file.lanes.stable, weight: 50 }, next: { ...file.lanes.next, weight: 50 } },
    });
    const lines = [
      { url: "https://shop.example.com/cart", slot: 0 },
      { url: "https://shop.example.com/cart", slot: 3000 },
      { url: "https://shop.example.com/cart", slot: 3000, headers: { baggage: "try=next" } },
      { url: "https://other.example.com/" },
    ];
    put("requests.jsonl", lines.map((line) => JSON.stringify(line)).join("\n"));
  });

  it("says what changes and who moves, without asking anybody", async () => {
    const { code, out } = await lanes("plan", "wider.json", "--against", "shop");
    expect(code).toBe(0);
    expect(out).toContain("wider.json against lanes/shop.json");
    expect(out).toContain("lanes.next.weight  20 → 50");
    expect(out).toContain("30 % of all visitors: stable → next");
  });

  it("says which recorded requests change lane, service or origin, and exits 1 for them", async () => {
    const { code, out } = await lanes("plan", "wider.json", "--against", "shop", "--requests", "requests.jsonl", "--json");
    expect(code).toBe(1);
    const { requests, moved } = JSON.parse(out);
    expect(moved).toEqual([{ from: "stable", to: "next", percent: 30 }]);
    expect(requests.map(({ line, differs }: { line: number; differs: string[] }) => [line, differs])).toEqual([
      [1, []],
      [2, ["lane", "origin"]],
      [3, []],
      [4, []],
    ]);
    expect(requests[1]).toMatchObject({ before: { lane: "stable", origin: "https://stable.example.net/cart" }, after: { lane: "next" } });
    const { out: text } = await lanes("plan", "wider.json", "--against", "shop", "--requests", "requests.jsonl");
    expect(text).toMatch(/^ +2 {2}GET https:\/\/shop\.example\.com\/cart {2}stable → next {2}web /m);
    expect(text).toContain("1 of 4 requests changes.");
    expect(text).toContain("1 request is for other hosts than this group's.");
  });

  const entry = (url: string, baggage = "") => ({
    startedDateTime: "2026-11-29T00:00:00Z",
    request: { method: "GET", url, headers: [{ name: "baggage", value: baggage }] },
  });
  const har = { log: { entries: [entry("https://shop.example.com/", "try=next"), entry("https://shop.example.com/b"), entry("data:,x")] } };
  const logpush = { ClientRequestHost: "shop.example.com", ClientRequestURI: "/c?d", RequestHeaders: { baggage: "try=next" } };
  const logged = {
    time: "2026-11-29T00:00:00Z",
    group: "shop",
    host: "shop.example.com",
    path: "/e",
    lane: "stable",
    reason: "rule:x",
    traceId: "a".repeat(32),
  };

  it.each([
    ["a HAR, as Chrome and Firefox write it", JSON.stringify(har, null, 2), 2, "Left out: 1 entries that are no http requests."],
    ["a HAR on one line", JSON.stringify(har), 2, "Left out: 1 entries that are no http requests."],
    ["Logpush, gzipped", gzipSync(`${JSON.stringify(logpush)}\n`.repeat(3)), 3, ""],
    ["our access log", `${JSON.stringify(logged)}\r\n${JSON.stringify({ ...logged, mirror: "shop/m" })}`, 1, "Left out: 1 copies."],
    [
      "lines of several forms",
      [{ url: "http://shop.example.com/" }, logpush, logged].map((line) => JSON.stringify(line)).join("\n\n"),
      3,
      "",
    ],
    ["nothing", "", 0, "There is none in it."],
  ])("fault D9: takes %s for recorded requests", async (_, content, total, says) => {
    writeFileSync(join(cwd, "recorded"), content);
    const args = ["plan", "shop", "--against", "shop", "--requests", "recorded"];
    expect(await lanes(...args)).toMatchObject({ code: 0, err: "", out: expect.stringContaining(says) });
    expect(JSON.parse((await lanes(...args, "--json")).out)).toMatchObject({ total, changed: 0 });
  });

  it("fault D9: says which line of a recording is wrong, and what it should be; a line without end is not read", async () => {
    const wrong = async (content: string) => {
      writeFileSync(join(cwd, "recorded"), content);
      return await lanes("plan", "shop", "--against", "shop", "--requests", "recorded");
    };
    const good = '{"url":"https://shop.example.com/"}\n';
    writeFileSync(join(cwd, "cut.gz"), gzipSync(good.repeat(1_000)).subarray(0, 60));
    const cut = await lanes("plan", "shop", "--against", "shop", "--requests", "cut.gz");
    expect(cut).toMatchObject({ code: 2, err: "✗ cut.gz cannot be read: Z_BUF_ERROR.\n" });
    const [mixed, curl, endless, har] = [
      await wrong(`${good.repeat(3)}GET /cart HTTP/1.1\n${good}`),
      await wrong("curl https://shop.example.com/\n".repeat(50)),
      await wrong(`${good}{"url":"https://shop.example.com/${"a".repeat(2_500_000)}"}\n`),
      await wrong('{"log":{"entries":[{"request":{"url":"/relative"}}]}}'),
    ];
    expect(mixed).toMatchObject({
      code: 2,
      err: expect.stringMatching(/recorded is no list of requests\.\n {2}problem {2}line 4: expected a JSON object/),
    });
    expect(curl.err.match(/problem/g)).toHaveLength(20);
    expect(endless).toMatchObject({ code: 2, err: expect.stringContaining("recorded, line 2, is longer than 1 MiB.") });
    expect(har).toMatchObject({ code: 2, err: expect.stringContaining("log.entries[0], url: expected an absolute URL") });
  });

  it("fault D9: counts a long recording whole, and lists its first requests", async () => {
    const lines = Array.from({ length: 25_000 }, (_, at) => JSON.stringify({ url: "https://shop.example.com/", slot: at % 10_000 }));
    put("long.jsonl", lines.join("\n"));
    const { out } = await lanes("plan", "wider.json", "--against", "shop", "--requests", "long.jsonl", "--json");
    const { total, changed, requests } = JSON.parse(out);
    // Slots 2,000 to 4,999 change hands: three in ten.
    expect([total, changed, requests.length]).toEqual([25_000, 9_000, 19_000]);
  });

  it("exits 0 where every request goes where it went", async () => {
    const { code, out } = await lanes("plan", "shop", "--against", "shop", "--requests", "requests.jsonl");
    expect([code, out]).toEqual([0, expect.stringContaining("✓ All 4 go where they went.")]);
  });

  it("exits 1 for a file with problems, 2 for requests that are none", async () => {
    expect((await lanes("plan", "broken.json", "--against", "shop")).code).toBe(1);
    const { code, err } = await lanes("plan", "shop", "--against", "shop", "--requests", "broken.json");
    expect([code, err]).toEqual([2, expect.stringContaining("broken.json is no list of requests.")]);
  });
});

describe("completion", () => {
  const complete = async (...words: string[]) => (await lanes("complete", "--", ...words)).out.split("\n").filter((line) => line !== "");

  it("offers verbs, options, files, groups and lanes of the files where no Laneway answers", async () => {
    const lines = [
      ["s"],
      ["shift", "--d"],
      ["check", ""],
      ["shift", ""],
      ["shift", "--reason", "x", "shop", "next=1", "s"],
      ["shift", "--reason", ""],
    ];
    const found = await Promise.all([...lines, ["completion", ""], ["nosuch", ""]].map((words) => complete(...words)));
    expect(found).toEqual([["status", "shift"], ["--dry-run"], ["shop"], ["shop"], ["stable="], [], ["bash", "zsh"], []]);
  });

  it("works in a real bash", async () => {
    const { out } = await lanes("completion", "bash");
    put(
      "completion.sh",
      `${out}\nCOMP_WORDS=(lanes shift shop ne); COMP_CWORD=3; compopt() { echo "$@"; }; _lanes; echo "\${COMPREPLY[@]}"`,
    );
    expect(execFileSync("bash", ["completion.sh"], { cwd, encoding: "utf8" })).toBe("-o nospace\nnext=\n");
  });

  it("knows these shells only", async () => {
    expect(await lanes("completion", "fish")).toMatchObject({ code: 2, err: expect.stringContaining("bash, zsh") });
  });
});
