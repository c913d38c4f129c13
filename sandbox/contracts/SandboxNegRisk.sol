// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Interfaces.sol";
import "./SandboxOracle.sol";

/// The oracle of neg-risk conditions, and what turns USDC.e into their tokens and NO tokens of some questions of a market
/// into YES tokens of all others. It wraps USDC.e into WCOL, so the CTF sees this contract as stakeholder, and its own
/// events name the caller.
contract SandboxNegRisk is SandboxOracle, TokenReceiver {
    address private constant BURN = 0xa5Ef39C3D3e10d0B270233af41CaC69796B12966;
    /// A question of a market is its id with another last byte; only so many are looked for.
    uint256 private constant QUESTIONS_MAX = 8;

    event PositionSplit(address indexed stakeholder, bytes32 indexed conditionId, uint256 amount);
    event PositionsMerge(address indexed stakeholder, bytes32 indexed conditionId, uint256 amount);
    event PositionsConverted(
        address indexed stakeholder, bytes32 indexed marketId, uint256 indexed indexSet, uint256 amount
    );
    event PayoutRedemption(address indexed redeemer, bytes32 indexed conditionId, uint256[] amounts, uint256 payout);

    function splitPosition(bytes32 conditionId, uint256 amount) external {
        USDCE.transferFrom(msg.sender, address(this), amount);
        USDCE.burn(amount);
        splitHere(conditionId, amount);
        uint256[] memory ids = Pairs.ids(address(WCOL), conditionId);
        CTF.safeBatchTransferFrom(address(this), msg.sender, ids, Pairs.both(amount, amount), "");
        emit PositionSplit(msg.sender, conditionId, amount);
    }

    function mergePositions(bytes32 conditionId, uint256 amount) external {
        uint256[] memory ids = Pairs.ids(address(WCOL), conditionId);
        CTF.safeBatchTransferFrom(msg.sender, address(this), ids, Pairs.both(amount, amount), "");
        CTF.mergePositions(address(WCOL), bytes32(0), conditionId, Pairs.outcomes(), amount);
        unwrap();
        emit PositionsMerge(msg.sender, conditionId, amount);
    }

    function redeemPositions(bytes32 conditionId, uint256[] calldata amounts) external {
        uint256[] memory ids = Pairs.ids(address(WCOL), conditionId);
        CTF.safeBatchTransferFrom(msg.sender, address(this), ids, amounts, "");
        CTF.redeemPositions(address(WCOL), bytes32(0), conditionId, Pairs.outcomes());
        emit PayoutRedemption(msg.sender, conditionId, amounts, unwrap());
    }

    /// Of n questions given, at most one can be true: n - 1 are paid at once, and the last one becomes YES of the others.
    function convertPositions(bytes32 marketId, uint256 indexSet, uint256 amount) external {
        (uint256[] memory given, uint256[] memory made, uint256[] memory rest) = tokensOf(marketId, indexSet);
        require(given.length > 0, "nothing to convert");
        for (uint256 i = 0; i < QUESTIONS_MAX; i++) {
            bytes32 conditionId = conditionOf(marketId, i);
            if (indexSet & (1 << i) == 0 && isPrepared(conditionId)) splitHere(conditionId, amount);
        }
        CTF.safeBatchTransferFrom(msg.sender, BURN, given, Pairs.times(given.length, amount), "");
        if (made.length > 0) {
            CTF.safeBatchTransferFrom(address(this), BURN, rest, Pairs.times(rest.length, amount), "");
            CTF.safeBatchTransferFrom(address(this), msg.sender, made, Pairs.times(made.length, amount), "");
        }
        USDCE.mint(msg.sender, (given.length - 1) * amount);
        emit PositionsConverted(msg.sender, marketId, indexSet, amount);
    }

    function tokensOf(bytes32 marketId, uint256 indexSet)
        public
        view
        returns (uint256[] memory noOfSet, uint256[] memory yesOfOthers, uint256[] memory noOfOthers)
    {
        (noOfSet, yesOfOthers, noOfOthers) =
            (new uint256[](QUESTIONS_MAX), new uint256[](QUESTIONS_MAX), new uint256[](QUESTIONS_MAX));
        (uint256 set, uint256 others) = (0, 0);
        for (uint256 i = 0; i < QUESTIONS_MAX; i++) {
            bytes32 conditionId = conditionOf(marketId, i);
            bool isGiven = indexSet & (1 << i) != 0;
            if (!isPrepared(conditionId)) {
                require(!isGiven, "no such question");
                continue;
            }
            uint256[] memory ids = Pairs.ids(address(WCOL), conditionId);
            if (isGiven) noOfSet[set++] = ids[1];
            else (yesOfOthers[others], noOfOthers[others++]) = (ids[0], ids[1]);
        }
        assembly {
            mstore(noOfSet, set)
            mstore(yesOfOthers, others)
            mstore(noOfOthers, others)
        }
    }

    function conditionOf(bytes32 marketId, uint256 index) private view returns (bytes32) {
        return CTF.getConditionId(address(this), bytes32(uint256(marketId) | index), 2);
    }

    function isPrepared(bytes32 conditionId) private view returns (bool) {
        return CTF.getOutcomeSlotCount(conditionId) != 0;
    }

    function splitHere(bytes32 conditionId, uint256 amount) private {
        WCOL.mint(address(this), amount);
        CTF.splitPosition(address(WCOL), bytes32(0), conditionId, Pairs.outcomes(), amount);
    }

    function unwrap() private returns (uint256 amount) {
        amount = WCOL.balanceOf(address(this));
        WCOL.burn(amount);
        USDCE.mint(msg.sender, amount);
    }
}
