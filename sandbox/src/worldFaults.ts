/** Does what a fault asks for, to the parts of a running world. */
import { ContractError } from "@slipstream/contracts/errors";
import type { SandboxChain } from "./chain/types.ts";
import type { Lifecycle } from "./churn/lifecycle.ts";
import type { Fault, FaultAnswer } from "./control.ts";
import type { DataFaults } from "./venue/dataFaults.ts";
import type { MarketChannel } from "./venue/marketWs.ts";
import type { RtdsChannel } from "./venue/rtdsWs.ts";
import type { SettledFills } from "./venue/settledFills.ts";

export type WorldFaults = {
  apply(fault: Fault): FaultAnswer | Promise<FaultAnswer>;
  actorsPaused(): boolean;
  /** Ends what is still timed. */
  stop(): void;
};

export function createWorldFaults(parts: {
  readonly chain: SandboxChain;
  readonly channel: MarketChannel;
  readonly rtds: RtdsChannel;
  readonly dataApi: DataFaults;
  readonly fills: SettledFills;
  readonly lifecycle: Pick<Lifecycle, "resolve" | "close" | "setChurn">;
}): WorldFaults {
  const { chain, channel, rtds, dataApi, fills, lifecycle } = parts;
  let paused = false;
  let outage: NodeJS.Timeout | undefined;

  const startOutage = (ms: number): void => {
    clearTimeout(outage);
    chain.faults.setOutage(ms > 0);
    if (ms > 0) outage = setTimeout(() => chain.faults.setOutage(false), ms);
  };

  const reorg = async (depth: number, drop: "none" | "leaderFill"): Promise<FaultAnswer> => {
    if (drop === "none") return { report: await chain.faults.reorg(depth) };
    const reach = chain.head().number - depth;
    const newest = fills.ofLeaders().findLast((fill) => fill.blockNumber > reach);
    if (newest === undefined) {
      throw new ContractError("CONFIG_INVALID", `none of the last ${depth} blocks holds a leader's fill: try again`);
    }
    const affected = fills.ofLeaders().filter((fill) => fill.txHash === newest.txHash);
    const report = await chain.faults.reorg(depth, { drop: [newest.txHash] });
    return { report, droppedTx: newest.txHash, affected };
  };

  const apply = (fault: Fault): FaultAnswer | Promise<FaultAnswer> => {
    switch (fault.kind) {
      case "pauseActors":
        paused = fault.on;
        return {};
      case "dropMarketSockets":
        channel.dropSockets();
        return {};
      case "loseDelta":
        channel.loseDelta(fault.count);
        return {};
      case "doubleDelta":
        channel.doubleDelta(fault.count);
        return {};
      case "delayMarket":
        channel.delay(fault.ms);
        return {};
      case "closeMarketSockets":
        channel.closeSockets(fault.code, fault.reason);
        return {};
      case "sayMarket":
        channel.say(fault.text);
        return {};
      case "silenceMarket":
        channel.silence(fault.on);
        return {};
      case "dropRpcSockets":
        chain.faults.dropSockets();
        return {};
      case "rpcOutage":
        startOutage(fault.ms);
        return {};
      case "rpcLag":
        chain.faults.setLagBlocks(fault.blocks);
        return {};
      case "apiLag":
        dataApi.setLag(fault.ms);
        return {};
      case "apiErrors":
        dataApi.refuse(fault.status, fault.count);
        return {};
      case "apiShuffle":
        dataApi.shuffle(fault.on);
        return {};
      case "dropRtdsSockets":
        rtds.dropSockets();
        return {};
      case "loseRtds":
        rtds.lose(fault.count);
        return {};
      case "doubleRtds":
        rtds.double(fault.on);
        return {};
      case "silenceRtds":
        rtds.silence(fault.on);
        return {};
      case "resolveMarket":
        return { ended: lifecycle.resolve(fault) };
      case "closeMarket":
        return { ended: lifecycle.close(fault) };
      case "churn":
        lifecycle.setChurn(fault.on);
        return {};
      case "reorg":
        return reorg(fault.depth, fault.drop);
    }
  };
  return { apply, actorsPaused: () => paused, stop: () => clearTimeout(outage) };
}
