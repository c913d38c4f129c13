/**
 * Transfers of outcome tokens (ERC-1155): what moves holdings, by trade or otherwise.
 * @see docs/venue.md, Contract reads
 */
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { type SharesMicro, sharesMicro } from "@slipstream/contracts/money";
import { uintArray } from "./abi.ts";
import { TRANSFER_BATCH, TRANSFER_SINGLE } from "./topics.ts";
import { bigintWord, type LogRefusal, type RawLog, refuseLog, tokenWord, topicAddress, WORD } from "./words.ts";

export type TokenTransfer = {
  readonly kind: "tokenTransfer";
  /** Contract that keeps the tokens. */
  readonly ledger: Address;
  readonly operator: Address;
  /** The zero address for minted tokens. */
  readonly from: Address;
  /** The zero address for burnt tokens. */
  readonly to: Address;
  /** In the order of the log; one token may occur twice. */
  readonly entries: readonly { readonly tokenId: TokenId; readonly sharesMicro: SharesMicro }[];
};

/** Decodes one raw TransferSingle or TransferBatch log, whichever contract sent it. */
export function decodeTokenTransfer(log: RawLog): TokenTransfer | LogRefusal {
  const [topic0, operatorTopic, fromTopic, toTopic] = log.topics;
  if (topic0 !== TRANSFER_SINGLE && topic0 !== TRANSFER_BATCH) return refuseLog("EVENT_UNKNOWN", topic0 ?? "no topic");
  if (log.topics.length !== 4) return refuseLog("TOPIC_COUNT_WRONG", `${log.topics.length} topics, 4 expected`);
  const operator = topicAddress(operatorTopic ?? "");
  const from = topicAddress(fromTopic ?? "");
  const to = topicAddress(toTopic ?? "");
  if (operator === null || from === null || to === null) return refuseLog("TOPIC_MALFORMED", log.topics.join(" "));
  const entries = topic0 === TRANSFER_SINGLE ? singleEntry(log.data) : batchEntries(log.data);
  if ("kind" in entries) return entries;
  const ledger = log.address.toLowerCase() as Address;
  return {
    kind: "tokenTransfer",
    ledger,
    operator: operator as Address,
    from: from as Address,
    to: to as Address,
    entries,
  };
}

function singleEntry(data: string): TokenTransfer["entries"] | LogRefusal {
  if (data.length !== 2 + 2 * WORD) return refuseLog("DATA_LENGTH_WRONG", `${data.length} characters, 130 expected`);
  const tokenId = tokenWord(data, 2);
  const value = bigintWord(data, 2 + WORD);
  if (tokenId === null || value === null) return refuseLog("DATA_MALFORMED", "a word of the data is not hexadecimal");
  return [{ tokenId, sharesMicro: sharesMicro(value) }];
}

function batchEntries(data: string): TokenTransfer["entries"] | LogRefusal {
  const ids = uintArray(data, 2, 2);
  const values = uintArray(data, 2, 2 + WORD);
  if (ids === null || values === null || ids.length !== values.length) {
    return refuseLog("DATA_MALFORMED", "two arrays of one length expected");
  }
  return values.map((value, i) => ({ tokenId: String(ids[i]) as TokenId, sharesMicro: sharesMicro(value) }));
}
