//! Events of many contracts over a range of blocks, in pieces that the endpoint serves.

use async_trait::async_trait;
use ira_commands::ports::{BlockRef, Log, LogFilter, Progress};
use ira_commands::value::{H160, H256};
use ira_commands::{Fault, Kind};
use serde_json::value::RawValue;

use super::abi;
use super::node::{Answered, Node, Questions, Trouble};
use super::wire::{RpcItem, garbled, parse_hash, parse_u64, quantity};

/// Contracts in one query.
const MOST_ADDRESSES: usize = 100;
/// Queries that go out together: more of them, and nobody would see how far it is.
const WAVE: usize = 64;
/// Queries that one set of filters may fall into before it is given up.
const MOST_PIECES: usize = 4096;

/// One query: part of one filter.
#[derive(Clone)]
struct Piece {
    /// Which filter it is of.
    slot: usize,
    addresses: Vec<H160>,
    from: u64,
    to: u64,
}

/// Filters up to one block.
pub(super) struct Logs<'a> {
    pub(super) at: &'a BlockRef,
    pub(super) filters: &'a [LogFilter],
    /// Told how many blocks are done, where it takes more than one wave of queries.
    pub(super) progress: &'a dyn Progress,
}

#[async_trait]
impl Questions for Logs<'_> {
    type Answer = Vec<Log>;

    fn count(&self) -> usize {
        self.filters.len()
    }

    fn compared(&self, _at: usize) -> bool {
        true
    }

    fn shown(&self, _at: usize, answer: &Vec<Log>) -> String {
        format!("{} logs", answer.len())
    }

    async fn put(&self, node: &Node, slots: &[usize]) -> Vec<Answered<Vec<Log>>> {
        logs(node, self, slots).await
    }
}

async fn logs(node: &Node, asked_for: &Logs<'_>, slots: &[usize]) -> Vec<Answered<Vec<Log>>> {
    let Logs { at, filters, progress } = *asked_for;
    let mut answers: Vec<Answered<Vec<Log>>> = slots.iter().map(|_| Ok(Vec::new())).collect();
    let mut topics = Vec::with_capacity(slots.len());
    let mut open = Vec::new();
    for (place, slot) in slots.iter().copied().enumerate() {
        let filter = &filters[slot];
        let events = filter.events.iter().map(|(interface, event)| abi::topic0(*interface, event));
        match events.collect::<Result<Vec<H256>, Fault>>() {
            Ok(known) => topics.push(known),
            Err(fault) => {
                topics.push(Vec::new());
                answers[place] = Err(Trouble::Final(fault));
                continue;
            }
        }
        let to = filter.to.min(at.number);
        // No contract, no event or no block: nothing to ask, where an empty list would ask for everything.
        if filter.from <= to && !filter.events.is_empty() {
            for addresses in filter.addresses.chunks(MOST_ADDRESSES) {
                open.push(Piece { slot: place, addresses: addresses.to_vec(), from: filter.from, to });
            }
        }
    }
    let total: u64 = open.iter().map(Piece::blocks).sum();
    let mut asked = 0;
    while !open.is_empty() {
        let mut pieces: Vec<Piece> = open.drain(..).flat_map(|piece| piece.cut(node.state().most_blocks)).collect();
        if asked > 0 {
            let left: u64 = pieces.iter().map(Piece::blocks).sum();
            let blocks = |blocks: u64| usize::try_from(blocks).unwrap_or(usize::MAX);
            progress.advance(blocks(total.saturating_sub(left)), blocks(total));
        }
        open = pieces.split_off(pieces.len().min(WAVE));
        asked += pieces.len();
        let items: Vec<RpcItem> =
            pieces.iter().map(|piece| piece.item(&topics[piece.slot], &filters[slots[piece.slot]].indexed)).collect();
        let results = node.wire.exchange(&items, Some(at)).await;
        for (piece, result) in pieces.into_iter().zip(results) {
            let filter = &filters[slots[piece.slot]];
            let fault = match result.and_then(|raw| read(&raw, filter, &topics[piece.slot], &piece)) {
                Ok(found) => {
                    if let Ok(all) = &mut answers[piece.slot] {
                        all.extend(found);
                    }
                    continue;
                }
                Err(fault) => fault,
            };
            let halves =
                if fault.kind == Kind::TooLarge && asked < MOST_PIECES { piece.halve(node, &fault) } else { None };
            match halves {
                Some(halves) => open.extend(halves),
                None => answers[piece.slot] = Err(Trouble::Elsewhere(fault)),
            }
        }
        open.retain(|piece| answers[piece.slot].is_ok());
    }
    for logs in answers.iter_mut().flatten() {
        logs.sort_by_key(|log| (log.block, log.index));
    }
    answers
}

impl Piece {
    fn item(&self, topics: &[H256], indexed: &[Option<H256>]) -> RpcItem {
        let addresses: Vec<String> = self.addresses.iter().map(|address| format!("\"{address:#x}\"")).collect();
        let topics: Vec<String> = topics.iter().map(|topic| format!("\"{topic:#x}\"")).collect();
        let (from, to) = (quantity(self.from), quantity(self.to));
        let (addresses, mut topics) = (addresses.join(","), format!("[{}]", topics.join(",")));
        for value in indexed {
            let value = value.map_or_else(|| "null".to_owned(), |value| format!("\"{value:#x}\""));
            topics = format!("{topics},{value}");
        }
        let params = format!(
            "[{{\"fromBlock\":\"{from}\",\"toBlock\":\"{to}\",\"address\":[{addresses}],\"topics\":[{topics}]}}]"
        );
        RpcItem::new("eth_getLogs", params)
    }

