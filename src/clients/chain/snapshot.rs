//! Many reads of one block in as few round trips as the endpoint allows.

use std::collections::HashSet;

use async_trait::async_trait;
use ira_commands::ports::{BlockRef, Read};
use ira_commands::value::{H160, U256, Value};
use ira_commands::{Fault, Kind};

use super::abi;
use super::answer::{reason, reverted};
use super::multicall::{aggregate, balance_of, results};
use super::node::{Answered, Node, Questions, Trouble};
use super::wire::{self, Raw, RpcItem, block_by_number, bytes, eth_call, quantity};
use super::words::{name, told};
use super::{header, pool, transactions};

/// The fewest calls in one that a refusal teaches to send.
const LEAST_LEARNT: usize = 50;

/// A read that is a call, or can be asked as one.
struct Job {
    /// Its place among the reads.
    slot: usize,
    to: H160,
    data: Vec<u8>,
}

/// What an item of a batch was sent for.
enum Purpose {
    /// One `aggregate3` with these jobs.
    Many(Vec<Job>),
    /// One read by itself.
    One(usize),
}

/// Reads at one block.
pub(super) struct Snapshot<'a> {
    pub(super) at: &'a BlockRef,
    pub(super) reads: &'a [Read],
}

#[async_trait]
impl Questions for Snapshot<'_> {
    type Answer = Value;

    fn count(&self) -> usize {
        self.reads.len()
    }

    fn compared(&self, at: usize) -> bool {
        // What waits in a pool, what is estimated and what is no older than a moment is each endpoint's own.
        !matches!(
            self.reads[at],
            Read::PendingNonce(_)
                | Read::Pooled(_)
                | Read::Fees
                | Read::Gas(..)
                | Read::Receipt(_)
                | Read::Transaction(_)
        )
    }

    fn shown(&self, at: usize, answer: &Value) -> String {
        format!("{} for {}", told(answer), name(&self.reads[at]))
    }

    async fn put(&self, node: &Node, slots: &[usize]) -> Vec<Answered<Value>> {
        snapshot(node, self.at, self.reads, slots).await
    }
}

async fn snapshot(node: &Node, at: &BlockRef, reads: &[Read], slots: &[usize]) -> Vec<Answered<Value>> {
    let mut sheet = Sheet { reads, at, answers: (0..reads.len()).map(|_| None).collect(), whole_pool: HashSet::new() };
    let mut jobs = Vec::new();
    let mut plain = Vec::new();
    for slot in slots.iter().copied() {
        match sheet.job(slot, node.state().multicall) {
            Ok(Some(job)) if node.state().multicall.is_some() => jobs.push(job),
            Ok(_) => plain.push(slot),
            Err(fault) => sheet.answers[slot] = Some(Err(Trouble::Final(fault))),
        }
    }
    let mut many = cut(jobs, node.state().most_calls);
    while !many.is_empty() || !plain.is_empty() {
        let (items, purposes) = sheet.batch(node, std::mem::take(&mut many), std::mem::take(&mut plain));
        let answers = node.wire.exchange(&items, Some(at)).await;
        drop(items);
        for (purpose, answer) in purposes.into_iter().zip(answers) {
            match purpose {
                Purpose::One(slot) if sheet.asks_whole_pool(slot, &answer) => plain.push(slot),
                Purpose::One(slot) => sheet.settle(slot, answer),
                Purpose::Many(jobs) => sheet.unpack(node, jobs, answer, &mut many, &mut plain),
            }
        }
    }
    let unasked = || Err(Trouble::Final(Fault::new(Kind::Failed, "was not asked")));
    slots.iter().map(|slot| sheet.answers[*slot].take().unwrap_or_else(unasked)).collect()
}

/// The reads and their answers so far.
struct Sheet<'a> {
    reads: &'a [Read],
    at: &'a BlockRef,
    answers: Vec<Option<Answered<Value>>>,
    /// The reads of a pool that are asked anew, for the pool as a whole.
    whole_pool: HashSet<usize>,
}

