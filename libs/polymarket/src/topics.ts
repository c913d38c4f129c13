/**
 * First topics of the events that are read, computed from the signatures named beside them.
 * V2 and V3 exchanges share signatures: only the address of the log tells them apart.
 */

/** OrderFilled(bytes32 indexed orderHash,address indexed maker,address indexed taker,uint256 makerAssetId,uint256 takerAssetId,uint256 makerAmountFilled,uint256 takerAmountFilled,uint256 fee) */
export const ORDER_FILLED_V1 = "0xd0a08e8c493f9c94f29311604c9de1b4e8c8d4c06bd0c789af57f2d65bfec0f6";
/** OrderFilled(bytes32 indexed orderHash,address indexed maker,address indexed taker,uint8 side,uint256 tokenId,uint256 makerAmountFilled,uint256 takerAmountFilled,uint256 fee,bytes32 builder,bytes32 metadata) */
export const ORDER_FILLED_V2 = "0xd543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee";

/** OrdersMatched(bytes32 indexed takerOrderHash,address indexed takerOrderMaker,uint256 makerAssetId,uint256 takerAssetId,uint256 makerAmountFilled,uint256 takerAmountFilled) */
export const ORDERS_MATCHED_V1 = "0x63bf4d16b7fa898ef4c4b2b6d90fd201e9c56313b65638af6088d149d2ce956c";
/** OrdersMatched(bytes32 indexed takerOrderHash,address indexed takerOrderMaker,uint8 side,uint256 tokenId,uint256 makerAmountFilled,uint256 takerAmountFilled) */
export const ORDERS_MATCHED_V2 = "0x174b3811690657c217184f89418266767c87e4805d09680c39fc9c031c0cab7c";
/** FeeCharged(address indexed receiver,uint256 tokenId,uint256 amount), of V1 exchanges. */
export const FEE_CHARGED_V1 = "0xacffcc86834d0f1a64b0d5a675798deed6ff0bcfc2231edd3480e7288dba7ff4";
/** FeeRefunded(bytes32 indexed orderHash,address indexed to,uint256 id,uint256 refund,uint256 indexed feeCharged), of the V1 fee modules. */
export const FEE_REFUNDED = "0xb608d2bf25d8b4b744ba23ce2ea9802ea955e216c064a62f42152fbf98958d24";
/** FeeRefunded(address token,address to,uint256 id,uint256 amount), of the earlier V1 fee modules: it names no order. */
export const FEE_REFUNDED_UNNAMED = "0x18fe0464eb77016dc4e227eb0d690e4002756d82b442143bbfb874548952b5f2";

/** TransferSingle(address indexed operator,address indexed from,address indexed to,uint256 id,uint256 value) */
export const TRANSFER_SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62";
/** TransferBatch(address indexed operator,address indexed from,address indexed to,uint256[] ids,uint256[] values) */
export const TRANSFER_BATCH = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb";
/** ERC-20 Transfer(address indexed from,address indexed to,uint256 value) */
export const ERC20_TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

/** ConditionalTokens PositionSplit(address indexed stakeholder,address collateralToken,bytes32 indexed parentCollectionId,bytes32 indexed conditionId,uint256[] partition,uint256 amount) */
export const CTF_POSITION_SPLIT = "0x2e6bb91f8cbcda0c93623c54d0403a43514fabc40084ec96b6d5379a74786298";
/** ConditionalTokens PositionsMerge, same arguments. */
export const CTF_POSITIONS_MERGE = "0x6f13ca62553fcc2bcd2372180a43949c1e4cebba603901ede2f4e14f36b282ca";
/** ConditionalTokens PayoutRedemption(address indexed redeemer,address indexed collateralToken,bytes32 indexed parentCollectionId,bytes32 conditionId,uint256[] indexSets,uint256 payout) */
export const CTF_PAYOUT_REDEMPTION = "0x2682012a4a4f1973119f1c9b90745d1bd91fa2bab387344f044cb3586864d18d";
/** ConditionResolution(bytes32 indexed conditionId,address indexed oracle,bytes32 indexed questionId,uint256 outcomeSlotCount,uint256[] payoutNumerators) */
export const CTF_CONDITION_RESOLUTION = "0xb44d84d3289691f71497564b85d4233648d9dbae8cbdbb4329f301c3a0185894";

/** NegRiskAdapter PositionSplit(address indexed stakeholder,bytes32 indexed conditionId,uint256 amount) */
export const NEG_RISK_POSITION_SPLIT = "0xbbed930dbfb7907ae2d60ddf78345610214f26419a0128df39b6cc3d9e5df9b0";
/** NegRiskAdapter PositionsMerge, same arguments. */
export const NEG_RISK_POSITIONS_MERGE = "0xba33ac50d8894676597e6e35dc09cff59854708b642cd069d21eb9c7ca072a04";
/** NegRiskAdapter PositionsConverted(address indexed stakeholder,bytes32 indexed marketId,uint256 indexed indexSet,uint256 amount) */
export const NEG_RISK_POSITIONS_CONVERTED = "0xb03d19dddbc72a87e735ff0ea3b57bef133ebe44e1894284916a84044deb367e";
/** NegRiskAdapter PayoutRedemption(address indexed redeemer,bytes32 indexed conditionId,uint256[] amounts,uint256 payout) */
export const NEG_RISK_PAYOUT_REDEMPTION = "0x9140a6a270ef945260c03894b3c6b3b2695e9d5101feef0ff24fec960cfd3224";
