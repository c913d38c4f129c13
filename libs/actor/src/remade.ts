/**
 * A consumer whose stream is deleted and made again stays blind for minutes, or for ever. Whoever follows one for long
 * looks at its moment of creation.
 */
import { type Bus, overLink } from "./bus.ts";

const LOOK_EVERY_MS = 2_000;

/** Calls back each time the stream is another one than before; returns how to stop. */
export function onRemade(bus: Bus, stream: string, call: () => void): () => void {
  let created: string | null = null;
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
