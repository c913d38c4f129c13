/**
 * Leaders' fills from the venue's live feed: the quickest of all sources and the least reliable. Rows are lost and
 * doubled, so a batch never vouches for more than one fill of a content; nothing is replayed after a reconnect.
 */
import type { Clock } from "@slipstream/actor/clock";
import type { Address } from "@slipstream/contracts/ids";
import { createRtdsSocket } from "@slipstream/polymarket/rtds";
import type { FillBatch } from "../core/fillRow.ts";
import { fillRow } from "./fillRows.ts";
import type { LeaderFillSource } from "./source.ts";

export type RtdsSourceOptions = {
  readonly url: string;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onRows: (batch: FillBatch & { readonly countable: false }) => void;
  readonly silentMsMax?: number;
  readonly deafMsMax?: number;
};

/** Opens nothing before somebody is followed. */
export function createRtdsSource(options: RtdsSourceOptions): LeaderFillSource {
  const { onRows, ...connection } = options;
  let followed: ReadonlySet<Address> = new Set();
  let down: string | null = null;
  let unreadable: string | null = null;
  const socket = createRtdsSocket({
    ...connection,
    handlers: {
      onTrade: (trade, recvMs) => {
        unreadable = null;
        down = null;
        if (!followed.has(trade.wallet)) return;
        const row = fillRow("rtds", trade);
        const { source, leader, txHash } = row;
        onRows({ source, leader, txHash, countable: false, rows: [row], tsSeenMs: recvMs });
      },
      onUnreadable: (why) => {
        unreadable = why;
      },
      onDown: (reason) => {
        down = reason;
      },
    },
  });
  let opened = false;
  return {
    follow: (leaders) => {
      followed = new Set(leaders);
      if (opened || followed.size === 0) return;
      opened = true;
      socket.open();
    },
    // A new connection after a lost one is believed when it has shown a trade: a deaf one opens as well as any.
    connected: () => socket.isOpen() && down === null,
    problem: () => {
      if (down !== null) return `the live feed is not heard: ${down}`;
      return unreadable === null ? null : `a row of the live feed cannot be read: ${unreadable}`;
    },
    stop: socket.close,
  };
}
