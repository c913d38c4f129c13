// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Interfaces.sol";

/// Settles matches of the sandbox venue as the V2 exchange does: same events in the same order, real balances and
/// approvals. Signatures are not checked here (the venue checks them); only the operator may settle.
abstract contract SandboxExchange is TokenReceiver {
    /// One order in one match. `usdc` of a resting order is exact; of the active order it is its limit.
    struct Order {
        bytes32 orderHash;
        address maker;
        uint8 side;
        uint256 tokenId;
        uint256 shares;
        uint256 usdc;
        uint256 fee;
        bytes32 builder;
        bytes32 metadata;
    }

    struct Match {
        bytes32 conditionId;
        Order active;
        Order[] resting;
    }

    uint8 private constant BUY = 0;
    uint8 private constant SELL = 1;
    address private constant FEE_RECEIVER = 0x000000000000000000000000000000000000Fee5;

    mapping(address => bool) public isOperator; // slot 0, written by genesis

    event OrderFilled(
        bytes32 indexed orderHash,
        address indexed maker,
        address indexed taker,
        uint8 side,
        uint256 tokenId,
        uint256 makerAmountFilled,
        uint256 takerAmountFilled,
        uint256 fee,
        bytes32 builder,
        bytes32 metadata
    );
    event OrdersMatched(
        bytes32 indexed takerOrderHash,
        address indexed takerOrderMaker,
        uint8 side,
        uint256 tokenId,
        uint256 makerAmountFilled,
        uint256 takerAmountFilled
    );
    event FeeCharged(address indexed receiver, uint256 amount);

    function adapter() internal pure virtual returns (IAdapter);

    /// Keeps the outcome tokens.
    function ledger() internal pure virtual returns (IConditionalTokens) {
        return CTF;
    }

    function version() internal pure virtual returns (string memory) {
        return "2";
    }

    /// What the log of an active buy shows as paid when a pair of its match mints.
    function shown(uint256 offered, uint256) internal pure virtual returns (uint256) {
        return offered;
    }

    function getCtfCollateral() external pure virtual returns (address);

    function getCollateral() external pure returns (address) {
        return address(PUSD);
    }

    function getOutcomeTokenFactory() external pure returns (address) {
        return address(adapter());
    }

    /// ERC-5267: fields 0x0f are name, version, chain id and contract.
    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory)
    {
        return (hex"0f", "Polymarket CTF Exchange", version(), block.chainid, address(this), bytes32(0), new uint256[](0));
    }

    /// Several matches in one transaction.
    function settleAll(Match[] calldata matches) external {
        for (uint256 i = 0; i < matches.length; i++) {
            settle(matches[i].conditionId, matches[i].active, matches[i].resting);
        }
    }

    function settle(bytes32 conditionId, Order calldata active, Order[] calldata resting) public {
        require(isOperator[msg.sender], "not the operator");
        require(resting.length > 0 && active.side <= SELL, "malformed");
        uint256 shares;
        bool complementaryOnly = true;
        for (uint256 i = 0; i < resting.length; i++) {
            shares += resting[i].shares;
            bool opposite = resting[i].side != active.side;
            require(resting[i].side <= SELL && opposite == (resting[i].tokenId == active.tokenId), "not crossing");
            if (!opposite) complementaryOnly = false;
        }
        require(shares == active.shares, "shares do not add up");
        if (complementaryOnly) settleDirectly(active, resting);
        else settleThroughExchange(conditionId, active, resting);
    }

    /// Money and tokens go straight between the two wallets; the active order's log shows executed amounts.
    function settleDirectly(Order calldata active, Order[] calldata resting) private {
        uint256 usdc;
        for (uint256 i = 0; i < resting.length; i++) {
            Order calldata order = resting[i];
            usdc += order.usdc;
            (address buyer, address seller) =
                active.side == BUY ? (active.maker, order.maker) : (order.maker, active.maker);
            PUSD.transferFrom(buyer, seller, order.usdc);
            ledger().safeTransferFrom(seller, buyer, order.tokenId, order.shares, "");
            chargeFee(order);
            emitFilled(order, active.maker, order.usdc);
        }
        requireLimit(active, usdc);
        chargeFee(active);
        emitActive(active, usdc);
    }

    /// At least one pair mints or merges: the exchange holds both sides meanwhile. The log of an active buy shows what
    /// it offered, although what is left over goes back in the same transaction.
    function settleThroughExchange(bytes32 conditionId, Order calldata active, Order[] calldata resting) private {
        if (active.side == BUY) PUSD.transferFrom(active.maker, address(this), active.usdc);
        else ledger().safeTransferFrom(active.maker, address(this), active.tokenId, active.shares, "");
        uint256 usdc;
        for (uint256 i = 0; i < resting.length; i++) {
            usdc += settleLeg(conditionId, active, resting[i]);
        }
        requireLimit(active, usdc);
        if (active.side == BUY) {
            ledger().safeTransferFrom(address(this), active.maker, active.tokenId, active.shares, "");
            if (active.usdc > usdc) PUSD.transfer(active.maker, active.usdc - usdc);
        } else {
            PUSD.transfer(active.maker, usdc);
        }
        chargeFee(active);
        emitActive(active, active.side == BUY ? shown(active.usdc, usdc) : usdc);
    }

    /// Returns what the active order pays or is paid for this pair.
    function settleLeg(bytes32 conditionId, Order calldata active, Order calldata order) private returns (uint256 usdc) {
        bool opposite = order.side != active.side;
        if (!opposite) require(order.usdc <= order.shares, "price above one");
        if (order.side == BUY) {
            PUSD.transferFrom(order.maker, address(this), order.usdc);
            if (!opposite) {
                adapter().splitPosition(address(PUSD), bytes32(0), conditionId, new uint256[](0), order.shares);
            }
            ledger().safeTransferFrom(address(this), order.maker, order.tokenId, order.shares, "");
        } else {
            ledger().safeTransferFrom(order.maker, address(this), order.tokenId, order.shares, "");
            if (!opposite) {
                adapter().mergePositions(address(PUSD), bytes32(0), conditionId, new uint256[](0), order.shares);
            }
            PUSD.transfer(order.maker, order.usdc);
        }
        chargeFee(order);
        emitFilled(order, active.maker, order.usdc);
        return opposite ? order.usdc : order.shares - order.usdc;
    }

    function requireLimit(Order calldata active, uint256 usdc) private pure {
        require(active.side == BUY ? usdc <= active.usdc : usdc >= active.usdc, "worse than the limit");
    }

    function chargeFee(Order calldata order) private {
        if (order.fee == 0) return;
        PUSD.transferFrom(order.maker, FEE_RECEIVER, order.fee);
        emit FeeCharged(FEE_RECEIVER, order.fee);
    }

    function emitActive(Order calldata active, uint256 usdc) private {
        emitFilled(active, address(this), usdc);
        (uint256 making, uint256 taking) = amounts(active, usdc);
        emit OrdersMatched(active.orderHash, active.maker, active.side, active.tokenId, making, taking);
    }

    function emitFilled(Order calldata order, address taker, uint256 usdc) private {
        (uint256 making, uint256 taking) = amounts(order, usdc);
        emit OrderFilled(
            order.orderHash, order.maker, taker, order.side, order.tokenId, making, taking, order.fee, order.builder, order.metadata
        );
    }

    function amounts(Order calldata order, uint256 usdc) private pure returns (uint256 making, uint256 taking) {
        return order.side == BUY ? (usdc, order.shares) : (order.shares, usdc);
    }
}

contract StandardExchange is SandboxExchange {
    function adapter() internal pure override returns (IAdapter) {
        return STANDARD_ADAPTER;
    }

    function getCtfCollateral() external pure override returns (address) {
        return address(USDCE);
    }
}

contract NegRiskExchange is SandboxExchange {
    function adapter() internal pure override returns (IAdapter) {
        return NEG_RISK_ADAPTER;
    }

    function getCtfCollateral() external pure override returns (address) {
        return address(WCOL);
    }
}
