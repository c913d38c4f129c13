/** What the RPC endpoint shows of the chain: all of it, or less while it lags. */
import { type ChainBlock, chainDifference } from "./blocks.ts";
import { type RpcError, RpcRefusal } from "./rpcClient.ts";

/** Switches of the endpoint; see ChainFaults for their meaning. */
export type FrontSwitches = {
  outage: boolean;
  lagBlocks: number;
  maxRange: number | null;
  duplicateLogs: boolean;
  removedLogs: boolean;
  silent: boolean;
  hiddenLogs: boolean;
  /** Requests for logs that are still to be refused. */
  refusedLogs: number;
};

export const noFaults = (): FrontSwitches => ({
  outage: false,
  lagBlocks: 0,
  maxRange: null,
  duplicateLogs: false,
  removedLogs: true,
  silent: false,
  hiddenLogs: false,
  refusedLogs: 0,
});

export type RpcView = {
  /** Number of the newest block shown; never goes back. */
  head(): number;
  /** Never beyond `head`. */
  finalized(): number;
  /**
   * Turns a block parameter into a number. Hashes and objects (EIP-1898) are not numbers: null.
   * @throws RpcRefusal for anything else.
   */
  blockNumber(parameter: unknown): number | null;
  /** True for a block number that the endpoint does not know yet. */
  isAhead(number: number): boolean;
  /** What changed since the last call: blocks taken back, newest first, then new ones, oldest first. */
  advance(): { readonly removed: readonly ChainBlock[]; readonly added: readonly ChainBlock[] };
};

export type ViewOptions = {
  readonly blocks: () => readonly ChainBlock[];
  readonly finalityDepth: number;
  readonly switches: FrontSwitches;
};

export function createView({ blocks, finalityDepth, switches }: ViewOptions): RpcView {
  let shown = blocks().at(-1)?.number ?? 0;
  let told = blocks();
  const head = (): number => {
    shown = Math.max(shown, (blocks().at(-1)?.number ?? 0) - switches.lagBlocks);
    return shown;
  };
  const finalized = () => Math.max(0, head() - finalityDepth);
  return {
    head,
    finalized,
    isAhead: (number) => number > head(),
    blockNumber: (parameter) => {
      if (parameter === undefined || parameter === null || parameter === "latest" || parameter === "pending")
        return head();
      if (parameter === "earliest") return 0;
      if (parameter === "finalized" || parameter === "safe") return finalized();
      if (typeof parameter === "object") return null;
      if (typeof parameter === "string" && /^0x[0-9a-f]{1,13}$/i.test(parameter)) return Number(parameter);
      if (typeof parameter === "string" && /^0x[0-9a-f]{64}$/i.test(parameter)) return null;
      throw refusal(-32602, `invalid block parameter ${JSON.stringify(parameter)}`);
    },
    advance: () => {
      const limit = head();
      const visible = blocks().filter((block) => block.number <= limit);
      const difference = chainDifference(told, visible);
      told = visible;
      return difference;
    },
  };
}

export const toQuantity = (value: number): `0x${string}` => `0x${value.toString(16)}`;

export function refusal(code: number, message: string): RpcRefusal {
  const error: RpcError = { code, message };
  return new RpcRefusal("request", error);
}
