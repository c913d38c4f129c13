/**
 * Final blocks with their receipts, on disk: what the chain node need not hold. It answers for the newest `blocksMax` of
 * them, in little memory however many there are.
 *
 * Invariants
 * 1. Blocks are contiguous, each the parent of the next; what comes after a hole begins anew.
 * 2. What was added is there after a crash of the process; one of the machine may cost the newest blocks. A file that is
 *    none begins anew.
 */
import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as breathe } from "node:timers/promises";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { InvariantError } from "@slipstream/contracts/errors";
import { z } from "zod";
import type { NodeLog } from "./blocks.ts";
import { type LogFilter, matchesFilter } from "./logFilter.ts";

/**
 * How far back the chain can be read: five and a half hours of blocks of a second. Longer than anybody reads again: services
 * that were away, leaders' pasts, and the audit of a run, which begins at the oldest block that is held.
 */
export const HISTORY_BLOCKS = 20_000;

const Tx = z.looseObject({ hash: z.string() });
const Receipt = z.looseObject({ transactionHash: z.string(), logs: z.array(z.custom<NodeLog>()) });
const Stored = z.object({
  /** As `eth_getBlockByNumber` gives it, transactions in full. */
  block: z.looseObject({ hash: z.string(), parentHash: z.string(), transactions: z.array(Tx) }),
  receipts: z.array(Receipt),
});
export type StoredBlock = z.infer<typeof Stored>;

export type History = {
  /** Numbers of the first and the last block; null: none. */
  span(): { readonly oldest: number; readonly newest: number } | null;
  /**
   * Adds the next block and forgets the oldest beyond the limit.
   * @throws InvariantError when it is not the child of the newest, Error when the disk does not take it.
   */
  add(number: number, block: StoredBlock): void;
  /** Forgets blocks above `number`: the chain went back, as after a kill. */
  cutAbove(number: number): void;
  at(number: number): StoredBlock | null;
  byHash(hash: string): { readonly number: number; readonly stored: StoredBlock } | null;
  ofTransaction(hash: string): StoredBlock | null;
  /** Logs of blocks `from` to `to`, in order; the process can do other things meanwhile. */
  logs(filter: LogFilter, from: number, to: number): Promise<NodeLog[]>;
  close(): void;
};

/** Blocks that are unpacked at a time. */
const BATCH = 50;
/** Forgetting is dear; it is done for so many at a time. */
const FORGET_EVERY = 128;

const bytesOf = (hash: string): Buffer => Buffer.from(hash.slice(2), "hex");
const pack = (block: StoredBlock): Buffer => deflateRawSync(JSON.stringify(block), { level: 1 });
const unpack = (body: Uint8Array): StoredBlock => Stored.parse(JSON.parse(String(inflateRawSync(body))));

type Row = { number: number; body: Uint8Array };

/** Opens or begins the history in `file`. */
export function openHistory(file: string, blocksMax = HISTORY_BLOCKS): History {
  const db = openDatabase(file);
  const sql = {
    span: db.prepare("SELECT min(number) AS oldest, max(number) AS newest FROM blocks"),
    add: db.prepare("INSERT INTO blocks (number, hash, hasLogs, body) VALUES (?, ?, ?, ?)"),
    addTx: db.prepare("INSERT OR REPLACE INTO txs (hash, number) VALUES (?, ?)"),
    at: db.prepare("SELECT number, body FROM blocks WHERE number = ?"),
    byHash: db.prepare("SELECT number, body FROM blocks WHERE hash = ?"),
    txAt: db.prepare("SELECT number FROM txs WHERE hash = ?"),
    loud: db.prepare(
      "SELECT number, body FROM blocks WHERE number BETWEEN ? AND ? AND hasLogs = 1 ORDER BY number LIMIT ?",
    ),
    forget: db.prepare("DELETE FROM blocks WHERE number < ? OR number > ?"),
    forgetTxs: db.prepare("DELETE FROM txs WHERE number < ? OR number > ?"),
  };
  let span = sql.span.get() as { oldest: number | null; newest: number | null };
  const keepOnly = (from: number, to: number): void => {
    inTransaction(db, () => {
      sql.forget.run(from, to);
      sql.forgetTxs.run(from, to);
    });
    span = sql.span.get() as typeof span;
  };
  const at = (number: number): StoredBlock | null => {
    const row = sql.at.get(number) as Row | undefined;
    return row === undefined ? null : unpack(row.body);
  };
  return {
    span: () => (span.oldest === null || span.newest === null ? null : { oldest: span.oldest, newest: span.newest }),
    add: (number, block) => {
      const { newest } = span;
      if (newest !== null && newest !== number - 1) keepOnly(number, number - 1);
      else if (newest !== null && at(newest)?.block.hash !== block.block.parentHash) {
        throw new InvariantError(`block ${number} of the sandbox chain does not follow the one before`);
      }
      inTransaction(db, () => {
        const hasLogs = block.receipts.some(({ logs }) => logs.length > 0);
        sql.add.run(number, bytesOf(block.block.hash), hasLogs ? 1 : 0, pack(block));
        for (const { hash } of block.block.transactions) sql.addTx.run(bytesOf(hash), number);
      });
      span = { oldest: span.oldest ?? number, newest: number };
      if (number - (span.oldest ?? number) + 1 >= blocksMax + FORGET_EVERY) keepOnly(number - blocksMax + 1, number);
    },
    cutAbove: (number) => {
      if (span.newest !== null && span.newest > number) keepOnly(0, number);
    },
    at,
    byHash: (hash) => {
      const row = sql.byHash.get(bytesOf(hash)) as Row | undefined;
      return row === undefined ? null : { number: row.number, stored: unpack(row.body) };
    },
    ofTransaction: (hash) => {
      const row = sql.txAt.get(bytesOf(hash)) as { number: number } | undefined;
      return row === undefined ? null : at(row.number);
    },
    logs: async (filter, from, to) => {
      const found: NodeLog[] = [];
      for (let next = from; ; await breathe()) {
        const rows = sql.loud.all(next, to, BATCH) as Row[];
        for (const { body } of rows) {
          for (const { logs } of unpack(body).receipts) found.push(...logs.filter((log) => matchesFilter(filter, log)));
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < BATCH) return found;
        next = last.number + 1;
      }
    },
    close: () => db.close(),
  };
}

function inTransaction(db: DatabaseSync, act: () => void): void {
  db.exec("BEGIN");
  try {
    act();
    db.exec("COMMIT");
  } catch (error) {
    // SQLite may have rolled back by itself, as when the disk is full.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function openDatabase(file: string): DatabaseSync {
  try {
    return begin(file);
  } catch {
    for (const end of ["", "-wal", "-shm"]) rmSync(`${file}${end}`, { force: true });
    return begin(file);
  }
}

function begin(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA cache_size = -2048;
      CREATE TABLE IF NOT EXISTS blocks
        (number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, hasLogs INTEGER NOT NULL, body BLOB NOT NULL);
      CREATE TABLE IF NOT EXISTS txs (hash BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS txsByNumber ON txs (number);
    `);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
