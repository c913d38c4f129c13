// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Interfaces.sol";

/// Swaps pUSD and USDC.e one to one, and splits, merges and redeems for its caller. The stakeholder of the events below
/// it is therefore the adapter, and the caller's tokens move by TransferBatch.
/// The collateral, parent and partition arguments are ignored: only the full split of a binary condition exists here.
abstract contract SandboxAdapter is TokenReceiver {
    /// What the tokens are made of inside the CTF.
    function ctfCollateral() public pure virtual returns (IToken);

    /// Turn USDC.e of the adapter into tokens of the adapter, and back.
    function split(bytes32 conditionId, uint256 amount) internal virtual;
    function merge(bytes32 conditionId, uint256 amount) internal virtual;
    function redeem(bytes32 conditionId, uint256[] memory amounts) internal virtual;

    function splitPosition(address, bytes32, bytes32 conditionId, uint256[] calldata, uint256 amount) external {
        PUSD.transferFrom(msg.sender, address(this), amount);
        PUSD.burn(amount);
        USDCE.mint(address(this), amount);
        split(conditionId, amount);
        CTF.safeBatchTransferFrom(address(this), msg.sender, idsOf(conditionId), Pairs.both(amount, amount), "");
    }

    function mergePositions(address, bytes32, bytes32 conditionId, uint256[] calldata, uint256 amount) external {
        CTF.safeBatchTransferFrom(msg.sender, address(this), idsOf(conditionId), Pairs.both(amount, amount), "");
        merge(conditionId, amount);
        payOut();
    }

    function redeemPositions(address, bytes32, bytes32 conditionId, uint256[] calldata) external {
        uint256[] memory ids = idsOf(conditionId);
        uint256[] memory amounts = Pairs.both(CTF.balanceOf(msg.sender, ids[0]), CTF.balanceOf(msg.sender, ids[1]));
        CTF.safeBatchTransferFrom(msg.sender, address(this), ids, amounts, "");
        redeem(conditionId, amounts);
        payOut();
    }

    /// All USDC.e of the adapter is the caller's: nothing stays here between two calls.
    function payOut() internal {
        uint256 amount = USDCE.balanceOf(address(this));
        USDCE.burn(amount);
        PUSD.mint(msg.sender, amount);
    }

    function idsOf(bytes32 conditionId) private view returns (uint256[] memory) {
        return Pairs.ids(address(ctfCollateral()), conditionId);
    }
}

contract StandardAdapter is SandboxAdapter {
    function ctfCollateral() public pure override returns (IToken) {
        return USDCE;
    }

    function split(bytes32 conditionId, uint256 amount) internal override {
        CTF.splitPosition(address(USDCE), bytes32(0), conditionId, Pairs.outcomes(), amount);
    }

    function merge(bytes32 conditionId, uint256 amount) internal override {
        CTF.mergePositions(address(USDCE), bytes32(0), conditionId, Pairs.outcomes(), amount);
    }

    function redeem(bytes32 conditionId, uint256[] memory) internal override {
        CTF.redeemPositions(address(USDCE), bytes32(0), conditionId, Pairs.outcomes());
    }
}

/// Goes through the neg-risk contract below it, whose events name this adapter, and whose splits the CTF sees.
contract NegRiskAdapter is SandboxAdapter {
    function ctfCollateral() public pure override returns (IToken) {
        return WCOL;
    }

    function split(bytes32 conditionId, uint256 amount) internal override {
        NEG_RISK.splitPosition(conditionId, amount);
    }

    function merge(bytes32 conditionId, uint256 amount) internal override {
        NEG_RISK.mergePositions(conditionId, amount);
    }

    function redeem(bytes32 conditionId, uint256[] memory amounts) internal override {
        NEG_RISK.redeemPositions(conditionId, amounts);
    }

    function convertPositions(bytes32 marketId, uint256 indexSet, uint256 amount) external {
        (uint256[] memory given, uint256[] memory made,) = NEG_RISK.tokensOf(marketId, indexSet);
        CTF.safeBatchTransferFrom(msg.sender, address(this), given, Pairs.times(given.length, amount), "");
        NEG_RISK.convertPositions(marketId, indexSet, amount);
        if (made.length > 0) {
            CTF.safeBatchTransferFrom(address(this), msg.sender, made, Pairs.times(made.length, amount), "");
        }
        payOut();
    }
}
