/** Logs made by code, encoded by viem: the ground on which the hand-written decoders are tested and measured. */
import { type AbiEvent, encodeAbiParameters, encodeEventTopics, type Hex, parseAbi } from "viem";
import type { RawLog } from "../words.ts";

const parsed = {
  ORDER_FILLED_V1: parseAbi([
    "event OrderFilled(bytes32 indexed orderHash,address indexed maker,address indexed taker,uint256 makerAssetId,uint256 takerAssetId,uint256 makerAmountFilled,uint256 takerAmountFilled,uint256 fee)",
  ]),
  ORDER_FILLED_V2: parseAbi([
    "event OrderFilled(bytes32 indexed orderHash,address indexed maker,address indexed taker,uint8 side,uint256 tokenId,uint256 makerAmountFilled,uint256 takerAmountFilled,uint256 fee,bytes32 builder,bytes32 metadata)",
  ]),
  ORDERS_MATCHED_V1: parseAbi([
    "event OrdersMatched(bytes32 indexed takerOrderHash,address indexed takerOrderMaker,uint256 makerAssetId,uint256 takerAssetId,uint256 makerAmountFilled,uint256 takerAmountFilled)",
  ]),
  ORDERS_MATCHED_V2: parseAbi([
    "event OrdersMatched(bytes32 indexed takerOrderHash,address indexed takerOrderMaker,uint8 side,uint256 tokenId,uint256 makerAmountFilled,uint256 takerAmountFilled)",
  ]),
  FEE_CHARGED_V1: parseAbi(["event FeeCharged(address indexed receiver,uint256 tokenId,uint256 amount)"]),
  FEE_REFUNDED: parseAbi([
    "event FeeRefunded(bytes32 indexed orderHash,address indexed to,uint256 id,uint256 refund,uint256 indexed feeCharged)",
  ]),
  FEE_REFUNDED_UNNAMED: parseAbi(["event FeeRefunded(address token,address to,uint256 id,uint256 amount)"]),
  TRANSFER_SINGLE: parseAbi([
    "event TransferSingle(address indexed operator,address indexed from,address indexed to,uint256 id,uint256 value)",
  ]),
  TRANSFER_BATCH: parseAbi([
    "event TransferBatch(address indexed operator,address indexed from,address indexed to,uint256[] ids,uint256[] values)",
  ]),
  ERC20_TRANSFER: parseAbi(["event Transfer(address indexed from,address indexed to,uint256 value)"]),
  CTF_POSITION_SPLIT: parseAbi([
    "event PositionSplit(address indexed stakeholder,address collateralToken,bytes32 indexed parentCollectionId,bytes32 indexed conditionId,uint256[] partition,uint256 amount)",
  ]),
  CTF_POSITIONS_MERGE: parseAbi([
    "event PositionsMerge(address indexed stakeholder,address collateralToken,bytes32 indexed parentCollectionId,bytes32 indexed conditionId,uint256[] partition,uint256 amount)",
  ]),
  CTF_PAYOUT_REDEMPTION: parseAbi([
    "event PayoutRedemption(address indexed redeemer,address indexed collateralToken,bytes32 indexed parentCollectionId,bytes32 conditionId,uint256[] indexSets,uint256 payout)",
  ]),
  CTF_CONDITION_RESOLUTION: parseAbi([
    "event ConditionResolution(bytes32 indexed conditionId,address indexed oracle,bytes32 indexed questionId,uint256 outcomeSlotCount,uint256[] payoutNumerators)",
  ]),
  NEG_RISK_POSITION_SPLIT: parseAbi([
    "event PositionSplit(address indexed stakeholder,bytes32 indexed conditionId,uint256 amount)",
  ]),
  NEG_RISK_POSITIONS_MERGE: parseAbi([
    "event PositionsMerge(address indexed stakeholder,bytes32 indexed conditionId,uint256 amount)",
  ]),
  NEG_RISK_POSITIONS_CONVERTED: parseAbi([
    "event PositionsConverted(address indexed stakeholder,bytes32 indexed marketId,uint256 indexed indexSet,uint256 amount)",
  ]),
  NEG_RISK_PAYOUT_REDEMPTION: parseAbi([
    "event PayoutRedemption(address indexed redeemer,bytes32 indexed conditionId,uint256[] amounts,uint256 payout)",
  ]),
};

