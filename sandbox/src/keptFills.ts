/** Which fills of earlier runs the chain still holds: one that was killed goes back by some blocks. */
import { z } from "zod";
import { connectRpc } from "./chain/rpcClient.ts";
import type { SettledFill } from "./venue/settledFills.ts";

/** @param fills - or acts, oldest first. @returns them without those at the end whose blocks are gone. */
export async function fillsOnChain<T extends Pick<SettledFill, "blockHash">>(
  rpcWsUrl: string,
  fills: readonly T[],
): Promise<readonly T[]> {
  if (fills.length === 0) return fills;
  const rpc = await connectRpc(rpcWsUrl);
  try {
    let end = fills.length;
    for (let hash = fills[end - 1]?.blockHash; hash !== undefined; hash = fills[end - 1]?.blockHash) {
      if (z.looseObject({}).safeParse(await rpc.call("eth_getBlockByHash", [hash, false])).success) break;
      while (fills[end - 1]?.blockHash === hash) end -= 1;
    }
    return fills.slice(0, end);
  } finally {
    rpc.close();
  }
}
