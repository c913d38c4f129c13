/** A recording's files against its index. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { tapeParts } from "@slipstream/sandbox/tape/recording";

export type TapeFiles = {
  readonly files: number;
  readonly bytes: number;
  /** What differs from the index, one sentence each. */
  readonly differences: readonly string[];
  /** False when the recorder was killed or still runs; null for a tape that is a single file. */
  readonly sealed: boolean | null;
};

/** @throws ContractError TAPE_INVALID as every reader of tapes does. */
export async function compareFiles(path: string): Promise<TapeFiles> {
  const { files, index } = tapeParts(path);
  const differences: string[] = [];
  let bytes = 0;
  for (const [at, file] of files.entries()) {
    const size = existsSync(file) ? statSync(file).size : 0;
    bytes += size;
    const part = index?.parts[at];
    if (part === undefined || part.sha256 === null) continue;
    if (size !== part.bytes) differences.push(`${basename(file)} has ${size} bytes, its index says ${part.bytes}`);
    else if ((await sha256Of(file)) !== part.sha256)
      differences.push(`${basename(file)} was changed: another sha256 than its index says`);
  }
  return { files: files.length, bytes, differences, sealed: index === null ? null : index.endedMs !== null };
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
