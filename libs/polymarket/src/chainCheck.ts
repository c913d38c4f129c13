/** Whether the nodes are on our chain: a wrong one would tell a world in which nobody trades, and look well. */
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import type { RpcProvider } from "./rpcPool.ts";
import { CHAIN_ID } from "./versions.ts";

/**
 * Asks each node once. One that does not answer or does not say is believed until it does.
 * @throws ContractError CONFIG_INVALID naming the node and its chain.
 */
export async function checkChain(setting: string, providers: readonly RpcProvider[]): Promise<void> {
  await Promise.all(
    providers.map(async ({ name, rpc }) => {
      const chain = await rpc.call("eth_chainId").catch((error: unknown) => {
        if (error instanceof TransientError || error instanceof ContractError) return null;
        throw error;
      });
      if (typeof chain !== "string" || Number(chain) === CHAIN_ID) return;
      throw new ContractError(
        "CONFIG_INVALID",
        `${setting}: ${name} is a node of chain ${Number(chain)}, Polygon is ${CHAIN_ID}`,
      );
    }),
  );
}
