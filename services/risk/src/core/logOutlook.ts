/** Whether the log will have room for as many days of facts as it is to keep: said long before risk must act. Pure. */

export type LogUse = {
  /** Counted before compression, as the limit is. */
  readonly bytes: number;
  /** 0 or less: none. */
  readonly bytesMax: number;
  /** Between the oldest fact and the newest. */
  readonly spanMs: number;
  /** 0: for ever. */
  readonly ageMsMax: number;
};

const DAY_MS = 86_400_000;
const GIB = 1024 ** 3;
/** A shorter span says nothing of a day: a start tells much at once. */
const SPAN_MS_MIN = 3_600_000;
/** Said even when nothing is known of the pace. */
const PERCENT_TOLD = 50;

const oneDecimal = (value: number): string => value.toFixed(1);

/**
 * @param degradePercent - used part of the bytes from which on nothing is bought.
 * @returns a sentence for people with what to do, or null when all is well.
 */
export function logProblem({ bytes, bytesMax, spanMs, ageMsMax }: LogUse, degradePercent: number): string | null {
  if (bytesMax <= 0) return null;
  const usedPercent = (bytes / bytesMax) * 100;
  const limit = `${degradePercent} % of its ${oneDecimal(bytesMax / GIB)} GiB, where nothing is bought any more`;
  const help = "raise max_bytes of the stream FACTS, or lower its max_age";
  if (spanMs >= SPAN_MS_MIN) {
    const bytesPerDay = (bytes / spanMs) * DAY_MS;
    const daysHeld = (bytesMax * degradePercent) / 100 / bytesPerDay;
    const daysWanted = ageMsMax / DAY_MS;
    if (ageMsMax > 0 && daysHeld < daysWanted) {
      const daysLeft = Math.max(0, daysHeld - spanMs / DAY_MS);
      const pace = `the log grows by ${oneDecimal(bytesPerDay / GIB)} GiB a day`;
      return `${pace}: in ${oneDecimal(daysLeft)} days it is at ${limit}, and has ${oneDecimal(daysHeld)} days of facts, not ${oneDecimal(daysWanted)}; ${help}`;
    }
  }
  return usedPercent >= Math.min(PERCENT_TOLD, degradePercent)
    ? `the log is ${Math.floor(usedPercent)} % full, at ${limit}; ${help}`
    : null;
}
