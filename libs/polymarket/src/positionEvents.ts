/**
 * Splits, merges, conversions and redemptions: acts that change holdings without a trade.
 *
 * `stakeholder` is whoever called the contract. For acts that went through the venue's adapters it is the adapter, not
 * the user: the user is found by the token transfers of the same transaction.
 * @see docs/venue.md, Exchanges
 */
import type { Address, ConditionId, Hash } from "@slipstream/contracts/ids";
import { type SharesMicro, sharesMicro, type UsdcMicro, usdcMicro } from "@slipstream/contracts/money";
import { uintArray } from "./abi.ts";
import {
  CTF_PAYOUT_REDEMPTION,
  CTF_POSITION_SPLIT,
  CTF_POSITIONS_MERGE,
  NEG_RISK_PAYOUT_REDEMPTION,
  NEG_RISK_POSITION_SPLIT,
  NEG_RISK_POSITIONS_CONVERTED,
  NEG_RISK_POSITIONS_MERGE,
} from "./topics.ts";
import {
  addressWord,
  bigintWord,
  isWordTopic,
  type LogRefusal,
  type RawLog,
  refuseLog,
  topicAddress,
  WORD,
} from "./words.ts";

export type PositionEvent =
  | {
      readonly kind: "split" | "merge";
      readonly stakeholder: Address;
      readonly conditionId: ConditionId;
      /** Of every outcome of the condition, and of collateral. */
      readonly sharesMicro: SharesMicro;
      /** ERC-20 under the tokens; null where the neg-risk adapter reports it (always its own wrapped collateral). */
      readonly collateral: Address | null;
    }
  | {
      readonly kind: "convert";
      readonly stakeholder: Address;
      readonly negRiskMarketId: Hash;
      /** Bit i: the NO tokens of question i were given. */
      readonly indexSet: bigint;
      readonly sharesMicro: SharesMicro;
    }
  | {
      readonly kind: "redeem";
      readonly stakeholder: Address;
      readonly conditionId: ConditionId;
      /** What all tokens of the condition paid together. */
      readonly payoutMicro: UsdcMicro;
      readonly collateral: Address | null;
    };

/** Decodes one raw split, merge, conversion or redemption log of ConditionalTokens or the neg-risk adapter. */
export function decodePositionEvent(log: RawLog): PositionEvent | LogRefusal {
  const [topic0, holder, second, third] = log.topics;
  switch (topic0) {
    case CTF_POSITION_SPLIT:
    case CTF_POSITIONS_MERGE:
      return ctfEvent(log, topic0 === CTF_POSITION_SPLIT ? "split" : "merge");
    case CTF_PAYOUT_REDEMPTION:
      return ctfRedemption(log);
    case NEG_RISK_PAYOUT_REDEMPTION: {
      if (log.topics.length !== 3) return wrongTopics(log, 3);
      return finishRedemption(log, { id: second, payoutAt: 2 + WORD, arrayAt: 2, collateral: null });
    }
    case NEG_RISK_POSITION_SPLIT:
    case NEG_RISK_POSITIONS_MERGE: {
      const checked = check(log, { topics: 3, words: 1 });
      if (checked !== null) return checked;
      const kind = topic0 === NEG_RISK_POSITION_SPLIT ? "split" : "merge";
      return finish({ holder, id: second, amount: bigintWord(log.data, 2) }, ({ stakeholder, id, shares }) => ({
        kind,
        stakeholder,
        conditionId: id as ConditionId,
        sharesMicro: shares,
        collateral: null,
      }));
    }
    case NEG_RISK_POSITIONS_CONVERTED: {
      const checked = check(log, { topics: 4, words: 1 });
      if (checked !== null) return checked;
      const indexSet = bigintWord(third ?? "", 2);
      if (indexSet === null) return refuseLog("TOPIC_MALFORMED", third ?? "");
      return finish({ holder, id: second, amount: bigintWord(log.data, 2) }, ({ stakeholder, id, shares }) => ({
        kind: "convert",
        stakeholder,
        negRiskMarketId: id as Hash,
        indexSet,
        sharesMicro: shares,
      }));
    }
    default:
      return refuseLog("EVENT_UNKNOWN", topic0 ?? "no topic");
  }
}

