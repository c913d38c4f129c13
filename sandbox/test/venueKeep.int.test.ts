import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@slipstream/testkit/until";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTestWorld } from "./venueKit.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sandbox-kept-world-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("a world goes on where it stopped, and another seed has a world of its own", async () => {
  const first = await startTestWorld({ dir });
  await until(() => first.world.truth().length >= 3, { what: "three leader fills" });
  await first.stop();
  const told = first.world.truth();

  const second = await startTestWorld({ dir });
  try {
    expect(second.world.truth().slice(0, told.length)).toEqual(told);
    expect(second.world.leaders).toEqual(first.world.leaders);
    await until(() => second.world.truth().length > told.length, { what: "another leader fill" });
    const txs = second.world.truth().map((fill) => `${fill.txHash}${fill.logIndex}`);
    expect(new Set(txs).size).toBe(txs.length);
  } finally {
    await second.stop();
  }

  const other = await startTestWorld({ dir, seed: "other" });
  try {
    expect(other.world.leaders).not.toEqual(first.world.leaders);
  } finally {
    await other.stop();
  }
});
