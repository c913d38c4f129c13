/**
 * The node listens on a port of this machine, and anvil does whatever anybody asks of it. What another program wrote is
 * taken back before anybody has seen it: readers see the chain only as far as the ledger tells it.
 */
import { ContractError } from "@slipstream/contracts/errors";
import { Hash } from "@slipstream/contracts/ids";
import { z } from "zod";
import { type RpcClient, RpcRefusal } from "./rpcClient.ts";

/** Blocks that are read rather than given up; each is a second of the chain's time that is ahead of the world's. */
const KEPT_MAX = 10_000;

type Place = { readonly number: number; readonly hash: Hash };

const Placed = z.object({ number: z.string().startsWith("0x"), hash: Hash }).nullable();

async function placeAt(rpc: RpcClient, number: string): Promise<Place | null> {
  const block = Placed.parse(await rpc.call("eth_getBlockByNumber", [number, false]));
  return block === null ? null : { number: Number(block.number), hash: block.hash };
}

/**
 * Takes back blocks beyond `head` that are not the ledger's.
 * @param beforeRollback - called when there are some; they hold transactions that are to be sent again.
 * @returns how many there were; those that the node has kept stay, as it remembers only so many states.
 * @throws ContractError RPC_REFUSED when blocks of the ledger's are gone: nothing can bring them back.
 */
export async function takeBackForeign(
  rpc: RpcClient,
  head: Place,
  beforeRollback: () => Promise<void>,
): Promise<{ readonly taken: number; readonly kept: readonly number[] }> {
  const latest = await placeAt(rpc, "latest");
  if (latest?.hash === head.hash) return { taken: 0, kept: [] };
  const known = await placeAt(rpc, `0x${head.number.toString(16)}`);
  if (latest === null || known?.hash !== head.hash) {
    throw new ContractError(
      "RPC_REFUSED",
      "another program took blocks from the sandbox's chain node: start the sandbox anew, with an empty folder if it does not start",
    );
  }
  // Whatever rhythm was set from outside would go on writing.
  await rpc.call("evm_setIntervalMining", [0]);
  await rpc.call("evm_setAutomine", [false]);
  await beforeRollback();
  const count = latest.number - head.number;
  try {
    await rpc.call("anvil_rollback", [count]);
    return { taken: count, kept: [] };
  } catch (error) {
    if (!(error instanceof RpcRefusal) || count > KEPT_MAX) throw error;
    return { taken: 0, kept: Array.from({ length: count }, (_, n) => head.number + 1 + n) };
  }
}
