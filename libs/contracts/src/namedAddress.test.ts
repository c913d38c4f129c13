import { expect, test } from "vitest";
import { readAddress } from "./namedAddress.ts";

/** Of EIP-55 itself. */
const right = [
  "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
  "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
  "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
  "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
  "0x52908400098527886E0F7030069857D2E4169EE7",
  "0xde709f2102306220921060314715629080e2fb77",
];

test.each(right)("%s is read as it is, in lower case, and with spaces around", (text) => {
  const read = { ok: true, address: text.toLowerCase() };
  for (const given of [text, text.toLowerCase(), ` ${text}\n`]) expect(readAddress(given)).toEqual(read);
});

test.each([
  ["a digit that is wrong", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAee", /capital letters .*EIP-55.*lower case/],
  ["a letter of the wrong case", "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", /EIP-55/],
  ["nobody", `0x${"0".repeat(40)}`, /0x0 is nobody's/],
  ["0x0 as people write it", "0x0", /0x and 40 hexadecimal digits/],
  ["one that is too short", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", /0x and 40 hexadecimal digits/],
])("%s is refused with the right form", (_name, given, text) => {
  const read = readAddress(given);
  expect(read.ok ? "" : read.text).toMatch(text);
});
