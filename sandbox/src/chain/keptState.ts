/** A chain that goes on where it stopped: where its state is kept, and whose it is. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { ContractError } from "@slipstream/contracts/errors";
import { z } from "zod";
import { isNoRoom } from "../whenRoom.ts";
import type { ChainLedger } from "./ledger.ts";
import type { RpcClient } from "./rpcClient.ts";
import type { SandboxChainOptions } from "./types.ts";

/** A chain that is killed goes back this far, which its readers see as a deep reorg. */
const BLOCKS_BETWEEN = 30;

export type KeptState = {
  /** Written at the end and every few blocks. */
  readonly file: string;
  /** True when an earlier run left one. */
  readonly present: boolean;
};

/**
 * Finds or begins the kept state of `options.dir`.
 * @throws ContractError when another seed or other wallets made what lies there: their genesis was another.
 */
export function openKeptState({ dir, seed, wallets }: SandboxChainOptions): KeptState {
  mkdirSync(dir, { recursive: true });
  const genesis = JSON.stringify([seed, ...wallets.map(({ name, pusdMicro }) => [name, pusdMicro.toString()])]);
  const world = createHash("sha256").update(genesis).digest("hex");
  const [file, worldFile] = [join(dir, "chain-state.json"), join(dir, "chain-world.txt")];
  const present = existsSync(file);
  if (present && (!existsSync(worldFile) || readFileSync(worldFile, "utf8") !== world)) {
    throw new ContractError(
      "CONFIG_INVALID",
      `${dir} holds a sandbox chain of another seed or other wallets: empty the folder or choose another`,
    );
  }
  writeFileSync(worldFile, world);
  return { file, present };
}

export type Keeping = {
  readonly rpc: RpcClient;
  readonly ledger: Pick<ChainLedger, "onChange" | "steady">;
  readonly file: string;
  readonly onFailure: (error: Error) => void;
};

/** Writes the state every few blocks, and once more in `stop`; a reader never finds half a file. */
export function startKeeping({ rpc, ledger, file, onFailure }: Keeping): { stop(): Promise<void> } {
  let blocks = 0;
  let writing: Promise<void> = Promise.resolve();
  const write = async () => {
    await ledger.steady();
    const dump = z
      .string()
      .startsWith("0x")
      .parse(await rpc.call("anvil_dumpState"));
    try {
      await writeFile(`${file}.new`, await promisify(gunzip)(Buffer.from(dump.slice(2), "hex")));
      await rename(`${file}.new`, file);
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      // The chain goes on; a start would begin where it was last written.
      await rm(`${file}.new`, { force: true });
    }
  };
  const stopListening = ledger.onChange(() => {
    blocks += 1;
    if (blocks % BLOCKS_BETWEEN === 0) writing = writing.then(write).catch((error: Error) => onFailure(error));
  });
  return {
    stop: async () => {
      stopListening();
      await writing;
      await write();
    },
  };
}
