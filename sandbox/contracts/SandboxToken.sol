// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// An ERC-20 with six decimals, deployed by genesis at the addresses of pUSD, USDC.e and WCOL. No constructor and no
/// immutables: genesis writes the storage, so the order of the variables is part of the contract (see genesis.ts).
contract SandboxToken {
    mapping(address => uint256) public balanceOf; // slot 0
    mapping(address => mapping(address => uint256)) public allowance; // slot 1
    uint256 public totalSupply; // slot 2
    mapping(address => bool) public isMinter; // slot 3: the operator and the two adapters

    uint8 public constant decimals = 6;
    address private constant PUSD = 0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB;
    address private constant USDCE = 0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    function symbol() public view returns (string memory) {
        return address(this) == PUSD ? "pUSD" : address(this) == USDCE ? "USDC.e" : "WCOL";
    }

    function name() external view returns (string memory) {
        return symbol();
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed != type(uint256).max) {
            require(allowed >= value, "allowance");
            allowance[from][msg.sender] = allowed - value;
        }
        move(from, to, value);
        return true;
    }

    function mint(address to, uint256 value) external {
        require(isMinter[msg.sender], "not a minter");
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function burn(uint256 value) external {
        require(balanceOf[msg.sender] >= value, "balance");
        balanceOf[msg.sender] -= value;
        totalSupply -= value;
        emit Transfer(msg.sender, address(0), value);
    }

    function move(address from, address to, uint256 value) private {
        require(balanceOf[from] >= value, "balance");
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }
}
