import { expect, test } from "vitest";
import { checkAllSettings } from "./allSettings.ts";

test.each<[string, Record<string, string>, string]>([
  ["a service's", { EXECUTOR_CHAIN_LAG_MAX_MS: "abc" }, "EXECUTOR_CHAIN_LAG_MAX_MS=abc: a whole number"],
  ["one above its bound", { RISK_STREAM_DEGRADE_PERCENT: "500" }, "RISK_STREAM_DEGRADE_PERCENT=500: at most 100"],
  ["one below its bound", { SANDBOX_BLOCK_TIME_MS: "1" }, "SANDBOX_BLOCK_TIME_MS=1: at least 100"],
  ["one of a few words", { SANDBOX_PACE: "quick" }, "SANDBOX_PACE=quick: slow, normal or fast"],
  [
    "a misspelt one",
    { RISK_SILENT_HALT_SECOND: "3" },
    "RISK_SILENT_HALT_SECOND is no setting; did you mean RISK_SILENT_HALT_SECONDS?",
  ],
])("%s is found before anything is started", (_name, env, text) => {
  expect(() => checkAllSettings(env, true)).toThrow(`wrong settings:\n  ${text}`);
});

test("all of them are told at once, and one that several programs read once", () => {
  const env = { LOG_LEVEL: "loud", QUOTE_FRESH_MS: "x" };
  const lines = [
    "LOG_LEVEL=loud: fatal, error, warn, info, debug, trace or silent",
    "QUOTE_FRESH_MS=x: a whole number",
  ];
  expect(() => checkAllSettings(env, true)).toThrow(`wrong settings:\n  ${lines.join("\n  ")}`);
  expect(() => checkAllSettings({ PATH: "/bin", RISK: "1", RISK_SILENT_HALT_SECONDS: "" }, true)).not.toThrow();
});

test("the sandbox's are nothing to a run without it", () => {
  expect(() => checkAllSettings({ SANDBOX_PACE: "quick" }, false)).not.toThrow();
});
