/** Stretches in which a channel that had spoken said nothing. A quiet market is no fault, so silences are only told. Pure. */

export type Silence = { readonly of: string; readonly fromMs: number; readonly ms: number };

/** Channels that go on by themselves; the others answer or speak when something happens. */
const CONTINUOUS: ReadonlySet<string> = new Set(["clob.market.ws", "chain.head"]);

export function createSilences(silenceMs: number) {
  const lastMs = new Map<string, number>();
  const found: Silence[] = [];
  const look = (of: string, fromMs: number, t: number): void => {
    if (t - fromMs > silenceMs) found.push({ of, fromMs, ms: t - fromMs });
  };
  return {
    heard: (channel: string, connection: string | undefined, t: number): void => {
      if (!CONTINUOUS.has(channel)) return;
      const of = connection === undefined ? channel : `${channel} ${connection}`;
      const last = lastMs.get(of);
      if (last !== undefined) look(of, last, t);
      lastMs.set(of, t);
    },
    /** @param endMs - when the tape ends: what fell silent before is told too. */
    end: (endMs: number): readonly Silence[] => {
      for (const [of, last] of lastMs) look(of, last, endMs);
      return found;
    },
  };
}
