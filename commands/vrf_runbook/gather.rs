//! What is read, in stages over all requests at once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join;

use crate::Context;
use crate::fault::{Fault, Kind};
use crate::ports::{BlockRef, Call, ChainRead, Head, Input, Interface, Log, LogFilter, Read, TxRequest};
use crate::sheet::{Batch, Sheet};
use crate::value::{H160, H256, U256, Value};

use super::Args;
use super::decode;
use super::facts::{Coordinator, Known, Request, Scene, Sender, Subscription, Version};
use super::nodes::{self, NodeFacts};
use super::scope::Scope;
use super::search;

/// How many of those who sent fulfilments are looked at.
const SENDERS: usize = 8;
/// How many fulfilments are looked up to find them.
const FULFILMENTS: usize = 16;

/// All that was read.
pub struct Gathered {
    /// What the requests share.
    pub scene: Scene,
    /// The subscriptions that they belong to, and the one that was asked for.
    pub subscriptions: Vec<Subscription>,
    /// The requests in scope, oldest first.
    pub requests: Vec<Request>,
    /// The other ones of their subscriptions, of which what they cost counts: they wait in the same queues.
    pub others: Vec<Request>,
    /// What came of the transaction that was asked for.
    pub transaction: Option<Transaction>,
    /// Whether a person named the coordinator, or the configuration lists it. One that an alert or a transaction led to may
    /// be anybody's, and say what it likes of its subscriptions: nothing is written for its word.
    pub trusted: bool,
}

/// A transaction that was to make a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its hash.
    pub hash: H256,
    /// The block it is in.
    pub block: u64,
    /// Whether it succeeded.
    pub success: bool,
    /// Why it reverts when it is tried again at the pinned block; `None` where it would go through now.
    pub reverts: Known<Option<Fault>>,
}

/// Reads everything about what `scope` asks for.
pub async fn gather(args: &Args, context: &Context, head: Head, scope: &Scope) -> Result<Gathered, Fault> {
    let chain = context.chain()?;
    let progress = context.progress();
    let block = head.block;
    let from = block.number.saturating_sub(args.lookback.unwrap_or_else(|| head.network.day_of_blocks()));

    progress.stage("finding the coordinator");
    let (found, mined) = locate(chain, &head, scope, from).await?;
    let (coordinator, sequencer) = coordinator(chain, &head, found).await?;

    progress.stage("reading requests");
    let (logs, fulfilments) = events(chain, &block, &coordinator, scope, from, mined.map(|(_, at)| at)).await?;
    let read: Vec<Request> = logs.iter().filter_map(|log| decode::request(log).ok()).collect();
    let wanted: BTreeSet<U256> = read.iter().filter(|one| scope.wants(one)).map(|one| one.subscription).collect();
    let mut requests: Vec<Request> = read.into_iter().filter(|one| wanted.contains(&one.subscription)).collect();
    if scope.tx.is_some() && !wanted.is_empty() {
        beside(chain, &block, &coordinator, &wanted, from, &mut requests).await?;
    }
    requests.iter_mut().enumerate().for_each(|(place, request)| request.place = place);

    let chain_id = head.network.chain_id;
    progress.stage(match context.nodes() {
        [] => "reading commitments, subscriptions and lanes",
        _ => "reading commitments, subscriptions and lanes, and asking the nodes",
    });
    let migrations = decode::migrations(&fulfilments);
    let details = details(chain, &block, &coordinator, scope, &mut requests, &fulfilments, &migrations);
    let (details, mut nodes) = join(details, nodes::survey(context, chain_id)).await;
    let (seen, subscriptions) = details?;
    let oldest = requests.iter().filter_map(|request| request.at.as_ref().ok()).min();
    let since = oldest.copied().unwrap_or(block.timestamp);
    let accounts = accounts(scope, &nodes, coordinator.address, seen);
    let (senders, ()) = join(
        senders(chain, &block, accounts),
        nodes::add_runs(context, chain_id, &mut nodes, coordinator.address, since),
    )
    .await;
    let senders = senders?;
    let attempts = nodes::attempts(chain, &block, &nodes, &requests).await;
    let transaction = match (scope.tx, mined) {
        (Some(hash), Some((success, mined))) => {
            let reverts = if success { Ok(None) } else { tried_again(chain, &block, hash).await };
            Some(Transaction { hash, block: mined, success, reverts })
        }
        _ => None,
    };
    let (requests, others) = requests.into_iter().partition(|request| scope.wants(request));
    let trusted = args.coordinator.is_some() || head.network.vrf.coordinators.contains(&coordinator.address);
    Ok(Gathered {
        trusted,
        scene: Scene {
            network: head.network,
            block,
            gas_price: head.gas_price,
            from,
            sequencer,
            coordinator,
            senders,
            nodes,
            attempts,
        },
        subscriptions,
        requests,
        others,
        transaction,
    })
}

