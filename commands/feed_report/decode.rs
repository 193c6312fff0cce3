//! From answers and events to facts. Undecodable is unknown, with the reason.

use std::collections::HashMap;

use crate::fault::{Fault, Kind};
use crate::ports::{Interface, Log};
use crate::text::excerpt;
use crate::value::{H160, H256, I256, Value};

use super::facts::{
    Access, Billing, Config, ConfigEvent, Facts, FeedKind, FluxFunds, Known, OldPhase, Oracle, Proposed, Round,
    Transmission,
};
use super::sheet::Sheet;
use super::target::Target;

/// The most oracles of any aggregator: an observer's index is one byte (the contracts allow 31, Flux 77).
const MOST_ORACLES: usize = 256;
/// Longest text of a contract that is kept, characters.
const LONGEST: usize = 200;

/// `(roundId, answer, startedAt, updatedAt, answeredInRound)`.
pub fn round(value: &Value) -> Known<Round> {
    Ok(Round {
        id: value.at(0)?.uint()?,
        answer: value.at(1)?.int()?,
        started_at: value.at(2)?.u64()?,
        updated_at: value.at(3)?.u64()?,
    })
}

/// An answer as a float, for ratios only.
pub fn unscaled(answer: I256, decimals: u64) -> f64 {
    answer.to_f64() / 10f64.powi(i32::try_from(decimals).unwrap_or(i32::MAX))
}

/// The block that the configuration in force was set in.
pub fn config_block(sheet: &Sheet) -> Known<u64> {
    sheet.get("latestConfigDetails")?.at(1)?.u64()
}

/// The oracles' accounts, by index, whatever the kind of aggregator.
pub fn oracle_accounts(sheet: &Sheet) -> Known<Vec<H160>> {
    let named = match kind(sheet)? {
        FeedKind::Ocr2 => sheet.get("getTransmitters")?.list()?,
        FeedKind::Ocr1 => sheet.get("transmitters")?.list()?,
        FeedKind::Flux => sheet.get("getOracles")?.list()?,
        FeedKind::Other | FeedKind::Unread => return Ok(Vec::new()),
    };
    match named.len() {
        0 => Err(Fault::new(Kind::Missing, "the aggregator names no oracles")),
        count if count > MOST_ORACLES => {
            Err(Fault::new(Kind::Missing, format!("the aggregator names {count} oracles, more than there can be")))
        }
        _ => named.iter().map(Value::address).collect(),
    }
}

