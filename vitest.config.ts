import { defineConfig } from "vitest/config";

// Three projects by what they need: unit (nothing), integration (real nats-server and anvil), e2e (the whole system).
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["{libs,services}/*/src/**/*.test.ts", "{sandbox,cli}/src/**/*.test.ts"] } },
      {
        test: {
          name: "integration",
          include: ["{libs,services}/*/test/**/*.int.test.ts", "{sandbox,cli}/test/**/*.int.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/*.e2e.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
