/** What the sandbox keeps is for its next start: a disk that is full now costs that, and not the world that runs. */
import { appendFileSync, existsSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";

const SQLITE_FULL = 13;

/** The disk, or our share of it, is full. */
export const isNoRoom = (error: unknown): error is Error =>
  error instanceof Error &&
  (("code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT")) ||
    ("errcode" in error && error.errcode === SQLITE_FULL));

/** Replaces a file as a whole, or leaves what was there when the disk is full. @returns whether it was written. */
export function replaceWhenRoom(file: string, text: string): boolean {
  try {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
    return true;
  } catch (error) {
    if (!isNoRoom(error)) throw error;
    rmSync(`${file}.new`, { force: true });
    return false;
  }
}

/** Appends to a file; what a full disk does not take waits for the next time. */
export function appenderWhenRoom(file: string): { append(text: string): void; forget(): void } {
  let waiting = "";
  return {
    append: (text) => {
      waiting += text;
      const before = existsSync(file) ? statSync(file).size : 0;
      try {
        appendFileSync(file, waiting);
        waiting = "";
      } catch (error) {
        if (!isNoRoom(error)) throw error;
        // A part of it may have been written, which would be there twice.
        if (existsSync(file)) truncateSync(file, before);
      }
    },
    forget: () => {
      waiting = "";
    },
  };
}