/// What the aggregator is, by the getter of its oracles; a fault where one went unanswered that would have told.
fn kind(sheet: &Sheet) -> Known<FeedKind> {
    // OCR2's base has `transmitters()` as well, so its own getter is asked for first.
    for (getter, kind) in
        [("getTransmitters", FeedKind::Ocr2), ("transmitters", FeedKind::Ocr1), ("getOracles", FeedKind::Flux)]
    {
        match sheet.get(getter) {
            Ok(_) => return Ok(kind),
            Err(fault) if fault.is_absence() => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(FeedKind::Other)
}

/// The events of the window, by the contract that emitted them.
pub type Window = Known<HashMap<H160, Vec<Log>>>;

/// Sorts events by their contract.
pub fn by_contract(logs: Known<Vec<Log>>) -> Window {
    let mut sorted: HashMap<H160, Vec<Log>> = HashMap::new();
    for log in logs? {
        sorted.entry(log.address).or_default().push(log);
    }
    Ok(sorted)
}

/// The `ConfigSet` events that were looked for.
struct ConfigReadings {
    /// Those of the window, oldest first.
    window: Known<Vec<ConfigEvent>>,
    /// Those of the block that the aggregator names, where that lies before the window.
    older: Option<Known<Vec<ConfigEvent>>>,
}

/// One feed's share of the events.
pub struct Readings {
    transmissions: Known<Vec<Transmission>>,
    configs: ConfigReadings,
}

impl Readings {
    /// Picks the events of `aggregator` out of the window, and its `ConfigSet` from `config` where that is older.
    pub fn new(aggregator: H160, window: &Window, config: Option<&Known<Vec<Log>>>) -> Self {
        let own: Known<Vec<&Log>> = match window {
            Ok(sorted) => Ok(sorted.get(&aggregator).into_iter().flatten().collect()),
            Err(fault) => Err(fault.clone()),
        };
        let older = config.map(|older| {
            let logs = older.as_ref().map_err(Clone::clone)?;
            Ok(config_events(&logs.iter().filter(|log| log.address == aggregator).collect::<Vec<_>>()))
        });
        Self {
            transmissions: own.clone().map(|logs| transmissions(&logs)),
            configs: ConfigReadings { window: own.map(|logs| config_events(&logs)), older },
        }
    }

    /// The transaction of the newest transmission.
    pub fn newest_transmission(&self) -> Option<H256> {
        self.transmissions.as_ref().ok()?.last().map(|one| one.tx)
    }
}

/// Puts `NewTransmission` and the `AnswerUpdated` of the same transaction together. An event that cannot be taken apart
/// is left out.
fn transmissions(logs: &[&Log]) -> Vec<Transmission> {
    let mut found: Vec<Transmission> = Vec::new();
    let mut places: HashMap<(H256, u64), usize> = HashMap::new();
    for log in logs {
        let transmission = match (log.interface, log.event) {
            (Interface::Ocr2, "NewTransmission") => ocr2_transmission(log),
            (Interface::Ocr1, "NewTransmission") => ocr1_transmission(log),
            _ => continue,
        };
        // More observers than oracles can be: no such contract, and too much to go through.
        if let Some(one) = transmission.ok().filter(|one| one.observers.len() <= MOST_ORACLES) {
            places.insert((one.tx, one.round), found.len());
            found.push(one);
        }
    }
    for log in logs.iter().filter(|log| log.event == "AnswerUpdated") {
        if let Some(updated_at) = log.fields.get(2).and_then(|value| value.u64().ok())
            && let Some(round) = log.fields.get(1).and_then(|value| value.u64().ok())
            && let Some(place) = places.get(&(log.tx, round))
        {
            found[*place].updated_at = Some(updated_at);
        }
    }
    found
}

fn ints(value: &Value) -> Known<Vec<I256>> {
    value.list()?.iter().map(Value::int).collect()
}

fn field(log: &Log, index: usize) -> Known<&Value> {
    log.fields.get(index).ok_or_else(|| Fault::new(Kind::BadAnswer, format!("{} has no field {index}", log.event)))
}

fn ocr2_transmission(log: &Log) -> Known<Transmission> {
    let epoch_and_round = field(log, 8)?.u64()?;
    Ok(Transmission {
        round: field(log, 0)?.u64()?,
        answer: field(log, 1)?.int()?,
        transmitter: field(log, 2)?.address()?,
        observed_at: Some(field(log, 3)?.u64()?),
        updated_at: None,
        observations: ints(field(log, 4)?)?,
        observers: field(log, 5)?.bytes()?.to_vec(),
        juels_per_fee_coin: Some(field(log, 6)?.int()?),
        digest: field(log, 7)?.bytes()?.to_vec(),
        epoch: epoch_and_round >> 8,
        block: log.block,
        tx: log.tx,
    })
}

/// OCR1 packs digest, epoch and round into `rawReportContext`: 11 zero bytes, 16 of digest, 4 of epoch, 1 of round.
fn ocr1_transmission(log: &Log) -> Known<Transmission> {
    let context = field(log, 5)?.bytes()?;
    let (digest, epoch) = match (context.get(11..27), context.get(27..31)) {
        (Some(digest), Some(epoch)) => (digest, epoch.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))),
        _ => return Err(Fault::new(Kind::BadAnswer, "rawReportContext is not 32 bytes")),
    };
    Ok(Transmission {
        round: field(log, 0)?.u64()?,
        answer: field(log, 1)?.int()?,
        transmitter: field(log, 2)?.address()?,
        observed_at: None,
        updated_at: None,
        observations: ints(field(log, 3)?)?,
        observers: field(log, 4)?.bytes()?.to_vec(),
        juels_per_fee_coin: None,
        digest: digest.to_vec(),
        epoch,
        block: log.block,
        tx: log.tx,
    })
}

fn config_events(logs: &[&Log]) -> Vec<ConfigEvent> {
    let addresses = |value: &Value| -> Known<Vec<H160>> { value.list()?.iter().map(Value::address).collect() };
    logs.iter()
        .filter(|log| log.event == "ConfigSet")
        .filter_map(|log| {
            // OCR2 has the digest in front of the count; from there on both are alike.
            let first = if log.interface == Interface::Ocr2 { 3 } else { 2 };
            Some(ConfigEvent {
                block: log.block,
                tx: log.tx,
                signers: addresses(field(log, first).ok()?).ok()?,
                transmitters: addresses(field(log, first + 1).ok()?).ok()?,
                f: field(log, first + 2).ok()?.u64().ok()?,
            })
        })
        .collect()
}

