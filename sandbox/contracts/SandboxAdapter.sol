// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Interfaces.sol";

/// Swaps pUSD and the collateral of ConditionalTokens one to one, and splits, merges and redeems for its caller. The
/// stakeholder in the CTF's own events is therefore the adapter, and the caller's tokens move by TransferBatch.
/// The collateral, parent and partition arguments are ignored: only the full split of a binary condition exists here.
abstract contract SandboxAdapter is TokenReceiver {
    function ctfCollateral() public pure virtual returns (IToken);

    function splitPosition(address, bytes32, bytes32 conditionId, uint256[] calldata, uint256 amount) external {
        PUSD.transferFrom(msg.sender, address(this), amount);
        PUSD.burn(amount);
        ctfCollateral().mint(address(this), amount);
        CTF.splitPosition(address(ctfCollateral()), bytes32(0), conditionId, bothOutcomes(), amount);
        CTF.safeBatchTransferFrom(address(this), msg.sender, positionIds(conditionId), pair(amount, amount), "");
    }

    function mergePositions(address, bytes32, bytes32 conditionId, uint256[] calldata, uint256 amount) external {
        CTF.safeBatchTransferFrom(msg.sender, address(this), positionIds(conditionId), pair(amount, amount), "");
        CTF.mergePositions(address(ctfCollateral()), bytes32(0), conditionId, bothOutcomes(), amount);
        ctfCollateral().burn(amount);
        PUSD.mint(msg.sender, amount);
    }

    function redeemPositions(address, bytes32, bytes32 conditionId, uint256[] calldata) external {
        uint256[] memory ids = positionIds(conditionId);
        uint256[] memory values = pair(CTF.balanceOf(msg.sender, ids[0]), CTF.balanceOf(msg.sender, ids[1]));
        CTF.safeBatchTransferFrom(msg.sender, address(this), ids, values, "");
        CTF.redeemPositions(address(ctfCollateral()), bytes32(0), conditionId, bothOutcomes());
        uint256 payout = ctfCollateral().balanceOf(address(this));
        ctfCollateral().burn(payout);
        PUSD.mint(msg.sender, payout);
    }

    function positionIds(bytes32 conditionId) private view returns (uint256[] memory) {
        address collateral = address(ctfCollateral());
        return pair(
            CTF.getPositionId(collateral, CTF.getCollectionId(bytes32(0), conditionId, 1)),
            CTF.getPositionId(collateral, CTF.getCollectionId(bytes32(0), conditionId, 2))
        );
    }

    function bothOutcomes() private pure returns (uint256[] memory) {
        return pair(1, 2);
    }

    function pair(uint256 a, uint256 b) private pure returns (uint256[] memory values) {
        values = new uint256[](2);
        values[0] = a;
        values[1] = b;
    }
}

contract StandardAdapter is SandboxAdapter {
    function ctfCollateral() public pure override returns (IToken) {
        return USDCE;
    }
}

contract NegRiskAdapter is SandboxAdapter {
    function ctfCollateral() public pure override returns (IToken) {
        return WCOL;
    }
}
