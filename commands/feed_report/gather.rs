//! What is read, in four stages: each stage is one snapshot over all feeds, so that the number of round trips
//! does not grow with the number of feeds.

use std::collections::BTreeMap;

use crate::Context;
use crate::fault::{Fault, Kind};
use crate::ports::{BlockRef, ChainRead, Head, Interface, Log, LogFilter, Read};
use crate::units::{self, scaled};
use crate::value::{H160, U256, Value};

use super::Args;
use super::decode;
use super::events::{self, Readings};
use super::facts::{Facts, Known, Reference, Round, Scene};
use super::target::{Compared, Target};
use crate::sheet::{self, Batch, Filed, Sheet};

/// How many rounds before the last are read by call; they show deviation even where logs cannot be read.
const PREVIOUS_ROUNDS: usize = 8;

/// Events that tell of rounds and configurations.
const EVENTS: [(Interface, &str); 5] = [
    (Interface::Ocr1, "NewTransmission"),
    (Interface::Ocr2, "NewTransmission"),
    (Interface::Proxy, "AnswerUpdated"),
    (Interface::Ocr1, "ConfigSet"),
    (Interface::Ocr2, "ConfigSet"),
];

/// Round trips of a report: the newest block, proxies, aggregators, oracles beside rounds, the cost of a transmission.
const ROUND_TRIPS: usize = 5;

/// Where one feed is being read.
struct Feed {
    target: Target,
    proxy: Option<H160>,
    aggregator: H160,
    /// Whether the address asked is a proxy could be told.
    located: Known<()>,
    oracles: Known<Vec<H160>>,
}

/// What became of one target: its facts, or why it could not be read at all.
pub type Gathered = Result<Facts, Fault>;

/// Reads everything about `targets`, in order, at one block. `reference` is the parsed `--reference`.
pub async fn gather(
    args: &Args,
    context: &Context,
    head: Head,
    targets: Vec<Target>,
    reference: Option<Compared>,
) -> Result<(Scene, Vec<Gathered>), Fault> {
    let chain = context.chain()?;
    let count = targets.len();
    // The newest block was the first round trip; a bar over all of them, whatever the number of feeds.
    let stage = |done: usize, what: &str| {
        let of = if count == 1 { String::new() } else { format!(" of {count} feeds") };
        context.progress().stage(&format!("reading {what}{of}"));
        context.progress().advance(done, ROUND_TRIPS);
    };
    let block = head.block;
    // Sheet `shared` holds what belongs to no feed: the sequencer and the reference.
    let shared = targets.len();
    let mut sheets: Vec<Sheet> = std::iter::repeat_with(Sheet::default).take(shared + 1).collect();

    stage(1, "proxies");
    first_stage(&targets, &head, reference.as_ref(), chain, &mut sheets).await?;
    let mut feeds: Vec<Feed> =
        targets.into_iter().enumerate().map(|(at, target)| locate(target, &sheets[at])).collect();

    stage(2, "aggregators");
    second_stage(&feeds, chain, &block, &mut sheets).await?;
    for (at, feed) in feeds.iter_mut().enumerate() {
        feed.oracles = decode::oracle_accounts(&sheets[at]);
    }

    stage(3, "oracles and rounds");
    let window_from = block.number.saturating_sub(args.window.unwrap_or_else(|| head.network.day_of_blocks()));
    let (logs, accounts) = futures_util::future::join(
        fetch_logs(&feeds, &sheets, chain, &block, window_from),
        third_stage(&feeds, chain, &block, &sheets),
    )
    .await;
    let (window, configs) = logs?;
    let window = events::by_contract(window);
    sheet::file(accounts?, &mut sheets);

    let mut readings: Vec<Readings> = Vec::with_capacity(feeds.len());
    for (at, feed) in feeds.iter().enumerate() {
        readings.push(Readings::new(feed.aggregator, &window, configs[at].as_ref()));
    }
    stage(4, "what transmissions cost");
    fourth_stage(&readings, chain, &block, &mut sheets).await?;

    let scene = Scene {
        gas_price: head.gas_price.clone(),
        block,
        now: context.now(),
        window_from,
        sequencer: head.network.sequencer.map(|_| sheets[shared].get("sequencer").and_then(decode::round)),
        reference: reference.map(|input| reference_value(input, &sheets[shared], &block)),
        endpoints: chain.endpoints(),
        notices: chain.notices(),
        network: head.network,
    };
    let gathered = feeds
        .into_iter()
        .zip(readings)
        .enumerate()
        .map(|(at, (feed, reading))| {
            feed.located?;
            let oracles = feed.oracles.as_deref().map_err(Clone::clone);
            let mut facts = decode::facts(feed.target, feed.proxy, feed.aggregator, oracles, &sheets[at], reading)?;
            facts.heartbeat = args.heartbeat.or(facts.heartbeat);
            facts.threshold = args.threshold.or(facts.threshold);
            Ok(facts)
        })
        .collect();
    Ok((scene, gathered))
}