impl Sheet<'_> {
    /// The read as a call; `None` for what only JSON-RPC can ask.
    fn job(&self, slot: usize, multicall: Option<H160>) -> Result<Option<Job>, Fault> {
        Ok(match (&self.reads[slot], multicall) {
            (Read::Call { to, call }, _) => Some(Job { slot, to: *to, data: abi::encode(call)?.1 }),
            // Refused here where it cannot be encoded; it is asked by itself.
            (Read::Gas(_, request), _) => {
                transactions::data(&request.input)?;
                None
            }
            (Read::Balance(account), Some(multicall)) => Some(Job { slot, to: multicall, data: balance_of(*account)? }),
            _ => None,
        })
    }

    /// Everything that can be asked now, as one batch.
    fn batch(&self, node: &Node, many: Vec<Vec<Job>>, plain: Vec<usize>) -> (Vec<RpcItem>, Vec<Purpose>) {
        let (mut items, mut purposes) = (Vec::new(), Vec::new());
        let multicall = node.state().multicall;
        for jobs in many {
            let calls = aggregate(jobs.iter().map(|job| (job.to, job.data.as_slice())));
            // Contracts that answer people only see one: the caller is the origin of the transaction.
            match (multicall, calls) {
                (Some(multicall), Ok(data)) => {
                    items.push(eth_call(multicall, multicall, &data, self.at.number));
                    purposes.push(Purpose::Many(jobs));
                }
                _ => self.plainly(jobs.iter().map(|job| job.slot), &mut items, &mut purposes),
            }
        }
        self.plainly(plain.into_iter(), &mut items, &mut purposes);
        (items, purposes)
    }

    fn plainly(&self, slots: impl Iterator<Item = usize>, items: &mut Vec<RpcItem>, purposes: &mut Vec<Purpose>) {
        for slot in slots {
            items.push(self.item(slot));
            purposes.push(Purpose::One(slot));
        }
    }

    /// The read as a question of its own.
    fn item(&self, slot: usize) -> RpcItem {
        let block = quantity(self.at.number);
        let of = |method, account: &H160, block: &str| RpcItem::new(method, format!("[\"{account:#x}\",\"{block}\"]"));
        match &self.reads[slot] {
            Read::Call { to, call } => {
                // It was encoded before, or it would not have come here.
                let data = abi::encode(call).map(|(_, data)| data).unwrap_or_default();
                eth_call(H160::zero(), *to, &data, self.at.number)
            }
            Read::Balance(account) => of("eth_getBalance", account, &block),
            Read::Nonce(account) => of("eth_getTransactionCount", account, &block),
            Read::PendingNonce(account) => of("eth_getTransactionCount", account, "pending"),
            // Where the endpoint cannot tell of one account alone, its whole pool is asked for.
            Read::Pooled(_) if self.whole_pool.contains(&slot) => RpcItem::new("txpool_content", "[]".to_owned()),
            Read::Pooled(account) => RpcItem::new("txpool_contentFrom", format!("[\"{account:#x}\"]")),
            Read::Code(account) => of("eth_getCode", account, &block),
            Read::Trial { from, to, value, data } => wire::trial(*from, *to, *value, data, self.at.number),
            Read::BlockTime(number) | Read::Header(number) => block_by_number(*number),
            Read::GasUsed(tx) | Read::Receipt(tx) | Read::Mined(tx) => {
                RpcItem::new("eth_getTransactionReceipt", format!("[\"{tx:#x}\"]"))
            }
            Read::Fees => RpcItem::new("eth_feeHistory", format!("[\"0x5\",\"{block}\",[50]]")),
            Read::Gas(from, request) => transactions::estimate(*from, request, &block),
            Read::Transaction(tx) => RpcItem::new("eth_getTransactionByHash", format!("[\"{tx:#x}\"]")),
        }
    }

    /// Whether the pool has to be asked for as a whole: the endpoint does not tell of one account.
    fn asks_whole_pool(&mut self, slot: usize, answer: &Result<Raw, Fault>) -> bool {
        // One that is silent, or wants no more questions, is not asked for more.
        let lost = [Kind::Reorged, Kind::RateLimited, Kind::Denied, Kind::Timeout, Kind::Unreachable];
        let refused = answer.as_ref().is_err_and(|fault| !lost.contains(&fault.kind));
        matches!(self.reads[slot], Read::Pooled(_)) && refused && self.whole_pool.insert(slot)
    }

    /// Takes the answer to a read that was asked by itself.
    fn settle(&mut self, slot: usize, answer: Result<Raw, Fault>) {
        self.answers[slot] = Some(match answer {
            Err(fault) if fault.kind == Kind::Reverted => Err(self.refused(slot, fault)),
            // Most endpoints keep their pool to themselves: that says nothing against them.
            Err(fault) if matches!(self.reads[slot], Read::Pooled(_)) && fault.kind != Kind::Reorged => {
                Err(absent(self.named(slot, "cannot be seen: the endpoint does not show it")))
            }
            Err(fault) => Err(Trouble::Elsewhere(fault)),
            Ok(raw) => self.read(slot, &raw),
        });
    }

    fn read(&self, slot: usize, raw: &Raw) -> Answered<Value> {
        let read = &self.reads[slot];
        let value = match read {
            Read::Call { .. } => return self.decoded(slot, &bytes(raw).map_err(Trouble::Elsewhere)?),
            Read::Code(_) | Read::Trial { .. } => bytes(raw).map(Value::Bytes),
            Read::BlockTime(number) => match wire::block(raw) {
                Ok(None) => return Err(absent(format!("there is no block {number}"))),
                Ok(Some(block)) if block.number == *number => Ok(Value::Uint(U256::from(block.timestamp))),
                Ok(Some(_)) => Err(wire::garbled("the block asked for")),
                Err(fault) => Err(fault),
            },
            Read::GasUsed(tx) => match wire::gas_used(raw) {
                Ok(None) => return Err(absent(format!("there is no transaction {tx:#x}"))),
                Ok(Some(gas)) => Ok(Value::Uint(gas)),
                Err(fault) => Err(fault),
            },
            Read::Mined(tx) => match wire::mined(raw) {
                Ok(None) => return Err(absent(format!("there is no mined transaction {tx:#x}"))),
                Ok(Some(mined)) => Ok(mined),
                Err(fault) => Err(fault),
            },
            Read::Fees => transactions::fees(raw),
            Read::Receipt(_) => transactions::receipt(raw),
            Read::Transaction(_) => transactions::transaction(raw),
            Read::Pooled(account) if self.whole_pool.contains(&slot) => pool::of_all(raw, *account),
            Read::Pooled(_) => pool::of_one(raw),
            Read::Header(number) => match header::rlp(raw, *number) {
                Ok(None) => return Err(absent(format!("there is no block {number}"))),
                Ok(Some(header)) => Ok(Value::Bytes(header)),
                Err(fault) => Err(fault),
            },
            Read::Balance(_) | Read::Nonce(_) | Read::PendingNonce(_) | Read::Gas(..) => {
                wire::number(raw).map(Value::Uint)
            }
        };
        value.map_err(Trouble::Elsewhere)
    }

    /// What a contract answered, by its ABI.
    fn decoded(&self, slot: usize, data: &[u8]) -> Answered<Value> {
        let call = match &self.reads[slot] {
            Read::Call { call, .. } => call,
            // Asked of Multicall3: one word.
            _ if data.len() == 32 => return Ok(Value::Uint(U256::from_big_endian(data))),
            _ => return Err(Trouble::Elsewhere(wire::garbled("a balance"))),
        };
        let function = abi::table(call.interface).function(call.function).map_err(Trouble::Final)?;
        if data.is_empty() && function.answers_something() {
            return Err(absent(self.named(slot, "answers nothing: there is no contract, or it has no such function")));
        }
        let undecodable = || {
            let what = self.named(slot, "answers what does not fit its interface");
            absent(what)
        };
        function.decode(data).ok_or_else(undecodable)
    }

    /// Takes one `aggregate3` apart. What only it was refused is asked again by itself, or in halves.
    fn unpack(
        &mut self,
        node: &Node,
        mut jobs: Vec<Job>,
        answer: Result<Raw, Fault>,
        many: &mut Vec<Vec<Job>>,
        plain: &mut Vec<usize>,
    ) {
        let fault = match answer.and_then(|raw| bytes(&raw)) {
            Ok(data) => {
                let Some(results) = results(&data, jobs.len()) else {
                    // Something else lives at that address.
                    return forsake(node, &jobs, plain);
                };
                for (job, (success, data)) in jobs.into_iter().zip(results) {
                    let slot = job.slot;
                    self.answers[slot] = Some(match (success, reason(data)) {
                        (true, _) => self.decoded(slot, data),
                        // A contract may refuse other contracts: asked again as a plain account.
                        (false, Some(why)) if minds_the_caller(&why) => {
                            plain.push(slot);
                            continue;
                        }
                        // Nor need it say why; of the reads that every feed answers, this is the one that counts.
                        (false, None) if self.is_the_answer(slot) => {
                            plain.push(slot);
                            continue;
                        }
                        (false, Some(why)) => Err(self.refused(slot, reverted(&node.quote(&why)))),
                        // Nothing to be refused for: the function is not there. (Starved of gas it cannot be: what was
                        // left would not pay for putting the results together, and the whole would have failed.)
                        (false, None) => Err(self.refused(slot, reverted(""))),
                    });
                }
                return;
            }
            Err(fault) => fault,
        };
        match fault.kind {
            Kind::TooLarge if jobs.len() > 1 => {
                let half = jobs.len().div_ceil(2);
                // One greedy contract would drive this down to nothing for all the others.
                if half >= LEAST_LEARNT {
                    node.learn(|state| state.most_calls = state.most_calls.min(half));
                }
                let second = jobs.split_off(half);
                many.extend([jobs, second]);
            }
            Kind::TooLarge | Kind::Reverted | Kind::Failed | Kind::BadAnswer => forsake(node, &jobs, plain),
            _ => {
                for job in jobs {
                    self.answers[job.slot] = Some(Err(Trouble::Elsewhere(fault.clone())));
                }
            }
        }
    }

    /// Whether the read is of a feed's last round.
    fn is_the_answer(&self, slot: usize) -> bool {
        matches!(&self.reads[slot], Read::Call { call, .. } if call.function == "latestRoundData")
    }

    /// A revert, with what reverted.
    fn refused(&self, slot: usize, mut fault: Fault) -> Trouble {
        fault.message = self.named(slot, &fault.message);
        Trouble::Final(fault)
    }

    /// `latestAnswer of 0xE62B…C9fF reverted`.
    fn named(&self, slot: usize, what: &str) -> String {
        format!("{} {what}", name(&self.reads[slot]))
    }
}

