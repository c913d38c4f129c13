/** The clock of a service's process: measured against the venue, or a tape's; and what heartbeats and logs tell of it. */
import type { Logger } from "pino";
import { type Clock, MACHINE_CLOCK, parseLocalClock, systemClock } from "./clock.ts";
import { startClockMeter } from "./clockMeter.ts";
import { type ClockReport, measuredClock } from "./measuredClock.ts";
import type { CommonSettings, ServiceStatus } from "./service.ts";

export type ServiceClock = {
  readonly clock: Clock;
  /** Resolves when the clock was measured once, or the venue did not answer in time. Never rejects. */
  firstMeasured(): Promise<void>;
  /** What a person should know of it now. */
  problems(): string[];
  /** Adds what is known of the clock: gauges `clockOffsetMs` and `clockUncertaintyMs` while it is measured, problems. */
  told(status: ServiceStatus): ServiceStatus;
  stop(): void;
};

/** A clock that may be wrong by more than this is corrected and told of. */
export const CLOCK_WARN_MS = 2_000;
const FIRST_MEASURED_MS = 1_500;
const LOOK_MS = 250;
/** How each line about a clock begins that is wrong or unknown. */
export const LOCAL_CLOCK = "the local clock";
const REMEDY = "set the machine's clock by NTP";

export function startServiceClock(
  settings: Pick<CommonSettings, "SLIPSTREAM_CLOCK" | "CLOB_HTTP_URL" | "GAMMA_URL">,
  logger: Logger,
): ServiceClock {
  const { SLIPSTREAM_CLOCK: text, CLOB_HTTP_URL: venueUrl, GAMMA_URL: otherUrl } = settings;
  const local = text === undefined ? MACHINE_CLOCK : parseLocalClock(text);
  if (local.exact) {
    const clock = systemClock(local);
    return {
      clock,
      firstMeasured: async () => undefined,
      problems: () => [],
      told: withGauges(() => clock.quality()),
      stop: () => undefined,
    };
  }
  const clock = measuredClock({
    mapping: local,
    onJump: (jumpMs) => {
      logger.error({ jumpMs }, "the clock has jumped, it is measured again");
      meter?.again();
    },
  });
  const meter =
    venueUrl === undefined
      ? null
      : startClockMeter({ clock, venueUrl, ...(otherUrl === undefined ? {} : { otherUrl }) });
  const unasked = "CLOB_HTTP_URL is not set";
  const why = (): string | null => (meter === null ? unasked : meter.problem());
  const problems = (): string[] => clockProblems(clock.report(), why());
  let logged = "";
  const look = (): void => {
    clock.look();
    const lines = problems();
    // The numbers move all the time; only a change of what is wrong is news.
    const kind = lines.map((line) => line.replaceAll(/\d+/g, "#")).join("; ");
    if (kind !== logged && lines.length > 0) logger.warn({ ...clock.quality() }, lines.join("; "));
    if (kind !== logged && lines.length === 0) logger.info({ ...clock.quality() }, "the clock is well");
    logged = kind;
  };
  const looks = setInterval(look, LOOK_MS);
  const gauges = withGauges(() => clock.quality());
  return {
    clock,
    firstMeasured: async () => meter?.firstRound(FIRST_MEASURED_MS),
    problems,
    told: (status) => ({ ...gauges(status), problems: [...status.problems, ...problems()] }),
    stop: () => {
      clearInterval(looks);
      meter?.stop();
    },
  };
}

const withGauges =
  (quality: Clock["quality"]): ServiceClock["told"] =>
  (status) => {
    const known = quality();
    const { offsetMs, uncertaintyMs } = known ?? {};
    const gauges = known === null ? {} : { clockOffsetMs: offsetMs ?? 0, clockUncertaintyMs: uncertaintyMs ?? 0 };
    return { ...status, gauges: { ...status.gauges, ...gauges } };
  };

/**
 * What a person should know of the clock, with its numbers and what to do.
 * @param notAsked - why nothing is measured; null: it is.
 */
export function clockProblems({ quality, dropped, jumpMs }: ClockReport, notAsked: string | null): string[] {
  const problems: string[] = [];
  if (quality === null) {
    const why = notAsked ?? "its sources do not agree";
    problems.push(
      jumpMs === null
        ? `${LOCAL_CLOCK} is not measured (${why}), nothing is bought`
        : `${LOCAL_CLOCK} jumped by ${jumpMs} ms and is measured again, nothing is bought; ${REMEDY}`,
    );
  } else if (Math.abs(quality.offsetMs) + quality.uncertaintyMs >= CLOCK_WARN_MS) {
    const { offsetMs, uncertaintyMs } = quality;
    const off = Math.abs(offsetMs) < uncertaintyMs ? "off by" : offsetMs > 0 ? "slow by" : "fast by";
    problems.push(
      `${LOCAL_CLOCK} is ${off} ${Math.abs(offsetMs)} ± ${uncertaintyMs} ms, which is corrected; ${REMEDY}`,
    );
  }
  if (dropped.length > 0) problems.push(`left out for the clock, as it fits no other source: ${dropped.join(", ")}`);
  return problems;
}
