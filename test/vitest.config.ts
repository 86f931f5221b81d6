import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const root = new URL("..", import.meta.url).pathname;

export default defineConfig({
  root,
  test: {
    projects: [
      {
        root,
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/edge/**", "test/group/**", "test/admin/**"],
        },
      },
      {
        root,
        plugins: [
          cloudflareTest({
            wrangler: { configPath: `${root}/wrangler.toml` },
            miniflare: { bindings: { INSECURE_ORIGINS: "true", LANEWAY_SECRET: "test-secret-test-secret-test-secret-0" } },
          }),
        ],
        test: { name: "workerd", include: ["test/edge/**/*.test.ts", "test/group/**/*.test.ts", "test/admin/**/*.test.ts"] },
      },
    ],
  },
});
