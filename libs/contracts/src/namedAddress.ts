/** Addresses as people write them, which may be mistyped; those of facts and of the chain are not checked so. */
import { Address } from "./ids.ts";
import { keccak256 } from "./keccak.ts";

const FORM = "an address is 0x and 40 hexadecimal digits";
const NOBODY = `0x${"0".repeat(40)}`;

export type NamedAddress =
  | { readonly ok: true; readonly address: Address }
  | { readonly ok: false; readonly text: string };

/**
 * Reads an address in lower case, in upper case, or with the capital letters of its checksum (EIP-55).
 * @returns it in lower case, or the right form in one sentence.
 */
export function readAddress(given: string): NamedAddress {
  const text = given.trim();
  const parsed = Address.safeParse(text.toLowerCase());
  if (!parsed.success) return { ok: false, text: FORM };
  if (parsed.data === NOBODY) return { ok: false, text: `${FORM}, and 0x0 is nobody's` };
  const digits = text.slice(2);
  const isMixed = /[a-f]/.test(digits) && /[A-F]/.test(digits);
  if (isMixed && digits !== checksummed(parsed.data)) {
    return {
      ok: false,
      text: `${FORM}, and the capital letters of this one do not match its checksum (EIP-55): copy it again, or write it in lower case if it is right`,
    };
  }
  return { ok: true, address: parsed.data };
}

/** The digits without 0x, those with a hash digit of 8 or more in upper case. */
function checksummed(address: Address): string {
  const digits = address.slice(2);
  const hash = Buffer.from(keccak256(Buffer.from(digits))).toString("hex");
  return [...digits].map((digit, at) => (/[89a-f]/.test(hash[at] ?? "") ? digit.toUpperCase() : digit)).join("");
}
