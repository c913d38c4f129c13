/**
 * Inputs that once went wrong, by name. Found by the mutation run or in the field, and made anew here: each is the first
 * document of its door with one change.
 */
export type Corpus = {
  readonly name: string;
  /** Name of the door. */
  readonly door: string;
  /** Changes a copy of the door's first document, in place, or returns another one. */
  // biome-ignore lint/suspicious/noExplicitAny: a document from outside has no type.
  readonly change: (document: any) => unknown;
};

const AHEAD = "0x1fffffffffffff000";
const LONG = "word ".repeat(1_200);

export const corpus: readonly Corpus[] = [
  {
    name: "a log of a block that no number holds",
    door: "RPC, eth_getLogs",
    change: (logs) => {
      logs[0].blockNumber = AHEAD;
    },
  },
  {
    name: "a notice of a log at a block that no number holds",
    door: "RPC, log notices",
    change: (log) => {
      log.blockNumber = AHEAD;
    },
  },
  {
    name: "a notice with an index that no number holds",
    door: "RPC, log notices",
    change: (log) => {
      log.logIndex = `0x${"f".repeat(64)}`;
    },
  },
  {
    name: "an order hash in capitals",
    door: "RPC, log notices",
    change: (log) => {
      log.topics[1] = `0x${"AB".repeat(32)}`;
    },
  },
  {
    name: "an order hash that is no hexadecimal",
    door: "RPC, eth_getLogs",
    change: (logs) => {
      logs[0].topics[1] = `0x${"zz".repeat(32)}`;
    },
  },
  {
    name: "one log listed twice",
    door: "RPC, eth_getLogs",
    change: (logs) => void logs.push({ ...logs[0] }),
  },
  {
    name: "a head of a time that no number holds",
    door: "RPC, headers",
    change: (header) => {
      header.timestamp = AHEAD;
    },
  },
  {
    name: "a head with a number that no number holds",
    door: "RPC, headers",
    change: (header) => {
      header.number = AHEAD;
    },
  },
  {
    name: "a market that holds orders for longer than the world lasts",
    door: "Gamma",
    change: (markets) => {
      markets[0].secondsDelay = 1e300;
    },
  },
  {
    name: "a market that was changed before 1970",
    door: "Gamma",
    change: (markets) => {
      markets[0].updatedAt = "1900-01-01T00:00:00Z";
    },
  },
  {
    name: "a market without a tick",
    door: "Gamma",
    change: (markets) => {
      markets[0].orderPriceMinTickSize = null;
    },
  },
  {
    name: "one book without bids",
    door: "CLOB REST",
    change: (books) => {
      books[0].bids = null;
    },
  },
  {
    name: "one book with a size of 1e-7",
    door: "CLOB REST",
    change: (books) => {
      books[0].asks[0].size = "1e-7";
    },
  },
  {
    name: "a row with a long biography",
    door: "Data API, activity",
    change: (rows) => {
      rows[0].bio = LONG;
    },
  },
  {
    name: "a row with a long slug",
    door: "Data API, activity",
    change: (rows) => {
      rows[0].slug = LONG;
    },
  },
  {
    name: "a row without a type",
    door: "Data API, activity",
    change: (rows) => {
      rows[0].type = null;
    },
  },
  {
    name: "a row whose time is in milliseconds",
    door: "Data API, activity",
    change: (rows) => {
      rows[0].timestamp *= 1_000;
    },
  },
  {
    name: "a holding of no token",
    door: "Data API, positions",
    change: (rows) => {
      rows[0].asset = null;
    },
  },
  {
    name: "a row of the live feed with a long biography",
    door: "RTDS",
    change: (frame) => {
      frame.payload.bio = LONG;
    },
  },
  {
    name: "a book of a far epoch",
    door: "books on the bus",
    change: (book) => {
      book.epoch = "999999999.0";
    },
  },
  {
    name: "a book of the next epoch",
    door: "books on the bus",
    change: (book) => {
      book.epoch = "3.2";
    },
  },
  {
    name: "a change of a far sequence",
    door: "books on the bus",
    change: (book) => ({ ...book, type: "BookDelta", epoch: "3.1", seq: 900_000 }),
  },
  {
    name: "a change in the place of the next one",
    door: "books on the bus",
    change: (book) => ({ ...book, type: "BookDelta", epoch: "3.1", seq: 5 }),
  },
  {
    name: "a gap of a shard that cannot be",
    door: "facts on the bus",
    change: () => ({
      ...{ type: "GapDetected", v: 1, id: "GapDetected:x:0", tsEventMs: 1, tsInitMs: 1, gapId: "x", scope: "a b" },
      ...{ fromBlock: 1, toBlock: 2, reason: "x" },
    }),
  },
  {
    name: "settings of nobody",
    door: "facts on the bus",
    change: () => ({
      ...{
        type: "ConfigChanged",
        v: 1,
        id: "ConfigChanged:x:1",
        tsEventMs: 1,
        tsInitMs: 1,
        key: "nobody",
        revision: 1,
      },
      value: {},
    }),
  },
];
