/** What a hostile body costs the isolate that serves: comparing it, and looking for secrets in it. */
import { expect, it } from "vitest";
import { compareAnswers } from "../../src/core/compare.ts";
import { readBody } from "../../src/core/compare-body.ts";
import { compareRules } from "../../src/core/compare-rules.ts";
import { redact, redaction } from "../../src/core/redact.ts";
import { collectSecrets, SecretValues } from "../../src/core/secret-values.ts";

const SIZE = 256 * 1024;
const rules = compareRules({ noisePercent: 100, headers: [], ignore: [], unordered: [], key: {}, tolerance: {} });
const hidden = redaction({ headers: [], query: [], baggage: [], json: [] }, null);
const bodyOf = (type: string, text: string) => readBody(type, null, new TextEncoder().encode(text), false);

/** Milliseconds of this process, whatever else the machine does. */
const now = () => process.cpuUsage().user / 1000;

function spend(type: string, left: string, right: string): number {
  if (!rules.ok) throw new Error("rules");
  const bodies = [left, right].map((text) => bodyOf(type, text));
  const before = now();
  const [one, other] = bodies.map((body) => ({ status: 200, headers: new Map<string, string>(), body }));
  const { differences } = compareAnswers(one!, other!, rules.value);
  const values = new SecretValues();
  for (const body of bodies) collectSecrets(body, hidden.names, values);
  for (const difference of differences) redact(difference, hidden, values);
  return now() - before;
}

const BODIES: Readonly<Record<string, readonly [type: string, write: (mark: string) => string]>> = {
  "one long word": ["text/plain", (mark) => "a".repeat(SIZE - 10) + mark],
  "long words between small objects": ["text/plain", (mark) => `${"a".repeat(120)}{"a":${mark}}`.repeat(1000)],
  "long words that give names": ["text/plain", (mark) => `${"a".repeat(120)}={"a":${mark}}`.repeat(1000)],
  "5,000 scripts": ["text/html", (mark) => `<script>{"a":${mark}}</script>`.repeat(5000)],
  "5,000 scripts that assign": ["text/html", (mark) => `<script>window.a={"a":${mark}}</script>`.repeat(5000)],
  "5,000 strings of JSON": ["application/json", (mark) => JSON.stringify(Array(5000).fill(`{"a":"${mark}"}`))],
  "20,000 tokens": ["text/plain", (mark) => Array.from({ length: 20_000 }, (_, at) => `token=${at}${mark}`).join("\n")],
  "dots and signs": ["text/plain", (mark) => "a.-$".repeat(SIZE / 4 - 4) + mark],
  "percent signs": ["text/plain", (mark) => "a%3d".repeat(SIZE / 4 - 4) + mark],
  brackets: ["text/plain", (mark) => "[{".repeat(SIZE / 2 - 4) + mark],
  "objects that break off": ["text/plain", (mark) => `${'{"a":'.repeat(10)}x `.repeat(4000) + mark],
};

/** Far above what it takes (`npm run bench -- comparer` has the figures), and below what one expression that backtracks took. */
const LIMIT_MS = 400;

it.each(Object.entries(BODIES))("a body of %s takes no time that grows faster than it does", (_, [type, write]) => {
  // The first runs are the compiler's.
  const spent = Array.from({ length: 5 }, () => spend(type, write("1"), write("2")));
  expect(Math.min(...spent)).toBeLessThan(LIMIT_MS);
});