async fn first_stage(
    targets: &[Target],
    head: &Head,
    reference: Option<&Compared>,
    chain: &dyn ChainRead,
    sheets: &mut [Sheet],
) -> Result<(), Fault> {
    let shared = targets.len();
    let mut batch = Batch::default();
    for (at, target) in targets.iter().enumerate() {
        for function in [
            "description",
            "decimals",
            "aggregator",
            "phaseId",
            "proposedAggregator",
            "accessController",
            "latestRoundData",
        ] {
            batch.call(at, target.address, Interface::Proxy, function);
        }
    }
    if let Some(sequencer) = head.network.sequencer {
        batch.call_as(shared, ("sequencer", 0), sequencer, Interface::Proxy, "latestRoundData", Vec::new());
    }
    if let Some(Compared::Feed(feed)) = reference {
        batch.call_as(shared, ("reference", 0), feed.address, Interface::Proxy, "latestRoundData", Vec::new());
        batch.call_as(shared, ("reference decimals", 0), feed.address, Interface::Proxy, "decimals", Vec::new());
    }
    batch.run(chain, &head.block, sheets).await
}

/// A contract that names an aggregator is a proxy; anything else is asked as an aggregator itself.
fn locate(target: Target, sheet: &Sheet) -> Feed {
    let address = target.address;
    let (aggregator, located) = match sheet.get("aggregator").and_then(Value::address) {
        Ok(aggregator) => (Some(aggregator).filter(|address| !address.is_zero()), Ok(())),
        Err(fault) if fault.is_absence() => (None, Ok(())),
        // A proxy read as an aggregator would pass for a feed that most checks do not apply to.
        Err(fault) => {
            let what = format!("cannot read the feed at {}", units::address(address));
            (None, Err(decode::unavailable(fault).wrap(what)))
        }
    };
    Feed {
        target,
        proxy: aggregator.map(|_| address),
        aggregator: aggregator.unwrap_or(address),
        located,
        oracles: Ok(Vec::new()),
    }
}

async fn second_stage(
    feeds: &[Feed],
    chain: &dyn ChainRead,
    block: &BlockRef,
    sheets: &mut [Sheet],
) -> Result<(), Fault> {
    let mut batch = Batch::default();
    for (at, feed) in feeds.iter().enumerate() {
        let to = feed.aggregator;
        // `latestConfigDetails` and `getBilling` have one selector on OCR1 and OCR2; what differs is told apart later.
        for (interface, function) in [
            (Interface::Ocr2, "typeAndVersion"),
            (Interface::Ocr2, "latestConfigDetails"),
            (Interface::Ocr2, "getTransmitters"),
            (Interface::Ocr1, "transmitters"),
            (Interface::Ocr2, "minAnswer"),
            (Interface::Ocr2, "maxAnswer"),
            (Interface::Ocr1, "getBilling"),
            (Interface::Ocr2, "linkAvailableForPayment"),
            (Interface::Ocr2, "checkEnabled"),
            (Interface::Flux, "getOracles"),
            (Interface::Flux, "availableFunds"),
            (Interface::Flux, "paymentAmount"),
            (Interface::Flux, "minSubmissionValue"),
            (Interface::Flux, "maxSubmissionValue"),
        ] {
            batch.call(at, to, interface, function);
        }
        if let Some(proxy) = feed.proxy {
            let who = vec![Value::Address(proxy), Value::Bytes(Vec::new())];
            batch.call_as(at, ("hasAccess", 0), to, Interface::Ocr2, "hasAccess", who);
            batch.call_as(at, ("own round", 0), to, Interface::Proxy, "latestRoundData", Vec::new());
        }
        ask_rounds(&mut batch, at, feed, &sheets[at]);
        ask_phases(&mut batch, at, feed, &sheets[at]);
    }
    batch.run(chain, block, sheets).await
}

/// The rounds just before the last one.
fn ask_rounds(batch: &mut Batch, at: usize, feed: &Feed, sheet: &Sheet) {
    let asked = feed.proxy.unwrap_or(feed.aggregator);
    let Ok(round) = sheet.get("latestRoundData").and_then(decode::round) else { return };
    // A phase's rounds begin at 1; the one before the first belongs to another aggregator.
    let back = usize::try_from(round.number().saturating_sub(1)).unwrap_or(PREVIOUS_ROUNDS).min(PREVIOUS_ROUNDS);
    for index in 0..back {
        let id = round.id - U256::from(index + 1);
        batch.call_as(at, ("round", index), asked, Interface::Proxy, "getRoundData", vec![Value::Uint(id)]);
    }
}

/// The aggregator before this one and the one proposed.
fn ask_phases(batch: &mut Batch, at: usize, feed: &Feed, sheet: &Sheet) {
    let Some(proxy) = feed.proxy else { return };
    if let Ok(phase) = sheet.get("phaseId").and_then(Value::u64)
        && phase > 1
    {
        let before = vec![Value::Uint(U256::from(phase - 1))];
        batch.call_as(at, ("old aggregator", 0), proxy, Interface::Proxy, "phaseAggregators", before);
        let first = (U256::from(phase) << 64) | U256::one();
        batch.call_as(at, ("first round", 0), proxy, Interface::Proxy, "getRoundData", vec![Value::Uint(first)]);
    }
    if sheet.get("proposedAggregator").and_then(Value::address).is_ok_and(|address| !address.is_zero()) {
        batch.call(at, proxy, Interface::Proxy, "proposedLatestRoundData");
    }
}

