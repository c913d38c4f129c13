// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

interface IToken {
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
    function mint(address to, uint256 value) external;
    function burn(uint256 value) external;
    function balanceOf(address owner) external view returns (uint256);
}

interface IConditionalTokens {
    function splitPosition(address collateral, bytes32 parent, bytes32 conditionId, uint256[] calldata partition, uint256 amount) external;
    function mergePositions(address collateral, bytes32 parent, bytes32 conditionId, uint256[] calldata partition, uint256 amount) external;
    function redeemPositions(address collateral, bytes32 parent, bytes32 conditionId, uint256[] calldata indexSets) external;
    function reportPayouts(bytes32 questionId, uint256[] calldata payouts) external;
    function getConditionId(address oracle, bytes32 questionId, uint256 outcomes) external pure returns (bytes32);
    function getOutcomeSlotCount(bytes32 conditionId) external view returns (uint256);
    function getCollectionId(bytes32 parent, bytes32 conditionId, uint256 indexSet) external view returns (bytes32);
    function getPositionId(address collateral, bytes32 collectionId) external pure returns (uint256);
    function balanceOf(address owner, uint256 id) external view returns (uint256);
    function safeTransferFrom(address from, address to, uint256 id, uint256 value, bytes calldata data) external;
    function safeBatchTransferFrom(address from, address to, uint256[] calldata ids, uint256[] calldata values, bytes calldata data) external;
}

/// What exchanges and users call to turn pUSD into outcome tokens and back. Same selectors as ConditionalTokens.
interface IAdapter {
    function splitPosition(address collateral, bytes32 parent, bytes32 conditionId, uint256[] calldata partition, uint256 amount) external;
    function mergePositions(address collateral, bytes32 parent, bytes32 conditionId, uint256[] calldata partition, uint256 amount) external;
}

/// Splits, merges, redeems and converts positions of neg-risk markets for USDC.e.
interface INegRisk {
    function splitPosition(bytes32 conditionId, uint256 amount) external;
    function mergePositions(bytes32 conditionId, uint256 amount) external;
    function redeemPositions(bytes32 conditionId, uint256[] calldata amounts) external;
    function convertPositions(bytes32 marketId, uint256 indexSet, uint256 amount) external;
    function tokensOf(bytes32 marketId, uint256 indexSet) external view returns (uint256[] memory noOfSet, uint256[] memory yesOfOthers, uint256[] memory noOfOthers);
}

/// Both outcomes of a condition, in every place where the CTF wants them.
library Pairs {
    function ids(address collateral, bytes32 conditionId) internal view returns (uint256[] memory) {
        return both(id(collateral, conditionId, 1), id(collateral, conditionId, 2));
    }

    function id(address collateral, bytes32 conditionId, uint256 indexSet) internal view returns (uint256) {
        return CTF.getPositionId(collateral, CTF.getCollectionId(bytes32(0), conditionId, indexSet));
    }

    function outcomes() internal pure returns (uint256[] memory) {
        return both(1, 2);
    }

    function both(uint256 a, uint256 b) internal pure returns (uint256[] memory values) {
        values = new uint256[](2);
        values[0] = a;
        values[1] = b;
    }

    function times(uint256 length, uint256 value) internal pure returns (uint256[] memory values) {
        values = new uint256[](length);
        for (uint256 i = 0; i < length; i++) values[i] = value;
    }
}

/// Accepts every ERC-1155 transfer.
abstract contract TokenReceiver {
    function onERC1155Received(address, address, uint256, uint256, bytes calldata) external pure returns (bytes4) {
        return this.onERC1155Received.selector;
    }

    function onERC1155BatchReceived(address, address, uint256[] calldata, uint256[] calldata, bytes calldata) external pure returns (bytes4) {
        return this.onERC1155BatchReceived.selector;
    }
}

IToken constant PUSD = IToken(0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB);
IToken constant USDCE = IToken(0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174);
IToken constant WCOL = IToken(0x3A3BD7bb9528E159577F7C2e685CC81A765002E2);
IConditionalTokens constant CTF = IConditionalTokens(0x4D97DCd97eC945f40cF65F87097ACe5EA0476045);
IAdapter constant STANDARD_ADAPTER = IAdapter(0xAdA100Db00Ca00073811820692005400218FcE1f);
INegRisk constant NEG_RISK = INegRisk(0xd91E80cF2E7be2e162c6513ceD06f1dD0dA35296);
IAdapter constant NEG_RISK_ADAPTER = IAdapter(0xadA2005600Dec949baf300f4C6120000bDB6eAab);
