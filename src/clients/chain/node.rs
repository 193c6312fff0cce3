//! One endpoint and what is known of it, and asking several: failover, comparison, what was noticed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use ira_commands::ports::{Notice, NoticeKind};
use ira_commands::value::H160;
use ira_commands::{Fault, Kind};

use super::multicall::MOST_CALLS;
use super::wire::{LACKS, Wire};
use crate::clients::endpoint::{Endpoint, quoted};

/// How long an endpoint is waited for that lacks the pinned block, when no other has it.
const PATIENCE: [Duration; 2] = [Duration::from_millis(400), Duration::from_millis(1200)];

/// Whether an endpoint may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has not proven to be the chain and to have the pinned block.
    Unproven,
    /// It has.
    Good,
    /// It has, but failed since: asked after all others.
    Shaky,
}

/// What is learnt about an endpoint during a run.
#[derive(Clone, Copy)]
pub(super) struct State {
    pub(super) standing: Standing,
    /// Where its chain has Multicall3, and the endpoint serves it.
    pub(super) multicall: Option<H160>,
    /// Calls in one Multicall3 call.
    pub(super) most_calls: usize,
    /// Blocks in one query for logs.
    pub(super) most_blocks: u64,
}

/// One endpoint.
pub(super) struct Node {
    pub(super) label: String,
    pub(super) wire: Arc<dyn Wire>,
    /// Whose secrets may be in what it says; none in a replay.
    endpoint: Option<Endpoint>,
    state: Mutex<State>,
}

impl Node {
    pub(super) fn new(label: String, wire: Arc<dyn Wire>, endpoint: Option<Endpoint>) -> Self {
        let state =
            State { standing: Standing::Unproven, multicall: None, most_calls: MOST_CALLS, most_blocks: u64::MAX };
        Self { label, wire, endpoint, state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn learn(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Text that came from it, fit to be shown.
    pub(super) fn quote(&self, text: &str) -> String {
        self.endpoint.as_ref().map_or_else(|| quoted(text), |endpoint| endpoint.quote(text))
    }

    /// A predicate of this endpoint as a sentence, with what can be done about it.
    pub(super) fn says(&self, mut fault: Fault) -> Fault {
        fault.message = format!("{} {}", self.label, fault.message);
        fault.hint = fault.hint.or_else(|| mend(fault.kind).map(str::to_owned));
        fault
    }
}

/// What can be done about an endpoint that fails in this way.
fn mend(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Unreachable => "is it up, and reachable from here? give another endpoint with --rpc-url",
        Kind::Timeout => "give it longer with --timeout SECONDS, or another endpoint with --rpc-url",
        Kind::Denied => "check the key in the URL that the configuration or --rpc-url names",
        Kind::RateLimited => {
            "try again in a minute, lower `networks.NAME.requests_per_second`, or give another endpoint"
        }
        Kind::TooLarge => "ask for less: a smaller --window, or fewer feeds at once",
        Kind::BadAnswer => "is that the URL of a JSON-RPC endpoint? give another with --rpc-url",
        Kind::Failed => "give another endpoint with --rpc-url",
        _ => return None,
    })
}

/// Why a question has no value.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// The chain itself says so; it would everywhere.
    Final(Fault),
    /// This endpoint did not answer; another may. The fault is a predicate of it.
    Elsewhere(Fault),
}

/// What one endpoint made of a question.
pub(super) type Answered<T> = Result<T, Trouble>;

/// An answer that stands, and whose it is.
type Settled<'n, T> = (&'n Node, Result<T, Fault>);

/// What was noticed, each thing once.
#[derive(Default)]
pub(super) struct Notices(Mutex<Vec<Notice>>);

impl Notices {
    pub(super) fn add(&self, kind: NoticeKind, node: &Node, message: String) {
        let notice = Notice { kind, endpoint: node.label.clone(), message };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&notice) {
            all.push(notice);
        }
    }

    /// Forgets what was noticed of an earlier block.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn all(&self) -> Vec<Notice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A set of questions, for one endpoint or several.
