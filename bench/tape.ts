/**
 * A generated market tape: one book seen from two tokens, a change per frame near the touch, every hash right, a leader
 * who buys and sells at the touch. Same seed, same tape.
 */
import type { Address, TokenId } from "../libs/contracts/src/ids.ts";
import { type PriceMicro, type Side, sharesMicro } from "../libs/contracts/src/money.ts";
import { type AddedFill, addFills } from "../sandbox/src/tape/addFills.ts";
import type { TapeRecord } from "../sandbox/src/tape/format.ts";
import { createWireMarket, type WireLevel } from "../sandbox/src/tape/wireMarket.testing.ts";

export type BenchTape = { readonly records: readonly TapeRecord[]; readonly frames: number; readonly entries: number };

export const TOKENS = [
  "114602688616062054093464639818826590702731982636255124778328943187816056373369" as TokenId,
  "11222207778053407312635373366545179454737683597972991770034926816815141723973" as TokenId,
] as const;
export const CONDITION = `0x${"d2".repeat(32)}`;
const LEADER = `0x${"aa".repeat(20)}` as Address;
const START_MS = 1_790_000_000_000;
/** From the venue's clock to ours. */
const WIRE_MS = 5;
/** 20 frames a second: a busy market; recordings have 2 on average and some 840 in the worst second. */
const FRAME_EVERY_MS = 50;
const TICK = 10_000;
const MID = 500_000;
const LEVELS_A_SIDE = 20;
/** The touch never empties, so that a leader always has a price. */
const TOUCH_AWAY = 1;

/** A linear congruential generator: the same flow in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function nextChange(random: () => number): WireLevel {
  const side: Side = random() < 0.5 ? "BUY" : "SELL";
  const away = 1 + Math.floor(LEVELS_A_SIDE * random() ** 2);
  const priceMicro = side === "BUY" ? MID - away * TICK : MID + away * TICK;
  const removed = away > TOUCH_AWAY && random() < 0.25;
  return { side, priceMicro, sizeMicro: removed ? 0 : (1 + Math.floor(random() * 500_000)) * 10_000 };
}

/** Fills at equal distances, bought at the best ask and sold again at the best bid. */
function fillsOf(frames: number, fills: number): AddedFill[] {
  const everyMs = Math.floor((frames * FRAME_EVERY_MS) / (fills + 1));
  return Array.from({ length: fills }, (_, n) => {
    const side: Side = n % 2 === 0 ? "BUY" : "SELL";
    return {
      leader: LEADER,
      tokenId: TOKENS[n % 4 < 2 ? 0 : 1],
      side,
      priceMicro: (side === "BUY" ? MID + TICK : MID - TICK) as PriceMicro,
      sizeMicro: sharesMicro(500_000_000n),
      t: START_MS + (n + 1) * everyMs,
      role: "TAKER" as const,
    };
  });
}

/** Makes `frames` price_change frames of two entries each and `fills` leader fills over their time. */
export function makeTape(options: { readonly frames: number; readonly fills: number }): BenchTape {
  const random = seeded(11);
  const market = createWireMarket({ conditionId: CONDITION, tokens: TOKENS });
  for (let away = 1; away <= LEVELS_A_SIDE; away++) {
    market.set({ side: "BUY", priceMicro: MID - away * TICK, sizeMicro: 1_000_000_000 });
    market.set({ side: "SELL", priceMicro: MID + away * TICK, sizeMicro: 1_000_000_000 });
  }
  const frame = (tsEventMs: number, d: string): TapeRecord => ({ t: tsEventMs + WIRE_MS, ch: "clob.market.ws", d });
  const records: TapeRecord[] = [frame(START_MS, market.opening(START_MS))];
  for (let n = 1; n <= options.frames; n++) {
    const tsEventMs = START_MS + n * FRAME_EVERY_MS;
    records.push(frame(tsEventMs, market.change(nextChange(random), tsEventMs)));
  }
  const fills = fillsOf(options.frames, options.fills);
  // As a reader gets them: strings fresh from JSON, not ropes of an encoder.
  const flat = JSON.parse(JSON.stringify(addFills(records, fills))) as TapeRecord[];
  return { records: flat, frames: options.frames, entries: options.frames * 2 };
}