    fn blocks(&self) -> u64 {
        (self.to - self.from).saturating_add(1)
    }

    /// In ranges of at most `most` blocks.
    fn cut(self, most: u64) -> Vec<Piece> {
        let most = most.max(1);
        let mut pieces = Vec::new();
        let mut from = self.from;
        while self.to - from >= most && pieces.len() < MOST_PIECES {
            pieces.push(Piece { from, to: from + most - 1, ..self.clone() });
            from += most;
        }
        pieces.push(Piece { from, ..self });
        pieces
    }

    /// Two of it that are together the same; `None` when it is as small as can be.
    fn halve(&self, node: &Node, fault: &Fault) -> Option<[Piece; 2]> {
        let blocks = self.blocks();
        if blocks > 1 {
            let half = blocks.div_ceil(2);
            let most = told_range(&fault.message).filter(|told| *told < blocks).unwrap_or(half);
            node.learn(|state| state.most_blocks = state.most_blocks.min(most));
            let middle = self.from + half;
            return Some([Piece { to: middle - 1, ..self.clone() }, Piece { from: middle, ..self.clone() }]);
        }
        let (one, other) = self.addresses.split_at(self.addresses.len() / 2);
        let part = |addresses: &[H160]| Piece { addresses: addresses.to_vec(), ..self.clone() };
        (!one.is_empty()).then(|| [part(one), part(other)])
    }
}

/// The widest range of blocks that a refusal names ("limited to a 10,000 range", "up to a 2K block range"): it saves the
/// round trips of finding it by halving.
fn told_range(message: &str) -> Option<u64> {
    let text = message.to_lowercase().replace(',', "");
    if !text.contains("range") && !text.contains("blocks") || text.contains("0x") {
        return None;
    }
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let mut numbers = words.filter_map(|word| match word.strip_suffix('k') {
        Some(thousands) => thousands.parse::<u64>().ok()?.checked_mul(1000),
        None => word.parse().ok(),
    });
    // Several numbers, and which of them is the limit is anyone's guess.
    let first = numbers.next().filter(|number| *number >= 10);
    if numbers.next().is_some() { None } else { first }
}

/// A log as it comes.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    #[serde(borrow)]
    address: &'a str,
    #[serde(borrow)]
    topics: Vec<&'a str>,
    #[serde(borrow)]
    data: &'a str,
    #[serde(borrow)]
    block_number: &'a str,
    #[serde(borrow)]
    transaction_hash: &'a str,
    #[serde(borrow)]
    log_index: &'a str,
    #[serde(default)]
    removed: bool,
}

/// The logs of one query. What was not asked for, was taken back or is no such event is left out.
fn read(raw: &RawValue, filter: &LogFilter, topics: &[H256], piece: &Piece) -> Result<Vec<Log>, Fault> {
    let sent: Vec<Sent<'_>> = serde_json::from_str(raw.get()).map_err(|_| garbled("a list of logs"))?;
    let mut logs = Vec::with_capacity(sent.len());
    for log in sent.into_iter().filter(|log| !log.removed) {
        let address: H160 = log.address.parse().map_err(|_| garbled("the address of a log"))?;
        let block = parse_u64(log.block_number).ok_or_else(|| garbled("the block of a log"))?;
        let index = parse_u64(log.log_index).ok_or_else(|| garbled("the index of a log"))?;
        let tx = parse_hash(log.transaction_hash).ok_or_else(|| garbled("the transaction of a log"))?;
        let data = log.data.strip_prefix("0x").and_then(|data| ethers_core::utils::hex::decode(data).ok());
        let data = data.ok_or_else(|| garbled("the data of a log"))?;
        let of: Option<Vec<H256>> = log.topics.iter().map(|topic| parse_hash(topic)).collect();
        let of = of.ok_or_else(|| garbled("the topics of a log"))?;
        let asked = piece.addresses.contains(&address) && (piece.from..=piece.to).contains(&block);
        let mut candidates = filter.events.iter().zip(topics).filter(|(_, topic)| of.first() == Some(topic));
        let decoded = candidates.find_map(|((interface, event), _)| {
            Some((*interface, *event, abi::decode_log(*interface, event, of.clone(), data.clone())?))
        });
        match decoded {
            Some((interface, event, fields)) if asked => {
                logs.push(Log { address, interface, event, fields, block, tx, index });
            }
            _ => tracing::debug!(%address, block, index, "a log that was not asked for, or is no such event"),
        }
    }
    Ok(logs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_names_its_range_is_taken_at_its_word() {
        assert_eq!(told_range("eth_getLogs is limited to a 10,000 range"), Some(10_000));
        assert_eq!(told_range("exceed maximum block range: 50000"), Some(50_000));
        assert_eq!(told_range("requests with up to a 2K block range"), Some(2_000));
        assert_eq!(told_range("query returned more than 10000 results"), None);
        assert_eq!(told_range("up to a 2K block range, or 10K logs"), None);
        assert_eq!(told_range("try with this block range [0x1, 0x2]"), None);
        assert_eq!(told_range("block range is too large"), None);
    }

    #[test]
    fn pieces_cover_the_range_once() {
        let whole = Piece { slot: 0, addresses: vec![H160::zero()], from: 10, to: 35 };
        let ranges: Vec<(u64, u64)> = whole.cut(10).into_iter().map(|piece| (piece.from, piece.to)).collect();
        assert_eq!(ranges, [(10, 19), (20, 29), (30, 35)]);
    }
}
