import { existsSync } from "node:fs";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { bundleRe2 } from "../src/cli/bundle-re2.ts";

const root = new URL("..", import.meta.url).pathname;

/** Runs inside workerd; everything else in Node, where the real Worker and real origins are separate processes and sockets. */
const IN_WORKERD = ["test/edge/**/*.test.ts", "test/group/**/*.test.ts", "test/admin/**/*.test.ts"];

/** Pages, and what visitors' browsers do, are tested in a real one; a machine without one runs all the rest, and says so. In CI there must be one. */
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const PAGES = process.env.CI || existsSync(CHROMIUM) ? [] : ["test/dashboard/**", "test/browser/**"];
if (PAGES.length > 0)
  console.warn(
    `No Chromium at ${CHROMIUM}, so neither pages nor visitors' browsers are tested: "apt-get install chromium", or say in CHROMIUM where it is.`,
  );

/** Services in Go are built with Debian's packages; a machine without them runs all the rest, and says so. In CI there must be both. */
const GO = [process.env.GO ?? "/usr/bin/go", "/usr/share/gocode/src/go.opentelemetry.io/otel"];
const IN_GO = process.env.CI || GO.every((path) => existsSync(path)) ? [] : ["test/real-services/hostile-baggage.test.ts"];
if (IN_GO.length > 0)
  console.warn(`No ${GO.join(" or ")}, so no service in Go is tested: "apt-get install golang-go golang-opentelemetry-otel-dev".`);

/** A machine of two cores that is busy starts a router in seconds; a test that hangs still ends. */
const patience = { testTimeout: 30_000, hookTimeout: 60_000, retry: process.env.CI ? 1 : 0 };

// What the Worker has in place of re2js.
bundleRe2();

export default defineConfig({
  root,
  test: {
    maxWorkers: 2,
    coverage: {
      provider: "istanbul",
      include: ["src/**"],
      exclude: ["src/demo/**", "src/cli/**", "src/edge/bundled.ts"],
      reporter: ["text-summary"],
    },
    projects: [
      { root, test: { ...patience, name: "node", include: ["test/**/*.test.ts"], exclude: [...IN_WORKERD, ...PAGES, ...IN_GO] } },
      {
        root,
        plugins: [
          cloudflareTest({
            wrangler: { configPath: `${root}/wrangler.toml` },
            miniflare: { bindings: { INSECURE_ORIGINS: "true", LANEWAY_SECRET: "test-secret-test-secret-test-secret-0" } },
          }),
        ],
        test: { ...patience, name: "workerd", include: IN_WORKERD },
      },
    ],
  },
});
