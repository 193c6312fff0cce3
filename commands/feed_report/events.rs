//! From events to transmissions and configurations.

use std::collections::HashMap;

use crate::fault::{Fault, Kind};
use crate::ports::{Interface, Log};
use crate::value::{H160, H256, I256, Value};

use super::decode::MOST_ORACLES;
use super::facts::{ConfigEvent, Known, Transmission};

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
pub struct ConfigReadings {
    /// Those of the window, oldest first.
    pub window: Known<Vec<ConfigEvent>>,
    /// Those of the block that the aggregator names, where that lies before the window.
    pub older: Option<Known<Vec<ConfigEvent>>>,
}

/// One feed's share of the events.
pub struct Readings {
    /// The transmissions of the window, oldest first.
    pub transmissions: Known<Vec<Transmission>>,
    /// The configurations.
    pub configs: ConfigReadings,
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
