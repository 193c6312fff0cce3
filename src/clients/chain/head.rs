//! The first round trip: which chain is it, what is its newest block, where is its Multicall3.

use std::sync::PoisonError;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use ira_commands::ports::{BlockRef, Head, Network, NoticeKind};
use ira_commands::units::short_hex;
use ira_commands::value::{H160, U256};
use ira_commands::{Fault, Kind};
use tokio::time::{Instant, timeout_at};

use super::multicall::CANONICAL;
use super::node::{Node, Standing};
use super::wire::{self, RpcItem, block_by_number, bytes, number, number64};
use super::{Chain, KnownNetwork};

/// An endpoint further behind the best than this many blocks …
const LAG_BLOCKS: u64 = 3;
/// … and this many seconds lags; blocks of a quarter of a second make many of no time.
const LAG_SECONDS: u64 = 60;
/// What the other endpoints are given at least once enough have answered.
const GRACE: Duration = Duration::from_secs(1);

/// What one endpoint says of itself.
struct Introduced {
    chain_id: u64,
    newest: BlockRef,
    gas_price: Result<U256, Fault>,
    /// Where there is code, of the places that Multicall3 might be at.
    multicalls: Vec<H160>,
}

/// See [`ChainRead::head`](ira_commands::ports::ChainRead::head).
pub(super) async fn head(chain: &Chain) -> Result<Head, Fault> {
    chain.notices.clear();
    for node in &chain.nodes {
        node.learn(|state| state.standing = Standing::Unproven);
    }
    let mut present: Vec<(&Node, Introduced)> = Vec::new();
    let mut absent: Vec<(&Node, Fault)> = Vec::new();
    for (node, answer) in introductions(chain).await {
        match answer {
            Ok(introduced) => present.push((node, introduced)),
            Err(fault) => absent.push((node, fault)),
        }
    }
    let known = network(chain, &mut present, &absent)?;
    *chain.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
    for (node, fault) in &absent {
        chain.notices.add(NoticeKind::Failed, node, fault.one_line());
    }
    let block = pin(chain, &mut present);
    if present.len() > 1 {
        compare(chain, &mut present, block).await;
    }
    if present.len() < chain.quorum {
        let (have, want) = (present.len(), chain.quorum);
        let fault = Fault::new(
            Kind::Unreachable,
            format!("{have} of the {want} endpoints that --quorum asks for answer alike"),
        )
        .hint("give more endpoints (--rpc-url), or a smaller --quorum");
        let notices = chain.notices.all().into_iter();
        return Err(notices.fold(fault, |fault, n| fault.because(format!("{}: {}", n.endpoint, n.message))));
    }
    let place = known.multicall3.unwrap_or(CANONICAL);
    for (node, introduced) in &present {
        node.learn(|state| {
            state.standing = Standing::Good;
            state.multicall = introduced.multicalls.contains(&place).then_some(place);
        });
    }
    let (node, first) = present.swap_remove(0);
    Ok(Head { network: known.network, block, gas_price: first.gas_price.map_err(|fault| node.says(fault)) })
}

/// Asks all endpoints side by side. Once enough have answered, the others are given a moment and no more: one dead
/// endpoint of three must not cost its whole timeout.
async fn introductions(chain: &Chain) -> Vec<(&Node, Result<Introduced, Fault>)> {
    let places = places(chain);
    let places = &places;
    let started = Instant::now();
    let mut running: FuturesUnordered<_> =
        chain.nodes.iter().enumerate().map(|(at, node)| async move { (at, introduce(node, places).await) }).collect();
    let mut answers: Vec<Option<Result<Introduced, Fault>>> = chain.nodes.iter().map(|_| None).collect();
    let (mut good, mut until) = (0, None);
    loop {
        let next = match until {
            Some(until) => timeout_at(until, running.next()).await.unwrap_or(None),
            None => running.next().await,
        };
        let Some((at, answer)) = next else { break };
        good += usize::from(answer.is_ok());
        answers[at] = Some(answer);
        if good >= chain.quorum && until.is_none() {
            until = Some(Instant::now() + GRACE.max(started.elapsed() * 3));
        }
    }
    drop(running);
    let waited = started.elapsed().as_secs_f32();
    let late = || Fault::new(Kind::Timeout, format!("did not answer within {waited:.1} s, when others had"));
    let nodes = chain.nodes.iter().enumerate().zip(answers);
    nodes
        .map(|((at, node), answer)| {
            let answer = answer.unwrap_or_else(|| {
                let items = questions(places);
                let given_up: Vec<_> = items.iter().map(|_| Err(late())).collect();
                if let Some(recorder) = &chain.recorder {
                    recorder.note(at, &items, &given_up);
                }
                Err(late())
            });
            (node, answer)
        })
        .collect()
}

