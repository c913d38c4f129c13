// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./SandboxExchange.sol";

/// Keeps the positions of the third generation. A condition is 31 bytes; its two positions are the condition and one
/// byte more, 0 or 1. Splits and merges for its caller, holding the pUSD meanwhile.
contract SandboxPositionManager {
    mapping(address => mapping(uint256 => uint256)) private balances; // slot 0
    mapping(address => mapping(address => bool)) public isApprovedForAll; // slot 1, written by genesis

    event TransferSingle(address indexed operator, address indexed from, address indexed to, uint256 id, uint256 value);
    event TransferBatch(address indexed operator, address indexed from, address indexed to, uint256[] ids, uint256[] values);

    function balanceOf(address owner, uint256 id) external view returns (uint256) {
        return balances[owner][id];
    }

    function balanceOfBatch(address[] calldata owners, uint256[] calldata ids) external view returns (uint256[] memory values) {
        require(owners.length == ids.length, "lengths");
        values = new uint256[](ids.length);
        for (uint256 i = 0; i < ids.length; i++) values[i] = balances[owners[i]][ids[i]];
    }

    function setApprovalForAll(address operator, bool approved) external {
        isApprovedForAll[msg.sender][operator] = approved;
    }

    function safeTransferFrom(address from, address to, uint256 id, uint256 value, bytes calldata) external {
        require(from == msg.sender || isApprovedForAll[from][msg.sender], "not approved");
        balances[from][id] -= value;
        balances[to][id] += value;
        emit TransferSingle(msg.sender, from, to, id, value);
    }

    /// Selectors of the adapters of the second generation; collateral, parent and partition are ignored.
    function splitPosition(address, bytes32, bytes32 conditionId, uint256[] calldata, uint256 amount) external {
        PUSD.transferFrom(msg.sender, address(this), amount);
        uint256 yes = uint256(conditionId);
        balances[msg.sender][yes] += amount;
        balances[msg.sender][yes + 1] += amount;
        emit TransferBatch(msg.sender, address(0), msg.sender, pair(yes, yes + 1), pair(amount, amount));
    }

    function mergePositions(address, bytes32, bytes32 conditionId, uint256[] calldata, uint256 amount) external {
        uint256 yes = uint256(conditionId);
        balances[msg.sender][yes] -= amount;
        balances[msg.sender][yes + 1] -= amount;
        emit TransferBatch(msg.sender, msg.sender, address(0), pair(yes, yes + 1), pair(amount, amount));
        PUSD.transfer(msg.sender, amount);
    }

    function pair(uint256 a, uint256 b) private pure returns (uint256[] memory values) {
        values = new uint256[](2);
        values[0] = a;
        values[1] = b;
    }
}

/// As the second generation, but over the PositionManager, and the active order's log always shows executed amounts.
contract SandboxExchangeV3 is SandboxExchange {
    address private constant POSITION_MANAGER = 0x006F54F7f9A22e0000CC2AB60031000000ae9fEF;

    function adapter() internal pure override returns (IAdapter) {
        return IAdapter(POSITION_MANAGER);
    }

    function ledger() internal pure override returns (IConditionalTokens) {
        return IConditionalTokens(POSITION_MANAGER);
    }

    function version() internal pure override returns (string memory) {
        return "3";
    }

    function shown(uint256, uint256 executed) internal pure override returns (uint256) {
        return executed;
    }

    function getCtfCollateral() external pure override returns (address) {
        return address(PUSD);
    }
}
