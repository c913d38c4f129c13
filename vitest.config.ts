import { defineConfig } from "vitest/config";

/** Finds or fetches nats-server and anvil, and tells the tests by NATS_SERVER_BIN and ANVIL_BIN. */
const globalSetup = ["scripts/vitest-setup.mjs"];

/**
 * Against hanging only, and so that a wait inside a test (testkit's `until`, two minutes) ends first and says what it
 * waited for. No test is right or wrong by the time it takes.
 */
const TEST_MS_MAX = 300_000;
const limits = { testTimeout: TEST_MS_MAX, hookTimeout: 300_000, teardownTimeout: 60_000 };

/** What Node only warns of. */
const setupFiles = ["scripts/vitest-warnings.mjs"];

// Three projects by what they need: unit (nothing), integration (real nats-server and anvil), e2e (the whole system).
export default defineConfig({
  test: {
    // Whole runs mostly wait: on two idle cores three at a time took 411 s where two took 550 s.
    maxWorkers: 3,
    projects: [
      {
        test: {
          ...limits,
          // Properties run longer when they are told to.
          testTimeout: TEST_MS_MAX * Math.max(1, Number(process.env["FC_RUNS"] ?? 1) / 1_000),
          setupFiles,
          name: "unit",
          include: [
            "{libs,services}/*/src/**/*.test.ts",
            "{sandbox,cli}/src/**/*.test.ts",
            "test/{faults,oracle,samples}/*.test.ts",
            "scripts/*.test.mjs",
          ],
        },
      },
      {
        test: {
          ...limits,
          setupFiles,
          name: "integration",
          include: ["{libs,services}/*/test/**/*.int.test.ts", "{sandbox,cli}/test/**/*.int.test.ts"],
          globalSetup,
        },
      },
      {
        test: {
          ...limits,
          setupFiles,
          testTimeout: 900_000,
          name: "e2e",
          include: ["test/e2e/*.e2e.test.ts"],
          globalSetup,
        },
      },
    ],
  },
});