/// Adds the other requests of these subscriptions: of a transaction's block alone those in it were read.
async fn beside(
    chain: &dyn ChainRead,
    block: &BlockRef,
    coordinator: &Coordinator,
    subscriptions: &BTreeSet<U256>,
    from: u64,
    requests: &mut Vec<Request>,
) -> Result<(), Fault> {
    let filter = |id: &U256| LogFilter {
        addresses: vec![coordinator.address],
        events: vec![(decode::interface(coordinator.version), "RandomWordsRequested")],
        indexed: vec![None, Some(word(*id))],
        from,
        to: block.number,
    };
    for logs in chain.logs(block, subscriptions.iter().map(filter).collect()).await {
        let logs = logs.map_err(|fault| fault.wrap("the subscription's other requests cannot be read"))?;
        for other in logs.iter().filter_map(|log| decode::request(log).ok()) {
            if requests.iter().all(|one| one.id != other.id) {
                requests.push(other);
            }
        }
    }
    requests.sort_by_key(|one| one.block);
    Ok(())
}

/// The coordinator's address: as given, else the contract among those that the transaction's events come from which
/// answers as one, else the network's that knows the id. With it whether that transaction succeeded, and its block.
async fn locate(
    chain: &dyn ChainRead,
    head: &Head,
    scope: &Scope,
    from: u64,
) -> Result<(H160, Option<(bool, u64)>), Fault> {
    let block = &head.block;
    let Some(tx) = scope.tx else {
        let address = match scope.coordinator {
            Some(address) => address,
            None => search::coordinator(chain, block, &head.network, scope, from).await?,
        };
        return Ok((address, None));
    };
    let mut answers = chain.snapshot(block, vec![Read::Mined(tx)]).await;
    let receipt = answers.pop().unwrap_or_else(|| Err(Fault::new(Kind::Failed, "the receipt was not read")))?;
    let (success, mined) = (receipt.at(0)?.bool()?, receipt.at(1)?.u64()?);
    if let Some(address) = scope.coordinator {
        return Ok((address, Some((success, mined))));
    }
    let emitters: BTreeSet<H160> = receipt.at(3)?.list()?.iter().map(Value::address).collect::<Result<_, _>>()?;
    let asked: Vec<Read> = emitters
        .iter()
        .map(|to| Read::Call {
            to: *to,
            call: Call { interface: Interface::VrfV25, function: "BLOCKHASH_STORE", args: Vec::new() },
        })
        .collect();
    let answers = chain.snapshot(block, asked).await;
    let found = emitters.into_iter().zip(answers).find(|(_, answer)| answer.is_ok()).map(|(address, _)| address);
    match found {
        Some(address) => Ok((address, Some((success, mined)))),
        None => Err(Fault::new(Kind::Missing, "the transaction shows no VRF coordinator")
            .because(if success {
                "none of the contracts with events in it is one"
            } else {
                "it reverted, so it has no events"
            })
            .hint("name the coordinator too: --coordinator ADDRESS")),
    }
}

/// Why a transaction that reverted would revert now: the state of its own block is rarely to be had.
async fn tried_again(chain: &dyn ChainRead, block: &BlockRef, tx: H256) -> Known<Option<Fault>> {
    let unread = || Err(Fault::new(Kind::Failed, "the transaction was not read"));
    let made = chain.snapshot(block, vec![Read::Transaction(tx)]).await.pop().unwrap_or_else(unread)?;
    let (from, to) = (made.at(0)?.address()?, made.at(2)?.address()?);
    let again = Read::Trial { from, to, value: made.at(3)?.uint()?, data: made.at(4)?.bytes()?.to_vec() };
    match chain.snapshot(block, vec![again]).await.pop().unwrap_or_else(unread) {
        Ok(_) => Ok(None),
        Err(fault) if fault.kind == Kind::Reverted => Ok(Some(fault)),
        Err(fault) => Err(fault),
    }
}

