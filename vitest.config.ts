import { defineConfig } from "vitest/config";

/** Finds or fetches nats-server and anvil, and tells the tests by NATS_SERVER_BIN and ANVIL_BIN. */
const globalSetup = ["scripts/vitest-setup.mjs"];

// Three projects by what they need: unit (nothing), integration (real nats-server and anvil), e2e (the whole system).
export default defineConfig({
  test: {
    // Whole runs mostly wait: two at a time are the quickest even on two cores.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "{libs,services}/*/src/**/*.test.ts",
            "{sandbox,cli}/src/**/*.test.ts",
            "test/faults/*.test.ts",
            "test/oracle/*.test.ts",
            "scripts/*.test.mjs",
          ],
        },
      },
      {
        test: {
          name: "integration",
          include: ["{libs,services}/*/test/**/*.int.test.ts", "{sandbox,cli}/test/**/*.int.test.ts"],
          globalSetup,
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/*.e2e.test.ts"],
          globalSetup,
          testTimeout: 240_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
