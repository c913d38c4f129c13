/** Other acts of leaders in blocks that are final: transfers point to the transactions, their receipts tell the act. */
import { TransientError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import { Hash } from "@slipstream/contracts/ids";
import { actsOf, isFillTransfer } from "@slipstream/polymarket/acts";
import type { ExchangeTable } from "@slipstream/polymarket/versions";
import type { ObservedAct } from "../core/messages.ts";
import { moversOf } from "./fillFilter.ts";
import { together } from "./together.ts";
import type { Receipt, WireLog } from "./wire.ts";

export type ActReading = {
  readonly leaders: ReadonlySet<Address>;
  readonly exchanges: ExchangeTable;
  readonly blockMs: (log: WireLog) => Promise<number>;
  readonly receipt: (txHash: string, blockHash: string) => Promise<Receipt | null>;
};

/**
 * @param moves - every transfer from or to the leaders in the blocks.
 * @throws TransientError when a transaction is not where its log was.
 */
export async function observedActs(moves: readonly WireLog[], reading: ActReading): Promise<ObservedAct[]> {
  const { leaders, exchanges, blockMs, receipt } = reading;
  const concerned = new Map<string, { readonly log: WireLog; readonly wallets: Set<Address> }>();
  for (const log of moves) {
    if (isFillTransfer(log, exchanges)) continue;
    const known = concerned.get(log.transactionHash) ?? { log, wallets: new Set<Address>() };
    for (const wallet of moversOf(leaders, log)) known.wallets.add(wallet);
    concerned.set(log.transactionHash, known);
  }
  const found = await together([...concerned], async ([txHash, { log, wallets }]) => {
    const { logs } = await receiptOf(receipt, log);
    const numbered = logs.map((one) => ({ ...one, logIndex: Number(one.logIndex) }));
    const at = {
      txHash: Hash.parse(txHash),
      blockNumber: Number(log.blockNumber),
      blockHash: Hash.parse(log.blockHash),
      tsEventMs: await blockMs(log),
    };
    return [...wallets].flatMap((leader) =>
      actsOf(numbered, leader, exchanges).map(({ counterparty: _, ...act }) => ({ ...act, leader, ...at })),
    );
  });
  return found.flat();
}

/** The receipt of a log's transaction. @throws TransientError when the node has it not, or in another block. */
export async function receiptOf(receipt: ActReading["receipt"], log: WireLog): Promise<Receipt> {
  const found = await receipt(log.transactionHash, log.blockHash);
  if (found === null || found.blockHash !== log.blockHash) {
    throw new TransientError(
      "RPC_REFUSED",
      `the node has no receipt of ${log.transactionHash} in block ${log.blockHash}`,
    );
  }
  return found;
}
