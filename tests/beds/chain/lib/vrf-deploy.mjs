// The VRF contracts, their subscriptions, consumers and requests, on a timeline.
import { ethers } from 'ethers';
import { addressOf, keyOf } from './chain.mjs';
import { LINK, MULTICALL3 } from './feeds.mjs';
import { NODE_KEY, calldata, findRequest } from './fulfil.mjs';
import { LANES } from './lanes.mjs';
import { fulfilmentGas, laneKey } from './vrf.mjs';

const ETHER = 10n ** 18n;
export const WEI_PER_LINK = ETHER / 200n;
const DAY = 86_400;
const LIMITS = [3, 2_500_000, DAY, 33_285];
const PREMIUMS = [0, 0, 24, 20];
/** V2 takes a quarter of a LINK for each request, however many there were. */
const FEE_TIERS = [250_000, 250_000, 250_000, 250_000, 250_000, 0, 0, 0, 0];
const CODE = { 2: 'VRFCoordinatorV2', 2.5: 'VRFCoordinatorV2_5', next: 'VRFCoordinatorV2PlusUpgradedVersion' };
const CONSUMERS = {
  2: { example: 'VRFConsumerV2', reverting: 'VRFV2RevertingExample' },
  2.5: { example: 'VRFV2PlusConsumerExample', reverting: 'VRFV2PlusRevertingExample' },
};
/** More than any coordinator has state variables. */
const STORAGE_SLOTS = 40;
const EXTRA_ARGS_TAG = ethers.id('VRF ExtraArgsV1').slice(0, 10);

export class Vrf {
  constructor(rpc, timeline, contracts) {
    Object.assign(this, { rpc, timeline, contracts, coordinators: {} });
    this.keys = Object.fromEntries(Object.keys(LANES).map((name) => [name, laneKey(name)]));
  }

  call(contract, method, ...args) {
    return this.contracts[contract].abi.encodeFunctionData(method, args);
  }

  own(to, data, options) {
    return this.timeline.send(this.timeline.ownerKey, to, data, options);
  }

  async deploy() {
    const { timeline, contracts } = this;
    await timeline.fund([timeline.ownerKey, NODE_KEY]);
    await this.rpc('anvil_setCode', MULTICALL3, contracts.Multicall3.deployed);
    this.link = timeline.deploy(contracts.LinkToken);
    this.blockhashStore = timeline.deploy(contracts.BlockhashStore);
    this.batchBlockhashStore = timeline.deploy(contracts.BatchBlockhashStore, [this.blockhashStore]);
    this.feed = this.mockFeed(WEI_PER_LINK);
    await timeline.mine();
  }

  mockFeed(answer) {
    return this.timeline.deploy(this.contracts.MockV3Aggregator, [18, answer]);
  }

  /** A coordinator with its own feed, or the shared one. */
  coordinator(name, { version = '2.5', code = version, feed = this.feed, fallback = WEI_PER_LINK, lanes = ['main'] } = {}) {
    const contract = CODE[code];
    const { link, blockhashStore } = this;
    const address = this.timeline.deploy(this.contracts[contract], version === '2' ? [link, blockhashStore, feed] : [blockhashStore]);
    const own = (method, ...args) => this.own(address, this.call(contract, method, ...args));
    if (version === '2') own('setConfig', ...LIMITS, fallback, FEE_TIERS);
    else {
      own('setLINKAndLINKNativeFeed', link, feed);
      own('setConfig', ...LIMITS, fallback, ...PREMIUMS);
    }
    for (const lane of lanes) {
      const { publicKey } = this.keys[lane];
      if (version === '2') own('registerProvingKey', addressOf(NODE_KEY), publicKey);
      else own('registerProvingKey', publicKey, LANES[lane].maxGas);
    }
    this.coordinators[name] = { name, version, contract, address, feed, fallback, lanes };
    return this.coordinators[name];
  }

  // Subscriptions.

  createSubscription(sub) {
    const { coordinator } = sub;
    sub.creation = this.timeline.send(sub.owner, coordinator.address, this.call(coordinator.contract, 'createSubscription'));
  }

  /** After the block of its creation: the id, its money and its consumers. */
  setUpSubscription(sub) {
    const { coordinator, owner } = sub;
    const { abi } = this.contracts[coordinator.contract];
    sub.id = this.event(abi, sub.creation, 'SubscriptionCreated').subId;
    if (sub.link) this.fundLink(sub, sub.link);
    if (sub.native) {
      const data = this.call(coordinator.contract, 'fundSubscriptionWithNative', sub.id);
      this.timeline.send(owner, coordinator.address, data, { value: sub.native });
    }
    for (const request of sub.requests) this.#consumer(sub, request);
  }

  fundLink(sub, amount) {
    const data = ethers.AbiCoder.defaultAbiCoder().encode(['uint256'], [sub.id]);
    this.own(this.link, this.call('LinkToken', 'transferAndCall', sub.coordinator.address, amount, data));
  }

