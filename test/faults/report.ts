/**
 * `npm run faults`: runs what is tried here, and prints for each fault what was tried, whether it was survived, and what the client saw.
 * A test belongs to a fault by its name, `fault 46: …` or `faults A3, B2: …`; a fault that cannot occur stands in README.md, as `| 46 | why |`.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = `${import.meta.dirname}/../..`;

/** The faults that must be answered for. */
const EXPECTED = [...range("", 1, 56), ...range("", 89, 96), ...range("A", 1, 19), ...range("B", 1, 11), ...range("C", 1, 5)];

function range(letter: string, first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, at) => `${letter}${first + at}`);
}

interface JsonReport {
  readonly testResults: readonly {
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: "passed" | "failed" | "skipped" | "pending" | "todo" | "disabled";
      readonly meta?: { readonly client?: string };
    }[];
  }[];
}

interface Row {
  readonly fault: string;
  readonly tried: string;
  readonly survived: boolean | null;
  readonly client: string;
}

function runTests(): Promise<JsonReport> {
  const folder = mkdtempSync(join(tmpdir(), "laneway-faults-"));
  const file = join(folder, "report.json");
  const vitest = `${root}/node_modules/vitest/vitest.mjs`;
  const flags = [
    "run",
    "--config",
    "test/vitest.config.ts",
    "--project",
    "node",
    "--maxWorkers=2",
    "--reporter=json",
    `--outputFile=${file}`,
  ];
  const child = spawn(process.execPath, [vitest, ...flags, "test/faults", "test/eject.test.ts"], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let complaints = "";
  child.stderr.on("data", (chunk) => {
    complaints = (complaints + chunk).slice(-4_000);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      try {
        resolve(JSON.parse(readFileSync(file, "utf8")) as JsonReport);
      } catch {
        reject(new Error(`the tests did not run: ${complaints}`));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  });
}

function triedRows({ testResults }: JsonReport): Row[] {
  return testResults.flatMap(({ assertionResults }) =>
    assertionResults.flatMap(({ ancestorTitles, title, status, meta }) => {
      const [, numbers, what] = /^faults? ([A-Z]?\d+(?:, [A-Z]?\d+)*): (.*)$/s.exec(title) ?? [];
      if (numbers === undefined || what === undefined) return [];
      const survived = status === "passed" ? true : status === "failed" ? false : null;
      const tried = [...ancestorTitles, what].join(": ");
      return numbers.split(", ").map((fault) => ({ fault, tried, survived, client: meta?.client ?? "" }));
    }),
  );
}

/** Rows of the tables in README.md. */
function excusedRows(): Row[] {
  const lines = readFileSync(`${import.meta.dirname}/README.md`, "utf8").split("\n");
  return lines.flatMap((line) => {
    const [, fault, why] = /^\| *([A-Z]?\d+) *\| *(.*?) *\|$/.exec(line) ?? [];
    return fault === undefined || why === undefined ? [] : [{ fault, tried: why, survived: null, client: "" }];
  });
}

const CLIENT = 56;

function line(fault: string, survived: string, client: string, tried: string): void {
  const seen = client.length > CLIENT ? `${client.slice(0, CLIENT - 1)}…` : client;
  process.stdout.write(`${fault.padStart(3)}  ${survived.padEnd(8)}  ${seen.padEnd(CLIENT)}  ${tried}\n`);
}

function print(rows: readonly Row[]): void {
  line("#", "survived", "what the client saw", "tried, or why it cannot occur");
  let before = "";
  for (const { fault, tried, survived, client } of rows) {
    line(fault === before ? "" : fault, survived === null ? "—" : survived ? "yes" : "NO", client, tried);
    before = fault;
  }
}

const [argument] = process.argv.slice(2);
if (argument !== undefined) {
  process.stderr.write(
    "npm run faults: takes minutes, and no arguments; exit code 0, or 1 if a fault was not survived, or is not answered for\n",
  );
  process.exit(argument === "--help" ? 0 : 2);
}
const report = await runTests();
const tried = triedRows(report);
/** Numbers first, then each letter's. */
const order = new Intl.Collator("en", { numeric: true });
const rows = [...tried, ...excusedRows()].sort((a, b) => order.compare(a.fault, b.fault));
print(rows);

const failures = report.testResults.flatMap(({ message, assertionResults }) => [
  ...(assertionResults.length === 0 && message ? [message] : []),
  ...assertionResults.filter(({ status }) => status === "failed").map(({ ancestorTitles, title }) => [...ancestorTitles, title].join(": ")),
]);
const missing = EXPECTED.filter((fault) => rows.every((row) => row.fault !== fault));
const faults = new Set(tried.map(({ fault }) => fault)).size;
process.stdout.write(`\n${faults} faults in ${tried.length} tests; ${failures.length} failed\n`);
for (const failure of failures) process.stdout.write(`failed: ${failure}\n`);
if (missing.length > 0) process.stdout.write(`neither tried nor excused: ${missing.join(", ")}\n`);
process.exitCode = failures.length + missing.length > 0 ? 1 : 0;