fn config(sheet: &Sheet, kind: FeedKind, read: ConfigReadings) -> Known<Config> {
    let details = sheet.get("latestConfigDetails")?;
    let block = details.at(1)?.u64()?;
    let mut digest = details.at(2)?.bytes()?.to_vec();
    if kind == FeedKind::Ocr1 {
        digest.truncate(16);
    }
    let ConfigReadings { window, older } = read;
    let newest = window.as_ref().map(|events| events.last().cloned()).map_err(Clone::clone);
    // Several configurations in one block: the last is in force.
    let event = older.unwrap_or(window).and_then(|events| {
        events.into_iter().rfind(|event| event.block == block).ok_or_else(|| {
            // On an L2 that counts the L1's blocks the number means another chain's block.
            Fault::new(Kind::Missing, format!("block {block}, which the aggregator names, holds no ConfigSet event"))
        })
    });
    let set_at = match &event {
        Err(fault) if fault.kind == Kind::Missing => Err(fault.clone()),
        _ => sheet.get("config time").and_then(Value::u64),
    };
    let (event, set_at) = match (event, &newest) {
        // The event itself is worth more than the number.
        (Err(_), Ok(Some(newest))) => {
            let same = newest.block == block;
            (Ok(newest.clone()), if same { set_at } else { Err(Fault::new(Kind::Failed, "its time was not read")) })
        }
        (event, _) => (event, set_at),
    };
    Ok(Config {
        count: details.at(0)?.u64()?,
        block,
        set_at,
        digest,
        event,
        newest_in_window: newest.map(|newest| newest.map(|event| event.block)),
    })
}

fn oracles(sheet: &Sheet, accounts: &[H160]) -> Vec<Oracle> {
    accounts
        .iter()
        .enumerate()
        .map(|(index, account)| Oracle {
            account: *account,
            balance: sheet.item("balance", index).and_then(Value::uint),
            nonce: sheet.item("nonce", index).and_then(Value::u64),
            pending_nonce: sheet.item("pending", index).and_then(Value::u64),
            unpaid_observations: sheet.asked("unpaid", index).map(|count| count.and_then(Value::u64)),
        })
        .collect()
}

fn billing(sheet: &Sheet, kind: FeedKind) -> Known<Billing> {
    let value = sheet.get("getBilling")?;
    let item = |index| value.at(index).and_then(Value::u64);
    let ocr1 = kind == FeedKind::Ocr1;
    Ok(Billing {
        max_gas_gwei: item(0)?,
        reasonable_gas_gwei: item(1)?,
        micro_link_per_native: if ocr1 { Some(item(2)?) } else { None },
        observation_gjuels: item(if ocr1 { 3 } else { 2 })?,
        transmission_gjuels: item(if ocr1 { 4 } else { 3 })?,
    })
}

/// Whether anything at the address answered as a feed; else the fault that says what is there instead.
fn is_feed(target: &Target, sheet: &Sheet) -> Result<(), Fault> {
    let round = sheet.get("latestRoundData");
    let as_feed = round.as_ref().is_ok_and(|value| self::round(value).is_ok())
        || matches!(&round, Err(fault) if fault.kind == Kind::Reverted && sheet.get("decimals").is_ok())
        || sheet.get("latestConfigDetails").is_ok();
    if as_feed {
        return Ok(());
    }
    let address = crate::units::address(target.address);
    // A transport fault hits every read alike: it, and not the contract, is what is wrong.
    if let Err(fault) = &round
        && !fault.is_absence()
    {
        return Err(unavailable(fault.clone()).wrap(format!("cannot read the feed at {address}")));
    }
    if sheet.get("aggregator").and_then(Value::address).is_ok_and(|aggregator| aggregator.is_zero()) {
        return Err(Fault::new(Kind::Missing, format!("the proxy at {address} has no aggregator"))
            .because("its aggregator() is the zero address: it was never set up, or is retired")
            .hint("look the feed up by its name: `ira feed-report NAME`"));
    }
    match sheet.get("code").and_then(Value::bytes) {
        Ok([]) => Err(Fault::new(Kind::Missing, format!("there is no contract at {address}"))
            .because("the account has no code on this network")
            .hint("is it on another network? --network NAME; `ira feed-report NAME` finds a feed by its name")),
        Ok(_) => Err(Fault::new(Kind::Missing, format!("the contract at {address} is no feed"))
            .because("it answers none of latestRoundData, decimals, latestConfigDetails")
            .hint("give the address of the feed's proxy or aggregator")),
        Err(fault) => Err(unavailable(fault).wrap(format!("cannot read the feed at {address}"))),
    }
}

/// A chain that cannot be read ends a command as unavailable, whatever words the endpoint had for it.
pub fn unavailable(mut fault: Fault) -> Fault {
    if fault.kind == Kind::Failed {
        fault.kind = Kind::Unreachable;
    }
    fault
}