/// The coordinator; and, asked beside its price feed, whether the network's sequencer is down and since when.
async fn coordinator(
    chain: &dyn ChainRead,
    head: &Head,
    address: H160,
) -> Result<(Coordinator, Option<Known<(bool, u64)>>), Fault> {
    let block = &head.block;
    let mut sheets = [Sheet::default()];
    let mut batch = Batch::default();
    batch.call(0, address, Interface::VrfV2, "typeAndVersion");
    for function in ["getConfig", "getFeeConfig", "getFallbackWeiPerUnitLink", "getRequestConfig", "LINK_ETH_FEED"] {
        batch.call(0, address, Interface::VrfV2, function);
    }
    for function in ["s_config", "s_fallbackWeiPerUnitLink", "LINK_NATIVE_FEED", "BLOCKHASH_STORE"] {
        batch.call(0, address, Interface::VrfV25, function);
    }
    batch.run(chain, block, &mut sheets).await?;
    let mut coordinator = decode::coordinator(address, &sheets[0])?;
    let mut batch = Batch::default();
    if let Ok(feed) = &coordinator.feed {
        batch.call_as(0, ("price", 0), *feed, Interface::Proxy, "latestRoundData", Vec::new());
    }
    if let Some(feed) = head.network.sequencer {
        batch.call_as(0, ("sequencer", 0), feed, Interface::Proxy, "latestRoundData", Vec::new());
    }
    batch.run(chain, block, &mut sheets).await?;
    if let Some(price) = sheets[0].asked("price", 0) {
        coordinator.price = price.and_then(decode::price);
    }
    let sequencer = sheets[0].asked("sequencer", 0).map(|round| round.and_then(decode::sequencer));
    Ok((coordinator, sequencer))
}

/// The requests in scope, and everything else that happened to requests and subscriptions in the lookback.
async fn events(
    chain: &dyn ChainRead,
    block: &BlockRef,
    coordinator: &Coordinator,
    scope: &Scope,
    from: u64,
    mined: Option<u64>,
) -> Result<(Vec<Log>, Vec<Log>), Fault> {
    let interface = decode::interface(coordinator.version);
    let addresses = vec![coordinator.address];
    // The request's id is not indexed in its event; the subscription is.
    let indexed = scope.subscription.map_or_else(Vec::new, |id| vec![None, Some(word(id))]);
    let (first, last) = mined.map_or((from, block.number), |mined| (mined, mined));
    let requested = LogFilter {
        addresses: addresses.clone(),
        events: vec![(interface, "RandomWordsRequested")],
        indexed,
        from: first,
        to: last,
    };
    let mut events = vec![(interface, "RandomWordsFulfilled")];
    if coordinator.version == Version::V25 {
        events.push((interface, "MigrationCompleted"));
    }
    let since = LogFilter { addresses, events, indexed: Vec::new(), from: first.min(from), to: block.number };
    let mut answers = chain.logs(block, vec![requested, since]).await.into_iter();
    let mut next = || answers.next().unwrap_or_else(|| Err(Fault::new(Kind::Failed, "the events were not read")));
    let requested = next().map_err(|fault| fault.wrap("the coordinator's requests cannot be read"))?;
    Ok((requested, next().map_err(|fault| fault.wrap("the coordinator's fulfilments cannot be read"))?))
}

/// An integer as a topic.
pub fn word(value: U256) -> H256 {
    let mut bytes = [0; 32];
    value.to_big_endian(&mut bytes);
    H256(bytes)
}

/// The accounts whose balance and transactions matter: those that are named; else those of the nodes' jobs; else, and where
/// a node could not say, whoever fulfilled something of late.
fn accounts(scope: &Scope, nodes: &[NodeFacts], coordinator: H160, seen: BTreeSet<H160>) -> Vec<H160> {
    if !scope.senders.is_empty() {
        return scope.senders.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    }
    let named = nodes.iter().flat_map(|node| node.jobs_of("vrf", coordinator)).flat_map(|job| job.from.iter().copied());
    let mut accounts: BTreeSet<H160> = named.collect();
    if accounts.is_empty() || nodes.iter().any(|node| node.jobs.is_err()) {
        accounts.extend(seen);
    }
    accounts.into_iter().collect()
}

