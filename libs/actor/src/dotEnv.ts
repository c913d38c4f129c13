/** The file `.env`: read whole or refused, because a setting that is passed over is a setting that is wrong. */
import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { ContractError } from "@slipstream/contracts/errors";

/**
 * Returns the variables of the file; none when there is no file.
 * @throws ContractError CONFIG_INVALID for a file that is no text or has a line that is no setting.
 */
export function readDotEnv(file: string): Record<string, string | undefined> {
  if (!existsSync(file)) return {};
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new ContractError("CONFIG_INVALID", "the file .env cannot be read: is it a file, and ours?", { cause });
  }
  return parseDotEnv(bytes);
}

/** @throws ContractError CONFIG_INVALID as `readDotEnv`. */
export function parseDotEnv(bytes: Uint8Array): Record<string, string | undefined> {
  const text = decode(bytes).replace(/\r\n?/g, "\n");
  const wrong = wrongLine(text);
  if (wrong !== null) {
    throw new ContractError(
      "CONFIG_INVALID",
      `the file .env, line ${wrong}: a line is NAME=value, # a comment, or empty`,
    );
  }
  return parseEnv(text);
}

/** A byte-order mark says what the bytes are; without one they are UTF-8. */
function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (!text.includes("\0")) return text;
  } catch {
    // Bytes that are no text of this encoding.
  }
  throw new ContractError("CONFIG_INVALID", "the file .env is not text in UTF-8: save it as UTF-8");
}

const setting = /^[ \t]*(export[ \t]+)?[A-Za-z_][\w.-]*[ \t]*=/;
const nothing = /^[ \t]*(#.*)?$/;
/** A value in quotes may go over several lines. */
const quoted = /(=[ \t]*)(["'`])[\s\S]*?\2/g;

/** The number of the first line that says nothing and is no comment; its text may be secret and is not told. */
function wrongLine(text: string): number | null {
  const newlines = (value: string): string => "\n".repeat(value.split("\n").length - 1);
  const emptied = text.replace(quoted, (whole, begin: string) => `${begin}${newlines(whole)}`);
  const index = emptied.split("\n").findIndex((line) => !setting.test(line) && !nothing.test(line));
  return index === -1 ? null : index + 1;
}