#[async_trait]
pub(super) trait Questions: Sync {
    /// What answers one of them.
    type Answer: Clone + PartialEq + Send;

    /// How many there are.
    fn count(&self) -> usize;

    /// Whether all endpoints must answer this one alike.
    fn compared(&self, at: usize) -> bool;

    /// An answer in a few words.
    fn shown(&self, at: usize, answer: &Self::Answer) -> String;

    /// Has those at `slots` answered by one endpoint.
    async fn put(&self, node: &Node, slots: &[usize]) -> Vec<Answered<Self::Answer>>;
}

/// How a set of questions is put to several endpoints.
pub(super) struct Inquiry<'a> {
    pub(super) nodes: &'a [Node],
    /// How many must answer each question alike.
    pub(super) quorum: usize,
    pub(super) notices: &'a Notices,
}

impl Inquiry<'_> {
    /// Asks `quorum` endpoints each question, side by side; what one does not answer goes to the next.
    pub(super) async fn ask<Q: Questions>(&self, questions: &Q) -> Vec<Result<Q::Answer, Fault>> {
        let count = questions.count();
        let mut order: Vec<&Node> = self.nodes.iter().filter(|n| n.state().standing != Standing::Unproven).collect();
        order.sort_by_key(|node| node.state().standing == Standing::Shaky);
        let mut settled: Vec<Vec<Settled<'_, Q::Answer>>> = (0..count).map(|_| Vec::new()).collect();
        let mut troubles: Vec<Vec<(&Node, Fault)>> = vec![Vec::new(); count];
        let mut rest = order.clone();
        let mut patience = PATIENCE.iter();
        loop {
            let open: Vec<usize> = (0..count).filter(|at| settled[*at].len() < self.quorum).collect();
            let lacking = open.iter().map(|at| self.quorum - settled[*at].len()).max().unwrap_or(0);
            if lacking > 0 && rest.is_empty() {
                // Behind one URL there are often many machines, some a block behind the one that named the newest.
                let behind = |node: &&Node| {
                    open.iter().any(|at| troubles[*at].iter().any(|(of, f)| lags(f) && of.label == node.label))
                };
                rest = order.iter().copied().filter(behind).collect();
                let Some(wait) = patience.next().filter(|_| !rest.is_empty()) else { break };
                tokio::time::sleep(*wait).await;
                for troubles in &mut troubles {
                    troubles.retain(|(_, fault)| !lags(fault));
                }
            }
            let now: Vec<&Node> = rest.drain(..lacking.min(rest.len())).collect();
            if now.is_empty() {
                break;
            }
            let answers = join_all(now.iter().map(|node| questions.put(node, &open))).await;
            for (node, answers) in now.iter().zip(answers) {
                self.judge(node, &answers, order.len() > 1);
                for (at, answer) in open.iter().zip(answers) {
                    // Asked again for what it lacked, it is asked for all that is open: one endpoint has one vote.
                    if settled[*at].iter().any(|(of, _)| of.label == node.label) {
                        continue;
                    }
                    match answer {
                        Ok(value) => settled[*at].push((node, Ok(value))),
                        Err(Trouble::Final(fault)) => settled[*at].push((node, Err(fault))),
                        Err(Trouble::Elsewhere(fault)) => troubles[*at].push((node, fault)),
                    }
                }
            }
        }
        let mut disputes = Vec::new();
        let mut results = Vec::with_capacity(count);
        for (at, (answers, troubles)) in settled.into_iter().zip(troubles).enumerate() {
            let compared = questions.compared(at);
            let needed = if compared { self.quorum } else { 1 };
            let got = answers.len();
            let mut answers = answers.into_iter();
            let Some((first, answer)) = answers.next().filter(|_| got >= needed) else {
                let troubles = troubles.into_iter().map(|(node, fault)| node.says(fault)).collect();
                results.push(Err(unanswered(got, needed, troubles)));
                continue;
            };
            let other = answers.find(|(_, other)| compared && !alike(&answer, other));
            results.push(match other {
                Some((node, other)) => {
                    let words = |answer: &Result<Q::Answer, Fault>| match answer {
                        Ok(value) => questions.shown(at, value),
                        Err(fault) => fault.one_line(),
                    };
                    let (one, two) = (words(&answer), words(&other));
                    let told = format!("{} says {one}, {} says {two}", first.label, node.label);
                    disputes.push((node, first, told.clone()));
                    Err(Fault::new(Kind::Disagree, "the endpoints disagree").because(told))
                }
                None => answer,
            });
        }
        self.note_disputes(&disputes, count);
        results
    }

    /// Remembers and notes what an endpoint failed at.
    fn judge<T>(&self, node: &Node, answers: &[Answered<T>], others: bool) {
        let faults = || {
            answers.iter().filter_map(|answer| match answer {
                Err(Trouble::Elsewhere(fault)) => Some(fault),
                _ => None,
            })
        };
        if let Some(fork) = faults().find(|fault| fault.kind == Kind::Reorged) {
            self.notices.add(NoticeKind::Fork, node, fork.message.clone());
        }
        if let Some(lag) = faults().find(|fault| lags(fault)) {
            self.notices.add(NoticeKind::Lags, node, lag.message.clone());
        }
        let failed = |fault: &&Fault| !matches!(fault.kind, Kind::Reorged | Kind::Missing);
        if let Some(fault) = faults().find(failed).filter(|_| others) {
            let count = faults().filter(failed).count();
            let message =
                format!("{}; {count} of {} questions went to another endpoint", fault.one_line(), answers.len());
            self.notices.add(NoticeKind::Failed, node, message);
        }
        if faults().next().is_some() {
            node.learn(|state| state.standing = Standing::Shaky);
        }
    }

    /// One notice for each pair of endpoints, not one for each question.
    fn note_disputes(&self, disputes: &[(&Node, &Node, String)], count: usize) {
        let mut told: Vec<(&str, &str)> = Vec::new();
        for (node, first, example) in disputes {
            let pair = (node.label.as_str(), first.label.as_str());
            if told.contains(&pair) {
                continue;
            }
            told.push(pair);
            let many = disputes.iter().filter(|(n, f, _)| (n.label.as_str(), f.label.as_str()) == pair).count();
            let message = format!("answers {many} of {count} questions differently from {}: {example}", first.label);
            self.notices.add(NoticeKind::Disagrees, node, message);
        }
    }
}

