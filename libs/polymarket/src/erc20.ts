/** Transfers of collateral (ERC-20). */
import type { Address } from "@slipstream/contracts/ids";
import { type UsdcMicro, usdcMicro } from "@slipstream/contracts/money";
import { ERC20_TRANSFER } from "./topics.ts";
import { bigintWord, type LogRefusal, type RawLog, refuseLog, topicAddress, WORD } from "./words.ts";

export type CollateralTransfer = {
  readonly kind: "collateralTransfer";
  readonly collateral: Address;
  readonly from: Address;
  readonly to: Address;
  readonly usdcMicro: UsdcMicro;
};

/** Decodes one raw ERC-20 Transfer log of a six-decimal collateral. */
export function decodeCollateralTransfer(log: RawLog): CollateralTransfer | LogRefusal {
  const [topic0, fromTopic, toTopic] = log.topics;
  if (topic0 !== ERC20_TRANSFER) return refuseLog("EVENT_UNKNOWN", topic0 ?? "no topic");
  if (log.topics.length !== 3) return refuseLog("TOPIC_COUNT_WRONG", `${log.topics.length} topics, 3 expected`);
  const from = topicAddress(fromTopic ?? "");
  const to = topicAddress(toTopic ?? "");
  if (from === null || to === null) return refuseLog("TOPIC_MALFORMED", log.topics.join(" "));
  if (log.data.length !== 2 + WORD) return refuseLog("DATA_LENGTH_WRONG", `${log.data.length} characters, 66 expected`);
  const value = bigintWord(log.data, 2);
  if (value === null) return refuseLog("DATA_MALFORMED", log.data);
  const collateral = log.address.toLowerCase() as Address;
  return {
    kind: "collateralTransfer",
    collateral,
    from: from as Address,
    to: to as Address,
    usdcMicro: usdcMicro(value),
  };
}
