//! From answers and events to facts. Undecodable is unknown, with the reason.

use crate::fault::{Fault, Kind};
use crate::text::excerpt;
use crate::value::{H160, I256, Value};

use super::events::{ConfigReadings, Readings};
use super::facts::{Access, Billing, Config, Facts, FeedKind, FluxFunds, Known, OldPhase, Oracle, Proposed, Round};
use super::target::Target;
use crate::sheet::Sheet;

/// The most oracles of any aggregator: an observer's index is one byte (the contracts allow 31, Flux 77).
pub const MOST_ORACLES: usize = 256;
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