  #consumer(sub, request) {
    const { coordinator, owner } = sub;
    const kind = request.consumerKind;
    if (request.sameConsumer !== undefined) {
      const { consumer, consumerContract } = sub.requests[request.sameConsumer];
      Object.assign(request, { consumer, consumerContract });
      return;
    }
    if (kind !== 'eoa') {
      request.consumerContract = CONSUMERS[coordinator.version][kind];
      request.consumer = this.timeline.deploy(this.contracts[request.consumerContract], [coordinator.address, this.link]);
      // The example of V2.5 keeps the subscription, the others are told with each request.
      if (request.consumerContract === 'VRFV2PlusConsumerExample') {
        this.own(request.consumer, this.call(request.consumerContract, 'setSubId', request.wrongSubscription ?? sub.id));
      }
    } else request.consumer = addressOf(owner);
    if (request.unlisted) return;
    this.timeline.send(owner, coordinator.address, this.call(coordinator.contract, 'addConsumer', sub.id, request.consumer));
  }

  // Requests.

  /** `{ to, data }` that makes the request, to be sent by the owner of the subscription. */
  requestCall(sub, { consumerKind, consumerContract, consumer, lane, confirmations, gas, words, nativePayment, wrongSubscription }) {
    const { keyHash } = this.keys[lane];
    const { coordinator } = sub;
    const id = wrongSubscription ?? sub.id;
    if (consumerKind === 'eoa') {
      const args = coordinator.version === '2' ? [keyHash, id, confirmations, gas, words]
        : [[keyHash, id, confirmations, gas, words, extraArgs(nativePayment)]];
      return { to: coordinator.address, data: this.call(coordinator.contract, 'requestRandomWords', ...args) };
    }
    const data = consumerContract === 'VRFV2PlusConsumerExample'
      ? this.call(consumerContract, 'requestRandomWords', gas, confirmations, words, keyHash, nativePayment)
      : this.call(consumerContract, 'requestRandomness', keyHash, id, confirmations, gas, words);
    return { to: consumer, data };
  }

  request(sub, request) {
    const { to, data } = this.requestCall(sub, request);
    request.tx = this.timeline.send(sub.owner, to, data, { reverts: request.reverts !== undefined });
  }

  /** After its block: what the coordinator logged. */
  requested(sub, request) {
    if (request.reverts !== undefined) return;
    const { abi } = this.contracts[sub.coordinator.contract];
    request.event = this.event(abi, request.tx, 'RandomWordsRequested');
    request.id = request.event.requestId;
  }

  event(abi, tx, name) {
    const logs = tx.receipt.logs.map((log) => abi.parseLog(log));
    return logs.find((log) => log?.name === name).args.toObject();
  }

  /** Makes the commitment of a request that of the same request one block later. */
  async moveCommitment({ id, event, gas, words, consumer, tx }) {
    const { address, version } = this.coordinatorOf(tx);
    const types = ['uint256', 'uint64', 'uint256', 'uint32', 'uint32', 'address'];
    const fields = (block) => [id, block, event.subId, gas, words, consumer];
    const coder = ethers.AbiCoder.defaultAbiCoder();
    const commitment = (block) => ethers.keccak256(
      version === '2' ? coder.encode(types, fields(block)) : coder.encode([...types, 'bytes'], [...fields(block), event.extraArgs]),
    );
    for (let slot = 0; slot < STORAGE_SLOTS; slot += 1) {
      const at = ethers.keccak256(coder.encode(['uint256', 'uint256'], [id, slot]));
      if ((await this.rpc('eth_getStorageAt', address, at, 'latest')) !== commitment(tx.block)) continue;
      await this.rpc('anvil_setStorageAt', address, at, commitment(tx.block + 1));
      return;
    }
    throw new Error(`the commitment of ${id} is in none of the first ${STORAGE_SLOTS} slots`);
  }

  coordinatorOf(tx) {
    const logged = tx.receipt.logs.map((log) => ethers.getAddress(log.address));
    return Object.values(this.coordinators).find(({ address }) => logged.includes(address));
  }

  /** Queues the real fulfilment of a request that is mined. */
  async fulfil(request, { gas, reverts } = {}) {
    const found = await findRequest(this.rpc, this.contracts, request.id);
    const data = await calldata(this.rpc, this.contracts, found);
    const gasLimit = gas ?? fulfilmentGas(found);
    request.fulfilment = this.timeline.send(NODE_KEY, found.coordinator, data, { gasLimit, reverts });
  }
}

const extraArgs = (nativePayment) =>
  ethers.concat([EXTRA_ARGS_TAG, ethers.AbiCoder.defaultAbiCoder().encode(['bool'], [nativePayment])]);

export const ownerOf = (name) => keyOf(`${name}/owner`);
export const link = (amount) => (BigInt(Math.round(amount * 1e6)) * LINK) / 1_000_000n;