/// Accounts of the oracles, and what else hangs on the second stage.
async fn third_stage(
    feeds: &[Feed],
    chain: &dyn ChainRead,
    block: &BlockRef,
    sheets: &[Sheet],
) -> Result<Vec<Filed>, Fault> {
    let mut batch = Batch::default();
    for (at, feed) in feeds.iter().enumerate() {
        let sheet = &sheets[at];
        let ocr1 = sheet.get("getTransmitters").is_err() && sheet.get("transmitters").is_ok();
        for (index, account) in feed.oracles.iter().flatten().enumerate() {
            batch.ask(at, ("balance", index), Read::Balance(*account));
            batch.ask(at, ("nonce", index), Read::Nonce(*account));
            batch.ask(at, ("pending", index), Read::PendingNonce(*account));
            if ocr1 {
                let who = vec![Value::Address(*account)];
                let key = ("unpaid", index);
                batch.call_as(at, key, feed.aggregator, Interface::Ocr1, "oracleObservationCount", who);
            }
        }
        if let Ok(set_in) = decode::config_block(sheet) {
            batch.ask(at, ("config time", 0), Read::BlockTime(set_in));
        }
        if let Ok(old) = sheet.get("old aggregator").and_then(Value::address) {
            batch.call_as(at, ("old round", 0), old, Interface::Proxy, "latestRoundData", Vec::new());
        }
        // Nothing answered as a feed: the code tells an empty account from a contract of another kind.
        if sheet.get("latestRoundData").is_err() && sheet.get("typeAndVersion").is_err() {
            batch.ask(at, ("code", 0), Read::Code(feed.target.address));
        }
    }
    batch.answers(chain, block).await
}

/// The window's events of all feeds, and each feed's `ConfigSet` where that lies before the window.
async fn fetch_logs(
    feeds: &[Feed],
    sheets: &[Sheet],
    chain: &dyn ChainRead,
    block: &BlockRef,
    from: u64,
) -> Result<(Known<Vec<Log>>, Vec<Option<Known<Vec<Log>>>>), Fault> {
    let mut addresses: Vec<H160> = feeds.iter().map(|feed| feed.aggregator).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let mut filters =
        vec![LogFilter { addresses, events: EVENTS.to_vec(), indexed: Vec::new(), from, to: block.number }];
    // Feeds that were configured in one block are asked about together.
    let mut older: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (at, sheet) in sheets.iter().enumerate().take(feeds.len()) {
        if let Ok(set_in) = decode::config_block(sheet)
            && set_in < from
        {
            older.entry(set_in).or_default().push(at);
        }
    }
    for (set_in, owners) in &older {
        let events = vec![(Interface::Ocr1, "ConfigSet"), (Interface::Ocr2, "ConfigSet")];
        let addresses = owners.iter().map(|at| feeds[*at].aggregator).collect();
        filters.push(LogFilter { addresses, events, indexed: Vec::new(), from: *set_in, to: *set_in });
    }
    let mut answers = chain.logs(block, filters).await.into_iter();
    let unread = || Fault::new(Kind::Failed, "the events were not read");
    let window = answers.next().unwrap_or_else(|| Err(unread()));
    let mut configs: Vec<Option<Known<Vec<Log>>>> = feeds.iter().map(|_| None).collect();
    for (owners, answer) in older.into_values().zip(answers) {
        for at in owners {
            configs[at] = Some(answer.clone());
        }
    }
    for answer in std::iter::once(&window).chain(configs.iter().flatten()) {
        if let Err(fault) = answer
            && fault.kind == Kind::Reorged
        {
            return Err(fault.clone());
        }
    }
    Ok((window, configs))
}

/// The gas that each feed's newest transmission really used.
async fn fourth_stage(
    readings: &[Readings],
    chain: &dyn ChainRead,
    block: &BlockRef,
    sheets: &mut [Sheet],
) -> Result<(), Fault> {
    let mut batch = Batch::default();
    for (at, reading) in readings.iter().enumerate() {
        if let Some(tx) = reading.newest_transmission() {
            batch.ask(at, ("gas used", 0), Read::GasUsed(tx));
        }
    }
    batch.run(chain, block, sheets).await
}

fn reference_value(input: Compared, shared: &Sheet, block: &BlockRef) -> Known<Reference> {
    match input {
        Compared::Price(price) => Ok(Reference {
            label: scaled(price.value, price.decimals),
            value: decode::unscaled(price.value, price.decimals),
            age: None,
        }),
        Compared::Feed(feed) => {
            let round: Round = shared.get("reference").and_then(decode::round)?;
            let decimals = shared.get("reference decimals").and_then(Value::u64)?;
            Ok(Reference {
                label: feed.input,
                value: decode::unscaled(round.answer, decimals),
                age: Some(block.timestamp.saturating_sub(round.updated_at)),
            })
        }
    }
}