/// Where Multicall3 might be, as far as can be known before the chain is.
fn places(chain: &Chain) -> Vec<H160> {
    let named = |known: &KnownNetwork| known.multicall3.unwrap_or(CANONICAL);
    if let Some(expected) = &chain.expect {
        return vec![named(expected)];
    }
    let mut places = vec![CANONICAL];
    for place in chain.known.iter().map(named) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

fn questions(places: &[H160]) -> Vec<RpcItem> {
    let mut items = vec![
        RpcItem::new("eth_chainId", "[]".to_owned()),
        RpcItem::new("eth_getBlockByNumber", "[\"latest\",false]".to_owned()),
        RpcItem::new("eth_gasPrice", "[]".to_owned()),
    ];
    items.extend(places.iter().map(|at| RpcItem::new("eth_getCode", format!("[\"{at:#x}\",\"latest\"]"))));
    items
}

async fn introduce(node: &Node, places: &[H160]) -> Result<Introduced, Fault> {
    let mut answers = node.wire.exchange(&questions(places), None).await.into_iter();
    let mut next = || answers.next().unwrap_or_else(|| Err(wire::garbled("what it was asked")));
    let chain_id = number64(&next()?)?;
    let newest = wire::block(&next()?)?.ok_or_else(|| Fault::new(Kind::Missing, "has no block at all"))?;
    let gas_price = next().and_then(|raw| number(&raw));
    let mut multicalls = Vec::new();
    for place in places {
        // An endpoint that will not say is one without: the reads then go by themselves.
        if next().and_then(|raw| bytes(&raw)).is_ok_and(|code| !code.is_empty()) {
            multicalls.push(*place);
        }
    }
    Ok(Introduced { chain_id, newest, gas_price, multicalls })
}

/// Which network it is. Endpoints of another are put aside; if none is left, that is the fault.
fn network(
    chain: &Chain,
    present: &mut Vec<(&Node, Introduced)>,
    absent: &[(&Node, Fault)],
) -> Result<KnownNetwork, Fault> {
    let Some((first, introduced)) = present.first() else { return Err(nobody(absent)) };
    let Some(expected) = &chain.expect else {
        let id = introduced.chain_id;
        if let Some((other, theirs)) = present.iter().find(|(_, other)| other.chain_id != id) {
            let what = format!(
                "the endpoints are of two networks: {} is {}, {} is {}",
                first.label,
                chain_name(chain, id),
                other.label,
                chain_name(chain, theirs.chain_id)
            );
            return Err(
                Fault::new(Kind::WrongNetwork, what).hint("give endpoints of one network, and name it with --network")
            );
        }
        let known = chain.known.iter().find(|known| known.network.chain_id == id).cloned();
        return Ok(known.unwrap_or_else(|| KnownNetwork {
            network: Network {
                name: format!("chain-{id}"),
                chain_id: id,
                native: "native".to_owned(),
                ..Network::default()
            },
            multicall3: None,
        }));
    };
    let id = expected.network.chain_id;
    let is = format!("the network is {} (chain {id})", expected.network.name);
    let wrong = present.iter().find(|(_, introduced)| introduced.chain_id != id);
    let fault = wrong.map(|(node, introduced)| {
        let theirs = introduced.chain_id;
        let what = format!("{is}, but {} answers as {}", node.label, chain_name(chain, theirs));
        let fix = format!("fix `networks.{}.rpc`", expected.network.name);
        let known = chain.known.iter().find(|known| known.network.chain_id == theirs);
        Fault::new(Kind::WrongNetwork, what).hint(match known {
            Some(known) => format!("--network {}, or {fix}", known.network.name),
            None => format!("{fix}, or give --rpc-url without --network"),
        })
    });
    present.retain(|(node, introduced)| {
        let right = introduced.chain_id == id;
        if !right {
            let message = format!("is {}, not chain {id}: it is not asked", chain_name(chain, introduced.chain_id));
            chain.notices.add(NoticeKind::Failed, node, message);
        }
        right
    });
    match fault {
        Some(fault) if present.is_empty() => Err(fault),
        _ => Ok(expected.clone()),
    }
}

/// `polygon-mainnet (chain 137)`, or `chain 137`.
fn chain_name(chain: &Chain, id: u64) -> String {
    match chain.known.iter().find(|known| known.network.chain_id == id) {
        Some(known) => format!("{} (chain {id})", known.network.name),
        None => format!("chain {id}"),
    }
}

/// The fault where no endpoint answered.
fn nobody(absent: &[(&Node, Fault)]) -> Fault {
    match absent {
        [] => Fault::new(Kind::Usage, "no RPC endpoint is given"),
        [(node, fault)] => node.says(fault.clone()),
        [(_, first), ..] => {
            let mut fault = Fault::new(first.kind, format!("none of the {} endpoints can be used", absent.len()));
            fault.hint.clone_from(&first.hint);
            absent.iter().fold(fault, |fault, (node, own)| fault.because(node.says(own.clone()).one_line()))
        }
    }
}

/// The newest block that every endpoint has but for those that lag, which are put aside.
fn pin(chain: &Chain, present: &mut Vec<(&Node, Introduced)>) -> BlockRef {
    let best = present.iter().map(|(_, introduced)| introduced.newest).max_by_key(|block| block.number);
    let best = best.unwrap_or_default();
    present.retain(|(node, Introduced { newest, .. })| {
        let blocks = best.number.saturating_sub(newest.number);
        let seconds = best.timestamp.saturating_sub(newest.timestamp);
        let lags = blocks > LAG_BLOCKS && seconds > LAG_SECONDS;
        if lags {
            chain.notices.add(
                NoticeKind::Lags,
                node,
                format!("is {blocks} blocks ({seconds} s) behind block {}", best.number),
            );
        }
        !lags
    });
    let pinned = present.iter().map(|(_, introduced)| introduced.newest).min_by_key(|block| block.number);
    let pinned = pinned.unwrap_or_default();
    // What is already known of other forks; the others show theirs when they are asked.
    present.retain(|(node, Introduced { newest, .. })| {
        let same = newest.number != pinned.number || newest.hash == pinned.hash;
        if !same {
            fork(chain, node, newest, &pinned);
        }
        same
    });
    pinned
}

fn fork(chain: &Chain, node: &Node, theirs: &BlockRef, pinned: &BlockRef) {
    let (has, not) = (short_hex(theirs.hash.as_bytes()), short_hex(pinned.hash.as_bytes()));
    chain.notices.add(NoticeKind::Fork, node, format!("has block {} as {has}, not as {not}", pinned.number));
}

/// Asks all for the pinned height, and puts those aside that have another block there, or none.
async fn compare(chain: &Chain, present: &mut Vec<(&Node, Introduced)>, pinned: BlockRef) {
    let question = [block_by_number(pinned.number)];
    let asked = present.iter().map(|(node, _)| node.wire.exchange(&question, None));
    let mut answers = futures::future::join_all(asked).await.into_iter();
    present.retain(|(node, _)| {
        let answer = answers.next().and_then(|mut answers| answers.pop());
        match answer.map(|answer| answer.and_then(|raw| wire::block(&raw))) {
            Some(Ok(Some(theirs))) if theirs.hash == pinned.hash => return true,
            Some(Ok(Some(theirs))) => fork(chain, node, &theirs, &pinned),
            Some(Ok(None)) | None => {
                chain.notices.add(NoticeKind::Lags, node, format!("{} block {}", wire::LACKS, pinned.number));
            }
            Some(Err(fault)) => chain.notices.add(NoticeKind::Failed, node, fault.one_line()),
        }
        false
    });
}
