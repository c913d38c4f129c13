/** What orders really paid, read from the other logs of their transactions. */
import type { Address } from "@slipstream/contracts/ids";
import { type CostUnknown, exactFill, needsExactCost } from "@slipstream/polymarket/exactCost";
import { decodeOrderFilled } from "@slipstream/polymarket/orderFilled";
import type { ExchangeTable } from "@slipstream/polymarket/versions";
import { fillsBetween } from "../core/fillBook.ts";
import type { CostFound } from "../core/messages.ts";
import type { WatcherState } from "../core/state.ts";
import { type ActReading, receiptOf } from "./acts.ts";
import { together } from "./together.ts";
import type { WireLog } from "./wire.ts";

/** The fills whose own log does not say what they cost, with what they did. Those that agree are left out. */
export async function costsOf(
  logs: readonly WireLog[],
  reading: {
    readonly state: () => WatcherState;
    readonly exchanges: ExchangeTable;
    readonly receipt: ActReading["receipt"];
    /** The logs of the transaction do not determine it. */
    readonly onUnknown: (txHash: string, why: CostUnknown) => void;
  },
): Promise<Omit<CostFound, "type">[]> {
  const { state, exchanges, receipt, onUnknown } = reading;
  const found = await together(logs, async (log): Promise<Omit<CostFound, "type">[]> => {
    const fill = decodeOrderFilled(log, exchanges);
    if (fill.kind !== "orderFilled" || !needsExactCost(fill)) return [];
    const known = knownAt(state(), log, fill.maker);
    if (known === undefined || known[1].costed) return [];
    const { logs: all } = await receiptOf(receipt, log);
    const numbered = all.map((one) => ({ ...one, logIndex: Number(one.logIndex) }));
    const exact = exactFill(numbered, { logIndex: Number(log.logIndex) }, exchanges);
    if (exact.kind === "unknown") {
      onUnknown(log.transactionHash, exact);
      return [];
    }
    if (!exact.difference) return [];
    const cost = {
      loggedUsdcMicro: fill.usdcMicro,
      usdcMicro: exact.usdcMicro,
      loggedFeeMicro: fill.feeMicro,
      feeMicro: exact.feeMicro,
      feeUnit: fill.feeUnit,
      tsEventMs: known[1].tsEventMs,
    };
    return [{ leaderFillId: known[0], cost }];
  });
  return found.flat();
}

function knownAt(state: WatcherState, log: WireLog, leader: Address) {
  const block = Number(log.blockNumber);
  return fillsBetween(state.fills, block, block).find(
    ([, fill]) => fill.leader === leader && fill.blockHash === log.blockHash && fill.logIndex === Number(log.logIndex),
  );
}
