/** Leaders' fills as the chain holds them, read and decoded on a way of its own, to judge what the watcher told. */
import type { Address } from "@slipstream/contracts/ids";
import { negRiskExchange, standardExchange } from "@slipstream/sandbox/chain/addresses";
import { exchangeAbi } from "@slipstream/sandbox/chain/transactions";
import { decodeEventLog, encodeEventTopics } from "viem/utils";
import { z } from "zod";
import type { TrueFill } from "./judge.ts";

const Word = z.templateLiteral(["0x", z.string()]);
const Logs = z.array(
  z.object({
    address: z.string(),
    topics: z.tuple([Word], Word),
    data: Word,
    blockNumber: z.string(),
    blockHash: z.string(),
    transactionHash: z.string(),
    logIndex: z.string(),
  }),
);
const BLOCKS_AT_ONCE = 50;
/** Against hanging only. */
const TIMEOUT_MS = 120_000;

/** All fills of the leaders in [fromBlock, toBlock], in the order of the chain. @throws Error when the node refuses. */
export async function readTruth(
  rpcUrl: string,
  leaders: ReadonlySet<Address>,
  range: { readonly fromBlock: number; readonly toBlock: number },
): Promise<TrueFill[]> {
  const fills: TrueFill[] = [];
  for (let from = range.fromBlock; from <= range.toBlock; from += BLOCKS_AT_ONCE) {
    const to = Math.min(range.toBlock, from + BLOCKS_AT_ONCE - 1);
    for (const log of Logs.parse(await getLogs(rpcUrl, from, to))) {
      const { args } = decodeEventLog({
        abi: exchangeAbi,
        eventName: "OrderFilled",
        data: log.data,
        topics: log.topics,
      });
      const leader = args.maker.toLowerCase() as Address;
      if (!leaders.has(leader)) continue;
      const isBuy = args.side === 0;
      fills.push({
        leader,
        role: args.taker.toLowerCase() === log.address.toLowerCase() ? "TAKER" : "MAKER",
        side: isBuy ? "BUY" : "SELL",
        tokenId: args.tokenId.toString(),
        sharesMicro: isBuy ? args.takerAmountFilled : args.makerAmountFilled,
        usdcMicro: isBuy ? args.makerAmountFilled : args.takerAmountFilled,
        feeMicro: args.fee,
        exchange: log.address.toLowerCase(),
        orderHash: args.orderHash,
        txHash: log.transactionHash,
        blockNumber: Number(log.blockNumber),
        blockHash: log.blockHash,
        logIndex: Number(log.logIndex),
      });
    }
  }
  return fills;
}

async function getLogs(rpcUrl: string, from: number, to: number): Promise<unknown> {
  const [topic] = encodeEventTopics({ abi: exchangeAbi, eventName: "OrderFilled" });
  const filter = {
    address: [standardExchange, negRiskExchange],
    topics: [topic],
    fromBlock: `0x${from.toString(16)}`,
    toBlock: `0x${to.toString(16)}`,
  };
  const response = await fetch(rpcUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_getLogs", params: [filter] }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const reply = (await response.json()) as { result?: unknown; error?: { message: string } };
  if (reply.result === undefined) throw new Error(`the chain cannot be read: ${reply.error?.message}`);
  return reply.result;
}
