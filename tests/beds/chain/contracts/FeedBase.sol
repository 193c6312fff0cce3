// SPDX-License-Identifier: MIT
pragma solidity 0.8.19;

import {OwnerIsCreator} from "@chainlink/contracts/src/v0.8/shared/access/OwnerIsCreator.sol";

interface ILink {
  function balanceOf(address who) external view returns (uint256);

  function transfer(address to, uint256 amount) external returns (bool);
}

/// @notice What the OCR1 and the OCR2 aggregator have in common: the read access check, the answer store with the
/// V2 and V3 getters, LINK and payees. Substitute for contracts that are in no package registry.
abstract contract FeedBase is OwnerIsCreator {
  struct Transmission {
    int192 answer;
    uint32 observedAt;
    uint32 recordedAt;
  }

  uint8 public immutable decimals;
  int192 public immutable minAnswer;
  int192 public immutable maxAnswer;
  ILink internal immutable i_link;
  string internal s_description;

  bool public checkEnabled = true;
  mapping(address => bool) internal s_access;

  mapping(uint32 => Transmission) internal s_transmissions;
  uint32 internal s_round;
  uint40 internal s_epochAndRound;

  mapping(address => address) internal s_payees;

  event AddedAccess(address user);
  event RemovedAccess(address user);
  event CheckAccessEnabled();
  event CheckAccessDisabled();
  event NewRound(uint256 indexed roundId, address indexed startedBy, uint256 startedAt);
  event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);
  event PayeeshipTransferred(address indexed transmitter, address indexed previous, address indexed current);
  event OraclePaid(address indexed transmitter, address indexed payee, uint256 amount, ILink indexed linkToken);

  constructor(ILink link, int192 lowest, int192 highest, uint8 decimals_, string memory description_) {
    i_link = link;
    minAnswer = lowest;
    maxAnswer = highest;
    decimals = decimals_;
    s_description = description_;
  }

  // The read access check: contracts must be on the list, a caller that sent the transaction itself need not be.

  modifier checkAccess() {
    require(hasAccess(msg.sender, msg.data), "No access");
    _;
  }

  function hasAccess(address user, bytes memory) public view returns (bool) {
    // solhint-disable-next-line avoid-tx-origin
    return s_access[user] || !checkEnabled || user == tx.origin;
  }

  function addAccess(address user) external onlyOwner {
    s_access[user] = true;
    emit AddedAccess(user);
  }

  function removeAccess(address user) external onlyOwner {
    s_access[user] = false;
    emit RemovedAccess(user);
  }

  function enableAccessCheck() external onlyOwner {
    checkEnabled = true;
    emit CheckAccessEnabled();
  }

  function disableAccessCheck() external onlyOwner {
    checkEnabled = false;
    emit CheckAccessDisabled();
  }

  // Answers.

  function _record(int192 median, uint32 observedAt) internal {
    require(minAnswer <= median && median <= maxAnswer, "median is out of min-max range");
    s_transmissions[++s_round] = Transmission(median, observedAt, uint32(block.timestamp));
  }

  function _emitLegacy(int192 median, uint32 observedAt) internal {
    emit NewRound(s_round, address(0), observedAt);
    emit AnswerUpdated(median, s_round, block.timestamp);
  }

  /// @dev The report carries the observers as one word; the event carries as many bytes as there are observations.
  function _observers(bytes32 raw, int192[] memory observations, uint256 f) internal pure returns (bytes memory who) {
    uint256 n = observations.length;
    require(n <= 31, "num observations out of bounds");
    require(n > 2 * f, "too few values to trust median");
    who = abi.encodePacked(raw);
    uint256 seen;
    for (uint256 i = 0; i < n; ++i) {
      uint256 bit = 1 << uint8(raw[i]);
      require(seen & bit == 0, "observer index repeated");
      seen |= bit;
      require(i == 0 || observations[i - 1] <= observations[i], "observations not sorted");
    }
    assembly {
      mstore(who, n)
    }
  }

  function description() external view checkAccess returns (string memory) {
    return s_description;
  }

  function latestAnswer() external view checkAccess returns (int256) {
    return s_transmissions[s_round].answer;
  }

  function latestTimestamp() external view checkAccess returns (uint256) {
    return s_transmissions[s_round].recordedAt;
  }

  function latestRound() external view checkAccess returns (uint256) {
    return s_round;
  }

  function getAnswer(uint256 id) external view checkAccess returns (int256) {
    return id > type(uint32).max ? int256(0) : s_transmissions[uint32(id)].answer;
  }

  function getTimestamp(uint256 id) external view checkAccess returns (uint256) {
    return id > type(uint32).max ? 0 : s_transmissions[uint32(id)].recordedAt;
  }

  function getRoundData(uint80 id) external view checkAccess returns (uint80, int256, uint256, uint256, uint80) {
    if (id > type(uint32).max) return (0, 0, 0, 0, 0);
    return _round(uint32(id));
  }

  function latestRoundData() external view checkAccess returns (uint80, int256, uint256, uint256, uint80) {
    return _round(s_round);
  }

  function _round(uint32 id) private view returns (uint80, int256, uint256, uint256, uint80) {
    Transmission memory t = s_transmissions[id];
    return (id, t.answer, t.observedAt, t.recordedAt, id);
  }

  // LINK.

  function getLinkToken() external view returns (ILink) {
    return i_link;
  }

  function owedPayment(address transmitter) public view virtual returns (uint256);

  function _oracles() internal view virtual returns (address[] memory);

  function linkAvailableForPayment() external view returns (int256 available) {
    available = int256(i_link.balanceOf(address(this)));
    address[] memory oracles = _oracles();
    for (uint256 i = 0; i < oracles.length; ++i) available -= int256(owedPayment(oracles[i]));
  }

  function setPayees(address[] calldata transmitters_, address[] calldata payees) external onlyOwner {
    for (uint256 i = 0; i < payees.length; ++i) {
      emit PayeeshipTransferred(transmitters_[i], s_payees[transmitters_[i]], payees[i]);
      s_payees[transmitters_[i]] = payees[i];
    }
  }

  /// @dev Sends one oracle what it is owed; the caller then clears the debt.
  function _pay(address transmitter) internal {
    uint256 owed = owedPayment(transmitter);
    if (owed == 0) return;
    require(i_link.transfer(s_payees[transmitter], owed), "insufficient funds");
    emit OraclePaid(transmitter, s_payees[transmitter], owed, i_link);
  }

  /// @dev The gas price that is reimbursed, in the unit of its arguments: half of the savings below the reasonable
  /// price go to the transmitter, and nothing above the maximum is paid.
  function _reimbursedPrice(uint256 paid, uint256 reasonable, uint256 maximum) internal pure returns (uint256 price) {
    price = paid < reasonable ? paid + (reasonable - paid) / 2 : paid;
    if (price > maximum) price = maximum;
  }
}
