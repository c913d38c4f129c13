// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Interfaces.sol";

/// Stands at the oracle addresses of standard and neg-risk markets: the CTF takes payouts from the oracle only.
contract SandboxOracle {
    mapping(address => bool) public isOperator; // slot 0, written by genesis

    function report(bytes32 questionId, uint256[] calldata payouts) external {
        require(isOperator[msg.sender], "not the operator");
        CTF.reportPayouts(questionId, payouts);
    }
}
