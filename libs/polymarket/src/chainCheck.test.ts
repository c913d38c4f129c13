import { TransientError } from "@slipstream/contracts/errors";
import { expect, test } from "vitest";
import { checkChain } from "./chainCheck.ts";

const node = (name: string, answer: () => Promise<unknown>) => ({ name, rpc: { call: answer } });

test("a node of another chain is refused by name, before anything is read from it", async () => {
  const polygon = node("good.example", async () => "0x89");
  const other = node("other.example", async () => "0x1");
  await expect(checkChain("POLYGON_HTTP_URL", [polygon, other])).rejects.toThrow(
    "POLYGON_HTTP_URL: other.example is a node of chain 1, Polygon is 137",
  );
  await checkChain("POLYGON_HTTP_URL", [polygon]);
});

test("a node that does not answer now is no reason not to start", async () => {
  const silent = node("silent.example", () => Promise.reject(new TransientError("RPC_UNREACHABLE", "no answer")));
  await checkChain("POLYGON_HTTP_URL", [silent]);
});
