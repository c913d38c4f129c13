/** Settings of bookstore. */
import { integer, sharedSettings } from "@slipstream/contracts/env";
import { TOKENS_PER_CONNECTION } from "@slipstream/polymarket/marketSocket";
import { publicEndpoints } from "@slipstream/polymarket/publicEndpoints";
import { z } from "zod";
import { TRADED_KEEP_HOURS_MAX } from "./core/core.ts";

export const bookstoreEnv = {
  CLOB_MARKET_WS_URL: sharedSettings.CLOB_MARKET_WS_URL.default(publicEndpoints.clobMarketWsUrl),
  CLOB_HTTP_URL: sharedSettings.CLOB_HTTP_URL.default(publicEndpoints.clobHttpUrl),
  /** rest: polling alone. ws: the stream alone. ws+snapshot: the stream, with REST as a witness after a loss, in doubt and in turns. */
  BOOKSTORE_MODE: z.enum(["rest", "ws", "ws+snapshot"]).default("ws+snapshot"),
  /** Shares the request budgets between processes; absent: each process has its own. */
  REDIS_URL: sharedSettings.REDIS_URL.optional(),
  TOKENS_PER_CONNECTION: integer(2, 500).default(TOKENS_PER_CONNECTION),
  /** More tokens than this are not read; what we hold goes first. */
  BOOKS_TOKENS_MAX: integer(2, 100_000).default(4_000),
  /** What leaders traded within this time is read, with its siblings. */
  BOOKSTORE_LEADER_HOURS: integer(1, TRADED_KEEP_HOURS_MAX).default(6),
  /** So many of the venue's most liquid markets are read too. */
  BOOKSTORE_TOP_N: integer(0, 2_000).default(0),
  GAMMA_URL: sharedSettings.GAMMA_URL.default(publicEndpoints.gammaUrl),
  /** How often each book is compared with REST. */
  BOOKS_AUDIT_SECONDS: integer(10, 3_600).default(90),
  /** A connection on which nothing comes for so long, not even the answer to a ping, is given up: it is half-open. */
  BOOKS_SILENCE_MS: integer(3_000, 120_000).default(10_000),
  /** A request to read a book from the venue again is answered within this time, if only by a no. */
  BOOKS_REFRESH_MAX_MS: integer(100, 10_000).default(1_000),
  /** Mode rest: how often the books are read. */
  BOOKS_POLL_MS: integer(100, 60_000).default(1_000),
} as const;
