/**
 * A consumer whose stream is deleted and made again stays blind for minutes, or for ever. Whoever follows one for long
 * looks at its moment of creation.
 */
import type { Logger } from "pino";
import { type Bus, overLink } from "./bus.ts";
import { retrying } from "./retrying.ts";

const LOOK_EVERY_MS = 2_000;

/**
 * Calls back each time the stream is another one than before; returns how to stop.
 * @param from - the moment of creation it is compared with first; absent: the one of now.
 */
export function onRemade(bus: Bus, stream: string, call: () => void, from: string | null = null): () => void {
  let created = from;
  let asking = false;
  const look = async (): Promise<void> => {
    if (asking || !bus.connected()) return;
    asking = true;
    try {
      const info = await overLink(bus, () => bus.jsm.streams.info(stream));
      const isOther = created !== null && created !== info.created;
      created = info.created;
      if (isOther) call();
    } catch {
      // Not there now, or not to be asked: it is compared when it is back.
    } finally {
      asking = false;
    }
  };
  void look();
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

/**
 * Follows a stream or bucket, and begins again whenever it was made again. A broker that dies just now is waited for.
 * @param begin - begins to follow; resolves with how to end that.
 * @returns how to stop. @throws as `retrying`.
 */
export async function followRemade(
  { bus, logger, stream }: { readonly bus: Bus; readonly logger: Logger; readonly stream: string },
  begin: () => Promise<() => Promise<void>>,
): Promise<() => Promise<void>> {
  const { created } = await retrying(bus, logger, () => bus.jsm.streams.info(stream));
  let end = await retrying(bus, logger, begin);
  let stopped = false;
  const beginAgain = async (): Promise<void> => {
    logger.warn({ stream }, "was made again: following it anew");
    const next = await retrying(bus, logger, begin);
    // The one before is ended last, so that nothing is missed in between.
    const old = stopped ? next : end;
    if (!stopped) end = next;
    await old();
  };
  const stopLooking = onRemade(
    bus,
    stream,
    () => void beginAgain().catch((err: unknown) => logger.error({ err, stream }, "cannot be followed anew")),
    created,
  );
  return async () => {
    stopped = true;
    stopLooking();
    await end();
  };
}
