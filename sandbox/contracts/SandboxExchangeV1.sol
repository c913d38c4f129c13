// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Interfaces.sol";

/// One order in one match of the first generation. `usdc` of a resting order is exact; an active buy offers `usdc` and
/// an active sell offers `shares`. `fee` is in what the order gets: shares for a buy, USDC.e for a sell.
struct OrderV1 {
    bytes32 orderHash;
    address maker;
    uint8 side;
    uint256 tokenId;
    uint256 shares;
    uint256 usdc;
    uint256 fee;
}

/// Settles as the V1 exchange did: every match goes through the exchange, which splits and merges by itself, the active
/// order's log shows what it offered, what is left over goes back, fees go to the caller.
contract SandboxExchangeV1 is TokenReceiver {
    uint8 private constant BUY = 0;

    mapping(address => bool) public isOperator; // slot 0, written by genesis

    event OrderFilled(
        bytes32 indexed orderHash,
        address indexed maker,
        address indexed taker,
        uint256 makerAssetId,
        uint256 takerAssetId,
        uint256 makerAmountFilled,
        uint256 takerAmountFilled,
        uint256 fee
    );
    event OrdersMatched(
        bytes32 indexed takerOrderHash,
        address indexed takerOrderMaker,
        uint256 makerAssetId,
        uint256 takerAssetId,
        uint256 makerAmountFilled,
        uint256 takerAmountFilled
    );
    event FeeCharged(address indexed receiver, uint256 tokenId, uint256 amount);

    function settle(bytes32 conditionId, OrderV1 calldata active, OrderV1[] calldata resting) external {
        require(isOperator[msg.sender], "not the operator");
        require(resting.length > 0, "malformed");
        bool buys = active.side == BUY;
        uint256 offered = buys ? active.usdc : active.shares;
        take(active.maker, buys ? 0 : active.tokenId, offered);
        for (uint256 i = 0; i < resting.length; i++) settleLeg(conditionId, active, resting[i]);
        uint256 gets = buys ? active.tokenId : 0;
        uint256 received = held(gets);
        require(received >= (buys ? active.shares : active.usdc), "worse than the limit");
        pay(active.maker, gets, received - active.fee);
        charge(gets, active.fee);
        uint256 gave = buys ? 0 : active.tokenId;
        pay(active.maker, gave, held(gave));
        emit OrderFilled(active.orderHash, active.maker, address(this), gave, gets, offered, received, active.fee);
        emit OrdersMatched(active.orderHash, active.maker, gave, gets, offered, received);
    }

    function settleLeg(bytes32 conditionId, OrderV1 calldata active, OrderV1 calldata order) private {
        bool buys = order.side == BUY;
        bool opposite = order.side != active.side;
        require(opposite == (order.tokenId == active.tokenId) && order.usdc <= order.shares, "not crossing");
        (uint256 gives, uint256 gets) = buys ? (uint256(0), order.tokenId) : (order.tokenId, uint256(0));
        (uint256 making, uint256 taking) = buys ? (order.usdc, order.shares) : (order.shares, order.usdc);
        take(order.maker, gives, making);
        if (!opposite && buys) {
            CTF.splitPosition(address(USDCE), bytes32(0), conditionId, bothOutcomes(), order.shares);
        } else if (!opposite) {
            CTF.mergePositions(address(USDCE), bytes32(0), conditionId, bothOutcomes(), order.shares);
        }
        pay(order.maker, gets, taking - order.fee);
        charge(gets, order.fee);
        emit OrderFilled(order.orderHash, order.maker, active.maker, gives, gets, making, taking, order.fee);
    }

    function charge(uint256 asset, uint256 fee) private {
        if (fee == 0) return;
        pay(msg.sender, asset, fee);
        emit FeeCharged(msg.sender, asset, fee);
    }

    /// Asset 0 is the collateral.
    function take(address from, uint256 asset, uint256 amount) private {
        if (asset == 0) USDCE.transferFrom(from, address(this), amount);
        else CTF.safeTransferFrom(from, address(this), asset, amount, "");
    }

    function pay(address to, uint256 asset, uint256 amount) private {
        if (amount == 0) return;
        if (asset == 0) USDCE.transfer(to, amount);
        else CTF.safeTransferFrom(address(this), to, asset, amount, "");
    }

    function held(uint256 asset) private view returns (uint256) {
        return asset == 0 ? USDCE.balanceOf(address(this)) : CTF.balanceOf(address(this), asset);
    }

    function bothOutcomes() private pure returns (uint256[] memory values) {
        values = new uint256[](2);
        values[0] = 1;
        values[1] = 2;
    }
}

/// Stands between the operator and the V1 exchanges, takes the fees and gives a part of them back. It says so by the
/// event of its day: the later one names the order, the earlier one only who got what.
contract SandboxFeeModule is TokenReceiver {
    struct Refund {
        bytes32 orderHash;
        address to;
        uint256 id;
        uint256 refund;
        uint256 feeCharged;
        bool namesOrder;
    }

    struct Job {
        address exchange;
        bytes32 conditionId;
        OrderV1 active;
        OrderV1[] resting;
        Refund[] refunds;
    }

    mapping(address => bool) public isOperator; // slot 0, written by genesis

    event FeeRefunded(bytes32 indexed orderHash, address indexed to, uint256 id, uint256 refund, uint256 indexed feeCharged);
    event FeeRefunded(address token, address to, uint256 id, uint256 amount);

    /// Several matches in one transaction, each followed by its refunds.
    function settle(Job[] calldata jobs) external {
        require(isOperator[msg.sender], "not the operator");
        for (uint256 i = 0; i < jobs.length; i++) {
            SandboxExchangeV1(jobs[i].exchange).settle(jobs[i].conditionId, jobs[i].active, jobs[i].resting);
            for (uint256 j = 0; j < jobs[i].refunds.length; j++) giveBack(jobs[i].refunds[j]);
        }
    }

    function giveBack(Refund calldata one) private {
        address token = one.id == 0 ? address(USDCE) : address(CTF);
        if (one.id == 0) USDCE.transfer(one.to, one.refund);
        else CTF.safeTransferFrom(address(this), one.to, one.id, one.refund, "");
        if (one.namesOrder) emit FeeRefunded(one.orderHash, one.to, one.id, one.refund, one.feeCharged);
        else emit FeeRefunded(token, one.to, one.id, one.refund);
    }
}