/// Whether a refusal with this reason may be none for another caller. Most are not about the caller ("No data present",
/// "No proposed aggregator present"), and to ask those again would cost every report a round trip.
fn minds_the_caller(reason: &str) -> bool {
    const WORDS: [&str; 12] = [
        "access",
        "allow",
        "author",
        "call",
        "contract",
        "custom error",
        "eoa",
        "origin",
        "owner",
        "permi",
        "sender",
        "whitelist",
    ];
    let reason = reason.to_lowercase();
    WORDS.iter().any(|word| reason.contains(word))
}

/// The jobs in portions of `most`.
fn cut(mut jobs: Vec<Job>, most: usize) -> Vec<Vec<Job>> {
    let mut portions = Vec::new();
    while !jobs.is_empty() {
        let rest = jobs.split_off(jobs.len().min(most.max(1)));
        portions.push(std::mem::replace(&mut jobs, rest));
    }
    portions
}

/// Asks the jobs by themselves, and where there were several, all that come after them too.
fn forsake(node: &Node, jobs: &[Job], plain: &mut Vec<usize>) {
    if jobs.len() > 1 {
        tracing::debug!(endpoint = node.label, "no Multicall3 here after all");
        node.learn(|state| state.multicall = None);
    }
    plain.extend(jobs.iter().map(|job| job.slot));
}

fn absent(what: String) -> Trouble {
    Trouble::Final(Fault::new(Kind::Missing, what))
}