/// What hangs on each request; who sent fulfilments of late; the subscriptions.
async fn details(
    chain: &dyn ChainRead,
    block: &BlockRef,
    coordinator: &Coordinator,
    scope: &Scope,
    requests: &mut [Request],
    fulfilments: &[Log],
    migrations: &BTreeMap<U256, H160>,
) -> Result<(BTreeSet<H160>, Vec<Subscription>), Fault> {
    let interface = decode::interface(coordinator.version);
    let v25 = coordinator.version == Version::V25;
    let ids: BTreeSet<U256> = requests.iter().map(|request| request.subscription).chain(scope.subscription).collect();
    let ids: Vec<U256> = ids.into_iter().collect();
    let recent: Vec<H256> = decode::fulfilment_transactions(fulfilments, FULFILMENTS);
    let shared = requests.len();
    let mut sheets: Vec<Sheet> = std::iter::repeat_with(Sheet::default).take(shared + 1).collect();
    let mut batch = Batch::default();
    for (at, request) in requests.iter().enumerate() {
        let commitment = if v25 { "s_requestCommitments" } else { "getCommitment" };
        let id = vec![Value::Uint(request.id)];
        batch.call_as(at, ("commitment", 0), coordinator.address, interface, commitment, id);
        if v25 {
            let key = vec![Value::Bytes(request.key_hash.as_bytes().to_vec())];
            batch.call_as(at, ("lane", 0), coordinator.address, interface, "s_provingKeys", key);
        }
        batch.ask(at, ("code", 0), Read::Code(request.sender));
        batch.ask(at, ("time", 0), Read::BlockTime(request.block));
        let input = Input::Raw(decode::callback(request));
        let callback = TxRequest { to: Some(request.sender), input, value: U256::zero() };
        batch.ask(at, ("callback", 0), Read::Gas(coordinator.address, Box::new(callback)));
        if let Ok(store) = &coordinator.blockhash_store {
            let number = vec![Value::Uint(U256::from(request.block))];
            batch.call_as(at, ("stored", 0), *store, Interface::BlockhashStore, "getBlockhash", number);
        }
    }
    for (index, id) in ids.iter().enumerate() {
        let id = vec![Value::Uint(*id)];
        batch.call_as(shared, ("subscription", index), coordinator.address, interface, "getSubscription", id);
    }
    for (index, tx) in recent.iter().enumerate() {
        batch.ask(shared, ("fulfilment", index), Read::Mined(*tx));
    }
    batch.run(chain, block, &mut sheets).await?;
    for (at, request) in requests.iter_mut().enumerate() {
        decode::fill(request, &sheets[at], coordinator, fulfilments);
    }
    let subscriptions = ids
        .iter()
        .enumerate()
        .map(|(index, id)| Subscription {
            id: *id,
            state: decode::subscription(sheets[shared].item("subscription", index), coordinator.version),
            migrated_to: migrations.get(id).copied(),
        })
        .collect();
    let seen =
        (0..recent.len()).filter_map(|at| sheets[shared].item("fulfilment", at).ok()?.at(2).ok()?.address().ok());
    Ok((seen.take(SENDERS).collect(), subscriptions))
}

/// What is known of accounts that send transactions.
pub async fn senders(chain: &dyn ChainRead, block: &BlockRef, accounts: Vec<H160>) -> Result<Vec<Sender>, Fault> {
    let mut sheets: Vec<Sheet> = accounts.iter().map(|_| Sheet::default()).collect();
    let mut batch = Batch::default();
    for (at, account) in accounts.iter().enumerate() {
        batch.ask(at, ("balance", 0), Read::Balance(*account));
        batch.ask(at, ("nonce", 0), Read::Nonce(*account));
        batch.ask(at, ("pending", 0), Read::PendingNonce(*account));
    }
    // Asked by itself: an endpoint that does not show its pool may refuse all that stands beside the question.
    let pools = chain.snapshot(block, accounts.iter().copied().map(Read::Pooled).collect());
    let (run, pools) = futures_util::future::join(batch.run(chain, block, &mut sheets), pools).await;
    run?;
    let pooled = |answer: Result<Value, Fault>| answer?.list()?.iter().map(decode::pooled).collect();
    let sender = |((account, sheet), pool): ((H160, Sheet), Result<Value, Fault>)| Sender {
        account,
        balance: sheet.get("balance").and_then(Value::uint),
        nonce: sheet.get("nonce").and_then(Value::u64),
        pending_nonce: sheet.get("pending").and_then(Value::u64),
        pooled: pooled(pool),
    };
    Ok(accounts.into_iter().zip(sheets).zip(pools).map(sender).collect())
}
