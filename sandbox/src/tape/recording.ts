/**
 * A recording: a folder of parts, each a gzipped tape, and `index.json` that names them in order. Written by
 * `slipstream record`; every reader of tapes takes the folder as one tape.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { ContractError } from "@slipstream/contracts/errors";
import { TokenId } from "@slipstream/contracts/ids";
import { z } from "zod";

export const INDEX_FILE = "index.json";

export const RecordingPart = z.object({
  /** Name in the folder of the index. */
  file: z.string().refine((name) => basename(name) === name && name !== "", "a file name without a folder"),
  /** Receive times of the first and the last record, unix ms; null without records. */
  firstMs: z.int().nullable(),
  lastMs: z.int().nullable(),
  records: z.int().nonnegative(),
  channels: z.record(z.string(), z.int().nonnegative()),
  /** Compressed. */
  bytes: z.int().nonnegative(),
  /** Of the compressed bytes, lower-case hex; null while the part is written, or when its writer was killed. */
  sha256: z.string().nullable(),
  /** Subscribed while it was written. */
  tokens: z.array(TokenId),
  /** `recorder.gap` records in it. */
  gaps: z.int().nonnegative(),
});
export type RecordingPart = z.infer<typeof RecordingPart>;

export const RecordingIndex = z.object({
  format: z.literal("slipstream-recording"),
  v: z.literal(1),
  startedMs: z.int(),
  /** Null while it runs, or when its writer was killed. */
  endedMs: z.int().nullable(),
  endedBy: z.string().nullable(),
  parts: z.array(RecordingPart).min(1),
});
export type RecordingIndex = z.infer<typeof RecordingIndex>;

/** What a recorder knows that it did not receive. One opens the gap, another one with the same `sinceMs` closes it. */
export const TapeGap = z.object({
  why: z.enum(["CONNECTION_LOST", "QUEUE_FULL"]),
  /** The channel that has it; null: all. */
  of: z.string().nullable(),
  /** Of these tokens; null: of all, or the channel knows no tokens. */
  tokens: z.array(TokenId).nullable(),
  /** From here on something may be missing: the last sign of life before. */
  sinceMs: z.int(),
  /** Null: it goes on. */
  untilMs: z.int().nullable(),
  /** Records that were received and could not be kept. */
  dropped: z.int().optional(),
  detail: z.string(),
});
export type TapeGap = z.infer<typeof TapeGap>;

/** An answer of the CLOB's REST on a tape; `request` and `body` are the texts as they went over the wire. */
export const TapeRest = z.object({
  method: z.string(),
  path: z.string(),
  request: z.string().nullable(),
  status: z.int(),
  body: z.string(),
});
export type TapeRest = z.infer<typeof TapeRest>;

export type TapeParts = {
  /** In the order of reading. */
  readonly files: readonly string[];
  /** Null for a tape that is a single file. */
  readonly index: RecordingIndex | null;
};

/**
 * Returns the files of a tape: the file itself, or the parts of a recording's folder.
 * @throws ContractError TAPE_INVALID for a folder without an index, an index that cannot be read, or a part not there.
 */
export function tapeParts(path: string): TapeParts {
  if (!existsSync(path) || !statSync(path).isDirectory()) return { files: [path], index: null };
  const index = readIndex(path);
  const files = index.parts.map(({ file }) => join(path, file));
  for (const file of files) {
    if (!existsSync(file)) throw new ContractError("TAPE_INVALID", `${file} is in the index but not there`);
  }
  return { files, index };
}

function readIndex(folder: string): RecordingIndex {
  const file = join(folder, INDEX_FILE);
  if (!existsSync(file)) throw new ContractError("TAPE_INVALID", `${folder} is no recording: it has no ${INDEX_FILE}`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new ContractError("TAPE_INVALID", `${file} is not JSON`, { cause });
  }
  const parsed = RecordingIndex.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ContractError("TAPE_INVALID", `${file} is no index of a recording: ${z.prettifyError(parsed.error)}`);
}
