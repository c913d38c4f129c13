/**
 * What becomes of each message between venue and reader, and a journal of it: which changes never arrived, which came
 * twice, and when the reader got the first message that could tell.
 */
import type { TokenId } from "@slipstream/contracts/ids";
import type { Random } from "@slipstream/sandbox/actors/random";
import type { Delivery, Sending } from "@slipstream/sandbox/venue/marketWs";

/** A change that the reader did not get, or got again. */
export type Miss = {
  readonly cause: string;
  readonly atMs: number;
  /** When the next change of the token was sent to the reader; null: nothing could tell it yet. */
  toldMs: number | null;
};

export type Line = {
  readonly delivery: Delivery;
  /** What was missed of a token and has not been seen to be right since. */
  misses(tokenId: TokenId): readonly Miss[];
  /** Everything missed up to then does not matter any more: the reader has the book. */
  settle(tokenId: TokenId, upToMs: number): void;
  counts(): LineCounts;
  /** Connections to which nothing is sent any more, whatever they say. */
  readonly deaf: Set<number>;
  /** Tokens of which nothing is told. */
  readonly silent: Set<TokenId>;
  /** Token → so many of its next changes are lost. */
  readonly toLose: Map<TokenId, number>;
  /** Each in [0, 1]: how often it happens. */
  readonly chances: {
    repeat: number;
    latePrint: number;
    earlyPrint: number;
    staleOpening: number;
    lackingOpening: number;
  };
};
export type LineCounts = {
  sent: number;
  lost: number;
  repeated: number;
  latePrints: number;
  staleOpenings: number;
  lackingOpenings: number;
};

/** The venue's repeats come within 120 ms, events of different types up to 0.62 s out of order (reference §6.3). */
const REPEAT_AFTER_MS = [1, 120] as const;
const LATE_PRINT_MS = [50, 620] as const;

export function createLine(random: Random, nowMs: () => number): Line {
  const misses = new Map<TokenId, Miss[]>();
  const lastChange = new Map<TokenId, string>();
  const counts: LineCounts = { sent: 0, lost: 0, repeated: 0, latePrints: 0, staleOpenings: 0, lackingOpenings: 0 };
  const deaf = new Set<number>();
  const silent = new Set<TokenId>();
  const toLose = new Map<TokenId, number>();
  const chances = { repeat: 0, latePrint: 0, earlyPrint: 0, staleOpening: 0, lackingOpening: 0 };

  const miss = (tokens: readonly TokenId[], what: Miss): void => {
    for (const token of tokens) misses.set(token, [...(misses.get(token) ?? []), { ...what }]);
  };
  const told = (tokens: readonly TokenId[]): void => {
    for (const token of tokens) for (const one of misses.get(token) ?? []) one.toldMs ??= nowMs();
  };
  const whyLost = ({ socket, kind, tokens }: Sending): string | null => {
    if (deaf.has(socket)) return "half-open";
    if (tokens.some((token) => silent.has(token))) return "silent market";
    const losing = kind === "change" ? tokens.filter((token) => (toLose.get(token) ?? 0) > 0) : [];
    for (const token of losing) toLose.set(token, (toLose.get(token) ?? 0) - 1);
    return losing.length > 0 ? "lost delta" : null;
  };
  const onChange = (sending: Sending): ReturnType<Delivery> => {
    const { text, tokens } = sending;
    for (const token of tokens) lastChange.set(token, text);
    told(tokens);
    if (!random.chance(chances.repeat)) return atOnce(text);
    const afterMs = random.integer(...REPEAT_AFTER_MS);
    counts.repeated += 1;
    miss(tokens, { cause: "repeat", atMs: nowMs(), toldMs: nowMs() + afterMs });
    return [...atOnce(text), { text: random.chance(0.5) ? text : swapped(text), afterMs }];
  };
  const onOpening = ({ text, tokens }: Sending): ReturnType<Delivery> => {
    if (random.chance(chances.lackingOpening)) {
      counts.lackingOpenings += 1;
      return atOnce(JSON.stringify((JSON.parse(text) as unknown[]).filter(() => random.chance(0.7))));
    }
    if (!random.chance(chances.staleOpening)) return atOnce(text);
    // Changes that the books have already come after them.
    counts.staleOpenings += 1;
    const frames = new Set(tokens.flatMap((token) => lastChange.get(token) ?? []));
    return [...atOnce(text), ...[...frames].map((frame) => ({ text: frame, afterMs: random.integer(1, 300) }))];
  };

  return {
    delivery: (sending) => {
      const { kind, text, tokens } = sending;
      const why = whyLost(sending);
      if (why !== null) {
        counts.lost += 1;
        if (kind === "change") for (const token of tokens) lastChange.set(token, text);
        if (kind === "change" || kind === "tick") miss(tokens, { cause: why, atMs: nowMs(), toldMs: null });
        return [];
      }
      counts.sent += 1;
      if (kind === "change") return onChange(sending);
      if (kind === "opening") return onOpening(sending);
      if (kind === "print" && random.chance(chances.earlyPrint)) return [{ text, afterMs: 0, overtakes: true }];
      if (kind !== "print" || !random.chance(chances.latePrint)) return atOnce(text);
      counts.latePrints += 1;
      return [{ text, afterMs: random.integer(...LATE_PRINT_MS) }];
    },
    misses: (tokenId) => misses.get(tokenId) ?? [],
    settle: (tokenId, upToMs) => {
      const left = (misses.get(tokenId) ?? []).filter(({ atMs, toldMs }) => Math.max(atMs, toldMs ?? 0) > upToMs);
      if (left.length === 0) misses.delete(tokenId);
      else misses.set(tokenId, left);
    },
    counts: () => ({ ...counts }),
    deaf,
    silent,
    toLose,
    chances,
  };
}

const atOnce = (text: string) => [{ text, afterMs: 0 }];

/** The same message with its entries in another order, as repeats are at times. */
function swapped(text: string): string {
  const frame = JSON.parse(text) as { price_changes: unknown[] };
  return JSON.stringify({ ...frame, price_changes: frame.price_changes.toReversed() });
}
