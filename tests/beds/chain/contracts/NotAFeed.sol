// SPDX-License-Identifier: MIT
pragma solidity 0.8.19;

/// @notice A contract that answers none of the calls a feed answers.
contract NotAFeed {
  uint256 public constant ANSWER = 42;
}
