/**
 * The tape: one JSON record per line, `{"t": receive ms, "ch": channel, "d": payload}`, plain or gzipped (`.gz`).
 * One format for recording, demo, tests, replay and the tape player.
 */
import { ContractError } from "@slipstream/contracts/errors";
import { Hash } from "@slipstream/contracts/ids";
import { z } from "zod";

/** Text frames keep the bytes of the venue; an empty text is a keep-alive. */
export type TextChannel = "clob.market.ws" | "clob.user.ws";
/** Payloads that are passed on as they are. */
export type JsonChannel = "clob.rest" | "data.activity" | "rtds.activity";

/** A block header as `newHeads` carries it; other fields may stand beside these. */
export type TapeHead = {
  readonly number: string;
  readonly hash: Hash;
  readonly parentHash: Hash;
  /** Unix seconds, hex. */
  readonly timestamp: string;
};

/** A log exactly as JSON-RPC gives it. */
export type TapeLog = {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: string;
  readonly blockHash: Hash;
  /** Not sent by every provider. */
  readonly blockTimestamp?: string | undefined;
  readonly transactionHash: Hash;
  readonly transactionIndex?: string | undefined;
  readonly logIndex: string;
  readonly removed: boolean;
};

export type TapeRecord =
  | { readonly t: number; readonly ch: TextChannel; readonly d: string }
  | { readonly t: number; readonly ch: "chain.head"; readonly d: TapeHead }
  | { readonly t: number; readonly ch: "chain.log"; readonly d: TapeLog }
  /** A Gamma market object. */
  | { readonly t: number; readonly ch: "gamma.market"; readonly d: Readonly<Record<string, unknown>> }
  | { readonly t: number; readonly ch: JsonChannel; readonly d: unknown };

/** Milliseconds of 2001 and 2286: seconds or microseconds by mistake lie outside. */
export const TIME_MIN_MS = 1_000_000_000_000;
export const TIME_MAX_MS = 9_999_999_999_999;

const Quantity = z.string().regex(/^0x[0-9a-f]+$/);
const Head = z.looseObject({ number: Quantity, hash: Hash, parentHash: Hash, timestamp: Quantity });
const Log = z.looseObject({
  address: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  topics: z.array(Hash).max(4),
  data: z.string().regex(/^0x([0-9a-f]{2})*$/),
  blockNumber: Quantity,
  blockHash: Hash,
  blockTimestamp: Quantity.optional(),
  transactionHash: Hash,
  transactionIndex: Quantity.optional(),
  logIndex: Quantity,
  removed: z.boolean().default(false),
});
const Market = z.record(z.string(), z.unknown());

/** Where a line stands, for the words of an error. */
export type LinePlace = { readonly file: string; readonly line: number };

export const tapeInvalid = ({ file, line }: LinePlace, what: string, cause?: unknown): ContractError =>
  new ContractError("TAPE_INVALID", `${file}, line ${line}: ${what}`, cause === undefined ? {} : { cause });

/**
 * Reads one line. Frames are not looked into: their reader judges them.
 * @throws ContractError TAPE_INVALID that names file, line and field.
 */
export function parseRecord(text: string, place: LinePlace): TapeRecord {
  const value = parseJson(text, place);
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw tapeInvalid(place, "a record is a JSON object");
  const { t, ch, d } = value as Record<string, unknown>;
  if (typeof t !== "number" || !Number.isSafeInteger(t) || t < TIME_MIN_MS || t > TIME_MAX_MS)
    throw tapeInvalid(place, `t: unix milliseconds are expected, got ${shown(t)}`);
  switch (ch) {
    case "clob.market.ws":
    case "clob.user.ws":
      if (typeof d !== "string") throw tapeInvalid(place, `d: the text of a frame is expected, got ${shown(d)}`);
      return { t, ch, d };
    case "chain.head":
      return { t, ch, d: checked(Head, d, place) };
    case "chain.log":
      return { t, ch, d: checked(Log, d, place) };
    case "gamma.market":
      return { t, ch, d: checked(Market, d, place) };
    case "clob.rest":
    case "data.activity":
    case "rtds.activity":
      return { t, ch, d };
    default:
      throw tapeInvalid(place, `ch: unknown channel ${shown(ch)}`);
  }
}

/** One line without its end. */
export const formatRecord = ({ t, ch, d }: TapeRecord): string => JSON.stringify({ t, ch, d });

/** @throws ContractError TAPE_INVALID */
export function parseJson(text: string, place: LinePlace): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw tapeInvalid(place, `not JSON: ${text.slice(0, 60)}`, cause);
  }
}

function checked<T>(schema: z.ZodType<T>, payload: unknown, place: LinePlace): T {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw tapeInvalid(place, `${["d", ...(issue?.path ?? [])].join(".")}: ${issue?.message ?? "malformed"}`);
}

/** A value in an error's words, short. */
export const shown = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 60);