/** The data: conditionId, index sets, payout; the collateral is the second topic. */
function ctfRedemption(log: RawLog): PositionEvent | LogRefusal {
  if (log.topics.length !== 4) return wrongTopics(log, 4);
  const collateral = topicAddress(log.topics[2] ?? "");
  if (collateral === null) return refuseLog("TOPIC_MALFORMED", log.topics[2] ?? "");
  const id = `0x${log.data.slice(2, 2 + WORD)}`;
  const places = { payoutAt: 2 + 2 * WORD, arrayAt: 2 + WORD };
  return finishRedemption(log, { id, ...places, collateral: collateral as Address });
}

function finishRedemption(
  log: RawLog,
  read: {
    readonly id: string | undefined;
    readonly payoutAt: number;
    readonly arrayAt: number;
    readonly collateral: Address | null;
  },
): PositionEvent | LogRefusal {
  const stakeholder = topicAddress(log.topics[1] ?? "");
  const id = read.id ?? "";
  if (stakeholder === null || !isWordTopic(id)) return refuseLog("TOPIC_MALFORMED", `${log.topics[1]} ${id}`);
  const payout = bigintWord(log.data, read.payoutAt);
  if (payout === null || uintArray(log.data, 2, read.arrayAt) === null) {
    return refuseLog("DATA_MALFORMED", "an array and a payout expected");
  }
  return {
    kind: "redeem",
    stakeholder: stakeholder as Address,
    conditionId: id as ConditionId,
    payoutMicro: usdcMicro(payout),
    collateral: read.collateral,
  };
}

const wrongTopics = (log: RawLog, expected: number): LogRefusal =>
  refuseLog("TOPIC_COUNT_WRONG", `${log.topics.length} topics, ${expected} expected`);

function ctfEvent(log: RawLog, kind: "split" | "merge"): PositionEvent | LogRefusal {
  if (log.topics.length !== 4) return wrongTopics(log, 4);
  const collateral = addressWord(log.data, 2);
  const partition = uintArray(log.data, 2, 2 + WORD);
  if (collateral === null || partition === null)
    return refuseLog("DATA_MALFORMED", "collateral, partition, amount expected");
  const amount = bigintWord(log.data, 2 + 2 * WORD);
  return finish({ holder: log.topics[1], id: log.topics[3], amount }, ({ stakeholder, id, shares }) => ({
    kind,
    stakeholder,
    conditionId: id as ConditionId,
    sharesMicro: shares,
    collateral: collateral as Address,
  }));
}

function check(log: RawLog, expected: { readonly topics: number; readonly words: number }): LogRefusal | null {
  if (log.topics.length !== expected.topics) return wrongTopics(log, expected.topics);
  const length = 2 + expected.words * WORD;
  if (log.data.length !== length)
    return refuseLog("DATA_LENGTH_WRONG", `${log.data.length} characters, ${length} expected`);
  return null;
}

function finish(
  raw: { readonly holder: string | undefined; readonly id: string | undefined; readonly amount: bigint | null },
  make: (read: { stakeholder: Address; id: string; shares: SharesMicro }) => PositionEvent,
): PositionEvent | LogRefusal {
  const stakeholder = topicAddress(raw.holder ?? "");
  const id = raw.id ?? "";
  if (stakeholder === null || !isWordTopic(id)) return refuseLog("TOPIC_MALFORMED", `${raw.holder} ${raw.id}`);
  if (raw.amount === null) return refuseLog("DATA_MALFORMED", "the amount is not hexadecimal");
  return make({ stakeholder: stakeholder as Address, id, shares: sharesMicro(raw.amount) });
}
