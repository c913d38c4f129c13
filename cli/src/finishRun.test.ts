import { existsSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { writeOrPrint } from "./finishRun.ts";

test.runIf(existsSync("/dev/full"))("what a full disk does not take is printed, with why", () => {
  const out = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const err = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    writeOrPrint("report", "/dev/full", "{}\n");
    expect(out).toHaveBeenCalledWith("{}\n");
    expect(err).toHaveBeenCalledWith(
      expect.stringMatching(/^\/dev\/full could not be written \(ENOSPC.*so the report:\n$/),
    );
  } finally {
    vi.restoreAllMocks();
  }
});