/** Parsed signature of every constant in topics.ts. */
export const eventAbis: Readonly<Record<keyof typeof parsed, AbiEvent>> = {
  ORDER_FILLED_V1: parsed.ORDER_FILLED_V1[0],
  ORDER_FILLED_V2: parsed.ORDER_FILLED_V2[0],
  ORDERS_MATCHED_V1: parsed.ORDERS_MATCHED_V1[0],
  ORDERS_MATCHED_V2: parsed.ORDERS_MATCHED_V2[0],
  FEE_CHARGED_V1: parsed.FEE_CHARGED_V1[0],
  FEE_REFUNDED: parsed.FEE_REFUNDED[0],
  FEE_REFUNDED_UNNAMED: parsed.FEE_REFUNDED_UNNAMED[0],
  TRANSFER_SINGLE: parsed.TRANSFER_SINGLE[0],
  TRANSFER_BATCH: parsed.TRANSFER_BATCH[0],
  ERC20_TRANSFER: parsed.ERC20_TRANSFER[0],
  CTF_POSITION_SPLIT: parsed.CTF_POSITION_SPLIT[0],
  CTF_POSITIONS_MERGE: parsed.CTF_POSITIONS_MERGE[0],
  CTF_PAYOUT_REDEMPTION: parsed.CTF_PAYOUT_REDEMPTION[0],
  CTF_CONDITION_RESOLUTION: parsed.CTF_CONDITION_RESOLUTION[0],
  NEG_RISK_POSITION_SPLIT: parsed.NEG_RISK_POSITION_SPLIT[0],
  NEG_RISK_POSITIONS_MERGE: parsed.NEG_RISK_POSITIONS_MERGE[0],
  NEG_RISK_POSITIONS_CONVERTED: parsed.NEG_RISK_POSITIONS_CONVERTED[0],
  NEG_RISK_PAYOUT_REDEMPTION: parsed.NEG_RISK_PAYOUT_REDEMPTION[0],
};

/** For viem's own decoder, with literal types. */
export const orderFilledV1Abi = parsed.ORDER_FILLED_V1;
export const orderFilledV2Abi = parsed.ORDER_FILLED_V2;

/** 0x and `bytes` bytes: `value` padded left. */
export const fixedHex = (value: string, bytes: number): Hex => `0x${value.padStart(bytes * 2, "0")}`;

/** Encodes any event of `eventAbis` as a node would deliver it. */
export function rawLog(address: string, name: keyof typeof parsed, args: Readonly<Record<string, unknown>>): RawLog {
  const event = eventAbis[name];
  const plain = event.inputs.filter((input) => input.indexed !== true);
  return {
    address,
    topics: encodeEventTopics({ abi: [event], args }) as readonly string[],
    data: encodeAbiParameters(
      plain,
      plain.map((input) => args[input.name ?? ""]),
    ),
  };
}

type Common = {
  readonly orderHash: string;
  readonly maker: string;
  readonly taker: string;
  /** What the owner of the order gave. */
  readonly given: bigint;
  /** What he got, before the fee. */
  readonly received: bigint;
  readonly fee: bigint;
};

export const logOfV2 = (
  exchange: string,
  order: Common & { readonly side: number; readonly tokenId: bigint },
): RawLog =>
  rawLog(exchange, "ORDER_FILLED_V2", {
    ...order,
    makerAmountFilled: order.given,
    takerAmountFilled: order.received,
    builder: fixedHex("0", 32),
    metadata: fixedHex("0", 32),
  });

export const logOfV1 = (
  exchange: string,
  order: Common & { readonly makerAsset: bigint; readonly takerAsset: bigint },
): RawLog =>
  rawLog(exchange, "ORDER_FILLED_V1", {
    ...order,
    makerAssetId: order.makerAsset,
    takerAssetId: order.takerAsset,
    makerAmountFilled: order.given,
    takerAmountFilled: order.received,
  });
