/** Files and folders a person names for output: refused before the work whose result they were for. */
import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ContractError } from "@slipstream/contracts/errors";
import { shownPath } from "./config.ts";

/**
 * @param option - as typed, such as `--report`.
 * @param file - null: not asked for.
 * @throws ContractError CONFIG_INVALID when the file cannot be written.
 */
export function checkOutput(option: string, file: string | null): void {
  if (file === null) return;
  const refuse = (text: string): never => {
    throw new ContractError("CONFIG_INVALID", `${option} ${file}: ${text}`);
  };
  const stats = statSync(dirname(file), { throwIfNoEntry: false });
  if (stats?.isDirectory() !== true) refuse("its folder is not there; make it first");
  const present = statSync(file, { throwIfNoEntry: false });
  if (present?.isDirectory() === true) refuse("that is a folder; name a file");
  try {
    accessSync(present === undefined ? dirname(file) : file, constants.W_OK);
  } catch {
    refuse("it cannot be written: it is read-only or not ours");
  }
}

/**
 * Makes the folder of local runs, or finds it.
 * @throws ContractError CONFIG_INVALID when nothing can be written to it.
 */
export function makeHome(path: string): void {
  try {
    makeFolder(resolve(path));
    accessSync(path, constants.W_OK);
  } catch (cause) {
    throw new ContractError(
      "CONFIG_INVALID",
      `the folder ${shownPath(path)} cannot be written, where log and state are kept: set SLIPSTREAM_HOME to one that can`,
      { cause },
    );
  }
}

/** Node's own `recursive` never returns where the system says of a folder that is there that it is not, as in /proc. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  mkdirSync(path);
}
