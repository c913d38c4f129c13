/** The lines of a text file, plain or gzipped, as far as it can be read. */
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { ContractError } from "@slipstream/contracts/errors";

export type Line = { readonly line: number; readonly text: string };

/** Why reading ended before the end. `truncated`: the file just stops, as when its writer was killed. */
export type Damage = { readonly line: number; readonly kind: "truncated" | "corrupt"; readonly why: string };

/** Some hundred lines at a time. */
const CHUNK_BYTES = 256 * 1024;

/**
 * The lines that are not empty. @throws ContractError TAPE_INVALID for a file that cannot be read to its end.
 */
export async function* readLines(file: string): AsyncGenerator<Line> {
  const batches = lineBatches(file);
  for (;;) {
    const { done, value } = await batches.next();
    if (done !== true) yield* value;
    else if (value === null) return;
    else throw new ContractError("TAPE_INVALID", `${file} cannot be read: ${value.why}`);
  }
}

/**
 * Lines that are not empty, in batches. What was compressed before a damage is given; a line that it cut is not.
 * @returns null, or why the file ends early.
 * @throws ContractError TAPE_INVALID when the file is not there or the disk refuses.
 */
export async function* lineBatches(file: string): AsyncGenerator<Line[], Damage | null> {
  const bytes = file.endsWith(".gz") ? gunzipped(file) : plain(file);
  const decoder = new TextDecoder();
  let line = 0;
  let rest = "";
  for (;;) {
    const { done, value } = await bytes.next();
    if (done === true) {
      if (value !== null) return { ...value, line: line + 1 };
      if (rest.trim() !== "") yield [{ line: line + 1, text: rest }];
      return null;
    }
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    const batch: Line[] = [];
    for (const text of lines) {
      line += 1;
      if (text.trim() !== "") batch.push({ line, text });
    }
    yield batch;
  }
}

type Stop = Omit<Damage, "line"> | null;

async function* plain(file: string): AsyncGenerator<Uint8Array, Stop> {
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES })) yield chunk as Uint8Array;
  } catch (cause) {
    throw new ContractError("TAPE_INVALID", `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return null;
}

/** A stream's iterator drops what it holds when an error comes; here each piece is taken before the next is fed. */
async function* gunzipped(file: string): AsyncGenerator<Uint8Array, Stop> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const out: Uint8Array[] = [];
  let failure: Error | null = null;
  let wake = (): void => {};
  gunzip.on("data", (chunk: Uint8Array) => out.push(chunk));
  gunzip.on("end", () => wake());
  gunzip.on("error", (error) => {
    failure = error;
    wake();
  });
  const settled = (act: () => void): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      act();
    });
  try {
    for await (const piece of plain(file)) {
      await settled(() => gunzip.write(piece, () => wake()));
      yield* out.splice(0);
      if (failure !== null) return stopOf(failure);
    }
    await settled(() => gunzip.end());
    yield* out.splice(0);
    return failure === null ? null : stopOf(failure);
  } finally {
    gunzip.destroy();
  }
}

function stopOf(error: Error): Stop {
  const truncated = (error as NodeJS.ErrnoException).code === "Z_BUF_ERROR";
  return { kind: truncated ? "truncated" : "corrupt", why: truncated ? "it ends in the middle" : error.message };
}