/// Puts the facts of one feed together.
pub fn facts(
    target: Target,
    proxy: Option<H160>,
    aggregator: H160,
    accounts: Known<&[H160]>,
    sheet: &Sheet,
    readings: Readings,
) -> Result<Facts, Fault> {
    is_feed(&target, sheet)?;
    let (kind, unread) = match kind(sheet) {
        Ok(kind) => (kind, None),
        Err(fault) => (FeedKind::Unread, Some(fault)),
    };
    // What cannot be asked for without knowing the kind is not known either.
    let of_kind = |applies: bool| applies.then(|| unread.clone().map_or(Ok(()), Err));
    let ocr = kind.is_ocr();
    let flux = kind == FeedKind::Flux;
    let text = |name| sheet.get(name).and_then(Value::text).map(|text| excerpt(text, LONGEST));
    let pair = |low, high| Ok((sheet.get(low)?.int()?, sheet.get(high)?.int()?));
    Ok(Facts {
        description: text("description"),
        decimals: sheet.get("decimals").and_then(Value::u64),
        phase: proxy.map(|_| sheet.get("phaseId").and_then(Value::u64)),
        round: sheet.get("latestRoundData").and_then(round),
        aggregator_round: proxy.map(|_| sheet.get("own round").and_then(round)),
        previous: (0..).map_while(|index| previous(sheet, index)).collect(),
        type_and_version: text("typeAndVersion"),
        proposed: proxy.and_then(|_| proposed(sheet)),
        proxy_controller: proxy.and_then(|_| named(sheet, "accessController")),
        access: proxy.and_then(|_| access(sheet)),
        old_phase: old_phase(sheet),
        config: of_kind(ocr).map(|known| known.and_then(|()| config(sheet, kind, readings.configs))),
        oracles: accounts.map(|accounts| oracles(sheet, accounts)),
        gas_used: readings
            .transmissions
            .as_ref()
            .ok()
            .and_then(|all| all.last())
            .map(|newest| sheet.get("gas used").and_then(Value::uint).map(|gas| (gas, newest.tx))),
        transmissions: readings.transmissions,
        bounds: match kind {
            FeedKind::Ocr1 | FeedKind::Ocr2 => Some(pair("minAnswer", "maxAnswer")),
            FeedKind::Flux => Some(pair("minSubmissionValue", "maxSubmissionValue")),
            FeedKind::Other => None,
            FeedKind::Unread => of_kind(true).and_then(Result::err).map(Err),
        },
        billing: of_kind(ocr).map(|known| known.and_then(|()| billing(sheet, kind))),
        flux: flux.then(|| Ok(FluxFunds { payment: sheet.get("paymentAmount")?.uint()? })),
        link_available: match kind {
            FeedKind::Ocr1 | FeedKind::Ocr2 => Some(sheet.get("linkAvailableForPayment").and_then(Value::int)),
            FeedKind::Flux => Some(sheet.get("availableFunds").and_then(Value::uint).map(I256::positive)),
            FeedKind::Other => None,
            FeedKind::Unread => of_kind(true).and_then(Result::err).map(Err),
        },
        heartbeat: target.entry.as_ref().and_then(|entry| entry.heartbeat),
        threshold: target.entry.as_ref().and_then(|entry| entry.threshold),
        input: target.input,
        entry: target.entry,
        proxy,
        aggregator,
        kind,
    })
}

fn previous(sheet: &Sheet, index: usize) -> Option<Known<Round>> {
    Some(sheet.asked("round", index)?.and_then(round))
}

/// The address that a getter of the proxy answers; `None` where there is none, or no such getter.
fn named(sheet: &Sheet, getter: &'static str) -> Option<Known<H160>> {
    match sheet.get(getter).and_then(Value::address) {
        Ok(address) if address.is_zero() => None,
        Err(fault) if fault.is_absence() => None,
        answer => Some(answer),
    }
}

fn proposed(sheet: &Sheet) -> Option<Known<Proposed>> {
    let proposed = |aggregator| Proposed { aggregator, round: sheet.get("proposedLatestRoundData").and_then(round) };
    Some(named(sheet, "proposedAggregator")?.map(proposed))
}

/// An aggregator without `checkEnabled` checks nobody.
fn access(sheet: &Sheet) -> Option<Known<Access>> {
    match sheet.get("checkEnabled").and_then(Value::bool) {
        Ok(checked) => Some(Ok(Access { checked, allowed: sheet.get("hasAccess").and_then(Value::bool) })),
        Err(fault) if fault.is_absence() => None,
        Err(fault) => Some(Err(fault)),
    }
}

fn old_phase(sheet: &Sheet) -> Option<Known<OldPhase>> {
    let old = |aggregator| OldPhase {
        aggregator,
        round: sheet.get("old round").and_then(round),
        first_round: sheet.get("first round").and_then(round),
    };
    Some(sheet.asked("old aggregator", 0)?.and_then(Value::address).map(old))
}
