import { expect, test } from "vitest";
import { parseDotEnv } from "./dotEnv.ts";

const TEXT = "EXECUTION_MODE=live\r\n# of the venue\r\nexport LOG_LEVEL = debug\r\n\r\nKEY='a\r\nb=c'\r\n";
const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le");

test.each<[string, Uint8Array]>([
  ["UTF-8", Buffer.from(TEXT)],
  ["UTF-8 with a byte-order mark", Buffer.from(`\uFEFF${TEXT}`)],
  ["UTF-16, low byte first", utf16(`\uFEFF${TEXT}`)],
  ["UTF-16, high byte first", utf16(`\uFEFF${TEXT}`).swap16()],
  ["lines that end as on an old Mac", Buffer.from(TEXT.replaceAll("\r\n", "\r"))],
])("%s is read whole", (_name, bytes) => {
  expect(parseDotEnv(bytes)).toEqual({ EXECUTION_MODE: "live", LOG_LEVEL: "debug", KEY: "a\nb=c" });
});

test("an empty file says nothing", () => expect(parseDotEnv(Buffer.from("\uFEFF"))).toEqual({}));

test.each<[string, Uint8Array, string]>([
  ["UTF-16 without a mark", utf16(TEXT), "save it as UTF-8"],
  ["bytes that are no text", Uint8Array.from([0x41, 0x3d, 0xc3, 0x28]), "save it as UTF-8"],
  ["a line without =", Buffer.from("A=1\nEXECUTION_MODE live\n"), "line 2: a line is NAME=value"],
  ["a line behind a long value", Buffer.from("A='1\n2'\nEXECUTION_MODE: live"), "line 3: a line is NAME=value"],
  ["a name behind a space that is none", Buffer.from("\u00A0EXECUTION_MODE=live"), "line 1"],
])("%s is refused", (_name, bytes, text) => {
  expect(() => parseDotEnv(bytes)).toThrow(text);
});
