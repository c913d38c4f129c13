/**
 * One part of a recording while it is written: text in, gzip to the disk, counted and hashed on the way. After `flush`
 * everything written is readable even if this process is killed.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";

export type Part = {
  /** Resolves when more may be written. @throws what the disk said. */
  write(text: string): Promise<void>;
  /** Everything written so far goes to the disk, without the end of the file. */
  flush(): Promise<void>;
  /** Compressed bytes given to the disk. */
  bytes(): number;
  /** Ends the file. @throws what the disk said. */
  close(): Promise<{ readonly bytes: number; readonly sha256: string }>;
};

/** How a file is made; a new one, never over another. */
export type OpenSink = (path: string) => Writable;
const newFile: OpenSink = (path) => createWriteStream(path, { flags: "wx" });

export function openPart(path: string, openSink: OpenSink = newFile): Part {
  const gzip = createGzip();
  const hash = createHash("sha256");
  let bytes = 0;
  let dirty = false;
  const done = pipeline(
    gzip,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.length;
        yield chunk;
      }
    },
    openSink(path),
  );
  let failure: unknown = null;
  done.catch((error: unknown) => {
    failure = error;
  });
  const orFailed = async (promise: Promise<unknown>): Promise<void> => {
    if (failure !== null) throw failure;
    await Promise.race([promise, done]);
  };
  return {
    write: async (text) => {
      if (failure !== null) throw failure;
      dirty = true;
      if (!gzip.write(text)) await orFailed(once(gzip, "drain"));
    },
    flush: async () => {
      if (!dirty) return;
      dirty = false;
      await orFailed(new Promise<void>((resolve) => gzip.flush(constants.Z_SYNC_FLUSH, resolve)));
    },
    bytes: () => bytes,
    close: async () => {
      if (failure !== null) throw failure;
      gzip.end();
      await done;
      return { bytes, sha256: hash.digest("hex") };
    },
  };
}