/// Whether an endpoint has not got to the block yet.
fn lags(fault: &Fault) -> bool {
    fault.kind == Kind::Missing && fault.message.starts_with(LACKS)
}

/// Values must be equal; of refusals the kind.
fn alike<T: PartialEq>(one: &Result<T, Fault>, other: &Result<T, Fault>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => one == other,
        (Err(one), Err(other)) => one.kind == other.kind,
        _ => false,
    }
}

/// The fault of a question that too few endpoints answered: the first one's, with the others behind it. It is never of
/// kind [`Kind::Missing`]: an endpoint that lacks the block says nothing of what is in it.
fn unanswered(got: usize, needed: usize, mut troubles: Vec<Fault>) -> Fault {
    for fault in troubles.iter_mut().filter(|fault| fault.kind == Kind::Missing) {
        fault.kind = Kind::Unreachable;
    }
    if troubles.is_empty() && got == 0 {
        return Fault::new(Kind::Failed, "no endpoint has proven yet that it is the chain asked for");
    }
    if got > 0 || troubles.is_empty() {
        let kind = troubles.first().map_or(Kind::Unreachable, |fault| fault.kind);
        let fault = Fault::new(kind, format!("{got} of the {needed} endpoints that --quorum asks for answered"));
        return troubles.iter().fold(fault, |fault, trouble| fault.because(trouble.one_line()));
    }
    let first = troubles.remove(0);
    troubles.iter().fold(first, |fault, trouble| fault.because(trouble.one_line()))
}
