// SPDX-License-Identifier: MIT
pragma solidity 0.8.19;

import {FeedBase, ILink} from "./FeedBase.sol";

/// @notice Stand-in for AccessControlledOffchainAggregator 4.0.0, with its ABI, its report format and its checks.
/// The original is in no package registry, so unlike Ocr2Feed none of its code is here.
contract Ocr1Feed is FeedBase {
  enum Role {
    Unset,
    Signer,
    Transmitter
  }

  struct Oracle {
    uint8 index;
    Role role;
  }

  struct Billing {
    uint32 maximumGasPrice;
    uint32 reasonableGasPrice;
    uint32 microLinkPerEth;
    uint32 linkGweiPerObservation;
    uint32 linkGweiPerTransmission;
  }

  uint256 internal constant MAX_NUM_ORACLES = 31;

  mapping(address => Oracle) internal s_oracles;
  address[] internal s_signers;
  address[] internal s_transmitters;
  uint16[MAX_NUM_ORACLES] internal s_observationCounts;
  uint256[MAX_NUM_ORACLES] internal s_transmissionJuels;
  bytes16 internal s_digest;
  uint8 internal s_threshold;
  uint32 internal s_configCount;
  uint32 internal s_configBlock;
  Billing internal s_billing;
  address public billingAccessController;
  address public requesterAccessController;

  event ConfigSet(
    uint32 previousConfigBlockNumber,
    uint64 configCount,
    address[] signers,
    address[] transmitters,
    uint8 threshold,
    uint64 encodedConfigVersion,
    bytes encoded
  );
  event NewTransmission(
    uint32 indexed aggregatorRoundId,
    int192 answer,
    address transmitter,
    int192[] observations,
    bytes observers,
    bytes32 rawReportContext
  );
  event BillingSet(
    uint32 maximumGasPrice,
    uint32 reasonableGasPrice,
    uint32 microLinkPerEth,
    uint32 linkGweiPerObservation,
    uint32 linkGweiPerTransmission
  );

  constructor(
    ILink link,
    int192 lowest,
    int192 highest,
    address billingAccessController_,
    address requesterAccessController_,
    uint8 decimals_,
    string memory description_
  ) FeedBase(link, lowest, highest, decimals_, description_) {
    billingAccessController = billingAccessController_;
    requesterAccessController = requesterAccessController_;
  }

  function typeAndVersion() external pure returns (string memory) {
    return "AccessControlledOffchainAggregator 4.0.0";
  }

  function version() external pure returns (uint256) {
    return 4;
  }

  // Configuration.

  function setConfig(
    address[] calldata signers,
    address[] calldata transmitters_,
    uint8 threshold,
    uint64 encodedConfigVersion,
    bytes calldata encoded
  ) external onlyOwner {
    require(signers.length <= MAX_NUM_ORACLES, "too many signers");
    require(threshold > 0, "threshold must be positive");
    require(signers.length == transmitters_.length, "oracle addresses out of registration");
    require(signers.length > 3 * threshold, "faulty-oracle threshold too high");
    _payOracles();
    for (uint256 i = 0; i < s_signers.length; ++i) {
      delete s_oracles[s_signers[i]];
      delete s_oracles[s_transmitters[i]];
    }
    s_signers = signers;
    s_transmitters = transmitters_;
    for (uint256 i = 0; i < signers.length; ++i) {
      require(s_oracles[signers[i]].role == Role.Unset, "repeated signer address");
      s_oracles[signers[i]] = Oracle(uint8(i), Role.Signer);
      require(s_oracles[transmitters_[i]].role == Role.Unset, "repeated transmitter address");
      s_oracles[transmitters_[i]] = Oracle(uint8(i), Role.Transmitter);
    }
    s_threshold = threshold;
    uint32 previous = s_configBlock;
    s_configBlock = uint32(block.number);
    ++s_configCount;
    bytes memory hashed = abi.encode(
      address(this),
      uint64(s_configCount),
      signers,
      transmitters_,
      threshold,
      encodedConfigVersion,
      encoded
    );
    s_digest = bytes16(uint128(uint256(keccak256(hashed))));
    s_epochAndRound = 0;
    emit ConfigSet(previous, s_configCount, signers, transmitters_, threshold, encodedConfigVersion, encoded);
  }

  function latestConfigDetails() external view returns (uint32, uint32, bytes16) {
    return (s_configCount, s_configBlock, s_digest);
  }

  function transmitters() external view returns (address[] memory) {
    return s_transmitters;
  }

  // Reports.

  /// @dev The report holds its own context: 11 zero bytes, 16 bytes digest, 4 bytes epoch, 1 byte round.
  function transmit(bytes calldata report, bytes32[] calldata rs, bytes32[] calldata ss, bytes32 rawVs) external {
    uint256 initialGas = gasleft();
    (bytes32 context, bytes32 raw, int192[] memory observations) = abi.decode(report, (bytes32, bytes32, int192[]));
    require(s_digest == bytes16(context << 88), "configDigest mismatch");
    require(s_epochAndRound < uint40(uint256(context)), "stale report");
    s_epochAndRound = uint40(uint256(context));
    Oracle memory sender = s_oracles[msg.sender];
    require(sender.role == Role.Transmitter, "unauthorized transmitter");
    _checkSignatures(keccak256(report), rs, ss, rawVs);

    bytes memory observers = _observers(raw, observations, s_threshold);
    int192 median = observations[observations.length / 2];
    _record(median, uint32(block.timestamp));
    emit NewTransmission(s_round, median, msg.sender, observations, observers, context);
    _emitLegacy(median, uint32(block.timestamp));
    _credit(initialGas, sender.index, observers);
  }

  function _checkSignatures(bytes32 h, bytes32[] calldata rs, bytes32[] calldata ss, bytes32 rawVs) private view {
    require(rs.length > s_threshold, "not enough signatures");
    require(rs.length <= MAX_NUM_ORACLES, "too many signatures");
    require(rs.length == ss.length, "signatures out of registration");
    uint256 signed;
    for (uint256 i = 0; i < rs.length; ++i) {
      Oracle memory o = s_oracles[ecrecover(h, uint8(rawVs[i]) + 27, rs[i], ss[i])];
      require(o.role == Role.Signer, "address not authorized to sign");
      require(signed & (1 << o.index) == 0, "non-unique signature");
      signed |= 1 << o.index;
    }
  }

  function latestTransmissionDetails() external view returns (bytes16, uint32, uint8, int192, uint64) {
    // solhint-disable-next-line avoid-tx-origin
    require(msg.sender == tx.origin, "Only callable by EOA");
    Transmission memory t = s_transmissions[s_round];
    return (s_digest, uint32(s_epochAndRound >> 8), uint8(s_epochAndRound), t.answer, t.recordedAt);
  }

  // Payments.

  function setBilling(uint32 maximum, uint32 reasonable, uint32 microLinkPerEth, uint32 perObservation, uint32 perTransmission)
    external
    onlyOwner
  {
    _payOracles();
    s_billing = Billing(maximum, reasonable, microLinkPerEth, perObservation, perTransmission);
    emit BillingSet(maximum, reasonable, microLinkPerEth, perObservation, perTransmission);
  }

  function getBilling() external view returns (uint32, uint32, uint32, uint32, uint32) {
    Billing memory b = s_billing;
    return (
      b.maximumGasPrice,
      b.reasonableGasPrice,
      b.microLinkPerEth,
      b.linkGweiPerObservation,
      b.linkGweiPerTransmission
    );
  }

  function _credit(uint256 initialGas, uint8 transmitter, bytes memory observers) private {
    for (uint256 i = 0; i < observers.length; ++i) ++s_observationCounts[uint8(observers[i])];
    Billing memory b = s_billing;
    uint256 price = _reimbursedPrice(tx.gasprice / 1 gwei, b.reasonableGasPrice, b.maximumGasPrice);
    uint256 gas = initialGas - gasleft() + 16 * msg.data.length;
    s_transmissionJuels[transmitter] +=
      (gas * price * 1 gwei * b.microLinkPerEth) / 1e6 + uint256(b.linkGweiPerTransmission) * 1 gwei;
  }

  function owedPayment(address transmitter) public view override returns (uint256) {
    Oracle memory o = s_oracles[transmitter];
    if (o.role != Role.Transmitter) return 0;
    return uint256(s_observationCounts[o.index]) * s_billing.linkGweiPerObservation * 1 gwei + s_transmissionJuels[o.index];
  }

  /// @dev As in the original: the observations of this oracle that are not paid yet.
  function oracleObservationCount(address transmitter) external view returns (uint16) {
    Oracle memory o = s_oracles[transmitter];
    return o.role == Role.Transmitter ? s_observationCounts[o.index] : 0;
  }

  function _payOracles() private {
    for (uint256 i = 0; i < s_transmitters.length; ++i) {
      _pay(s_transmitters[i]);
      s_observationCounts[i] = 0;
      s_transmissionJuels[i] = 0;
    }
  }

  function _oracles() internal view override returns (address[] memory) {
    return s_transmitters;
  }

  /// @dev No feed of the bed has a validator.
  function validatorConfig() external pure returns (address, uint32) {
    return (address(0), 0);
  }
}
