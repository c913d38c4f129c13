import { Hash } from "@slipstream/contracts/ids";
import { sharesMicro } from "@slipstream/contracts/money";
import { CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import { expect, test } from "vitest";
import { createTransferAudit, type HeardTransfer, type TransferAudit } from "./audit.ts";
import { leader, ours, tokens } from "./forkedChain.testing.ts";

const [token, other] = [tokens[0] ?? ("0" as never), tokens[1] ?? ("0" as never)];
const hashOf = (block: number, fork = 0): Hash => Hash.parse(`0x${`${fork}f${block}`.padStart(64, "0")}`);

function hear(audit: TransferAudit, block: number, shares: number, change: Partial<HeardTransfer> = {}): void {
  const moved = { wallet: ours, tokenId: token, logIndex: 0, entry: 0, movedMicro: sharesMicro(BigInt(shares)) };
  audit.heard({ ...moved, blockNumber: block, blockHash: hashOf(block), ...change });
}
function read(
  audit: TransferAudit,
  block: number,
  shares: number,
  change: { fork?: number; afterReorg?: boolean } = {},
) {
  const { fork = 0, afterReorg = false } = change;
  const found = audit.read({
    type: "BalancesRead",
    block: { blockNumber: block, blockHash: hashOf(block, fork), tsMs: 1 },
    source: "chain",
    readings: [{ owner: ours, tokenId: token, ledger: CONDITIONAL_TOKENS, sharesMicro: sharesMicro(BigInt(shares)) }],
    purses: [],
    complete: [],
    afterReorg,
  });
  return found.map(({ fromBlock, toBlock, readMicro, heardMicro }) => [fromBlock, toBlock, readMicro, heardMicro]);
}

test("what was heard between two readings is what moved, even when a notice comes after the reading", () => {
  const audit = createTransferAudit();
  expect(read(audit, 10, 5)).toEqual([]);
  hear(audit, 11, 3);
  expect(read(audit, 12, 6)).toEqual([]);
  hear(audit, 12, -2, { logIndex: 7 });
  expect(read(audit, 13, 6)).toEqual([]);
  expect(read(audit, 14, 6)).toEqual([]);
});

test("a transfer that nobody heard shows one reading later, once", () => {
  const audit = createTransferAudit();
  read(audit, 10, 5);
  expect(read(audit, 12, 9)).toEqual([]);
  expect(read(audit, 13, 9)).toEqual([[10, 12, 4n, 0n]]);
  expect(read(audit, 14, 9)).toEqual([]);
});

test("a balance that does not show what was heard", () => {
  const audit = createTransferAudit();
  read(audit, 10, 5);
  hear(audit, 11, 3);
  read(audit, 12, 5);
  expect(read(audit, 13, 5)).toEqual([[10, 12, 0n, 3n]]);
});

test("the same log twice counts once, several tokens of one log each for itself, others' not at all", () => {
  const audit = createTransferAudit();
  read(audit, 10, 0);
  for (const entry of [0, 0, 1]) hear(audit, 11, 2, { entry });
  hear(audit, 11, 100, { wallet: leader });
  hear(audit, 11, 100, { tokenId: other, entry: 2 });
  read(audit, 12, 4);
  expect(read(audit, 13, 4)).toEqual([]);
});

test("a token that was heard of before it was first read begins with that reading", () => {
  const audit = createTransferAudit();
  hear(audit, 9, 2);
  hear(audit, 11, 3);
  read(audit, 10, 2);
  read(audit, 12, 5);
  expect(read(audit, 13, 5)).toEqual([]);
});

test.each<[string, (audit: TransferAudit) => void]>([
  ["a reading after a reorg", (audit) => void read(audit, 12, 1, { fork: 1, afterReorg: true })],
  ["a block with another hash in a reading", (audit) => void read(audit, 12, 1, { fork: 1 })],
  ["a block with another hash in a notice", (audit) => hear(audit, 12, 1, { blockHash: hashOf(12, 1) })],
  ["a lost socket", (audit) => audit.reset()],
])("nothing is judged across %s", (_name, happens) => {
  const audit = createTransferAudit();
  read(audit, 10, 5);
  read(audit, 12, 9);
  happens(audit);
  expect([...read(audit, 13, 1), ...read(audit, 14, 1)]).toEqual([]);
});

test("a reading of an older block is passed over", () => {
  const audit = createTransferAudit();
  read(audit, 10, 5);
  read(audit, 12, 5);
  expect(read(audit, 11, 7)).toEqual([]);
  expect(read(audit, 13, 5)).toEqual([]);
});
