// SPDX-License-Identifier: MIT
pragma solidity 0.8.19;

import {OCR2Base} from "@chainlink/contracts/src/v0.8/shared/ocr2/OCR2Base.sol";
import {FeedBase, ILink} from "./FeedBase.sol";

/// @notice Stand-in for AccessControlledOCR2Aggregator 1.0.0. setConfig, the config digest, transmit and the check of
/// its signatures are the real OCR2Base; the answer store, the payments and the getters are ours, with the real ABI.
contract Ocr2Feed is OCR2Base, FeedBase {
  struct Billing {
    uint32 maximumGasPriceGwei;
    uint32 reasonableGasPriceGwei;
    uint32 observationPaymentGjuels;
    uint32 transmissionPaymentGjuels;
    uint24 accountingGas;
  }

  Billing internal s_billing;
  address internal s_billingAccessController;
  address internal s_requesterAccessController;
  address internal s_validator;
  uint32 internal s_validatorGasLimit;
  /// @dev Round up to which every oracle of the config is paid: payment does not ask who observed.
  uint32 internal s_paidRound;
  mapping(address => uint256) internal s_transmissionJuels;

  event NewTransmission(
    uint32 indexed aggregatorRoundId,
    int192 answer,
    address transmitter,
    uint32 observationsTimestamp,
    int192[] observations,
    bytes observers,
    int192 juelsPerFeeCoin,
    bytes32 configDigest,
    uint40 epochAndRound
  );
  event BillingSet(
    uint32 maximumGasPriceGwei,
    uint32 reasonableGasPriceGwei,
    uint32 observationPaymentGjuels,
    uint32 transmissionPaymentGjuels,
    uint24 accountingGas
  );
  event LinkTokenSet(ILink indexed oldLinkToken, ILink indexed newLinkToken);
  event BillingAccessControllerSet(address old, address current);
  event RequesterAccessControllerSet(address old, address current);
  event ValidatorConfigSet(
    address indexed previousValidator,
    uint32 previousGasLimit,
    address indexed currentValidator,
    uint32 currentGasLimit
  );

  constructor(
    ILink link,
    int192 lowest,
    int192 highest,
    address billingAccessController,
    address requesterAccessController,
    uint8 decimals_,
    string memory description_
  ) OCR2Base(false) FeedBase(link, lowest, highest, decimals_, description_) {
    emit LinkTokenSet(ILink(address(0)), link);
    s_billingAccessController = billingAccessController;
    emit BillingAccessControllerSet(address(0), billingAccessController);
    s_requesterAccessController = requesterAccessController;
    emit RequesterAccessControllerSet(address(0), requesterAccessController);
  }

  function typeAndVersion() external pure override returns (string memory) {
    return "AccessControlledOCR2Aggregator 1.0.0";
  }

  function version() external pure returns (uint256) {
    return 6;
  }

  // Hooks of OCR2Base.

  function _beforeSetConfig(uint8, bytes memory onchainConfig) internal override {
    require(
      keccak256(onchainConfig) == keccak256(abi.encodePacked(uint8(1), minAnswer, maxAnswer)),
      "invalid onchainConfig"
    );
    _payOracles();
    s_epochAndRound = 0;
  }

  function _afterSetConfig(uint8, bytes memory) internal override {}

  function _validateReport(bytes32, uint40 epochAndRound, bytes memory) internal override returns (bool) {
    require(s_epochAndRound < epochAndRound, "stale report");
    s_epochAndRound = epochAndRound;
    return true;
  }

  function _report(
    uint256 initialGas,
    address transmitter,
    uint8,
    address[MAX_NUM_ORACLES] memory,
    bytes calldata report
  ) internal override {
    (uint32 observedAt, bytes32 raw, int192[] memory observations, int192 juelsPerFeeCoin) = abi.decode(
      report,
      (uint32, bytes32, int192[], int192)
    );
    bytes memory observers = _observers(raw, observations, s_configInfo.f);
    int192 median = observations[observations.length / 2];
    _record(median, observedAt);
    emit NewTransmission(
      s_round,
      median,
      transmitter,
      observedAt,
      observations,
      observers,
      juelsPerFeeCoin,
      s_configInfo.latestConfigDigest,
      s_epochAndRound
    );
    _emitLegacy(median, observedAt);
    _creditTransmitter(initialGas, transmitter, uint192(juelsPerFeeCoin));
  }

  // Payments.

  function setBilling(uint32 maximum, uint32 reasonable, uint32 perObservation, uint32 perTransmission, uint24 gas)
    external
    onlyOwner
  {
    _payOracles();
    s_billing = Billing(maximum, reasonable, perObservation, perTransmission, gas);
    emit BillingSet(maximum, reasonable, perObservation, perTransmission, gas);
  }

  function getBilling() external view returns (uint32, uint32, uint32, uint32, uint24) {
    Billing memory b = s_billing;
    return (
      b.maximumGasPriceGwei,
      b.reasonableGasPriceGwei,
      b.observationPaymentGjuels,
      b.transmissionPaymentGjuels,
      b.accountingGas
    );
  }

  /// @dev juelsPerFeeCoin is juels per 1e18 wei: a whole coin of gas at 200 LINK each is 200e18.
  function _creditTransmitter(uint256 initialGas, address transmitter, uint256 juelsPerFeeCoin) private {
    Billing memory b = s_billing;
    uint256 price = _reimbursedPrice(tx.gasprice / 1 gwei, b.reasonableGasPriceGwei, b.maximumGasPriceGwei);
    uint256 gas = initialGas - gasleft() + 16 * msg.data.length + b.accountingGas;
    s_transmissionJuels[transmitter] +=
      (gas * price * 1 gwei * juelsPerFeeCoin) / 1e18 + uint256(b.transmissionPaymentGjuels) * 1 gwei;
  }

  function owedPayment(address transmitter) public view override returns (uint256) {
    if (s_oracles[transmitter].role != Role.Transmitter) return 0;
    uint256 rounds = s_round - s_paidRound;
    return rounds * s_billing.observationPaymentGjuels * 1 gwei + s_transmissionJuels[transmitter];
  }

  /// @dev As in the original: rounds since the last payout, the same for every oracle, silent or not.
  function oracleObservationCount(address transmitter) external view returns (uint32) {
    return s_oracles[transmitter].role == Role.Transmitter ? s_round - s_paidRound : 0;
  }

  function _payOracles() private {
    for (uint256 i = 0; i < s_transmitters.length; ++i) {
      _pay(s_transmitters[i]);
      s_transmissionJuels[s_transmitters[i]] = 0;
    }
    s_paidRound = s_round;
  }

  function _oracles() internal view override returns (address[] memory) {
    return s_transmitters;
  }

  // Other getters.

  function getTransmitters() external view returns (address[] memory) {
    return s_transmitters;
  }

  function getBillingAccessController() external view returns (address) {
    return s_billingAccessController;
  }

  function getRequesterAccessController() external view returns (address) {
    return s_requesterAccessController;
  }

  function getValidatorConfig() external view returns (address, uint32) {
    return (s_validator, s_validatorGasLimit);
  }

  /// @dev The original calls the validator after each answer; here it is only readable.
  function setValidatorConfig(address validator, uint32 gasLimit) external onlyOwner {
    emit ValidatorConfigSet(s_validator, s_validatorGasLimit, validator, gasLimit);
    s_validator = validator;
    s_validatorGasLimit = gasLimit;
  }

  function latestConfigDigestAndEpoch() external view override returns (bool, bytes32, uint32) {
    return (false, s_configInfo.latestConfigDigest, uint32(s_epochAndRound >> 8));
  }

  function latestTransmissionDetails() external view returns (bytes32, uint32, uint8, int192, uint64) {
    // solhint-disable-next-line avoid-tx-origin
    require(msg.sender == tx.origin, "Only callable by EOA");
    Transmission memory t = s_transmissions[s_round];
    bytes32 digest = s_configInfo.latestConfigDigest;
    return (digest, uint32(s_epochAndRound >> 8), uint8(s_epochAndRound), t.answer, t.recordedAt);
  }
}
