/** A market's fee schedule as the venue writes it, in Gamma (`feeSchedule`) and in the CLOB (`fd`). */
import { type FeeSchedule, MICRO_NUMBER } from "@slipstream/contracts/money";
import { microOfJson } from "./decimal.ts";

/** A market without schedule takes no fee. */
export const NO_FEE: FeeSchedule = { rateMicro: 0, exponent: 1, takerOnly: true };
const EXPONENT_MAX = 4;

/**
 * Reads a schedule whose fields have the given names; absent means no fee.
 * @returns null when it is there but cannot be read: a wrong guess would be wrong money.
 */
export function feeScheduleOf(
  value: unknown,
  names: { readonly rate: string; readonly exponent: string; readonly takerOnly: string },
): FeeSchedule | null {
  if (value === undefined || value === null) return NO_FEE;
  if (typeof value !== "object") return null;
  const fields = value as Readonly<Record<string, unknown>>;
  const rateMicro = microOfJson(fields[names.rate]);
  const exponent = fields[names.exponent];
  const takerOnly = fields[names.takerOnly];
  if (rateMicro < 0 || rateMicro > MICRO_NUMBER || typeof takerOnly !== "boolean") return null;
  if (typeof exponent !== "number" || !Number.isInteger(exponent) || exponent < 1 || exponent > EXPONENT_MAX)
    return null;
  return { rateMicro, exponent, takerOnly };
}
