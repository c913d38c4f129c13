/** Multicall3 and the reads of a wallet, against viem's coder. */
import { Address } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { decodeFunctionData, encodeFunctionData, encodeFunctionResult, type Hex, parseAbi } from "viem";
import { describe, expect, test } from "vitest";
import { decodeAggregate3, encodeAggregate3, encodeAllowance, encodeIsApprovedForAll } from "./calls.ts";

const abi = parseAbi([
  "function aggregate3((address target,bool allowFailure,bytes callData)[] calls) payable returns ((bool success,bytes returnData)[] results)",
  "function allowance(address owner,address spender) view returns (uint256)",
  "function isApprovedForAll(address owner,address operator) view returns (bool)",
]);
const numRuns = Number(process.env["FC_RUNS"] ?? 50);
const address = fc.stringMatching(/^0x[0-9a-f]{40}$/).map((text) => Address.parse(text));
const bytes = fc.uint8Array({ maxLength: 100 }).map((array): Hex => `0x${Buffer.from(array).toString("hex")}`);

test("allowance and approval are encoded as viem does", () => {
  const args = [`0x${"ab".repeat(20)}`, `0x${"12".repeat(20)}`] as const;
  const [a, b] = [Address.parse(args[0]), Address.parse(args[1])];
  expect(encodeAllowance(a, b)).toBe(encodeFunctionData({ abi, functionName: "allowance", args }));
  expect(encodeIsApprovedForAll(a, b)).toBe(encodeFunctionData({ abi, functionName: "isApprovedForAll", args }));
});

describe("aggregate3", () => {
  test("calls are encoded so that viem reads the same calls", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ to: address, data: bytes }), { maxLength: 6 }), (calls) => {
        const read = decodeFunctionData({ abi, data: encodeAggregate3(calls) as Hex });
        expect(read).toEqual({
          functionName: "aggregate3",
          args: [calls.map(({ data }) => ({ target: expect.any(String), allowFailure: true, callData: data }))],
        });
        const targets = (read.args as readonly [readonly { target: string }[]])[0].map(({ target }) => target);
        expect(targets.map((target) => target.toLowerCase())).toEqual(calls.map(({ to }) => to));
      }),
      { numRuns },
    );
  });

  test("answers are read as viem writes them; a failed call is null", () => {
    const result = fc.record({ success: fc.boolean(), returnData: bytes });
    fc.assert(
      fc.property(fc.array(result, { maxLength: 6 }), (results) => {
        const answer = encodeFunctionResult({ abi, functionName: "aggregate3", result: results });
        expect(decodeAggregate3(answer, results.length)).toEqual(
          results.map(({ success, returnData }) => (success ? returnData : null)),
        );
      }),
      { numRuns },
    );
  });

  test("an answer cut anywhere, or of another number of calls, is refused", () => {
    const result = [
      { success: true, returnData: "0x1234" as Hex },
      { success: true, returnData: `0x${"ff".repeat(40)}` as Hex },
    ];
    const answer = encodeFunctionResult({ abi, functionName: "aggregate3", result });
    const refused = expect.objectContaining({ code: "RPC_UNREADABLE" });
    const reading = (text: string, length: number): unknown => {
      try {
        return decodeAggregate3(text, length);
      } catch (error) {
        return error;
      }
    };
    // The last word is padding from its eighth byte on: that much may be missing unseen.
    for (let end = 0; end < answer.length - 48; end += 7) expect(reading(answer.slice(0, end), 2)).toEqual(refused);
    expect(reading(answer, 1)).toEqual(refused);
    expect(reading(answer, 3)).toEqual(refused);
  });
});
